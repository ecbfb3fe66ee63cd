package broker_test

import (
	"encoding/json"
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

// refusal opens what the provider said, as the agent does.
func (a answer) refusal() wire.Refusal {
	a.t.Helper()
	var p wire.Problem
	a.into(&p)
	if p.Refusal == "" {
		a.t.Fatalf("%s has no refusal", a.body)
	}
	plain, err := wire.Open(testKey(), p.Refusal)
	if err != nil {
		a.t.Fatal(err)
	}
	var got wire.Refusal
	if err := json.Unmarshal(plain, &got); err != nil {
		a.t.Fatal(err)
	}
	return got
}

// replies makes a provider answer with one text.
func replies(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

func TestAProvidersWordsReachTheAgentAndNobodyElse(t *testing.T) {
	for name, tt := range map[string]struct {
		status int
		body   string
		want   int
	}{
		"a dead token":         {403, `{"error":"invalid_grant","error_description":"Unknown refresh token of canary"}`, 400},
		"a setting":            {400, `{"error":"invalid_grant","error_description":"Rotating refresh token not supported, canary"}`, 400},
		"the client's secret":  {401, `{"error":"invalid_client","error_description":"canary"}`, 502},
		"the same at Auth0":    {401, `{"error":"access_denied","error_description":"Unauthorized canary"}`, 502},
		"a policy":             {403, `{"error":"access_denied","error_description":"canary"}`, 400},
		"a grant of the other": {403, `{"error":"unauthorized_client","error_description":"Grant type canary"}`, 502},
	} {
		t.Run(name, func(t *testing.T) {
			idp := newIDP(t)
			idp.answer = replies(tt.status, tt.body)
			idp.revoked = idp.answer
			r := newRig(t, withIDP(idp))
			for _, path := range []string{"/v1/oauth/refresh", "/v1/oauth/vault", "/v1/oauth/revoke"} {
				got := r.trade(path, nil)
				got.problem(tt.want)
				if said := got.refusal(); said.Status != tt.status || string(said.Answer) != tt.body {
					t.Errorf("%s: the agent reads %d %s", path, said.Status, said.Answer)
				}
				if strings.Contains(got.body, "canary") || strings.Contains(r.log.String(), "canary") {
					t.Errorf("%s: the provider's words are in the answer or the log", path)
				}
			}
		})
	}
	t.Run("more than fits", func(t *testing.T) {
		idp := newIDP(t)
		idp.answer = replies(403, `{"error":"invalid_grant","error_description":"`+strings.Repeat("x", 9<<10)+`"}`)
		p := newRig(t, withIDP(idp)).trade("/v1/oauth/vault", nil).problem(400)
		if p.Error != "invalid_grant" || p.Refusal != "" {
			t.Errorf("problem = %+v, want the code alone", p)
		}
	})
}

func TestAgentsAskForWhatTheOperatorLists(t *testing.T) {
	type fields = map[string]any
	const refresh, vault = "/v1/oauth/refresh", "/v1/oauth/vault"
	for name, tt := range map[string]struct {
		path                   string
		audiences, connections []string
		fields                 func(own string) fields
		title                  string // of the refusal; empty: it is granted
	}{
		"no audience":                   {path: refresh, audiences: []string{}, fields: func(string) fields { return nil }},
		"the tenant's My Account API":   {path: refresh, fields: func(own string) fields { return fields{"audience": own + "/me/"} }},
		"another spelling of it":        {path: refresh, fields: func(own string) fields { return fields{"audience": own + "/me"} }, title: "Audience Not Allowed"},
		"its Management API":            {path: refresh, fields: func(own string) fields { return fields{"audience": own + "/api/v2/"} }, title: "Audience Not Allowed"},
		"another tenant's API":          {path: refresh, fields: func(string) fields { return fields{"audience": "https://canary.example/me/"} }, title: "Audience Not Allowed"},
		"a listed audience":             {path: refresh, audiences: []string{"https://api.example/"}, fields: func(string) fields { return fields{"audience": "https://api.example/"} }},
		"none beside the listed ones":   {path: refresh, audiences: []string{"https://api.example/"}, fields: func(own string) fields { return fields{"audience": own + "/me/"} }, title: "Audience Not Allowed"},
		"an empty list allows none":     {path: refresh, audiences: []string{}, fields: func(own string) fields { return fields{"audience": own + "/me/"} }, title: "Audience Not Allowed"},
		"any connection without a list": {path: vault, fields: func(string) fields { return fields{"connection": "github"} }},
		"a listed connection":           {path: vault, connections: []string{"google-oauth2"}, fields: func(string) fields { return nil }},
		"another connection":            {path: vault, connections: []string{"google-oauth2"}, fields: func(string) fields { return fields{"connection": "canary"} }, title: "Connection Not Allowed"},
	} {
		t.Run(name, func(t *testing.T) {
			idp := newIDP(t)
			r := newRig(t, func(cfg *broker.Config) {
				p := idp.provider()
				p.Audiences, p.Connections = tt.audiences, tt.connections
				cfg.Providers = map[string]broker.Provider{"auth0": p}
			})
			got := r.trade(tt.path, tt.fields(idp.URL))
			if tt.title == "" {
				got.tokens()
				return
			}
			if p := got.problem(403); p.Title != tt.title || strings.Contains(got.body, "canary") {
				t.Errorf("problem = %s, want %s", got.body, tt.title)
			}
			if n := len(idp.exchanges()); n != 0 {
				t.Errorf("%d requests went to the provider", n)
			}
			if log := r.log.String(); !strings.Contains(log, "not on the list") || strings.Contains(log, "canary") {
				t.Errorf("log:\n%s", log)
			}
		})
	}
}

func TestListsThatCannotBeRight(t *testing.T) {
	for _, change := range []func(*broker.Provider){
		func(p *broker.Provider) { p.Audiences = []string{"https://api.example/ x"} },
		func(p *broker.Provider) { p.Audiences = []string{""} },
		func(p *broker.Provider) { p.Connections = []string{"a&b=c"} },
	} {
		p := broker.Provider{ClientID: "c", AuthURL: "https://a.example/authorize", TokenURL: "https://a.example/token"}
		change(&p)
		_, err := broker.New(broker.Config{
			BaseURL: "https://broker.example", Keys: []broker.APIKey{{Name: "a", Secret: secret.New("k")}},
			Providers: map[string]broker.Provider{"auth0": p},
		})
		if err == nil || !strings.Contains(err.Error(), `provider "auth0"`) {
			t.Errorf("%+v: %v", p, err)
		}
	}
}

func TestARefreshTokenIsEndedWithTheClientSecret(t *testing.T) {
	world := standin.NewWorld(standin.Config{})
	tenant := httptest.NewServer(world.Auth0())
	t.Cleanup(tenant.Close)
	r := newRig(t, func(cfg *broker.Config) {
		cfg.Providers = map[string]broker.Provider{"auth0": {
			ClientID: standin.DemoClientID, ClientSecret: secret.New(standin.DemoClientSecret),
			AuthURL: tenant.URL + "/authorize", TokenURL: tenant.URL + "/oauth/token",
		}}
	})
	token := world.AddRefreshToken(standin.DefaultUser)
	r.trade("/v1/oauth/refresh", map[string]any{"refresh_token": token}).tokens()
	if got := r.trade("/v1/oauth/revoke", map[string]any{"refresh_token": token}).want(204); got.body != "" {
		t.Errorf("body %q", got.body)
	}
	if p := r.trade("/v1/oauth/refresh", map[string]any{"refresh_token": token}).problem(400); p.Error != "invalid_grant" {
		t.Errorf("after its end: %+v", p)
	}
	if log := r.log.String(); !strings.Contains(log, `"kind":"revoke"`) || strings.Contains(log, token) {
		t.Errorf("log:\n%s", log)
	}
}

func TestTheEndpointThatEndsTokens(t *testing.T) {
	for name, tt := range map[string]struct {
		provider string
		change   func(p *broker.Provider, own string)
		refused  bool
	}{
		"the issuer names it":           {"keycloak", func(*broker.Provider, string) {}, false},
		"the operator names it":         {"other", func(p *broker.Provider, own string) { p.Issuer, p.RevocationURL = "", own+"/revoke" }, false},
		"Auth0 has it beside the other": {"auth0", func(p *broker.Provider, own string) { p.Issuer, p.TokenURL = "", own+"/oauth/token" }, false},
		"nobody names it":               {"other", func(p *broker.Provider, _ string) { p.Issuer = "" }, true},
		"the operator turned it off":    {"auth0", func(p *broker.Provider, _ string) { p.RevocationURL = broker.NoRevocation }, true},
	} {
		t.Run(name, func(t *testing.T) {
			idp := newIDP(t)
			r := newRig(t, func(cfg *broker.Config) {
				p := idp.provider()
				tt.change(&p, idp.URL)
				cfg.Providers = map[string]broker.Provider{tt.provider: p}
			})
			got := r.trade("/v1/oauth/revoke", map[string]any{"provider": tt.provider})
			if tt.refused {
				if p := got.problem(400); p.Title != "OAuth Provider Error" || len(idp.taken()) != 0 {
					t.Errorf("problem = %s after %d requests", got.body, len(idp.taken()))
				}
				return
			}
			got.want(204)
			if form := idp.taken()[0]; form.Get("token") != refreshCanary || form.Get("client_secret") != "client-secret-canary" || form.Has("grant_type") {
				t.Errorf("form = %v", form)
			}
		})
	}
}

// taken returns what was sent to the endpoint that ends tokens.
func (p *idp) taken() []url.Values {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]url.Values(nil), p.given...)
}

func TestRevocationsThatFail(t *testing.T) {
	idp := newIDP(t)
	r := newRig(t, func(cfg *broker.Config) {
		withIDP(idp)(cfg)
		cfg.Keys = append(cfg.Keys, broker.APIKey{Name: "sessions", Secret: secret.New("s-key"), Scopes: []broker.Scope{broker.ScopeSessions}})
	})
	const path = "/v1/oauth/revoke"
	r.send("POST", path, `{}`, "Content-Type", "application/json").problem(401)
	r.send("POST", path, `{}`, "Content-Type", "application/json", "X-API-Key", "s-key").problem(403)
	for _, fields := range []map[string]any{{"refresh_token": ""}, {"refresh_token": "a b"}, {"public_key": ""}, {"public_key": 7}} {
		r.trade(path, fields).problem(422)
	}
	r.trade(path, map[string]any{"provider": "canary"}).problem(400)
	if n := len(idp.taken()); n != 0 {
		t.Errorf("%d requests went to the provider", n)
	}
	for _, reply := range []http.HandlerFunc{replies(503, `{}`), replies(429, `{}`), replies(404, `<html>`), replies(200, strings.Repeat("x", 17<<10))} {
		idp.revoked = reply
		r.trade(path, nil).problem(502)
	}
}
