package auth0_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"

	"linkmail/auth"
	"linkmail/auth/auth0"
	"linkmail/cache"
	"linkmail/internal/secret"
)

func TestEachRefusalOfAnExchangeHasItsMeaning(t *testing.T) {
	oauthError := func(status int, code, description string) said {
		return said{status: status, body: fmt.Sprintf(`{"error":%q,"error_description":%q}`, code, description)}
	}
	html := `<html><title>Sign in to the wifi</title> invalid_grant expired</html>`
	tests := []struct {
		name string
		said said
		code string
		kind auth.Kind
	}{
		{"dead token, plain status", oauthError(403, "invalid_grant", "Unknown or invalid refresh token."), "refresh_token_refused", auth.Refused},
		{"dead token, documented status", oauthError(401, "invalid_grant", "Unknown or invalid refresh token."), "refresh_token_refused", auth.Refused},
		{"expired token", oauthError(401, "expired_token", ""), "refresh_token_refused", auth.Refused},
		{"user deleted", oauthError(403, "invalid_grant", "The refresh_token was generated for a user who doesn't exist anymore."), "refresh_token_refused", auth.Refused},
		{"wrong secret", oauthError(401, "invalid_client", "Unauthorized"), "client_refused", auth.Refused},
		{"wrong secret, other code", oauthError(401, "access_denied", "Unauthorized"), "client_refused", auth.Refused},
		{"denied by an Action", oauthError(403, "access_denied", "canary"), "policy_denied", auth.Denied},
		{"grant not allowed", oauthError(403, "unauthorized_client", "Grant type 'urn:auth0:params:oauth:grant-type:token-exchange:federated-connection-access-token' not allowed for the client."), "grant_missing", auth.Misconfigured},
		{"vault off, one code", oauthError(403, "unauthorized_client", "TOKEN VAULT is not enabled for the provided connection"), "connection_purpose", auth.Misconfigured},
		{"vault off, another code", oauthError(400, "invalid_request", "Token Vault is not enabled for the provided connection"), "connection_purpose", auth.Misconfigured},
		{"rotation on", oauthError(400, "invalid_grant", "Rotating refresh token not supported"), "rotation_on", auth.Misconfigured},
		{"wrong kind of client", oauthError(400, "invalid_request", "This client is not a resource server and cannot exchange access tokens"), "client_type", auth.Misconfigured},
		{"unknown connection", oauthError(400, "invalid_request", "connection not found"), "connection_unknown", auth.Misconfigured},
		{"second factor", oauthError(403, "mfa_required", "Multifactor authentication required"), "mfa_required", auth.Misconfigured},
		{"something new", oauthError(400, "surprise", "canary"), "auth0_refused", auth.Misconfigured},
		{"something that is no word", oauthError(400, "canary <b>", "canary"), "auth0_refused", auth.Misconfigured},
		{"JSON without an error", said{status: 403, body: `{"message":"canary"}`}, "auth0_refused", auth.Misconfigured},
		{"too many requests", said{status: 429, header: map[string]string{"Retry-After": "7"}, body: `{"error":"too_many_requests"}`}, "auth0_busy", auth.Unavailable},
		{"server error that sounds like a dead token", oauthError(500, "invalid_grant", "expired"), "auth0_unavailable", auth.Unavailable},
		{"proxy error", said{status: 502, body: html}, "auth0_unavailable", auth.Unavailable},
		{"firewall", said{status: 403, body: html}, "auth0_not_reached", auth.Unavailable},
		{"captive portal", said{status: 200, header: map[string]string{"Content-Type": "text/html"}, body: html}, "auth0_not_reached", auth.Unavailable},
		{"captive portal that redirects", said{status: 302, header: map[string]string{"Location": "https://wifi.example/"}, body: `{"error":"invalid_grant"}`}, "auth0_not_reached", auth.Unavailable},
		{"HTML that calls itself JSON", said{status: 401, body: html}, "auth0_not_reached", auth.Unavailable},
		{"a body without end", said{status: 200, body: `{"access_token":"ya29.canary","x":"` + strings.Repeat("x", 70<<10) + `"}`}, "auth0_not_reached", auth.Unavailable},
		{"an empty answer", said{status: 200, body: ``}, "auth0_not_reached", auth.Unavailable},
		{"a list", said{status: 200, body: `[]`}, "auth0_not_reached", auth.Unavailable},
		{"no token", said{status: 200, body: `{"expires_in":3600}`}, "auth0_answer_incomplete", auth.Unavailable},
		{"a hang-up", said{hangUp: true}, "auth0_unreachable", auth.Unavailable},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := newBench(t)
			b.tenant.exchange = test.said
			for range 2 {
				_, err := b.ask(gmail, nil)
				got := failure(t, err, test.code)
				if got.Kind != test.kind {
					t.Errorf("kind is %d, want %d", got.Kind, test.kind)
				}
				if test.said.header["Retry-After"] == "7" && got.RetryAfter != 7*time.Second {
					t.Errorf("retry after %v, want 7 s", got.RetryAfter)
				}
			}
			// Whatever it was, the token was tried again, and works again.
			if seen := b.tenant.calls(); len(seen) != 2 || seen[1] != "exchange "+refreshToken {
				t.Errorf("the tenant saw %q", seen)
			}
			b.tenant.set(func(s *scripted) { s.exchange = good("") })
			if _, err := b.ask(gmail, nil); err != nil {
				t.Errorf("afterwards: %s", describe(err))
			}
		})
	}
}

func TestOnlyADeadRefreshTokenIsDiscarded(t *testing.T) {
	for name, test := range map[string]struct {
		said said
		dead bool
	}{
		"invalid_grant":             {said{status: 403, body: `{"error":"invalid_grant"}`}, true},
		"invalid_client":            {said{status: 401, body: `{"error":"invalid_client","error_description":"secret has expired"}`}, false},
		"server error":              {said{status: 503, body: `{"error":"invalid_grant"}`}, false},
		"a page that says it all":   {said{status: 400, body: `<p>invalid_grant: expired</p>`}, false},
		"a policy that says it all": {said{status: 403, body: `{"error":"access_denied","error_description":"invalid_grant: expired"}`}, false},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			stored := func(cfg *auth0.Config) { cfg.RefreshToken = secret.Text{} }
			b.tenant.exchange = good(`,"expires_in":120`)
			b.broker.result = `{"access_token":"x","refresh_token":"v1.canary-stored"}`
			if _, err := b.ask(gmail, stored); err == nil {
				t.Fatal("no login was asked for")
			}
			if _, err := b.ask(gmail, stored); err != nil {
				t.Fatal(describe(err))
			}
			b.clock.Advance(time.Hour)
			b.broker.mu.Lock()
			b.broker.result = ""
			b.broker.mu.Unlock()
			b.tenant.set(func(s *scripted) { s.exchange = test.said })
			_, err := b.ask(gmail, stored)
			if link, ok := errors.AsType[*auth.Challenge](err); ok != test.dead || ok && link.Step != 1 {
				t.Errorf("got %s; want a login: %v", describe(err), test.dead)
			}
			b.tenant.set(func(s *scripted) { s.exchange = good("") })
			if _, err := b.ask(gmail, stored); (err == nil) == test.dead {
				t.Errorf("afterwards: %v; want the stored token to be gone: %v", describe(err), test.dead)
			}
		})
	}
}

func TestAServiceTokenIsKeptForAsLongAsItLives(t *testing.T) {
	tests := []struct {
		name    string
		rest    string
		life    time.Duration
		keptFor time.Duration
	}{
		{"a number", `,"expires_in":1377`, 1377 * time.Second, 1316 * time.Second},
		{"a quoted number", `,"expires_in":"1377"`, 1377 * time.Second, 1316 * time.Second},
		{"nothing", ``, 5 * time.Minute, 239 * time.Second},
		{"null", `,"expires_in":null`, 5 * time.Minute, 239 * time.Second},
		{"a negative number", `,"expires_in":-5`, 5 * time.Minute, 239 * time.Second},
		{"less than a minute", `,"expires_in":59`, 59 * time.Second, -1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := newBench(t)
			b.tenant.exchange = good(test.rest)
			expires, err := b.ask(gmail, nil)
			if err != nil {
				t.Fatal(describe(err))
			}
			if life := expires.Sub(b.clock.Now()); life != test.life {
				t.Errorf("the token lives %v, want %v", life, test.life)
			}
			want := 2
			if test.keptFor > 0 {
				b.clock.Advance(test.keptFor)
				if _, err := b.ask(gmail, nil); err != nil || exchanges(b) != 1 {
					t.Fatalf("after %v: %d exchanges, %v; want none but the first", test.keptFor, exchanges(b), describe(err))
				}
				b.clock.Advance(2 * time.Second)
			}
			if _, err := b.ask(gmail, nil); err != nil || exchanges(b) != want {
				t.Errorf("at last: %d exchanges, %v; want %d", exchanges(b), describe(err), want)
			}
		})
	}
}

// exchanges counts the exchanges that the tenant saw.
func exchanges(b *bench) int {
	n := 0
	for _, call := range b.tenant.calls() {
		if strings.HasPrefix(call, "exchange ") {
			n++
		}
	}
	return n
}

func TestTheConsentLinkIsTheOneThatTheTenantNamed(t *testing.T) {
	b := newBench(t)
	_, err := b.ask(gmail, nil)
	challenge(t, err)
	target, err := url.Parse(b.broker.opened[0].CustomAuthorizeURL)
	if err != nil {
		t.Fatal(err)
	}
	if q := target.Query(); q.Get("ticket") != "canary-ticket&x" || q.Get("lang") != "en" || target.Path != "/connect" {
		t.Errorf("the person is sent to %s", target)
	}
	if b.broker.opened[0].CustomState != b.tenant.state || b.tenant.state == "" {
		t.Error("tenant and broker were told different states")
	}

	for name, uri := range map[string]string{
		"another host":   "https://evil.example/connect",
		"another scheme": strings.Replace(b.tenant.URL, "http", "ftp", 1) + "/connect",
		"another port":   b.tenant.URL + "1/connect",
		"a user":         strings.Replace(b.tenant.URL, "http://", "http://x@", 1) + "/connect",
		"a script":       "javascript:alert(1)",
		"nothing":        "",
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.tenant.connect.body = fmt.Sprintf(`{"auth_session":"as-1","connect_uri":%q,"connect_params":{"ticket":"canary-ticket"}}`, uri)
			_, err := b.ask(gmail, nil)
			failure(t, err, "connect_uri_foreign")
		})
	}
}

func TestARotatedRefreshTokenIsStoredBeforeItIsUsed(t *testing.T) {
	b := newBench(t)
	rotated := func(s *scripted) {
		s.refresh.body = fmt.Sprintf(`{"access_token":%q,"refresh_token":"v1.canary-successor","expires_in":86400}`, s.myAccount("create:me:connected_accounts"))
	}
	b.tenant.set(rotated)
	b.tenant.connect = said{hangUp: true} // the process might as well have died here
	_, err := b.ask(gmail, nil)
	failure(t, err, "auth0_unreachable")
	b.tenant.set(func(s *scripted) { s.exchange = good("") })
	if _, err := b.ask(gmail, nil); err != nil {
		t.Fatal(describe(err))
	}
	want := []string{"exchange " + refreshToken, "refresh " + refreshToken, "connect", "exchange v1.canary-successor", "refresh v1.canary-successor"}
	if !slices.Equal(b.tenant.calls(), want) {
		t.Errorf("the tenant saw %q, want %q", b.tenant.calls(), want)
	}
	// A successor that turns out to be dead is forgotten; the configured token
	// is named, not touched.
	b.clock.Advance(time.Hour)
	b.tenant.set(func(s *scripted) { s.exchange = said{status: 403, body: `{"error":"invalid_grant"}`} })
	_, err = b.ask(gmail, nil)
	failure(t, err, "refresh_token_refused")
	_, err = b.ask(gmail, nil)
	failure(t, err, "refresh_token_refused")
	if last := b.tenant.calls(); last[len(last)-1] != "exchange "+refreshToken {
		t.Errorf("the tenant saw %q, want the configured token at last", last)
	}
}

func TestATokenForSomethingElseIsNoSuccess(t *testing.T) {
	b := newBench(t)
	for name, test := range map[string]struct{ token, scope, want string }{
		"opaque":                      {"canary-opaque", "", "mrrt_missing"},
		"another audience":            {unsigned(map[string]any{"aud": "https://api.example/", "scope": "create:me:connected_accounts"}), "", "mrrt_missing"},
		"no audience":                 {unsigned(map[string]any{"scope": "create:me:connected_accounts"}), "", "mrrt_missing"},
		"scope missing":               {b.tenant.myAccount("read:me:connected_accounts openid"), "", "my_account_scope"},
		"among several audiences":     {unsigned(map[string]any{"aud": []string{"https://x.example/userinfo", b.tenant.URL + "/me/"}, "scope": "create:me:connected_accounts"}), "", ""},
		"scope in the answer instead": {unsigned(map[string]any{"aud": b.tenant.URL + "/me/"}), "openid create:me:connected_accounts", ""},
	} {
		t.Run(name, func(t *testing.T) {
			b.store = cache.NewMemory(b.clock.Now)
			b.tenant.set(func(s *scripted) {
				s.refresh.body = fmt.Sprintf(`{"access_token":%q,"scope":%q}`, test.token, test.scope)
			})
			_, err := b.ask(gmail, nil)
			if test.want == "" {
				challenge(t, err)
				return
			}
			failure(t, err, test.want)
		})
	}
}

func TestEachRefusalOfTheMyAccountAPIHasItsMeaning(t *testing.T) {
	problem := func(status int, code string) said {
		return said{status: status, body: fmt.Sprintf(`{"type":"https://auth0.com/api-errors/%s","status":%d,"title":"canary","detail":"canary"}`, code, status)}
	}
	tests := []struct {
		name string
		said said
		code string
	}{
		{"validation", problem(400, "A0E-400-0003"), "connect_refused"},
		{"invalid token", problem(401, "A0E-401-0003"), "my_account_token_refused"},
		{"insufficient scope", problem(403, "A0E-403-0002"), "my_account_scope"},
		{"not found", problem(404, "A0E-404-0001"), "connection_unavailable"},
		{"conflict", problem(409, "A0E-409-0001"), "auth0_refused"},
		{"wrong type", problem(415, "A0E-415-0001"), "auth0_refused"},
		{"rate limit", problem(429, "A0E-429-0003"), "auth0_busy"},
		{"down", problem(500, "A0E-500-0001"), "auth0_unavailable"},
		{"a page", said{status: 404, body: `<html>`}, "auth0_not_reached"},
		{"a page for success", said{status: 200, body: `<html>`}, "auth0_not_reached"},
		{"no ticket", said{status: 201, body: `{"auth_session":"x"}`}, "auth0_answer_incomplete"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := newBench(t)
			b.tenant.connect = test.said
			_, err := b.ask(gmail, nil)
			failure(t, err, test.code)
			if len(b.broker.opened) != 0 {
				t.Error("the person was sent somewhere")
			}
		})
	}
}

func TestEachAnswerToACompletionHasItsConsequence(t *testing.T) {
	tests := []struct {
		name     string
		result   string // of the trip
		complete said
		want     string // failure; "token" or "link" otherwise
		next     string // what the call after that sees
	}{
		{"created", `{"connect_code":"cc"}`, said{status: 201, body: `{"id":"cac_1"}`}, "token", "token"},
		{"the status of the prose", `{"connect_code":"cc"}`, said{status: 200, body: `{}`}, "token", "token"},
		{"not found: too late", `{"connect_code":"cc"}`, said{status: 404, body: `{"status":404}`}, "link", "link"},
		{"conflict", `{"connect_code":"cc"}`, said{status: 409, body: `{"status":409}`}, "link", "link"},
		{"refused", `{"connect_code":"cc"}`, said{status: 400, body: `{"status":400,"title":"canary"}`}, "connect_not_completed", "link"},
		{"an error that has no error key", `{"connect_code":"cc"}`, said{status: 403, body: `{"status":403}`}, "my_account_scope", "my_account_scope"},
		{"down", `{"connect_code":"cc"}`, said{status: 503, body: ``}, "auth0_unavailable", "auth0_unavailable"},
		{"a page", `{"connect_code":"cc"}`, said{status: 200, body: `<html>`}, "auth0_not_reached", "auth0_not_reached"},
		{"no connect code", `{"state":"x"}`, said{}, "connect_code_missing", "link"},
		{"denied", `{"error":"access_denied"}`, said{}, "denied", "link"},
		{"another error", `{"error":"server_error","error_description":"x"}`, said{}, "authorization_failed", "link"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := newBench(t)
			_, err := b.ask(gmail, nil)
			challenge(t, err)
			b.tenant.complete = test.complete
			if test.want == "token" {
				b.tenant.exchange = good("")
			}
			b.broker.result = test.result
			for i, want := range []string{test.want, test.next} {
				_, err := b.ask(gmail, nil)
				switch want {
				case "token":
					if err != nil {
						t.Errorf("call %d: %s, want a token", i+1, describe(err))
					}
				case "link":
					if link := challenge(t, err); link.Step != 2 || len(b.broker.opened) != 2 {
						t.Errorf("call %d: %+v after %d sessions, want the second", i+1, link, len(b.broker.opened))
					}
				default:
					failure(t, err, want)
				}
				b.broker.mu.Lock()
				if len(b.broker.opened) > 1 || want != test.next {
					b.broker.result = ""
				}
				b.broker.mu.Unlock()
			}
		})
	}
}

func TestACompletionIsTriedWithAFreshTokenOnce(t *testing.T) {
	b := newBench(t)
	_, err := b.ask(gmail, nil)
	challenge(t, err)
	b.broker.result = `{"connect_code":"cc"}`
	b.tenant.complete = said{status: 401, body: `{"status":401}`}
	_, err = b.ask(gmail, nil)
	failure(t, err, "my_account_token_refused")
	want := []string{"exchange " + refreshToken, "refresh " + refreshToken, "connect", "complete cc", "refresh " + refreshToken, "complete cc"}
	if !slices.Equal(b.tenant.calls(), want) {
		t.Errorf("the tenant saw %q, want %q", b.tenant.calls(), want)
	}
}

func TestAStateThatIsTakenIsReplacedWithoutTroublingAnybody(t *testing.T) {
	b := newBench(t)
	b.broker.clashes = 1
	_, err := b.ask(gmail, nil)
	failure(t, err, "broker_state_taken") // a broker that says so of a fresh state is at fault itself
	b.broker.clashes = 1
	_, err = b.ask(gmail, nil)
	challenge(t, err)
}

// dead is a tenant that answers 503 when it is released.
type dead struct {
	mu      sync.Mutex
	asked   int
	release chan struct{}
}

func (d *dead) RoundTrip(r *http.Request) (*http.Response, error) {
	d.mu.Lock()
	d.asked++
	d.mu.Unlock()
	<-d.release
	return &http.Response{StatusCode: 503, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
}

func TestManyCallersOfADeadTenantAskItOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := &dead{release: make(chan struct{})}
		p, err := auth0.New(auth0.Config{
			Domain: "tenant.example", ClientID: "c", ClientSecret: secret.New("canary"), RefreshToken: secret.New(refreshToken),
			Store: cache.NewMemory(nil), HTTP: &http.Client{Transport: tenant},
		})
		if err != nil {
			t.Fatal(err)
		}
		var group sync.WaitGroup
		for range 100 {
			group.Go(func() {
				_, err := p.Token(t.Context(), gmail)
				if got, ok := errors.AsType[*auth.Failure](err); !ok || got.Code != "auth0_unavailable" {
					t.Errorf("got %s", describe(err))
				}
			})
		}
		synctest.Wait() // all of them wait for the same answer now
		close(tenant.release)
		group.Wait()
		if tenant.asked != 1 {
			t.Errorf("the tenant was asked %d times, want once", tenant.asked)
		}
	})
}

func TestATenantThatNeverAnswersIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, err := auth0.New(auth0.Config{
			Domain: "tenant.example", ClientID: "c", ClientSecret: secret.New("canary"), RefreshToken: secret.New(refreshToken),
			Store: cache.NewMemory(nil), HTTP: &http.Client{Transport: silent{}},
		})
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		_, err = p.Token(t.Context(), gmail)
		if got := failure(t, err, "auth0_unreachable"); !strings.Contains(got.Message, "did not answer in time") {
			t.Errorf("message is %q", got.Message)
		}
		if took := time.Since(began); took != time.Minute {
			t.Errorf("it took %v, want a minute", took)
		}
	})
}

// silent is a tenant that never answers.
type silent struct{}

func (silent) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// returning is a way to a person who has come back with the parameters.
type returning url.Values

func (r returning) Login(context.Context, auth.LoginRequest) (*oauth2.Token, error) {
	return nil, auth.CallbackFailure(url.Values(r))
}

func (r returning) Redirect(context.Context, auth.RedirectRequest) (url.Values, error) {
	return url.Values(r), nil
}

func (returning) CallbackURL() string { return "http://127.0.0.1:1/callback" }

func TestALoginThatComesBackWithAnErrorNamesTheSetting(t *testing.T) {
	tests := []struct{ code, description, want, says string }{
		{"access_denied", "Service not found: https://api.example/", "audience_unknown", "AUTH0_AUDIENCE"},
		{"access_denied", `Client "x" is not authorized to access resource server "https://api.example/".`, "client_grant_missing", "AUTH0_AUDIENCE"},
		{"invalid_request", "The connection is not active for authentication.", "connection_purpose", "Authentication"},
		{"invalid_request", "the connection is not enabled", "connection_disabled", "Connections"},
		{"invalid_request", "no connections enabled for the client", "connection_disabled", "Connections"},
		{"unauthorized_client", "Grant type 'authorization_code' not allowed for the client.", "grant_missing", "Authorization Code"},
		{"access_denied", "User did not authorize the request", "denied", "fresh link"},
		{"server_error", "", "authorization_failed", "server_error"},
	}
	for _, test := range tests {
		t.Run(test.description, func(t *testing.T) {
			b := newBench(t)
			_, err := b.ask(gmail, func(cfg *auth0.Config) {
				cfg.RefreshToken = secret.Text{}
				cfg.Connector = returning{"error": {test.code}, "error_description": {test.description}}
			})
			got := failure(t, err, test.want)
			if !strings.Contains(got.Message+" "+got.Hint, test.says) {
				t.Errorf("failure is %s, want something of %s", describe(&got), test.says)
			}
		})
	}
}
