//go:build interop

package main

import (
	"encoding/json"
	"strings"
	"testing"
)

// written is what a tool that writes mail answers.
type written struct {
	Outcome, MessageID, ThreadID, DraftID, Preview, ConfirmationToken string
}

// writes calls a tool that writes mail, and agrees to what it asks: a recipient
// who stood in a mail that was read needs that under every policy.
func (s *stdio) writes(name string, args map[string]any) written {
	s.t.Helper()
	var r struct {
		IsError           bool
		StructuredContent struct{ Data written }
	}
	raw := s.ask("tools/call", map[string]any{"name": name, "arguments": args})
	if err := json.Unmarshal(raw, &r); err != nil {
		s.t.Fatal(err)
	}
	if r.IsError {
		s.t.Fatalf("%s: %s", name, raw)
	}
	if token := r.StructuredContent.Data.ConfirmationToken; token != "" && args["confirmationToken"] == nil {
		args["confirmationToken"] = token
		return s.writes(name, args)
	}
	return r.StructuredContent.Data
}

// TestInteropWritesMailToTheGmailEmulator answers a mail and takes a draft from
// its beginning to its end. The emulator checks little of what it is given, so
// this is about what it keeps.
func TestInteropWritesMailToTheGmailEmulator(t *testing.T) {
	s := serveStdio(t, binary(t),
		"LINKMAIL_AUTH=token", "LINKMAIL_GMAIL_TOKEN=interop-token", "LINKMAIL_GMAIL_ENDPOINT="+emulator(t),
		"LINKMAIL_CACHE_DIR="+t.TempDir(), "LINKMAIL_SEND=direct")
	lunch := s.tool("search_emails", map[string]any{"query": "subject:Lunch"}).Data.Items
	if len(lunch) != 1 {
		t.Fatalf("got %+v, want the mail about lunch", lunch)
	}

	sent := s.writes("reply_email", map[string]any{"messageId": lunch[0].MessageID, "body": "At *noon*, yes.", "asDraft": false})
	if sent.Outcome != "sent" || sent.ThreadID == "" {
		t.Fatalf("reply: got %+v, want it sent into a thread", sent)
	}
	thread := s.tool("search_emails", map[string]any{"query": "subject:Lunch"}).Data.Items
	if len(thread) != 2 {
		t.Errorf("after the reply: got %+v, want two mails", thread)
	}
	read := s.tool("read_email", map[string]any{"messageId": sent.MessageID}).Data.Items
	if len(read) != 1 || read[0].Subject != "Re: Lunch on Friday?" || !strings.Contains(read[0].Body, "noon") || !strings.Contains(read[0].Body, "Shall we meet") {
		t.Errorf("the reply: got %+v, want subject, answer and quote", read)
	}

	draft := s.writes("draft_email", map[string]any{"to": "ada@example.org", "bcc": "grace@example.org", "subject": "Draft 5521", "body": "One."})
	if draft.Outcome != "drafted" || draft.DraftID == "" {
		t.Fatalf("draft: got %+v", draft)
	}
	changed := s.writes("draft_email", map[string]any{"draftId": draft.DraftID, "body": "Two."})
	if changed.DraftID != draft.DraftID || !strings.Contains(changed.Preview, "Two.") {
		t.Errorf("changed draft: got %+v", changed)
	}
	gone := s.writes("send_email", map[string]any{"draftId": draft.DraftID})
	if gone.Outcome != "sent" {
		t.Errorf("sent draft: got %+v", gone)
	}
	read = s.tool("read_email", map[string]any{"messageId": gone.MessageID}).Data.Items
	if len(read) != 1 || read[0].Subject != "Draft 5521" || !strings.Contains(read[0].Body, "Two.") {
		t.Errorf("the sent draft: got %+v", read)
	}
}
