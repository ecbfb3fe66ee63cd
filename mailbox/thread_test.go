package mailbox_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"linkmail/internal/standin"
	"linkmail/mailbox"
)

// talk delivers a thread of n mails and returns their ids, oldest first.
func (r *rig) talk(n int, body func(i int) string) (thread string, ids []string) {
	for i := range n {
		raw := fmt.Sprintf("From: Ann <ann@example.net>\r\nTo: %s\r\nSubject: Plan\r\nMessage-ID: <plan-%d@example.net>\r\n", standin.DefaultUser, i)
		if i > 0 {
			raw += fmt.Sprintf("References: <plan-0@example.net>\r\nIn-Reply-To: <plan-%d@example.net>\r\n", i-1)
		}
		ids = append(ids, r.deliver(raw+"\r\n"+body(i)+"\r\n"))
	}
	return ids[0], ids
}

func number(i int) string { return fmt.Sprintf("This is number %d.", i) }

func (r *rig) thread(tb testing.TB, q mailbox.ThreadQuery) mailbox.Thread {
	tb.Helper()
	t, err := r.Thread(tb.Context(), q)
	if err != nil {
		tb.Fatalf("read the thread %+v: %v", q, err)
	}
	return t
}

func messageIDs(t mailbox.Thread) (ids []string) {
	for _, m := range t.Messages {
		ids = append(ids, m.ID)
	}
	return ids
}

func TestAThreadIsOneRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, standin.Config{Delay: roundTrip})
		thread, ids := r.talk(4, number)
		r.warm(t)
		start := time.Now()
		got := r.thread(t, mailbox.ThreadQuery{ID: thread})
		if took := time.Since(start); took != roundTrip {
			t.Errorf("took %v, want one round trip", took)
		}
		if seen := r.seen(); seen["threads/"+thread] != 1 || seen["get"] != 0 {
			t.Errorf("got requests %v, want one of the thread", seen)
		}
		if got.ID != thread || got.Subject != "Plan" || got.Total != 4 || !slices.Equal(messageIDs(got), ids) || got.Omitted != nil {
			t.Errorf("got %+v, want all four, oldest first", got)
		}
		if m := got.Messages[3]; !strings.Contains(m.Body, "number 3") || !m.Unread || !slices.Contains(m.Labels, "INBOX") {
			t.Errorf("got %+v", m)
		}
		// What was read is known: going on with one of the mails costs a history.
		r.world.ForgetSeen()
		if m := r.read(t, ids[1], mailbox.Markdown); !strings.Contains(m.Body, "number 1") {
			t.Errorf("got %q", m.Body)
		}
		if seen := r.seen(); seen["get"] != 0 {
			t.Errorf("got requests %v, want no mail to be fetched again", seen)
		}
	})
}

func TestTheMailOfAThreadThatIsNamedIsAlwaysListed(t *testing.T) {
	r := newRig(t, standin.Config{})
	thread, ids := r.talk(6, number)
	for _, test := range []struct {
		name    string
		query   mailbox.ThreadQuery
		want    []int
		omitted []int
	}{
		{"the newest", mailbox.ThreadQuery{ID: thread, Max: 2}, []int{4, 5}, []int{0, 1, 2, 3}},
		{"by a mail of it", mailbox.ThreadQuery{Message: ids[5], Max: 2}, []int{4, 5}, []int{0, 1, 2, 3}},
		{"an older one that is named", mailbox.ThreadQuery{Message: ids[1], Max: 3}, []int{1, 4, 5}, []int{0, 2, 3}},
		{"one alone", mailbox.ThreadQuery{ID: thread, Message: ids[0], Max: 1}, []int{0}, []int{1, 2, 3, 4, 5}},
		{"all", mailbox.ThreadQuery{Message: ids[2]}, []int{0, 1, 2, 3, 4, 5}, nil},
	} {
		pick := func(places []int) (chosen []string) {
			for _, i := range places {
				chosen = append(chosen, ids[i])
			}
			return chosen
		}
		got := r.thread(t, test.query)
		if !slices.Equal(messageIDs(got), pick(test.want)) || !slices.Equal(got.Omitted, pick(test.omitted)) || got.Total != 6 {
			t.Errorf("%s: got %v without %v of %d, want %v", test.name, messageIDs(got), got.Omitted, got.Total, pick(test.want))
		}
	}
}

func TestAThreadThatCannotBeReadIsExplained(t *testing.T) {
	r := newRig(t, standin.Config{})
	thread, ids := r.talk(2, number)
	_, others := r.talk(1, number)
	for _, test := range []struct {
		name  string
		query mailbox.ThreadQuery
		code  string
	}{
		{"nothing is named", mailbox.ThreadQuery{}, "invalid_argument"},
		{"an id with a path in it", mailbox.ThreadQuery{ID: "../labels"}, "invalid_argument"},
		{"a mail's id with a query in it", mailbox.ThreadQuery{Message: "18a0?format=raw"}, "invalid_argument"},
		{"too many", mailbox.ThreadQuery{ID: thread, Max: 1000}, "invalid_argument"},
		{"a thread that is not there", mailbox.ThreadQuery{ID: "18a0000000000001"}, "not_found"},
		{"a mail that is not there", mailbox.ThreadQuery{Message: "18a0000000000001"}, "not_found"},
		{"a thread named by a later mail's id, with another mail", mailbox.ThreadQuery{ID: ids[1], Message: ids[0]}, "not_found"},
		{"a mail of another thread", mailbox.ThreadQuery{ID: thread, Message: others[0]}, "not_found"},
		{"an id that Gmail does not use", mailbox.ThreadQuery{ID: "Zz-_"}, "invalid_argument"},
	} {
		_, err := r.Thread(t.Context(), test.query)
		if e, ok := errors.AsType[*mailbox.Error](err); !ok || e.Code != test.code || e.Hint == "" {
			t.Errorf("%s: got %v, want %s with a hint", test.name, err, test.code)
		}
	}
	r.world.Remove(standin.DefaultUser, ids[0])
	r.world.Remove(standin.DefaultUser, ids[1])
	if _, err := r.Thread(t.Context(), mailbox.ThreadQuery{ID: thread}); err == nil {
		t.Error("a thread whose mails were deleted was read")
	}
}

func TestTheIDOfAMailIsTakenForThatOfItsThread(t *testing.T) {
	r := newRig(t, standin.Config{})
	thread, ids := r.talk(6, number)
	for range 2 { // the second time the mail is known
		got := r.thread(t, mailbox.ThreadQuery{ID: ids[2], Max: 2})
		if want := []string{ids[2], ids[5]}; got.ID != thread || !slices.Equal(messageIDs(got), want) {
			t.Errorf("got %v of the thread %s, want %v of %s", messageIDs(got), got.ID, want, thread)
		}
	}
	r.world.ForgetSeen()
	if _, err := r.Thread(t.Context(), mailbox.ThreadQuery{ID: "18a0000000000001"}); err == nil {
		t.Error("a thread was read that is not there")
	} else if seen := r.seen(); seen["threads/18a0000000000001"] != 1 || seen["get"] != 1 {
		t.Errorf("got requests %v, want one of the thread and one of the mail", seen)
	}
}

func TestADraftInAThreadHasTheIDToSendItBy(t *testing.T) {
	r := newRig(t, standin.Config{})
	thread, ids := r.talk(2, number)
	r.world.ForgetSeen()
	for _, m := range r.thread(t, mailbox.ThreadQuery{ID: thread}).Messages {
		if m.DraftID != "" {
			t.Errorf("%s, which is no draft, is called %s", m.ID, m.DraftID)
		}
	}
	if n := r.seen()["drafts"]; n != 0 {
		t.Errorf("the drafts were listed %d times for a thread without one", n)
	}
	answer, err := r.Reply(t.Context(), ids[1], mailbox.Answering{})
	if err != nil {
		t.Fatal(err)
	}
	answer.Text = "Yes."
	saved, err := r.Draft(t.Context(), answer)
	if err != nil {
		t.Fatal(err)
	}
	got := r.thread(t, mailbox.ThreadQuery{ID: thread})
	if last := got.Messages[len(got.Messages)-1]; len(got.Messages) != 3 || saved.DraftID == "" || last.DraftID != saved.DraftID || got.Messages[0].DraftID != "" {
		t.Errorf("the draft %s is listed as %q in %+v", saved.DraftID, last.DraftID, got.Messages)
	}
	r.world.SetFault(faultFor("/drafts", standin.BackendError()))
	if got := r.thread(t, mailbox.ThreadQuery{ID: thread}); len(got.Messages) != 3 || got.Messages[2].DraftID != "" {
		t.Errorf("without the list of drafts: got %+v, want the thread all the same", got)
	}
}

func TestAMailThatIsDeletedBetweenListAndThreadIsMissingOnly(t *testing.T) {
	r := newRig(t, standin.Config{})
	thread, ids := r.talk(3, number)
	r.thread(t, mailbox.ThreadQuery{ID: thread})
	r.world.Remove(standin.DefaultUser, ids[1])
	if got := r.thread(t, mailbox.ThreadQuery{ID: thread}); !slices.Equal(messageIDs(got), []string{ids[0], ids[2]}) || got.Total != 2 {
		t.Errorf("got %v of %d, want the two that are left", messageIDs(got), got.Total)
	}
	_, err := r.Thread(t.Context(), mailbox.ThreadQuery{Message: ids[1]})
	if e, ok := errors.AsType[*mailbox.Error](err); !ok || e.Code != "not_found" {
		t.Errorf("got %v, want not_found", err)
	}
}

func TestAThreadIsReadAgainWhenGmailIsBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, standin.Config{})
		thread, _ := r.talk(2, number)
		r.warm(t)
		var asked atomic.Int64
		r.world.SetFault(func(req *http.Request) *standin.Fault {
			if !strings.Contains(req.URL.Path, "/threads/") || asked.Add(1) > 2 {
				return nil
			}
			return standin.TooManyConcurrent()
		})
		if got := r.thread(t, mailbox.ThreadQuery{ID: thread}); got.Total != 2 {
			t.Errorf("got %d mails, want 2", got.Total)
		}
	})
}

func TestTheTextOfAVeryLongThreadIsNotAllLookedAt(t *testing.T) {
	r := newRig(t, standin.Config{})
	thread, ids := r.talk(8, func(i int) string { return number(i) + strings.Repeat("0123456789abcde\r\n", 60_000) })
	got := r.thread(t, mailbox.ThreadQuery{ID: thread, Message: ids[0]})
	var skipped []int
	for i, m := range got.Messages {
		if m.Skipped {
			skipped = append(skipped, i)
		} else if !strings.Contains(m.Body, number(i)) {
			t.Errorf("mail %d has the body %.40q", i, m.Body)
		}
	}
	if len(skipped) == 0 || skipped[0] == 0 || !slices.IsSorted(skipped) || skipped[len(skipped)-1] > 4 {
		t.Errorf("mails %v were not looked at, want older ones but the one that is named", skipped)
	}
}
