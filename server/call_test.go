package server_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"linkmail/server"
)

func TestCallAnswers(t *testing.T) {
	s, log := newServer(t, nil, nil)
	for _, test := range []struct {
		name, tool string
		envelope   string // with INTERNAL for the message of an internal error
		isError    bool
		logged     string
	}{
		{"with the tool's envelope", "echo", `{"status":"ok","data":"{}"}`, false, "ok"},
		{"as the configured principal", "whoami", `{"status":"ok","data":"local"}`, false, "ok"},
		{"a challenge with a normal result", "challenge", `{"status":"auth_required","auth":{` +
			`"url":"https://broker.example/connect/ABCD-1234#fp=1","code":"ABCD-1234","scope":"gmail","expiresAt":"2026-11-24T12:00:00Z",` +
			`"message":"The user has to connect Gmail first. Show the user this link to open in a browser: https://broker.example/connect/ABCD-1234#fp=1 ` +
			`and this code: ABCD-1234. They must continue only if the page shows the same code. When they are done, call the tool again with the same arguments. ` +
			`The link works until 2026-11-24T12:00:00Z."}}`, false, "auth_required"},
		{
			"an error that explains itself in its words", "explains",
			`{"error":{"code":"not_found","message":"no mail has this id","hint":"Search for it.","retryAfter":2}}`, true, "not_found",
		},
		{"an unexpected error with an id only", "unexpected", `{"error":{"code":"internal","message":"INTERNAL",` +
			`"hint":"This is a fault of the server. Its log has more under this id."}}`, true, "internal"},
		{"a panic with an id only", "panics", `{"error":{"code":"internal","message":"INTERNAL",` +
			`"hint":"This is a fault of the server. Its log has more under this id."}}`, true, "panic"},
		{"a cancelled call so", "cancelled", `{"error":{"code":"cancelled","message":"the call was cancelled before it was done","hint":""}}`, true, "cancelled"},
		{"a late call so", "late", `{"error":{"code":"timeout","message":"the call took too long and was given up","hint":"Try again, or ask for less at once.","retryAfter":10}}`, true, "timeout"},
		{"an unknown tool with the known ones", "canary_tool", `{"error":{"code":"unknown_tool","message":"there is no tool of this name",` +
			`"hint":"The tools are cancelled, challenge, client, echo, explains, late, panics, unexpected, wait, whoami."}}`, true, "unknown_tool"},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := len(log.String())
			got := s.Call(t.Context(), test.tool, json.RawMessage(`{}`))
			envelope := string(got.Envelope)
			if _, rest, ok := strings.Cut(envelope, `"internal error `); ok {
				id, _, _ := strings.Cut(rest, `"`)
				if !strings.Contains(log.String(), id) {
					t.Errorf("the log does not have the id %s of the internal error", id)
				}
				envelope = strings.Replace(envelope, "internal error "+id, "INTERNAL", 1)
			}
			if diff := cmp.Diff(test.envelope, envelope); diff != "" {
				t.Errorf("envelope (-want +got):\n%s", diff)
			}
			if got.IsError != test.isError {
				t.Errorf("IsError = %v, want %v", got.IsError, test.isError)
			}
			if got.Text == "" {
				t.Error("there is no text")
			}
			if line := log.String()[before:]; !strings.Contains(line, `"outcome":"`+test.logged+`"`) {
				t.Errorf("log = %s, want outcome %s", line, test.logged)
			}
		})
	}
	if strings.Contains(log.String(), "canary") {
		t.Errorf("the log quotes an error, a panic or a made-up name:\n%s", log)
	}
}

func TestArgumentsDoNotReachTheLog(t *testing.T) {
	s, log := newServer(t, nil, nil)
	for _, name := range []string{"echo", "explains", "unexpected", "panics", "challenge"} {
		s.Call(t.Context(), name, json.RawMessage(`{"query":"canary-7"}`))
	}
	if got := log.String(); strings.Contains(got, "canary") {
		t.Errorf("the log has an argument:\n%s", got)
	}
	if got := strings.Count(log.String(), `"message":"call"`); got != 5 {
		t.Errorf("%d lines say that there was a call, want one for each of 5:\n%s", got, log)
	}
}

func TestExplanationsAreSearchedForCredentials(t *testing.T) {
	for _, secret := range []string{"ya29.a0AfH6SMBx", "1//0gFq2zLtN8", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIi", "GOCSPX-8sd7f6s8d", "pt_5f4dcc3b5aa7", "ct_5f4dcc3b5aa7", "sk-abcdefghijkl"} {
		if got := server.Redact("refused: " + secret + " is wrong"); got != "refused: [redacted] is wrong" {
			t.Errorf("Redact(%q) = %q", secret, got)
		}
	}
	for _, plain := range []string{"object_identifier_long", "call again at 1/2/2026", "the task-manager", "risk-adjusted"} {
		if got := server.Redact(plain); got != plain {
			t.Errorf("Redact(%q) = %q", plain, got)
		}
	}
}

func TestConfigIsChecked(t *testing.T) {
	for _, test := range []struct {
		name string
		cfg  server.Config
	}{
		{"no name", server.Config{Version: "1", Tools: catalogue(nil, nil)}},
		{"no version", server.Config{Name: "x", Tools: catalogue(nil, nil)}},
		{"no tools", server.Config{Name: "x", Version: "1"}},
		{"two tools of one name", server.Config{Name: "x", Version: "1", Tools: append(catalogue(nil, nil), catalogue(nil, nil)...)}},
	} {
		if _, err := server.New(test.cfg); err == nil {
			t.Errorf("%s: New returned no error", test.name)
		}
	}
}
