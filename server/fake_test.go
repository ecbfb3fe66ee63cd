package server_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	mcpserver "github.com/mark3labs/mcp-go/server"
	"github.com/rs/zerolog"

	"linkmail/auth"
	"linkmail/server"
)

// tool returns a tool that does what fn does.
func tool(name string, fn func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error)) mcpserver.ServerTool {
	return mcpserver.ServerTool{
		Tool:    mcp.NewToolWithRawSchema(name, "does it", []byte(`{"type":"object"}`)),
		Handler: fn,
	}
}

// structured is an answer as a tool gives it.
type structured struct {
	Status string `json:"status"`
	Data   string `json:"data"`
}

func (s structured) Kind() string { return s.Status }

func answering(text string) (*mcp.CallToolResult, error) {
	return &mcp.CallToolResult{
		Content:           []mcp.Content{mcp.TextContent{Type: "text", Text: text}},
		StructuredContent: structured{"ok", text},
	}, nil
}

// explained is an error that explains itself.
type explained struct{ after time.Duration }

func (e explained) Error() string { return "mailbox: not found at https://example.com/?q=canary" }

func (e explained) Explain() (code, message, hint string, retryAfter time.Duration) {
	return "not_found", "no mail has this id", "Search for it.", e.after
}

var expires = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// catalogue has a tool for every way a call can go. hold is closed to let
// "wait" go on; started gets a value when one waits.
func catalogue(started chan<- struct{}, hold <-chan struct{}) []mcpserver.ServerTool {
	fails := func(name string, err error) mcpserver.ServerTool {
		return tool(name, func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) { return nil, err })
	}
	return []mcpserver.ServerTool{
		tool("echo", func(_ context.Context, req mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			return answering(string(req.Params.RawArguments))
		}),
		tool("whoami", func(ctx context.Context, _ mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			p, _ := auth.PrincipalFrom(ctx)
			return answering(p.Subject)
		}),
		tool("client", func(ctx context.Context, _ mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			s, ok := mcpserver.ClientSessionFromContext(ctx).(mcpserver.SessionWithClientInfo)
			if !ok {
				return answering("nobody")
			}
			return answering(s.GetClientInfo().Name)
		}),
		tool("wait", func(ctx context.Context, _ mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			started <- struct{}{}
			select {
			case <-hold:
				return answering("waited")
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}),
		tool("panics", func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			panic("canary in a panic")
		}),
		fails("challenge", fmt.Errorf("mailbox: search: %w", &auth.Challenge{
			URL: "https://broker.example/connect/ABCD-1234#fp=1", Code: "ABCD-1234", Scope: "gmail", Expires: expires, Step: 1,
		})),
		fails("explains", fmt.Errorf("tools: read: %w", explained{after: 1500 * time.Millisecond})),
		fails("unexpected", fmt.Errorf("get https://example.com/?q=canary: %w", errors.New("token ya29.canarycanary"))),
		fails("cancelled", fmt.Errorf("x: %w", context.Canceled)),
		fails("late", fmt.Errorf("x: %w", context.DeadlineExceeded)),
	}
}

// journal collects what is logged.
type journal struct {
	mu  sync.Mutex
	all []byte
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.all = append(j.all, p...)
	return len(p), nil
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return string(j.all)
}

// newServer returns a server with the catalogue, and what it logs.
func newServer(t *testing.T, started chan<- struct{}, hold <-chan struct{}) (*server.Server, *journal) {
	t.Helper()
	log := &journal{}
	s, err := server.New(server.Config{
		Name: "linkmail", Version: "1.2.3", Instructions: "Reads mail.",
		Tools: catalogue(started, hold),
		Log:   zerolog.New(log).Level(zerolog.TraceLevel),
		Grace: 10 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	return s, log
}
