package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"
	"github.com/rs/zerolog"

	"linkmail/auth"
	"linkmail/mailbox"
	"linkmail/server"
	"linkmail/tools"
)

// signedOut is a mailbox whose user has not signed in: every request ends in a
// challenge, wrapped as net/http and the layers above do it.
type signedOut struct {
	tools.Mailbox // none: what is not played is not called
}

func (signedOut) fail(op string) error {
	return fmt.Errorf("mailbox: %s: %w", op, &url.Error{Op: "Get", URL: "https://gmail.example/?q=canary", Err: &auth.Challenge{
		URL: "https://broker.example/connect/ABCD-1234", Code: "ABCD-1234", Scope: "gmail", Expires: expires, Step: 2,
	}})
}

func (s signedOut) Search(context.Context, mailbox.Query) (mailbox.Page, error) {
	return mailbox.Page{}, s.fail("search")
}

func (s signedOut) Read(context.Context, string, mailbox.Format) (mailbox.Message, error) {
	return mailbox.Message{}, s.fail("read")
}

func (s signedOut) Send(context.Context, mailbox.Outgoing) (mailbox.Receipt, error) {
	return mailbox.Receipt{}, s.fail("send")
}

func (s signedOut) Check(context.Context, mailbox.Outgoing) (mailbox.Receipt, error) {
	return mailbox.Receipt{}, s.fail("check")
}

func (s signedOut) Draft(context.Context, mailbox.Outgoing) (mailbox.Receipt, error) {
	return mailbox.Receipt{}, s.fail("draft")
}

func (s signedOut) WithSignature(context.Context, mailbox.Outgoing) (mailbox.Outgoing, error) {
	return mailbox.Outgoing{}, s.fail("sign")
}

func (s signedOut) Reply(context.Context, string, mailbox.Answering) (mailbox.Outgoing, error) {
	return mailbox.Outgoing{}, s.fail("reply")
}

func (s signedOut) Account(context.Context) (string, error) { return "", s.fail("account") }

// signIn are the arguments with which each tool gets as far as the mailbox.
var signIn = map[string]string{
	"search_emails": `{"query":"canary"}`,
	"draft_email":   `{"to":"canary@example.com","subject":"canary","body":"canary","signature":false}`,
	"reply_email":   `{"messageId":"canary","body":"canary"}`,
	"read_email":    `{"messageId":"18c2a7f3e4b5d6a7"}`,
	"send_email":    `{"to":"canary@example.com","subject":"canary","body":"canary"}`,
}

func TestChallengeOfEveryToolIsAnAnswerOfThatTool(t *testing.T) {
	direct, err := tools.ParseSendPolicy("direct")
	if err != nil {
		t.Fatal(err)
	}
	catalogue := tools.Catalogue(tools.Config{Mailbox: signedOut{}, Send: direct})
	var log bytes.Buffer
	s, err := server.New(server.Config{
		Name: "linkmail", Version: "1", Instructions: tools.Instructions, Tools: catalogue,
		Log: zerolog.New(&log).Level(zerolog.TraceLevel),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range catalogue {
		name := one.Tool.Name
		got := s.Call(t.Context(), name, json.RawMessage(signIn[name]))
		if got.IsError {
			t.Errorf("%s: a challenge is an error: %s", name, got.Envelope)
			continue
		}
		var schema jsonschema.Schema
		if err := json.Unmarshal(one.Tool.RawOutputSchema, &schema); err != nil {
			t.Fatal(err)
		}
		resolved, err := schema.Resolve(nil)
		if err != nil {
			t.Fatal(err)
		}
		var v map[string]any
		if err := json.Unmarshal(got.Envelope, &v); err != nil {
			t.Fatal(err)
		}
		if err := resolved.Validate(v); err != nil {
			t.Errorf("%s: %s does not satisfy the tool's schema: %v", name, got.Envelope, err)
		}
		if v["status"] != string(tools.AuthRequired) {
			t.Errorf("%s: status = %v", name, v["status"])
		}
		if !strings.Contains(got.Text, "One more step of the sign-in. ") || !strings.Contains(got.Text, "ABCD-1234") {
			t.Errorf("%s: text = %q", name, got.Text)
		}
	}
	if strings.Contains(log.String(), "canary") {
		t.Errorf("an argument or a URL reached the log:\n%s", &log)
	}
}

func TestToolErrorsAreRendered(t *testing.T) {
	s, err := server.New(server.Config{Name: "linkmail", Version: "1", Tools: tools.Catalogue(tools.Config{Mailbox: signedOut{}})})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ tool, args, want string }{
		{"search_emails", `{"maxResult":5}`, `{"error":{"code":"invalid_argument","message":"unknown argument \"maxResult\"; search_emails takes query, maxResults, pageToken, includeSpamTrash, after, before, timeZone, account","hint":"Did you mean maxResults?"}}`},
		{"search_emails", `{"query":"` + strings.Repeat("x", 10<<20) + `"}`, `{"error":{"code":"too_large","message":"the arguments take 10485772 bytes; at most 1048576 are accepted","hint":"Shorten the longest argument."}}`},
		{"send_email", `{"to":"a@example.com","subject":"s","body":"b","signature":false}`, `{"error":{"code":"confirmation_unavailable","message":"the confirmation could not be kept, so the mail was not sent","hint":"Make the cache directory writable, or let LINKMAIL_SEND say that mails are saved as drafts."}}`},
	} {
		got := s.Call(t.Context(), test.tool, json.RawMessage(test.args))
		if string(got.Envelope) != test.want || !got.IsError {
			t.Errorf("%s: %s, want %s", test.tool, got.Envelope, test.want)
		}
	}
}

func BenchmarkStart(b *testing.B) {
	for b.Loop() {
		if _, err := server.New(server.Config{Name: "linkmail", Version: "1", Tools: tools.Catalogue(tools.Config{Mailbox: signedOut{}})}); err != nil {
			b.Fatal(err)
		}
	}
}
