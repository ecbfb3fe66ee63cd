package tools_test

import (
	"slices"
	"strings"
	"testing"

	"linkmail/mailbox"
	"linkmail/tools"
)

const hello = "From: Anna <anna@example.com>\r\nTo: me@example.com\r\nSubject: Hello\r\nMessage-ID: <h@example.com>\r\n\r\nHi.\r\n"

func TestWordsOfAnEnumAreReadInAnyCase(t *testing.T) {
	b := newInbox(t)
	for _, word := range []string{"Star", "STAR", "mark_Unread", "Mark unread"} {
		id := b.deliver(hello, "INBOX")
		text := must(t, tools.Config{Mailbox: b, Toolsets: []tools.Toolset{tools.Compose}}, "modify_emails", `{"messageIds":["`+id+`"],"action":"`+word+`"}`).text
		if !strings.Contains(text, "Done (1 mail): "+id) {
			t.Errorf("%s: %s", word, text)
		}
	}
}

func TestPartsAndNotesAreTakenUnderUsualNames(t *testing.T) {
	b := newInbox(t)
	id := b.deliver(hello, "INBOX")
	text := must(t, tools.Config{Mailbox: b, Toolsets: []tools.Toolset{tools.Compose}}, "forward_email", `{"messageId":"`+id+`","to":"a@example.com","body":"Please look."}`).text
	if !strings.Contains(text, "Please look.") {
		t.Errorf("the note is not in the draft: %s", text)
	}
}

// To leave out what is not known would do the opposite of what was meant.
func TestNothingIsTrashedThatWasToBeRestored(t *testing.T) {
	b := newInbox(t)
	for _, args := range []string{`"action":"restore"`, `"mode":"restore"`, `"undelete":true`, `"Restore":"True"`} {
		id := b.deliver(hello, "INBOX")
		_, err := run(t, tools.Config{Mailbox: b, Toolsets: []tools.Toolset{tools.Compose}}, "trash_emails", `{"messageIds":["`+id+`"],`+args+`}`)
		m, gone := b.Read(t.Context(), id, mailbox.Markdown)
		if gone != nil || slices.Contains(m.Labels, "TRASH") {
			t.Errorf("%s moved the mail to the trash", args)
		}
		if err != nil && strings.Contains(strings.ToLower(err.Error()), "leave") {
			t.Errorf("%s: %v", args, err)
		}
	}
}

// Advice about an argument that a tool has, or takes as a synonym, would never
// be given.
func TestAdviceIsAboutArgumentsThatToolsDoNotHave(t *testing.T) {
	all, err := tools.ParseToolsets("all")
	if err != nil {
		t.Fatal(err)
	}
	b := &box{}
	for tool, hints := range tools.Advice {
		for key, hint := range hints {
			if hint[0] < 'A' || hint[0] > 'Z' || !strings.HasSuffix(hint, ".") {
				t.Errorf("%s, %s: %q is no sentence", tool, key, hint)
			}
			if tool == "attachments" {
				continue
			}
			if _, err := run(t, tools.Config{Mailbox: b, Toolsets: all}, tool, `{"`+key+`":"x"}`); err == nil || !strings.Contains(err.Error(), "unknown argument") {
				t.Errorf("%s takes %s: %v", tool, key, err)
			}
		}
	}
}
