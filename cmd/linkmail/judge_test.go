package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"linkmail/auth"
	"linkmail/auth/auth0"
	"linkmail/internal/standin"
)

// stuck is how a flow ends whose browser never comes back.
const stuck = "stuck in the browser"

// A wrong is one thing that can be wrong with a tenant or with Google's side of
// it, what comes of it, and who can mend it.
type wrong struct {
	// of is the setting of the checklist that it belongs to.
	of, name string
	broken   func(*standin.World)
	env      string               // one more variable
	choice   standin.Choice       // what the person does at the consent
	flow     string               // the code that a call ends with
	setting  string               // that has to be named
	outside  string               // the same without a management token; "" if it is the same
	unclear  bool                 // from outside it is said to be possible, not certain
	byHand   func(*standin.World) // what only a person can change; nil if setup does it
	// where is part of the place that setup sends the person to.
	where string
}

// checklist is what everybody has to get right, and what nobody tells them.
var checklist = []string{
	"1 Regular Web Application", "2 grant types", "3 purpose of the connection", "4 offline access of the API",
	"5 multi-resource refresh token", "6 audience", "7 Gmail API", "8 scopes",
	"rotation", "callbacks", "enablement", "My Account API", "client grant", "second factor", "keys of the connection",
}

func tenant(f func(*standin.Tenant)) func(*standin.World) {
	return func(w *standin.World) { w.Tenant(f) }
}

func application(f func(*standin.Application)) func(*standin.World) {
	return tenant(func(t *standin.Tenant) { f(&t.Application) })
}

func googles(f func(*standin.Connection)) func(*standin.World) {
	return tenant(func(t *standin.Tenant) { f(t.Connection("google-oauth2")) })
}

func wrongs() []wrong {
	return []wrong{
		{
			of: "1 Regular Web Application", name: "it is a single page one", flow: "grant_missing", setting: "application",
			broken: application(func(a *standin.Application) { a.Type = "spa" }),
		},
		{
			of: "1 Regular Web Application", name: "it is a native one", flow: "grant_missing", setting: "application",
			broken: application(func(a *standin.Application) { a.Type = "native" }),
		},
		{
			of: "1 Regular Web Application", name: "it has no secret", flow: "grant_missing", setting: "application",
			broken: application(func(a *standin.Application) { a.AuthMethod = "none" }),
		},
		{
			of: "1 Regular Web Application", name: "it is a third party's", flow: "grant_missing", setting: "application", outside: "grants",
			broken: application(func(a *standin.Application) { a.FirstParty = false }),
		},
		{
			of: "1 Regular Web Application", name: "it does not conform to OIDC", flow: "grant_missing", setting: "application", outside: "grants",
			broken: application(func(a *standin.Application) { a.OIDCConformant = false }),
		},
		{
			of: "2 grant types", name: "Token Vault is missing", flow: "grant_missing", setting: "grants",
			broken: application(func(a *standin.Application) {
				a.GrantTypes = []string{standin.GrantAuthorizationCode, standin.GrantRefreshToken}
			}),
		},
		{
			of: "2 grant types", name: "Refresh Token is missing", flow: "no_refresh_token", setting: "grants",
			broken: application(func(a *standin.Application) {
				a.GrantTypes = []string{standin.GrantAuthorizationCode, standin.GrantVault}
			}),
		},
		{
			of: "2 grant types", name: "Authorization Code is missing", flow: "grant_missing", setting: "grants",
			broken: application(func(a *standin.Application) { a.GrantTypes = []string{standin.GrantRefreshToken, standin.GrantVault} }),
		},
		{
			of: "3 purpose of the connection", name: "it is for logins only", flow: "connection_purpose", setting: "purpose",
			broken: googles(func(c *standin.Connection) { c.ConnectedAccounts = false }),
		},
		{
			of: "3 purpose of the connection", name: "it is for accounts only", flow: "connection_disabled", setting: "purpose", outside: "enabled",
			broken: googles(func(c *standin.Connection) { c.Authentication = false }),
		},
		{
			of: "enablement", name: "the application may not use the connection", flow: "connection_disabled", setting: "enabled",
			broken: googles(func(c *standin.Connection) { c.Enabled = false }),
		},
		{
			of: "keys of the connection", name: "they are Auth0's for developers", flow: "vault_empty", setting: "own_keys", outside: "connection_offline",
			broken: googles(func(c *standin.Connection) { c.DevKeys = true }),
			byHand: googles(func(c *standin.Connection) { c.DevKeys = false }), where: "Authentication > Social > google-oauth2 > Client ID",
		},
		{
			of: "keys of the connection", name: "it asks for no offline access", flow: "vault_empty", setting: "connection_offline",
			broken: googles(func(c *standin.Connection) { c.OfflineAccess = false }),
			byHand: googles(func(c *standin.Connection) { c.OfflineAccess = true }), where: "Permissions > Offline Access",
		},
		{
			of: "keys of the connection", name: "it sets approval_prompt", flow: "authorization_failed", setting: "approval_prompt", outside: "connected", unclear: true,
			broken: googles(func(c *standin.Connection) { c.ApprovalPrompt = "force" }),
			byHand: googles(func(c *standin.Connection) { c.ApprovalPrompt = "" }), where: "upstream_params",
		},
		{
			of: "4 offline access of the API", name: "it is off", flow: "no_refresh_token", setting: "offline_access", unclear: true,
			broken: tenant(func(t *standin.Tenant) { t.API(standin.DemoAudience).AllowOfflineAccess = false }),
		},
		{
			of: "6 audience", name: "it names no API", flow: "audience_unknown", setting: "api",
			env: "AUTH0_AUDIENCE=https://nowhere.example/",
		},
		{
			of: "5 multi-resource refresh token", name: "there is no policy, and it does not show", flow: "mrrt_missing", setting: "refresh_policy",
			broken: application(func(a *standin.Application) { a.RefreshToken.Policies = nil }),
		},
		{
			of: "5 multi-resource refresh token", name: "there is no policy, and Auth0 says so", flow: "mrrt_missing", setting: "refresh_policy",
			broken: application(func(a *standin.Application) { a.RefreshToken.Policies, a.RefreshToken.Strict = nil, true }),
		},
		{
			of: "5 multi-resource refresh token", name: "the policy lacks a scope", flow: "my_account_scope", setting: "refresh_policy", outside: "my_account_grant",
			broken: application(func(a *standin.Application) {
				a.RefreshToken.Policies[0].Scopes = []string{"read:me:connected_accounts"}
			}),
		},
		{
			of: "My Account API", name: "it is not active", flow: "my_account_inactive", setting: "my_account",
			broken: tenant(func(t *standin.Tenant) { t.MyAccount.Active = false }),
		},
		{
			of: "My Account API", name: "it wants a consent", flow: "mrrt_missing", setting: "my_account_consent", outside: "refresh_policy",
			broken: tenant(func(t *standin.Tenant) { t.MyAccount.SkipConsent = false }),
		},
		{
			of: "client grant", name: "there is none", flow: "client_grant_missing", setting: "my_account_grant",
			broken: tenant(func(t *standin.Tenant) { t.ClientGrants = nil }),
		},
		{
			of: "client grant", name: "it is the application's own", flow: "client_grant_missing", setting: "my_account_grant",
			broken: tenant(func(t *standin.Tenant) { t.ClientGrants[0].SubjectType = "client" }),
		},
		{
			of: "client grant", name: "it lacks a scope", flow: "my_account_scope", setting: "my_account_grant",
			broken: tenant(func(t *standin.Tenant) { t.ClientGrants[0].Scopes = []string{"read:me:connected_accounts"} }),
		},
		{
			of: "7 Gmail API", name: "it is off", flow: "api_disabled", setting: "gmail_api",
			broken: func(w *standin.World) { w.Google(func(p *standin.GoogleProject) { p.GmailOff = true }) },
			byHand: func(w *standin.World) { w.Google(func(p *standin.GoogleProject) { p.GmailOff = false }) },
			where:  "APIs & Services > Library > Gmail API > Enable",
		},
		{
			of: "8 scopes", name: "the person leaves the box unticked", flow: "scope_not_granted", setting: "scopes",
			choice: standin.Choice{Untick: []string{gmailScope}},
			byHand: func(*standin.World) {}, where: "linkmail login",
		},
		{
			of: "rotation", name: "it is on", flow: "rotation_on", setting: "rotation",
			broken: application(func(a *standin.Application) { a.RefreshToken.Rotation = true }),
		},
		{
			of: "callbacks", name: "ours is not allowed", flow: stuck, setting: "callbacks",
			broken: application(func(a *standin.Application) { a.Callbacks = []string{"https://elsewhere.example/"} }),
		},
		{
			of: "second factor", name: "the tenant always asks for it", flow: "mfa_required", setting: "mfa",
			broken: tenant(func(t *standin.Tenant) { t.MFAAlways = true }),
			byHand: tenant(func(t *standin.Tenant) { t.MFAAlways = false }), where: "Security > Multi-factor Auth",
		},
		{
			of: "second factor", name: "the My Account API asks for it", flow: "my_account_mfa", setting: "my_account_mfa",
			broken: tenant(func(t *standin.Tenant) { t.MyAccount.Require2FA = true }),
			byHand: tenant(func(t *standin.Tenant) { t.MyAccount.Require2FA = false }), where: "Auth0 My Account API > Settings",
		},
	}
}

// TestEachSettingBreaksIsNamedAndIsMended makes one thing wrong at a time. A
// call fails as Auth0 or Google makes it fail, doctor names the setting, with a
// management token exactly and without one as far as it shows from outside,
// setup changes it or sends a person to the exact place, who then does what
// only a person can, and after a fresh login all is well.
func TestEachSettingBreaksIsNamedAndIsMended(t *testing.T) {
	for _, test := range wrongs() {
		t.Run(test.of+": "+test.name, func(t *testing.T) {
			t.Parallel()
			d := demoFor(t, nil)
			k := newDesk(t, d, modeOAuth, test.env)
			k.mayGetStuck, k.choice = true, test.choice
			if test.broken != nil {
				test.broken(d.world)
			}
			if got := k.outcome(); got != test.flow {
				t.Fatalf("a call ends with %s, want %s", got, test.flow)
			}

			outside, verdict := test.setting, auth.Failed
			if test.outside != "" {
				outside = test.outside
			}
			if test.unclear {
				verdict = auth.Unclear
			}
			doctor(t, k.env).names(t, outside, verdict)
			k.env = append(k.env, "AUTH0_MANAGEMENT_TOKEN="+d.world.ManagementToken(managerScopes...))
			doctor(t, k.env).names(t, test.setting, auth.Failed)

			test.mend(t, k)
			if got := k.run(nil, "logout"); got.status != exitOK {
				t.Fatalf("logout: %+v", got)
			}
			if got := k.run(strings.NewReader(""), "login", "--timeout", "2m"); got.status != exitOK {
				t.Fatalf("after setup, login ends with %d: %s", got.status, got.stderr)
			}
			if got := k.outcome(); got != "ok" {
				t.Errorf("after setup, a call ends with %s", got)
			}
			for _, check := range doctor(t, k.env).Checks {
				if check.Verdict != auth.Passed {
					t.Errorf("after setup: %+v", check)
				}
			}
		})
	}
	for _, of := range checklist {
		if !slices.ContainsFunc(wrongs(), func(w wrong) bool { return w.of == of }) {
			t.Errorf("nothing is said of %s", of)
		}
	}
}

// outcome is what a call ends with: ok, the code of an error, or stuck.
func (k *desk) outcome() string {
	k.t.Helper()
	got := k.run(strings.NewReader(""), "call", "search_emails", `{"maxResults":1}`, "--wait", k.wait)
	quiet(k.t, k.env, got.stdout)
	e := got.envelope(k.t)
	code := e.Status
	if e.Error != nil {
		code = e.Error.Code
	}
	// The browser ended at a page of its own, and the command with it: while
	// it waited for the person, or just as it asked once more.
	if k.gaveUp && (code == "auth_required" || code == "cancelled") {
		return stuck
	}
	return code
}

// names checks that the doctor names one setting and no other.
func (r diagnosis) names(t *testing.T, setting string, verdict auth.Verdict) {
	t.Helper()
	found := false
	for _, check := range r.Checks {
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
		t.Errorf("the doctor does not name %s: %+v", setting, r.Checks)
	}
}

// mend runs setup. What it leaves to a person the person then does.
func (w wrong) mend(t *testing.T, k *desk) {
	t.Helper()
	var before standin.Connection
	k.d.world.Tenant(func(t *standin.Tenant) { before = *t.Connection("google-oauth2") })
	shown := k.run(nil, "setup")
	got := k.run(nil, "setup", "--apply", "--json")
	var out struct{ Settings []auth0.Change }
	if err := json.Unmarshal([]byte(got.stdout), &out); err != nil || got.status != exitOK || shown.status != exitOK {
		t.Fatalf("setup ends with %d: %s %s", got.status, got.stdout, got.stderr)
	}
	quiet(t, k.env, shown.stdout+got.stdout+got.stderr)
	found := false
	for _, change := range out.Settings {
		mine := change.ID == w.setting
		found = found || mine
		byHand := change.Outcome == auth0.ByHand || change.Outcome == auth0.ToCheck
		switch {
		case mine && w.byHand == nil && change.Outcome != auth0.Changed:
			t.Errorf("setup did %+v, want a change", change)
		case mine && w.byHand != nil && (!byHand || w.where == "" || !strings.Contains(change.Where, w.where) || change.Advice == ""):
			t.Errorf("setup did %+v, want it to send a person to %s", change, w.where)
		case mine && byHand && !strings.Contains(shown.stdout, change.Where):
			t.Errorf("setup without --apply does not name %s:\n%s", change.Where, shown.stdout)
		case !mine && change.Outcome != auth0.Untouched && change.Outcome != auth0.ToCheck:
			t.Errorf("setup touched %+v besides %s", change, w.setting)
		}
	}
	if !found {
		t.Errorf("setup says nothing of %s", w.setting)
	}
	k.d.world.Tenant(func(t *standin.Tenant) {
		now := t.Connection("google-oauth2")
		if now.DevKeys != before.DevKeys || now.OfflineAccess != before.OfflineAccess || now.ApprovalPrompt != before.ApprovalPrompt {
			k.t.Error("setup has written the options of the connection")
		}
	})
	if w.byHand != nil {
		w.byHand(k.d.world)
		k.choice = standin.Choice{}
	}
}
