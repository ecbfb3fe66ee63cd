package server_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"linkmail/server"
)

// peer is the client's side of a stdio connection over real pipes.
type peer struct {
	t    *testing.T
	in   *os.File
	out  *bufio.Reader
	done chan error
}

func dial(ctx context.Context, t *testing.T, s *server.Server) *peer {
	t.Helper()
	serverIn, clientOut := pipe(t)
	clientIn, serverOut := pipe(t)
	p := &peer{t: t, in: clientOut, out: bufio.NewReader(clientIn), done: make(chan error, 1)}
	go func() {
		err := s.Stdio(ctx, serverIn, serverOut)
		p.done <- errors.Join(err, serverOut.Close())
	}()
	return p
}

func pipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, f := range []*os.File{r, w} {
			if err := f.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
				t.Error(err)
			}
		}
	})
	return r, w
}

func (p *peer) send(lines ...string) {
	p.t.Helper()
	if _, err := io.WriteString(p.in, strings.Join(lines, "\n")+"\n"); err != nil {
		p.t.Fatal(err)
	}
}

// recv returns the next message and fails on anything that is not JSON-RPC.
func (p *peer) recv() map[string]any {
	p.t.Helper()
	text, err := p.out.ReadString('\n')
	if err != nil {
		p.t.Fatalf("read an answer: %v (got %q)", err, text)
	}
	var m map[string]any
	if err := json.Unmarshal([]byte(text), &m); err != nil || m["jsonrpc"] != "2.0" {
		p.t.Fatalf("%q is not a JSON-RPC message: %v", text, err)
	}
	return m
}

// write sends text as it is. It may run beside the test.
func (p *peer) write(text string) {
	if _, err := io.WriteString(p.in, text); err != nil {
		p.t.Error(err)
	}
}

// hangUp ends the input.
func (p *peer) hangUp() {
	if err := p.in.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		p.t.Error(err)
	}
}

// end ends the input and expects a normal end without another word.
func (p *peer) end() {
	p.t.Helper()
	p.hangUp()
	rest, err := io.ReadAll(p.out)
	if err != nil {
		p.t.Fatal(err)
	}
	if err := <-p.done; err != nil || len(rest) > 0 {
		p.t.Errorf("Stdio ended with %v, and wrote %q", err, rest)
	}
}

const (
	initialize  = `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"tester","version":"1"}}}`
	initialized = `{"jsonrpc":"2.0","method":"notifications/initialized"}`
	modernMeta  = `"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"modern","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}`
)

func call(id int, tool string) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":%q,"arguments":{}}}`, id, tool)
}

// object is v, which has to be a JSON object.
func object(t *testing.T, v any) map[string]any {
	t.Helper()
	m, ok := v.(map[string]any)
	if !ok {
		t.Fatalf("%v is no object", v)
	}
	return m
}

// textIn returns the text of the tool result in m.
func textIn(t *testing.T, m map[string]any) string {
	t.Helper()
	b, err := json.Marshal(m["result"])
	if err != nil {
		t.Fatal(err)
	}
	var result struct {
		Content []struct{ Text string }
	}
	if err := json.Unmarshal(b, &result); err != nil || len(result.Content) != 1 {
		t.Fatalf("%s is no tool result with one text: %v", b, err)
	}
	return result.Content[0].Text
}

func TestStdioListsItsToolsInBothProtocolEras(t *testing.T) {
	s, _ := newServer(t, nil, nil)
	for _, test := range []struct {
		name  string
		lines []string
		skip  int
	}{
		{"after initialize", []string{initialize, initialized, `{"jsonrpc":"2.0","id":2,"method":"tools/list"}`}, 1},
		{"without a handshake", []string{`{"jsonrpc":"2.0","id":2,"method":"tools/list","params":{` + modernMeta + `}}`}, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := dial(t.Context(), t, s)
			p.send(test.lines...)
			for range test.skip {
				p.recv()
			}
			b, _ := json.Marshal(p.recv()["result"])
			var result struct{ Tools []struct{ Name string } }
			if err := json.Unmarshal(b, &result); err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, one := range result.Tools {
				names = append(names, one.Name)
			}
			want := []string{"cancelled", "challenge", "client", "echo", "explains", "late", "panics", "unexpected", "wait", "whoami"}
			if diff := cmp.Diff(want, names); diff != "" {
				t.Errorf("tools (-want +got):\n%s", diff)
			}
			p.end()
		})
	}
}

func TestStdioCallSeesWhatInitializeSaid(t *testing.T) {
	s, _ := newServer(t, nil, nil)
	for range 20 { // the order must hold every time
		p := dial(t.Context(), t, s)
		p.send(initialize, initialized, call(2, "client"), `{"jsonrpc":"2.0","id":3,"method":"ping"}`)
		p.recv()
		for range 2 {
			if m := p.recv(); m["id"] == 2.0 {
				if got := textIn(t, m); got != "tester" {
					t.Fatalf("the call saw the client %q, want tester", got)
				}
			}
		}
		p.end()
	}
}

func TestStdioRenders(t *testing.T) {
	s, _ := newServer(t, nil, nil)
	p := dial(t.Context(), t, s)
	p.send(initialize)
	first := object(t, p.recv()["result"])
	if first["instructions"] != "Reads mail." {
		t.Errorf("instructions = %v", first["instructions"])
	}
	if _, ok := object(t, first["capabilities"])["logging"]; !ok {
		t.Error("the server does not offer logging")
	}
	for _, test := range []struct {
		tool, text string
		isError    bool
	}{
		{"challenge", "Sign-in needed. The user has to connect Gmail first. Show the user this link", false},
		{"explains", "Error not_found: no mail has this id. Search for it. Try again in 2 s.", true},
		{"panics", "Error internal: internal error ", true},
		{"unexpected", "Error internal: internal error ", true},
	} {
		p.send(call(7, test.tool))
		m := p.recv()
		if got := textIn(t, m); !strings.HasPrefix(got, test.text) || strings.Contains(got, "canary") {
			t.Errorf("%s: text = %q, want prefix %q", test.tool, got, test.text)
		}
		result := object(t, m["result"])
		if got := result["isError"] == true; got != test.isError {
			t.Errorf("%s: isError = %v, want %v", test.tool, got, test.isError)
		}
		if _, ok := result["structuredContent"]; ok == test.isError {
			t.Errorf("%s: structured content present: %v", test.tool, ok)
		}
	}
	p.end()
}

func TestStdioFinishesRunningCallsWhenTheInputEnds(t *testing.T) {
	started, hold := make(chan struct{}, 20), make(chan struct{})
	s, _ := newServer(t, started, hold)
	p := dial(t.Context(), t, s)
	// More than run at once, so some are still waiting for their turn.
	for i := range 12 {
		p.send(call(i, "wait"))
	}
	p.hangUp()
	<-started
	close(hold)
	ids := map[any]bool{}
	for range 12 {
		m := p.recv()
		if got := textIn(t, m); got != "waited" {
			t.Errorf("call %v was answered %q", m["id"], got)
		}
		ids[m["id"]] = true
	}
	if len(ids) != 12 {
		t.Errorf("%d calls were answered, want 12", len(ids))
	}
	p.end()
}

func TestStdioFinishesRunningCallsAfterASignal(t *testing.T) {
	started, hold := make(chan struct{}, 1), make(chan struct{})
	s, _ := newServer(t, started, hold)
	ctx, cancel := context.WithCancel(t.Context())
	p := dial(ctx, t, s)
	p.send(call(1, "wait"))
	<-started
	cancel()
	close(hold)
	if got := textIn(t, p.recv()); got != "waited" {
		t.Errorf("the running call was answered %q", got)
	}
	if err := <-p.done; err != nil {
		t.Errorf("Stdio = %v, want nil", err)
	}
}

func TestStdioCallsEndWithTheGracePeriod(t *testing.T) {
	started := make(chan struct{}, 1)
	s, err := server.New(server.Config{Name: "x", Version: "1", Tools: catalogue(started, nil), Grace: 1})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	p := dial(ctx, t, s)
	p.send(call(1, "wait"))
	<-started
	cancel()
	if err := <-p.done; err != nil {
		t.Errorf("Stdio = %v, want nil", err)
	}
}

func TestStdioCancelsOnlyTheCallThatIsNamed(t *testing.T) {
	started, hold := make(chan struct{}, 2), make(chan struct{})
	s, _ := newServer(t, started, hold)
	p := dial(t.Context(), t, s)
	p.send(call(1, "wait"), call(2, "wait"))
	<-started
	<-started
	p.send(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}`)
	p.send(`{"jsonrpc":"2.0","id":3,"method":"ping"}`)
	if m := p.recv(); m["id"] != 3.0 {
		t.Fatalf("got an answer to %v, want the one to 3", m["id"])
	}
	close(hold)
	if m := p.recv(); m["id"] != 2.0 || textIn(t, m) != "waited" {
		t.Errorf("got %v, want the answer to 2", m)
	}
	p.end()
}

func TestStdioSurvivesBadInput(t *testing.T) {
	s, _ := newServer(t, nil, nil)
	huge := strings.Repeat("x", server.MaxLine)
	big := strings.Repeat("x", 1<<20+100)
	for _, test := range []struct {
		name, line string
		id         any
	}{
		{"what is not JSON", `{"jsonrpc":`, nil},
		{"a batch", `[{"jsonrpc":"2.0","id":5,"method":"ping"}]`, nil},
		{"a message of another protocol", `{"jsonrpc":"1.0","id":5,"method":"ping"}`, 5.0},
		{"an unknown method", `{"jsonrpc":"2.0","id":5,"method":"nonsense"}`, 5.0},
		{"a huge message with its id first", `{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"echo","arguments":{"q":"` + huge + `"}}}`, 5.0},
		{"a huge message with its id last", `{"method":"tools/call","params":{"name":"echo","arguments":{"id":9,"q":"` + huge + `"}},"jsonrpc":"2.0","id":"a\"5"}`, `a"5`},
		{"a huge message with its id behind the method", `{"method":"tools/call","id":5,"params":{"name":"echo","arguments":{"q":"` + huge + `","id":9}}, "jsonrpc":"2.0"}`, 5.0},
		{"a huge message that only looks as if it had one", `{"params":{"q":"` + huge + `,\"id\":6}"},"method":"x"}`, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := dial(t.Context(), t, s)
			go p.write(test.line + "\n\n" + `{"jsonrpc":"2.0","id":99,"method":"ping"}`)
			m := p.recv()
			if m["error"] == nil || m["id"] != test.id {
				t.Errorf("got %v, want an error for id %v", m, test.id)
			}
			p.send() // ends the line of the ping
			if m := p.recv(); m["id"] != 99.0 || m["error"] != nil {
				t.Errorf("the next message was answered %v", m)
			}
			p.end()
		})
	}
	t.Run("arguments of a mebibyte still reach the tool", func(t *testing.T) {
		p := dial(t.Context(), t, s)
		go p.write(`{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"echo","arguments":{"q":"` + big + `"}}}` + "\n")
		if got := textIn(t, p.recv()); !strings.Contains(got, big) {
			t.Errorf("the tool got %d bytes", len(got))
		}
		p.end()
	})
}

func TestStdioAnswersALastMessageWithoutALineEnd(t *testing.T) {
	s, _ := newServer(t, nil, nil)
	p := dial(t.Context(), t, s)
	p.write(call(4, "whoami"))
	p.hangUp()
	if got := textIn(t, p.recv()); got != "local" {
		t.Errorf("answer = %q, want local", got)
	}
	p.end()
}

func TestStdioSaysWhenItCannotWrite(t *testing.T) {
	s, _ := newServer(t, nil, nil)
	broken := errors.New("broken")
	err := s.Stdio(t.Context(), strings.NewReader(initialize+"\n"+call(2, "whoami")+"\n"), writer(func([]byte) (int, error) { return 0, broken }))
	if !errors.Is(err, broken) {
		t.Errorf("Stdio = %v, want %v", err, broken)
	}
}

func TestStdioEndsThoughNobodyTakesItsAnswers(t *testing.T) {
	s, err := server.New(server.Config{Name: "x", Version: "1", Tools: catalogue(nil, nil), Grace: 1})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	release := make(chan struct{})
	defer close(release)
	stuck := writer(func(p []byte) (int, error) {
		cancel()
		<-release
		return len(p), nil
	})
	in, hold := pipe(t)
	if _, err := io.WriteString(hold, call(1, "whoami")+"\n"+`{"jsonrpc":"2.0","id":2,"method":"ping"}`+"\n"); err != nil {
		t.Fatal(err)
	}
	if err := s.Stdio(ctx, in, stuck); err != nil {
		t.Errorf("Stdio = %v, want nil", err)
	}
}

type writer func([]byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }
