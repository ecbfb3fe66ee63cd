package tools_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"linkmail/internal/standin"
	"linkmail/mailbox"
	"linkmail/tools"
)

// noMail is an id in Gmail's form that no mail has.
const noMail = "18a0ffffffffffff"

// labels returns the labels of a mail by their names, sorted.
func (b *inbox) labels(t *testing.T, id string) string {
	t.Helper()
	m, err := b.Read(t.Context(), id, mailbox.Text)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(m.Labels)
	return strings.Join(m.Labels, " ")
}

// outcomes returns the ids of an answer by what became of them.
func (a answer) outcomes(t *testing.T) map[string][]string {
	t.Helper()
	by := map[string][]string{}
	for _, item := range a.items(t) {
		name, _ := item["outcome"].(string)
		list, _ := item["ids"].([]any)
		for _, id := range list {
			by[name] = append(by[name], fmt.Sprint(id))
			if !strings.Contains(a.text, fmt.Sprint(id)) {
				t.Errorf("the text does not name %v", id)
			}
		}
	}
	return by
}

// undo makes the calls that an answer offers for that.
func (a answer) undo(t *testing.T, cfg tools.Config) {
	t.Helper()
	calls, _ := a.data()["undo"].([]any)
	if len(calls) == 0 {
		t.Fatal("there is no way to undo it")
	}
	for _, call := range calls {
		name, args, ok := strings.Cut(fmt.Sprint(call), " ")
		if !ok || !json.Valid([]byte(args)) {
			t.Fatalf("%v is no call", call)
		}
		must(t, cfg, name, args)
	}
}

func args(t *testing.T, v map[string]any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestModifySaysTheSameInTextAndStructure(t *testing.T) {
	b := newInbox(t)
	cfg := tools.Config{Mailbox: b}
	one := b.deliver("From: a@example.com\r\nSubject: one\r\n\r\nx\r\n")
	two := b.deliver("From: a@example.com\r\nSubject: two\r\n\r\nx\r\n", "Label_2")
	a := must(t, cfg, "modify_emails", args(t, map[string]any{"messageIds": []string{one, two, noMail}, "action": "archive"}))
	want := fmt.Sprintf(`Account: %s
archive.
Done (1 mail): %s.
Was so already (1 mail): %s.
Does not exist (1 mail): %s.
To undo: modify_emails {"messageIds":["%[2]s"],"addLabels":["INBOX"]}`, standin.DefaultUser, one, two, noMail)
	if diff := cmp.Diff(want, a.text); diff != "" {
		t.Errorf("text (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string][]string{"done": {one}, "unchanged": {two}, "not_found": {noMail}}, a.outcomes(t)); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
	if a.envelope["status"] != "partial" {
		t.Errorf("status %v, want partial", a.envelope["status"])
	}
}

func TestProblem23TheDailyActionsAreThereAndCanBeUndone(t *testing.T) {
	for _, test := range []struct {
		tool, arguments, want string
	}{
		{"modify_emails", `"action":"archive"`, "CATEGORY_PERSONAL UNREAD"},
		{"modify_emails", `"action":"mark_read"`, "CATEGORY_PERSONAL INBOX"},
		{"modify_emails", `"action":"star"`, "CATEGORY_PERSONAL INBOX STARRED UNREAD"},
		{"modify_emails", `"action":"archive","addLabels":["Receipts"],"removeLabels":["unread"]`, "CATEGORY_PERSONAL Receipts"},
		{"trash_emails", `"spam":false`, "CATEGORY_PERSONAL TRASH UNREAD"},
		{"trash_emails", `"spam":true`, "CATEGORY_PERSONAL SPAM UNREAD"},
	} {
		for _, which := range []string{"messageIds", "threadIds"} {
			t.Run(test.tool+" "+test.arguments+" "+which, func(t *testing.T) {
				b := newInbox(t)
				cfg := tools.Config{Mailbox: b}
				id := b.deliver("From: a@example.com\r\nSubject: one\r\n\r\nx\r\n")
				before := b.labels(t, id)
				call := fmt.Sprintf(`{%q:[%q],%s}`, which, id, test.arguments)
				a := must(t, cfg, test.tool, call)
				if got := b.labels(t, id); got != test.want {
					t.Errorf("labels are %s, want %s", got, test.want)
				}
				a.undo(t, cfg)
				if got := b.labels(t, id); got != before {
					t.Errorf("undone, labels are %s, want %s", got, before)
				}
			})
		}
	}
}

func TestArchivingNeverTrashes(t *testing.T) {
	b := newInbox(t)
	id := b.deliver("From: a@example.com\r\nSubject: one\r\n\r\nx\r\n")
	must(t, tools.Config{Mailbox: b}, "modify_emails", fmt.Sprintf(`{"messageIds":%q,"action":"archive"}`, id))
	if got := b.labels(t, id); strings.Contains(got, "TRASH") || strings.Contains(got, "INBOX") {
		t.Errorf("labels are %s", got)
	}
	for _, word := range []string{"TRASH", "bin", "spam", "Junk"} {
		for _, argument := range []string{"addLabels", "removeLabels"} {
			_, err := run(t, tools.Config{Mailbox: b}, "modify_emails", fmt.Sprintf(`{"messageIds":[%q],%q:[%q]}`, id, argument, word))
			wantArgument(t, err, argument, "trash_emails")
		}
	}
}

func TestChangingTwiceChangesNothingMore(t *testing.T) {
	b := newInbox(t)
	cfg := tools.Config{Mailbox: b}
	id := b.deliver("From: a@example.com\r\nSubject: one\r\n\r\nx\r\n")
	b.labels(t, id) // it is known from here on
	for _, call := range []struct{ tool, arguments string }{
		{"modify_emails", `{"messageIds":[%q],"action":"star"}`}, {"trash_emails", `{"messageIds":[%q]}`}, {"trash_emails", `{"messageIds":[%q],"restore":true}`},
	} {
		arguments := fmt.Sprintf(call.arguments, id)
		if got := must(t, cfg, call.tool, arguments).outcomes(t); len(got["done"]) != 1 {
			t.Errorf("%s %s: %v, want done", call.tool, arguments, got)
		}
		a := must(t, cfg, call.tool, arguments)
		if got := a.outcomes(t); len(got["unchanged"]) != 1 || a.data()["undo"] != nil {
			t.Errorf("%s %s again: %v, want unchanged and nothing to undo", call.tool, arguments, a.envelope)
		}
	}
}

func TestProblem25LabelsAreCalledByTheirNames(t *testing.T) {
	b := newInbox(t)
	for word, want := range map[string]string{
		"Clients/Kestrel": "Clients/Kestrel", "clients/KESTREL": "Clients/Kestrel", " clients / kestrel ": "Clients/Kestrel",
		"clients-kestrel": "Clients/Kestrel", "label:clients-kestrel": "Clients/Kestrel", "Label_2": "Clients/Kestrel",
		"kunden/köln": "Kunden/Köln", "starred": "STARRED", "promotions": "CATEGORY_PROMOTIONS", `"To do"`: "To do",
	} {
		t.Run(word, func(t *testing.T) {
			id := b.deliver("From: a@example.com\r\nSubject: one\r\n\r\nx\r\n", "INBOX")
			must(t, tools.Config{Mailbox: b}, "modify_emails", args(t, map[string]any{"messageIds": []string{id}, "addLabels": []string{word}}))
			if got := b.labels(t, id); !strings.Contains(got, want) {
				t.Errorf("labels are %s, want %s among them", got, want)
			}
		})
	}
}

func TestALabelThatDoesNotExistIsAnErrorThatOffersTheNearest(t *testing.T) {
	b := newInbox(t)
	id := b.deliver("From: a@example.com\r\nSubject: one\r\n\r\nx\r\n", "INBOX")
	for _, test := range []struct{ word, near, far string }{
		{"Reciepts", "Nearest: Receipts.", "Travel"},
		{"kestrel", "Nearest: Clients/Kestrel.", "Bluefin"},
		{"travel", "Nearest: Travel 2026", "Receipts"},
		{"client/bluefin", "Nearest: Clients/Bluefin Media.", "Receipts"},
		{"Zzyzx", "list_labels names all", "Nearest"},
	} {
		_, err := run(t, tools.Config{Mailbox: b}, "modify_emails", args(t, map[string]any{"messageIds": []string{id}, "removeLabels": []string{"INBOX", test.word}}))
		e := wantArgument(t, err, "removeLabels", test.near)
		if e != nil && (!strings.Contains(e.Message, "removeLabels[1]") || !strings.Contains(e.Hint, "manage_label") || strings.Contains(e.Hint, test.far)) {
			t.Errorf("%s: %q, %q", test.word, e.Message, e.Hint)
		}
	}
	if got := b.labels(t, id); got != "INBOX" {
		t.Errorf("labels are %s: something was changed", got)
	}
}

func TestALabelThatIsNewIsFound(t *testing.T) {
	b := newInbox(t)
	id := b.deliver("From: a@example.com\r\nSubject: one\r\n\r\nx\r\n", "INBOX")
	if _, err := b.RecentLabels(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.post(t, "labels", `{"name":"Brand new, and odd"}`)
	a := must(t, tools.Config{Mailbox: b}, "modify_emails", args(t, map[string]any{"messageIds": []string{id}, "addLabels": []string{`"brand new, and odd"`}}))
	if got := b.labels(t, id); !strings.Contains(got, "Brand new, and odd") {
		t.Errorf("labels are %s", got)
	}
	a.undo(t, tools.Config{Mailbox: b})
	if got := b.labels(t, id); got != "INBOX" {
		t.Errorf("undone, labels are %s", got)
	}
}

func TestModifyRefusesWhatMakesNoSense(t *testing.T) {
	var ids []string
	for i := range 1001 {
		ids = append(ids, fmt.Sprintf("%016x", i))
	}
	for _, test := range []struct {
		name      string
		arguments map[string]any
		argument  string
		hint      string
	}{
		{"no mails", map[string]any{"action": "archive"}, "messageIds", "search_emails"},
		{"mails and threads", map[string]any{"messageIds": []string{noMail}, "threadIds": []string{noMail}, "action": "archive"}, "threadIds", "each"},
		{"too many mails", map[string]any{"messageIds": ids, "action": "archive"}, "messageIds", "thousand"},
		{"too many threads", map[string]any{"threadIds": ids[:101], "action": "archive"}, "threadIds", "hundred"},
		{"nothing to do", map[string]any{"messageIds": []string{noMail}}, "action", "addLabels"},
		{"both ways at once", map[string]any{"messageIds": []string{noMail}, "addLabels": []string{"INBOX"}, "action": "archive"}, "removeLabels", "one of the two"},
		{"what Gmail alone sets", map[string]any{"messageIds": []string{noMail}, "addLabels": []string{"sent"}}, "addLabels", "user's own"},
		{"drafts", map[string]any{"messageIds": []string{noMail}, "removeLabels": []string{"Drafts"}}, "removeLabels", "user's own"},
		{"an unknown action", map[string]any{"messageIds": []string{noMail}, "action": "delete"}, "action", "one of these"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := run(t, tools.Config{Mailbox: newInbox(t)}, "modify_emails", args(t, test.arguments))
			wantArgument(t, err, test.argument, test.hint)
		})
	}
}

func TestARestoredMailIsSaidNotToBeInTheInbox(t *testing.T) {
	b := newInbox(t)
	id := b.deliver("From: a@example.com\r\nSubject: one\r\n\r\nx\r\n", "TRASH")
	a := must(t, tools.Config{Mailbox: b}, "trash_emails", fmt.Sprintf(`{"messageIds":[%q],"restore":true}`, id))
	if !strings.Contains(a.text, "not in the inbox") || a.field(t, "note") == "" {
		t.Errorf("text: %s", a.text)
	}
	a.undo(t, tools.Config{Mailbox: b})
	if got := b.labels(t, id); got != "TRASH" {
		t.Errorf("undone, labels are %s", got)
	}
}
