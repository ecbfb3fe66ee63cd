package mailbox_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	gmail "google.golang.org/api/gmail/v1"
	"google.golang.org/api/option"

	"linkmail/internal/standin"
	"linkmail/mailbox"
)

const roundTrip = 50 * time.Millisecond

func TestSearchTakesTwoRoundTripsForTwentyMails(t *testing.T) {
	for _, test := range []struct {
		name  string
		max   int
		cold  time.Duration
		sizes []int
	}{
		{"twenty hits are one list and one batch", 20, 2 * roundTrip, []int{20}},
		{"fifty hits are one list and three batches of at most twenty", 50, 4 * roundTrip, []int{20, 20, 10}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, standin.Config{Delay: roundTrip, PerGet: time.Millisecond})
				r.fill(60)
				r.warm(t)
				took := func() time.Duration {
					start := time.Now()
					page := r.search(t, mailbox.Query{Text: "in:inbox", Max: test.max})
					if len(page.Items) != test.max || page.Next == "" || len(page.Failed) != 0 {
						t.Errorf("got %d mails, next %q, failed %v", len(page.Items), page.Next, page.Failed)
					}
					return time.Since(start).Truncate(roundTrip)
				}
				if got := took(); got != test.cold {
					t.Errorf("cold: took %v, want %v", got, test.cold)
				}
				if got := r.batchSizes(); !slices.Equal(got, test.sizes) {
					t.Errorf("got batches of %v, want %v", got, test.sizes)
				}
				if got := r.statuses("gmail-part")[http.StatusTooManyRequests]; got != 0 {
					t.Errorf("got %d refusals under the wall, want none", got)
				}
				r.world.ForgetSeen()
				if got := took(); got != roundTrip {
					t.Errorf("known: took %v, want %v", got, roundTrip)
				}
				if got := r.seen(); got["batch"] != 0 || got["get"] != 0 {
					t.Errorf("known: fetched mails again: %v", got)
				}
			})
		})
	}
}

func TestAFreshClientNeedsNoMoreRoundTrips(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, standin.Config{Delay: roundTrip})
		start := time.Now()
		r.search(t, mailbox.Query{Max: 20})
		if got := time.Since(start); got != 2*roundTrip {
			t.Errorf("took %v, want %v", got, 2*roundTrip)
		}
		start = time.Now()
		account, err := r.Account(t.Context())
		if err != nil || account != standin.DefaultUser || time.Since(start) != 0 {
			t.Errorf("got account %q, %v after %v; want it learned beside the search", account, err, time.Since(start))
		}
	})
}

func TestWhatRunsBesideASearchNeitherFailsNorDelaysIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, path := range []string{"/profile", "/labels", "/history", "/drafts", "has%3Aattachment"} {
			r := newRig(t, standin.Config{Delay: roundTrip})
			r.search(t, mailbox.Query{Text: "in:draft", Max: 2})
			r.world.SetFault(func(req *http.Request) *standin.Fault {
				if strings.Contains(req.URL.String(), path) {
					return standin.BackendError()
				}
				return nil
			})
			time.Sleep(11 * time.Minute) // all of it is stale again
			start := time.Now()
			page := r.search(t, mailbox.Query{Text: "in:draft", Max: 5})
			if took := time.Since(start); len(page.Items) == 0 || len(page.Failed) != 0 || took != 2*roundTrip {
				t.Errorf("%s fails: got %d mails in %v, failed %v; want two round trips", path, len(page.Items), took, page.Failed)
			}
		}
	})
}

func TestPagesHoldEveryMailOnce(t *testing.T) {
	r := newRig(t, standin.Config{})
	r.fill(30)
	all := r.search(t, mailbox.Query{Text: "in:inbox", Max: 50})
	var got []string
	for q := (mailbox.Query{Text: "in:inbox", Max: 7}); ; {
		page := r.search(t, q)
		got = append(got, idsOf(page.Items)...)
		if page.Next == "" || len(got) >= 50 {
			break
		}
		q.PageToken = page.Next
	}
	if want := idsOf(all.Items); !slices.Equal(got[:min(50, len(got))], want) {
		t.Errorf("got pages of\n%v, want\n%v", got, want)
	}
}

func TestSearchShrinksItsBatchesBelowTheWall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, standin.Config{Wall: 8, PerGet: 40 * time.Millisecond})
		r.fill(60)
		r.warm(t)
		page := r.search(t, mailbox.Query{Text: "in:inbox", Max: 50})
		if len(page.Items) != 50 || len(page.Failed) != 0 {
			t.Fatalf("got %d mails, failed %v; want all 50", len(page.Items), page.Failed)
		}
		sizes := r.batchSizes()
		if sizes[0] != 20 || slices.Max(sizes[1:]) > 8 || slices.Min(sizes[1:len(sizes)-1]) < 5 {
			t.Errorf("got batches of %v, want 20, and then no more than pass", sizes)
		}
	})
}

func TestBatchesGrowAgainWhenMorePass(t *testing.T) {
	var b mailbox.Batches
	sizes := b.After(20, [2]int{20, 12}, [2]int{8, 0}, [2]int{8, 0})
	if !slices.Equal(sizes, []int{8, 8, 8}) {
		t.Errorf("after refusals the sizes are %v, want what passed, for a while", sizes)
	}
	steady := make([][2]int, 20)
	for i := range steady {
		steady[i] = [2]int{8, 0}
	}
	if sizes = b.After(8, steady...); sizes[len(sizes)-1] <= 8 || sizes[0] != 8 {
		t.Errorf("after twenty that passed the sizes are %v", sizes)
	}
	if sizes = b.After(20, [2]int{20, 20}); sizes[0] != 5 {
		t.Errorf("after one of which nothing passed the size is %d, want 5", sizes[0])
	}
}

func TestSearchesTogetherKeepBelowTheWall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, standin.Config{PerGet: 40 * time.Millisecond})
		r.fill(120)
		r.warm(t)
		var wg sync.WaitGroup
		for i := range 5 {
			wg.Go(func() {
				r.search(t, mailbox.Query{Text: fmt.Sprintf("subject:filler%d", i), Max: 20})
			})
		}
		wg.Wait()
		if got := r.statuses("gmail-part")[http.StatusTooManyRequests]; got != 0 {
			t.Errorf("got %d parts refused, want none: one batch at a time", got)
		}
	})
}

func TestAMailThatCannotBeFetchedIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, standin.Config{})
		ids := idsOf(r.search(t, mailbox.Query{Max: 5}).Items)
		for _, test := range []struct {
			name  string
			fault *standin.Fault
			want  string
			after time.Duration
		}{
			{"a failing server", standin.BackendError(), "backendError", 0},
			{"a spent minute", standin.RateLimited(time.Now().Add(time.Hour)), "userRateLimitExceeded", time.Hour},
			{"a wall that does not give way", standin.TooManyConcurrent(), "rateLimitExceeded", 0},
		} {
			fresh := newRig(t, standin.Config{})
			fresh.world.SetFault(faultFor("/messages/"+ids[2], test.fault))
			start := time.Now()
			page := fresh.search(t, mailbox.Query{Max: 5})
			if took := time.Since(start); took > 20*time.Second {
				t.Errorf("%s: took %v, want at most 20s", test.name, took)
			}
			if len(page.Items) != 4 || len(page.Failed) != 1 || page.Failed[0] != (mailbox.Failed{ID: ids[2], Reason: test.want}) {
				t.Errorf("%s: got %d mails, failed %v; want 4 and %s for %s", test.name, len(page.Items), page.Failed, ids[2], test.want)
			}
			if got := page.RetryAfter.Round(time.Minute); got != test.after {
				t.Errorf("%s: got RetryAfter %v, want %v", test.name, page.RetryAfter, test.after)
			}
		}
	})
}

func TestAPassingFailureIsNotSeen(t *testing.T) {
	for _, test := range []struct {
		name string
		path string
		f    *standin.Fault
	}{
		{"of one mail", "/messages/", standin.BackendError()},
		{"of the list", "/users/me/messages", standin.BackendError()},
		{"of the batch", "/batch", standin.BackendError()},
		{"of the connection under the list", "/users/me/messages", &standin.Fault{HangUp: true}},
		{"of the connection under the batch", "/batch", &standin.Fault{HangUp: true}},
		{"of the minute's quota, for a second", "/batch", standin.RateLimited(time.Date(2000, 1, 1, 0, 0, 1, 0, time.UTC))},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, standin.Config{})
				var once sync.Once
				r.world.SetFault(func(req *http.Request) (f *standin.Fault) {
					if strings.Contains(req.URL.Path, test.path) && !strings.Contains(req.URL.RawQuery, "has%3A") {
						once.Do(func() { f = test.f })
					}
					return f
				})
				if page := r.search(t, mailbox.Query{Max: 20}); len(page.Items) != 20 || len(page.Failed) != 0 {
					t.Errorf("got %d mails, failed %v; want 20", len(page.Items), page.Failed)
				}
			})
		})
	}
}

func TestAMailDeletedBetweenListAndGetIsCounted(t *testing.T) {
	r := newRig(t, standin.Config{})
	var victim string
	r.world.SetFault(func(req *http.Request) *standin.Fault {
		if strings.HasPrefix(req.URL.Path, "/batch") {
			r.world.Remove(standin.DefaultUser, victim)
		}
		return nil
	})
	victim = idsOf(newRig(t, standin.Config{}).search(t, mailbox.Query{Max: 3}).Items)[1]
	page := r.search(t, mailbox.Query{Max: 3})
	if len(page.Items) != 2 || page.Omitted != 1 || len(page.Failed) != 0 {
		t.Errorf("got %d mails, %d omitted, failed %v; want 2 and 1", len(page.Items), page.Omitted, page.Failed)
	}
}

func TestLabelsOfKnownMailsStayRight(t *testing.T) {
	r := newRig(t, standin.Config{})
	r.warm(t)
	q := mailbox.Query{Text: "in:anywhere", Max: 3}
	before := r.search(t, q)
	id := before.Items[0].ID
	wasUnread := before.Items[0].Unread

	change := []string{"UNREAD"}
	if wasUnread {
		r.world.Relabel(standin.DefaultUser, id, []string{"STARRED"}, change)
	} else {
		r.world.Relabel(standin.DefaultUser, id, append(change, "STARRED"), nil)
	}
	r.world.ForgetSeen()
	after := r.search(t, q)
	if after.Items[0].Unread == wasUnread || !slices.Contains(after.Items[0].Labels, "STARRED") {
		t.Errorf("got unread %v, labels %v after the change", after.Items[0].Unread, after.Items[0].Labels)
	}
	if got := r.seen(); got["batch"] != 0 || got["history"] != 1 {
		t.Errorf("got requests %v, want one history and no batch", got)
	}

	r.world.Relabel(standin.DefaultUser, id, nil, []string{"STARRED"})
	r.world.ExpireHistory(standin.DefaultUser)
	r.world.ForgetSeen()
	if got := r.search(t, q).Items[0].Labels; slices.Contains(got, "STARRED") {
		t.Errorf("got labels %v after the history expired", got)
	}
	if got := r.seen(); got["part"] != 3 {
		t.Errorf("got requests %v, want the three mails fetched anew", got)
	}
	r.world.ForgetSeen()
	r.search(t, q)
	if got := r.seen(); got["batch"] != 0 || got["history"] != 1 {
		t.Errorf("got requests %v, want a new position in the history to be used", got)
	}
}

func TestAFailingHistoryCostsOnlyABatch(t *testing.T) {
	r := newRig(t, standin.Config{})
	r.warm(t)
	id := r.search(t, mailbox.Query{Max: 1}).Items[0].ID
	r.world.Relabel(standin.DefaultUser, id, []string{"STARRED"}, nil)
	r.world.SetFault(faultFor("/history", standin.BackendError()))
	if got := r.search(t, mailbox.Query{Max: 1}).Items[0].Labels; !slices.Contains(got, "STARRED") {
		t.Errorf("got labels %v, want STARRED among them", got)
	}
}

func TestLabelsAreShownByTheirNames(t *testing.T) {
	r := newRig(t, standin.Config{})
	page := r.search(t, mailbox.Query{Text: "has:userlabels", Max: 10})
	if len(page.Items) == 0 {
		t.Fatal("the world has no user labels")
	}
	for _, s := range page.Items {
		if slices.ContainsFunc(s.Labels, func(l string) bool { return strings.HasPrefix(l, "Label_") }) {
			t.Errorf("got labels %v, want names", s.Labels)
		}
	}
}

func TestALabelMadeMeanwhileGetsItsNameWithTheNextSearch(t *testing.T) {
	r := newRig(t, standin.Config{})
	id := r.search(t, mailbox.Query{Max: 1}).Items[0].ID
	service, err := gmail.NewService(t.Context(), option.WithHTTPClient(&http.Client{Transport: r.auth}), option.WithEndpoint(endpoint))
	if err != nil {
		t.Fatal(err)
	}
	label, err := service.Users.Labels.Create("me", &gmail.Label{Name: "Brand new"}).Do()
	if err != nil {
		t.Fatal(err)
	}
	r.world.Relabel(standin.DefaultUser, id, []string{label.Id}, nil)
	if got := r.search(t, mailbox.Query{Max: 1}).Items[0].Labels; !slices.Contains(got, label.Id) {
		t.Errorf("got labels %v, want the new one by its id", got)
	}
	if got := r.search(t, mailbox.Query{Max: 1}).Items[0].Labels; !slices.Contains(got, "Brand new") {
		t.Errorf("got labels %v, want the new one by its name", got)
	}
}

func TestWhatStopsEveryMailStopsTheSearch(t *testing.T) {
	for _, test := range []struct {
		name  string
		fault *standin.Fault
		code  string
	}{
		{"a missing scope", standin.InsufficientScope(), "missing_scope"},
		{"a token that stays refused", standin.InvalidCredentials(), "token_refused"},
	} {
		r := newRig(t, standin.Config{})
		r.world.SetFault(faultFor("/messages/", test.fault))
		_, err := r.Search(t.Context(), mailbox.Query{Max: 20})
		var e *mailbox.Error
		if !errors.As(err, &e) || e.Code != test.code {
			t.Errorf("%s: got %v, want %s", test.name, err, test.code)
		}
	}
}

func TestWithoutTheListOfAttachmentsTheTypeOfAMailHasToDo(t *testing.T) {
	r := newRig(t, standin.Config{})
	r.world.SetFault(func(req *http.Request) *standin.Fault {
		if strings.Contains(req.URL.RawQuery, "has%3Aattachment") {
			return standin.BackendError()
		}
		return nil
	})
	for _, test := range []struct {
		mail string
		want bool
	}{
		{part(plainType, "Hello"), false},
		{multi("alternative", part(plainType, "Hello"), part(htmlType, "<p>Hello")), false},
		{multi("mixed", part(plainType, "Hello"), pdf), true},
		{pdf, true},
	} {
		r.deliver("From: a@example.com\r\nSubject: s\r\nMIME-Version: 1.0\r\n" + test.mail)
		if got := r.search(t, mailbox.Query{Max: 1}).Items[0].HasAttachments; got != test.want {
			t.Errorf("%.60q: got %v, want %v", test.mail, got, test.want)
		}
	}
}

func TestTimeBoundsAreExact(t *testing.T) {
	r := newRig(t, standin.Config{})
	all := r.search(t, mailbox.Query{Max: 10}).Items
	after, before := all[6].Date, all[2].Date
	page := r.search(t, mailbox.Query{Max: 50, After: after, Before: before})
	if got, want := idsOf(page.Items), idsOf(all[3:7]); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	want := fmt.Sprintf("after:%d before:%d", after.Unix()-1, before.Unix()+2)
	if page.Effective != want {
		t.Errorf("got effective query %q, want %q", page.Effective, want)
	}
	page = r.search(t, mailbox.Query{Text: "from:dana OR from:nobody", Max: 50, After: after})
	if want := fmt.Sprintf("(from:dana OR from:nobody) after:%d", after.Unix()-1); page.Effective != want {
		t.Errorf("got effective query %q, want %q", page.Effective, want)
	}
}

func TestAttachmentsAreToldExactly(t *testing.T) {
	r := newRig(t, standin.Config{})
	r.deliver("From: a@example.com\r\nSubject: markerword footer\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" +
		"--b\r\nContent-Type: text/plain\r\n\r\nHello\r\n--b\r\nContent-Type: text/plain\r\n\r\n-- list footer\r\n--b--\r\n")
	r.deliver("From: a@example.com\r\nSubject: markerword nested\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n" +
		"--b\r\nContent-Type: text/plain\r\n\r\nHello\r\n--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n" +
		"--c\r\nContent-Type: text/html\r\n\r\n<p>Hello\r\n--c\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename=a.pdf\r\n\r\n%PDF\r\n--c--\r\n--b--\r\n")
	for _, s := range r.search(t, mailbox.Query{Text: "subject:markerword", Max: 10}).Items {
		if want := strings.Contains(s.Subject, "nested"); s.HasAttachments != want {
			t.Errorf("%s: got attachments %v, want %v", s.Subject, s.HasAttachments, want)
		}
	}
}

func TestDraftsCarryTheirDraftID(t *testing.T) {
	r := newRig(t, standin.Config{})
	receipt, err := r.Draft(t.Context(), mailbox.Outgoing{To: []string{"b@example.com"}, Subject: "markerword", Text: "hi"})
	if err != nil {
		t.Fatal(err)
	}
	page := r.search(t, mailbox.Query{Text: "in:draft subject:markerword", Max: 10})
	if len(page.Items) != 1 || page.Items[0].DraftID != receipt.DraftID || receipt.DraftID == "" {
		t.Errorf("got %+v, want the draft %q", page.Items, receipt.DraftID)
	}
}

func TestWithoutABatchEndpointMailsAreFetchedSingly(t *testing.T) {
	for _, test := range []struct {
		name   string
		fault  *standin.Fault
		gets   int
		second int
	}{
		{"not found", &standin.Fault{Status: 404, Body: `{"message":"Not Found","documentation_url":"x"}`}, 20, 1},
		{"method not allowed", &standin.Fault{Status: 405, Body: `{}`}, 20, 1},
		{"an answer that is no batch", &standin.Fault{Status: 200, Body: `{}`}, 20, 2},
		{"a sign-in page", &standin.Fault{Status: 200, Body: "<html>", Header: http.Header{"Content-Type": {"text/html"}}}, 20, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRig(t, standin.Config{})
			r.world.SetFault(faultFor("/batch", test.fault))
			page := r.search(t, mailbox.Query{Max: 20})
			if got := r.seen()["get"]; len(page.Items) != 20 || got != test.gets {
				t.Errorf("got %d mails by %d gets, want 20 by %d", len(page.Items), got, test.gets)
			}
			r.search(t, mailbox.Query{Max: 30})
			if got := r.seen()["batch"]; got != test.second {
				t.Errorf("got %d batch requests in two searches, want %d", got, test.second)
			}
		})
	}
}

func TestATokenThatEndsWithinABatchIsReplaced(t *testing.T) {
	r := newRig(t, standin.Config{})
	r.world.SetFault(func(req *http.Request) *standin.Fault {
		// A request of its own lets the transport renew the token.
		if strings.Contains(req.URL.Path, "/messages/") && r.seen()["get"] == 0 {
			return standin.InvalidCredentials()
		}
		return nil
	})
	page := r.search(t, mailbox.Query{Max: 20})
	if len(page.Items) != 20 || len(page.Failed) != 0 {
		t.Errorf("got %d mails, failed %v; want 20", len(page.Items), page.Failed)
	}
	if got := r.seen()["get"]; got != 1 {
		t.Errorf("got %d requests of their own, want 1", got)
	}
}

func TestQueriesThatMakeNoSenseAreRefusedBeforeGmail(t *testing.T) {
	r := newRig(t, standin.Config{})
	now := time.Now()
	for _, test := range []struct {
		name string
		q    mailbox.Query
	}{
		{"too many", mailbox.Query{Max: 51}},
		{"less than none", mailbox.Query{Max: -1}},
		{"bounds the wrong way round", mailbox.Query{After: now, Before: now.Add(-time.Hour)}},
		{"a novel", mailbox.Query{Text: strings.Repeat("a", 5000)}},
		{"a token that is none", mailbox.Query{PageToken: strings.Repeat("a", 5000)}},
	} {
		_, err := r.Search(t.Context(), test.q)
		var e *mailbox.Error
		if !errors.As(err, &e) || e.Message == "" || e.Hint == "" {
			t.Errorf("%s: got %v, want a refusal with a hint", test.name, err)
		}
	}
	if got := r.seen(); len(got) != 0 {
		t.Errorf("got requests %v, want none", got)
	}
	if page := r.search(t, mailbox.Query{}); len(page.Items) != 10 {
		t.Errorf("got %d mails by default, want 10", len(page.Items))
	}
}

func TestTheQuotaOfAMinuteIsNotOverdrawn(t *testing.T) {
	r := newRig(t, standin.Config{}, func(c *mailbox.Config) { c.UnitsPerMinute = 450 })
	r.search(t, mailbox.Query{Max: 20})
	page := r.search(t, mailbox.Query{Text: "in:anywhere", Max: 50})
	if len(page.Items) < 20 || len(page.Failed) == 0 || page.RetryAfter <= 0 || page.RetryAfter > time.Minute {
		t.Errorf("got %d mails, %d failed, RetryAfter %v; want the known ones and when to come back", len(page.Items), len(page.Failed), page.RetryAfter)
	}
}
