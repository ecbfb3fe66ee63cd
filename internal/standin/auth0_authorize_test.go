package standin_test

import (
	"context"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"linkmail/internal/standin"
)

// get opens an address without following redirects.
func (tt *tenantTest) get(address string) shown {
	tt.t.Helper()
	req, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		tt.t.Fatal(err)
	}
	return tt.show(req)
}

// redirectOf opens an address and returns where it leads.
func (tt *tenantTest) redirectOf(address string) string {
	tt.t.Helper()
	got := tt.get(address)
	if got.status != http.StatusFound || got.location == nil {
		tt.t.Fatalf("status %d instead of a redirect", got.status)
	}
	return got.location.String()
}

// errorAtCallback starts a login that must fail before the login page and
// returns the error with which the browser is sent back.
func (tt *tenantTest) errorAtCallback(changes ...string) url.Values {
	tt.t.Helper()
	got := tt.get(tt.url + "/authorize" + query(with(tt.authorizeParams(), changes...)))
	if got.location == nil || !strings.HasPrefix(got.location.String(), tt.back+"?") {
		tt.t.Fatalf("status %d, redirect to %v, want to %s", got.status, got.location, tt.back)
	}
	return got.location.Query()
}

func TestDiscoveryNamesTheHostThatWasAsked(t *testing.T) {
	tt := newTenantTest(t)
	got := tt.request("GET", "/.well-known/openid-configuration", "", "", "")
	for name, want := range map[string]string{
		"issuer":                 tt.url + "/",
		"authorization_endpoint": tt.url + "/authorize",
		"token_endpoint":         tt.url + "/oauth/token",
		"userinfo_endpoint":      tt.url + "/userinfo",
		"jwks_uri":               tt.url + "/.well-known/jwks.json",
		"revocation_endpoint":    tt.url + "/oauth/revoke",
	} {
		if got.text(name) != want {
			t.Errorf("%s = %q, want %q", name, got.text(name), want)
		}
	}
}

func TestTheSchemeIsTheOneTheRequestCameBy(t *testing.T) {
	tt := newTenantTest(t)
	tenant := httptest.NewTLSServer(tt.world.Auth0())
	t.Cleanup(tenant.Close)
	req, err := http.NewRequest(http.MethodGet, tenant.URL+"/.well-known/openid-configuration", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := tenant.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	var got struct{ Issuer string }
	if err := json.NewDecoder(res.Body).Decode(&got); err != nil || got.Issuer != tenant.URL+"/" || !strings.HasPrefix(got.Issuer, "https://") {
		t.Errorf("issuer %q, %v; want %s/", got.Issuer, err, tenant.URL)
	}
}

func TestALoginWithTheOAuth2PackageYieldsTokens(t *testing.T) {
	tt := newTenantTest(t)
	for name, style := range map[string]oauth2.AuthStyle{"secret in the form": oauth2.AuthStyleInParams, "secret in the header": oauth2.AuthStyleInHeader} {
		t.Run(name, func(t *testing.T) {
			conf := oauth2.Config{
				ClientID: standin.DemoClientID, ClientSecret: standin.DemoClientSecret, RedirectURL: tt.back,
				Scopes:   []string{"openid", "email", "offline_access"},
				Endpoint: oauth2.Endpoint{AuthURL: tt.url + "/authorize", TokenURL: tt.url + "/oauth/token", AuthStyle: style},
			}
			verifier := oauth2.GenerateVerifier()
			back := tt.browse(conf.AuthCodeURL("s", oauth2.S256ChallengeOption(verifier), oauth2.SetAuthURLParam("audience", standin.DemoAudience)), standin.Choice{User: standin.SecondUser})
			if back.Get("state") != "s" {
				t.Errorf("state %q", back.Get("state"))
			}
			token, err := conf.Exchange(context.Background(), back.Get("code"), oauth2.VerifierOption(verifier))
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(token.RefreshToken, "v1.M") || token.TokenType != "Bearer" {
				t.Errorf("refresh token or type are wrong: %q", token.TokenType)
			}
			access := claimsOf(t, token.AccessToken)
			if want := []any{standin.DemoAudience, tt.url + "/userinfo"}; !reflect.DeepEqual(access["aud"], want) || access["azp"] != standin.DemoClientID || access["iss"] != tt.url+"/" {
				t.Errorf("access token claims %v", access)
			}
			idText, _ := token.Extra("id_token").(string)
			id := claimsOf(t, idText)
			if id["email"] != standin.SecondUser || id["sub"] != access["sub"] || id["aud"] != standin.DemoClientID || id["name"] != nil {
				t.Errorf("id token claims %v", id)
			}
		})
	}
}

func TestTokensVerifyWithThePublishedKey(t *testing.T) {
	tt := newTenantTest(t)
	keys := tt.request("GET", "/.well-known/jwks.json", "", "", "")
	list, _ := keys.body["keys"].([]any)
	if len(list) != 1 {
		t.Fatalf("%d keys", len(list))
	}
	key, _ := list[0].(map[string]any)
	number := func(name string) *big.Int {
		text, _ := key[name].(string)
		raw, err := base64.RawURLEncoding.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		return new(big.Int).SetBytes(raw)
	}
	pub := &rsa.PublicKey{N: number("n"), E: int(number("e").Int64())}
	if err := verifyRS256(pub, tt.login().text("id_token")); err != nil {
		t.Errorf("id token: %v", err)
	}
}

func TestABadClientOrCallbackEndsOnAnErrorPage(t *testing.T) {
	tt := newTenantTest(t)
	for name, c := range map[string]struct {
		change []string
		status int
		text   string
	}{
		"no client":                       {[]string{"client_id", ""}, 400, "Missing required parameter: client_id"},
		"unknown client":                  {[]string{"client_id", "who"}, 403, "Unknown client: who"},
		"no redirect URI":                 {[]string{"redirect_uri", ""}, 400, "Missing required parameter: redirect_uri"},
		"another path":                    {[]string{"redirect_uri", tt.back + "/"}, 403, "Callback URL mismatch"},
		"localhost instead of 127.0.0.1":  {[]string{"redirect_uri", strings.Replace(tt.back, "127.0.0.1", "localhost", 1)}, 403, "Callback URL mismatch"},
		"markup in the client is escaped": {[]string{"client_id", "<script>"}, 403, "&lt;script&gt;"},
	} {
		t.Run(name, func(t *testing.T) {
			got := tt.get(tt.url + "/authorize" + query(with(tt.authorizeParams(), c.change...)))
			if got.status != c.status || !strings.Contains(got.page, c.text) || got.location != nil {
				t.Errorf("status %d, page %s", got.status, got.page)
			}
		})
	}
}

func TestAuthorizeErrorsGoBackToTheCallback(t *testing.T) {
	for name, c := range map[string]struct {
		set     func(*standin.Tenant)
		change  []string
		code    string
		text    string
		noState bool
	}{
		"no response type":          {change: []string{"response_type", ""}, code: "invalid_request", text: "Missing required parameter: response_type"},
		"implicit flow":             {change: []string{"response_type", "token"}, code: "unsupported_response_type", text: "token"},
		"without a state":           {change: []string{"response_type", "token", "state", ""}, code: "unsupported_response_type", noState: true},
		"plain PKCE":                {change: []string{"code_challenge_method", "plain"}, code: "invalid_request", text: "S256"},
		"PKCE without a method":     {change: []string{"code_challenge_method", ""}, code: "invalid_request", text: "S256"},
		"a short challenge":         {change: []string{"code_challenge", "short"}, code: "invalid_request", text: "43"},
		"an unknown audience":       {change: []string{"audience", "https://no.example/"}, code: "access_denied", text: "Service not found: https://no.example/"},
		"an audience without slash": {change: []string{"audience", strings.TrimSuffix(standin.DemoAudience, "/")}, code: "access_denied", text: "Service not found: "},
		"an unknown connection":     {change: []string{"connection", "no"}, code: "invalid_request", text: "the connection is not enabled"},
		"prompt none":               {change: []string{"prompt", "none"}, code: "login_required"},
		"grant type missing": {
			set:  func(tn *standin.Tenant) { tn.Application.GrantTypes = []string{standin.GrantRefreshToken} },
			code: "unauthorized_client", text: "Grant type 'authorization_code' not allowed for the client.",
		},
		"connection for connected accounts only": {
			set:    func(tn *standin.Tenant) { tn.Connection("google-oauth2").Authentication = false },
			change: []string{"connection", "google-oauth2"},
			code:   "invalid_request", text: "The connection is not active for authentication.",
		},
		"connection not enabled": {
			set:    func(tn *standin.Tenant) { tn.Connection("google-oauth2").Enabled = false },
			change: []string{"connection", "google-oauth2"},
			code:   "invalid_request", text: "the connection is not enabled",
		},
		"no connection at all": {
			set:  func(tn *standin.Tenant) { tn.Connection("google-oauth2").Enabled = false },
			code: "invalid_request", text: "no connections enabled for the client",
		},
		"API needs a client grant": {
			set:    func(tn *standin.Tenant) { tn.API(standin.DemoAudience).UserPolicy = standin.RequireClientGrant },
			change: []string{"audience", standin.DemoAudience},
			code:   "access_denied", text: `Client "linkmail-demo" is not authorized to access resource server "https://api.linkmail.example/"`,
		},
		"API denies all": {
			set:    func(tn *standin.Tenant) { tn.API(standin.DemoAudience).UserPolicy = standin.DenyAll },
			change: []string{"audience", standin.DemoAudience},
			code:   "access_denied", text: "is not authorized to access resource server",
		},
		"public client without PKCE": {
			set:    func(tn *standin.Tenant) { tn.Application.Type = "spa" },
			change: []string{"code_challenge", "", "code_challenge_method", ""},
			code:   "invalid_request", text: "code_challenge",
		},
	} {
		t.Run(name, func(t *testing.T) {
			tt := newTenantTest(t)
			if c.set != nil {
				tt.world.Tenant(c.set)
			}
			got := tt.errorAtCallback(c.change...)
			if got.Get("error") != c.code || !strings.Contains(got.Get("error_description"), c.text) {
				t.Errorf("came back with %v", got)
			}
			if got.Has("state") == c.noState {
				t.Errorf("state is %q", got.Get("state"))
			}
		})
	}
}

func TestCancelAndDeniedLoginsComeBackAsAccessDenied(t *testing.T) {
	tt := newTenantTest(t)
	address := tt.url + "/authorize" + query(tt.authorizeParams())
	got := tt.browse(address, standin.Choice{CancelLogin: true})
	if got.Get("error") != "access_denied" || got.Get("error_description") != "User did not authorize the request" || got.Get("state") != "state-1" || got.Has("code") {
		t.Errorf("after cancel: %v", got)
	}
	tt.world.Tenant(func(tn *standin.Tenant) { tn.DenyText = "Not on a Sunday." })
	if got := tt.browse(address, standin.Choice{}); got.Get("error") != "access_denied" || got.Get("error_description") != "Not on a Sunday." {
		t.Errorf("denied by an action: %v", got)
	}
}

func TestALoginPageEndsWithItsAnswer(t *testing.T) {
	tt := newTenantTest(t)
	page := tt.redirectOf(tt.url + "/authorize" + query(tt.authorizeParams()))
	post := func(form string) shown {
		t.Helper()
		req, err := http.NewRequest("POST", page, strings.NewReader(form))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		return tt.show(req)
	}
	if res := post("action=continue&user=nobody@example.com"); res.status != 400 {
		t.Errorf("an unknown user: status %d", res.status)
	}
	if res := tt.get(page); res.status != 200 {
		t.Errorf("looking again: status %d", res.status)
	}
	if res := post("action=continue&user=" + standin.DefaultUser); res.status != 302 {
		t.Errorf("a good answer: status %d", res.status)
	}
	if res := post("action=continue&user=" + standin.DefaultUser); res.status != 400 {
		t.Errorf("the same answer again: status %d", res.status)
	}
	late := tt.redirectOf(tt.url + "/authorize" + query(tt.authorizeParams()))
	tt.clock.Advance(10 * time.Minute)
	if res := tt.get(late); res.status != 400 {
		t.Errorf("after ten minutes: status %d", res.status)
	}
}

func TestPagesNameTheirTargetInTheFormActionPolicy(t *testing.T) {
	tt := newTenantTest(t)
	page := tt.redirectOf(tt.url + "/authorize" + query(tt.authorizeParams()))
	res := tt.get(page)
	origin, _, _ := strings.Cut(tt.back, "/callback")
	policy := res.header.Get("Content-Security-Policy")
	if !strings.HasPrefix(policy, "default-src 'none'; style-src 'self';") || !strings.HasSuffix(policy, "form-action 'self' "+origin) {
		t.Errorf("policy %q", policy)
	}
	for _, bad := range []string{"<script", "style=", "onclick"} {
		if strings.Contains(res.page, bad) {
			t.Errorf("the page contains %s", bad)
		}
	}
	if css := tt.get(tt.url + "/stand-in/style.css"); css.status != 200 || !strings.HasPrefix(css.header.Get("Content-Type"), "text/css") {
		t.Errorf("style sheet: status %d", css.status)
	}
}
