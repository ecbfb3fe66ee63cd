package tools

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	mcpserver "github.com/mark3labs/mcp-go/server"
)

// Status is the first thing to look at in an answer.
type Status string

// The statuses of an answer. The server alone answers with AuthRequired.
const (
	OK                   Status = "ok"
	AuthRequired         Status = "auth_required"
	ConfirmationRequired Status = "confirmation_required"
	// Partial: part of what was asked for is missing, and the answer names it.
	Partial Status = "partial"
)

// Envelope is the structured form of every answer.
type Envelope struct {
	Status Status `json:"status"`
	// Account is the address of the mailbox, where it is known.
	Account string `json:"account,omitempty"`
	// RetryAfter is after how many seconds the missing part of a partial
	// answer can be had; zero if unknown.
	RetryAfter int `json:"retryAfter,omitempty"`
	Data       any `json:"data,omitempty"`
}

// Kind returns the status as a word for a log.
func (e Envelope) Kind() string { return string(e.Status) }

// consent describes what an answer with status [AuthRequired] carries. The
// server fills it in; here it is only a part of every output schema.
type consent struct {
	URL       string `json:"url"`
	Code      string `json:"code"`
	Scope     string `json:"scope" schema:"-"`
	ExpiresAt string `json:"expiresAt,omitempty" schema:"-"`
	Message   string `json:"message" schema:"-"`
}

// output is the data of an answer.
type output interface {
	// summary tells what the envelope has to say about the data.
	summary() summary
	// render returns the text of the answer for an account, which may be
	// unknown. It puts the fence around whatever of the structured form holds
	// a mail's text.
	render(f fence, account string) string
}

// An output with a method contents() []mcp.Content has more than its text to
// show, for example a picture.

// listing is an answer that shows mails without reading them. The addresses
// that they are from are known to the user as well; what else stands in them,
// a sender's name and the other recipients included, is their senders' text.
type listing interface{ said() []string }

type summary struct {
	status     Status
	retryAfter time.Duration
}

// definition is what a model reads of a tool before it calls it.
type definition struct {
	name, title, description string
	effect                   effect
}

// effect is what a call may do, for a client that asks before it calls.
type effect struct {
	readOnly, destructive, idempotent, openWorld bool
}

// reads is the effect of a tool that only looks, at what strangers wrote.
var reads = effect{readOnly: true, idempotent: true, openWorld: true}

var errNoMailbox = errors.New("tools: no mailbox is configured")

// define makes a tool of a function. It panics on an argument or answer type
// that has no flat schema, which is a programming error.
func define[In any, Out output](cfg Config, d definition, fn func(context.Context, In) (Out, error)) mcpserver.ServerTool {
	params := callParameters[In]()
	tool := mcp.Tool{
		Name:            d.name,
		Title:           d.title,
		Description:     d.description,
		RawInputSchema:  encode(inputSchema(params)),
		RawOutputSchema: encode(envelopeSchema(outputSchema(reflect.TypeFor[Out]()))),
		// Every hint is stated: what is left out counts as destructive.
		Annotations: mcp.ToolAnnotation{
			Title:           d.title,
			ReadOnlyHint:    &d.effect.readOnly,
			DestructiveHint: &d.effect.destructive,
			IdempotentHint:  &d.effect.idempotent,
			OpenWorldHint:   &d.effect.openWorld,
		},
	}
	handler := func(ctx context.Context, req mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		raw, err := arguments(req)
		if err != nil {
			return nil, fmt.Errorf("tools: %s: read arguments: %w", d.name, err)
		}
		in, err := bind[In](d.name, params, raw)
		if err != nil {
			return nil, err
		}
		if cfg.Mailbox == nil {
			return nil, errNoMailbox
		}
		if in.Account != "" {
			if err := ofAccount(ctx, cfg.Mailbox, in.Account); err != nil {
				return nil, named(d.name, err)
			}
		}
		out, err := fn(ctx, in.In)
		if err != nil {
			return nil, named(d.name, err)
		}
		return answer(ctx, cfg, out), nil
	}
	return mcpserver.ServerTool{Tool: tool, Handler: handler}
}

// ofAccount refuses a call that is meant for another account than this one,
// before anything of it is done.
func ofAccount(ctx context.Context, box Mailbox, wanted string) error {
	account, err := box.Account(ctx)
	switch {
	case err != nil:
		return err
	case !strings.EqualFold(strings.TrimSpace(wanted), account):
		return invalid("account", "Leave account out, or give that address.", "this server is signed in as %s, and as nobody else", account)
	}
	return nil
}

// accountTime is how long an answer may wait for the name of its account.
const accountTime = 3 * time.Second

// knownAccount is the account, or empty if it does not come to be known. It is
// asked for after the work, which has made it known; an answer is neither lost
// nor long delayed for the lack of it.
func knownAccount(ctx context.Context, box Mailbox) string {
	limited, cancel := context.WithTimeout(ctx, accountTime)
	defer cancel()
	account, err := box.Account(limited)
	if err != nil {
		return ""
	}
	return account
}

// answer wraps the data of a call in its envelope.
func answer(ctx context.Context, cfg Config, out output) *mcp.CallToolResult {
	about := out.summary()
	env := Envelope{
		Status:     about.status,
		RetryAfter: int(math.Ceil(about.retryAfter.Seconds())),
		Data:       out,
	}
	env.Account = knownAccount(ctx, cfg.Mailbox)
	f := newFence()
	text := out.render(f, env.Account)
	said := *f.inside
	if list, ok := out.(listing); ok {
		said = list.said()
	}
	cfg.exposure.note(ctx, said)
	if env.Account != "" {
		text = "Account: " + env.Account + "\n" + text
	}
	content := []mcp.Content{mcp.TextContent{Type: mcp.ContentTypeText, Text: text}}
	if more, ok := out.(interface{ contents() []mcp.Content }); ok {
		content = append(content, more.contents()...)
	}
	return &mcp.CallToolResult{Content: content, StructuredContent: env}
}

// arguments returns the arguments as they came, without the loss of precision
// of a detour over float64.
func arguments(req mcp.CallToolRequest) (json.RawMessage, error) {
	switch raw := req.GetRawArguments().(type) {
	case nil:
		return nil, nil
	case json.RawMessage:
		return raw, nil
	default:
		return json.Marshal(raw)
	}
}

// named completes an argument error that a tool's own check returned.
func named(tool string, err error) error {
	if e, ok := errors.AsType[*ArgumentError](err); ok && e.Tool == "" {
		e.Tool = tool
	}
	return err
}

func envelopeSchema(data *schema) *schema {
	status := &schema{Type: "string", Enum: []string{
		string(OK), string(AuthRequired), string(ConfirmationRequired), string(Partial),
	}}
	return &schema{
		Type: "object",
		Properties: properties{
			{"status", status},
			{"account", &schema{Type: "string"}},
			{"retryAfter", &schema{Type: "integer"}},
			{"auth", outputSchema(reflect.TypeFor[consent]())},
			{"data", data},
		},
		Required: []string{"status"},
		Closed:   closed,
	}
}

func encode(s *schema) json.RawMessage {
	b, err := json.Marshal(s)
	if err != nil {
		panic("tools: encode schema: " + err.Error())
	}
	return b
}
