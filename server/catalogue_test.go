package server_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"
	"github.com/rs/zerolog"

	"linkmail/auth"
	"linkmail/mailbox"
	"linkmail/server"
	"linkmail/tools"
)

// refused is a way to Gmail on which every request ends in a challenge.
type refused struct{}

func (refused) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, &auth.Challenge{
		URL: "https://broker.example/connect/ABCD-1234", Code: "ABCD-1234", Scope: "gmail", Expires: expires, Step: 2,
	}
}

// signedOut is a mailbox whose user has not signed in.
func signedOut(tb testing.TB) *mailbox.Client {
	tb.Helper()
	c, err := mailbox.New(mailbox.Config{HTTP: func(string) http.RoundTripper { return refused{} }})
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// signIn are the arguments with which each tool gets as far as the mailbox.
var signIn = map[string]string{
	"search_emails":  `{"query":"canary"}`,
	"read_email":     `{"messageId":"18c2a7f3e4b5d6a7"}`,
	"get_thread":     `{"threadId":"18c2a7f3e4b5d6a7"}`,
	"send_email":     `{"to":"canary@example.com","subject":"canary","body":"canary"}`,
	"modify_emails":  `{"messageIds":["18c2a7f3e4b5d6a7"],"action":"archive"}`,
	"trash_emails":   `{"messageIds":["18c2a7f3e4b5d6a7"]}`,
	"draft_email":    `{"body":"canary"}`,
	"reply_email":    `{"messageId":"18c2a7f3e4b5d6a7","body":"canary"}`,
	"forward_email":  `{"messageId":"18c2a7f3e4b5d6a7","to":"canary@example.com"}`,
	"delete_draft":   `{"draftId":"r-18c2a7f3e4b5d6a7"}`,
	"manage_label":   `{"action":"create","name":"canary"}`,
	"manage_filter":  `{"action":"create","from":"canary","do":["archive"]}`,
	"get_attachment": `{"messageId":"18c2a7f3e4b5d6a7","filename":"canary"}`,
}

func TestChallengeOfEveryToolIsAnAnswerOfThatTool(t *testing.T) {
	direct, err := tools.ParseSendPolicy("direct")
	if err != nil {
		t.Fatal(err)
	}
	catalogue := tools.Catalogue(tools.Config{
		Mailbox: signedOut(t), Send: direct,
		Toolsets: []tools.Toolset{tools.Compose, tools.Labels, tools.Settings, tools.Sync},
	})
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
	s, err := server.New(server.Config{Name: "linkmail", Version: "1", Tools: tools.Catalogue(tools.Config{Mailbox: signedOut(t)})})
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
	box := signedOut(b)
	for b.Loop() {
		if _, err := server.New(server.Config{Name: "linkmail", Version: "1", Tools: tools.Catalogue(tools.Config{Mailbox: box})}); err != nil {
			b.Fatal(err)
		}
	}
}
