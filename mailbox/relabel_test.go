package mailbox_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	gmail "google.golang.org/api/gmail/v1"
	"google.golang.org/api/option"

	"linkmail/internal/standin"
	"linkmail/mailbox"
)

// noMail is an id in Gmail's form that no mail has.
const noMail = "18a0ffffffffffff"

// judge is Gmail as another client of the user sees it.
func (r *rig) judge(tb testing.TB) *gmail.UsersService {
	tb.Helper()
	s, err := gmail.NewService(tb.Context(), option.WithEndpoint(endpoint), option.WithHTTPClient(&http.Client{Transport: r.auth}))
	if err != nil {
		tb.Fatal(err)
	}
	return s.Users
}

// labelsOf returns the labels that Gmail has on each mail, sorted.
func (r *rig) labelsOf(tb testing.TB, ids ...string) map[string]string {
	tb.Helper()
	users, all := r.judge(tb), map[string]string{}
	for _, id := range ids {
		m, err := users.Messages.Get("me", id).Format("minimal").Do()
		if err != nil {
			tb.Fatal(err)
		}
		slices.Sort(m.LabelIds)
		all[id] = strings.Join(m.LabelIds, " ")
	}
	return all
}

func (r *rig) relabel(tb testing.TB, ch mailbox.Change) mailbox.Changed {
	tb.Helper()
	got, err := r.Relabel(tb.Context(), ch)
	if err != nil {
		tb.Fatalf("relabel: %v", err)
	}
	return got
}

// mixed are mails with different labels, so that a change does something else
// to each, and a thread of two.
func (r *rig) mixed() (ids []string, thread string) {
	for i, labels := range [][]string{
		{"INBOX", "UNREAD"}, {"INBOX", "STARRED", "Label_4"}, {"Label_2"}, {"SPAM", "UNREAD"}, {"TRASH"}, {"INBOX", "IMPORTANT", "Label_2"},
	} {
		ids = append(ids, r.deliver(fmt.Sprintf("From: a@example.net\r\nMessage-ID: <m%d@example.net>\r\nSubject: mixed %d\r\n\r\nx\r\n", i, i), labels...))
	}
	answer := r.deliver("From: b@example.net\r\nIn-Reply-To: <m0@example.net>\r\nReferences: <m0@example.net>\r\nSubject: Re: mixed 0\r\n\r\nx\r\n", "Label_2", "UNREAD")
	return append(ids, answer), ids[0]
}

func TestTheReverseOfAChangeBringsEveryLabelBack(t *testing.T) {
	for _, test := range []struct {
		name string
		mailbox.Change
		many, searched, thread bool
	}{
		{name: "archive", Change: mailbox.Change{Remove: []string{"INBOX"}}},
		{name: "archive mails that a search has shown", Change: mailbox.Change{Remove: []string{"INBOX"}}, searched: true},
		{name: "archive many", Change: mailbox.Change{Remove: []string{"INBOX"}}, many: true},
		{name: "mark as read and label", Change: mailbox.Change{Add: []string{"Label_2", "STARRED"}, Remove: []string{"UNREAD"}}},
		{name: "trash", Change: mailbox.Change{Add: []string{"TRASH"}}},
		{name: "trash many", Change: mailbox.Change{Add: []string{"TRASH"}}, many: true, searched: true},
		{name: "spam", Change: mailbox.Change{Add: []string{"SPAM"}}},
		{name: "take out of the trash", Change: mailbox.Change{Remove: []string{"TRASH"}}},
		{name: "archive a thread", Change: mailbox.Change{Remove: []string{"INBOX", "UNREAD"}}, thread: true},
		{name: "trash a thread", Change: mailbox.Change{Add: []string{"TRASH"}}, thread: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRig(t, standin.Config{})
			ids, thread := r.mixed()
			if test.many {
				r.fill(20)
				for _, s := range r.search(t, mailbox.Query{Text: "subject:filler0 OR subject:filler1 OR subject:filler2", Max: 50}).Items {
					ids = append(ids, s.ID)
				}
			}
			if test.searched {
				r.search(t, mailbox.Query{Text: "mixed", Max: 50, SpamTrash: true})
			}
			before := r.labelsOf(t, ids...)
			if test.Messages = ids; test.thread {
				test.Messages, test.Threads = nil, []string{thread}
			}
			done := r.relabel(t, test.Change)
			if len(done.Done) == 0 || done.Inexact || len(done.Failed)+len(done.Missing)+len(done.Unverified) != 0 {
				t.Errorf("got %+v, want some done and all known", done)
			}
			if n := len(done.Done) + len(done.Unchanged); !test.thread && n != len(ids) {
				t.Errorf("%d ids have an outcome, want %d", n, len(ids))
			}
			if cmp.Equal(before, r.labelsOf(t, ids...)) {
				t.Error("nothing changed")
			}
			for _, back := range done.Reverse {
				r.relabel(t, back)
			}
			if diff := cmp.Diff(before, r.labelsOf(t, ids...)); diff != "" {
				t.Errorf("labels (-before +after the reverse):\n%s", diff)
			}
		})
	}
}

func TestWhereTheTrashIsNoLabelGmailsOwnMethodMovesTheMail(t *testing.T) {
	const invalid = `{"error":{"code":400,"message":"Invalid label: TRASH","errors":[{"message":"Invalid label: TRASH","domain":"global","reason":"invalidArgument"}],"status":"INVALID_ARGUMENT"}}`
	for _, test := range []struct {
		name                 string
		add, remove          []string
		many, thread, refuse bool
		want                 string // the last word of the requests that were made
	}{
		{name: "mails", add: []string{"TRASH"}, want: "modify trash"},
		{name: "mails, back", remove: []string{"TRASH"}, want: "modify untrash"},
		{name: "a thread", add: []string{"TRASH"}, thread: true, want: "modify trash"},
		{name: "a thread, back", remove: []string{"TRASH"}, thread: true, want: "modify untrash"},
		{name: "many mails", add: []string{"TRASH"}, many: true, want: "batchModify modify trash"},
		{name: "mails that get another label, too", add: []string{"TRASH", "STARRED"}, refuse: true, want: "modify"},
		{name: "another label", add: []string{"SPAM"}, refuse: true, want: "modify"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRig(t, standin.Config{})
			ids, thread := r.mixed()
			if test.many {
				r.fill(20)
				ids = append(ids, idsOf(r.search(t, mailbox.Query{Text: "from:fay", Max: 20}).Items)...)
			}
			ch := mailbox.Change{Messages: ids, Add: test.add, Remove: test.remove}
			if test.thread {
				ch.Messages, ch.Threads = nil, []string{thread}
			}
			r.world.SetFault(func(req *http.Request) *standin.Fault {
				if strings.HasSuffix(strings.ToLower(req.URL.Path), "modify") {
					return &standin.Fault{Status: 400, Header: http.Header{"Content-Type": {"application/json"}}, Body: invalid}
				}
				return nil
			})
			r.world.ForgetSeen()
			done, err := r.Relabel(t.Context(), ch)
			if refused := err != nil; refused != test.refuse || len(done.Failed) > 0 {
				t.Errorf("got %+v, %v, want it refused: %v", done, err, test.refuse)
			}
			var made []string
			for _, s := range r.world.Seen() {
				if word := s.Path[strings.LastIndexByte(s.Path, '/')+1:]; s.Method == http.MethodPost && !slices.Contains(made, word) {
					made = append(made, word)
				}
			}
			if got := strings.Join(made, " "); got != test.want {
				t.Errorf("the requests were %s, want %s", got, test.want)
			}
			r.world.SetFault(nil)
			for id, labels := range r.labelsOf(t, ids...) {
				if in := strings.Contains(labels, "TRASH"); len(test.add) == 1 && test.add[0] == "TRASH" && !test.thread && !in || test.remove != nil && !test.thread && in {
					t.Errorf("%s is labelled %s", id, labels)
				}
			}
		})
	}
}

func TestAChangeTellsWhatItDidToEachMail(t *testing.T) {
	r := newRig(t, standin.Config{})
	ids, _ := r.mixed()
	ch := mailbox.Change{Messages: append(slices.Clone(ids), noMail, ids[0]), Remove: []string{"INBOX"}}
	got := r.relabel(t, ch)
	want := mailbox.Changed{
		Done: []string{ids[0], ids[1], ids[5]}, Unchanged: []string{ids[2], ids[3], ids[4], ids[6]}, Missing: []string{noMail},
		Reverse: []mailbox.Change{{Messages: []string{ids[0], ids[1], ids[5]}, Add: []string{"INBOX"}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestManyMailsCostOneRequestAndAWordOnEachThatIsUnknown(t *testing.T) {
	r := newRig(t, standin.Config{})
	r.fill(300)
	var ids []string
	for token := ""; ; {
		page := r.search(t, mailbox.Query{Text: "from:fay", Max: 50, PageToken: token})
		ids = append(ids, idsOf(page.Items)...)
		if token = page.Next; token == "" {
			break
		}
	}
	gone := ids[7]
	r.world.Remove(standin.DefaultUser, gone)
	r.world.ForgetSeen()
	got := r.relabel(t, mailbox.Change{Messages: append(ids, noMail), Add: []string{"Label_3"}})
	if len(got.Done) != len(ids)-1 || !slices.Equal(got.Missing, []string{gone, noMail}) || got.Inexact {
		t.Errorf("done %d of %d, missing %v, inexact %v", len(got.Done), len(ids), got.Missing, got.Inexact)
	}
	var writes []string
	for _, s := range r.world.Seen() {
		if s.Method == http.MethodPost {
			writes = append(writes, strings.TrimPrefix(s.Path, "/gmail/v1/users/me/messages/"))
		}
	}
	slices.Sort(writes)
	if want := []string{noMail + "/modify", gone + "/modify", "batchModify"}; !slices.Equal(writes, want) {
		t.Errorf("requests: %v, want one for all and one for each of the two that do not exist", writes)
	}
}

func TestWhatNobodyToldIsUnverifiedAndNotDone(t *testing.T) {
	r := newRig(t, standin.Config{})
	ids := []string{r.deliver("From: a@example.net\r\nSubject: x\r\n\r\nx\r\n")}
	for i := range 150 {
		ids = append(ids, fmt.Sprintf("18a0ffffffff%04x", i))
	}
	got := r.relabel(t, mailbox.Change{Messages: ids, Add: []string{"STARRED"}})
	if len(got.Done) != 1 || len(got.Missing) != 100 || len(got.Unverified) != 50 {
		t.Errorf("got %d done, %d missing, %d unverified; want 1, 100, 50", len(got.Done), len(got.Missing), len(got.Unverified))
	}
}

func TestAnIdOfAnotherFormDoesNotSpoilTheOthers(t *testing.T) {
	r := newRig(t, standin.Config{})
	r.fill(12)
	ids := idsOf(r.search(t, mailbox.Query{Text: "from:fay", Max: 50}).Items)
	got := r.relabel(t, mailbox.Change{Messages: append(ids, "msg_of_elsewhere"), Add: []string{"STARRED"}})
	if len(got.Done) != 12 || len(got.Failed) != 1 || got.Failed[0].ID != "msg_of_elsewhere" {
		t.Errorf("got %+v, want twelve done and the one named", got)
	}
}

func TestWithoutTheHistoryTheReverseSaysThatItIsInexact(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, standin.Config{})
		ids, thread := r.mixed()
		r.world.SetFault(func(q *http.Request) *standin.Fault {
			if strings.Contains(q.URL.Path, "/history") || strings.Contains(q.URL.Path, "/profile") {
				return standin.BackendError()
			}
			return nil
		})
		got := r.relabel(t, mailbox.Change{Messages: ids[:3], Remove: []string{"INBOX"}})
		want := mailbox.Changed{Done: ids[:3], Inexact: true, Reverse: []mailbox.Change{{Messages: ids[:3], Add: []string{"INBOX"}}}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("mails (-want +got):\n%s", diff)
		}
		got = r.relabel(t, mailbox.Change{Threads: []string{thread}, Add: []string{"STARRED"}})
		want = mailbox.Changed{Done: []string{thread}, Inexact: true, Reverse: []mailbox.Change{{Threads: []string{thread}, Remove: []string{"STARRED"}}}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("threads (-want +got):\n%s", diff)
		}
	})
}

func TestAChangeWhoseAnswerIsLostIsFoundInTheHistory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, standin.Config{})
		r.fill(30)
		ids := idsOf(r.search(t, mailbox.Query{Text: "from:fay", Max: 50}).Items)
		r.world.SetFault(faultFor("/batchModify", &standin.Fault{Applied: true, HangUp: true}))
		if got := r.relabel(t, mailbox.Change{Messages: ids, Remove: []string{"INBOX"}}); len(got.Done) != 30 {
			t.Errorf("got %+v, want all done", got)
		}
	})
}

func TestAChangeThatGmailFailsAtIsAnErrorAndNoOutcome(t *testing.T) {
	for _, test := range []struct {
		name, path string
		mails      int
		fault      *standin.Fault
		code       string
	}{
		{"one by one, the server fails", "/modify", 3, standin.BackendError(), "unavailable"},
		{"all at once, the server fails", "/batchModify", 30, standin.BackendError(), "unavailable"},
		{"one by one, the token is refused", "/modify", 3, standin.InvalidCredentials(), "token_refused"},
		{"all at once, the scope is missing", "/batchModify", 30, standin.InsufficientScope(), "missing_scope"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, standin.Config{})
				r.fill(30)
				ids := idsOf(r.search(t, mailbox.Query{Text: "from:fay", Max: 50}).Items)[:test.mails]
				r.world.SetFault(faultFor(test.path, test.fault))
				got, err := r.Relabel(t.Context(), mailbox.Change{Messages: ids, Remove: []string{"INBOX"}})
				var e *mailbox.Error
				if !errors.As(err, &e) || e.Code != test.code || len(got.Done) != 0 {
					t.Errorf("got %+v and %v, want code %s", got, err, test.code)
				}
			})
		})
	}
}

func TestWhatFailsAmongOthersIsNamedWithItsReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, standin.Config{})
		ids, _ := r.mixed()
		r.world.SetFault(faultFor(ids[1]+"/modify", standin.RateLimited(time.Now().Add(time.Minute))))
		got := r.relabel(t, mailbox.Change{Messages: ids[:3], Add: []string{"STARRED"}})
		if want := []mailbox.Failed{{ID: ids[1], Reason: "userRateLimitExceeded"}}; !slices.Equal(got.Failed, want) {
			t.Errorf("failed: %v, want %v", got.Failed, want)
		}
		if len(got.Done) != 2 || got.RetryAfter < 30*time.Second {
			t.Errorf("done %v, retry after %v", got.Done, got.RetryAfter)
		}
	})
}

func TestASearchAfterAChangeShowsIt(t *testing.T) {
	r := newRig(t, standin.Config{})
	r.fill(30)
	found := r.search(t, mailbox.Query{Text: "from:fay", Max: 50})
	r.relabel(t, mailbox.Change{Messages: idsOf(found.Items), Add: []string{"Label_3"}, Remove: []string{"UNREAD"}})
	r.world.ForgetSeen()
	for _, s := range r.search(t, mailbox.Query{Text: "from:fay", Max: 50}).Items {
		if s.Unread || !slices.Contains(s.Labels, "Clients/Bluefin Media") {
			t.Errorf("%s still has %v", s.ID, s.Labels)
		}
	}
	if n := r.seen()["batch"]; n != 0 {
		t.Errorf("the mails were fetched again in %d batches", n)
	}
}

func TestChangesThatCannotBeAreRefusedBeforeGmailIsAsked(t *testing.T) {
	many := make([]string, 1001)
	for i := range many {
		many[i] = fmt.Sprintf("%016x", i)
	}
	for _, test := range []struct {
		name string
		mailbox.Change
		message string
	}{
		{"no mail", mailbox.Change{Add: []string{"STARRED"}}, "no mail is named"},
		{"no label", mailbox.Change{Messages: []string{noMail}}, "no label"},
		{"mails and threads", mailbox.Change{Messages: []string{noMail}, Threads: []string{noMail}, Add: []string{"STARRED"}}, "together"},
		{"too many mails", mailbox.Change{Messages: many, Add: []string{"STARRED"}}, "at most 1000"},
		{"too many threads", mailbox.Change{Threads: many[:101], Add: []string{"STARRED"}}, "at most 100"},
		{"an id with a path in it", mailbox.Change{Messages: []string{noMail, "../labels/Label_1"}, Add: []string{"STARRED"}}, "number 2 of the ids"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRig(t, standin.Config{})
			_, err := r.Relabel(t.Context(), test.Change)
			var e *mailbox.Error
			if !errors.As(err, &e) || e.Code != "invalid_argument" || !strings.Contains(e.Message, test.message) || e.Hint == "" {
				t.Errorf("got %v, want invalid_argument with %q", err, test.message)
			}
			if n := len(r.world.Seen()); n != 0 {
				t.Errorf("%d requests were made", n)
			}
		})
	}
}

func TestIdsOfWhichNoneExistsAreAnError(t *testing.T) {
	r := newRig(t, standin.Config{})
	for _, ch := range []mailbox.Change{{Messages: []string{noMail}}, {Threads: []string{noMail, "18a0fffffffffffe"}}} {
		ch.Add = []string{"STARRED"}
		_, err := r.Relabel(t.Context(), ch)
		var e *mailbox.Error
		if !errors.As(err, &e) || e.Code != "not_found" || !strings.Contains(e.Message, "nothing was changed") {
			t.Errorf("%v: got %v, want not_found", ch, err)
		}
	}
}
