package mailbox_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"linkmail/internal/standin"
	"linkmail/mailbox"
)

func TestAFilterIsMadeListedAndDeleted(t *testing.T) {
	r := newRig(t, standin.Config{})
	f := mailbox.Filter{
		Criteria: mailbox.Criteria{From: "shop.example", Subject: "order", Query: "is:important OR newer_than:1d", Without: "refund", HasAttachment: true, LargerThan: 10_000},
		Add:      []string{"Label_4"}, Remove: []string{"INBOX"},
	}
	made, err := r.CreateFilter(t.Context(), f)
	if f.ID = made.ID; err != nil || f.ID == "" || !cmp.Equal(f, made) {
		t.Fatalf("%v: made %+v, want %+v", err, made, f)
	}
	all, err := r.Filters(t.Context())
	if diff := cmp.Diff([]mailbox.Filter{f}, all); err != nil || diff != "" {
		t.Errorf("%v: (-want +got):\n%s", err, diff)
	}
	again := f
	again.ID = ""
	_, err = r.CreateFilter(t.Context(), again)
	wantCode(t, err, "invalid_argument")
	if err == nil || !strings.Contains(err.Error(), "exists already") {
		t.Errorf("a second one of the same: %v", err)
	}
	if err := r.DeleteFilter(t.Context(), f.ID); err != nil {
		t.Fatal(err)
	}
	wantCode(t, r.DeleteFilter(t.Context(), f.ID), "not_found")
}

func TestFiltersThatAreNotMade(t *testing.T) {
	rule := mailbox.Filter{Criteria: mailbox.Criteria{From: "a@example.com"}, Remove: []string{"INBOX"}}
	for _, test := range []struct {
		name   string
		change func(*mailbox.Filter)
		code   string
	}{
		{"one that forwards", func(f *mailbox.Filter) { f.Forward = "thief@example.net" }, "forwarding_refused"},
		{"one for all mail", func(f *mailbox.Filter) { f.Criteria = mailbox.Criteria{} }, "invalid_argument"},
		{"one that does nothing", func(f *mailbox.Filter) { f.Remove = nil }, "invalid_argument"},
		{"one with two sizes", func(f *mailbox.Filter) { f.LargerThan, f.SmallerThan = 1, 2 }, "invalid_argument"},
		{"one with two labels", func(f *mailbox.Filter) { f.Add = []string{"Label_1", "Label_2"} }, "invalid_argument"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, f := newRig(t, standin.Config{}), rule
			test.change(&f)
			_, err := r.CreateFilter(t.Context(), f)
			wantCode(t, err, test.code)
			if n := len(r.world.Seen()); n != 0 {
				t.Errorf("Gmail was asked %d times", n)
			}
		})
	}
}

func TestAFilterWhoseMakingHadNoClearEndIsLookedFor(t *testing.T) {
	for name, applied := range map[string]bool{"made": true, "not made": false} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, standin.Config{})
			r.world.SetFault(func(q *http.Request) *standin.Fault {
				if q.Method == http.MethodPost {
					return &standin.Fault{Applied: applied, HangUp: true}
				}
				return nil
			})
			made, err := r.CreateFilter(t.Context(), mailbox.Filter{Criteria: mailbox.Criteria{From: "a@example.com"}, Add: []string{"STARRED", "IMPORTANT"}})
			if applied && (err != nil || made.ID == "") {
				t.Errorf("%v: got %+v", err, made)
			}
			if !applied {
				wantCode(t, err, "unavailable")
			}
		})
	}
}

func TestCriteriaAsASearchFindWhatTheFilterIsFor(t *testing.T) {
	for _, test := range []struct {
		name string
		mailbox.Criteria
		want string
	}{
		{
			"all of them",
			mailbox.Criteria{From: "a", To: "b", Subject: "c d", Query: "e OR f", Without: "g", HasAttachment: true, LargerThan: 5},
			"from:(a) to:(b) subject:(c d) (e OR f) -(g) has:attachment larger:5",
		},
		{"smaller", mailbox.Criteria{SmallerThan: 9}, "smaller:9"},
		{"what would break out of its place", mailbox.Criteria{From: "a) OR (in:anywhere"}, ""},
		{"a quote that is not closed", mailbox.Criteria{Subject: `"order`, From: "a"}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := test.SearchQuery(); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
	r := newRig(t, standin.Config{})
	r.fill(20)
	if n, more, err := r.Count(t.Context(), "from:fay"); err != nil || n != 20 || more {
		t.Errorf("%v: counted %d, more %v; want 20", err, n, more)
	}
}

func TestTheVacationResponderKeepsWhatItIsGiven(t *testing.T) {
	r := newRig(t, standin.Config{})
	if got, err := r.Vacation(t.Context()); err != nil || got != (mailbox.Vacation{Audience: mailbox.Everyone}) {
		t.Errorf("%v: at first %+v", err, got)
	}
	for _, audience := range []mailbox.Audience{mailbox.Everyone, mailbox.Contacts, mailbox.Organisation, mailbox.OrganisationContact} {
		want := mailbox.Vacation{
			Enabled: true, Subject: "Away", Body: "Back in May.\n\nAlex", Audience: audience,
			Start: time.Date(2027, 4, 1, 0, 0, 0, 0, time.UTC), End: time.Date(2027, 5, 1, 0, 0, 0, 0, time.UTC),
		}
		if got, err := r.SetVacation(t.Context(), want); err != nil || got != want {
			t.Errorf("%v: set %+v, want %+v", err, got, want)
		}
		if got, err := r.Vacation(t.Context()); err != nil || got != want {
			t.Errorf("%v: read %+v, want %+v", err, got, want)
		}
	}
	for _, v := range []mailbox.Vacation{{Enabled: true}, {Enabled: true, Body: "x", Start: time.Unix(2, 0), End: time.Unix(1, 0)}} {
		_, err := r.SetVacation(t.Context(), v)
		wantCode(t, err, "invalid_argument")
	}
}

func TestSwitchingTheResponderOffKeepsItsFormatting(t *testing.T) {
	r := newRig(t, standin.Config{})
	r.world.SetVacationHTML(standin.DefaultUser, "Away", `<p>Back in <b>May</b>.</p><p style="display:none">secret</p>`)
	before, err := r.Vacation(t.Context())
	if err != nil || !before.WasHTML || before.Body != "Back in **May**." {
		t.Errorf("%v: read %+v", err, before)
	}
	got, err := r.StopVacation(t.Context())
	if before.Enabled = false; err != nil || got != before {
		t.Errorf("%v: got %+v, want %+v", err, got, before)
	}
	if raw, err := r.judge(t).Settings.GetVacation("me").Do(); err != nil || raw.EnableAutoReply || !strings.Contains(raw.ResponseBodyHtml, "<b>May</b>") {
		t.Errorf("%v: Gmail has %+v", err, raw)
	}
}

func TestWithoutTheirScopeSettingsAreReadButNotChanged(t *testing.T) {
	r := newRig(t, standin.Config{})
	token := r.world.IssueToken(standin.DefaultUser, []string{gmailModify}, time.Hour)
	c, err := mailbox.New(mailbox.Config{Endpoint: endpoint, HTTP: func(string) http.RoundTripper { return bearer{token: token, base: r.base} }})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Filters(t.Context()); err != nil {
		t.Errorf("list filters: %v", err)
	}
	if _, err := c.Vacation(t.Context()); err != nil {
		t.Errorf("read the responder: %v", err)
	}
	for name, do := range map[string]func() error{
		"make a filter": func() error {
			_, err := c.CreateFilter(t.Context(), mailbox.Filter{Criteria: mailbox.Criteria{From: "a"}, Add: []string{"STARRED"}})
			return err
		},
		"delete a filter":   func() error { return c.DeleteFilter(t.Context(), "ANe1Bmj") },
		"set the responder": func() error { _, err := c.SetVacation(t.Context(), mailbox.Vacation{Body: "x"}); return err },
	} {
		err := do()
		wantCode(t, err, "missing_scope")
		var e *mailbox.Error
		if errors.As(err, &e) && (!strings.Contains(e.Message, standin.ScopeSettings) || !strings.Contains(e.Hint, "LINKMAIL_TOOLSETS")) {
			t.Errorf("%s: %q, %q do not say what to do", name, e.Message, e.Hint)
		}
	}
}

func TestChangesSinceACursor(t *testing.T) {
	r := newRig(t, standin.Config{})
	begin, err := r.Changes(t.Context(), mailbox.Since{})
	if err != nil || begin.Cursor == "" || len(begin.Items) != 0 || begin.More || begin.Gap {
		t.Fatalf("%v: to begin with: %+v", err, begin)
	}
	ids, _ := r.mixed()
	kept := ids[0]
	old := idsOf(r.search(t, mailbox.Query{Text: "in:inbox is:unread from:morningledger.example", Max: 2}).Items)
	r.world.Relabel(standin.DefaultUser, old[0], []string{"STARRED"}, []string{"UNREAD"})
	r.world.Relabel(standin.DefaultUser, old[1], []string{"STARRED"}, nil)
	r.world.Relabel(standin.DefaultUser, old[1], nil, []string{"STARRED"})
	r.world.Relabel(standin.DefaultUser, kept, []string{"Label_2"}, []string{"UNREAD"})
	r.world.Remove(standin.DefaultUser, ids[1])
	r.world.Remove(standin.DefaultUser, old[1])

	all, err := r.Changes(t.Context(), mailbox.Since{Cursor: begin.Cursor})
	if err != nil || all.More || all.Gap {
		t.Fatalf("%v: %+v", err, all)
	}
	by := map[string]mailbox.MailChange{}
	for _, m := range all.Items {
		by[m.ID] = m
	}
	for _, want := range []mailbox.MailChange{
		{ID: kept, ThreadID: kept, Added: true, Labels: []string{"INBOX", "Clients/Kestrel"}},
		{ID: ids[1], ThreadID: ids[1], Added: true, Deleted: true, Labels: []string{"INBOX", "STARRED", "Receipts"}},
		{ID: old[0], ThreadID: by[old[0]].ThreadID, LabelsAdded: []string{"STARRED"}, LabelsRemoved: []string{"UNREAD"}},
		{ID: old[1], ThreadID: by[old[1]].ThreadID, Deleted: true},
	} {
		if diff := cmp.Diff(want, by[want.ID]); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	if len(all.Items) != len(ids)+2 {
		t.Errorf("%d mails changed, want %d", len(all.Items), len(ids)+2)
	}

	// In pages nothing is told twice, and nothing is lost.
	seen, pages := map[string]bool{}, 0
	for at := begin.Cursor; ; pages++ {
		page, err := r.Changes(t.Context(), mailbox.Since{Cursor: at, Max: 2})
		if err != nil || len(page.Items) > 2 || page.More && page.Cursor == at {
			t.Fatalf("%v: page %+v after %s", err, page, at)
		}
		for _, m := range page.Items {
			seen[m.ID] = true
		}
		if at = page.Cursor; !page.More {
			break
		}
	}
	for id := range by {
		if !seen[id] {
			t.Errorf("%s is in no page", id)
		}
	}
	if pages < 3 {
		t.Errorf("there were %d pages, want more", pages)
	}

	some, err := r.Changes(t.Context(), mailbox.Since{Cursor: begin.Cursor, Labels: []string{"STARRED"}})
	if err != nil || len(some.Items) != 3 {
		t.Errorf("%v: starred, or not any more: %+v, want three mails", err, some.Items)
	}
	none, err := r.Changes(t.Context(), mailbox.Since{Cursor: all.Cursor})
	if err != nil || len(none.Items) != 0 || none.More {
		t.Errorf("%v: after the end: %+v", err, none)
	}
}

func TestAGapInTheHistoryIsSaid(t *testing.T) {
	r := newRig(t, standin.Config{})
	begin, err := r.Changes(t.Context(), mailbox.Since{})
	if err != nil {
		t.Fatal(err)
	}
	r.fill(3)
	r.world.ExpireHistory(standin.DefaultUser)
	got, err := r.Changes(t.Context(), mailbox.Since{Cursor: begin.Cursor})
	if err != nil || !got.Gap || len(got.Items) != 0 || got.Cursor == begin.Cursor {
		t.Fatalf("%v: got %+v, want a gap and a new cursor", err, got)
	}
	r.fill(1)
	if next, err := r.Changes(t.Context(), mailbox.Since{Cursor: got.Cursor}); err != nil || next.Gap || len(next.Items) != 1 {
		t.Errorf("%v: from the new cursor: %+v", err, next)
	}
}

func TestChangesThatCannotBeAskedFor(t *testing.T) {
	r := newRig(t, standin.Config{})
	for _, s := range []mailbox.Since{{Cursor: "0"}, {Cursor: "yesterday"}, {Cursor: "12 34"}, {Cursor: "1", Max: 501}, {Max: -1}} {
		_, err := r.Changes(t.Context(), s)
		wantCode(t, err, "invalid_argument")
	}
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, standin.Config{})
		r.world.SetFault(faultFor("/history", standin.BackendError()))
		_, err := r.Changes(t.Context(), mailbox.Since{Cursor: "1048600"})
		wantCode(t, err, "unavailable")
	})
}
