package server_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"linkmail/server"
)

// serving starts s on a loopback port and returns its base URL. stop ends it
// and returns what Serve did.
func serving(t *testing.T, s *server.Server, sse bool) (base string, stop func() error) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h, err := s.HTTP(server.HTTPConfig{Addr: ln.Addr().String(), SSE: sse, Origins: []string{"http://inspector.example:6274"}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- h.Serve(ctx, ln) }()
	ended := false
	stop = func() error {
		if ended {
			return nil
		}
		ended = true
		cancel()
		return <-done
	}
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	return "http://" + ln.Addr().String(), stop
}

// client has no more than a test needs.
var client = &http.Client{Timeout: time.Minute}

// got is an answer over HTTP.
type got struct {
	status int
	header http.Header
	body   string
}

// request sends one and returns the answer. It may run beside the test, so it
// only marks a failure.
func request(t *testing.T, method, url, body string, head ...string) got {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Error(err)
		return got{}
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Accept", "application/json, text/event-stream")
	}
	for i := 0; i < len(head); i += 2 {
		if head[i] == "Host" {
			r.Host = head[i+1]
		}
		r.Header.Set(head[i], head[i+1])
	}
	resp, err := client.Do(r)
	if err != nil {
		t.Error(err)
		return got{}
	}
	b, err := io.ReadAll(resp.Body)
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		t.Error(err)
	}
	return got{resp.StatusCode, resp.Header, string(b)}
}

// session opens one and returns its id.
func session(t *testing.T, base string) string {
	t.Helper()
	got := request(t, "POST", base+"/mcp", initialize)
	id := got.header.Get("Mcp-Session-Id")
	if got.status != 200 || id == "" {
		t.Fatalf("initialize: %d %s, session %q", got.status, got.body, id)
	}
	return id
}

func TestHTTPRefuses(t *testing.T) {
	s, log := newServer(t, nil, nil)
	base, _ := serving(t, s, true)
	own := strings.TrimPrefix(base, "http://")
	_, port, _ := net.SplitHostPort(own)
	id := session(t, base)
	forged := "mcp-session-0b9b7c1e-7d7c-4c3f-9f0e-3f6d2a1b5c4d"
	ping := `{"jsonrpc":"2.0","id":1,"method":"ping"}`
	large := `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":"` + strings.Repeat("x", 1<<20) + `"}}`
	for _, test := range []struct {
		name, method, path, body string
		head                     []string
		want                     int
	}{
		{"a page of another origin", "POST", "/mcp", initialize, []string{"Origin", "https://evil.example"}, 403},
		{"a page without an origin of its own", "POST", "/mcp", initialize, []string{"Origin", "null"}, 403},
		{"a page on another port of this machine", "POST", "/mcp", initialize, []string{"Origin", "http://127.0.0.1:1"}, 403},
		{"a rebound name", "POST", "/mcp", initialize, []string{"Host", "evil.example:" + port}, 403},
		{"a rebound name that agrees with its origin", "POST", "/mcp", initialize, []string{"Host", "evil.example:" + port, "Origin", "http://evil.example:" + port}, 403},
		{"this address with another port", "POST", "/mcp", initialize, []string{"Host", "127.0.0.1:1"}, 403},
		{"a stream for another origin", "GET", "/sse", "", []string{"Origin", "https://evil.example"}, 403},
		{"a message from another origin", "POST", "/message?sessionId=x", ping, []string{"Origin", "https://evil.example"}, 403},
		{"another origin everywhere", "GET", "/nothing", "", []string{"Origin", "https://evil.example"}, 403},
		{"a body above a mebibyte", "POST", "/mcp", large, nil, 413},
		{"text that a page may send without asking", "POST", "/mcp", initialize, []string{"Content-Type", "text/plain"}, 415},
		{"a body of no type", "POST", "/mcp", initialize, []string{"Content-Type", ""}, 415},
		{"a forged session on POST", "POST", "/mcp", ping, []string{"Mcp-Session-Id", forged}, 404},
		{"a forged session on GET", "GET", "/mcp", "", []string{"Mcp-Session-Id", forged}, 404},
		{"a forged session on DELETE", "DELETE", "/mcp", "", []string{"Mcp-Session-Id", forged}, 404},
		{"a session with another MAC", "POST", "/mcp", ping, []string{"Mcp-Session-Id", id[:len(id)-4] + flip(id[len(id)-4]) + id[len(id)-3:]}, 404},
		{"a session that was made younger", "POST", "/mcp", ping, []string{"Mcp-Session-Id", strings.Replace(id, ".", ".1", 1)}, 404},
		{"a session of the other transport", "POST", "/message?sessionId=" + id, ping, nil, 404},
		{"a message to no session", "POST", "/message", ping, nil, 404},
		{"the end of no session", "DELETE", "/mcp", "", nil, 400},
		{"another method", "PUT", "/mcp", "", nil, 405},
		{"a preflight", "OPTIONS", "/mcp", "", []string{"Origin", "http://inspector.example:6274"}, 405},
		{"nothing of its own origin", "POST", "/mcp", initialize, []string{"Origin", base}, 200},
		{"nothing of a configured origin", "POST", "/mcp", initialize, []string{"Origin", "http://inspector.example:6274"}, 200},
		{"nothing of localhost", "POST", "/mcp", initialize, []string{"Host", "localhost:" + port}, 200},
		{"nothing with a session", "POST", "/mcp", ping, []string{"Mcp-Session-Id", id}, 200},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := request(t, test.method, base+test.path, test.body, test.head...)
			if got.status != test.want {
				t.Errorf("status = %d %s, want %d", got.status, got.body, test.want)
			}
			if allowed := got.header.Get("Access-Control-Allow-Origin"); allowed != "" {
				t.Errorf("Access-Control-Allow-Origin = %q, want none", allowed)
			}
		})
	}
	for _, word := range []string{"evil", forged, id} {
		if strings.Contains(log.String(), word) {
			t.Errorf("the log quotes %q of a request", word)
		}
	}
}

func TestHTTPSessionEndsWithDelete(t *testing.T) {
	s, _ := newServer(t, nil, nil)
	base, _ := serving(t, s, false)
	id, other := session(t, base), session(t, base)
	if got := request(t, "DELETE", base+"/mcp", "", "Mcp-Session-Id", id); got.status != 200 {
		t.Fatalf("DELETE: %d %s", got.status, got.body)
	}
	for _, method := range []string{"POST", "GET", "DELETE"} {
		if got := request(t, method, base+"/mcp", call(1, "whoami"), "Mcp-Session-Id", id); got.status != 404 {
			t.Errorf("%s after DELETE: %d, want 404", method, got.status)
		}
	}
	if got := request(t, "POST", base+"/mcp", call(1, "whoami"), "Mcp-Session-Id", other); got.status != 200 {
		t.Errorf("another session got %d, want 200", got.status)
	}
}

func TestSessionIDsEndAfterADay(t *testing.T) {
	now := time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)
	ids := server.NewSessionIDs(func() time.Time { return now })
	id := ids.IssueMCP("alice")
	if !ids.ValidMCP("alice", id) {
		t.Error("a fresh id is not valid")
	}
	if ids.ValidMCP("bob", id) {
		t.Error("an id is valid for another user")
	}
	now = now.Add(24*time.Hour - time.Second)
	if !ids.ValidMCP("alice", id) {
		t.Error("an id ended before its day")
	}
	now = now.Add(time.Second)
	if ids.ValidMCP("alice", id) {
		t.Error("an id outlived its day")
	}
	for _, bad := range []string{"", ".", "..", "a.b", "a.b.c", "é.1.x"} {
		if ids.ValidMCP("alice", bad) {
			t.Errorf("%q is a valid id", bad)
		}
	}
}

func TestHTTPAnswersInBothProtocolEras(t *testing.T) {
	s, _ := newServer(t, nil, nil)
	base, _ := serving(t, s, false)
	id := session(t, base)
	list := func(extra string) string {
		return `{"jsonrpc":"2.0","id":2,"method":"tools/list","params":{` + extra + `}}`
	}
	for _, test := range []struct {
		name, body string
		head       []string
	}{
		{"with a session", list(""), []string{"Mcp-Session-Id", id}},
		{"without a handshake", list(modernMeta), []string{"Mcp-Protocol-Version", "2026-07-28", "Mcp-Method", "tools/list"}},
	} {
		got := request(t, "POST", base+"/mcp", test.body, test.head...)
		if got.status != 200 || !strings.Contains(got.body, `"whoami"`) {
			t.Errorf("%s: %d %s", test.name, got.status, got.body)
		}
	}
	got := request(t, "POST", base+"/mcp", call(3, "challenge"), "Mcp-Session-Id", id)
	if got.status != 200 || !strings.Contains(got.body, `"status":"auth_required"`) || strings.Contains(got.body, `"isError"`) {
		t.Errorf("a challenge over HTTP: %d %s", got.status, got.body)
	}
}

func TestHTTPCancellationStaysInItsSession(t *testing.T) {
	const modernCall = `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"wait","arguments":{},` + modernMeta + `}}`
	modernHead := []string{"Mcp-Protocol-Version", "2026-07-28", "Mcp-Method", "tools/call", "Mcp-Name", "wait"}
	cancel := `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7%s}}`
	for _, test := range []struct {
		name string
		body string
		head func(own string) []string
	}{
		{"without a session", fmt.Sprintf(cancel, ""), func(string) []string { return nil }},
		{"of a newer client", fmt.Sprintf(cancel, ","+modernMeta), func(string) []string {
			return []string{"Mcp-Protocol-Version", "2026-07-28", "Mcp-Method", "notifications/cancelled"}
		}},
		{"of a newer client that also has a session", fmt.Sprintf(cancel, ","+modernMeta), func(own string) []string {
			return []string{"Mcp-Protocol-Version", "2026-07-28", "Mcp-Method", "notifications/cancelled", "Mcp-Session-Id", own}
		}},
		{"of another session", fmt.Sprintf(cancel, ""), func(own string) []string { return []string{"Mcp-Session-Id", own} }},
	} {
		t.Run(test.name, func(t *testing.T) {
			started, hold := make(chan struct{}, 2), make(chan struct{})
			s, _ := newServer(t, started, hold)
			base, _ := serving(t, s, false)
			victim, own := session(t, base), session(t, base)
			answers := make(chan string, 2)
			go func() {
				got := request(t, "POST", base+"/mcp", modernCall, modernHead...)
				answers <- got.body
			}()
			go func() {
				got := request(t, "POST", base+"/mcp", call(7, "wait"), "Mcp-Session-Id", victim)
				answers <- got.body
			}()
			<-started
			<-started
			if got := request(t, "POST", base+"/mcp", test.body, test.head(own)...); got.status != 202 {
				t.Errorf("the cancellation was answered %d %s, want 202", got.status, got.body)
			}
			close(hold)
			for range 2 {
				if got := <-answers; !strings.Contains(got, "waited") {
					t.Errorf("somebody's call was cancelled: %s", got)
				}
			}
		})
	}
}

// events reads a stream of server-sent events.
type events struct {
	t      *testing.T
	header http.Header
	r      *bufio.Reader
}

func stream(ctx context.Context, t *testing.T, url string, head ...string) events {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, "GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(head); i += 2 {
		r.Header.Set(head[i], head[i+1])
	}
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := resp.Body.Close(); err != nil {
			t.Error(err)
		}
	})
	return events{t, resp.Header, bufio.NewReader(resp.Body)}
}

// next returns the data of the next event.
func (e events) next() string {
	e.t.Helper()
	data := ""
	for {
		text, err := e.r.ReadString('\n')
		if err != nil {
			e.t.Fatalf("read an event: %v", err)
		}
		text = strings.TrimSpace(text)
		if value, ok := strings.CutPrefix(text, "data:"); ok {
			data = strings.TrimSpace(value)
		}
		if text == "" && data != "" {
			return data
		}
	}
}

func TestSSEServesItsOwnClientsOnly(t *testing.T) {
	s, _ := newServer(t, nil, nil)
	base, _ := serving(t, s, true)
	ctx, hangUp := context.WithCancel(t.Context())
	e := stream(ctx, t, base+"/sse")
	if got := e.header.Get("X-Accel-Buffering"); got != "no" {
		t.Errorf("X-Accel-Buffering = %q, want no", got)
	}
	if got := e.header.Get("Access-Control-Allow-Origin"); got != "" {
		t.Errorf("Access-Control-Allow-Origin = %q, want none", got)
	}
	endpoint := e.next()
	// Some clients name the version on this transport too, which mcp-go minds.
	for _, version := range []string{"", "2025-11-25", "2026-07-28"} {
		head := []string{"X-Any", "x"}
		if version != "" {
			head = append(head, "Mcp-Protocol-Version", version)
		}
		if got := request(t, "POST", base+endpoint, call(4, "whoami"), head...); got.status != 202 {
			t.Fatalf("a message was answered %d %s, want 202", got.status, got.body)
		}
		data := e.next()
		var m map[string]any
		if err := json.Unmarshal([]byte(data), &m); err != nil {
			t.Fatal(err)
		}
		if got := textIn(t, m); got != "local" {
			t.Errorf("answer = %q, want local", got)
		}
	}
	hangUp()
	// The server sees the end of the stream a moment later than the client.
	deadline := time.Now().Add(10 * time.Second)
	for {
		got := request(t, "POST", base+endpoint, call(5, "whoami"))
		if got.status == 404 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("a message to an ended stream: %d, want 404", got.status)
		}
	}
}

func TestSSEIsOffUnlessConfigured(t *testing.T) {
	s, _ := newServer(t, nil, nil)
	base, _ := serving(t, s, false)
	if got := request(t, "GET", base+"/sse", ""); got.status != 404 {
		t.Errorf("GET /sse: %d, want 404", got.status)
	}
}

func TestHTTPEndsWithOpenStreamsAndRunningCalls(t *testing.T) {
	started, hold := make(chan struct{}, 1), make(chan struct{})
	s, _ := newServer(t, started, hold)
	base, stop := serving(t, s, true)
	id := session(t, base)
	stream(t.Context(), t, base+"/mcp", "Mcp-Session-Id", id, "Accept", "text/event-stream")
	stream(t.Context(), t, base+"/sse").next()
	answer := make(chan string, 1)
	go func() {
		got := request(t, "POST", base+"/mcp", call(1, "wait"), "Mcp-Session-Id", id)
		answer <- got.body
	}()
	<-started
	stopped := make(chan error, 1)
	go func() { stopped <- stop() }()
	close(hold)
	if got := <-answer; !strings.Contains(got, "waited") {
		t.Errorf("the running call was answered %q", got)
	}
	if err := <-stopped; err != nil {
		t.Errorf("Serve = %v, want nil", err)
	}
}

func TestLoopbackOnly(t *testing.T) {
	for _, addr := range []string{"127.0.0.1:8765", "127.8.9.1:0", "[::1]:8765", "localhost:8765", "LOCALHOST:1", "[::ffff:127.0.0.1]:1"} {
		if err := server.Loopback(addr); err != nil {
			t.Errorf("Loopback(%q) = %v", addr, err)
		}
	}
	s, _ := newServer(t, nil, nil)
	for _, addr := range []string{"", ":8765", "0.0.0.0:8765", "[::]:8765", "192.168.1.2:80", "example.com:80", "127.0.0.1", "127.0.0.1:", "localhost.evil.example:80", "2130706433:80"} {
		if err := server.Loopback(addr); err == nil {
			t.Errorf("Loopback(%q) accepts it", addr)
		}
		if _, err := s.HTTP(server.HTTPConfig{Addr: addr}); err == nil {
			t.Errorf("HTTP serves %q", addr)
		}
	}
}
