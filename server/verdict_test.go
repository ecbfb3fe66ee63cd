package server_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	mcpserver "github.com/mark3labs/mcp-go/server"
	"github.com/rs/zerolog"

	"linkmail/server"
)

// misused explains itself as a wrong argument. Its text looks like an error of
// the protocol.
type misused struct{ explained }

func (misused) Explain() (code, message, hint string, retryAfter time.Duration) {
	return "invalid_argument", `"error":{"code":-32603, is missing`, "Add it.", 0
}

func TestAProtocolErrorHasTheCodeThatTheProtocolHasForIt(t *testing.T) {
	s, err := server.New(server.Config{
		Name: "linkmail", Version: "1.2.3", Tools: catalogue(nil, nil), Log: zerolog.Nop(),
		Prompts: []mcpserver.ServerPrompt{{
			Prompt: mcp.Prompt{Name: "task"},
			Handler: func(_ context.Context, req mcp.GetPromptRequest) (*mcp.GetPromptResult, error) {
				switch req.Params.Arguments["mail"] {
				case "":
					return nil, misused{}
				case "unexpected":
					return nil, errors.New("canary")
				case "panics":
					panic("canary")
				}
				return &mcp.GetPromptResult{Messages: []mcp.PromptMessage{{Role: mcp.RoleUser, Content: mcp.NewTextContent("done")}}}, nil
			},
		}},
		Resources: []mcpserver.ServerResourceTemplate{{
			Template: mcp.NewResourceTemplate("shelf://{book}", "Book"),
			Handler: func(_ context.Context, req mcp.ReadResourceRequest) ([]mcp.ResourceContents, error) {
				switch strings.TrimPrefix(req.Params.URI, "shelf://") {
				case "lost":
					return nil, explained{}
				case "malformed":
					return nil, misused{}
				}
				return nil, errors.New("canary")
			},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	p := dial(t.Context(), t, s)
	p.send(initialize, initialized)
	p.recv()
	base, _ := serving(t, s, false)
	id := session(t, base)
	for i, c := range []struct {
		name, method, params string
		want                 int
	}{
		{"a prompt that is filled in", "prompts/get", `{"name":"task","arguments":{"mail":"x"}}`, 0},
		{"a prompt that is not there", "prompts/get", `{"name":"nosuch"}`, mcp.INVALID_PARAMS},
		{"a prompt without its argument", "prompts/get", `{"name":"task"}`, mcp.INVALID_PARAMS},
		{"a prompt that fails", "prompts/get", `{"name":"task","arguments":{"mail":"unexpected"}}`, mcp.INTERNAL_ERROR},
		{"a prompt that panics", "prompts/get", `{"name":"task","arguments":{"mail":"panics"}}`, mcp.INTERNAL_ERROR},
		{"a resource of another scheme", "resources/read", `{"uri":"other://book"}`, mcp.RESOURCE_NOT_FOUND},
		{"a resource that is not there", "resources/read", `{"uri":"shelf://lost"}`, mcp.RESOURCE_NOT_FOUND},
		{"a resource that cannot be", "resources/read", `{"uri":"shelf://malformed"}`, mcp.INVALID_PARAMS},
		{"a resource that fails", "resources/read", `{"uri":"shelf://fails"}`, mcp.INTERNAL_ERROR},
		{"a tool that is not there", "tools/call", `{"name":"nosuch","arguments":{}}`, mcp.INVALID_PARAMS},
	} {
		message := fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":%q,"params":%s}`, i+2, c.method, c.params)
		p.send(message)
		overHTTP := request(t, "POST", base+"/mcp", message, "Mcp-Session-Id", id)
		for transport, answer := range map[string]string{"stdio": encode(t, p.recv()), "http": overHTTP.body} {
			var got struct {
				Error struct {
					Code    int
					Message string
				}
			}
			if err := json.Unmarshal([]byte(answer), &got); err != nil || got.Error.Code != c.want || strings.Contains(answer, "canary") {
				t.Errorf("%s over %s: got %s, %v, want the code %d", c.name, transport, answer, err, c.want)
			}
			if (c.want == mcp.INVALID_PARAMS) && strings.Contains(got.Error.Message, "missing") && !strings.Contains(got.Error.Message, `"error":{"code":-32603,`) {
				t.Errorf("%s over %s: the message is changed: %s", c.name, transport, got.Error.Message)
			}
		}
	}
	p.end()

	modern := request(t, "POST", base+"/mcp",
		`{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"shelf://lost","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"x","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}}}`,
		"Mcp-Protocol-Version", "2026-07-28", "Mcp-Method", "resources/read", "Mcp-Name", "shelf://lost")
	if !strings.Contains(modern.body, `"code":-32602`) {
		t.Errorf("in the newer protocol: got %d %s, want the code %d", modern.status, modern.body, mcp.INVALID_PARAMS)
	}
}
