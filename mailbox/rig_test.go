package mailbox_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"linkmail/internal/standin"
	"linkmail/mailbox"
)

const gmailModify = "https://www.googleapis.com/auth/gmail.modify"

// rig is a client of a stand-in Gmail over real HTTP.
type rig struct {
	*mailbox.Client
	world  *standin.World
	server *httptest.Server
}

// newRig starts a world with TLS and HTTP/2, as Gmail has them.
func newRig(tb testing.TB, world standin.Config, change ...func(*mailbox.Config)) *rig {
	tb.Helper()
	w := standin.NewWorld(world)
	s := httptest.NewUnstartedServer(w.Gmail())
	s.EnableHTTP2 = true
	s.StartTLS()
	tb.Cleanup(s.Close)
	token := w.IssueToken(standin.DefaultUser, []string{gmailModify}, time.Hour)
	r := &rig{world: w, server: s}
	cfg := mailbox.Config{
		HTTP: func(string) http.RoundTripper {
			return bearer{token: token, base: s.Client().Transport}
		},
		Endpoint: s.URL,
		Version:  "1.2.3",
	}
	for _, f := range change {
		f(&cfg)
	}
	c, err := mailbox.New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	r.Client = c
	return r
}

// newBubbleRig starts a world over pipes, inside a synctest bubble: time
// passes at once and exactly, so a test can count round trips and wait out
// retries. The world's delay is one round trip.
func newBubbleRig(tb testing.TB, world standin.Config, change ...func(*mailbox.Config)) *rig {
	tb.Helper()
	w := standin.NewWorld(world)
	pipes := pipeListener{conns: make(chan net.Conn), done: make(chan struct{})}
	server := &http.Server{Handler: w.Gmail(), ErrorLog: log.New(io.Discard, "", 0)}
	go func() { _ = server.Serve(pipes) }()
	base := &http.Transport{DialContext: pipes.dial}
	tb.Cleanup(func() {
		base.CloseIdleConnections()
		_ = server.Close()
	})
	token := w.IssueToken(standin.DefaultUser, []string{gmailModify}, time.Hour)
	cfg := mailbox.Config{
		HTTP:     func(string) http.RoundTripper { return bearer{token: token, base: base} },
		Endpoint: "http://127.0.0.1/",
	}
	for _, f := range change {
		f(&cfg)
	}
	c, err := mailbox.New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return &rig{Client: c, world: w}
}

// pipeListener is a network inside the process.
type pipeListener struct {
	conns chan net.Conn
	done  chan struct{}
}

func (l pipeListener) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case l.conns <- there:
		return here, nil
	case <-l.done:
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (l pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l pipeListener) Close() error   { close(l.done); return nil }
func (l pipeListener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

// bearer authorizes requests with a fixed token.
type bearer struct {
	token string
	base  http.RoundTripper
}

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+b.token)
	return b.base.RoundTrip(r)
}

// warm makes the client know its account, labels and position, and the list of
// requests empty.
func (r *rig) warm(tb testing.TB) {
	tb.Helper()
	if err := r.Warm(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	r.world.ForgetSeen()
}

// seen counts the requests so far by their kind, the parts of batches apart.
func (r *rig) seen() map[string]int {
	n := map[string]int{}
	for _, s := range r.world.Seen() {
		n[kindOf(s)]++
	}
	return n
}

func kindOf(s standin.Seen) string {
	path := strings.TrimPrefix(s.Path, "/gmail/v1/users/me/")
	switch {
	case s.Service == "gmail-part":
		return "part"
	case strings.HasPrefix(s.Path, "/batch"):
		return "batch"
	case path == "messages" && strings.Contains(s.Query, "has%3Aattachment"):
		return "attachment list"
	case path == "messages":
		return "list"
	case path == "messages/send":
		return "send"
	case strings.HasPrefix(path, "messages/"):
		return "get"
	}
	return path
}

// batchSizes returns the number of parts of each batch so far.
func (r *rig) batchSizes() (sizes []int) {
	for _, s := range r.world.Seen() {
		if strings.HasPrefix(s.Path, "/batch") {
			sizes = append(sizes, s.Parts)
		}
	}
	return sizes
}

func idsOf(items []mailbox.Summary) []string {
	ids := make([]string, 0, len(items))
	for _, s := range items {
		ids = append(ids, s.ID)
	}
	return ids
}

// search fails the test if the search fails. It may run beside the test.
func (r *rig) search(tb testing.TB, q mailbox.Query) mailbox.Page {
	tb.Helper()
	page, err := r.Search(tb.Context(), q)
	if err != nil {
		tb.Errorf("search for %q: %v", q.Text, err)
	}
	return page
}

// fill delivers n mails; each tenth has one of the subjects filler0 to filler9.
func (r *rig) fill(n int) {
	for i := range n {
		r.deliver(fmt.Sprintf("From: Fay <fay@example.net>\r\nSubject: filler%d\r\n\r\nNumber %d.\r\n", i%10, i))
	}
}

func (r *rig) deliver(raw string, labels ...string) string {
	return r.world.Deliver(standin.DefaultUser, []byte(raw), labels...)
}

// statuses counts the answers of a service by their status.
func (r *rig) statuses(service string) map[int]int {
	n := map[int]int{}
	for _, s := range r.world.Seen() {
		if s.Service == service {
			n[s.Status]++
		}
	}
	return n
}

// faultFor answers every request whose path contains part with f.
func faultFor(part string, f *standin.Fault) func(*http.Request) *standin.Fault {
	return func(r *http.Request) *standin.Fault {
		if strings.Contains(r.URL.Path, part) {
			return f
		}
		return nil
	}
}
