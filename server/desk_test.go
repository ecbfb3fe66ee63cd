package server_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	mcpserver "github.com/mark3labs/mcp-go/server"
	"github.com/rs/zerolog"
	"golang.org/x/oauth2"

	"linkmail/auth"
	"linkmail/cache"
	"linkmail/server"
)

const (
	tokenCanary  = "ya29.token-canary-4711"
	bearerCanary = "bearer-canary-4711"
	mailCanary   = "ada.canary@example.com"
)

// account is a mailbox that nobody has connected yet, behind real transports:
// the provider of its tokens and, over HTTP, the service that takes them.
type account struct {
	mu      sync.Mutex
	link    auth.Challenge
	done    bool  // the person is
	failure error // said once
	seen    []string
	tried   chan struct{} // gets a value for every challenge that a tool met
	clock   time.Time
}

func (a *account) Token(context.Context, auth.Request) (*oauth2.Token, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.failure; err != nil {
		a.failure = nil
		return nil, err
	}
	if !a.done {
		c := a.link
		return nil, &c
	}
	return &oauth2.Token{AccessToken: tokenCanary}, nil
}

// ServeHTTP is the service. It notes what it is asked for, and with which credential.
func (a *account) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.seen = append(a.seen, r.URL.Path+" "+r.Header.Get("Authorization"))
}

func (a *account) signIn() { a.change(func() { a.done = true }) }

func (a *account) change(how func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	how()
}

func (a *account) now() time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.clock
}

// pass lets a user's thinking time go by.
func (a *account) pass(d time.Duration) { a.change(func() { a.clock = a.clock.Add(d) }) }

// effects returns what the service was asked for.
func (a *account) effects() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]string{}, a.seen...)
}

// desk is a server in front of an account.
type desk struct {
	*account
	server *server.Server
	store  cache.Store
	log    *journal
	said   *journal                 // every message to a client
	remote string                   // where the service is
	stdio  map[*server.Server]*peer // the connection that is open
}

// at returns a desk at which a repeated call waits for that long.
func at(t *testing.T, wait time.Duration) *desk {
	t.Helper()
	a := &account{clock: expires.Add(-time.Hour), tried: make(chan struct{}, 1000)}
	a.link = auth.Challenge{
		URL: "https://broker.example/connect/WOLF-4711#fp=1", Code: "WOLF-4711", Scope: "gmail",
		Expires: a.clock.Add(10 * time.Minute), Step: 1,
	}
	service := httptest.NewServer(a)
	t.Cleanup(service.Close)
	d := &desk{account: a, store: cache.NewMemory(nil), log: &journal{}, said: &journal{}, remote: service.URL, stdio: map[*server.Server]*peer{}}
	d.server = d.open(t, wait, "ada")
	return d
}

// open starts another server, as another process would, for the user.
func (d *desk) open(t *testing.T, wait time.Duration, user string) *server.Server {
	t.Helper()
	watcher := auth.NewWatcher(auth.WatcherConfig{Provider: d.account, Every: time.Millisecond, Now: d.now})
	at, err := url.Parse(d.remote)
	if err != nil {
		t.Fatal(err)
	}
	through := &http.Client{Transport: &auth.Transport{Provider: watcher, Scope: "gmail", Hosts: []string{at.Host}}}
	uses := func(name string) mcpserver.ServerTool {
		return tool(name, func(ctx context.Context, _ mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			r, err := http.NewRequestWithContext(ctx, http.MethodPost, d.remote+"/"+name, http.NoBody)
			if err != nil {
				return nil, err
			}
			resp, err := through.Do(r)
			if err != nil {
				d.tried <- struct{}{}
				return nil, fmt.Errorf("mailbox: %s: %w", name, err)
			}
			return answering(name + " done, status " + resp.Status[:3])
		})
	}
	s, err := server.New(server.Config{
		Name: "linkmail", Version: "1", Tools: []mcpserver.ServerTool{uses("search"), uses("send")},
		Log: zerolog.New(d.log).Level(zerolog.TraceLevel), Now: d.now,
		Principal: auth.Principal{Subject: user}, Watcher: watcher, State: d.store, Wait: wait,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// hangUp ends the input of the stdio connection to s.
func (d *desk) hangUp(s *server.Server) { d.stdio[s].hangUp() }

const (
	canURL  = `{"elicitation":{"form":{},"url":{}}}`
	canForm = `{"elicitation":{}}`
	canNone = `{}`
)

// wire is one way to speak to a server: a transport and a protocol era.
type wire struct {
	name   string
	modern bool
	open   func(t *testing.T, d *desk, s *server.Server, caps string) *line
}

var wires = []wire{
	{"stdio, 2025-11-25", false, func(t *testing.T, d *desk, s *server.Server, caps string) *line {
		return overStdio(t, d, s, caps, false)
	}},
	{"stdio, 2026-07-28", true, func(t *testing.T, d *desk, s *server.Server, caps string) *line {
		return overStdio(t, d, s, caps, true)
	}},
	{"HTTP, 2025-11-25", false, func(t *testing.T, d *desk, s *server.Server, caps string) *line {
		return overHTTP(t, d, s, caps, false)
	}},
	{"HTTP, 2026-07-28", true, func(t *testing.T, d *desk, s *server.Server, caps string) *line {
		return overHTTP(t, d, s, caps, true)
	}},
	{"SSE, 2025-11-25", false, overSSE},
}

// onEachWire runs a test once for each wire, each time at a desk of its own.
func onEachWire(t *testing.T, wait time.Duration, test func(t *testing.T, d *desk, w wire)) {
	t.Helper()
	for _, w := range wires {
		t.Run(w.name, func(t *testing.T) { test(t, at(t, wait), w) })
	}
}

// line is an open connection.
type line struct {
	t      *testing.T
	modern bool
	caps   string
	ask    func(id int, message string) map[string]any
	notes  func() []string // notifications so far, as JSON
	id     int
	meta   string // further members of _meta
}

// request builds a message; params is the inside of a JSON object.
func (l *line) request(method, params string) string {
	l.id++
	var meta []string
	if l.meta != "" {
		meta = append(meta, l.meta)
	}
	if l.modern {
		meta = append(meta, `"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"t","version":"1"},"io.modelcontextprotocol/clientCapabilities":`+l.caps)
	}
	if meta != nil {
		if params != "" {
			params += ","
		}
		params += `"_meta":{` + strings.Join(meta, ",") + `}`
	}
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":%q,"params":{%s}}`, l.id, method, params)
}

// say sends a request and returns its answer.
func (l *line) say(method, params string) map[string]any {
	l.t.Helper()
	message := l.request(method, params)
	return l.ask(l.id, message)
}

// call calls a tool. more is further members of the parameters.
func (l *line) call(tool, args, more string) reply {
	l.t.Helper()
	if more != "" {
		more = "," + more
	}
	return read(l.t, l.say("tools/call", fmt.Sprintf(`"name":%q,"arguments":%s%s`, tool, args, more)))
}

func overStdio(t *testing.T, d *desk, s *server.Server, caps string, modern bool) *line {
	t.Helper()
	// A server has one client of this kind at a time.
	if before := d.stdio[s]; before != nil {
		before.hangUp()
		if err := <-before.done; err != nil {
			t.Error(err)
		}
	}
	p := dial(t.Context(), t, s)
	d.stdio[s] = p
	t.Cleanup(p.hangUp)
	var notes []string
	l := &line{t: t, modern: modern, caps: caps, notes: func() []string { return notes }}
	l.ask = func(id int, message string) map[string]any {
		p.send(message)
		for {
			m := p.recv()
			b, _ := json.Marshal(m)
			_, _ = d.said.Write(append(b, '\n'))
			if m["id"] == float64(id) {
				return m
			}
			notes = append(notes, string(b))
		}
	}
	if !modern {
		l.ask(1, strings.Replace(initialize, `"capabilities":{}`, `"capabilities":`+caps, 1))
		p.send(initialized)
		l.id = 1
	}
	return l
}

func overSSE(t *testing.T, d *desk, s *server.Server, caps string) *line {
	t.Helper()
	base, _ := serving(t, s, true)
	e := stream(t.Context(), t, base+"/sse")
	endpoint := e.next()
	if !strings.HasPrefix(endpoint, "http") {
		endpoint = base + endpoint
	}
	var notes []string
	l := &line{t: t, caps: caps, notes: func() []string { return notes }}
	l.ask = func(id int, message string) map[string]any {
		if got := request(t, "POST", endpoint, message, "Authorization", "Bearer "+bearerCanary); got.status != 202 {
			t.Fatalf("%s: %d %s", message, got.status, got.body)
		}
		for {
			text := e.next()
			_, _ = d.said.Write([]byte(text + "\n"))
			var m map[string]any
			if err := json.Unmarshal([]byte(text), &m); err != nil {
				t.Fatalf("%q is not JSON: %v", text, err)
			}
			if m["id"] == float64(id) {
				return m
			}
			notes = append(notes, text)
		}
	}
	l.ask(1, strings.Replace(initialize, `"capabilities":{}`, `"capabilities":`+caps, 1))
	l.id = 1
	return l
}

func overHTTP(t *testing.T, d *desk, s *server.Server, caps string, modern bool) *line {
	t.Helper()
	base, _ := serving(t, s, false)
	return onServed(t, d, base, caps, modern)
}

// onServed opens a line to a server that serves already.
func onServed(t *testing.T, d *desk, base, caps string, modern bool) *line {
	t.Helper()
	var session string
	var mu sync.Mutex
	var notes []string
	l := &line{t: t, modern: modern, caps: caps, notes: func() []string {
		mu.Lock()
		defer mu.Unlock()
		return append([]string{}, notes...)
	}}
	l.ask = func(id int, message string) map[string]any {
		head := []string{"Authorization", "Bearer " + bearerCanary}
		if session != "" {
			head = append(head, "Mcp-Session-Id", session)
		}
		if modern {
			head = append(head, "Mcp-Protocol-Version", "2026-07-28", "Mcp-Method", "tools/call")
			for _, name := range []string{"search", "send"} {
				if strings.Contains(message, `"name":"`+name+`"`) {
					head = append(head, "Mcp-Name", name)
				}
			}
		}
		got := request(t, "POST", base+"/mcp", message, head...)
		if got.status != 200 {
			t.Fatalf("%s: %d %s", message, got.status, got.body)
		}
		_, _ = d.said.Write([]byte(got.body + "\n"))
		if session == "" {
			session = got.header.Get("Mcp-Session-Id")
		}
		var answer map[string]any
		for _, text := range messagesOf(got) {
			var m map[string]any
			if err := json.Unmarshal([]byte(text), &m); err != nil {
				t.Fatalf("%q is not JSON: %v", text, err)
			}
			if m["id"] == float64(id) {
				answer = m
				continue
			}
			mu.Lock()
			notes = append(notes, text)
			mu.Unlock()
		}
		if answer == nil {
			t.Fatalf("no answer to %d in %s", id, got.body)
		}
		return answer
	}
	if !modern {
		l.ask(1, strings.Replace(initialize, `"capabilities":{}`, `"capabilities":`+caps, 1))
		l.id = 1
	}
	t.Cleanup(func() { session = "" })
	return l
}

// messagesOf returns the messages of an answer, which may be a stream.
func messagesOf(g got) []string {
	if !strings.HasPrefix(g.header.Get("Content-Type"), "text/event-stream") {
		return []string{g.body}
	}
	var all []string
	for one := range strings.Lines(g.body) {
		if data, ok := strings.CutPrefix(one, "data:"); ok {
			all = append(all, strings.TrimSpace(data))
		}
	}
	return all
}

// dialogParams is what a client is told to show.
type dialogParams struct {
	Mode, Message, URL, ElicitationID string
}

// reply is an answer, sorted into its forms.
type reply struct {
	raw    string
	code   int    // of a protocol error
	text   string // of a result
	status string // of its envelope
	failed bool   // isError
	ask    []dialogParams
	state  string
}

func read(t *testing.T, m map[string]any) reply {
	t.Helper()
	raw, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	var in struct {
		Error *struct {
			Code int
			Data struct{ Elicitations []dialogParams }
		}
		Result struct {
			IsError           bool
			Content           []struct{ Text string }
			StructuredContent struct{ Status string }
			ResultType        string
			RequestState      string
			InputRequests     map[string]struct {
				Method string
				Params dialogParams
			}
		}
	}
	if err := json.Unmarshal(raw, &in); err != nil {
		t.Fatal(err)
	}
	r := reply{raw: string(raw), failed: in.Result.IsError, status: in.Result.StructuredContent.Status, state: in.Result.RequestState}
	if in.Error != nil {
		r.code, r.ask = in.Error.Code, in.Error.Data.Elicitations
	}
	for _, c := range in.Result.Content {
		r.text += c.Text
	}
	for _, q := range in.Result.InputRequests {
		if q.Method != "elicitation/create" || in.Result.ResultType != "input_required" {
			t.Errorf("the client is asked for %s in a result of type %q", q.Method, in.Result.ResultType)
		}
		r.ask = append(r.ask, q.Params)
	}
	return r
}

// elicited fails unless r puts one link before the user.
func (r reply) elicited(t *testing.T, w wire) dialogParams {
	t.Helper()
	wantCode := -32042
	if w.modern {
		wantCode = 0
	}
	if len(r.ask) != 1 || r.code != wantCode || (r.state != "") != w.modern {
		t.Fatalf("got %s, want the link in a dialog", r.raw)
	}
	return r.ask[0]
}

// words fails unless r tells the link in words.
func (r reply) words(t *testing.T) {
	t.Helper()
	if r.status != "auth_required" || r.failed || len(r.ask) != 0 || r.code != 0 || !strings.Contains(r.text, "WOLF-") {
		t.Fatalf("got %s, want a result with status auth_required", r.raw)
	}
}

// ok fails unless r is the tool's answer.
func (r reply) ok(t *testing.T, tool string) {
	t.Helper()
	if r.text != tool+" done, status 200" || r.failed {
		t.Fatalf("got %s, want the answer of %s", r.raw, tool)
	}
}

// answered is what a client of the newer protocol adds to a repeated call.
func answered(state, action string) string {
	return fmt.Sprintf(`"requestState":%q,"inputResponses":{"sign_in":{"action":%q}}`, state, action)
}

// again is what a client adds when its user has agreed to open the link.
func (w wire) again(first reply) string {
	if w.modern {
		return answered(first.state, "accept")
	}
	return ""
}

// broken is a store that takes nothing.
type broken struct{ cache.Store }

var errFull = errors.New("the disk is full")

func (broken) Get(context.Context, string) ([]byte, error) { return nil, cache.ErrNotFound }

func (broken) Put(context.Context, string, []byte, time.Duration) error { return errFull }

func (broken) Lock(context.Context, string) (func(), error) { return func() {}, nil }
