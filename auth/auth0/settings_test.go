package auth0_test

import (
	"errors"
	"strings"
	"testing"

	"linkmail/auth"
	"linkmail/auth/auth0"
	"linkmail/auth/authtest"
	"linkmail/internal/secret"
	"linkmail/internal/standin"
)

// TestEachWrongSettingIsNamed switches off one setting of the tenant at a time.
// The failure has to name it, every time anew, and the sign-in has to survive:
// with the setting back in place the same cache works.
func TestEachWrongSettingIsNamed(t *testing.T) {
	google := func(f func(*standin.Connection)) func(*standin.Tenant) {
		return func(t *standin.Tenant) { f(t.Connection("google-oauth2")) }
	}
	tests := []struct {
		name  string
		wrong func(*standin.Tenant)
		code  string
		kind  auth.Kind
		says  string // part of message and hint
	}{
		{"the vault grant is missing", func(t *standin.Tenant) { t.Application.GrantTypes = []string{standin.GrantRefreshToken} }, "grant_missing", auth.Misconfigured, "Token Vault"},
		{"the refresh grant is missing", func(t *standin.Tenant) { t.Application.GrantTypes = []string{standin.GrantVault} }, "grant_missing", auth.Misconfigured, "Refresh Token"},
		{"the secret was changed", func(t *standin.Tenant) { t.Application.Secret = "another" }, "client_refused", auth.Refused, "AUTH0_CLIENT_SECRET"},
		{"the application was deleted", func(t *standin.Tenant) { t.Application.ID = "another" }, "client_refused", auth.Refused, "AUTH0_CLIENT_ID"},
		{"Token Vault is off for the connection", google(func(c *standin.Connection) { c.ConnectedAccounts = false }), "connection_", auth.Misconfigured, "Purpose"},
		{"the connection is not enabled for the application", google(func(c *standin.Connection) { c.Enabled = false }), "connection_", auth.Misconfigured, "google-oauth2"},
		{"the My Account API is not active", func(t *standin.Tenant) { t.MyAccount.Active = false }, "my_account_inactive", auth.Misconfigured, "My Account API"},
		{"the My Account API has no client grant", func(t *standin.Tenant) { t.ClientGrants = nil }, "client_grant_missing", auth.Misconfigured, "My Account API"},
		{"the client grant lacks the scope", func(t *standin.Tenant) { t.ClientGrants[0].Scopes = []string{"read:me:connected_accounts"} }, "my_account_scope", auth.Misconfigured, "create:me:connected_accounts"},
		{"no refresh token policy, answered with another token", func(t *standin.Tenant) { t.Application.RefreshToken.Policies = nil }, "mrrt_missing", auth.Misconfigured, "Multi-Resource"},
		{"no refresh token policy, refused", func(t *standin.Tenant) {
			t.Application.RefreshToken.Policies, t.Application.RefreshToken.Strict = nil, true
		}, "mrrt_missing", auth.Misconfigured, "Multi-Resource"},
		{"the callback is not allowed", func(t *standin.Tenant) { t.Application.Callbacks = []string{"https://elsewhere.example/"} }, "connect_refused", auth.Misconfigured, "/v1/oauth/callback"},
		{"a second factor is always asked for", func(t *standin.Tenant) { t.MFAAlways = true }, "mfa_required", auth.Misconfigured, "Multi-factor"},
		{"the My Account API asks for a second factor", func(t *standin.Tenant) { t.MyAccount.Require2FA = true }, "my_account_mfa", auth.Misconfigured, "second factor"},
		{"an Action denies", func(t *standin.Tenant) { t.DenyText = "canary: not today" }, "policy_denied", auth.Denied, "Action"},
		{"refresh tokens rotate", func(t *standin.Tenant) { t.Application.RefreshToken.Rotation = true }, "rotation_on", auth.Misconfigured, "Rotation"},
		{"too many requests", func(t *standin.Tenant) { t.RateLimit = 1 }, "auth0_busy", auth.Unavailable, "again later"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := newRig(t)
			configured := secret.New(r.world.AddRefreshToken(standin.DefaultUser))
			with := func(cfg *auth0.Config) { cfg.RefreshToken = configured }
			var good standin.Tenant
			r.world.Tenant(func(tenant *standin.Tenant) {
				good = copyOf(*tenant)
				test.wrong(tenant)
			})
			for range 2 {
				_, err := r.provider(with).Token(t.Context(), gmail)
				got := failureLike(t, err, test.code)
				if got.Kind != test.kind {
					t.Errorf("kind is %d, want %d", got.Kind, test.kind)
				}
				if !strings.Contains(got.Message+" "+got.Hint, test.says) {
					t.Errorf("the failure says %q and %q, want something of %q", got.Message, got.Hint, test.says)
				}
			}
			r.world.Tenant(func(tenant *standin.Tenant) { *tenant = good })
			_, err := r.provider(with).Token(t.Context(), gmail)
			challenge(t, err)
		})
	}
}

// failureLike is failure for a code that begins with code.
func failureLike(t *testing.T, err error, code string) auth.Failure {
	t.Helper()
	out, ok := errors.AsType[*auth.Failure](err)
	if !ok || !strings.HasPrefix(out.Code, code) {
		t.Fatalf("got %s, want the failure %s", describe(err), code)
	}
	authtest.NoSecrets(t, out)
	return *out
}

// copyOf copies what the tests change.
func copyOf(t standin.Tenant) standin.Tenant {
	t.Connections = append([]standin.Connection(nil), t.Connections...)
	t.ClientGrants = append([]standin.ClientGrant(nil), t.ClientGrants...)
	return t
}

func TestALoginThatGivesNoRefreshTokenNamesTheSetting(t *testing.T) {
	r := newRig(t)
	with := func(cfg *auth0.Config) { cfg.Audience = standin.DemoAudience }
	r.world.Tenant(func(tenant *standin.Tenant) { tenant.APIs[0].AllowOfflineAccess = false })
	_, err := r.provider(with).Token(t.Context(), gmail)
	link := challenge(t, err)
	r.visit(link, standin.Choice{})
	r.poll()
	_, err = r.provider(with).Token(t.Context(), gmail)
	if got := failure(t, err, "no_refresh_token"); !strings.Contains(got.Hint, "Allow Offline Access") {
		t.Errorf("hint is %q", got.Hint)
	}
	r.world.Tenant(func(tenant *standin.Tenant) { tenant.APIs[0].AllowOfflineAccess = true })
	_, err = r.provider(with).Token(t.Context(), gmail)
	if fresh := challenge(t, err); fresh.URL == link.URL {
		t.Error("the used link is shown again")
	} else {
		r.visit(fresh, standin.Choice{})
	}
	r.poll()
	_, err = r.provider(with).Token(t.Context(), gmail)
	if next := challenge(t, err); next.Step != 2 {
		t.Errorf("challenge is %+v, want the consent", next)
	}
}

func TestAVaultThatStaysEmptyAfterTheConsentNamesTheSetting(t *testing.T) {
	for name, wrong := range map[string]func(*standin.Connection){
		"developer keys":    func(c *standin.Connection) { c.DevKeys = true },
		"no offline access": func(c *standin.Connection) { c.OfflineAccess = false },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.world.Tenant(func(tenant *standin.Tenant) { wrong(tenant.Connection("google-oauth2")) })
			_, err := r.ask(gmail)
			r.visit(challenge(t, err), standin.Choice{})
			r.poll()
			_, err = r.ask(gmail)
			link := challenge(t, err)
			r.visit(link, standin.Choice{})
			r.poll()
			_, err = r.ask(gmail)
			got := failure(t, err, "vault_empty")
			if got.Kind != auth.Misconfigured || !strings.Contains(got.Hint, "Offline Access") || !strings.Contains(got.Hint, "developer keys") {
				t.Errorf("failure is %s", describe(&got))
			}
			_, err = r.ask(gmail)
			if fresh := challenge(t, err); fresh.Step != 2 || fresh.URL == link.URL {
				t.Errorf("the next call shows %+v, want a fresh link", fresh)
			}
		})
	}
}

func TestALoginWithAnotherApplicationIsNoLoop(t *testing.T) {
	r := newRig(t)
	_, err := r.ask(gmail)
	r.visit(challenge(t, err), standin.Choice{})
	r.poll()
	r.world.RevokeRefreshTokens(standin.DefaultUser) // as good as one of another application
	_, err = r.ask(gmail)
	if got := failure(t, err, "login_not_usable"); !strings.Contains(got.Hint, "AUTH0_CLIENT_ID") {
		t.Errorf("hint is %q", got.Hint)
	}
	_, err = r.ask(gmail)
	if link := challenge(t, err); link.Step != 1 {
		t.Errorf("the next call shows %+v, want a login", link)
	}
}

func TestNewNamesEveryWrongSetting(t *testing.T) {
	r := newRig(t)
	_, err := auth0.New(auth0.Config{})
	for _, name := range []string{"AUTH0_DOMAIN", "AUTH0_CLIENT_ID", "AUTH0_CLIENT_SECRET", "AUTH0_REFRESH_TOKEN"} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("error is %v, want one that names %s", err, name)
		}
	}
	domains := map[string]string{ // domain -> part of the error, empty for none
		"example.eu.auth0.com":            "",
		"EXAMPLE.eu.auth0.com":            "",
		"https://example.eu.auth0.com/":   "",
		"http://127.0.0.1:1234":           "",
		"http://localhost:1234":           "",
		"http://example.eu.auth0.com":     "loopback",
		"http://127.0.0.1.nip.example":    "loopback",
		"example.eu.auth0.com/path":       "without a path",
		"https://user:canary@example.com": "AUTH0_DOMAIN",
		"https://example.com/?canary=1":   "AUTH0_DOMAIN",
		"https://":                        "AUTH0_DOMAIN",
		"ftp://example.com":               "scheme",
		"exa mple.com":                    "AUTH0_DOMAIN",
	}
	for domain, want := range domains {
		t.Run(domain, func(t *testing.T) {
			_, err := auth0.New(auth0.Config{
				Domain: domain, ClientID: "c", ClientSecret: secret.New("canary"), RefreshToken: secret.New("canary"), Store: r.store(),
			})
			switch {
			case want == "" && err != nil:
				t.Errorf("got %v, want none", err)
			case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
				t.Errorf("got %v, want an error about %s", err, want)
			case err != nil && strings.Contains(err.Error(), "canary"):
				t.Errorf("the error holds a secret: %v", err)
			}
		})
	}
}

func TestAnUnknownServiceAndNobodyAreRefused(t *testing.T) {
	r := newRig(t)
	_, err := r.ask(auth.Request{Principal: gmail.Principal, Scope: "fax"})
	failure(t, err, "scope_unknown")
	_, err = r.ask(auth.Request{Scope: "gmail"})
	failure(t, err, "principal_missing")
	if n := len(r.world.Seen()); n != 0 {
		t.Errorf("%d requests were made", n)
	}
}
