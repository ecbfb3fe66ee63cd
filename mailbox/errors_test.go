package mailbox_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"linkmail/internal/standin"
	"linkmail/mailbox"
)

// canary stands in queries and bodies that an error must not repeat.
const canary = "canary7f3a"

func TestEveryRefusalOfGmailSaysWhatToDo(t *testing.T) {
	html := http.Header{"Content-Type": {"text/html; charset=utf-8"}}
	for _, test := range []struct {
		name  string
		fault *standin.Fault
		code  string
		says  string // part of the message or the hint
		after time.Duration
		again bool // it is tried again, within limits
	}{
		{"the token was refused", standin.InvalidCredentials(), "token_refused", "access token", 0, false},
		{"the scope is missing", standin.InsufficientScope(), "missing_scope", "needs the scope https://www.googleapis.com/auth/gmail.modify", 0, false},
		{"the API is off", standin.APIDisabled("123456789"), "api_disabled", "https://console.developers.google.com/apis/api/gmail.googleapis.com/overview?project=123456789", 0, false},
		{"the administrator said no", standin.DomainPolicy(), "domain_policy", "administrator", 0, false},
		{"the minute is spent", standin.RateLimited(time.Date(2000, 1, 1, 0, 5, 0, 0, time.UTC)), "rate_limited", "Wait", 5 * time.Minute, false},
		{"the minute is spent, says a header", &standin.Fault{Status: 429, Body: `{"error":{"code":429}}`, Header: http.Header{"Retry-After": {"300"}}}, "rate_limited", "Wait", 5 * time.Minute, false},
		{"the minute is spent, says a detail", &standin.Fault{Status: 429, Body: `{"error":{"code":429,"details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"RATE_LIMIT_EXCEEDED"},{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"300s"}]}}`}, "rate_limited", "Wait", 5 * time.Minute, false},
		{"too much at once", standin.TooManyConcurrent(), "rate_limited", "at once", 5 * time.Second, true},
		{"the day is spent", standin.DailyLimit(), "daily_limit", "tomorrow", 0, false},
		{"there is no mailbox", standin.NoMailbox(), "mail_service_not_enabled", "no Gmail mailbox", 0, false},
		{"the server fails", standin.BackendError(), "unavailable", "HTTP 503", 10 * time.Second, true},
		{"the server fails wordlessly", &standin.Fault{Status: 500}, "unavailable", "HTTP 500", 10 * time.Second, true},
		{"the page token is bad", &standin.Fault{Status: 400, Body: `{"error":{"code":400,"message":"Invalid pageToken ` + canary + `","status":"INVALID_ARGUMENT"}}`}, "invalid_argument", "page token", 0, false},
		{"something else is bad", &standin.Fault{Status: 400, Body: `{"error":{"code":400,"message":"` + canary + `","errors":[{"reason":"` + canary + ` x"}]}}`}, "invalid_argument", "invalid", 0, false},
		{"another account's mailbox", &standin.Fault{Status: 403, Body: `{"error":{"code":403,"message":"Delegation denied for ` + canary + `","status":"PERMISSION_DENIED"}}`}, "forbidden", "account", 0, false},
		{"a proxy refuses", &standin.Fault{Status: 403, Body: "<html>" + canary, Header: html}, "unavailable", "proxy", 0, false},
		{"a portal answers", &standin.Fault{Status: 200, Body: "<html>" + canary, Header: html}, "unavailable", "sign-in page", 0, false},
		{"a portal redirects", &standin.Fault{Status: 302, Header: http.Header{"Location": {"https://portal.example/" + canary}}}, "unavailable", "sign-in page", 0, false},
		{"an answer is no JSON", &standin.Fault{Status: 200, Body: canary}, "unavailable", "does not look like Gmail", 0, false},
		{"the connection breaks", &standin.Fault{HangUp: true}, "unavailable", "network", 10 * time.Second, true},
		{"the minute is spent, without a time", &standin.Fault{Status: 429, Body: `{"error":{"code":429}}`}, "rate_limited", "Wait", 30 * time.Second, true},
		{"another path than Gmail's", &standin.Fault{Status: 404, Body: "404 page not found " + canary}, "unavailable", "LINKMAIL_GMAIL_ENDPOINT", 0, false},
		{"another API than Gmail's", &standin.Fault{Status: 404, Body: `{"error":{"code":404,"message":"Not Found","status":"NOT_FOUND"}}`}, "unavailable", "LINKMAIL_GMAIL_ENDPOINT", 0, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, standin.Config{})
				r.warm(t)
				r.world.SetFault(func(*http.Request) *standin.Fault { return test.fault })
				start := time.Now()
				_, err := r.Search(t.Context(), mailbox.Query{Text: canary})
				var e *mailbox.Error
				if !errors.As(err, &e) || e.Code != test.code {
					t.Fatalf("got %v (%+v), want code %s", err, e, test.code)
				}
				if said := e.Message + " " + e.Hint; !strings.Contains(said, test.says) {
					t.Errorf("got %q, want %q in it", said, test.says)
				}
				if got := e.RetryAfter.Round(5 * time.Second); got != test.after {
					t.Errorf("got RetryAfter %v, want %v", e.RetryAfter, test.after)
				}
				if everything := textOf(err); strings.Contains(everything, canary) {
					t.Errorf("the error repeats the query or the body: %s", everything)
				}
				if got := r.seen()["list"]; (got > 1) != test.again || got > 12 {
					t.Errorf("got %d tries, want several: %v", got, test.again)
				}
				if took := time.Since(start); took > 20*time.Second {
					t.Errorf("took %v, want no more than 20s", took)
				}
			})
		})
	}
}

// textOf returns everything that an error says, down its chain.
func textOf(err error) string {
	var all []string
	for ; err != nil; err = errors.Unwrap(err) {
		all = append(all, err.Error())
		if e, ok := errors.AsType[*mailbox.Error](err); ok {
			all = append(all, e.Message, e.Hint, e.Reason)
		}
	}
	return strings.Join(all, "\n")
}

// signIn is what an authorizing transport returns when a person has to act.
type signIn struct{}

func (*signIn) Error() string { return "a person has to sign in first" }

type refusingTransport struct{ asked atomic.Int32 }

func (r *refusingTransport) RoundTrip(*http.Request) (*http.Response, error) {
	r.asked.Add(1)
	return nil, &signIn{}
}

func TestARequestToSignInTravelsUntouched(t *testing.T) {
	transport := &refusingTransport{}
	c, err := mailbox.New(mailbox.Config{HTTP: func(string) http.RoundTripper { return transport }})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		call func() error
	}{
		{"account", func() error { _, err := c.Account(t.Context()); return err }},
		{"warm", func() error { return c.Warm(t.Context()) }},
		{"search", func() error { _, err := c.Search(t.Context(), mailbox.Query{}); return err }},
		{"read", func() error { _, err := c.Read(t.Context(), "18a0280d9c67c374", mailbox.Text); return err }},
		{"send", func() error {
			_, err := c.Send(t.Context(), mailbox.Outgoing{To: []string{"a@example.com"}})
			return err
		}},
		{"send as someone", func() error {
			_, err := c.Send(t.Context(), mailbox.Outgoing{From: "b@example.com", To: []string{"a@example.com"}})
			return err
		}},
		{"draft", func() error {
			_, err := c.Draft(t.Context(), mailbox.Outgoing{To: []string{"a@example.com"}})
			return err
		}},
	} {
		transport.asked.Store(0)
		err := test.call()
		if _, ok := errors.AsType[*signIn](err); !ok {
			t.Errorf("%s: got %v, want the transport's error", test.name, err)
		}
		if got := transport.asked.Load(); got > 5 {
			t.Errorf("%s: asked %d times, want no repetition", test.name, got)
		}
	}
}

func TestAnUnreachableGmailIsSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, standin.Config{})
		r.stop()
		_, err := r.Search(t.Context(), mailbox.Query{Text: canary})
		var e *mailbox.Error
		if !errors.As(err, &e) || e.Code != "unavailable" || strings.Contains(textOf(err), canary) {
			t.Errorf("got %v, want unavailable without the query", err)
		}
	})
}

func TestAHangingGmailIsGivenUpWithin20Seconds(t *testing.T) {
	for _, hangs := range []string{"", "/messages", "/history", "/labels", "/profile", "/batch", "/settings"} {
		t.Run("everything below "+hangs, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, standin.Config{})
				id := r.search(t, mailbox.Query{Max: 1}).Items[0].ID
				r.read(t, id, mailbox.Text)
				time.Sleep(11 * time.Minute) // what is remembered is stale
				released := make(chan struct{})
				r.world.SetFault(func(req *http.Request) *standin.Fault {
					if strings.Contains(req.URL.Path, hangs) {
						select {
						case <-req.Context().Done():
						case <-released:
						}
						return &standin.Fault{HangUp: true}
					}
					return nil
				})
				for name, call := range map[string]func() error{
					"search":  func() error { _, err := r.Search(t.Context(), mailbox.Query{}); return err },
					"read":    func() error { _, err := r.Read(t.Context(), id, mailbox.Markdown); return err },
					"account": func() error { _, err := r.Account(t.Context()); return err },
					"check":   func() error { _, err := r.Check(t.Context(), letter); return err },
				} {
					start := time.Now()
					err := call()
					if took := time.Since(start); took > 20*time.Second {
						t.Errorf("%s took %v, want no more than 20s", name, took)
					}
					var e *mailbox.Error
					if hangs == "" && (!errors.As(err, &e) || e.Code != "unavailable" || e.RetryAfter < 5*time.Second) {
						t.Errorf("%s: got %v, want unavailable with a time to try again", name, err)
					}
				}
				close(released)
			})
		})
	}
}

func TestACancelledCallSaysSo(t *testing.T) {
	r := newRig(t, standin.Config{})
	ctx, cancel := context.WithCancel(t.Context())
	r.world.SetFault(func(req *http.Request) *standin.Fault {
		cancel()
		<-req.Context().Done()
		return nil
	})
	_, err := r.Search(ctx, mailbox.Query{Text: canary})
	if !errors.Is(err, context.Canceled) || strings.Contains(textOf(err), canary) {
		t.Errorf("got %v, want context.Canceled without the query", err)
	}
}

func TestNewRefusesWhatCannotWork(t *testing.T) {
	ok := func(string) http.RoundTripper { return http.DefaultTransport }
	for _, test := range []struct {
		name string
		cfg  mailbox.Config
		ok   bool
	}{
		{"the defaults", mailbox.Config{HTTP: ok}, true},
		{"http on IPv4 loopback", mailbox.Config{HTTP: ok, Endpoint: "http://127.0.0.1:4002"}, true},
		{"http on IPv6 loopback", mailbox.Config{HTTP: ok, Endpoint: "http://[::1]:4002/"}, true},
		{"http on localhost", mailbox.Config{HTTP: ok, Endpoint: "http://localhost:4002/"}, true},
		{"no transport", mailbox.Config{}, false},
		{"no transport for gmail", mailbox.Config{HTTP: func(string) http.RoundTripper { return nil }}, false},
		{"http elsewhere", mailbox.Config{HTTP: ok, Endpoint: "http://gmail.example/"}, false},
		{"http on a name that looks local", mailbox.Config{HTTP: ok, Endpoint: "http://localhost.example/"}, false},
		{"another scheme", mailbox.Config{HTTP: ok, Endpoint: "file:///etc/"}, false},
		{"credentials in the URL", mailbox.Config{HTTP: ok, Endpoint: "https://u:p@gmail.example/"}, false},
		{"a query in the URL", mailbox.Config{HTTP: ok, Endpoint: "https://gmail.example/?a=b"}, false},
		{"no URL", mailbox.Config{HTTP: ok, Endpoint: "::"}, false},
		{"less quota than a send", mailbox.Config{HTTP: ok, UnitsPerMinute: 99}, false},
	} {
		if _, err := mailbox.New(test.cfg); (err == nil) != test.ok {
			t.Errorf("%s: got %v, want ok %v", test.name, err, test.ok)
		}
	}
}

func TestRequestsHaveTheFormThatGmailWants(t *testing.T) {
	type seen struct{ agent, encoding string }
	var got atomic.Pointer[seen]
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got.Store(&seen{r.Header.Get("User-Agent"), r.Header.Get("Accept-Encoding")})
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"emailAddress":"a@example.com","historyId":"5"}`))
	}))
	t.Cleanup(s.Close)
	c, err := mailbox.New(mailbox.Config{
		HTTP:     func(string) http.RoundTripper { return s.Client().Transport },
		Endpoint: s.URL, Version: "1.2.3",
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Warm(t.Context()); err != nil {
		t.Fatal(err)
	}
	if want := (seen{"linkmail/1.2.3 (gzip)", "gzip"}); *got.Load() != want {
		t.Errorf("got %+v, want %+v", *got.Load(), want)
	}
}
