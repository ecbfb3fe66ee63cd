package loopback_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"linkmail/auth"
	"linkmail/auth/authtest"
	"linkmail/auth/loopback"
	"linkmail/cache"
	"linkmail/internal/secret"
	"linkmail/internal/standin"
	"linkmail/internal/testclock"
)

// desk is an authorization server, a cache and a clock.
type desk struct {
	t     *testing.T
	world *standin.World
	url   string
	store cache.Store
	http  *http.Client
	clock *testclock.Clock

	mu     sync.Mutex
	opened []string
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{t: t, clock: testclock.At(time.Now())}
	d.world = standin.NewWorld(standin.Config{Now: d.clock.Now})
	srv := httptest.NewServer(d.world.GoogleOAuth())
	t.Cleanup(srv.Close)
	d.url, d.store = srv.URL, cache.NewMemory(d.clock.Now)
	return d
}

func (d *desk) open(_ context.Context, address string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.opened = append(d.opened, address)
	return nil
}

// connector is that of a new process.
func (d *desk) connector(port int) *loopback.Connector {
	d.t.Helper()
	c, err := loopback.New(loopback.Config{
		Port: port, Store: d.store, Now: d.clock.Now, Open: d.open, HTTP: d.http,
		Providers: map[string]loopback.Provider{"google": {
			Name: "Google", AuthURL: d.url + "/o/oauth2/v2/auth?hl=en", TokenURL: d.url + "/token",
			ClientID: standin.DemoGoogleClientID, ClientSecret: secret.New(standin.DemoGoogleClientSecret),
			Issuer: "https://accounts.google.com",
		}},
	})
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(c.Close)
	return c
}

var login = auth.LoginRequest{
	Principal: auth.Principal{Subject: "local"}, Attempt: "one", Scope: "gmail", OAuthProvider: "google",
	OAuthScopes: []string{"openid", "email"}, Params: map[string]string{"access_type": "offline", "prompt": "consent"},
}

// What the answers to a call are.
var link, failed = authtest.Challenge, authtest.Failure

// back is the address that the browser has to return to.
func back(t *testing.T, c auth.Challenge) (redirect, state string) {
	t.Helper()
	u, err := url.Parse(c.URL)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query().Get("redirect_uri"), u.Query().Get("state")
}

func get(t *testing.T, address string) (int, string) {
	t.Helper()
	resp, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body)
}

func TestABrowserIsOpenedOnceAndItsReturnIsTheLogin(t *testing.T) {
	d := newDesk(t)
	c := d.connector(0)
	_, err := c.Login(t.Context(), login)
	first := link(t, err)
	_, err = c.Login(t.Context(), login)
	if again := link(t, err); again.URL != first.URL || first.Code != "" || first.Scope != "gmail" {
		t.Errorf("asked again: %+v, want %+v", again, first)
	}
	if len(d.opened) != 1 || d.opened[0] != first.URL {
		t.Fatalf("opened %q, want the link once", d.opened)
	}
	u, _ := url.Parse(first.URL)
	if q := u.Query(); q.Get("hl") != "en" || q.Get("code_challenge_method") != "S256" || len(q.Get("code_challenge")) != 43 || len(q.Get("state")) < 26 {
		t.Errorf("the authorization request lacks something: %s", u.RawQuery)
	}
	redirect, _ := back(t, first)
	if _, err := standin.NewPerson().Browse(t.Context(), first.URL, redirect, standin.Choice{}); err != nil {
		t.Fatal(err)
	}
	token, err := c.Login(t.Context(), login)
	if err != nil {
		t.Fatal(err)
	}
	who, err := auth.ReadIdentity(token.Extra("id_token").(string))
	if err != nil || who.Email != standin.DefaultUser || token.RefreshToken == "" || token.Expiry.IsZero() || token.Extra("scope") == nil {
		t.Errorf("got a token of %+v (%v), expiring %v", who, err, token.Expiry)
	}
	// Another process gets the same result, until it is told that it was kept.
	other := d.connector(0)
	if again, err := other.Login(t.Context(), login); err != nil || again.AccessToken != token.AccessToken {
		t.Errorf("another process got %v", err)
	}
	if err := other.Finish(t.Context(), login); err != nil {
		t.Fatal(err)
	}
	_, err = other.Login(t.Context(), login)
	link(t, err)
	// Nobody listens any more where the browser came back.
	if conn, err := net.DialTimeout("tcp", strings.TrimSuffix(strings.TrimPrefix(redirect, "http://"), "/callback"), time.Second); err == nil {
		_ = conn.Close()
		if _, state := back(t, first); state != "" {
			t.Log("the port was reused by the next login")
		}
	}
}

// freePort returns a port of 127.0.0.1 that nobody listens on.
func freePort(t *testing.T) int {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	return ln.Addr().(*net.TCPAddr).Port
}

func TestWhatIsNotTheCallbackChangesNothing(t *testing.T) {
	d := newDesk(t)
	c := d.connector(0)
	_, err := c.Login(t.Context(), login)
	redirect, state := back(t, link(t, err))
	base := strings.TrimSuffix(redirect, "/callback")
	for name, probe := range map[string]struct {
		method, address, host string
		status                int
	}{
		"a favicon":               {"GET", base + "/favicon.ico", "", 404},
		"the root":                {"GET", base + "/", "", 404},
		"no state":                {"GET", redirect + "?code=canary", "", 400},
		"a foreign state":         {"GET", redirect + "?code=canary&state=guess", "", 400},
		"two states":              {"GET", redirect + "?code=canary&state=" + state + "&state=x", "", 400},
		"a state without a code":  {"GET", redirect + "?state=" + state, "", 400},
		"a post":                  {"POST", redirect + "?code=canary&state=" + state, "", 405},
		"a stranger's name":       {"GET", redirect + "?code=canary&state=" + state, "rebound.example", 404},
		"a name that is not ours": {"GET", redirect + "?code=canary&state=" + state, "localhost", 404},
	} {
		t.Run(name, func(t *testing.T) {
			req, _ := http.NewRequestWithContext(t.Context(), probe.method, probe.address, http.NoBody)
			if probe.host != "" {
				req.Host = probe.host
			}
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if resp.StatusCode != probe.status || strings.Contains(string(body), "canary") {
				t.Errorf("status %d and %q, want %d", resp.StatusCode, body, probe.status)
			}
			if resp.Header.Get("Content-Security-Policy") == "" || resp.Header.Get("Cache-Control") != "no-store" {
				t.Error("the answer lacks its protections")
			}
		})
	}
	_, err = c.Login(t.Context(), login)
	link(t, err)
}

func TestOnlyTheFirstCallbackCounts(t *testing.T) {
	d := newDesk(t)
	c := d.connector(0)
	other := login
	other.Attempt = "two" // keeps the listener open
	_, err := c.Login(t.Context(), login)
	redirect, state := back(t, link(t, err))
	_, err = c.Login(t.Context(), other)
	link(t, err)
	if status, body := get(t, redirect+"?error=access_denied&state="+state); status != 200 || !strings.Contains(body, "Nothing was connected") {
		t.Errorf("status %d, %s", status, body)
	}
	if status, _ := get(t, redirect+"?code=canary&state="+state); status != 400 {
		t.Errorf("a second callback was answered %d", status)
	}
	_, err = c.Login(t.Context(), login)
	failed(t, err, "denied")
	_, err = c.Login(t.Context(), login)
	if again := link(t, err); strings.Contains(again.URL, state) {
		t.Error("after the refusal the link is not fresh")
	}
}

func TestALinkThatRanOutIsReplaced(t *testing.T) {
	d := newDesk(t)
	c := d.connector(0)
	_, err := c.Login(t.Context(), login)
	old := link(t, err)
	redirect, state := back(t, old)
	d.clock.Advance(10 * time.Minute)
	if status, _ := get(t, redirect+"?code=canary&state="+state); status != 400 {
		t.Errorf("a late callback was answered %d", status)
	}
	_, err = c.Login(t.Context(), login)
	if fresh := link(t, err); fresh.URL == old.URL || fresh.Previous != auth.Expired {
		t.Errorf("got %+v, want a fresh link that says why", fresh)
	}
}

func TestEachAnswerOfTheTokenEndpointHasItsConsequence(t *testing.T) {
	tests := []struct {
		name, body string
		status     int
		code       string // of the failure; empty for a fresh link
		kept       bool   // the code is tried again
	}{
		{"the code was used", `{"error":"invalid_grant"}`, 400, "", false},
		{"the client is refused", `{"error":"invalid_client"}`, 401, "client_refused", false},
		{"another refusal", `{"error":"redirect_uri_mismatch","error_description":"canary"}`, 400, "login_refused", false},
		{"it is busy", `{}`, 503, "provider_busy", true},
		{"a captive portal", `<html>canary</html>`, 200, "provider_not_reached", true},
		{"a redirect", ``, 302, "provider_not_reached", true},
		{"no access token", `{"token_type":"Bearer"}`, 200, "provider_not_reached", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := newDesk(t)
			asked := 0
			srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
				asked++
				rw.Header().Set("Location", "/elsewhere")
				rw.WriteHeader(tt.status)
				_, _ = io.WriteString(rw, tt.body)
			}))
			t.Cleanup(srv.Close)
			d.url = srv.URL
			c := d.connector(0)
			_, err := c.Login(t.Context(), login)
			redirect, state := back(t, link(t, err))
			if status, _ := get(t, redirect+"?code=canary-code&state="+state); status != 200 {
				t.Fatalf("the callback was answered %d", status)
			}
			_, err = c.Login(t.Context(), login)
			if tt.code == "" {
				if fresh := link(t, err); fresh.Previous != auth.Lost {
					t.Errorf("got %+v, want a link that says what was lost", fresh)
				}
				return
			}
			failed(t, err, tt.code)
			_, err = c.Login(t.Context(), login)
			if tt.kept {
				failed(t, err, tt.code)
			} else {
				link(t, err)
			}
			if want := map[bool]int{true: 2, false: 1}[tt.kept]; asked != want {
				t.Errorf("the endpoint was asked %d times, want %d", asked, want)
			}
		})
	}
}

func TestAnotherIssuerIsNotBelieved(t *testing.T) {
	d := newDesk(t)
	c := d.connector(0)
	_, err := c.Login(t.Context(), login)
	redirect, state := back(t, link(t, err))
	get(t, redirect+"?code=canary&iss=https%3A%2F%2Fevil.example&state="+state)
	_, err = c.Login(t.Context(), login)
	failed(t, err, "callback_invalid")
}

func TestAnAddressIsPastedInPlaceOfTheListener(t *testing.T) {
	d := newDesk(t)
	c := d.connector(0)
	_, err := c.Login(t.Context(), login)
	redirect, state := back(t, link(t, err))
	c.Close() // the process that began it is gone
	next := d.connector(0)
	for name, pasted := range map[string]string{
		"nothing":         "",
		"words":           "it did not work",
		"no query":        redirect,
		"another address": "https://evil.example/other?code=canary&state=" + state,
		"another port":    "http://127.0.0.1:1/callback?code=canary&state=" + state,
		"another state":   redirect + "?code=canary&state=guess",
	} {
		t.Run(name, func(t *testing.T) {
			failed(t, next.Deliver(t.Context(), secret.New(pasted)), "callback_invalid")
		})
	}
	if err := next.Deliver(t.Context(), secret.New("  "+redirect+"?error=access_denied&state="+state+"\n")); err != nil {
		t.Fatal(err)
	}
	failed(t, next.Deliver(t.Context(), secret.New(redirect+"?code=x&state="+state)), "callback_invalid")
	_, err = next.Login(t.Context(), login)
	failed(t, err, "denied")
}

func TestProblem05TheProcessThatListensNeedNotBeTheOneThatAsks(t *testing.T) {
	d := newDesk(t)
	port := freePort(t)
	first, second := d.connector(port), d.connector(port)
	_, err := first.Login(t.Context(), login)
	link(t, err)
	trip := auth.RedirectRequest{
		Principal: login.Principal, Attempt: "x", Scope: "gmail", State: "state-of-the-caller",
		URL: secret.New("https://tenant.example/connect?ticket=canary"), Params: []string{"connect_code"},
	}
	_, err = second.Redirect(t.Context(), trip) // its port is taken by first
	if c := link(t, err); c.URL != trip.URL.Reveal() {
		t.Errorf("the link is %s", c.URL)
	}
	if status, _ := get(t, second.CallbackURL()+"?connect_code=cc&extra=1&state=state-of-the-caller"); status != 200 {
		t.Fatalf("the callback was answered %d", status)
	}
	params, err := second.Redirect(t.Context(), trip)
	if err != nil || params.Get("connect_code") != "cc" || len(params) != 1 {
		t.Errorf("got %v, %v; want the connect code and nothing else", params, err)
	}
}

func TestWhatCannotWorkIsRefused(t *testing.T) {
	store := cache.NewMemory(nil)
	for name, cfg := range map[string]loopback.Config{
		"no store":             {},
		"a port that is none":  {Store: store, Port: 70000},
		"plain http elsewhere": {Store: store, Providers: map[string]loopback.Provider{"x": {AuthURL: "http://example.com/a", TokenURL: "https://example.com/t", ClientID: "c"}}},
		"a script":             {Store: store, Providers: map[string]loopback.Provider{"x": {AuthURL: "javascript:1", TokenURL: "https://example.com/t", ClientID: "c"}}},
		"no client":            {Store: store, Providers: map[string]loopback.Provider{"x": {AuthURL: "https://example.com/a", TokenURL: "https://example.com/t"}}},
	} {
		if _, err := loopback.New(cfg); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	d := newDesk(t)
	c := d.connector(0)
	_, err := c.Redirect(t.Context(), auth.RedirectRequest{URL: secret.New("https://example.com/")})
	failed(t, err, "redirect_impossible")
	fixed := d.connector(18999)
	_, err = fixed.Redirect(t.Context(), auth.RedirectRequest{URL: secret.New("file:///etc/passwd"), State: "s"})
	failed(t, err, "redirect_impossible")
	unknown := login
	unknown.OAuthProvider = "other"
	_, err = c.Login(t.Context(), unknown)
	failed(t, err, "provider_unknown")
}

func FuzzDeliver(f *testing.F) {
	f.Add("http://127.0.0.1:18484/callback?code=x&state=y")
	f.Add("http://127.0.0.1:18484/callback?state=%zz")
	f.Add("")
	store := cache.NewMemory(nil)
	c, err := loopback.New(loopback.Config{Port: 18484, Store: store})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, pasted string) {
		err := c.Deliver(t.Context(), secret.New(pasted))
		if failure, ok := errors.AsType[*auth.Failure](err); !ok || failure.Code != "callback_invalid" {
			t.Fatalf("got %v for an address that nobody waits for", err)
		}
	})
}
