package broker_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"linkmail/broker"
	"linkmail/broker/wire"
	"linkmail/internal/secret"
	"linkmail/internal/standin"
)

const refreshCanary = "1//refresh-token-canary"

// trade asks for tokens and returns the answer.
func (r *rig) trade(path string, fields map[string]any) answer {
	r.t.Helper()
	body := map[string]any{"provider": "auth0", "refresh_token": refreshCanary, "public_key": publicKey(r.t)}
	if path == "/v1/oauth/vault" {
		body["connection"] = "google-oauth2"
	}
	maps.Copy(body, fields)
	text, err := json.Marshal(body)
	if err != nil {
		r.t.Fatal(err)
	}
	return r.send("POST", path, string(text), "Content-Type", "application/json", "X-API-Key", apiKey)
}

func (a answer) tokens() string {
	a.t.Helper()
	var got wire.Tokens
	a.want(200).into(&got)
	if got.Algorithm != wire.Algorithm {
		a.t.Errorf("algorithm = %q", got.Algorithm)
	}
	plain, err := wire.Open(testKey(), got.Ciphertext)
	if err != nil {
		a.t.Fatal(err)
	}
	return string(plain)
}

func TestRefreshAddsTheClientSecretAndSealsTheAnswer(t *testing.T) {
	idp := newIDP(t)
	var store *spy
	r := newRig(t, func(cfg *broker.Config) {
		withIDP(idp)(cfg)
		store = newSpy(broker.NewMemory(broker.MemoryConfig{Now: cfg.Now}))
		cfg.Store = store
	})
	audience := idp.URL + "/me/"
	got := r.trade("/v1/oauth/refresh", map[string]any{"scopes": []string{"openid", "read:me"}, "audience": audience})
	if tokens := got.tokens(); tokens != idpTokens {
		t.Errorf("tokens = %s", tokens)
	}
	if strings.Contains(got.body, "canary") {
		t.Error("the answer has a token in clear")
	}
	form := idp.exchanges()[0]
	for name, want := range map[string]string{
		"grant_type": "refresh_token", "refresh_token": refreshCanary, "client_id": "client-1",
		"client_secret": "client-secret-canary", "scope": "openid read:me", "audience": audience,
	} {
		if form.Get(name) != want {
			t.Errorf("%s = %q, want %q", name, form.Get(name), want)
		}
	}
	if n, err := store.Count(t.Context()); err != nil || n != 0 {
		t.Errorf("%d sessions were stored, %v", n, err)
	}
	log := r.log.String()
	if strings.Contains(log, "canary") || !strings.Contains(log, "tokens asked for") || !strings.Contains(log, `"key":"agent one"`) {
		t.Errorf("log:\n%s", log)
	}
}

func TestRefreshThatTheProviderRefuses(t *testing.T) {
	reply := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		}
	}
	for name, tt := range map[string]struct {
		reply  http.HandlerFunc
		status int
		code   string
	}{
		"a dead token":                 {reply(403, `{"error":"invalid_grant","error_description":"canary"}`), 400, "invalid_grant"},
		"nothing in the vault":         {reply(401, `{"error":"federated_connection_refresh_token_not_found"}`), 400, "federated_connection_refresh_token_not_found"},
		"a refusal with status 200":    {reply(200, `{"error":"bad_refresh_token"}`), 400, "bad_refresh_token"},
		"a code that is none":          {reply(400, `{"error":"<script>canary</script>"}`), 502, ""},
		"the broker's own client":      {reply(401, `{"error":"invalid_client"}`), 502, ""},
		"a fault that passes":          {reply(503, `{"error":"invalid_grant"}`), 502, ""},
		"a provider that says slow":    {reply(429, `{}`), 502, ""},
		"a page in place of an answer": {reply(200, `<html>canary`), 502, ""},
		"an answer without a token":    {reply(200, `{"token_type":"Bearer"}`), 502, ""},
		"a redirect":                   {func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Location", "/x"); w.WriteHeader(307) }, 502, ""},
		"an endless answer":            {reply(200, `{"access_token":"`+strings.Repeat("x", 70<<10)+`"}`), 502, ""},
	} {
		t.Run(name, func(t *testing.T) {
			idp := newIDP(t)
			idp.answer = tt.reply
			r := newRig(t, withIDP(idp))
			for _, path := range []string{"/v1/oauth/refresh", "/v1/oauth/vault"} {
				got := r.trade(path, nil)
				if p := got.problem(tt.status); p.Error != tt.code || strings.Contains(got.body, "canary") {
					t.Errorf("%s: %s, want error %q", path, got.body, tt.code)
				}
			}
			if n := len(idp.exchanges()); n != 2 {
				t.Errorf("%d token requests for two, so one was repeated", n)
			}
		})
	}
}

func TestRefreshBodiesThatAreRefused(t *testing.T) {
	idp := newIDP(t)
	r := newRig(t, withIDP(idp))
	long := strings.Repeat("canary", 2000)
	for name, tt := range map[string]struct {
		path   string
		fields map[string]any
		status int
	}{
		"no token":               {"/v1/oauth/refresh", map[string]any{"refresh_token": ""}, 422},
		"a token of two lines":   {"/v1/oauth/refresh", map[string]any{"refresh_token": "canary\r\nx"}, 422},
		"a long token":           {"/v1/oauth/refresh", map[string]any{"refresh_token": long[:5000]}, 422},
		"a number for a token":   {"/v1/oauth/refresh", map[string]any{"refresh_token": 1}, 422},
		"another provider":       {"/v1/oauth/refresh", map[string]any{"provider": "canary"}, 400},
		"no key":                 {"/v1/oauth/refresh", map[string]any{"public_key": ""}, 422},
		"a key that is none":     {"/v1/oauth/refresh", map[string]any{"public_key": "canary"}, 400},
		"a scope with a space":   {"/v1/oauth/refresh", map[string]any{"scopes": []string{"canary x"}}, 422},
		"an audience with space": {"/v1/oauth/refresh", map[string]any{"audience": "canary x"}, 422},
		"a large body":           {"/v1/oauth/refresh", map[string]any{"x": long + long}, 413},
		"no connection":          {"/v1/oauth/vault", map[string]any{"connection": ""}, 422},
		"an odd connection":      {"/v1/oauth/vault", map[string]any{"connection": "canary&x=y"}, 422},
		"an odd hint":            {"/v1/oauth/vault", map[string]any{"login_hint": "canary x"}, 422},
	} {
		got := r.trade(tt.path, tt.fields)
		if got.problem(tt.status); strings.Contains(got.body, "canary") {
			t.Errorf("%s: the answer repeats a value: %s", name, got.body)
		}
	}
	if n := len(idp.exchanges()); n != 0 {
		t.Errorf("%d requests went to the provider", n)
	}
}

func TestRefreshNeedsItsScopeAndIsLimited(t *testing.T) {
	idp := newIDP(t)
	r := newRig(t, func(cfg *broker.Config) {
		withIDP(idp)(cfg)
		cfg.Keys = append(cfg.Keys, broker.APIKey{Name: "sessions", Secret: secret.New("s-key"), Scopes: []broker.Scope{broker.ScopeSessions}})
	})
	for _, path := range []string{"/v1/oauth/refresh", "/v1/oauth/vault"} {
		r.send("POST", path, `{}`, "Content-Type", "application/json").problem(401)
		if got := r.send("POST", path, `{}`, "Content-Type", "application/json", "X-API-Key", "s-key").problem(403); got.Title != "Scope Missing" {
			t.Errorf("title %q", got.Title)
		}
	}
	for range 300 {
		r.trade("/v1/oauth/refresh", map[string]any{"refresh_token": ""}).problem(422)
	}
	if got := r.trade("/v1/oauth/refresh", nil); got.problem(429).Status != 429 || got.header.Get("Retry-After") == "" {
		t.Error("no limit")
	}
}

// TestVaultAgainstTheStandIn trades with a tenant that checks what Auth0
// checks, for an agent that has never seen the client secret.
func TestVaultAgainstTheStandIn(t *testing.T) {
	world := standin.NewWorld(standin.Config{})
	tenant := httptest.NewServer(world.Auth0())
	t.Cleanup(tenant.Close)
	r := newRig(t, func(cfg *broker.Config) {
		cfg.Providers = map[string]broker.Provider{"auth0": {
			ClientID: standin.DemoClientID, ClientSecret: secret.New(standin.DemoClientSecret),
			Issuer: tenant.URL, AuthURL: tenant.URL + "/authorize", TokenURL: tenant.URL + "/oauth/token",
		}}
	})
	token := world.AddRefreshToken(standin.DefaultUser)
	if p := r.trade("/v1/oauth/vault", map[string]any{"refresh_token": token}).problem(400); p.Error == "" {
		t.Errorf("problem = %+v, want Auth0's code for an empty vault", p)
	}
	world.Connect(standin.DefaultUser, "google-oauth2", "https://www.googleapis.com/auth/gmail.modify")
	var got struct {
		AccessToken string `json:"access_token"`
		Scope       string `json:"scope"`
	}
	answer{t: t, body: r.trade("/v1/oauth/vault", map[string]any{"refresh_token": token}).tokens()}.into(&got)
	if got.AccessToken == "" || !strings.Contains(got.Scope, "gmail.modify") {
		t.Errorf("vault = %+v", got)
	}
	answer{t: t, body: r.trade("/v1/oauth/refresh", map[string]any{"refresh_token": token}).tokens()}.into(&got)
	world.RevokeRefreshToken(token)
	if p := r.trade("/v1/oauth/refresh", map[string]any{"refresh_token": token}).problem(400); p.Error != "invalid_grant" {
		t.Errorf("problem = %+v, want invalid_grant", p)
	}
}

func TestClientsThatIdentifyInAHeader(t *testing.T) {
	for name, change := range map[string]func(*broker.Provider, *idp){
		"by configuration": func(p *broker.Provider, _ *idp) { p.BasicAuth = true },
		"because the issuer takes nothing else": func(p *broker.Provider, i *idp) {
			p.AuthURL, p.TokenURL = "", ""
			i.methods = []string{"client_secret_basic", "private_key_jwt"}
		},
	} {
		t.Run(name, func(t *testing.T) {
			idp := newIDP(t)
			var user, password string
			idp.answer = func(w http.ResponseWriter, r *http.Request) {
				user, password, _ = r.BasicAuth()
				w.Header().Set("Content-Type", "application/json")
				_, _ = w.Write([]byte(idpTokens))
			}
			r := newRig(t, func(cfg *broker.Config) {
				p := idp.provider()
				p.ClientID, p.ClientSecret = "client:1", secret.New("a b&c")
				change(&p, idp)
				cfg.Providers = map[string]broker.Provider{"auth0": p}
			})
			r.trade("/v1/oauth/refresh", nil).tokens()
			id, err1 := url.QueryUnescape(user)
			key, err2 := url.QueryUnescape(password)
			form := idp.exchanges()[0]
			if id != "client:1" || key != "a b&c" || err1 != nil || err2 != nil || form.Has("client_secret") {
				t.Errorf("header %q %q, form %v", user, password, form)
			}
		})
	}
}
