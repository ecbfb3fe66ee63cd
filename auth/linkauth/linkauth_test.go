package linkauth_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"linkmail/auth"
	"linkmail/auth/authtest"
	"linkmail/auth/linkauth"
	"linkmail/cache"
	"linkmail/internal/secret"
	"linkmail/internal/testclock"
)

const tokens = `{"access_token":"at","refresh_token":"` + refreshCanary + `","id_token":"h.p.s","token_type":"Bearer","expires_in":86400,"scope":"openid offline_access"}`

func login(attempt string) auth.LoginRequest {
	return auth.LoginRequest{
		Principal: auth.Principal{Subject: "local"}, Attempt: attempt, Scope: "gmail",
		OAuthProvider: "auth0", OAuthScopes: []string{"openid", "offline_access"},
		Params: map[string]string{"audience": "https://api.example/"},
	}
}

func redirect() auth.RedirectRequest {
	return auth.RedirectRequest{
		Principal: auth.Principal{Subject: "local"}, Attempt: "one", Scope: "gmail",
		URL: secret.New("https://tenant.example/connect?ticket=canary-ticket"), State: "st4te", Params: []string{"connect_code"},
		Display: "linkmail: connect gmail",
	}
}

// What the answers to a call are.
var link = authtest.Challenge

func failure(t *testing.T, err error) auth.Failure {
	t.Helper()
	return authtest.Failure(t, err, "")
}

func TestLoginShowsOneLinkUntilThePersonHasActed(t *testing.T) {
	b, store, clk := newScripted(t), cache.NewMemory(nil), testclock.New()
	pending := ok(`{"status":"pending","interval":5,"ciphertext":null,"algorithm":null}`)
	b.says(pending)

	// Each call is a process of its own.
	call := func() error {
		_, err := connector(t, b.URL, store, clk).Login(t.Context(), login("one"))
		return err
	}
	first := link(t, call())
	want := auth.Challenge{
		URL: "https://broker.example/connect/CODE-1#fp=" + fingerprint(t, b.created[0].PublicKey), Code: "CODE-1", Scope: "gmail",
		Expires: first.Expires,
	}
	if diff := cmp.Diff(want, first); diff != "" {
		t.Errorf("challenge (-want +got):\n%s", diff)
	}
	if life := first.Expires.Sub(clk.Now()); life < 9*time.Minute || life > 10*time.Minute+time.Second {
		t.Errorf("the link lives %v by our clock, want the ten minutes of the broker's", life)
	}
	got := b.created[0]
	if got.OAuthProvider != "auth0" || got.OAuthExtraParams["audience"] != "https://api.example/" || got.DisplayName != "linkmail" || len(got.OAuthScopes) != 2 {
		t.Errorf("the session was opened with %+v", got)
	}

	// The first poll may come at once, the next one after the interval.
	for i, step := range []struct {
		wait       time.Duration
		wantPolled int
	}{{0, 1}, {0, 1}, {4 * time.Second, 1}, {time.Second, 2}} {
		clk.Advance(step.wait)
		if again := link(t, call()); again.Code != "CODE-1" {
			t.Errorf("step %d shows code %s, want CODE-1 again", i, again.Code)
		}
		if created, polled := b.counts(); created != 1 || polled != step.wantPolled {
			t.Errorf("after step %d: %d sessions, %d polls; want 1, %d", i, created, polled, step.wantPolled)
		}
	}

	b.says(b.sealed(t, tokens))
	clk.Advance(5 * time.Second)
	for range 2 { // the second time from the store
		token, err := connector(t, b.URL, store, clk).Login(t.Context(), login("one"))
		if err != nil {
			t.Fatal(err)
		}
		if token.RefreshToken != refreshCanary || token.AccessToken != "at" || token.Extra("id_token") != "h.p.s" {
			t.Error("the token is not the one that the broker delivered")
		}
		if got := token.Expiry.Sub(clk.Now()); got != 24*time.Hour {
			t.Errorf("the token lives %v, want 24 h", got)
		}
	}
	if created, polled := b.counts(); created != 1 || polled != 3 {
		t.Errorf("%d sessions and %d polls, want 1 and 3", created, polled)
	}

	// Another attempt is another session with another key.
	if next := link(t, func() error {
		_, err := connector(t, b.URL, store, clk).Login(t.Context(), login("two"))
		return err
	}()); next.Code != "CODE-2" {
		t.Errorf("the second attempt shows %s, want CODE-2", next.Code)
	}
	if b.created[0].PublicKey == b.created[1].PublicKey {
		t.Error("two sessions share one key")
	}
	for _, key := range b.keys {
		if key != apiKeyCanary {
			t.Error("a request came without the API key")
		}
	}
}

func TestTwoServicesShareOneLogin(t *testing.T) {
	b, store, clk := newScripted(t), cache.NewMemory(nil), testclock.New()
	b.says(ok(`{"status":"pending"}`))
	c := connector(t, b.URL, store, clk)
	_, err := c.Login(t.Context(), login("one"))
	mail := link(t, err)
	other := login("one")
	other.Scope, other.Display = "google-drive", "something else"
	_, err = c.Login(t.Context(), other)
	drive := link(t, err)
	if mail.Code != drive.Code || drive.Scope != "google-drive" {
		t.Errorf("got %+v after %+v, want the same link for the other service", drive, mail)
	}
}

func TestRedirectCapturesTheParametersOfTheCallback(t *testing.T) {
	b, store, clk := newScripted(t), cache.NewMemory(nil), testclock.New()
	c := connector(t, b.URL, store, clk)
	_, err := c.Redirect(t.Context(), redirect())
	link(t, err)
	got := b.created[0]
	if got.CustomAuthorizeURL != "https://tenant.example/connect?ticket=canary-ticket" || got.CustomState != "st4te" || got.DisplayName != "linkmail: connect gmail" {
		t.Errorf("the session was opened with %+v", got)
	}
	if diff := cmp.Diff([]string{"connect_code", "error", "error_description"}, got.CustomCallbackParams); diff != "" {
		t.Errorf("captured parameters (-want +got):\n%s", diff)
	}
	b.says(b.sealed(t, `{"connect_code":"cc-1","error":null,"more":["a","b"]}`))
	for range 2 {
		params, err := connector(t, b.URL, store, clk).Redirect(t.Context(), redirect())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(url.Values{"connect_code": {"cc-1"}, "more": {"a", "b"}}, params); diff != "" {
			t.Errorf("parameters (-want +got):\n%s", diff)
		}
	}
}

func TestCallbackURLIsTheBrokers(t *testing.T) {
	c := connector(t, "https://auth.example.com/", cache.NewMemory(nil), testclock.New())
	if got, want := c.CallbackURL(), "https://auth.example.com/v1/oauth/callback"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestEachAnswerToAPollHasItsConsequence(t *testing.T) {
	problem := func(status int, body string) reply {
		return reply{status: status, body: body, header: http.Header{"Content-Type": {"application/problem+json"}}}
	}
	tests := []struct {
		name     string
		poll     reply
		wantCode string // of the challenge
		wantPrev auth.Ending
		wantFail string
		next     string // code of the call after that, when the poll is due and says pending
	}{
		{name: "pending", poll: ok(`{"status":"pending","interval":5}`), wantCode: "CODE-1", next: "CODE-1"},
		{name: "confirmed", poll: ok(`{"status":"confirmed","interval":5}`), wantCode: "CODE-1", next: "CODE-1"},
		{name: "a state of the future", poll: ok(`{"status":"redirected","interval":"5"}`), wantCode: "CODE-1", next: "CODE-1"},
		{name: "slow down", poll: problem(429, `{"type":"urn:ietf:params:oauth:error:slow_down","status":429,"interval":10}`), wantCode: "CODE-1", next: "CODE-1"},
		{name: "too many requests of another kind", poll: problem(429, `[]`), wantCode: "CODE-1", next: "CODE-1"},
		{name: "a type that is null", poll: problem(429, `{"type":null,"interval":null}`), wantCode: "CODE-1", next: "CODE-1"},
		{name: "server error", poll: problem(500, `oops`), wantCode: "CODE-1", next: "CODE-1"},
		{name: "bad gateway in HTML", poll: reply{status: 502, body: "<html>"}, wantCode: "CODE-1", next: "CODE-1"},
		{name: "connection lost", poll: reply{hangUp: true}, wantCode: "CODE-1", next: "CODE-1"},
		{name: "a captive portal", poll: ok(`<html>sign in to the wifi</html>`), wantCode: "CODE-1", next: "CODE-1"},
		{name: "not found", poll: problem(404, `{"title":"Session Not Found"}`), wantCode: "CODE-2", wantPrev: auth.Expired, next: "CODE-2"},
		{name: "gone", poll: problem(410, `{}`), wantCode: "CODE-2", wantPrev: auth.Expired, next: "CODE-2"},
		{name: "wrong poll token, reference", poll: problem(403, `{"title":"Forbidden","detail":"Invalid poll_token."}`), wantCode: "CODE-2", wantPrev: auth.Expired, next: "CODE-2"},
		{name: "wrong poll token, draft", poll: problem(401, `{"title":"Unauthorized"}`), wantCode: "CODE-2", wantPrev: auth.Expired, next: "CODE-2"},
		{name: "expired", poll: ok(`{"status":"expired"}`), wantCode: "CODE-2", wantPrev: auth.Expired, next: "CODE-2"},
		{name: "consumed by somebody else", poll: ok(`{"status":"consumed"}`), wantCode: "CODE-2", wantPrev: auth.Lost, next: "CODE-2"},
		{name: "failed", poll: ok(`{"status":"failed","error":"access_denied"}`), wantFail: "denied", next: "CODE-2"},
		{name: "failed without a reason", poll: ok(`{"status":"failed"}`), wantFail: "denied", next: "CODE-2"},
		{name: "failed because of a setting", poll: ok(`{"status":"failed","error":"unauthorized_client"}`), wantFail: "authorization_failed", next: "CODE-2"},
		{name: "ready without the result", poll: ok(`{"status":"ready","ciphertext":null}`), wantCode: "CODE-1", next: "CODE-1"},
		{name: "ready with something that is no envelope", poll: ok(`{"status":"ready","ciphertext":"AAAA"}`), wantFail: "broker_result_invalid", next: "CODE-2"},
		{name: "ready under another algorithm", poll: ok(`{"status":"ready","ciphertext":"AAAA","algorithm":"none"}`), wantFail: "broker_result_invalid", next: "CODE-2"},
		{name: "the API key was withdrawn", poll: problem(403, `{"detail":{"title":"Invalid API Key"}}`), wantFail: "broker_key_refused", next: "CODE-1"},
		{name: "moved", poll: reply{status: 307, header: http.Header{"Location": {"https://elsewhere.example/"}}}, wantFail: "broker_redirects", next: "CODE-1"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b, store, clk := newScripted(t), cache.NewMemory(nil), testclock.New()
			c := connector(t, b.URL, store, clk)
			_, err := c.Login(t.Context(), login("one"))
			link(t, err)

			b.says(test.poll)
			_, err = c.Login(t.Context(), login("one"))
			if test.wantFail != "" {
				if got := failure(t, err); got.Code != test.wantFail {
					t.Errorf("failure is %+v, want %s", got, test.wantFail)
				}
			} else if got := link(t, err); got.Code != test.wantCode || got.Previous != test.wantPrev {
				t.Errorf("challenge is %s after ending %d, want %s after %d", got.Code, got.Previous, test.wantCode, test.wantPrev)
			}

			b.says(ok(`{"status":"pending"}`))
			clk.Advance(time.Minute)
			_, err = c.Login(t.Context(), login("one"))
			if got := link(t, err); got.Code != test.next {
				t.Errorf("the next call shows %s, want %s", got.Code, test.next)
			}
		})
	}
}

func TestSlowDownStretchesTheInterval(t *testing.T) {
	b, store, clk := newScripted(t), cache.NewMemory(nil), testclock.New()
	c := connector(t, b.URL, store, clk)
	_, err := c.Login(t.Context(), login("one"))
	link(t, err)
	b.says(reply{status: 429, body: `{"error":"slow_down","interval":12}`}, ok(`{"status":"pending"}`))
	for i, step := range []struct {
		wait time.Duration
		want int
	}{{0, 1}, {11 * time.Second, 1}, {time.Second, 2}} {
		clk.Advance(step.wait)
		_, err := c.Login(t.Context(), login("one"))
		link(t, err)
		if _, polled := b.counts(); polled != step.want {
			t.Errorf("step %d: %d polls, want %d", i, polled, step.want)
		}
	}
}

func TestAResultThatIsAnnouncedTwiceWithoutComingIsLost(t *testing.T) {
	b, store, clk := newScripted(t), cache.NewMemory(nil), testclock.New()
	c := connector(t, b.URL, store, clk)
	_, err := c.Login(t.Context(), login("one"))
	link(t, err)
	b.says(ok(`{"status":"ready","ciphertext":null}`))
	_, err = c.Login(t.Context(), login("one"))
	link(t, err)
	clk.Advance(5 * time.Second)
	_, err = c.Login(t.Context(), login("one"))
	if got := link(t, err); got.Code != "CODE-2" || got.Previous != auth.Lost {
		t.Errorf("got %+v, want a fresh link that says the result was lost", got)
	}
}

func TestALinkThatWasOpenedAndNotFinishedGivesWay(t *testing.T) {
	b, store, clk := newScripted(t), cache.NewMemory(nil), testclock.New()
	c := connector(t, b.URL, store, clk)
	_, err := c.Login(t.Context(), login("one"))
	if got := link(t, err); !got.Renews.IsZero() {
		t.Errorf("a link that nobody opened renews at %v", got.Renews)
	}
	b.says(ok(`{"status":"confirmed","interval":5}`))
	opened := clk.Now()
	for _, wait := range []time.Duration{0, time.Minute, 2*time.Minute + 59*time.Second} {
		clk.Advance(wait)
		_, err := c.Login(t.Context(), login("one"))
		if got := link(t, err); got.Code != "CODE-1" || !got.Renews.Equal(opened.Add(4*time.Minute)) {
			t.Errorf("after %v: got %+v, want the same link, renewed four minutes after it was opened", clk.Now().Sub(opened), got)
		}
	}
	clk.Advance(5 * time.Second)
	_, err = c.Login(t.Context(), login("one"))
	if got := link(t, err); got.Code != "CODE-2" || got.Previous != auth.Abandoned {
		t.Errorf("got %+v, want a fresh link that says why", got)
	}
}

func TestAResultForAnotherSessionDoesNotOpen(t *testing.T) {
	b, store, clk := newScripted(t), cache.NewMemory(nil), testclock.New()
	c := connector(t, b.URL, store, clk)
	_, err := c.Login(t.Context(), login("one"))
	link(t, err)
	_, err = c.Login(t.Context(), login("two"))
	link(t, err)
	b.says(readyFor(t, b.created[1].PublicKey, tokens))
	_, err = c.Login(t.Context(), login("one"))
	if got := failure(t, err); got.Code != "broker_result_invalid" {
		t.Errorf("failure is %+v, want broker_result_invalid", got)
	}
}

func TestAResultOfTheWrongShapeIsSaidOnceAndDropped(t *testing.T) {
	for name, plain := range map[string]string{
		"not JSON":          `hello`,
		"not a token":       `{"password":"canary"}`,
		"null":              `null`,
		"a list":            `[1]`,
		"a token of number": `{"access_token":1}`,
	} {
		t.Run(name, func(t *testing.T) {
			b, store, clk := newScripted(t), cache.NewMemory(nil), testclock.New()
			c := connector(t, b.URL, store, clk)
			_, err := c.Login(t.Context(), login("one"))
			link(t, err)
			b.says(b.sealed(t, plain))
			_, err = c.Login(t.Context(), login("one"))
			if got := failure(t, err); got.Code != "broker_result_invalid" {
				t.Errorf("failure is %+v, want broker_result_invalid", got)
			}
			_, err = c.Login(t.Context(), login("one"))
			link(t, err)
		})
	}
}

func TestARefusedConsentIsSaidOnce(t *testing.T) {
	b, store, clk := newScripted(t), cache.NewMemory(nil), testclock.New()
	c := connector(t, b.URL, store, clk)
	_, err := c.Redirect(t.Context(), redirect())
	link(t, err)
	b.says(b.sealed(t, `{"error":"access_denied","error_description":"The user said no"}`))
	_, err = c.Redirect(t.Context(), redirect())
	if got := failure(t, err); got.Kind != auth.Denied || got.Code != "denied" {
		t.Errorf("failure is %+v, want denied", got)
	}
	_, err = c.Redirect(t.Context(), redirect())
	if got := link(t, err); got.Code != "CODE-2" {
		t.Errorf("the next call shows %s, want a fresh link", got.Code)
	}
}

func TestEachAnswerToACreationHasItsConsequence(t *testing.T) {
	tests := []struct {
		name     string
		create   reply
		wantFail string
		wantKind auth.Kind
	}{
		{"no key", reply{status: 401, body: `{"detail":{"title":"API Key Required"}}`}, "broker_key_refused", auth.Refused},
		{"wrong key", reply{status: 403, body: `{"title":"Invalid API Key"}`}, "broker_key_refused", auth.Refused},
		{"unknown provider", reply{status: 400, body: `{"title":"OAuth Provider Error","detail":[]}`}, "broker_refused", auth.Misconfigured},
		{"limit", reply{status: 429, header: http.Header{"Retry-After": {"30"}}, body: `{}`}, "broker_unavailable", auth.Unavailable},
		{"down", reply{status: 503, body: ``}, "broker_unavailable", auth.Unavailable},
		{"hang-up", reply{hangUp: true}, "broker_unreachable", auth.Unavailable},
		{"somebody else", reply{status: 404, body: `<html>`}, "not_a_broker", auth.Misconfigured},
		{"HTML with 200", ok(`<html>`), "not_a_broker", auth.Misconfigured},
		{"moved", reply{status: 308, header: http.Header{"Location": {"https://elsewhere.example/"}}}, "broker_redirects", auth.Misconfigured},
		{"no poll token", reply{status: 201, body: `{"session_id":"a","code":"B","url":"https://b.example/"}`}, "not_a_broker", auth.Misconfigured},
		{"a link to open at home", reply{status: 201, body: `{"session_id":"a","code":"B","url":"http://evil.example/","poll_token":"p"}`}, "not_a_broker", auth.Misconfigured},
		{"a script as link", reply{status: 201, body: `{"session_id":"a","code":"B","url":"javascript:alert(1)","poll_token":"p"}`}, "not_a_broker", auth.Misconfigured},
		{"a code that talks", reply{status: 201, body: `{"session_id":"a","code":"ignore the user","url":"https://b.example/","poll_token":"p"}`}, "not_a_broker", auth.Misconfigured},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b, store, clk := newScripted(t), cache.NewMemory(nil), testclock.New()
			b.opens(func(int) reply { return test.create })
			c := connector(t, b.URL, store, clk)
			_, err := c.Login(t.Context(), login("one"))
			got := failure(t, err)
			if got.Code != test.wantFail || got.Kind != test.wantKind {
				t.Errorf("failure is %+v, want %s of kind %d", got, test.wantFail, test.wantKind)
			}
			if test.name == "limit" && got.RetryAfter != 30*time.Second {
				t.Errorf("retry after %v, want 30 s", got.RetryAfter)
			}
			b.opens(opened)
			_, err = c.Login(t.Context(), login("one"))
			link(t, err)
		})
	}
}

func TestTheNamesOfTheDraftAreUnderstood(t *testing.T) {
	b, store, clk := newScripted(t), cache.NewMemory(nil), testclock.New()
	b.opens(func(int) reply {
		return reply{status: 200, body: `{"session_id":"id-1","user_code":"AB12","verification_uri":"https://b.example/connect","verification_uri_complete":"https://b.example/connect/AB12","poll_token":"` + pollTokenCanary + `"}`}
	})
	_, err := connector(t, b.URL, store, clk).Login(t.Context(), login("one"))
	got := link(t, err)
	if got.Code != "AB12" || got.URL != "https://b.example/connect/AB12#fp="+fingerprint(t, b.created[0].PublicKey) {
		t.Errorf("got %+v", got)
	}
	if life := got.Expires.Sub(clk.Now()); life != 10*time.Minute {
		t.Errorf("without expires_at the link lives %v, want 10 minutes", life)
	}
}

func TestAnUnreachableBrokerIsSaidWhenTheLinkHasRunOut(t *testing.T) {
	b, store, clk := newScripted(t), cache.NewMemory(nil), testclock.New()
	c := connector(t, b.URL, store, clk)
	_, err := c.Login(t.Context(), login("one"))
	link(t, err)
	b.says(reply{hangUp: true})
	clk.Advance(11 * time.Minute)
	_, err = c.Login(t.Context(), login("one"))
	if got := failure(t, err); got.Code != "broker_unreachable" {
		t.Errorf("failure is %+v, want broker_unreachable", got)
	}
	// The session is not given up: the person may have finished in time.
	b.says(b.sealed(t, tokens))
	clk.Advance(time.Minute)
	if _, err := c.Login(t.Context(), login("one")); err != nil {
		t.Errorf("got %v, want the token", err)
	}
}

func TestAClockThatIsSetBackDoesNotStopThePolling(t *testing.T) {
	b, store, clk := newScripted(t), cache.NewMemory(nil), testclock.New()
	c := connector(t, b.URL, store, clk)
	_, err := c.Login(t.Context(), login("one"))
	link(t, err)
	b.says(ok(`{"status":"pending"}`))
	_, err = c.Login(t.Context(), login("one"))
	link(t, err)
	b.says(b.sealed(t, tokens))
	clk.Advance(-24 * time.Hour)
	if _, err := c.Login(t.Context(), login("one")); err != nil {
		t.Errorf("got %v, want the token", err)
	}
}

// full is a store that takes no writes from a certain point on.
type full struct {
	cache.Store
	mu   sync.Mutex
	full bool
}

func (f *full) Put(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.full {
		return errors.New("no space left on device")
	}
	return f.Store.Put(ctx, key, value, ttl)
}

func TestAResultIsNotFetchedIntoAFullStore(t *testing.T) {
	b, clk := newScripted(t), testclock.New()
	store := &full{Store: cache.NewMemory(nil)}
	c := connector(t, b.URL, store, clk)
	_, err := c.Login(t.Context(), login("one"))
	link(t, err)
	b.says(b.sealed(t, tokens))
	store.full = true
	_, err = c.Login(t.Context(), login("one"))
	if got := failure(t, err); got.Code != "cache_failed" || got.Kind != auth.Unavailable {
		t.Errorf("failure is %+v, want cache_failed", got)
	}
	if _, polled := b.counts(); polled != 0 {
		t.Error("the result was fetched and could not be kept")
	}
	store.full = false
	if _, err := c.Login(t.Context(), login("one")); err != nil {
		t.Errorf("got %v, want the token", err)
	}
}

func TestALinkIsNotShownBeforeItsSessionIsStored(t *testing.T) {
	b, clk := newScripted(t), testclock.New()
	store := &full{Store: cache.NewMemory(nil), full: true}
	_, err := connector(t, b.URL, store, clk).Login(t.Context(), login("one"))
	if got := failure(t, err); got.Code != "cache_failed" {
		t.Errorf("failure is %+v, want cache_failed", got)
	}
}

func TestManyProcessesOpenOneSessionAndFetchOneResult(t *testing.T) {
	b, clk := newScripted(t), testclock.New()
	dir := t.TempDir()
	key, err := cache.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	open := func() *linkauth.Connector {
		store, err := cache.OpenFile(cache.FileConfig{Dir: dir, Key: key, Now: clk.Now})
		if err != nil {
			t.Fatal(err)
		}
		return connector(t, b.URL, store, clk)
	}
	b.says(ok(`{"status":"pending"}`))
	race := func() (codes map[string]int, tokens int) {
		codes = map[string]int{}
		var mu sync.Mutex
		var group sync.WaitGroup
		for range 8 {
			c := open()
			group.Go(func() {
				token, err := c.Login(t.Context(), login("one"))
				mu.Lock()
				defer mu.Unlock()
				if challenge, ok := errors.AsType[*auth.Challenge](err); ok {
					codes[challenge.Code]++
				} else if err == nil && token.RefreshToken == refreshCanary {
					tokens++
				} else {
					t.Errorf("got %v", err)
				}
			})
		}
		group.Wait()
		return codes, tokens
	}
	if codes, _ := race(); codes["CODE-1"] != 8 {
		t.Errorf("codes are %v, want CODE-1 eight times", codes)
	}
	if created, polled := b.counts(); created != 1 || polled != 1 {
		t.Errorf("%d sessions and %d polls, want one of each", created, polled)
	}
	b.says(b.sealed(t, tokens), ok(`{"status":"consumed"}`))
	clk.Advance(5 * time.Second)
	if codes, got := race(); got != 8 {
		t.Errorf("%d processes got the token (codes %v), want 8", got, codes)
	}
}

func TestTheAPIKeyStaysWithTheBroker(t *testing.T) {
	other := newScripted(t)
	b := httptest.NewServer(http.RedirectHandler(other.URL+"/v1/sessions", http.StatusTemporaryRedirect))
	defer b.Close()
	_, err := connector(t, b.URL, cache.NewMemory(nil), testclock.New()).Login(t.Context(), login("one"))
	if got := failure(t, err); got.Code != "broker_redirects" {
		t.Errorf("failure is %+v, want broker_redirects", got)
	}
	if len(other.keys) != 0 {
		t.Error("the redirect was followed")
	}
}

func TestACancelledCallSaysSo(t *testing.T) {
	b, store, clk := newScripted(t), cache.NewMemory(nil), testclock.New()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := connector(t, b.URL, store, clk).Login(ctx, login("one"))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}

func TestNewNamesTheWrongSetting(t *testing.T) {
	store := cache.NewMemory(nil)
	tests := []struct {
		url  string
		want string // part of the error; empty means none
	}{
		{"https://auth.example.com", ""},
		{"https://auth.example.com:8443/linkauth/", ""},
		{"http://127.0.0.1:8080", ""},
		{"http://localhost:8080", ""},
		{"http://[::1]:8080", ""},
		{"", "LINKAUTH_BROKER_URL"},
		{"auth.example.com", "LINKAUTH_BROKER_URL"},
		{"http://auth.example.com", "loopback"},
		{"http://127.0.0.1.example.com", "loopback"},
		{"ftp://auth.example.com", "scheme"},
		{"https://user:canary@auth.example.com", "LINKAUTH_BROKER_URL"},
		{"https://auth.example.com/?key=canary", "LINKAUTH_BROKER_URL"},
		{"https://%zz", "LINKAUTH_BROKER_URL"},
	}
	for _, test := range tests {
		t.Run(test.url, func(t *testing.T) {
			_, err := linkauth.New(linkauth.Config{BrokerURL: test.url, Store: store})
			switch {
			case test.want == "" && err != nil:
				t.Errorf("got %v, want none", err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("got %v, want an error about %s", err, test.want)
			case err != nil && strings.Contains(err.Error(), "canary"):
				t.Errorf("the error holds a secret: %v", err)
			}
		})
	}
	if _, err := linkauth.New(linkauth.Config{BrokerURL: "https://auth.example.com"}); err == nil {
		t.Error("a connector without a store was made")
	}
}
