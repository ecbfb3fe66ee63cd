//go:build interop

package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// data calls a tool and reads the data of its structured answer.
func (s *stdio) data(name string, args map[string]any, into any) {
	s.t.Helper()
	var r struct {
		IsError           bool
		StructuredContent struct{ Data json.RawMessage }
	}
	raw := s.ask("tools/call", map[string]any{"name": name, "arguments": args})
	if err := json.Unmarshal(raw, &r); err != nil || r.IsError {
		s.t.Fatalf("%s: %v %s", name, err, raw)
	}
	if err := json.Unmarshal(r.StructuredContent.Data, into); err != nil {
		s.t.Fatal(err)
	}
}

// labelsOnTheEmulator puts a label that is called by its name on mails, and
// moves them to the trash and back. What the search of somebody else's server
// finds afterwards is the judge.
func labelsOnTheEmulator(t *testing.T, s *stdio) {
	t.Helper()
	found := func(query string) int {
		t.Helper()
		return len(s.tool("search_emails", map[string]any{"query": query}).Data.Items)
	}
	var labels struct {
		Items []struct{ ID, Name, Type string }
	}
	s.data("list_labels", nil, &labels)
	review := ""
	for _, l := range labels.Items {
		if l.Name == "Ops/Review" && l.Type == "user" {
			review = l.ID
		}
	}
	if review == "" {
		t.Fatalf("the labels are %+v, want Ops/Review among them", labels.Items)
	}
	lunch := s.tool("search_emails", map[string]any{"query": "subject:lunch"}).Data.Items[0].MessageID
	var changed struct {
		Items []struct {
			Outcome string
			IDs     []string
		}
		Undo []string
	}
	s.data("modify_emails", map[string]any{"messageIds": []string{lunch, "msg_of_nobody"}, "addLabels": []string{"ops/review"}, "action": "archive"}, &changed)
	if len(changed.Items) != 2 || changed.Items[0].Outcome != "done" || changed.Items[1].Outcome != "not_found" {
		t.Errorf("modify: got %+v, want one done and one not found", changed)
	}
	if n := found(`label:"Ops/Review"`); n != 2 {
		t.Errorf("%d mails have the label, want 2", n)
	}
	if n := found("subject:lunch in:inbox"); n != 0 {
		t.Errorf("an archived mail is in the inbox")
	}
	for _, call := range changed.Undo {
		name, args, _ := strings.Cut(call, " ")
		var in map[string]any
		if err := json.Unmarshal([]byte(args), &in); err != nil {
			t.Fatal(err)
		}
		s.tool(name, in)
	}
	if a, b := found(`label:"Ops/Review"`), found("subject:lunch in:inbox"); a != 1 || b != 1 {
		t.Errorf("undone: %d mails have the label and %d is in the inbox, want 1 and 1", a, b)
	}
	trashed := func() bool {
		t.Helper()
		var mails struct{ Items []struct{ Labels []string } }
		s.data("read_email", map[string]any{"messageId": lunch}, &mails)
		return len(mails.Items) == 1 && slices.Contains(mails.Items[0].Labels, "TRASH")
	}
	s.data("trash_emails", map[string]any{"messageIds": []string{lunch}}, &changed)
	if !trashed() {
		t.Error("the mail is not in the trash")
	}
	s.data("trash_emails", map[string]any{"messageIds": []string{lunch}, "restore": true}, &changed)
	if trashed() {
		t.Error("the mail is still in the trash")
	}
}
