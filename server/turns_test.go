package server_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	mcpserver "github.com/mark3labs/mcp-go/server"

	"linkmail/server"
)

// gate is a tool that counts how many of its calls run at once.
type gate struct {
	running, most, ended atomic.Int64
	entered              chan struct{}
	open                 chan struct{}
}

func (g *gate) tool() mcpserver.ServerTool {
	return tool("gate", func(ctx context.Context, _ mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		n := g.running.Add(1)
		defer g.ended.Add(1)
		defer g.running.Add(-1)
		for most := g.most.Load(); n > most && !g.most.CompareAndSwap(most, n); most = g.most.Load() {
		}
		g.entered <- struct{}{}
		select {
		case <-g.open:
			return answering("through")
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	})
}

func gated(t *testing.T) (*gate, *server.Server) {
	t.Helper()
	g := &gate{entered: make(chan struct{}, 10_000), open: make(chan struct{})}
	s, err := server.New(server.Config{Name: "x", Version: "1", Tools: []mcpserver.ServerTool{g.tool()}, Parallel: 3})
	if err != nil {
		t.Fatal(err)
	}
	return g, s
}

func TestL119CallsOfAllClientsShareOneBound(t *testing.T) {
	g, s := gated(t)
	base, _ := serving(t, s, false)
	var wg sync.WaitGroup
	for range 4 {
		id := session(t, base)
		for range 10 {
			wg.Go(func() {
				if got := request(t, "POST", base+"/mcp", call(2, "gate"), "Mcp-Session-Id", id); !strings.Contains(got.body, "through") {
					t.Errorf("a call was answered %d %s", got.status, got.body)
				}
			})
		}
	}
	for range 3 {
		<-g.entered
	}
	close(g.open)
	wg.Wait()
	if most := g.most.Load(); most != 3 {
		t.Errorf("%d calls ran at once, want 3", most)
	}
}

func TestL119ACallThatNobodyWaitsForLeavesTheQueue(t *testing.T) {
	g, s := gated(t)
	base, _ := serving(t, s, false)
	id := session(t, base)
	post := func(ctx context.Context) error {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/mcp", strings.NewReader(call(2, "gate")))
		if err != nil {
			return err
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Accept", "application/json, text/event-stream")
		r.Header.Set("Mcp-Session-Id", id)
		resp, err := client.Do(r)
		if err == nil {
			_ = resp.Body.Close()
		}
		return err
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for range 20 { // three run, the others wait
		wg.Go(func() {
			if err := post(ctx); !errors.Is(err, context.Canceled) {
				t.Errorf("a call that was broken off = %v", err)
			}
		})
	}
	for range 3 {
		<-g.entered
	}
	cancel()
	wg.Wait()
	close(g.open)
	// The queue is empty: a new call comes through, whatever became of those.
	if got := request(t, "POST", base+"/mcp", call(3, "gate"), "Mcp-Session-Id", id); !strings.Contains(got.body, "through") {
		t.Errorf("the next call was answered %s", got.body)
	}
}

func TestL119TheQueueIsBounded(t *testing.T) {
	g, s := gated(t)
	h, err := s.HTTP(server.HTTPConfig{Addr: "127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := h.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	// Straight into the handler: ten thousand connections are not the point.
	post := func(body string) string {
		w := &buffered{head: http.Header{}}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://127.0.0.1:1/mcp", strings.NewReader(body))
		if err != nil {
			t.Error(err)
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Mcp-Protocol-Version", "2026-07-28")
		r.Header.Set("Mcp-Method", "tools/call")
		r.Header.Set("Mcp-Name", "gate")
		h.ServeHTTP(w, r)
		return w.body.String()
	}
	modern := `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"gate","arguments":{},` + modernMeta + `}}`
	var busy, through atomic.Int64
	refused := make(chan struct{}, 10_000)
	var wg sync.WaitGroup
	for range 10_000 {
		wg.Go(func() {
			switch body := post(modern); {
			case strings.Contains(body, "Error busy: too many calls are waiting already"):
				busy.Add(1)
				refused <- struct{}{}
			case strings.Contains(body, "through"):
				through.Add(1)
			default:
				t.Errorf("a call was answered %s", body)
			}
		})
	}
	for range 9_000 {
		<-refused
	}
	close(g.open)
	wg.Wait()
	if b, th := busy.Load(), through.Load(); b != 9_000 || th != 1_000 || g.most.Load() != 3 {
		t.Errorf("%d refused, %d through, %d at once; want 9000, 1000, 3", b, th, g.most.Load())
	}
}

// buffered is the ResponseWriter of a call that is not over a connection.
type buffered struct {
	head http.Header
	body strings.Builder
}

func (b *buffered) Header() http.Header         { return b.head }
func (b *buffered) Write(p []byte) (int, error) { return b.body.Write(p) }
func (b *buffered) WriteHeader(int)             {}

func TestACallThatWaitsForAUserTakesNobodysTurn(t *testing.T) {
	for _, w := range []wire{wires[2], wires[3]} {
		t.Run(w.name, func(t *testing.T) {
			d := at(t, time.Hour)
			base, _ := serving(t, d.server, false)
			first := onServed(t, d, base, canURL, w.modern).call("search", `{}`, "")
			first.elicited(t, w)
			<-d.tried
			d.pass(2 * time.Second)
			done := make(chan reply)
			waiting := onServed(t, d, base, canURL, w.modern)
			go func() { done <- waiting.call("search", `{}`, w.again(first)) }()
			<-d.tried
			// As many calls as may run at once, and more.
			for i := range 20 {
				onServed(t, d, base, canURL, w.modern).call("send", fmt.Sprintf(`{"n":%d}`, i), "").words(t)
			}
			d.signIn()
			(<-done).ok(t, "search")
		})
	}
}

func TestAWaitForAUserEndsWithTheServer(t *testing.T) {
	t.Run("stdio", func(t *testing.T) {
		d := at(t, time.Hour)
		l := wires[0].open(t, d, d.server, canURL)
		l.call("search", `{}`, "").elicited(t, wires[0])
		<-d.tried
		d.pass(2 * time.Second)
		go func() {
			<-d.tried
			d.hangUp(d.server)
		}()
		l.call("search", `{}`, "").words(t)
	})
	t.Run("HTTP", func(t *testing.T) {
		d := at(t, time.Hour)
		base, stop := serving(t, d.server, false)
		l := onServed(t, d, base, canURL, false)
		l.call("search", `{}`, "").elicited(t, wires[2])
		<-d.tried
		d.pass(2 * time.Second)
		stopped := make(chan error, 1)
		go func() {
			<-d.tried
			stopped <- stop()
		}()
		l.call("search", `{}`, "").words(t)
		if err := <-stopped; err != nil {
			t.Error(err)
		}
	})
}

func TestAClientThatAsksIsToldWhyItsCallTakesLong(t *testing.T) {
	onEachWire(t, time.Hour, func(t *testing.T, d *desk, w wire) {
		l := w.open(t, d, d.server, canURL)
		l.meta = `"progressToken":"p-1"`
		first := l.call("search", `{}`, "")
		first.elicited(t, w)
		<-d.tried
		d.pass(2 * time.Second)
		go func() {
			<-d.tried
			d.signIn()
		}()
		l.call("search", `{}`, w.again(first)).ok(t, "search")
		var said bool
		for _, note := range l.notes() {
			var m struct {
				Method string
				Params struct{ ProgressToken, Message string }
			}
			if err := json.Unmarshal([]byte(note), &m); err != nil {
				t.Fatal(err)
			}
			said = said || m.Method == "notifications/progress" && m.Params.ProgressToken == "p-1" && strings.Contains(m.Params.Message, "sign-in")
		}
		if !said {
			t.Errorf("the client was told %q", l.notes())
		}
	})
}
