package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strings"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/rs/zerolog"

	"linkmail/auth"
)

// explainer is an error that knows what to say to the one who called.
type explainer interface {
	error
	Explain() (code, message, hint string, retryAfter time.Duration)
}

// explain turns an error into an answer. It is the only place where errors
// become words for someone outside:
//
//   - a person has to act: a normal result that carries the link, because
//     bridges turn errors into failures that nobody gets to read;
//   - an error that explains itself: its code, message and hint;
//   - the caller went away, or time ran out: that;
//   - anything else: an internal error with an id. Its text stays here, for it
//     may quote a URL, a mail or a token.
func explain(err error, id string, log zerolog.Logger) reply {
	if c, ok := errors.AsType[*auth.Challenge](err); ok {
		return reply{result: challenge(c, false), challenge: c, kind: "auth_required"}
	}
	if e, ok := errors.AsType[explainer](err); ok {
		code, message, hint, after := e.Explain()
		if code != "" && message != "" {
			return reply{kind: code, problem: &problem{code, redact(message), redact(hint), seconds(after)}}
		}
	}
	switch {
	case errors.Is(err, context.Canceled):
		return reply{kind: "cancelled", problem: &problem{
			Code: "cancelled", Message: "the call was cancelled before it was done",
		}}
	case errors.Is(err, context.DeadlineExceeded):
		return reply{kind: "timeout", problem: &problem{
			Code: "timeout", Message: "the call took too long and was given up", Hint: "Try again, or ask for less at once.", RetryAfter: 10,
		}}
	}
	return internal(err, id, log)
}

// problem is a failed call in words.
type problem struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Hint    string `json:"hint"`
	// RetryAfter is in seconds; zero if unknown.
	RetryAfter int `json:"retryAfter,omitempty"`
}

func bug(id string) *problem {
	return &problem{
		Code:    "internal",
		Message: "internal error " + id,
		Hint:    "This is a fault of the server. Its log has more under this id.",
	}
}

func (p *problem) text() string {
	s := "Error " + p.Code + ": " + strings.TrimSuffix(p.Message, ".") + "."
	if p.Hint != "" {
		s += " " + p.Hint
	}
	if p.RetryAfter > 0 {
		s += fmt.Sprintf(" Try again in %d s.", p.RetryAfter)
	}
	return s
}

// result carries the problem as text only: it would not satisfy the tool's
// output schema, and clients check what is structured.
func (p *problem) result() *mcp.CallToolResult {
	return &mcp.CallToolResult{
		Content: []mcp.Content{mcp.TextContent{Type: mcp.ContentTypeText, Text: p.text()}},
		IsError: true,
	}
}

func (p *problem) answer() Answer {
	// Strings and an integer always encode.
	envelope, _ := compact(struct {
		Error *problem `json:"error"`
	}{p})
	return Answer{Envelope: envelope, Text: p.text(), IsError: true}
}

// authRequired is the envelope of a challenge.
type authRequired struct {
	Status string  `json:"status"`
	Auth   consent `json:"auth"`
}

type consent struct {
	URL       string `json:"url"`
	Code      string `json:"code"`
	Scope     string `json:"scope"`
	ExpiresAt string `json:"expiresAt,omitempty"`
	// Message is what to tell the user.
	Message string `json:"message"`
}

// challenge answers with a link. waited says that the call has given the user
// time already.
func challenge(c *auth.Challenge, waited bool) *mcp.CallToolResult {
	a := consent{URL: c.URL, Code: c.Code, Scope: c.Scope}
	var b strings.Builder
	if c.Why != "" {
		b.WriteString(c.Why + " ")
	}
	b.WriteString(before(c))
	switch {
	case waited && c.Step <= 1:
		b.WriteString("The user has not finished the sign-in yet. ")
	case c.Step > 1:
		b.WriteString("One more step of the sign-in. ")
	default:
		fmt.Fprintf(&b, "The user has to connect %s first. ", service(c.Scope))
	}
	fmt.Fprintf(&b, "Show the user this link to open in a browser: %s", c.URL)
	if c.Code != "" {
		fmt.Fprintf(&b, " and this code: %s. They must continue only if the page shows the same code.", c.Code)
	} else {
		b.WriteString(". It has to be a browser on the machine where linkmail runs; with any other one the user finishes in a terminal there, with \"linkmail login\".")
	}
	b.WriteString(" When they are done, call the tool again with the same arguments.")
	if !c.Expires.IsZero() {
		a.ExpiresAt = c.Expires.UTC().Format(time.RFC3339)
		fmt.Fprintf(&b, " The link works until %s.", a.ExpiresAt)
	}
	if !c.Renews.IsZero() {
		fmt.Fprintf(&b, " It was opened and not finished yet; if the page was closed, call again after %s for a new link.", c.Renews.UTC().Format("15:04 MST"))
	}
	a.Message = b.String()
	return &mcp.CallToolResult{
		Content:           []mcp.Content{mcp.TextContent{Type: mcp.ContentTypeText, Text: "Sign-in needed. " + a.Message}},
		StructuredContent: authRequired{Status: "auth_required", Auth: a},
	}
}

// before tells what became of the link that this one replaces.
func before(c *auth.Challenge) string {
	switch c.Previous {
	case auth.Expired:
		return "The link before this one ran out before anybody had finished, so here is a new one. "
	case auth.Abandoned:
		return "The link before this one was opened and not finished, so here is a new one. "
	case auth.Lost:
		return "The user had finished, but the result did not arrive here, so it has to be done once more with a new link. "
	default:
		return ""
	}
}

// service is a scope as a user would call it.
func service(scope string) string {
	switch scope {
	case "":
		return "the account"
	case "gmail":
		return "Gmail"
	default:
		return scope
	}
}

// credential finds what looks like one. Errors are made without secrets; this
// catches the one that was not.
var credential = regexp.MustCompile(`\b(ya29\.|1//|eyJ|GOCSPX-|pt_|ct_|sk-)[A-Za-z0-9._/~+-]{8,}=*`)

func redact(s string) string { return credential.ReplaceAllString(s, "[redacted]") }

// seconds rounds up, so that trying again then is not too early.
func seconds(d time.Duration) int { return int(math.Ceil(d.Seconds())) }

// compact encodes v as JSON for a reader: without the escapes of < and > that
// only matter inside of HTML.
func compact(v any) (json.RawMessage, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("server: encode answer: %w", err)
	}
	return bytes.TrimSpace(b.Bytes()), nil
}
