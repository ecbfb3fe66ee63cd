package server_test

import (
	"context"
	"testing"

	"github.com/mark3labs/mcp-go/mcp"
	mcpserver "github.com/mark3labs/mcp-go/server"

	"linkmail/auth"
	"linkmail/server"
)

func TestWhoSaysInitializeIsTold(t *testing.T) {
	came := make(chan auth.Principal, 10)
	s, err := server.New(server.Config{
		Name: "linkmail", Version: "1", Principal: auth.Principal{Subject: "ann"},
		Arrived: func(ctx context.Context) {
			who, _ := auth.PrincipalFrom(ctx)
			came <- who
		},
		Tools: []mcpserver.ServerTool{tool("one", func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) { return answering("") })},
	})
	if err != nil {
		t.Fatal(err)
	}
	p := dial(t.Context(), t, s)
	p.send(`{"jsonrpc":"2.0","id":9,"method":"ping"}`)
	p.recv()
	if len(came) != 0 {
		t.Error("somebody is told of before initialize")
	}
	p.send(initialize)
	p.recv()
	if len(came) != 1 || <-came != (auth.Principal{Subject: "ann"}) {
		t.Error("initialize was answered before it was told, or for somebody else")
	}
	p.end()
}
