package mailbox_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"linkmail/internal/standin"
	"linkmail/mailbox"
)

// wantCode checks the code of an error of the mailbox, and that it has a hint.
func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	var e *mailbox.Error
	if !errors.As(err, &e) || e.Code != code || e.Hint == "" {
		t.Errorf("got %v, want an error with code %s and a hint", err, code)
	}
}

func TestLabelsAreListedWithWhatGmailSaysOfThem(t *testing.T) {
	r := newRig(t, standin.Config{})
	all, err := r.Labels(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	own := slices.IndexFunc(all, func(l mailbox.Label) bool { return !l.System })
	if own != 14 || len(all) != 23 {
		t.Errorf("%d labels, the first of the user's at %d; want 23 and 14", len(all), own)
	}
	want := mailbox.Label{ID: "Label_4", Name: "Receipts", Visibility: mailbox.Shown, Background: "#16a766", Text: "#ffffff"}
	if i := slices.IndexFunc(all, func(l mailbox.Label) bool { return l.Name == "Receipts" }); i < 0 || all[i] != want {
		t.Errorf("got %+v, want %+v among them", all, want)
	}
	if got := r.seen()["labels"]; got != 1 {
		t.Errorf("%d requests, want 1", got)
	}
	if _, err := r.RecentLabels(t.Context()); err != nil || r.seen()["labels"] != 1 {
		t.Errorf("%v: the list was asked for again within ten minutes", err)
	}
}

func TestAQueryForALabelFindsItsMails(t *testing.T) {
	r := newRig(t, standin.Config{})
	all, err := r.Labels(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range all {
		if l.System {
			continue
		}
		list, err := r.judge(t).Messages.List("me").LabelIds(l.ID).MaxResults(1).Do()
		if err != nil {
			t.Fatal(err)
		}
		if got := r.search(t, mailbox.Query{Text: l.Query(), Max: 1}); len(got.Items) != len(list.Messages) {
			t.Errorf("%s finds %d mails, want %d", l.Query(), len(got.Items), len(list.Messages))
		}
	}
}

func TestCountsOfLabels(t *testing.T) {
	r := newRig(t, standin.Config{})
	inbox, err := r.judge(t).Labels.Get("me", "INBOX").Do()
	if err != nil {
		t.Fatal(err)
	}
	got, err := r.CountLabels(t.Context(), []string{"INBOX", "Label_77", "Label_4"})
	if err != nil {
		t.Fatal(err)
	}
	if want := (mailbox.LabelCount{Total: int(inbox.MessagesTotal), Unread: int(inbox.MessagesUnread)}); got.Counts["INBOX"] != want {
		t.Errorf("inbox: %+v, want %+v", got.Counts["INBOX"], want)
	}
	if _, ok := got.Counts["Label_77"]; ok || len(got.Failed) != 0 {
		t.Errorf("a label that was deleted: %+v", got)
	}
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, standin.Config{})
		r.world.SetFault(faultFor("/labels/Label_4", standin.BackendError()))
		got, err := r.CountLabels(t.Context(), []string{"INBOX", "Label_4"})
		if err != nil || len(got.Counts) != 1 || !slices.Equal(got.Failed, []mailbox.Failed{{ID: "Label_4", Reason: "backendError"}}) || got.RetryAfter == 0 {
			t.Errorf("%v: got %+v, want one counted and one named", err, got)
		}
	})
	r.world.SetFault(faultFor("/labels/", standin.InvalidCredentials()))
	_, err = r.CountLabels(t.Context(), []string{"INBOX", "Label_4"})
	wantCode(t, err, "token_refused")
}

func TestALabelIsMadeChangedAndDeleted(t *testing.T) {
	r := newRig(t, standin.Config{})
	made, err := r.CreateLabel(t.Context(), mailbox.LabelEdit{Name: "Kunden/Kiel", Visibility: mailbox.ShownIfUnread, Background: "#16a766", Text: "#ffffff"})
	want := mailbox.Label{ID: made.ID, Name: "Kunden/Kiel", Visibility: mailbox.ShownIfUnread, Background: "#16a766", Text: "#ffffff"}
	if err != nil || made != want {
		t.Fatalf("%v: made %+v, want %+v", err, made, want)
	}
	id := r.deliver("From: a@example.net\r\nSubject: labelled\r\n\r\nx\r\n", "INBOX", made.ID)
	shown := func() []string {
		return r.search(t, mailbox.Query{Text: "subject:labelled"}).Items[0].Labels
	}
	if got := shown(); !slices.Contains(got, "Kunden/Kiel") {
		t.Errorf("a mail under the new label has %v", got)
	}
	now, err := r.UpdateLabel(t.Context(), made.ID, mailbox.LabelEdit{Name: "Kunden/Flensburg"})
	if want.Name = "Kunden/Flensburg"; err != nil || now != want {
		t.Errorf("%v: changed to %+v, want %+v", err, now, want)
	}
	if got := shown(); !slices.Contains(got, "Kunden/Flensburg") {
		t.Errorf("under its new name a mail has %v", got)
	}
	if err := r.DeleteLabel(t.Context(), made.ID); err != nil {
		t.Fatal(err)
	}
	if got := r.labelsOf(t, id)[id]; got != "INBOX" {
		t.Errorf("without the label a mail has %s", got)
	}
	wantCode(t, r.DeleteLabel(t.Context(), made.ID), "not_found")
	_, err = r.UpdateLabel(t.Context(), made.ID, mailbox.LabelEdit{Name: "x"})
	wantCode(t, err, "not_found")
}

func TestLabelsThatGmailRefuses(t *testing.T) {
	for _, test := range []struct {
		name string
		mailbox.LabelEdit
		code, message string
		asked         bool
	}{
		{"one that exists", mailbox.LabelEdit{Name: "clients/KESTREL"}, "conflict", "exists already", true},
		{"one of Gmail's own", mailbox.LabelEdit{Name: "Inbox"}, "invalid_argument", "name", true},
		{"a color of its own", mailbox.LabelEdit{Name: "x", Background: "#123456", Text: "#ffffff"}, "invalid_argument", "color", true},
		{"no name", mailbox.LabelEdit{}, "invalid_argument", "no name", false},
		{"a name of many lines", mailbox.LabelEdit{Name: "a\nb"}, "invalid_argument", "line breaks", false},
		{"a name with what nobody sees", mailbox.LabelEdit{Name: "a\u200bb"}, "invalid_argument", "invisible", false},
		{"a name with nothing between slashes", mailbox.LabelEdit{Name: "a//b"}, "invalid_argument", "empty part", false},
		{"a long name", mailbox.LabelEdit{Name: strings.Repeat("ä", 226)}, "invalid_argument", "225", false},
		{"an unknown visibility", mailbox.LabelEdit{Name: "a", Visibility: "often"}, "invalid_argument", "visibility", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRig(t, standin.Config{})
			_, err := r.CreateLabel(t.Context(), test.LabelEdit)
			wantCode(t, err, test.code)
			if err != nil && !strings.Contains(err.Error(), test.message) {
				t.Errorf("got %v, want %q in it", err, test.message)
			}
			if asked := r.seen()["labels"] > 0; asked != test.asked {
				t.Errorf("Gmail was asked: %v, want %v", asked, test.asked)
			}
		})
	}
}

func TestALabelWhoseMakingHadNoClearEndIsLookedFor(t *testing.T) {
	for name, applied := range map[string]bool{"made": true, "not made": false} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, standin.Config{})
			r.world.SetFault(func(q *http.Request) *standin.Fault {
				if q.Method == http.MethodPost {
					return &standin.Fault{Applied: applied, HangUp: true}
				}
				return nil
			})
			made, err := r.CreateLabel(t.Context(), mailbox.LabelEdit{Name: "Once"})
			if applied && (err != nil || made.Name != "Once") {
				t.Errorf("%v: got %+v", err, made)
			}
			if !applied {
				wantCode(t, err, "unavailable")
			}
			posts := 0
			for _, s := range r.world.Seen() {
				if s.Method == http.MethodPost {
					posts++
				}
			}
			if posts != 1 {
				t.Errorf("it was asked for %d times, want once", posts)
			}
		})
	}
}

func TestTheProfileNamesWhatTheAccountCanSendFrom(t *testing.T) {
	r := newRig(t, standin.Config{})
	got, err := r.Profile(t.Context())
	want := mailbox.Profile{Email: standin.DefaultUser, Identities: []mailbox.Identity{
		{Address: mailbox.Address{Name: "Alex Rivera", Email: standin.DefaultUser}, Default: true, Usable: true, Signature: true},
		{Address: mailbox.Address{Name: "Rivera Studio", Email: "alex@rivera-studio.example"}, Usable: true},
		{Address: mailbox.Address{Name: "Harbor & Pine Press", Email: "press@harborandpine.example"}},
	}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v: (-want +got):\n%s", err, diff)
	}
	r.world.SetFault(faultFor("/sendAs", standin.InsufficientScope()))
	if got, err := r.Profile(t.Context()); err != nil || got.Email != standin.DefaultUser || got.IdentitiesError != "missing_scope" {
		t.Errorf("%v: without the permission for it: %+v", err, got)
	}
	r.world.SetFault(faultFor("/profile", standin.InvalidCredentials()))
	_, err = r.Profile(t.Context())
	wantCode(t, err, "token_refused")
}
