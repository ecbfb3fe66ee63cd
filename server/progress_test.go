package server_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mark3labs/mcp-go/mcp"
	mcpserver "github.com/mark3labs/mcp-go/server"

	"linkmail/server"
)

func TestAClientThatAsksIsToldHowFarACallHasGot(t *testing.T) {
	type teller struct{}
	s, err := server.New(server.Config{
		Name: "linkmail", Version: "1",
		Progress: func(ctx context.Context, tell func(done, total int, what string)) context.Context {
			return context.WithValue(ctx, teller{}, tell)
		},
		Tools: []mcpserver.ServerTool{tool("long", func(ctx context.Context, _ mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			tell, asked := ctx.Value(teller{}).(func(done, total int, what string))
			if asked {
				tell(20, 50, "mails")
			}
			return answering(fmt.Sprint("asked: ", asked))
		})},
	})
	if err != nil {
		t.Fatal(err)
	}
	p := dial(t.Context(), t, s)
	p.send(initialize, initialized)
	p.recv()
	p.send(`{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"long","_meta":{"progressToken":"p-1"}}}`)
	want := map[string]any{
		"jsonrpc": "2.0", "method": "notifications/progress",
		"params": map[string]any{"progressToken": "p-1", "progress": 20.0, "total": 50.0, "message": "20 of 50 mails"},
	}
	if diff := cmp.Diff(want, p.recv()); diff != "" {
		t.Errorf("the notification (-want +got):\n%s", diff)
	}
	if got := textIn(t, p.recv()); got != "asked: true" {
		t.Errorf("got %q, want the answer after it", got)
	}
	p.send(`{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"long"}}`)
	if got := textIn(t, p.recv()); got != "asked: false" {
		t.Errorf("got %q for a call that did not ask to be told", got)
	}
	p.end()
}
