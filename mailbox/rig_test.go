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
	"sync"
	"syscall"
	"testing"
	"time"

	"linkmail/internal/standin"
	"linkmail/mailbox"
)

const gmailModify = "https://www.googleapis.com/auth/gmail.modify"

// rig is a client of a stand-in Gmail, with TLS and HTTP/2 as Gmail has them.
// The network is inside the process, so that in a synctest bubble time passes
// at once and exactly: a test can then count round trips (the world's delay)
// and wait out retries.
type rig struct {
	*mailbox.Client
	world *standin.World
	base  *http.Transport
	auth  http.RoundTripper // base with a token
	stop  func()            // makes Gmail unreachable
}

func newRig(tb testing.TB, world standin.Config, change ...func(*mailbox.Config)) *rig {
	tb.Helper()
	w := standin.NewWorld(world)
	base, stop := serve(tb, w.Gmail(), true)
	token := w.IssueToken(standin.DefaultUser, []string{gmailModify, standin.ScopeSettings}, 24*time.Hour)
	auth := bearer{token: token, base: base}
	cfg := mailbox.Config{
		HTTP:     func(string) http.RoundTripper { return auth },
		Endpoint: endpoint,
	}
	for _, f := range change {
		f(&cfg)
	}
	c, err := mailbox.New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return &rig{Client: c, world: w, base: base, auth: auth, stop: stop}
}

// endpoint is the name for which the test server has a certificate.
const endpoint = "https://example.com/"

// serve starts a server on a network of its own, and returns a transport into
// that and how to stop it.
func serve(tb testing.TB, h http.Handler, http2 bool, change ...func(*http.Server)) (base *http.Transport, stop func()) {
	tb.Helper()
	s := httptest.NewUnstartedServer(h)
	for _, f := range change {
		f(s.Config)
	}
	_ = s.Listener.Close()
	pipes := &pipeListener{conns: make(chan net.Conn), done: make(chan struct{})}
	s.Listener = pipes
	s.EnableHTTP2 = http2
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	base, ok := s.Client().Transport.(*http.Transport)
	if !ok {
		tb.Fatal("the test server's client has a transport of another type")
	}
	base.DialContext = pipes.dial
	stop = func() {
		s.CloseClientConnections()
		_ = pipes.Close()
		base.CloseIdleConnections()
	}
	tb.Cleanup(func() {
		stop()
		s.Close()
	})
	return base, stop
}

// pipeListener is a network inside the process.
type pipeListener struct {
	conns  chan net.Conn
	done   chan struct{}
	closed sync.Once
}

func (l *pipeListener) dial(ctx context.Context, _, _ string) (net.Conn, error) {
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

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error   { l.closed.Do(func() { close(l.done) }); return nil }
func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

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
