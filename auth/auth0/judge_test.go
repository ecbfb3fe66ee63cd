package auth0_test

import (
	"errors"
	"strings"
	"testing"

	"linkmail/auth"
	"linkmail/auth/auth0"
	"linkmail/internal/secret"
	"linkmail/internal/standin"
)

// managerScopes are what a management token needs for doctor and setup.
var managerScopes = []string{
	"read:clients", "update:clients", "read:connections", "read:connections_options", "update:connections",
	"read:resource_servers", "create:resource_servers", "update:resource_servers",
	"read:client_grants", "create:client_grants", "update:client_grants", "read:mfa_policies", "read:tenant_settings",
}

// breakage is one setting of a tenant that is wrong.
type breakage struct {
	name     string
	broken   func(*standin.Tenant)
	audience string
	// flow is the code of the failure that the flow ends with. A broker
	// passes on what kind of error a login came back with, not its text.
	flow    string
	setting string // that has to be named
	outside string // the same without a management token; "" if it is the same
	unclear bool   // from outside it is said to be possible, not certain
	byHand  func(*standin.Tenant)
}

// stuck is the flow of somebody whom Auth0 shows an error page.
const stuck = "stuck in the browser"

func breakages() []breakage {
	google := func(f func(*standin.Connection)) func(*standin.Tenant) {
		return func(t *standin.Tenant) { f(t.Connection("google-oauth2")) }
	}
	return []breakage{
		// 1: a Regular Web Application
		{name: "the application is a single page one", broken: func(t *standin.Tenant) { t.Application.Type = "spa" }, flow: "grant_missing", setting: "application"},
		{name: "the application has no secret", broken: func(t *standin.Tenant) { t.Application.AuthMethod = "none" }, flow: "grant_missing", setting: "application"},
		{name: "the application is a third party's", broken: func(t *standin.Tenant) { t.Application.FirstParty = false }, flow: "grant_missing", setting: "application", outside: "grants"},
		{name: "the application does not conform to OIDC", broken: func(t *standin.Tenant) { t.Application.OIDCConformant = false }, flow: "grant_missing", setting: "application", outside: "grants"},
		// 2: its grant types
		{name: "the vault grant is missing", broken: func(t *standin.Tenant) {
			t.Application.GrantTypes = []string{standin.GrantAuthorizationCode, standin.GrantRefreshToken}
		}, flow: "grant_missing", setting: "grants"},
		{name: "the refresh grant is missing", broken: func(t *standin.Tenant) {
			t.Application.GrantTypes = []string{standin.GrantAuthorizationCode, standin.GrantVault}
		}, flow: "no_refresh_token", setting: "grants"},
		{name: "the code grant is missing", broken: func(t *standin.Tenant) {
			t.Application.GrantTypes = []string{standin.GrantRefreshToken, standin.GrantVault}
		}, flow: "grant_missing", setting: "grants"},
		// 3: the connection
		{name: "the connection is for logins only", broken: google(func(c *standin.Connection) { c.ConnectedAccounts = false }), flow: "connection_purpose", setting: "purpose"},
		{name: "the connection is for accounts only", broken: google(func(c *standin.Connection) { c.Authentication = false }), flow: "authorization_failed", setting: "purpose", outside: "enabled"},
		{name: "the connection is not enabled", broken: google(func(c *standin.Connection) { c.Enabled = false }), flow: "authorization_failed", setting: "enabled"},
		{
			name: "the connection uses developer keys", broken: google(func(c *standin.Connection) { c.DevKeys = true }), flow: "vault_empty", setting: "own_keys", outside: "connection_offline",
			byHand: google(func(c *standin.Connection) { c.DevKeys = false }),
		},
		{
			name: "the connection asks for no offline access", broken: google(func(c *standin.Connection) { c.OfflineAccess = false }), flow: "vault_empty", setting: "connection_offline",
			byHand: google(func(c *standin.Connection) { c.OfflineAccess = true }),
		},
		{
			name: "the connection sets approval_prompt", broken: google(func(c *standin.Connection) { c.ApprovalPrompt = "force" }), flow: "authorization_failed", setting: "approval_prompt", outside: "connected", unclear: true,
			byHand: google(func(c *standin.Connection) { c.ApprovalPrompt = "" }),
		},
		// 4 and 6: the API of the audience
		{
			name: "the API allows no offline access", broken: func(t *standin.Tenant) { t.API(standin.DemoAudience).AllowOfflineAccess = false }, audience: standin.DemoAudience,
			flow: "no_refresh_token", setting: "offline_access", unclear: true,
		},
		{name: "the audience names no API", broken: func(*standin.Tenant) {}, audience: "https://nowhere.example/", flow: "denied", setting: "api"},
		// 5: multi-resource refresh tokens and the My Account API
		{name: "there is no policy, and it does not show", broken: func(t *standin.Tenant) { t.Application.RefreshToken.Policies = nil }, flow: "mrrt_missing", setting: "refresh_policy"},
		{name: "there is no policy, and Auth0 says so", broken: func(t *standin.Tenant) {
			t.Application.RefreshToken.Policies, t.Application.RefreshToken.Strict = nil, true
		}, flow: "mrrt_missing", setting: "refresh_policy"},
		{name: "the policy lacks a scope", broken: func(t *standin.Tenant) {
			t.Application.RefreshToken.Policies[0].Scopes = []string{"read:me:connected_accounts"}
		}, flow: "my_account_scope", setting: "refresh_policy", outside: "my_account_grant"},
		{name: "the My Account API is not active", broken: func(t *standin.Tenant) { t.MyAccount.Active = false }, flow: "my_account_inactive", setting: "my_account"},
		{name: "the My Account API wants a consent", broken: func(t *standin.Tenant) { t.MyAccount.SkipConsent = false }, flow: "mrrt_missing", setting: "my_account_consent", outside: "refresh_policy"},
		{name: "the application has no access to the My Account API", broken: func(t *standin.Tenant) { t.ClientGrants = nil }, flow: "client_grant_missing", setting: "my_account_grant"},
		{name: "the access is the application's own", broken: func(t *standin.Tenant) { t.ClientGrants[0].SubjectType = "client" }, flow: "client_grant_missing", setting: "my_account_grant"},
		{name: "the access lacks a scope", broken: func(t *standin.Tenant) { t.ClientGrants[0].Scopes = []string{"read:me:connected_accounts"} }, flow: "my_account_scope", setting: "my_account_grant"},
		// and the hidden ones
		{name: "refresh tokens rotate", broken: func(t *standin.Tenant) { t.Application.RefreshToken.Rotation = true }, flow: "rotation_on", setting: "rotation"},
		{name: "the callback is not allowed", broken: func(t *standin.Tenant) { t.Application.Callbacks = []string{"https://elsewhere.example/"} }, flow: stuck, setting: "callbacks"},
		{
			name: "a second factor is always asked for", broken: func(t *standin.Tenant) { t.MFAAlways = true }, flow: "mfa_required", setting: "mfa",
			byHand: func(t *standin.Tenant) { t.MFAAlways = false },
		},
		{
			name: "the My Account API asks for a second factor", broken: func(t *standin.Tenant) { t.MyAccount.Require2FA = true }, flow: "my_account_mfa", setting: "my_account_mfa",
			byHand: func(t *standin.Tenant) { t.MyAccount.Require2FA = false },
		},
	}
}

// TestEachSettingBreaksIsNamedAndIsMended switches off one setting at a time.
// The flow fails as Auth0 makes it fail, the doctor names the setting, with a
// management token exactly and without one as far as it shows from outside,
// setup changes it, and after a fresh login the flow works.
func TestEachSettingBreaksIsNamedAndIsMended(t *testing.T) {
	for _, test := range breakages() {
		t.Run(test.name, func(t *testing.T) {
			r := newRig(t)
			with := func(cfg *auth0.Config) { cfg.Audience = test.audience }
			r.world.Tenant(test.broken)

			if got := r.outcome(with); got != test.flow {
				t.Fatalf("the flow ends with %s, want %s", got, test.flow)
			}

			want, verdict := test.setting, auth.Failed
			r.named(t, r.probe(with, true), want, verdict)
			if test.outside != "" {
				want = test.outside
			}
			if test.unclear {
				verdict = auth.Unclear
			}
			r.named(t, r.probe(with, false), want, verdict)

			r.mend(t, with, test.setting, test.byHand)
			r.dir = t.TempDir() // a fresh login
			r.person = standin.NewPerson()
			r.world.Disconnect(standin.DefaultUser, "google-oauth2")
			if err := r.walk(with); err != nil {
				t.Fatalf("after setup the flow ends with %s", describe(err))
			}
			for _, check := range r.probe(with, true) {
				if check.Verdict != auth.Passed {
					t.Errorf("after setup: %+v", check)
				}
			}
		})
	}
}

var errStuck = errors.New("the person got stuck on a page")

// walk asks until there is a token or a failure, and opens every link.
func (r *rig) walk(with func(*auth0.Config)) error {
	r.t.Helper()
	var stuck string // the link that led to an error page
	for range 5 {
		_, err := r.provider(with).Token(r.t.Context(), gmail)
		link, ok := errors.AsType[*auth.Challenge](err)
		switch {
		case !ok:
			return err
		case link.URL == stuck:
			return errStuck
		}
		// One link may lead through both steps, and is then shown again.
		if _, err := r.person.Open(r.t.Context(), link.URL, link.Code, standin.Choice{}); err != nil {
			stuck = link.URL
		}
		r.poll()
	}
	return errors.New("there is no end of links")
}

// outcome is how the flow ends, in a word.
func (r *rig) outcome(with func(*auth0.Config)) string {
	r.t.Helper()
	err := r.walk(with)
	if errors.Is(err, errStuck) {
		return stuck
	}
	if f, ok := errors.AsType[*auth.Failure](err); ok {
		return f.Code
	}
	if err != nil {
		return err.Error()
	}
	return "works"
}

// probe is one visit of the doctor.
func (r *rig) probe(with func(*auth0.Config), management bool) []auth.Check {
	r.t.Helper()
	p := r.provider(with)
	req := auth0.ProbeRequest{Principal: gmail.Principal, Scope: gmail.Scope}
	if management {
		req.Management = r.management(p, managerScopes...)
	}
	_, checks := p.Probe(r.t.Context(), req)
	return checks
}

func (r *rig) management(p *auth0.Provider, scopes ...string) *auth0.Management {
	r.t.Helper()
	m, err := p.Management(secret.New(r.world.ManagementToken(scopes...)), "gmail", nil)
	if err != nil {
		r.t.Fatal(err)
	}
	return m
}

// named checks that the doctor names one setting and no other.
func (r *rig) named(t *testing.T, checks []auth.Check, setting string, verdict auth.Verdict) {
	t.Helper()
	found := false
	for _, check := range checks {
		if check.Verdict == auth.Failed && check.Setting != setting {
			t.Errorf("the doctor blames %+v, want %s", check, setting)
		}
		if check.Setting != setting {
			continue
		}
		if check.Verdict != verdict || check.Where == "" || check.Advice == "" || check.Saw == "" {
			t.Errorf("the check is %+v, want the verdict %s and a place", check, verdict)
		}
		found = true
	}
	if !found {
		t.Errorf("the doctor does not name %s: %+v", setting, checks)
	}
	for _, check := range checks {
		for _, canary := range []string{standin.DemoClientSecret, "v1.M", "ya29.", "mgmt.", "google-secret"} {
			if strings.Contains(check.Saw+check.Where+check.Advice, canary) {
				t.Errorf("the check %s holds %q", check.ID, canary)
			}
		}
	}
}

// mend runs setup. What it leaves to a person the person then does.
func (r *rig) mend(t *testing.T, with func(*auth0.Config), setting string, byHand func(*standin.Tenant)) {
	t.Helper()
	m := r.management(r.provider(with), managerScopes...)
	want := auth0.Changed
	if byHand != nil {
		want = auth0.ByHand
	}
	var google standin.Connection
	r.world.Tenant(func(t *standin.Tenant) { google = *t.Connection("google-oauth2") })
	changes, err := m.Apply(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, change := range changes {
		switch {
		case change.ID == setting && change.Outcome != want:
			t.Errorf("setup did %+v, want %s", change, want)
		case change.ID != setting && change.Outcome != auth0.Untouched:
			t.Errorf("setup touched %+v besides %s", change, setting)
		}
	}
	r.world.Tenant(func(tenant *standin.Tenant) {
		now := tenant.Connection("google-oauth2")
		if now.DevKeys != google.DevKeys || now.OfflineAccess != google.OfflineAccess || now.ApprovalPrompt != google.ApprovalPrompt {
			t.Error("setup has written the options of the connection")
		}
		if byHand != nil {
			byHand(tenant)
		}
	})
}
