package auth0_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"linkmail/auth"
	"linkmail/auth/auth0"
	"linkmail/auth/linkauth"
	"linkmail/broker"
	"linkmail/internal/secret"
	"linkmail/internal/standin"
)

// newHeldRig is a rig whose broker keeps the client secret.
func newHeldRig(t *testing.T, changes ...func(*broker.Config)) *rig {
	t.Helper()
	r := newRigWith(t, func(next http.Handler) http.Handler { return next }, changes...)
	r.held = true
	return r
}

func TestTheDoubleFlowWithoutTheClientSecret(t *testing.T) {
	var log strings.Builder
	r := newHeldRig(t, func(cfg *broker.Config) { cfg.Log = zerolog.New(&log) })
	token := r.connect()
	// The machine renews as well, after a refusal and when the time has come.
	r.clock.Advance(token.Expiry.Sub(r.clock.Now()))
	again, err := r.ask(gmail)
	if err != nil || again.AccessToken == token.AccessToken {
		t.Fatalf("after an hour: %s", describe(err))
	}
	status, err := r.provider(nil).Status(t.Context(), gmail.Principal)
	if err != nil || !status.SignedIn || status.Account != standin.DefaultUser {
		t.Errorf("status = %+v, %v", status, err)
	}
	for _, kind := range []string{"refresh", "vault"} {
		if !strings.Contains(log.String(), `"kind":"`+kind+`"`) {
			t.Errorf("the broker's log has no line for a request of the kind %s:\n%s", kind, log.String())
		}
	}
	for _, canary := range []string{standin.DemoClientSecret, "v1.", "ya29.", "eyJ"} {
		if strings.Contains(log.String(), canary) {
			t.Errorf("the broker's log holds %q", canary)
		}
	}
	refresh := standin.GrantRefreshToken
	before := r.world.TokenRequests(refresh)
	out, err := r.provider(nil).SignOut(t.Context(), gmail.Principal)
	if err != nil || !strings.Contains(strings.Join(out.Done, " "), "revoked at Auth0") || r.world.TokenRequests(refresh) != before+1 {
		t.Errorf("sign-out: %+v, %v", out, err)
	}
	for _, left := range out.Left {
		if !strings.Contains(left, "Google still lists") {
			t.Errorf("the sign-out left: %s", left)
		}
	}
}

// TestWhatDiscardsASignInThatTheBrokerRenews: only Auth0's word on the refresh
// token itself, and the broker passes that on as it is.
func TestWhatDiscardsASignInThatTheBrokerRenews(t *testing.T) {
	oauth := func(status int, code, description string) *standin.Fault {
		return &standin.Fault{
			Status: status, Header: http.Header{"Content-Type": {"application/json"}},
			Body: fmt.Sprintf(`{"error":%q,"error_description":%q}`, code, description),
		}
	}
	tests := []struct {
		name  string
		fault *standin.Fault
		code  string // of the failure; empty for a new login
		kind  auth.Kind
		says  string
	}{
		{"the token is dead", oauth(403, "invalid_grant", "Unknown or invalid refresh token."), "", 0, ""},
		{"a setting that sounds like it", oauth(400, "invalid_grant", "Rotating refresh token not supported"), "rotation_on", auth.Misconfigured, "rotates"},
		{"the broker's secret is wrong", oauth(401, "access_denied", "Unauthorized"), "client_refused", auth.Refused, "the broker"},
		{"the broker's client is unknown", oauth(401, "invalid_client", "Unauthorized"), "client_refused", auth.Refused, "OAUTH_AUTH0_CLIENT_ID"},
		{"the grant is missing", oauth(403, "unauthorized_client", "Grant type not allowed for the client."), "grant_missing", auth.Misconfigured, "Token Vault"},
		{"an Action denies it", oauth(403, "access_denied", "canary"), "policy_denied", auth.Denied, "Action"},
		{"a second factor", oauth(403, "mfa_required", "Multifactor authentication required"), "mfa_required", auth.Misconfigured, ""},
		{"too many requests", oauth(429, "too_many_requests", "invalid_grant"), "broker_unavailable", auth.Unavailable, ""},
		{"a server error", oauth(503, "invalid_grant", "expired"), "broker_unavailable", auth.Unavailable, ""},
		{"a page", &standin.Fault{Status: 403, Header: http.Header{"Content-Type": {"text/html"}}, Body: "<html>invalid_grant"}, "broker_unavailable", auth.Unavailable, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newHeldRig(t)
			r.connect()
			r.clock.Advance(2 * time.Hour)
			r.world.SetFault(func(req *http.Request) *standin.Fault {
				if req.URL.Path == "/oauth/token" {
					return tt.fault
				}
				return nil
			})
			_, err := r.ask(gmail)
			if tt.code == "" {
				if c := challenge(t, err); c.Step != 1 {
					t.Errorf("challenge is %+v, want a login", c)
				}
				return
			}
			got := failure(t, err, tt.code)
			if got.Kind != tt.kind || !strings.Contains(got.Message+got.Hint, tt.says) || strings.Contains(got.Message+got.Hint, "AUTH0_CLIENT_SECRET, ") {
				t.Errorf("the failure is %s", describe(&got))
			}
			r.world.SetFault(nil)
			if _, err := r.ask(gmail); err != nil {
				t.Errorf("afterwards: %s", describe(err))
			}
		})
	}
}

// TestABrokerThatDoesNotLendItsSecret is told apart from a tenant that is wrong,
// in the flow and by the doctor, and costs nobody a sign-in.
func TestABrokerThatDoesNotLendItsSecret(t *testing.T) {
	key := func(scopes ...broker.Scope) func(*broker.Config) {
		return func(cfg *broker.Config) {
			cfg.Keys = []broker.APIKey{{Name: "agent", Secret: secret.New("agent-key"), Scopes: scopes}}
		}
	}
	provider := func(change func(*broker.Provider)) func(*broker.Config) {
		return func(cfg *broker.Config) {
			p := cfg.Providers["auth0"]
			change(&p)
			cfg.Providers["auth0"] = p
		}
	}
	none := func(*broker.Config) {}
	tests := []struct {
		name   string
		broker func(*broker.Config)
		front  http.HandlerFunc // answers the trades
		code   string
		kind   auth.Kind
		hint   string
	}{
		{"a key that may not", key(broker.ScopeSessions), nil, "secret_not_lent", auth.Refused, "scope refresh"},
		{"a connection that is not listed", provider(func(p *broker.Provider) { p.Connections = []string{"github"} }), nil, "secret_not_lent", auth.Misconfigured, "OAUTH_AUTH0_CONNECTIONS"},
		{"another broker", none, http.NotFound, "secret_not_held", auth.Misconfigured, "linkmail's own broker"},
		{"a broker without that client", none, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = w.Write([]byte(`{"title":"OAuth Provider Error","status":400}`))
		}, "secret_not_held", auth.Misconfigured, "OAUTH_AUTH0_CLIENT_ID"},
		{"a broker that is away", none, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }, "broker_unavailable", auth.Unavailable, ""},
		{"a page of the network", none, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>canary")) }, "not_a_broker", auth.Misconfigured, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			front := func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if tt.front != nil && (r.URL.Path == "/v1/oauth/vault" || r.URL.Path == "/v1/oauth/refresh") {
						tt.front(w, r)
						return
					}
					next.ServeHTTP(w, r)
				})
			}
			r := newRigWith(t, front, tt.broker)
			r.held = true
			withKey := func(cfg *auth0.Config) {
				connector, err := linkauth.New(linkauth.Config{BrokerURL: r.broker, APIKey: secret.New("agent-key"), Store: cfg.Store, Now: r.clock.Now})
				if err != nil {
					t.Fatal(err)
				}
				cfg.Connector, cfg.Holder = connector, connector.Desk("auth0")
			}
			for range 2 {
				err := r.walk(withKey)
				got := failure(t, err, tt.code)
				if got.Kind != tt.kind || !strings.Contains(got.Hint, tt.hint) {
					t.Errorf("the failure is %s", describe(&got))
				}
			}
			status, err := r.provider(withKey).Status(t.Context(), gmail.Principal)
			if err != nil || !status.SignedIn {
				t.Errorf("the sign-in is gone: %+v, %v", status, err)
			}
			found := false
			for _, check := range r.probe(withKey, false) {
				if check.ID != "client" {
					continue
				}
				found = true
				want := auth.Failed
				if tt.kind == auth.Unavailable {
					return // doctor's broker check says that
				}
				if check.Verdict != want || !strings.Contains(check.Advice, tt.hint) || check.Saw == "" {
					t.Errorf("the doctor says %+v", check)
				}
			}
			if !found {
				t.Error("the doctor has no check of the client")
			}
		})
	}
}

// TestASettingThatBreaksIsNamedWithTheSecretAtTheBroker: nothing of what Auth0
// says is lost on the way, so flow and doctor name what they name otherwise.
func TestASettingThatBreaksIsNamedWithTheSecretAtTheBroker(t *testing.T) {
	google := func(f func(*standin.Connection)) func(*standin.Tenant) {
		return func(t *standin.Tenant) { f(t.Connection("google-oauth2")) }
	}
	tests := []struct {
		name    string
		broken  func(*standin.Tenant)
		flow    string // the code of the failure
		setting string // that doctor names
	}{
		// That it has no secret shows only to whoever has one.
		{"the application has no secret", func(t *standin.Tenant) { t.Application.AuthMethod = "none" }, "grant_missing", "grants"},
		{"the application is a third party's", func(t *standin.Tenant) { t.Application.FirstParty = false }, "grant_missing", "grants"},
		{"the vault grant is missing", func(t *standin.Tenant) {
			t.Application.GrantTypes = []string{standin.GrantAuthorizationCode, standin.GrantRefreshToken}
		}, "grant_missing", "grants"},
		{"the connection is for logins only", google(func(c *standin.Connection) { c.ConnectedAccounts = false }), "connection_purpose", "purpose"},
		{"the connection uses developer keys", google(func(c *standin.Connection) { c.DevKeys = true }), "vault_empty", "connection_offline"},
		{"there is no policy, and it does not show", func(t *standin.Tenant) { t.Application.RefreshToken.Policies = nil }, "mrrt_missing", "refresh_policy"},
		{"there is no policy, and Auth0 says so", func(t *standin.Tenant) {
			t.Application.RefreshToken.Policies, t.Application.RefreshToken.Strict = nil, true
		}, "mrrt_missing", "refresh_policy"},
		{"the My Account API is not active", func(t *standin.Tenant) { t.MyAccount.Active = false }, "my_account_inactive", "my_account"},
		{"the application has no access to the My Account API", func(t *standin.Tenant) { t.ClientGrants = nil }, "client_grant_missing", "my_account_grant"},
		{"refresh tokens rotate", func(t *standin.Tenant) { t.Application.RefreshToken.Rotation = true }, "rotation_on", "rotation"},
		{"a second factor is always asked for", func(t *standin.Tenant) { t.MFAAlways = true }, "mfa_required", "mfa"},
		{"the My Account API asks for a second factor", func(t *standin.Tenant) { t.MyAccount.Require2FA = true }, "my_account_mfa", "my_account_mfa"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newHeldRig(t)
			r.world.Tenant(tt.broken)
			failure(t, r.walk(nil), tt.flow)
			blames(t, r.probe(nil, false), tt.setting)
		})
	}
}

// blames checks that the doctor names one setting and no other.
func blames(t *testing.T, checks []auth.Check, setting string) auth.Check {
	t.Helper()
	var found auth.Check
	for _, check := range checks {
		if check.Verdict != auth.Failed {
			continue
		}
		if found = check; check.Setting != setting || check.Saw == "" || check.Where == "" || check.Advice == "" {
			t.Errorf("the doctor blames %+v, want %s", check, setting)
		}
	}
	if found.Setting == "" {
		t.Errorf("the doctor does not name %s: %+v", setting, checks)
	}
	return found
}

func TestTheDoctorWithTheSecretAtTheBroker(t *testing.T) {
	r := newHeldRig(t)
	r.connect()
	for _, check := range r.probe(nil, true) {
		if check.Verdict != auth.Passed {
			t.Errorf("all is well, and the doctor says %+v", check)
		}
		if check.ID == "client" && !strings.Contains(check.Saw, "broker, which holds the secret") {
			t.Errorf("the check of the client does not say who has the secret: %+v", check)
		}
	}
	r.world.Tenant(func(t *standin.Tenant) { t.Application.Secret = "another" })
	if got := blames(t, r.probe(nil, false), "client_credentials"); !strings.Contains(got.Where, "OAUTH_AUTH0_CLIENT_SECRET") {
		t.Errorf("the place is %q, want the broker's setting", got.Where)
	}
}

func TestAProviderNeedsASecretOrSomebodyWhoHasIt(t *testing.T) {
	r := newHeldRig(t)
	cfg := auth0.Config{Domain: r.tenant, ClientID: "id", RefreshToken: secret.New("v1.x"), Store: r.store()}
	if _, err := auth0.New(cfg); err == nil || !strings.Contains(err.Error(), "AUTH0_CLIENT_SECRET") {
		t.Errorf("New = %v, want that the secret is missing", err)
	}
	srv := httptest.NewServer(http.NotFoundHandler())
	defer srv.Close()
	connector, err := linkauth.New(linkauth.Config{BrokerURL: srv.URL, Store: r.store()})
	if err != nil {
		t.Fatal(err)
	}
	cfg.Holder = connector.Desk("auth0")
	if _, err := auth0.New(cfg); err != nil {
		t.Errorf("New = %v", err)
	}
}
