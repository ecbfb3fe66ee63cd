package mailbox_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/mail"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"linkmail/internal/standin"
	"linkmail/mailbox"
)

var letter = mailbox.Outgoing{
	To: []string{"bo@example.net"}, Cc: []string{"cy@example.net"}, Bcc: []string{"di@example.net"},
	Subject: "Grüße", Text: "Hello\n",
}

func TestSendReachesEveryRecipientOnce(t *testing.T) {
	r := newRig(t, standin.Config{})
	receipt, err := r.Send(t.Context(), letter)
	if err != nil {
		t.Fatal(err)
	}
	sent := r.world.Sent(standin.DefaultUser)
	if len(sent) != 1 {
		t.Fatalf("got %d mails sent, want 1", len(sent))
	}
	if receipt.Outcome != mailbox.Sent || receipt.ID != sent[0].ID || receipt.ThreadID != sent[0].ThreadID {
		t.Errorf("got receipt %+v, want sent with id %s", receipt, sent[0].ID)
	}
	if got := strings.Join(sent[0].Recipients, " "); got != "bo@example.net cy@example.net di@example.net" {
		t.Errorf("got recipients %s", got)
	}
	m, err := mail.ReadMessage(bytes.NewReader(sent[0].Raw))
	if err != nil {
		t.Fatal(err)
	}
	if got := m.Header.Get("Bcc"); !strings.Contains(got, "di@example.net") {
		t.Errorf("got Bcc %q, want di@example.net", got)
	}
	if got := m.Header.Get("From"); !strings.Contains(got, standin.DefaultUser) {
		t.Errorf("got From %q, want the account", got)
	}
	if len(receipt.To) != 1 || len(receipt.Cc) != 1 || len(receipt.Bcc) != 1 || receipt.Subject != "Grüße" {
		t.Errorf("got receipt %+v, want every recipient named", receipt)
	}
}

func TestTheSenderHasToBelongToTheAccount(t *testing.T) {
	r := newRig(t, standin.Config{})
	for _, test := range []struct {
		name, from, code string
	}{
		{"the account itself", strings.ToUpper(standin.DefaultUser), ""},
		{"the account itself, named", "Alex <" + standin.DefaultUser + ">", ""},
		{"another address of the account", "alex@rivera-studio.example", ""},
		{"an address that was never confirmed", "press@harborandpine.example", "from_not_allowed"},
		{"a stranger", "ceo@example.org", "from_not_allowed"},
		{"no address", "Alex", "invalid_from"},
		{"an address with more in it", "a@example.com\r\nBcc: x@example.com", "invalid_from"},
	} {
		o := letter
		o.From = test.from
		receipt, err := r.Send(t.Context(), o)
		var e *mailbox.Error
		if test.code == "" && (err != nil || receipt.Outcome != mailbox.Sent) {
			t.Errorf("%s: got %v, %v; want sent", test.name, receipt, err)
		}
		if test.code != "" && (!errors.As(err, &e) || e.Code != test.code || receipt.Outcome != mailbox.NotSent) {
			t.Errorf("%s: got %v, %v; want %s", test.name, receipt, err, test.code)
		}
		if test.code == "from_not_allowed" && !strings.Contains(e.Hint, standin.DefaultUser) {
			t.Errorf("%s: got hint %q, want the allowed addresses", test.name, e.Hint)
		}
	}
	if got := len(r.world.Sent(standin.DefaultUser)); got != 3 {
		t.Errorf("got %d mails sent, want 3", got)
	}
	if got := r.seen()["settings/sendAs"]; got != 1 {
		t.Errorf("asked %d times for the sender addresses, want once", got)
	}
}

func TestAMailThatIsWrongInItselfIsRefusedBeforeGmailIsAsked(t *testing.T) {
	r := newRig(t, standin.Config{})
	for _, test := range []struct {
		name   string
		change func(*mailbox.Outgoing)
	}{
		{"a line break in the subject", func(o *mailbox.Outgoing) { o.Subject = "a\r\nBcc: x@example.com" }},
		{"a line break in an address", func(o *mailbox.Outgoing) { o.To = []string{"a@example.com\r\nBcc: x@example.com"} }},
		{"no recipient", func(o *mailbox.Outgoing) { o.To, o.Cc, o.Bcc = nil, nil, nil }},
		{"no address for a sender", func(o *mailbox.Outgoing) { o.From = "Alex" }},
	} {
		o := letter
		test.change(&o)
		receipt, err := r.Send(t.Context(), o)
		var e *mailbox.Error
		if !errors.As(err, &e) || receipt.Outcome != mailbox.NotSent {
			t.Errorf("%s: got %+v, %v; want a refusal", test.name, receipt, err)
		}
	}
	if got := r.seen(); len(got) != 0 {
		t.Errorf("got requests %v, want none", got)
	}
}

func TestTheUsersSettingsForASenderHold(t *testing.T) {
	for _, one := range []struct {
		name, from, replyTo string
		preferred           bool // the alias is what the user writes from
		wantFrom, want      string
	}{
		{"an alias whose answers go elsewhere", studio, "desk@rivera-studio.example", false, studio, "<desk@rivera-studio.example>"},
		{"an alias as default", "", "desk@rivera-studio.example", true, studio, "<desk@rivera-studio.example>"},
		{"the account beside it", standin.DefaultUser, "desk@rivera-studio.example", true, standin.DefaultUser, ""},
		{"answers go where they come from", studio, studio, false, studio, ""},
		{"a setting that is no address", studio, "desk at studio", false, studio, ""},
	} {
		t.Run(one.name, func(t *testing.T) {
			r := newRig(t, standin.Config{})
			if !r.world.SenderSettings(standin.DefaultUser, studio, one.replyTo, one.preferred) {
				t.Fatal("there is no such alias")
			}
			o := letter
			o.From = one.from
			receipt, err := r.Send(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			m, err := mail.ReadMessage(bytes.NewReader(r.world.Sent(standin.DefaultUser)[0].Raw))
			if err != nil {
				t.Fatal(err)
			}
			if from := m.Header.Get("From"); receipt.From.Email != one.wantFrom || !strings.Contains(from, one.wantFrom) {
				t.Errorf("it is from %q, the receipt says %v; want %s", from, receipt.From, one.wantFrom)
			}
			if got := m.Header.Get("Reply-To"); got != one.want || len(receipt.ReplyTo) == 1 != (one.want != "") {
				t.Errorf("answers go to %q, the receipt says %v; want %q", got, receipt.ReplyTo, one.want)
			}
		})
	}
}

func TestWithoutTheListOfSendersTheAccountSends(t *testing.T) {
	r := newRig(t, standin.Config{})
	r.world.SetFault(faultFor("/settings/sendAs", standin.InsufficientScope()))
	if receipt, err := r.Send(t.Context(), letter); err != nil || receipt.Outcome != mailbox.Sent {
		t.Errorf("got %v, %v; want sent", receipt, err)
	}
	o := letter
	o.From = "other@example.com"
	if receipt, err := r.Send(t.Context(), o); err == nil || receipt.Outcome != mailbox.NotSent {
		t.Errorf("as another: got %v, %v; want an error", receipt, err)
	}
}

func TestAnUnclearSendIsLookedUpAndNeverRepeated(t *testing.T) {
	hangUp := standin.Fault{HangUp: true}
	status := func(code int) standin.Fault { return standin.Fault{Status: code, Body: "{}"} }
	applied := func(f standin.Fault) standin.Fault { f.Applied = true; return f }
	for _, test := range []struct {
		name  string
		fault standin.Fault
		setUp func(*rig)
		want  mailbox.Outcome
	}{
		{"the connection is lost after Gmail acted", applied(hangUp), nil, mailbox.Sent},
		{"the connection is lost before Gmail acted", hangUp, nil, mailbox.Unknown},
		{"a server error after Gmail acted", applied(status(502)), nil, mailbox.Sent},
		{"a server error before Gmail acted", status(503), nil, mailbox.Unknown},
		{"the server gave up waiting", applied(status(408)), nil, mailbox.Sent},
		{"the answer is a web page", applied(standin.Fault{Status: 200, Body: "<html>", Header: http.Header{"Content-Type": {"text/html"}}}), nil, mailbox.Sent},
		{"the answer is cut short", applied(standin.Fault{Status: 200, Body: `{"id":"18`}), nil, mailbox.Sent},
		{"no answer within a minute", applied(standin.Fault{Delay: 2 * time.Minute, Status: 200, Body: "{}"}), nil, mailbox.Unknown},
		{"the history is too old", applied(hangUp), func(r *rig) { r.world.ExpireHistory(standin.DefaultUser) }, mailbox.Sent},
		{"the history cannot be read", applied(hangUp), func(r *rig) {
			r.world.SetFault(both(r, standin.Fault{HangUp: true, Applied: true}, "/history", standin.BackendError()))
		}, mailbox.Unknown},
		{"no position in the history is known", applied(hangUp), func(r *rig) {
			r.world.SetFault(both(r, standin.Fault{HangUp: true, Applied: true}, "/profile", standin.BackendError()))
		}, mailbox.Sent},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, standin.Config{})
				if !strings.Contains(test.name, "position") {
					r.warm(t)
				}
				r.world.SetFault(faultFor("/messages/send", &test.fault))
				if test.setUp != nil {
					test.setUp(r)
				}
				receipt, err := r.Send(t.Context(), letter)
				if err != nil || receipt.Outcome != test.want {
					t.Fatalf("got %+v, %v; want %s", receipt, err, test.want)
				}
				if got := r.seen()["send"]; got != 1 {
					t.Errorf("got %d requests to send, want 1", got)
				}
				if test.want == mailbox.Unknown {
					if !strings.Contains(receipt.Note, "Check Sent") {
						t.Errorf("got note %q, want what to check", receipt.Note)
					}
					return
				}
				if sent := r.world.Sent(standin.DefaultUser); len(sent) != 1 || receipt.ID != sent[0].ID {
					t.Errorf("got id %q, want that of the one mail sent: %v", receipt.ID, sent)
				}
			})
		})
	}
}

// both has a fault for sends and another one for other paths.
func both(_ *rig, send standin.Fault, path string, other *standin.Fault) func(*http.Request) *standin.Fault {
	return func(req *http.Request) *standin.Fault {
		switch {
		case strings.HasSuffix(req.URL.Path, "/messages/send"):
			return &send
		case strings.HasSuffix(req.URL.Path, path):
			return other
		}
		return nil
	}
}

// unmarked keeps the mark of a mail from being read back, as if Gmail dropped
// it from the copy in Sent.
type unmarked struct{ base http.RoundTripper }

func (u unmarked) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	q := r.URL.Query()
	if headers := q["metadataHeaders"]; len(headers) > 0 {
		q["metadataHeaders"] = slices.DeleteFunc(headers, func(h string) bool { return strings.HasPrefix(h, "X-") })
		r.URL.RawQuery = q.Encode()
	}
	return u.base.RoundTrip(r)
}

func TestAnUnclearSendIsFoundWithoutItsMark(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, standin.Config{}, func(c *mailbox.Config) {
			base := c.HTTP("gmail")
			c.HTTP = func(string) http.RoundTripper { return unmarked{base} }
		})
		r.world.SetFault(faultFor("/messages/send", &standin.Fault{HangUp: true, Applied: true}))
		receipt, err := r.Send(t.Context(), letter)
		if err != nil || receipt.Outcome != mailbox.Sent {
			t.Errorf("got %+v, %v; want sent", receipt, err)
		}
	})
}

func TestAnotherMailIsNotTakenForTheUnclearOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, standin.Config{})
		r.warm(t)
		r.world.SetFault(func(req *http.Request) *standin.Fault {
			if !strings.HasSuffix(req.URL.Path, "/messages/send") {
				return nil
			}
			// Another device of the user sends the very same words.
			r.deliver("From: "+standin.DefaultUser+"\r\nTo: bo@example.net\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n"+
				"Date: Sat, 01 Jan 2000 00:00:30 +0000\r\n\r\nHello\r\n", "SENT")
			return &standin.Fault{HangUp: true}
		})
		receipt, err := r.Send(t.Context(), letter)
		if err != nil || receipt.Outcome != mailbox.Unknown {
			t.Errorf("got %+v, %v; want unknown", receipt, err)
		}
	})
}

func TestARefusedSendIsNotSent(t *testing.T) {
	for _, test := range []struct {
		name  string
		fault *standin.Fault
		code  string
	}{
		{"bad request", &standin.Fault{Status: 400, Body: `{"error":{"code":400,"message":"Recipient address required"}}`}, "invalid_argument"},
		{"token", standin.InvalidCredentials(), "token_refused"},
		{"scope", standin.InsufficientScope(), "missing_scope"},
		{"quota as 403", standin.RateLimited(time.Now().Add(time.Minute)), "rate_limited"},
		{"quota as 429", standin.TooManyConcurrent(), "rate_limited"},
		{"day", standin.DailyLimit(), "daily_limit"},
		{"a redirect", &standin.Fault{Status: 307, Header: http.Header{"Location": {"/gmail/v1/users/me/messages/send"}}}, "unavailable"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRig(t, standin.Config{})
			r.world.SetFault(faultFor("/messages/send", test.fault))
			receipt, err := r.Send(t.Context(), letter)
			var e *mailbox.Error
			if !errors.As(err, &e) || e.Code != test.code || receipt.Outcome != mailbox.NotSent {
				t.Errorf("got %+v, %v; want %s", receipt, err, test.code)
			}
			if got := r.seen(); got["send"] != 1 || got["history"] != 0 {
				t.Errorf("got requests %v, want one send and no look into Sent", got)
			}
		})
	}
}

func TestAnUnreachableGmailSendsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, standin.Config{})
		r.warm(t)
		if _, err := r.Send(t.Context(), letter); err != nil { // learns the senders
			t.Fatal(err)
		}
		r.stop()
		receipt, err := r.Send(t.Context(), letter)
		var e *mailbox.Error
		if !errors.As(err, &e) || e.Code != "unavailable" || receipt.Outcome != mailbox.NotSent {
			t.Errorf("got %+v, %v; want not sent, unavailable", receipt, err)
		}
	})
}

func TestACancelledSendIsUnknownOnceItWasWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, standin.Config{})
		r.warm(t)
		ctx, cancel := context.WithCancel(t.Context())
		r.world.SetFault(func(req *http.Request) *standin.Fault {
			if strings.HasSuffix(req.URL.Path, "/messages/send") {
				cancel()
				return &standin.Fault{Delay: time.Minute, HangUp: true}
			}
			return nil
		})
		receipt, err := r.Send(ctx, letter)
		if err != nil || receipt.Outcome != mailbox.Unknown {
			t.Errorf("got %+v, %v; want unknown", receipt, err)
		}
		receipt, err = r.Send(ctx, letter) // it is cancelled before anything happens
		if !errors.Is(err, context.Canceled) || receipt.Outcome != mailbox.NotSent {
			t.Errorf("got %+v, %v; want not sent, cancelled", receipt, err)
		}
	})
}

// TestABrokenConnectionDoesNotRepeatASend runs against a server that closes a
// used connection after it has read a send, which is where net/http repeats
// requests that it takes for safe.
func TestABrokenConnectionDoesNotRepeatASend(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			var sends atomic.Int32
			w := standin.NewWorld(standin.Config{})
			base, _ := serve(t, http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
				if strings.HasSuffix(req.URL.Path, "/messages/send") {
					sends.Add(1)
					_, _ = io.Copy(io.Discard, req.Body)
					panic(http.ErrAbortHandler)
				}
				w.Gmail().ServeHTTP(rw, req)
			}), http2)
			token := w.IssueToken(standin.DefaultUser, []string{gmailModify}, time.Hour)
			c, err := mailbox.New(mailbox.Config{
				HTTP:     func(string) http.RoundTripper { return bearer{token: token, base: base} },
				Endpoint: endpoint,
			})
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Warm(t.Context()); err != nil { // the connection is used from here on
				t.Fatal(err)
			}
			receipt, err := c.Send(t.Context(), letter)
			if err != nil || receipt.Outcome != mailbox.Unknown || sends.Load() != 1 {
				t.Errorf("HTTP/2 %v: got %+v, %v after %d sends; want unknown after 1", http2, receipt, err, sends.Load())
			}
		})
	}
}

// renewing replays a request with a new token after a 401, as a transport that
// authorizes requests does.
type renewing struct {
	mu     sync.Mutex
	token  string
	renew  func() string
	base   http.RoundTripper
	denied bool // no new token is to be had
}

func (a *renewing) RoundTrip(r *http.Request) (*http.Response, error) {
	a.mu.Lock()
	token := a.token
	a.mu.Unlock()
	resp, err := bearer{token: token, base: a.base}.RoundTrip(r)
	if err != nil || resp.StatusCode != http.StatusUnauthorized {
		return resp, err
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	if a.denied {
		return nil, &signIn{}
	}
	r = r.Clone(r.Context())
	if r.GetBody != nil {
		if r.Body, err = r.GetBody(); err != nil {
			return nil, err
		}
	}
	a.mu.Lock()
	a.token = a.renew()
	token = a.token
	a.mu.Unlock()
	return bearer{token: token, base: a.base}.RoundTrip(r)
}

func TestASendIsRepeatedAfterANewTokenAlone(t *testing.T) {
	r := newRig(t, standin.Config{})
	auth := &renewing{
		token: "expired", base: r.base,
		renew: func() string {
			return r.world.IssueToken(standin.DefaultUser, []string{gmailModify}, time.Hour)
		},
	}
	c, err := mailbox.New(mailbox.Config{HTTP: func(string) http.RoundTripper { return auth }, Endpoint: endpoint})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Warm(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Send(t.Context(), letter); err != nil {
		t.Fatal(err)
	}

	auth.token = "expired"
	receipt, err := c.Send(t.Context(), letter)
	if err != nil || receipt.Outcome != mailbox.Sent || len(r.world.Sent(standin.DefaultUser)) != 2 {
		t.Errorf("got %+v, %v; want sent with the new token", receipt, err)
	}

	auth.token, auth.denied = "expired", true
	receipt, err = c.Send(t.Context(), letter)
	var want *signIn
	if !errors.As(err, &want) || receipt.Outcome != mailbox.NotSent {
		t.Errorf("got %+v, %v; want the request to sign in, and not sent", receipt, err)
	}
	if got := len(r.world.Sent(standin.DefaultUser)); got != 2 {
		t.Errorf("got %d mails sent, want 2", got)
	}
}

func TestDraftIsNotSent(t *testing.T) {
	synctest.Test(t, draftIsNotSent)
}

func draftIsNotSent(t *testing.T) {
	r := newRig(t, standin.Config{})
	receipt, err := r.Draft(t.Context(), letter)
	if err != nil || receipt.Outcome != mailbox.Drafted || receipt.DraftID == "" || receipt.ID == "" {
		t.Fatalf("got %+v, %v; want drafted", receipt, err)
	}
	if got := len(r.world.Sent(standin.DefaultUser)); got != 0 {
		t.Errorf("got %d mails sent, want none", got)
	}
	r.world.SetFault(faultFor("/drafts", &standin.Fault{HangUp: true, Applied: true}))
	receipt, err = r.Draft(t.Context(), letter)
	if posts := slices.DeleteFunc(r.world.Seen(), func(s standin.Seen) bool { return s.Method != http.MethodPost }); err != nil ||
		receipt.Outcome != mailbox.Unknown || receipt.Note == "" || len(posts) != 2 {
		t.Errorf("got %+v, %v after %v; want unknown after one try", receipt, err, posts)
	}
}

func TestCheckingAMailSendsNothingAndSettlesItsSender(t *testing.T) {
	r := newRig(t, standin.Config{})
	many := make([]string, 501)
	for i := range many {
		many[i] = fmt.Sprintf("r%d@example.com", i)
	}
	for _, test := range []struct {
		name   string
		change func(*mailbox.Outgoing)
		from   string // of the receipt
		code   string
	}{
		{"from the account", func(*mailbox.Outgoing) {}, standin.DefaultUser, ""},
		{"from another of its addresses", func(o *mailbox.Outgoing) { o.From = "Studio <alex@rivera-studio.example>" }, "alex@rivera-studio.example", ""},
		{"from a stranger", func(o *mailbox.Outgoing) { o.From = "ceo@example.org" }, "", "from_not_allowed"},
		{"to too many", func(o *mailbox.Outgoing) { o.To = many }, "", "too_many_recipients"},
		{"with a line separator in the subject", func(o *mailbox.Outgoing) { o.Subject = "a\u2028b" }, "", "invalid_header"},
		{"too large", func(o *mailbox.Outgoing) { o.Text = strings.Repeat("ü", 5<<20) }, "", "too_large"},
	} {
		o := letter
		test.change(&o)
		receipt, err := r.Check(t.Context(), o)
		var e *mailbox.Error
		switch {
		case test.code == "" && (err != nil || receipt.From.Email != test.from):
			t.Errorf("%s: got From %v, %v; want %s", test.name, receipt.From, err, test.from)
		case test.code != "" && (!errors.As(err, &e) || e.Code != test.code):
			t.Errorf("%s: got %v, want %s", test.name, err, test.code)
		}
		if receipt.Outcome != mailbox.NotSent {
			t.Errorf("%s: got outcome %q", test.name, receipt.Outcome)
		}
	}
	if got := r.seen(); got["send"] != 0 || got["drafts"] != 0 || got["settings/sendAs"] != 1 {
		t.Errorf("got requests %v, want one for the sender addresses", got)
	}
}

func TestARefusedSendSaysThatNothingWasSent(t *testing.T) {
	for name, fault := range map[string]*standin.Fault{
		"the minute's quota":  standin.RateLimited(time.Now().Add(time.Minute)),
		"too much at once":    standin.TooManyConcurrent(),
		"a missing scope":     standin.InsufficientScope(),
		"a path that is none": {Status: 404, Body: "404 page not found"},
	} {
		r := newRig(t, standin.Config{})
		r.world.SetFault(func(req *http.Request) *standin.Fault {
			if req.Method == http.MethodPost {
				return fault
			}
			return nil
		})
		_, sendErr := r.Send(t.Context(), letter)
		_, draftErr := r.Draft(t.Context(), letter)
		for want, err := range map[string]error{"nothing was sent": sendErr, "nothing was saved": draftErr} {
			var e *mailbox.Error
			if !errors.As(err, &e) || !strings.HasSuffix(e.Message, want) || strings.Contains(e.Hint, "fewer mails") {
				t.Errorf("%s: got %+v, want a message that ends with %q", name, e, want)
			}
		}
	}
}
