package server_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	mcpclient "github.com/mark3labs/mcp-go/client"
	"github.com/mark3labs/mcp-go/client/transport"
	"github.com/mark3labs/mcp-go/mcp"
	mcpserver "github.com/mark3labs/mcp-go/server"

	"linkmail/cache"
	"linkmail/server"
)

// hall is a server whose one tool asks its user a question.
type hall struct {
	server *server.Server
	passed atomic.Int64 // of the clock
	agreed atomic.Int64 // how often the tool was told yes
}

func newHall(t *testing.T) *hall {
	t.Helper()
	h := &hall{}
	start := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	var err error
	h.server, err = server.New(server.Config{
		Name: "linkmail", Version: "1", State: cache.NewMemory(nil),
		Now: func() time.Time { return start.Add(time.Duration(h.passed.Load())) },
		Tools: []mcpserver.ServerTool{tool("send", func(ctx context.Context, req mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			yes, asked, err := server.Ask(ctx, server.Question{Text: "Send this?\n\nTo: a@example.com", Yes: "Send the mail"})
			if err != nil {
				return nil, fmt.Errorf("tools: send: %w", err)
			}
			if yes {
				h.agreed.Add(1)
			}
			return answering(fmt.Sprintf("asked %v, yes %v", asked, yes))
		})},
	})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// pass lets time pass, as a user who reads does.
func (h *hall) pass(d time.Duration) { h.passed.Add(int64(d)) }

const canForms = `{"elicitation":{}}`

// sitting is what a client does with the question of a call: after is how long
// the user takes, response what comes back ("" for an error).
type sitting struct {
	name, response string
	after          time.Duration
	want           string
}

var sittings = []sitting{
	{"a user who ticks the box agrees", `{"action":"accept","content":{"yes":true}}`, 5 * time.Second, "asked true, yes true"},
	{"an accepted form without a tick is a no", `{"action":"accept","content":{"yes":false}}`, 5 * time.Second, "asked true, yes false"},
	{"an accepted form without content is a no", `{"action":"accept"}`, 5 * time.Second, "asked true, yes false"},
	{"a word is no tick", `{"action":"accept","content":{"yes":"true"}}`, 5 * time.Second, "asked true, yes false"},
	{"a user who declines does not agree", `{"action":"decline","content":{"yes":true}}`, 5 * time.Second, "asked true, yes false"},
	{"a closed form is a no", `{"action":"cancel"}`, 5 * time.Second, "asked true, yes false"},
	{"a tick is believed at any speed", `{"action":"accept","content":{"yes":true}}`, 0, "asked true, yes true"},
	{"an accepted form without a tick that no user was quick enough for is nobody's", `{"action":"accept","content":{}}`, time.Second, "asked false, yes false"},
	{"a no of a program is nobody's", `{"action":"decline"}`, 0, "asked false, yes false"},
	{"a client that cannot after all has asked nobody", ``, 0, "asked false, yes false"},
}

func TestAUserIsAskedOverStdioWhileTheCallWaits(t *testing.T) {
	for _, one := range sittings {
		t.Run(one.name, func(t *testing.T) {
			h := newHall(t)
			p := dial(t.Context(), t, h.server)
			p.send(strings.Replace(initialize, `"capabilities":{}`, `"capabilities":`+canForms, 1), initialized)
			p.recv()
			p.send(call(2, "send"))
			asked := p.recv()
			if asked["method"] != "elicitation/create" {
				t.Fatalf("got %v, want a question", asked)
			}
			params := object(t, asked["params"])
			if params["mode"] != "form" || !strings.Contains(fmt.Sprint(params["message"]), "To: a@example.com") {
				t.Errorf("got the question %v", params)
			}
			h.pass(one.after)
			id, _ := json.Marshal(asked["id"])
			answer := fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"result":%s}`, id, one.response)
			if one.response == "" {
				answer = fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"error":{"code":-32601,"message":"no"}}`, id)
			}
			p.send(answer, answer) // the second one is to nobody's question
			if got := textIn(t, p.recv()); got != one.want {
				t.Errorf("got %q, want %q", got, one.want)
			}
			p.end()
		})
	}
}

func TestAUserIsAskedByAnAnswerOfTheNewerProtocol(t *testing.T) {
	meta := strings.Replace(modernMeta, `clientCapabilities":{}`, `clientCapabilities":`+canForms, 1)
	modern := func(id int, more string) string {
		return fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"send","arguments":{},%s%s}}`, id, meta, more)
	}
	for _, one := range sittings {
		t.Run(one.name, func(t *testing.T) {
			h := newHall(t)
			p := dial(t.Context(), t, h.server)
			p.send(modern(1, ""))
			first := object(t, p.recv()["result"])
			if first["resultType"] != "input_required" {
				t.Fatalf("got %v, want a request for input", first)
			}
			inputs := object(t, first["inputRequests"])
			if len(inputs) != 1 || inputs["question"] == nil {
				t.Fatalf("got %v, want one question", inputs)
			}
			h.pass(one.after)
			state := first["requestState"]
			more := fmt.Sprintf(`,"requestState":%q`, state)
			if one.response != "" {
				more += `,"inputResponses":{"question":` + one.response + `}`
			}
			p.send(modern(2, more))
			if got := textIn(t, p.recv()); got != one.want {
				t.Errorf("got %q, want %q", got, one.want)
			}
			agreed := h.agreed.Load()
			p.send(modern(3, more))
			if got := textIn(t, p.recv()); !strings.Contains(got, "state_refused") || h.agreed.Load() != agreed {
				t.Errorf("the answer was good for a second time: %q", got)
			}
			p.end()
		})
	}
}

func TestAnAnswerIsGoodForItsOwnCallOnly(t *testing.T) {
	meta := strings.Replace(modernMeta, `clientCapabilities":{}`, `clientCapabilities":`+canForms, 1)
	h := newHall(t)
	p := dial(t.Context(), t, h.server)
	p.send(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"send","arguments":{"to":"a"},` + meta + `}}`)
	state := object(t, p.recv()["result"])["requestState"]
	h.pass(5 * time.Second)
	p.send(fmt.Sprintf(`{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"send","arguments":{"to":"b"},%s,"requestState":%q,"inputResponses":{"question":{"action":"accept","content":{"yes":true}}}}}`, meta, state))
	if got := textIn(t, p.recv()); !strings.Contains(got, "state_refused") || h.agreed.Load() != 0 {
		t.Errorf("another call was agreed to: %q", got)
	}
	p.end()
}

func TestNobodyIsAskedWhoseClientHasNoForms(t *testing.T) {
	for _, caps := range []string{`{}`, `{"elicitation":{"url":{}}}`} {
		h := newHall(t)
		p := dial(t.Context(), t, h.server)
		p.send(strings.Replace(initialize, `"capabilities":{}`, `"capabilities":`+caps, 1), initialized)
		p.recv()
		p.send(call(2, "send"))
		if got := textIn(t, p.recv()); got != "asked false, yes false" {
			t.Errorf("%s: got %q", caps, got)
		}
		p.end()
	}
	h := newHall(t)
	if got := h.server.Call(t.Context(), "send", json.RawMessage(`{}`)); got.Text != "asked false, yes false" {
		t.Errorf("a call without a client: got %q", got.Text)
	}
}

func TestAQuestionEndsWithItsClient(t *testing.T) {
	h := newHall(t)
	p := dial(t.Context(), t, h.server)
	p.send(strings.Replace(initialize, `"capabilities":{}`, `"capabilities":`+canForms, 1), initialized)
	p.recv()
	p.send(call(2, "send"))
	p.recv()
	p.hangUp()
	if got := textIn(t, p.recv()); got != "asked false, yes false" {
		t.Errorf("got %q", got)
	}
	if err := <-p.done; err != nil {
		t.Error(err)
	}
}

// person answers for a client of mcp-go.
type person struct {
	h     *hall
	shown atomic.Int64
}

func (p *person) Elicit(_ context.Context, req mcp.ElicitationRequest) (*mcp.ElicitationResult, error) {
	p.shown.Add(1)
	p.h.pass(5 * time.Second)
	return &mcp.ElicitationResult{ElicitationResponse: mcp.ElicitationResponse{
		Action: mcp.ElicitationResponseActionAccept, Content: map[string]any{"yes": strings.Contains(req.Params.Message, "Send this?")},
	}}, nil
}

func TestAUserIsAskedOverStreamableHTTP(t *testing.T) {
	h := newHall(t)
	base, _ := serving(t, h.server, false)
	wire, err := transport.NewStreamableHTTP(base + "/mcp")
	if err != nil {
		t.Fatal(err)
	}
	who := &person{h: h}
	c := mcpclient.NewClient(wire, mcpclient.WithElicitationHandler(who))
	if err := c.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	var hello mcp.InitializeRequest
	hello.Params.ProtocolVersion = "2025-11-25"
	hello.Params.ClientInfo = mcp.Implementation{Name: "tester", Version: "1"}
	if _, err := c.Initialize(t.Context(), hello); err != nil {
		t.Fatal(err)
	}
	var req mcp.CallToolRequest
	req.Params.Name = "send"
	result, err := c.CallTool(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	text, _ := result.Content[0].(mcp.TextContent)
	if text.Text != "asked true, yes true" || who.shown.Load() != 1 {
		t.Errorf("got %q after %d questions", text.Text, who.shown.Load())
	}
}
