package broker_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"linkmail/broker"
	"linkmail/broker/wire"
)

func TestTokenEndpointsThatFail(t *testing.T) {
	jsonAnswer := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	}
	for name, answer := range map[string]http.HandlerFunc{
		"500":                      jsonAnswer(500, idpTokens),
		"400 invalid_grant":        jsonAnswer(400, `{"error":"invalid_grant","error_description":"canary"}`),
		"201":                      jsonAnswer(201, idpTokens),
		"200 without access token": jsonAnswer(200, `{"refresh_token":"r"}`),
		"empty access token":       jsonAnswer(200, `{"access_token":""}`),
		"null access token":        jsonAnswer(200, `{"access_token":null}`),
		"number as access token":   jsonAnswer(200, `{"access_token":5}`),
		"200 with an error":        jsonAnswer(200, `{"error":"bad_verification_code"}`),
		"array":                    jsonAnswer(200, `[{"access_token":"x"}]`),
		"cut off":                  jsonAnswer(200, `{"access_token":"x"`),
		"empty":                    jsonAnswer(200, ``),
		"too long":                 jsonAnswer(200, `{"access_token":"`+strings.Repeat("x", 65<<10)+`"}`),
		"10 MB":                    jsonAnswer(200, strings.Repeat(" ", 10<<20)),
		"HTML": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, idpTokens)
		},
		"form": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/x-www-form-urlencoded")
			_, _ = io.WriteString(w, "access_token=x")
		},
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/token", http.StatusTemporaryRedirect)
		},
		"hang-up": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			idp := newIDP(t)
			idp.answer = answer
			r := newRig(t, withIDP(idp))
			a, p := r.create(map[string]any{"oauth_provider": "auth0"}), r.person()
			state := p.depart(a).Query().Get("state")
			got := p.callback("state", state, "code", "c")
			if problem := got.problem(400); problem.Title != "OAuth Authorization Failed" || strings.Contains(got.body, "canary") {
				t.Errorf("problem = %s", got.body)
			}
			poll := a.pollLater()
			if poll.Status != wire.Failed || poll.Error != "server_error" || poll.Ciphertext != nil {
				t.Errorf("poll = %+v, want failed", poll)
			}
			p.callback("state", state, "code", "c").problem(400)
			if n := len(idp.exchanges()); n != 1 {
				t.Errorf("%d token requests, want 1", n)
			}
		})
	}
}

func TestCallbacksThatAreRefusedLeaveTheSessionAlone(t *testing.T) {
	idp := newIDP(t)
	r := newRig(t, withIDP(idp))
	a, p := r.create(map[string]any{"oauth_provider": "auth0"}), r.person()
	state := p.depart(a).Query().Get("state")
	for _, query := range []string{
		"", "state=", "code=c", "state=" + state + "&state=" + state + "&code=c", "state=" + state, "state=" + state + "&code=",
		"state=" + state + "&code=a&code=b", "state=%zz", "state=" + state + ";code=c", "state=" + strings.Repeat("x", 600) + "&code=c",
		"state=" + state + "&code=c&iss=https://other.example/", "state=" + state + "&code=c&iss=a&iss=b",
	} {
		if got := p.get("/v1/oauth/callback?" + query); got.status != 400 {
			t.Errorf("%q: status = %d, want 400", query, got.status)
		}
	}
	p.get("/v1/oauth/callback/auth0?state=" + state + "&code=c").problem(400) // not the one that was asked for
	if n := len(idp.exchanges()); n != 0 {
		t.Errorf("%d token requests, want none", n)
	}
	p.callback("state", state, "code", "c", "iss", idp.URL+"/").want(303)
	a.fetch()
}

func TestOwnCallback(t *testing.T) {
	idp := newIDP(t)
	r := newRig(t, func(cfg *broker.Config) {
		own := idp.provider()
		own.OwnCallback = true
		cfg.Providers = map[string]broker.Provider{"own": own, "other": idp.provider()}
	})
	a, p := r.create(map[string]any{"oauth_provider": "own"}), r.person()
	u := p.depart(a)
	if got, want := u.Query().Get("redirect_uri"), r.url+"/v1/oauth/callback/own"; got != want {
		t.Errorf("redirect_uri = %q, want %q", got, want)
	}
	query := "?code=c&state=" + u.Query().Get("state")
	p.get("/v1/oauth/callback" + query).problem(400)
	p.get("/v1/oauth/callback/other" + query).problem(400)
	p.get("/v1/oauth/callback/own" + query).want(303)
	if got := idp.exchanges()[0].Get("redirect_uri"); got != r.url+"/v1/oauth/callback/own" {
		t.Errorf("token request says %q", got)
	}
}

func TestEndpointsAreDiscoveredOnce(t *testing.T) {
	idp := newIDP(t)
	var asked atomic.Int32
	inner := idp.Config.Handler
	idp.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, ".well-known") {
			asked.Add(1)
		}
		inner.ServeHTTP(w, r)
	})
	r := newRig(t, func(cfg *broker.Config) {
		p := idp.provider()
		p.AuthURL, p.TokenURL = "", ""
		p.Issuer = idp.URL // its document says it with a final slash
		cfg.Providers = map[string]broker.Provider{"oidc": p}
	})
	for range 2 {
		a, p := r.create(map[string]any{"oauth_provider": "oidc"}), r.person()
		u := p.depart(a)
		if u.Path != "/authorize" {
			t.Errorf("Location = %s", u)
		}
		p.callback("state", u.Query().Get("state"), "code", "c").want(303)
		a.fetch()
	}
	if n := asked.Load(); n != 1 {
		t.Errorf("the issuer was asked %d times, want once", n)
	}
}

func TestIssuersThatCannotBeUsed(t *testing.T) {
	document := func(body string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, strings.ReplaceAll(body, "HOST", "http://"+r.Host))
		}
	}
	for name, answer := range map[string]http.HandlerFunc{
		"another issuer":        document(`{"issuer":"https://other.example","authorization_endpoint":"HOST/a","token_endpoint":"HOST/t"}`),
		"endpoints over http":   document(`{"issuer":"HOST","authorization_endpoint":"http://other.example/a","token_endpoint":"HOST/t"}`),
		"endpoint with a trick": document(`{"issuer":"HOST","authorization_endpoint":"javascript:alert(1)","token_endpoint":"HOST/t"}`),
		"no token endpoint":     document(`{"issuer":"HOST","authorization_endpoint":"HOST/a"}`),
		"not JSON":              document(`<html>`),
		"an error":              func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) },
		"a redirect":            func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) },
		"too long":              document(strings.Repeat(" ", 300<<10)),
	} {
		t.Run(name, func(t *testing.T) {
			idp := newIDP(t)
			idp.Config.Handler = answer
			r := newRig(t, func(cfg *broker.Config) {
				p := idp.provider()
				p.AuthURL, p.TokenURL, p.Issuer = "", "", idp.URL
				cfg.Providers = map[string]broker.Provider{"oidc": p}
			})
			a, p := r.create(map[string]any{"oauth_provider": "oidc"}), r.person()
			token := p.confirm(a)
			p.authorize(a, token).problem(503)
			p.authorize(a, token).problem(503) // the token is still good
		})
	}
}

func TestTheExchangeOutlivesTheTab(t *testing.T) {
	idp := newIDP(t)
	asked, release := make(chan struct{}), make(chan struct{})
	idp.answer = func(w http.ResponseWriter, _ *http.Request) {
		close(asked)
		<-release
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, idpTokens)
	}
	r := newRig(t, withIDP(idp))
	a, p := r.create(map[string]any{"oauth_provider": "auth0"}), r.person()
	state := p.depart(a).Query().Get("state")
	base, err := url.Parse(r.url)
	if err != nil {
		t.Fatal(err)
	}
	// The handler is called without a connection, so that the moment at which
	// the tab closes is known.
	ctx, closeTab := context.WithCancel(t.Context())
	req := httptest.NewRequestWithContext(ctx, "GET", r.url+"/v1/oauth/callback?"+url.Values{"state": {state}, "code": {"c"}}.Encode(), nil)
	req.RemoteAddr = "127.0.0.1:1"
	req.AddCookie(p.client.Jar.Cookies(base)[0])
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.b.Handler().ServeHTTP(httptest.NewRecorder(), req)
	}()
	<-asked
	closeTab()
	close(release)
	<-done
	if got := a.fetch(); got != idpTokens {
		t.Errorf("credential = %s", got)
	}
}
