package standin_test

import (
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"linkmail/internal/standin"
)

// code logs in as far as the authorization code and returns the token request.
func (tt *tenantTest) code(changes ...string) map[string]string {
	tt.t.Helper()
	back := tt.browse(tt.url+"/authorize"+query(with(tt.authorizeParams(), changes...)), standin.Choice{})
	return map[string]string{
		"grant_type": standin.GrantAuthorizationCode, "code": back.Get("code"),
		"redirect_uri": tt.back, "code_verifier": verifier,
	}
}

func TestTheCodeGrantRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		login, change []string
		late          time.Duration
		status        int
		code, text    string
	}{
		"a request without a code":          {change: []string{"code", ""}, status: 400, code: "invalid_request", text: "Missing required parameter: code"},
		"a request without a redirect URI":  {change: []string{"redirect_uri", ""}, status: 400, code: "invalid_request", text: "Missing required parameter: redirect_uri"},
		"a code that was never issued":      {change: []string{"code", "x"}, status: 403, code: "invalid_grant", text: "Invalid authorization code"},
		"a code after its life":             {late: time.Minute, status: 403, code: "invalid_grant", text: "Invalid authorization code"},
		"another redirect URI":              {change: []string{"redirect_uri", "http://127.0.0.1/other"}, status: 403, code: "invalid_grant", text: "redirect URI"},
		"another verifier":                  {change: []string{"code_verifier", strings.Repeat("x", 43)}, status: 403, code: "invalid_grant", text: "Failed to verify code verifier"},
		"a missing verifier":                {change: []string{"code_verifier", ""}, status: 403, code: "invalid_grant", text: "Failed to verify code verifier"},
		"a verifier without a challenge":    {login: []string{"code_challenge", "", "code_challenge_method", ""}, status: 403, code: "invalid_grant", text: "Failed to verify code verifier"},
		"a wrong secret":                    {change: []string{"client_secret", "wrong"}, status: 401, code: "access_denied", text: "Unauthorized"},
		"no secret":                         {change: []string{"client_secret", ""}, status: 401, code: "access_denied", text: "Unauthorized"},
		"an unknown client":                 {change: []string{"client_id", "who"}, status: 401, code: "invalid_client", text: "Unauthorized"},
		"no client":                         {change: []string{"client_id", ""}, status: 400, code: "invalid_request", text: "Missing required parameter: client_id"},
		"no grant type":                     {change: []string{"grant_type", ""}, status: 400, code: "invalid_request", text: "Missing required parameter: grant_type"},
		"a grant type that does not exist":  {change: []string{"grant_type", "password"}, status: 403, code: "unsupported_grant_type", text: "password"},
		"nothing, if there is no challenge": {login: []string{"code_challenge", "", "code_challenge_method", ""}, change: []string{"code_verifier", ""}, status: 200},
		"nothing, if all is as it should":   {status: 200},
	} {
		t.Run(name, func(t *testing.T) {
			tt := newTenantTest(t)
			p := tt.code(c.login...)
			tt.clock.Advance(c.late)
			wantTenantError(t, tt.token(p, c.change...), c.status, c.code, c.text)
		})
	}
}

func TestACodeIsGoodOnceAlsoWhenTheVerifierWasWrong(t *testing.T) {
	tt := newTenantTest(t)
	p := tt.code()
	wantTenantError(t, tt.token(p, "code_verifier", strings.Repeat("x", 43)), 403, "invalid_grant", "verifier")
	wantTenantError(t, tt.token(p), 403, "invalid_grant", "Invalid authorization code")
	p = tt.code()
	if got := tt.token(p); got.status != 200 {
		t.Fatalf("first use: %d", got.status)
	}
	wantTenantError(t, tt.token(p), 403, "invalid_grant", "Invalid authorization code")
}

func TestTheTokenEndpointReadsFormsAndJSON(t *testing.T) {
	tt := newTenantTest(t)
	rt := tt.world.AddRefreshToken(standin.DefaultUser)
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {rt}, "client_id": {standin.DemoClientID}, "client_secret": {standin.DemoClientSecret}}.Encode()
	for name, c := range map[string]struct {
		kind, body string
		status     int
	}{
		"a form":                      {"application/x-www-form-urlencoded", form, 200},
		"a form with a charset":       {"application/x-www-form-urlencoded; charset=UTF-8", form, 200},
		"JSON with a charset":         {"application/json; charset=utf-8", toJSON(t, with(refreshParams(rt), "client_id", standin.DemoClientID, "client_secret", standin.DemoClientSecret)), 200},
		"a form that says JSON":       {"application/json", form, 400},
		"no content type":             {"", form, 400},
		"a list":                      {"application/json", `["grant_type"]`, 400},
		"a number for a string":       {"application/json", `{"grant_type":1}`, 400},
		"a body over the size limit":  {"application/json", `{"grant_type":"` + strings.Repeat("x", 1<<17) + `"}`, 400},
		"an empty body":               {"application/json", ``, 400},
		"a broken percent in a form":  {"application/x-www-form-urlencoded", "grant_type=%zz", 400},
		"an object within the object": {"application/json", `{"client_id":{"a":"b"}}`, 400},
	} {
		t.Run(name, func(t *testing.T) {
			if got := tt.request("POST", "/oauth/token", c.kind, c.body, ""); got.status != c.status {
				t.Errorf("status %d, want %d: %v", got.status, c.status, got.body["error_description"])
			}
		})
	}
}

func TestBasicAuthenticationIsFormEncoded(t *testing.T) {
	tt := newTenantTest(t)
	tt.world.Tenant(func(tn *standin.Tenant) { tn.Application.Secret = "100% a+b" })
	rt := tt.world.AddRefreshToken(standin.DefaultUser)
	for secret, status := range map[string]int{url.QueryEscape("100% a+b"): 200, "100% a+b": 400, "wrong": 401} {
		req, err := http.NewRequest("POST", tt.url+"/oauth/token", strings.NewReader(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {rt}}.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.SetBasicAuth(standin.DemoClientID, secret)
		if got := tt.do(req); got.status != status {
			t.Errorf("secret %q: status %d, want %d", secret, got.status, status)
		}
	}
}

func TestARefreshTokenComesOnlyIfAllConditionsHold(t *testing.T) {
	const asked = "openid profile email offline_access use:agent"
	for name, c := range map[string]struct {
		set    func(*standin.Tenant)
		change []string
		want   bool
		scope  string
	}{
		"all good":                           {change: []string{"audience", standin.DemoAudience, "scope", asked}, want: true, scope: "openid profile email offline_access use:agent"},
		"all good, no audience":              {change: []string{"scope", asked}, want: true, scope: "openid profile email offline_access"},
		"offline_access was not asked for":   {change: []string{"scope", "openid email"}, scope: "openid email"},
		"the client may not use them":        {set: func(tn *standin.Tenant) { tn.Application.GrantTypes = []string{standin.GrantAuthorizationCode} }, scope: "openid profile email"},
		"the API does not allow it":          {set: func(tn *standin.Tenant) { tn.APIs[0].AllowOfflineAccess = false }, change: []string{"audience", standin.DemoAudience}, scope: "openid profile email"},
		"that API was not asked for":         {set: func(tn *standin.Tenant) { tn.APIs[0].AllowOfflineAccess = false }, want: true, scope: "openid profile email offline_access"},
		"scopes outside the API are dropped": {change: []string{"audience", standin.DemoAudience, "scope", "openid offline_access other"}, want: true, scope: "openid offline_access"},
	} {
		t.Run(name, func(t *testing.T) {
			tt := newTenantTest(t)
			if c.set != nil {
				tt.world.Tenant(c.set)
			}
			got := tt.login(c.change...)
			if got.status != 200 || (got.text("refresh_token") != "") != c.want || got.text("scope") != c.scope {
				t.Errorf("status %d, refresh token %t, scope %q; want %t, %q", got.status, got.text("refresh_token") != "", got.text("scope"), c.want, c.scope)
			}
			if got.body["expires_in"] != float64(86400) {
				t.Errorf("expires_in %v", got.body["expires_in"])
			}
		})
	}
}

func TestALoginForTheMyAccountAPINeedsNoRefreshToken(t *testing.T) {
	tt := newTenantTest(t)
	got := tt.login("audience", tt.url+"/me/", "scope", "openid "+meScopes)
	claims := claimsOf(t, got.text("access_token"))
	if claims["aud"] != tt.url+"/me/" || claims["scope"] != "openid "+meScopes {
		t.Errorf("claims %v", claims)
	}
	if list := tt.me(got.text("access_token"), "GET", "accounts", nil); list.status != 200 {
		t.Errorf("accounts: %d", list.status)
	}
}

func TestUserInfoTellsWhatTheScopesAllow(t *testing.T) {
	tt := newTenantTest(t)
	all := map[string]any{"sub": claimsOf(t, tt.login().text("id_token"))["sub"], "email": standin.DefaultUser, "email_verified": true, "name": "Alex Rivera", "nickname": "alex.rivera"}
	for name, c := range map[string]struct {
		change []string
		want   map[string]any
	}{
		"an opaque token":         {nil, all},
		"a token for an API":      {[]string{"audience", standin.DemoAudience}, all},
		"a token with openid":     {[]string{"scope", "openid"}, map[string]any{"sub": all["sub"]}},
		"a token for the account": {[]string{"audience", tt.url + "/me/", "scope", "openid email " + meScopes}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			token := tt.login(c.change...).text("access_token")
			got := tt.request("GET", "/userinfo", "", "", token)
			if c.want == nil {
				if got.status != 401 || got.header.Get("WWW-Authenticate") == "" {
					t.Errorf("status %d", got.status)
				}
				return
			}
			if got.status != 200 || !reflect.DeepEqual(got.body, c.want) {
				t.Errorf("got %d %v, want %v", got.status, got.body, c.want)
			}
		})
	}
	token := tt.login().text("access_token")
	tt.clock.Advance(24 * time.Hour)
	for name, bad := range map[string]string{"expired": token, "made up": "x", "missing": ""} {
		if got := tt.request("GET", "/userinfo", "", "", bad); got.status != 401 {
			t.Errorf("%s: status %d", name, got.status)
		}
	}
}

func TestTheRateLimitIsAnnouncedAndPasses(t *testing.T) {
	tt := newTenantTest(t)
	rt := tt.world.AddRefreshToken(standin.DefaultUser)
	me := tt.myAccountToken(rt).text("access_token")
	tt.world.Tenant(func(tn *standin.Tenant) { tn.RateLimit = 2 })
	for remaining := range 2 {
		got := tt.token(refreshParams(rt))
		if got.status != 200 || got.header.Get("X-RateLimit-Limit") != "2" || got.header.Get("X-RateLimit-Remaining") != []string{"1", "0"}[remaining] {
			t.Errorf("request %d: %d %v", remaining, got.status, got.header)
		}
	}
	got := tt.token(refreshParams(rt))
	wantTenantError(t, got, 429, "too_many_requests", "Global limit has been reached")
	if got.header.Get("Retry-After") != "61" || got.header.Get("X-Auth0-Error-Kind") != "global-rate-limit" || got.header.Get("X-RateLimit-Reset") == "" {
		t.Errorf("headers %v", got.header)
	}
	wantProblem(t, tt.me(me, "GET", "accounts", nil), 429, "A0E-429-0003")
	tt.clock.Advance(time.Minute)
	if got := tt.token(refreshParams(rt)); got.status != 200 {
		t.Errorf("a minute later: %d", got.status)
	}
}

func TestRevokeEndsALogin(t *testing.T) {
	tt := newTenantTest(t)
	rt := tt.login().text("refresh_token")
	post := func(changes ...string) tenantAnswer {
		p := map[string]string{"client_id": standin.DemoClientID, "client_secret": standin.DemoClientSecret, "token": rt}
		return tt.request("POST", "/oauth/revoke", "application/json", toJSON(t, with(p, changes...)), "")
	}
	wantTenantError(t, post("client_secret", "wrong"), 401, "access_denied", "Unauthorized")
	wantTenantError(t, post("token", ""), 400, "invalid_request", "token")
	if got := post("token", "unknown"); got.status != 200 {
		t.Errorf("unknown token: %d", got.status)
	}
	if got := tt.token(refreshParams(rt)); got.status != 200 {
		t.Errorf("before: %d", got.status)
	}
	if got := post(); got.status != 200 || got.body != nil {
		t.Errorf("revoke: %d %v", got.status, got.body)
	}
	wantTenantError(t, tt.token(refreshParams(rt)), 403, "invalid_grant", "Unknown or invalid refresh token.")
}
