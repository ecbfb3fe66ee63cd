package mailbox_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"linkmail/mailbox"
)

func TestTheQuotaHoldsInEveryMinute(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	q := mailbox.NewQuota(100, func() time.Time { return now })
	take := func(after time.Duration, units int) error {
		now = now.Add(after)
		return q.Take(units)
	}
	if err := errors.Join(take(0, 60), take(10*time.Second, 40)); err != nil {
		t.Fatalf("within the limit: %v", err)
	}
	var e *mailbox.Error
	if err := take(0, 20); !errors.As(err, &e) || e.Code != "rate_limited" || e.RetryAfter != 50*time.Second {
		t.Fatalf("got %+v, want to wait 50s for the first 60", e)
	}
	if err := take(0, 61); !errors.As(err, &e) || e.RetryAfter != 60*time.Second {
		t.Fatalf("got %+v, want to wait 60s for all", e)
	}
	if err := take(50*time.Second, 60); err != nil {
		t.Fatalf("when the first 60 are a minute old: %v", err)
	}
	if err := take(0, 1); err == nil {
		t.Fatal("the limit was exceeded in a minute that spans two windows")
	}
	if err := take(time.Hour, 500); err != nil {
		t.Fatalf("a call above the limit has to be possible at rest: %v", err)
	}
}

func TestItIsToldOnceThatMostOfTheQuotaIsSpent(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	q := mailbox.NewQuota(100, func() time.Time { return now })
	var told []int
	q.Tell(func(spent, limit int) {
		if limit != 100 {
			t.Errorf("told of a limit of %d", limit)
		}
		told = append(told, spent)
	})
	for _, units := range []int{79, 1, 10, 50} { // the last is refused
		_ = q.Take(units)
	}
	now = now.Add(time.Minute)
	for _, units := range []int{79, 5} { // a minute of its own
		_ = q.Take(units)
	}
	if want := []int{80, 84}; !slices.Equal(told, want) {
		t.Errorf("told at %v, want %v", told, want)
	}
}

func TestTheCacheKeepsWhatIsUsed(t *testing.T) {
	l := mailbox.NewLRU(10)
	l.Store("a", "aaaa")
	l.Store("b", "bbbb")
	l.Lookup("a")
	l.Store("c", "cccc") // b is the longest unused
	l.Store("huge", strings.Repeat("x", 11))
	l.Store("a", "aa")
	l.Remove("none")
	for key, want := range map[string]string{"a": "aa", "b": "", "c": "cccc", "huge": ""} {
		if got, _ := l.Lookup(key); got != want {
			t.Errorf("%s: got %q, want %q", key, got, want)
		}
	}
	if n, total, index := l.Size(); n != 2 || total != 6 || index != 2 {
		t.Errorf("got %d entries of %d bytes, %d indexed; want 2 of 6", n, total, index)
	}
}

func TestHistoryIsReplayedForwardsOnly(t *testing.T) {
	k := mailbox.NewKnown()
	k.Store(0, "a", "INBOX")
	if _, ok := k.Labels("a"); ok {
		t.Error("a mail was kept without a position to keep its labels right from")
	}
	k.StartAt(10)
	k.Store(10, "a", "INBOX", "UNREAD")
	k.Change(30, "a", []string{"STARRED"}, []string{"UNREAD"})
	k.Change(20, "a", []string{"UNREAD"}, nil) // answered late, of another call
	k.Change(30, "a", []string{"STARRED"}, nil)
	if got, _ := k.Labels("a"); !slices.Equal(got, []string{"INBOX", "STARRED"}) || k.Position() != 30 {
		t.Errorf("got labels %v at %d, want INBOX STARRED at 30", got, k.Position())
	}
	k.Store(10, "b", "INBOX") // was fetched before what came since 10
	if _, ok := k.Labels("b"); ok {
		t.Error("a mail was kept whose labels may be older than the position")
	}
	k.StartAt(50)
	if k.Position() != 30 {
		t.Errorf("got position %d, want 30: what came since is not replayed yet", k.Position())
	}
}

func TestTermsAreAddedToAQuery(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"", "x"},
		{"from:a subject:b", "from:a subject:b x"},
		{"from:a OR from:b", "(from:a OR from:b) x"},
		{"{from:a from:b}", "{from:a from:b} x"},
		{`"this OR that"`, `("this OR that") x`},
		{"ORDER for MAJOR", "ORDER for MAJOR x"},
		{"a) OR (b", "a) OR (b x"},
		{`a OR "b`, `a OR "b x`},
		{`a OR "b)"`, `(a OR "b)") x`},
	} {
		if got := mailbox.Also(test.text, "x"); got != test.want {
			t.Errorf("%q: got %q, want %q", test.text, got, test.want)
		}
	}
}

func TestACompanionListSettlesWhatItReaches(t *testing.T) {
	for _, test := range []struct {
		name  string
		order string
		more  bool
		page  string
		first bool
		want  int
	}{
		{"the list is at its end", "b", false, "a b c d", false, 4},
		{"the list is empty", "", false, "a b", true, 2},
		{"it goes on with what is not on the page", "b z", true, "a b c d", true, 4},
		{"it begins with what is not on the page", "y z", true, "a b", true, 2},
		{"it stops within the page", "b", true, "a b c d", true, 2},
		{"it stops with the page", "b d", true, "a b c d", true, 4},
		{"a later page within it", "1 b z", true, "a b c d", false, 4},
		{"a later page at its stop", "1 2 b", true, "a b c d", false, 2},
		{"a later page that may be beyond it", "1 2 3", true, "a b c d", false, 0},
	} {
		got := mailbox.Covers(strings.Fields(test.order), test.more, strings.Fields(test.page), test.first)
		if got != test.want {
			t.Errorf("%s: got %d, want %d", test.name, got, test.want)
		}
	}
}

func TestBase64IsReadPaddedOrNotUpToAFault(t *testing.T) {
	for in, want := range map[string]string{
		"SGVsbG8":      "Hello",
		"SGVsbG8=":     "Hello",
		"_-8":          "\xff\xef",
		"SGVsbG8!rest": "Hel",
		"":             "",
	} {
		if got := string(mailbox.DecodeBase64(in)); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func FuzzClassify(f *testing.F) {
	f.Add(403, []byte(`{"error":{"code":403,"message":"User-rate limit exceeded.  Retry after 2026-09-11T20:00:00.000Z","errors":[{"reason":"userRateLimitExceeded"}]}}`))
	f.Add(401, []byte(`{"error":"invalid_token"}`))
	f.Add(403, []byte(`{"error":{"details":[{"reason":"SERVICE_DISABLED","metadata":{"activationUrl":"https://console.developers.google.com/x"}}]}}`))
	f.Add(200, []byte(`[]`))
	now := time.Unix(1_800_000_000, 0)
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		e, again := mailbox.Classify(status, nil, body, now)
		if e.Code == "" || e.Message == "" || e.Hint == "" || e.RetryAfter < 0 {
			t.Errorf("got %+v, want a code, a message, a hint", e)
		}
		if again && e.Code != "rate_limited" && e.Code != "unavailable" {
			t.Errorf("%s is tried again", e.Code)
		}
		if len(e.Message)+len(e.Hint) > 400+len(body) {
			t.Errorf("got %d characters", len(e.Message)+len(e.Hint))
		}
	})
}

func FuzzSummarizeCalendar(f *testing.F) {
	f.Add("BEGIN:VCALENDAR\nMETHOD:REQUEST\nBEGIN:VEVENT\nSUMMARY:a\\, b\nDTSTART;TZID=\"Europe/Berlin\":20261006T140000\nEND:VEVENT\n")
	f.Add("BEGIN:VEVENT\nORGANIZER;CN=\"A:B\":mailto:a@example.com\nDTEND:20261006\nEND:VEVENT")
	f.Add("BEGIN:VEVENT\n\tfolded\nEND:VALARM\nEND:VEVENT")
	f.Fuzz(func(t *testing.T, s string) {
		got := mailbox.SummarizeCalendar(s)
		if strings.Count(got, "\n") > 9 || strings.ContainsAny(got, "\r\x00\u202e\u200b") || utf8.RuneCountInString(got) > 6000 {
			t.Errorf("got %q, want at most ten clean lines", got)
		}
	})
}

// payloadOf writes a part in Gmail's JSON.
func payloadOf(kind, filename, data string, parts ...string) string {
	if parts == nil {
		parts = []string{}
	}
	return fmt.Sprintf(`{"mimeType":%q,"filename":%q,"partId":"1","headers":[{"name":"Content-Type","value":%q}],"body":{"size":%d,"data":%q},"parts":[%s]}`,
		kind, filename, kind, len(data), base64.URLEncoding.EncodeToString([]byte(data)), strings.Join(parts, ","))
}

func FuzzPayload(f *testing.F) {
	f.Add([]byte(payloadOf("multipart/mixed", "", "", payloadOf("text/plain", "", "Hi"), payloadOf("application/pdf", "a.pdf", "%PDF"))))
	f.Add([]byte(payloadOf("multipart/alternative", "", "", payloadOf("text/plain", "", "Hi"), payloadOf("text/html", "", "<p>Hi"), payloadOf("text/calendar", "", "BEGIN:VEVENT\nSUMMARY:x\nEND:VEVENT"))))
	f.Add([]byte(`{"mimeType":"multipart/mixed","parts":[null,{"body":null},{"mimeType":"text/html"}]}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		text, source, attachments, err := mailbox.RenderPayload(payload, mailbox.Markdown)
		if err != nil {
			return
		}
		if !utf8.ValidString(text) || source == "" {
			t.Errorf("got source %q, text %q", source, text)
		}
		for _, a := range attachments {
			if a.Name == "" || strings.ContainsAny(a.Name+a.Type, "\r\n\x00\u202e") {
				t.Errorf("got attachment %+v", a)
			}
		}
		if !json.Valid(payload) {
			t.Error("an invalid payload was read")
		}
	})
}
