package tools_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"linkmail/internal/standin"
	"linkmail/mailbox"
	"linkmail/tools"
)

// settled is a configuration with every toolset, over a mailbox that is signed
// in for settings, too.
func settled(t *testing.T, send string) (tools.Config, *standin.World) {
	t.Helper()
	world := standin.NewWorld(standin.Config{})
	server := httptest.NewServer(world.Gmail())
	t.Cleanup(server.Close)
	auth := withToken{world.IssueToken(standin.DefaultUser, []string{standin.ScopeModify, standin.ScopeSettings}, time.Hour)}
	client, err := mailbox.New(mailbox.Config{HTTP: func(string) http.RoundTripper { return auth }, Endpoint: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	policy, err := tools.ParseSendPolicy(send)
	if err != nil {
		t.Fatal(err)
	}
	return tools.Config{
		Mailbox: client, Toolsets: everyToolset, Send: policy, Confirmations: newShelf(),
		Now: func() time.Time { return time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC) },
	}, world
}

func TestManageFilterPreviewsMakesListsAndDeletes(t *testing.T) {
	cfg, world := settled(t, "confirm")
	const rule = `"from":"morningledger.example","hasAttachment":false,"do":["archive","mark_read"],"addLabels":["reading LIST"]`
	line := "from: morningledger.example | do: archive, mark_read | addLabels: Reading list"

	a := must(t, cfg, "manage_filter", `{"action":"preview",`+rule+`}`)
	if a.field(t, "outcome") != "previewed" || a.data()["matches"] != 26.0 || !strings.Contains(a.text, "Nothing was made.") ||
		!strings.Contains(a.text, line) || !strings.Contains(a.text, "26 mails match now.") {
		t.Errorf("preview: %v\n%s", a.envelope, a.text)
	}
	if a := must(t, cfg, "manage_filter", `{"action":"list"}`); len(a.items(t)) != 0 {
		t.Errorf("a preview made a filter: %s", a.text)
	}
	a = must(t, cfg, "manage_filter", `{"action":"create",`+rule+`}`)
	id, _ := a.items(t)[0]["filterId"].(string)
	if a.field(t, "outcome") != "created" || id == "" || !strings.Contains(a.text, id) {
		t.Errorf("create: %v\n%s", a.envelope, a.text)
	}
	arrived := world.Deliver(standin.DefaultUser, []byte("From: news@morningledger.example\r\nSubject: new\r\n\r\nx\r\n"))
	if m, err := cfg.Mailbox.Read(t.Context(), arrived, mailbox.Text); err != nil || m.Unread || !cmp.Equal(m.Labels, []string{"CATEGORY_PERSONAL", "Reading list"}) {
		t.Errorf("%v: a mail that arrived has %v", err, m.Labels)
	}
	if a := must(t, cfg, "manage_filter", `{"action":"list"}`); !strings.Contains(a.text, "filterId: "+id+" | "+line) {
		t.Errorf("list:\n%s", a.text)
	}
	if a := must(t, cfg, "manage_filter", fmt.Sprintf(`{"action":"delete","filterId":%q}`, id)); !strings.Contains(a.text, line) {
		t.Errorf("delete:\n%s", a.text)
	}
	_, err := run(t, cfg, "manage_filter", fmt.Sprintf(`{"action":"delete","filterId":%q}`, id))
	wantArgument(t, err, "filterId", "list")
}

// Whatever was done to a filter names the call that takes it back.
func TestAFilterIsUndoneByTheCallThatIsNamed(t *testing.T) {
	cfg, _ := settled(t, "confirm")
	a := must(t, cfg, "manage_filter", `{"action":"create","from":"a@example.com","subject":"x","do":["archive"],"addLabels":["Reading list"]}`)
	for _, want := range []string{"deleted", "created", "deleted"} {
		_, call, found := strings.Cut(a.text, "To undo: manage_filter ")
		if !found {
			t.Fatalf("no undo is named:\n%s", a.text)
		}
		a = must(t, cfg, "manage_filter", call)
		if a.field(t, "outcome") != want || !strings.Contains(a.text, "from: a@example.com | subject: x | do: archive | addLabels: Reading list") {
			t.Errorf("got %v, want %s:\n%s", a.field(t, "outcome"), want, a.text)
		}
	}
}

func TestNoFilterForwards(t *testing.T) {
	cfg, _ := settled(t, "direct")
	for _, arguments := range []string{
		`{"action":"create","from":"a","do":["forward"]}`,
		`{"action":"create","from":"a","do":["archive","Forward to thief@example.net"]}`,
		`{"action":"create","from":"a","do":["archive"],"forward":"thief@example.net"}`,
	} {
		_, err := run(t, cfg, "manage_filter", arguments)
		var e *tools.ArgumentError
		if !errors.As(err, &e) || strings.Contains(e.Message+e.Hint, "thief") {
			t.Errorf("%s: got %v, want a refusal without the address", arguments, err)
		}
	}
	if a := must(t, cfg, "manage_filter", `{"action":"list"}`); len(a.items(t)) != 0 {
		t.Errorf("there is a filter: %s", a.text)
	}
}

func TestManageFilterRefuses(t *testing.T) {
	cfg, _ := settled(t, "confirm")
	for _, test := range []struct{ arguments, argument, hint string }{
		{`{"action":"create","do":["archive"]}`, "from", "at least one"},
		{`{"action":"preview","from":"a"}`, "do", "addLabels"},
		{`{"action":"create","from":"a","do":["delete"]}`, "do", "addLabels"},
		{`{"action":"create","from":"a","addLabels":["INBOX"]}`, "addLabels", "Use do"},
		{`{"action":"create","from":"a","addLabels":["Nowhere"]}`, "addLabels", "list_labels"},
		{`{"action":"create","from":"a","do":["mark_important","never_important"]}`, "do", "one of the two"},
		{`{"action":"delete"}`, "filterId", "list"},
	} {
		_, err := run(t, cfg, "manage_filter", test.arguments)
		wantArgument(t, err, test.argument, test.hint)
	}
}

func TestTheVacationResponderPassesTheGateOfSending(t *testing.T) {
	const away = `"action":"set","subject":"Away","body":"Back in May.","start":"2027-04-01","end":"2027-05-01","audience":"contacts"`
	cfg, world := settled(t, "confirm")
	world.SetVacationHTML(standin.DefaultUser, "Old", "<p>old text</p>")

	asked := must(t, cfg, "vacation_responder", "{"+away+"}")
	token := asked.field(t, "confirmationToken")
	if asked.envelope["status"] != "confirmation_required" || asked.field(t, "outcome") != "not_set" {
		t.Errorf("asked: %v", asked.envelope)
	}
	for _, want := range []string{
		"Nothing was changed.", "On, for contacts, from 2027-04-01T00:00:00+01:00, until 2027-05-01T00:00:00+01:00.",
		"Subject: Away\nBack in May.", "Before, it was this:\nOn, for everyone.\nSubject: Old\nold text", token,
	} {
		if !strings.Contains(asked.text, want) {
			t.Errorf("the question lacks %q:\n%s", want, asked.text)
		}
	}
	state := func() string { return must(t, cfg, "vacation_responder", `{}`).text }
	if got := state(); !strings.Contains(got, "old text") {
		t.Errorf("before the user agreed: %s", got)
	}
	// Another text, or a token of a mail, is not what the user agreed to.
	other := must(t, cfg, "vacation_responder", `{"action":"set","subject":"Away","body":"Pay here.","confirmationToken":"`+token+`"}`)
	if other.envelope["status"] != "confirmation_required" || !strings.Contains(other.text, "was not accepted") {
		t.Errorf("another text: %s", other.text)
	}
	mail := must(t, cfg, "send_email", `{"to":["a@example.com"],"subject":"Away","body":"Back in May."}`)
	stolen := must(t, cfg, "vacation_responder", "{"+away+`,"confirmationToken":"`+mail.field(t, "confirmationToken")+`"}`)
	if stolen.envelope["status"] != "confirmation_required" {
		t.Errorf("with the token of a mail: %v", stolen.envelope)
	}
	set := must(t, cfg, "vacation_responder", "{"+away+`,"confirmationToken":"`+stolen.field(t, "confirmationToken")+`"}`)
	if set.envelope["status"] != "ok" || set.field(t, "outcome") != "set" || !strings.Contains(set.text, "HTML formatting") {
		t.Errorf("agreed: %s", set.text)
	}
	if got := state(); !strings.Contains(got, "Back in May.") {
		t.Errorf("after the user agreed: %s", got)
	}
	off := must(t, cfg, "vacation_responder", `{"action":"off"}`)
	if off.field(t, "outcome") != "off" || off.data()["enabled"] != false || !strings.Contains(off.text, "Back in May.") {
		t.Errorf("off: %s", off.text)
	}
}

func TestTheVacationResponderFollowsThePolicyOfSending(t *testing.T) {
	cfg, _ := settled(t, "draft")
	_, err := run(t, cfg, "vacation_responder", `{"action":"set","body":"x"}`)
	var e *tools.ArgumentError
	if !errors.As(err, &e) || e.Code != "sending_refused" || !strings.Contains(e.Message, "LINKMAIL_SEND") {
		t.Errorf("draft: got %v, want a refusal", err)
	}
	cfg, _ = settled(t, "allow:*@example.com")
	if a := must(t, cfg, "vacation_responder", `{"action":"set","body":"x"}`); a.envelope["status"] != "confirmation_required" {
		t.Errorf("allow: %v", a.envelope)
	}
	cfg, _ = settled(t, "direct")
	if a := must(t, cfg, "vacation_responder", `{"action":"set","body":"x"}`); a.field(t, "outcome") != "set" {
		t.Errorf("direct: %v", a.envelope)
	}
}

func TestTheVacationResponderRefuses(t *testing.T) {
	cfg, _ := settled(t, "direct")
	for _, test := range []struct{ arguments, argument, hint string }{
		{`{"action":"set"}`, "body", "subject, body"},
		{`{"action":"set","body":"x","start":"soon"}`, "start", "day begins"},
		{`{"action":"set","body":"x","start":"2027-05-01","end":"2027-05-01"}`, "end", "exclusive"},
		{`{"action":"set","body":"x","timeZone":"Mars"}`, "timeZone", "IANA"},
		{`{"action":"set","subject":"a\nb"}`, "subject", "one line"},
		{`{"action":"set","body":"a\u200bb"}`, "body", "without"},
	} {
		_, err := run(t, cfg, "vacation_responder", test.arguments)
		wantArgument(t, err, test.argument, test.hint)
	}
}

func TestListChangesFollowsTheMailbox(t *testing.T) {
	cfg, world := settled(t, "confirm")
	begun := must(t, cfg, "list_changes", `{}`)
	cursor := begun.field(t, "nextCursor")
	if len(begun.items(t)) != 0 || !strings.Contains(begun.text, cursor) || !strings.Contains(begun.text, "begins now") || !strings.Contains(begun.text, "search_emails with after") || strings.Contains(begun.text, "0 mails") {
		t.Errorf("to begin: %s", begun.text)
	}
	one := world.Deliver(standin.DefaultUser, []byte("From: a@example.com\r\nSubject: one\r\n\r\nx\r\n"), "INBOX")
	two := world.Deliver(standin.DefaultUser, []byte("From: a@example.com\r\nSubject: two\r\n\r\nx\r\n"), "INBOX")
	world.Remove(standin.DefaultUser, two)
	a := must(t, cfg, "list_changes", fmt.Sprintf(`{"cursor":%q}`, cursor))
	next := a.field(t, "nextCursor")
	want := fmt.Sprintf("Account: %s\n2 mails changed.\n%s | thread %[2]s | added | INBOX\n%s | thread %[3]s | came_and_went\nnextCursor: %s",
		standin.DefaultUser, one, two, next)
	if diff := cmp.Diff(want, a.text); diff != "" {
		t.Errorf("text (-want +got):\n%s", diff)
	}
	world.Relabel(standin.DefaultUser, one, []string{"Label_4"}, []string{"INBOX"})
	a = must(t, cfg, "list_changes", fmt.Sprintf(`{"cursor":%q,"labels":"receipts"}`, next))
	if !strings.Contains(a.text, one+" | thread "+one+" | labels | +Receipts | -INBOX") {
		t.Errorf("text: %s", a.text)
	}
	if a := must(t, cfg, "list_changes", fmt.Sprintf(`{"cursor":%q,"labels":["Family"]}`, next)); len(a.items(t)) != 0 {
		t.Errorf("for another label: %s", a.text)
	}
	world.ExpireHistory(standin.DefaultUser)
	a = must(t, cfg, "list_changes", fmt.Sprintf(`{"cursor":%q}`, next))
	if a.data()["gap"] != true || !strings.Contains(a.text, "Gap: ") || !strings.Contains(a.text, "search_emails") || a.field(t, "nextCursor") == next {
		t.Errorf("after a gap: %s", a.text)
	}
}
