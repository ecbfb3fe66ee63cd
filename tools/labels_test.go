package tools_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"linkmail/internal/standin"
	"linkmail/mailbox"
	"linkmail/tools"
)

// wantArgument checks which argument an error is about, and that its hint says
// something.
func wantArgument(t *testing.T, err error, argument, hint string) *tools.ArgumentError {
	t.Helper()
	var e *tools.ArgumentError
	if !errors.As(err, &e) || e.Argument != argument || !strings.Contains(e.Hint, hint) {
		t.Errorf("got %v (%+v), want an error about %s with %q in its hint", err, e, argument, hint)
		return nil
	}
	return e
}

func TestListLabelsSaysTheSameInTextAndStructure(t *testing.T) {
	a := must(t, tools.Config{Mailbox: newInbox(t)}, "list_labels", `{}`)
	want := `Account: alex.rivera@example.com
23 labels, 9 of them the user's own: id | name.
CATEGORY_FORUMS, CATEGORY_PERSONAL, CATEGORY_PROMOTIONS, CATEGORY_SOCIAL, CATEGORY_UPDATES, CHAT, DRAFT, IMPORTANT, INBOX, SENT, SPAM, STARRED, TRASH, UNREAD
Label_1 | Clients
Label_3 | Clients/Bluefin Media
Label_2 | Clients/Kestrel
Label_6 | Family
Label_8 | Kunden/Köln
Label_9 | Reading list
Label_4 | Receipts
Label_7 | To do
Label_5 | Travel 2026
In a query, Clients/Bluefin Media is label:clients-bluefin-media.`
	if diff := cmp.Diff(want, a.text); diff != "" {
		t.Errorf("text (-want +got):\n%s", diff)
	}
	items := a.items(t)
	if diff := cmp.Diff(map[string]any{"id": "Label_1", "name": "Clients", "type": "user"}, items[14]); len(items) != 23 || diff != "" {
		t.Errorf("%d items, the 15th (-want +got):\n%s", len(items), diff)
	}
}

func TestListLabelsCountsWhenAsked(t *testing.T) {
	a := must(t, tools.Config{Mailbox: newInbox(t)}, "list_labels", `{"counts":true}`)
	for _, item := range a.items(t) {
		if item["total"] == nil || item["unread"] == nil {
			t.Errorf("%v is not counted", item)
		}
	}
	if !strings.Contains(a.text, "Label_4 | Receipts | 0 unread of 29") {
		t.Errorf("text: %s", a.text)
	}
}

// uncounted is a mailbox with many labels, some of which cannot be counted.
type uncounted struct {
	tools.Mailbox
	n int
}

func (u uncounted) Account(context.Context) (string, error) { return "me@example.com", nil }

func (u uncounted) Labels(context.Context) ([]mailbox.Label, error) {
	return make([]mailbox.Label, u.n), nil
}

func (u uncounted) CountLabels(_ context.Context, ids []string) (mailbox.LabelCounts, error) {
	if len(ids) > 200 {
		return mailbox.LabelCounts{}, errors.New("too many")
	}
	return mailbox.LabelCounts{Failed: []mailbox.Failed{{ID: "Label_9", Reason: "rateLimitExceeded"}}, RetryAfter: 9 * time.Second}, nil
}

func TestLabelsThatWereNotCountedAreSaidNotToBe(t *testing.T) {
	a := must(t, tools.Config{Mailbox: uncounted{n: 205}}, "list_labels", `{"counts":true}`)
	if a.envelope["status"] != "partial" || a.envelope["retryAfter"] != 9.0 {
		t.Errorf("envelope %v", a.envelope)
	}
	for _, want := range []string{"Not counted: Label_9 (rateLimitExceeded).", "The last 5 labels were not counted"} {
		if !strings.Contains(a.text, want) {
			t.Errorf("the text lacks %q:\n%s", want, a.text)
		}
	}
}

func TestGetAccountSaysWhatIsKnown(t *testing.T) {
	policy, err := tools.ParseSendPolicy("draft")
	if err != nil {
		t.Fatal(err)
	}
	b := newInbox(t)
	a := must(t, tools.Config{Mailbox: b, Send: policy, Toolsets: []tools.Toolset{tools.Labels}}, "get_account", `{}`)
	item := a.items(t)[0]
	if item["email"] != standin.DefaultUser || item["health"] != "ok" || item["sendsMail"] != "draft" || item["readOnly"] != false || item["files"] != false {
		t.Errorf("account: %v", item)
	}
	names, _ := item["tools"].([]any)
	for _, one := range tools.Catalogue(tools.Config{Toolsets: []tools.Toolset{tools.Labels}}) {
		found := false
		for _, name := range names {
			found = found || name == one.Tool.Name
		}
		if !found || !strings.Contains(a.text, one.Tool.Name) {
			t.Errorf("%s is offered and not named: %v", one.Tool.Name, names)
		}
	}
	for _, want := range []string{
		"alex.rivera@example.com is connected and works.",
		"Sends as Alex Rivera <alex.rivera@example.com>: has a signature, the default.",
		"Sends as Harbor & Pine Press <press@harborandpine.example>: no signature, not verified, so nothing can be sent from it.",
		"only saved as drafts (sendsMail draft)",
	} {
		if !strings.Contains(a.text, want) {
			t.Errorf("the text lacks %q:\n%s", want, a.text)
		}
	}
	if item := must(t, tools.Config{Mailbox: b, ReadOnly: true}, "get_account", `{}`).items(t)[0]; item["sendsMail"] != "never" || item["readOnly"] != true {
		t.Errorf("read-only: %v", item)
	}
	b.world.SetFault(func(r *http.Request) *standin.Fault {
		if strings.HasSuffix(r.URL.Path, "/sendAs") {
			return standin.InsufficientScope()
		}
		return nil
	})
	if a := must(t, tools.Config{Mailbox: b}, "get_account", `{}`); a.items(t)[0]["health"] != "missing_scope" || !strings.Contains(a.text, "cannot be read: missing_scope") {
		t.Errorf("without the list of senders: %s", a.text)
	}
}

func TestManageLabel(t *testing.T) {
	cfg := tools.Config{Mailbox: newInbox(t), Toolsets: everyToolset}
	for _, step := range []struct {
		arguments, outcome, text string
	}{
		{`{"action":"create","name":"Clients / Harbor","color":"teal","visibility":"show_if_unread"}`, "created", "Label_10 | Clients/Harbor, color teal, visibility show_if_unread."},
		{`{"action":"get_or_create","name":"clients/harbor"}`, "existed", "exists already: Label_10"},
		{`{"action":"get_or_create","name":"Clients/Pine"}`, "created", "Label_11 | Clients/Pine"},
		{`{"action":"update","name":"Clients","newName":"Customers","color":"red"}`, "updated", "4 labels nested under the old name"},
		{`{"action":"update","name":"Label_10","visibility":"hide"}`, "updated", "visibility hide"},
		{`{"action":"delete","name":"Receipts"}`, "deleted", "It was on 29 mails, which stay without it."},
	} {
		a := must(t, cfg, "manage_label", step.arguments)
		if a.field(t, "outcome") != step.outcome || !strings.Contains(a.text, step.text) || !strings.Contains(a.text, a.field(t, "id")) {
			t.Errorf("%s: %s\n%s", step.arguments, a.field(t, "outcome"), a.text)
		}
	}
	a := must(t, cfg, "list_labels", `{}`)
	if strings.Contains(a.text, "Receipts") || !strings.Contains(a.text, "Label_1 | Customers") || !strings.Contains(a.text, "Label_11 | Clients/Pine") {
		t.Errorf("afterwards:\n%s", a.text)
	}
}

func TestManageLabelRefuses(t *testing.T) {
	cfg := tools.Config{Mailbox: newInbox(t), Toolsets: everyToolset}
	for _, test := range []struct{ arguments, argument, hint string }{
		{`{"action":"delete","name":"Recepts"}`, "name", "Nearest: Receipts."},
		{`{"action":"delete","name":"INBOX"}`, "name", "user's own"},
		{`{"action":"update","name":"Receipts"}`, "newName", "Give newName"},
		{`{"action":"create","name":"x","newName":"y"}`, "newName", "name alone"},
		{`{"action":"create"}`, "name", "again"},
		{`{"action":"erase","name":"x"}`, "action", "one of these"},
	} {
		_, err := run(t, cfg, "manage_label", test.arguments)
		wantArgument(t, err, test.argument, test.hint)
	}
	_, err := run(t, cfg, "manage_label", `{"action":"create","name":"to DO"}`)
	var e *mailbox.Error
	if !errors.As(err, &e) || e.Code != "conflict" || !strings.Contains(e.Message, "Label_7") {
		t.Errorf("a label that exists: %v", err)
	}
}
