package server_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/mark3labs/mcp-go/mcp"
	mcpserver "github.com/mark3labs/mcp-go/server"
	"github.com/rs/zerolog"

	"linkmail/auth"
	"linkmail/server"
)

// library has a resource for every way a reading can go. It says who reads.
func library(t *testing.T) (*server.Server, *journal) {
	t.Helper()
	log := &journal{}
	s, err := server.New(server.Config{
		Name: "linkmail", Version: "1.2.3", Tools: catalogue(nil, nil), Log: zerolog.New(log),
		Resources: []mcpserver.ServerResourceTemplate{{
			Template: mcp.NewResourceTemplate("shelf://{book}", "Book"),
			Handler: func(ctx context.Context, req mcp.ReadResourceRequest) ([]mcp.ResourceContents, error) {
				switch strings.TrimPrefix(req.Params.URI, "shelf://") {
				case "challenge":
					return nil, fmt.Errorf("mailbox: %w", &auth.Challenge{URL: "https://broker.example/c/ABCD", Code: "ABCD-1234", Scope: "gmail", Step: 1})
				case "explains":
					return nil, explained{}
				case "unexpected":
					return nil, errors.New("canary")
				case "panics":
					panic("canary")
				}
				who, _ := auth.PrincipalFrom(ctx)
				return []mcp.ResourceContents{mcp.TextResourceContents{URI: req.Params.URI, Text: who.Subject}}, nil
			},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s, log
}

func encode(t *testing.T, m map[string]any) string {
	t.Helper()
	b, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestAResourceIsReadAsItsUserAndItsErrorsAreExplained(t *testing.T) {
	s, log := library(t)
	p := dial(t.Context(), t, s)
	p.send(initialize, initialized)
	if got := encode(t, p.recv()); !strings.Contains(got, `"resources":{}`) {
		t.Errorf("the capabilities are in %s", got)
	}
	for i, c := range []struct{ uri, want string }{
		{"shelf://book", `"text":"local"`},
		{"shelf://challenge", "Sign-in needed. "},
		{"shelf://explains", "Error not_found: no mail has this id. Search for it."},
		{"shelf://unexpected", "internal error"},
		{"shelf://panics", "internal error"},
		{"other://book", "not found"},
	} {
		p.send(fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"resources/read","params":{"uri":%q}}`, i+2, c.uri))
		if got := encode(t, p.recv()); !strings.Contains(got, c.want) || strings.Contains(got, "canary") {
			t.Errorf("%s: got %s, want %q in it", c.uri, got, c.want)
		}
	}
	p.end()
	for _, want := range []string{`"tool":"resources/read","outcome":"ok"`, `"outcome":"auth_required"`, `"outcome":"panic"`} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %s:\n%s", want, log)
		}
	}
	if strings.Contains(log.String(), "canary") || strings.Contains(log.String(), "shelf://") {
		t.Errorf("the log tells too much:\n%s", log)
	}
}

func TestWithoutResourcesThereIsNoCapability(t *testing.T) {
	s, _ := newServer(t, nil, nil)
	p := dial(t.Context(), t, s)
	p.send(initialize, initialized, `{"jsonrpc":"2.0","id":2,"method":"resources/read","params":{"uri":"shelf://book"}}`)
	if got := encode(t, p.recv()); strings.Contains(got, "resources") {
		t.Errorf("got %s", got)
	}
	if got := encode(t, p.recv()); !strings.Contains(got, `"error"`) {
		t.Errorf("got %s", got)
	}
	p.end()
}

// TestL109ResourcesOfAnotherSession: the address of a resource is worth nothing
// without a session of the server's own user.
func TestL109ResourcesOfAnotherSession(t *testing.T) {
	s, _ := library(t)
	base, _ := serving(t, s, false)
	read := `{"jsonrpc":"2.0","id":2,"method":"resources/read","params":{"uri":"shelf://book"}}`
	id := session(t, base)
	for _, c := range []struct {
		name string
		head []string
		want int
	}{
		{"its own session", []string{"Mcp-Session-Id", id}, 200},
		{"a forged one", []string{"Mcp-Session-Id", id[:len(id)-6] + "AAAAAA"}, 404},
		{"a page of another origin", []string{"Mcp-Session-Id", id, "Origin", "https://evil.example"}, 403},
	} {
		got := request(t, "POST", base+"/mcp", read, c.head...)
		if got.status != c.want || strings.Contains(got.body, `"local"`) != (c.want == 200) {
			t.Errorf("%s: %d %s", c.name, got.status, got.body)
		}
	}
}
