package standin_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"linkmail/internal/standin"
	"linkmail/internal/testclock"
)

// PKCE values for the tests: a verifier and its challenge.
const verifier = "a-verifier-that-is-long-enough-for-rfc-7636-section-4-1"

var challenge = func() string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}()

const (
	gmailModify = "https://www.googleapis.com/auth/gmail.modify"
	gmailSend   = "https://www.googleapis.com/auth/gmail.send"
	meScopes    = "create:me:connected_accounts read:me:connected_accounts delete:me:connected_accounts"
)

// tenantTest is a tenant behind a real server, and an application with a
// callback address that remembers with what the browser came back.
type tenantTest struct {
	t     *testing.T
	world *standin.World
	clock *testclock.Clock
	url   string // of the tenant, without a slash
	back  string // the callback URL
	got   chan url.Values
	judge *judge
}

func newTenantTest(t *testing.T) *tenantTest {
	t.Helper()
	clock := testclock.At(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	tt := &tenantTest{
		t: t, clock: clock, got: make(chan url.Values, 8),
		world: standin.NewWorld(standin.Config{Now: clock.Now}),
	}
	tt.judge = &judge{t: t, seen: map[string]bool{}}
	tenant := httptest.NewServer(tt.judge.over(tt.world.Auth0()))
	t.Cleanup(tenant.Close)
	app := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		tt.got <- r.URL.Query()
		rw.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(rw, "<title>Back</title>Back at the application.")
	}))
	t.Cleanup(app.Close)
	tt.url, tt.back = tenant.URL, app.URL+"/callback"
	tt.world.AllowCallback(tt.back)
	return tt
}

// tenantAnswer is an HTTP answer with a JSON object.
type tenantAnswer struct {
	status int
	header http.Header
	body   map[string]any
}

// shown is what a browser gets to see of an answer.
type shown struct {
	status   int
	header   http.Header
	page     string
	location *url.URL // where it is sent, nil for nowhere
}

// show makes a request and follows no redirect.
func (tt *tenantTest) show(req *http.Request) shown {
	tt.t.Helper()
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		tt.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		tt.t.Fatal(err)
	}
	to, err := res.Location()
	if err != nil && !errors.Is(err, http.ErrNoLocation) {
		tt.t.Fatal(err)
	}
	return shown{res.StatusCode, res.Header, string(raw), to}
}

func (a tenantAnswer) text(name string) string { s, _ := a.body[name].(string); return s }

func (tt *tenantTest) do(req *http.Request) tenantAnswer {
	tt.t.Helper()
	got := tt.show(req)
	a := tenantAnswer{status: got.status, header: got.header}
	if len(got.page) > 0 {
		if kind := got.header.Get("Content-Type"); kind != "application/json" {
			tt.t.Fatalf("%s %s: content type %q", req.Method, req.URL.Path, kind)
		}
		if err := json.Unmarshal([]byte(got.page), &a.body); err != nil {
			tt.t.Fatalf("%s %s: %v", req.Method, req.URL.Path, err)
		}
	}
	return a
}

func (tt *tenantTest) request(method, path, kind, body, bearer string) tenantAnswer {
	tt.t.Helper()
	req, err := http.NewRequest(method, tt.url+path, strings.NewReader(body))
	if err != nil {
		tt.t.Fatal(err)
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	if bearer != "" {
		req.Header.Set("Authorization", "Bearer "+bearer)
	}
	return tt.do(req)
}

// with copies params and applies the changes; an empty value removes a parameter.
func with(params map[string]string, changes ...string) map[string]string {
	out := maps.Clone(params)
	for i := 0; i+1 < len(changes); i += 2 {
		if out[changes[i]] = changes[i+1]; changes[i+1] == "" {
			delete(out, changes[i])
		}
	}
	return out
}

// token posts a JSON body with the client's credentials to the token endpoint.
func (tt *tenantTest) token(params map[string]string, changes ...string) tenantAnswer {
	tt.t.Helper()
	p := map[string]string{"client_id": standin.DemoClientID, "client_secret": standin.DemoClientSecret}
	maps.Copy(p, params)
	return tt.request("POST", "/oauth/token", "application/json", toJSON(tt.t, with(p, changes...)), "")
}

func toJSON(t *testing.T, v any) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.NewEncoder(&b).Encode(v); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func refreshParams(rt string) map[string]string {
	return map[string]string{"grant_type": standin.GrantRefreshToken, "refresh_token": rt}
}

func vaultParams(rt string) map[string]string {
	return map[string]string{
		"grant_type": standin.GrantVault, "subject_token": rt,
		"subject_token_type":   "urn:ietf:params:oauth:token-type:refresh_token",
		"requested_token_type": "http://auth0.com/oauth/token-type/federated-connection-access-token",
		"connection":           "google-oauth2",
	}
}

// authorizeParams is an authorization request as the application makes it.
func (tt *tenantTest) authorizeParams() map[string]string {
	return map[string]string{
		"response_type": "code", "client_id": standin.DemoClientID, "redirect_uri": tt.back,
		"scope": "openid profile email offline_access", "state": "state-1",
		"code_challenge": challenge, "code_challenge_method": "S256",
	}
}

func query(params map[string]string) string {
	q := url.Values{}
	for k, v := range params {
		q.Set(k, v)
	}
	return "?" + q.Encode()
}

// browse sends a person to the tenant and returns with what it came back.
func (tt *tenantTest) browse(address string, choice standin.Choice) url.Values {
	tt.t.Helper()
	visit, err := standin.NewPerson().Browse(tt.t.Context(), address, tt.back, choice)
	if err != nil {
		tt.t.Fatalf("browse: %v; the last page says %q", err, visit.Text)
	}
	return <-tt.got
}

// login logs in and returns the answer of the token endpoint.
func (tt *tenantTest) login(changes ...string) tenantAnswer {
	tt.t.Helper()
	back := tt.browse(tt.url+"/authorize"+query(with(tt.authorizeParams(), changes...)), standin.Choice{})
	if back.Get("code") == "" {
		tt.t.Fatalf("login came back with %v", back)
	}
	return tt.token(map[string]string{
		"grant_type": standin.GrantAuthorizationCode, "code": back.Get("code"),
		"redirect_uri": tt.back, "code_verifier": verifier,
	})
}

// myAccountToken trades a refresh token for a My Account token.
func (tt *tenantTest) myAccountToken(rt string, changes ...string) tenantAnswer {
	tt.t.Helper()
	return tt.token(with(refreshParams(rt), append([]string{
		"audience", tt.url + "/me/", "scope", "openid profile offline_access " + meScopes,
	}, changes...)...))
}

// claimsOf decodes a JWT without checking it.
func claimsOf(t *testing.T, jwt string) map[string]any {
	t.Helper()
	parts := strings.Split(jwt, ".")
	if len(parts) != 3 {
		t.Fatalf("not a JWT but %d parts", len(parts))
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(raw, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// wantTenantError checks an OAuth error answer.
func wantTenantError(t *testing.T, got tenantAnswer, status int, code, text string) {
	t.Helper()
	if got.status != status || got.text("error") != code || !strings.Contains(got.text("error_description"), text) {
		t.Errorf("got status %d, error %q, %q; want %d, %q, %q",
			got.status, got.text("error"), got.text("error_description"), status, code, text)
	}
}

func TestTheDoubleFlowEndsWithAGoogleToken(t *testing.T) {
	tt := newTenantTest(t)
	rt := tt.login().text("refresh_token")
	wantTenantError(t, tt.token(vaultParams(rt)), 401, "federated_connection_refresh_token_not_found", "Federated connection Refresh Token not found.")

	me := tt.myAccountToken(rt)
	started := tt.connect(me.text("access_token"))
	back := tt.browse(ticketURL(t, started), standin.Choice{})
	if back.Get("state") != "state-2" || back.Has("code") {
		t.Fatalf("came back with %v", back)
	}
	done := tt.complete(me.text("access_token"), started, back.Get("connect_code"))
	if done.status != 201 || done.text("access_type") != "offline" || done.text("connection") != "google-oauth2" {
		t.Fatalf("complete: %d %v", done.status, done.body)
	}

	got := tt.token(vaultParams(rt))
	if got.status != 200 || got.text("token_type") != "Bearer" {
		t.Fatalf("exchange: %d %v", got.status, got.body)
	}
	want := "openid https://www.googleapis.com/auth/userinfo.profile https://www.googleapis.com/auth/userinfo.email " + gmailModify
	if got.text("scope") != want {
		t.Errorf("scope %q, want %q", got.text("scope"), want)
	}
	if !tt.world.GoodToken(got.text("access_token"), standin.DefaultUser, gmailModify) {
		t.Error("Google does not know the access token")
	}
	for _, name := range []string{"refresh_token", "id_token"} {
		if _, ok := got.body[name]; ok {
			t.Errorf("the exchange answers with a %s", name)
		}
	}
	if n := tt.world.TokenRequests(standin.GrantVault); n != 2 {
		t.Errorf("%d exchanges counted, want 2", n)
	}
}

func TestErrorsOfAPathsNobodyServesAreJSON(t *testing.T) {
	tt := newTenantTest(t)
	for _, route := range []string{"GET /", "GET /oauth/token", "PUT /userinfo", "POST /oauth//token", "GET /me/v1", "GET /me/v1/connected-accounts/connect", "PATCH /me/v1/connected-accounts/accounts"} {
		method, path, _ := strings.Cut(route, " ")
		if got := tt.request(method, path, "", "", ""); got.status != 404 {
			t.Errorf("%s: status %d, want 404", route, got.status)
		}
	}
}
