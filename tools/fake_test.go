package tools_test

import (
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	mcpserver "github.com/mark3labs/mcp-go/server"

	"linkmail/mailbox"
	"linkmail/tools"
)

// box is a mailbox in memory. What Gmail does is not the matter here; what the
// tools make of it is.
type box struct {
	tools.Mailbox // none: what a test does not play it does not call

	mu       sync.Mutex
	page     mailbox.Page
	messages map[string]mailbox.Message
	failures map[string]error // by message id
	searched []mailbox.Query
	sent     []mailbox.Outgoing
	drafted  []mailbox.Outgoing
	sendErr  error
	checkErr error
	checked  int
	own      string // the default sender
	sending  func() // called by Send
	outcome  mailbox.Outcome
	accounts int      // how often the account was asked for
	known    []string // whom the account has written to
}

var _ tools.Mailbox = (*box)(nil)

func (b *box) Search(_ context.Context, q mailbox.Query) (mailbox.Page, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.searched = append(b.searched, q)
	return b.page, nil
}

func (b *box) Read(_ context.Context, id string, _ mailbox.Format) (mailbox.Message, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.failures[id]; err != nil {
		return mailbox.Message{}, err
	}
	m, ok := b.messages[id]
	if !ok {
		return m, &mailbox.Error{Code: "not_found", Message: "no mail has this id"}
	}
	return m, nil
}

func (b *box) Send(_ context.Context, mail mailbox.Outgoing) (mailbox.Receipt, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.sending != nil {
		b.sending()
	}
	if b.sendErr != nil {
		return mailbox.Receipt{}, b.sendErr
	}
	b.sent = append(b.sent, mail)
	r := mailbox.Receipt{Outcome: mailbox.Sent, ID: "18c0000000000001", ThreadID: "18c0000000000001", Subject: mail.Subject}
	if b.outcome != "" {
		r.Outcome, r.Note = b.outcome, "check Sent before retrying"
	}
	return r, nil
}

func (b *box) Check(_ context.Context, mail mailbox.Outgoing) (mailbox.Receipt, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.checked++
	r := mailbox.Receipt{Outcome: mailbox.NotSent, From: mailbox.Address{Email: "me@example.com"}, Subject: mail.Subject}
	if b.own != "" {
		r.From.Email = b.own
	}
	if mail.From != "" {
		r.From.Email = mail.From
	}
	return r, b.checkErr
}

func (b *box) Draft(_ context.Context, mail mailbox.Outgoing) (mailbox.Receipt, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.drafted = append(b.drafted, mail)
	return mailbox.Receipt{Outcome: mailbox.Drafted, ID: "18c0000000000002", ThreadID: "18c0000000000002", DraftID: "r-77", Subject: mail.Subject}, nil
}

func (b *box) Knows(_ context.Context, address string) (bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Contains(b.known, address), b.checkErr
}

func (b *box) WithSignature(_ context.Context, mail mailbox.Outgoing) (mailbox.Outgoing, error) {
	return mail, nil
}

func (b *box) Account(context.Context) (string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.accounts++
	return "me@example.com", nil
}

// shelf is a store in memory, as the cache is one.
type shelf struct {
	mu     sync.Mutex
	values map[string][]byte
	locks  map[string]chan struct{}
	broken error // of every Put
}

func newShelf() *shelf {
	return &shelf{values: map[string][]byte{}, locks: map[string]chan struct{}{}}
}

func (s *shelf) Get(_ context.Context, key string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.values[key]
	if !ok {
		return nil, errors.New("not found")
	}
	return v, nil
}

func (s *shelf) Put(_ context.Context, key string, value []byte, _ time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken == nil {
		s.values[key] = value
	}
	return s.broken
}

func (s *shelf) Delete(_ context.Context, key string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.values, key)
	return nil
}

func (s *shelf) Lock(ctx context.Context, key string) (func(), error) {
	s.mu.Lock()
	lock, ok := s.locks[key]
	if !ok {
		lock = make(chan struct{}, 1)
		s.locks[key] = lock
	}
	s.mu.Unlock()
	select {
	case lock <- struct{}{}:
		return func() { <-lock }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// berlin is a zone that is not the machine's.
var berlin = time.FixedZone("Berlin", 3600)

func find(t testing.TB, cfg tools.Config, name string) mcpserver.ServerTool {
	t.Helper()
	if cfg.Zone == nil {
		cfg.Zone = berlin
	}
	return among(t, tools.Catalogue(cfg), name)
}

func among(t testing.TB, catalogue []mcpserver.ServerTool, name string) mcpserver.ServerTool {
	t.Helper()
	for _, one := range catalogue {
		if one.Tool.Name == name {
			return one
		}
	}
	t.Fatalf("there is no tool %s", name)
	return mcpserver.ServerTool{}
}

// answer is what a tool answered: its text, and its envelope as JSON would
// carry it.
type answer struct {
	text     string
	envelope map[string]any
}

func (a answer) data() map[string]any {
	data, _ := a.envelope["data"].(map[string]any)
	return data
}

// items returns data.items.
func (a answer) items(t testing.TB) []map[string]any {
	t.Helper()
	list, ok := a.data()["items"].([]any)
	if !ok {
		t.Fatalf("%v has no data.items", a.envelope)
	}
	var items []map[string]any
	for _, one := range list {
		item, ok := one.(map[string]any)
		if !ok {
			t.Fatalf("%v is no item", one)
		}
		items = append(items, item)
	}
	return items
}

// field returns one text of data.
func (a answer) field(t testing.TB, name string) string {
	t.Helper()
	s, ok := a.data()[name].(string)
	if !ok {
		t.Fatalf("%v has no text data.%s", a.envelope, name)
	}
	return s
}

// run calls a tool with arguments as JSON, as a process of its own would.
func run(t testing.TB, cfg tools.Config, name, args string) (answer, error) {
	t.Helper()
	if cfg.Zone == nil {
		cfg.Zone = berlin
	}
	return with(t, tools.Catalogue(cfg), name, args)
}

// with is run for a catalogue that is used for more than one call.
func with(t testing.TB, catalogue []mcpserver.ServerTool, name, args string) (answer, error) {
	t.Helper()
	one := among(t, catalogue, name)
	var req mcp.CallToolRequest
	req.Params.Name = name
	req.Params.RawArguments = json.RawMessage(args)
	result, err := one.Handler(t.Context(), req)
	if err != nil {
		return answer{}, err
	}
	if result.IsError || len(result.Content) != 1 {
		t.Fatalf("%s answered %+v, want one text and no error", name, result)
	}
	b, err := json.Marshal(result.StructuredContent)
	if err != nil {
		t.Fatal(err)
	}
	content, ok := result.Content[0].(mcp.TextContent)
	if !ok {
		t.Fatalf("%s answered %T, want text", name, result.Content[0])
	}
	a := answer{text: content.Text}
	if err := json.Unmarshal(b, &a.envelope); err != nil {
		t.Fatal(err)
	}
	validate(t, one.Tool.RawOutputSchema, b)
	return a, nil
}

// must is run for a call that has to work.
func must(t testing.TB, cfg tools.Config, name, args string) answer {
	t.Helper()
	a, err := run(t, cfg, name, args)
	if err != nil {
		t.Fatalf("%s(%s): %v", name, args, err)
	}
	return a
}

var nonce = regexp.MustCompile(`nonce=([a-z2-7]{10})`)

// unfenced replaces the nonces, which differ from call to call.
func unfenced(s string) string { return nonce.ReplaceAllString(s, "nonce=N") }
