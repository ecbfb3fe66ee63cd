//go:build interop

package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestInteropWithWhatTheGmailEmulatorKeeps is about what the emulator does as
// Gmail does: queries of one term, pages, changes, mails as they were sent.
// It has no batch and no profile, leaves fields as they are, knows no OR,
// groups or minus, lets no history expire, and rewrites mails with parts within
// parts, so these have our own stand-in alone.
func TestInteropWithWhatTheGmailEmulatorKeeps(t *testing.T) {
	endpoint, files := emulator(t), t.TempDir()
	s := serveStdio(t, binary(t),
		"LINKMAIL_AUTH=token", "LINKMAIL_GMAIL_TOKEN=interop-token", "LINKMAIL_GMAIL_ENDPOINT="+endpoint,
		"LINKMAIL_CACHE_DIR="+t.TempDir(), "LINKMAIL_SEND=direct", "LINKMAIL_TOOLSETS=sync", "LINKMAIL_DOWNLOADS="+files)
	subjects := func(args map[string]any) (found []string) {
		t.Helper()
		for _, m := range s.tool("search_emails", args).Data.Items {
			found = append(found, m.Subject)
		}
		return found
	}
	const welcome, invoice, lunch = "Welcome aboard", "Invoice 4711 for October", "Lunch on Friday?"
	for _, test := range []struct {
		args map[string]any
		want []string
	}{
		{map[string]any{"query": "is:unread"}, []string{welcome}},
		{map[string]any{"query": "is:read"}, []string{lunch, invoice}},
		{map[string]any{"query": "is:starred"}, []string{lunch}},
		{map[string]any{"query": "UNSEEN"}, []string{welcome}},
		{map[string]any{"after": "2026-10-30", "before": "2026-11-01", "timeZone": "UTC"}, []string{invoice}},
		{map[string]any{"after": "2026-10-31T08:30:00Z"}, []string{lunch, invoice}},
		{map[string]any{"before": "2026-10-31T08:30:00Z"}, []string{welcome}},
		{map[string]any{"query": "from:billing", "after": "2026-11-01T00:00:00Z"}, nil},
	} {
		if got := subjects(test.args); !slices.Equal(got, test.want) {
			t.Errorf("search for %v: got %q, want %q", test.args, got, test.want)
		}
	}

	var walked []string
	for args := (map[string]any{"query": "", "maxResults": 1}); ; {
		var page struct {
			Items         []struct{ Subject string }
			NextPageToken string
			Complete      bool
		}
		s.data("search_emails", args, &page)
		for _, m := range page.Items {
			walked = append(walked, m.Subject)
		}
		if page.NextPageToken == "" || len(walked) > 5 {
			break
		}
		args["pageToken"] = page.NextPageToken
	}
	if want := []string{lunch, invoice, welcome}; !slices.Equal(walked, want) {
		t.Errorf("page by page: got %q, want %q", walked, want)
	}

	changesOnTheEmulator(t, s, endpoint)
	attachmentsOnTheEmulator(t, s, endpoint, files)
}

// changesOnTheEmulator asks for what changed after a position, which is that of
// a mail: the emulator has no profile to begin with.
func changesOnTheEmulator(t *testing.T, s *stdio, endpoint string) {
	t.Helper()
	type changes struct {
		Items []struct {
			MessageID, Change          string
			LabelsAdded, LabelsRemoved []string
		}
		NextCursor string
		Gap        bool
	}
	var after, again changes
	begin := s.writes("send_email", map[string]any{"to": "ada@example.org", "subject": "Begin 76", "body": "b"}).MessageID
	cursor := keptOnTheEmulator(t, endpoint, begin).HistoryID
	id := s.tool("search_emails", map[string]any{"query": "subject:Welcome"}).Data.Items[0].MessageID
	s.tool("modify_emails", map[string]any{"messageIds": []string{id}, "action": "star"})
	sent := s.writes("send_email", map[string]any{"to": "ada@example.org", "subject": "Delta 77", "body": "b"})
	s.data("list_changes", map[string]any{"cursor": cursor}, &after)
	starred, added := false, false
	for _, c := range after.Items {
		starred = starred || c.MessageID == id && c.Change == "labels" && slices.Contains(c.LabelsAdded, "STARRED")
		added = added || c.MessageID == sent.MessageID && c.Change == "added"
	}
	if len(after.Items) != 2 || !starred || !added || after.Gap {
		t.Errorf("changes after %s: got %+v, want a star on %s and the new mail %s", cursor, after, id, sent.MessageID)
	}
	if s.data("list_changes", map[string]any{"cursor": after.NextCursor}, &again); len(again.Items) != 0 {
		t.Errorf("changes after %s: got %+v, want none", after.NextCursor, again)
	}
}

// attachmentsOnTheEmulator sends a draft with a file and a hidden recipient, and
// compares every byte of what is kept.
func attachmentsOnTheEmulator(t *testing.T, s *stdio, endpoint, files string) {
	t.Helper()
	content := "a;ü\r\n1;2\r\n"
	if err := os.WriteFile(filepath.Join(files, "list.csv"), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	draft := s.writes("draft_email", map[string]any{
		"to": "ada@example.org", "bcc": "grace@example.org", "subject": "Grüße 99", "body": "Dear Ada,\nsee the list.", "attachments": []string{"list.csv"},
	})
	before := rawOnTheEmulator(t, endpoint, draft.MessageID)
	sent := s.writes("send_email", map[string]any{"draftId": draft.DraftID})
	if sent.Outcome != "sent" {
		t.Fatalf("got %+v, want it sent", sent)
	}
	after := rawOnTheEmulator(t, endpoint, sent.MessageID)
	if after != before {
		t.Errorf("the mail went out as\n%s\nwant the draft\n%s", after, before)
	}
	for _, want := range []string{"\r\nBcc: <grace@example.org>\r\n", "\r\nTo: <ada@example.org>\r\n", "Dear Ada,\r\nsee the list."} {
		if !strings.Contains(after, want) {
			t.Errorf("the sent mail lacks %q:\n%s", want, after)
		}
	}
	var text struct{ Text, Name, Type string }
	s.data("get_attachment", map[string]any{"messageId": sent.MessageID, "filename": "list.csv"}, &text)
	if !strings.Contains(text.Text, "a;ü\n1;2") || text.Name != "list.csv" || text.Type != "text/csv" {
		t.Errorf("the attachment as text: got %+v", text)
	}
	var saved struct{ Path string }
	s.data("get_attachment", map[string]any{"messageId": sent.MessageID, "filename": "list.csv", "as": "save"}, &saved)
	kept, err := os.ReadFile(filepath.Join(files, filepath.Base(saved.Path)))
	if err != nil || string(kept) != content || saved.Path == "list.csv" {
		t.Errorf("the attachment was saved as %q: %q, %v; want %q under a name of its own", saved.Path, kept, err, content)
	}
	// The emulator has the draft no more; that it was sent is remembered here.
	for id, want := range map[string]string{draft.DraftID: `"outcome":"duplicate"`, "r-1": "draft_not_found"} {
		if again := s.ask("tools/call", map[string]any{"name": "send_email", "arguments": map[string]any{"draftId": id}}); !strings.Contains(string(again), want) {
			t.Errorf("a send of draft %s: got %s, want %s", id, again, want)
		}
	}
}

// rawOnTheEmulator returns a mail byte by byte as the emulator keeps it.
func rawOnTheEmulator(t *testing.T, endpoint, id string) string {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(keptOnTheEmulator(t, endpoint, id).Raw, "="))
	if err != nil || len(raw) == 0 {
		t.Fatalf("message %s has no raw form: %v", id, err)
	}
	return string(raw)
}

// keptOnTheEmulator asks for a mail as any client of Gmail would.
func keptOnTheEmulator(t *testing.T, endpoint, id string) (m struct{ Raw, HistoryID string }) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, fmt.Sprintf("%sgmail/v1/users/me/messages/%s?format=raw", endpoint, id), http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer interop-token")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if err := json.NewDecoder(resp.Body).Decode(&m); err != nil {
		t.Fatal(err)
	}
	return m
}
