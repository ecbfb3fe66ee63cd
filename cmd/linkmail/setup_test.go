package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"linkmail/auth/auth0"
	"linkmail/internal/standin"
)

func TestSetupShowsThenChangesThenLetsTheFlowWork(t *testing.T) {
	d := demoFor(t, nil)
	env := append(tokenEnv(d), "AUTH0_MANAGEMENT_TOKEN="+d.world.ManagementToken(managerScopes...))
	callback := d.Broker + "/v1/oauth/callback"
	d.world.Tenant(func(tenant *standin.Tenant) {
		tenant.Application.GrantTypes = []string{standin.GrantRefreshToken}
		tenant.Application.RefreshToken.Rotation = true
		tenant.Application.Callbacks = nil
		tenant.MFAAlways = true
	})
	search := func() ran { return run(t, env, "call", "search_emails", `{"maxResults":1}`) }
	if got := search(); got.status != exitError {
		t.Errorf("the flow works in spite of it: %s", got.stdout)
	}
	if out := doctor(t, env); out.Failures != 3 || out.check(t, "settings.mfa").Setup != "" || out.check(t, "settings.grants").Setup != "grants" {
		t.Errorf("the doctor finds %+v", out.Checks)
	}

	d.world.ForgetSeen()
	shown := run(t, env, "setup", "--callback", callback)
	for _, want := range []string{"would change", "before", "after", "Token Vault", "by hand", "Multi-factor Auth", "--apply"} {
		if shown.status != exitOK || !strings.Contains(shown.stdout, want) {
			t.Errorf("the dry run ends with %d and says nothing of %q:\n%s", shown.status, want, shown.stdout)
		}
	}
	for _, seen := range d.world.Seen() {
		if seen.Method != http.MethodGet {
			t.Errorf("the dry run sent %s %s", seen.Method, seen.Path)
		}
	}

	done := run(t, env, "setup", "--apply", "--callback", callback)
	for _, want := range []string{"changed", "log in again", "by hand"} {
		if done.status != exitOK || !strings.Contains(done.stdout, want) {
			t.Errorf("setup ends with %d and says nothing of %q:\n%s\n%s", done.status, want, done.stdout, done.stderr)
		}
	}
	d.world.Tenant(func(tenant *standin.Tenant) {
		if !tenant.MFAAlways {
			t.Error("setup has changed the multi-factor policy")
		}
		tenant.MFAAlways = false // what only a person may do
	})
	env = append(env, "AUTH0_REFRESH_TOKEN="+d.world.AddRefreshToken(standin.DefaultUser)) // a fresh login
	if got := search(); got.status != exitOK {
		t.Errorf("afterwards: %s", got.stdout)
	}
	if out := doctor(t, env); out.Failures != 0 {
		t.Errorf("afterwards the doctor finds %+v", out.Checks)
	}
	again := run(t, env, "setup", "--apply", "--callback", callback)
	if again.status != exitOK || !strings.Contains(again.stdout, "All settings are right") {
		t.Errorf("the second time: %d\n%s", again.status, again.stdout)
	}
	quiet(t, env, shown.stdout+done.stdout+done.stderr+again.stdout)
}

func TestSetupLooksAtTheConnectionThatGmailIsMappedTo(t *testing.T) {
	d := demoFor(t, nil)
	d.world.Tenant(func(tenant *standin.Tenant) {
		c := *tenant.Connection("google-oauth2")
		c.Name, c.ConnectedAccounts, c.Enabled = "google-work", false, false
		tenant.Connections = append(tenant.Connections, c)
	})
	env := append(d.environ(), "LINKMAIL_CONNECTIONS=gmail=google-work", "AUTH0_MANAGEMENT_TOKEN="+d.world.ManagementToken(managerScopes...))
	if got := run(t, env, "setup", "--apply"); got.status != exitOK || !strings.Contains(got.stdout, "Authentication and Connected Accounts") {
		t.Errorf("setup ends with %d:\n%s%s", got.status, got.stdout, got.stderr)
	}
	d.world.Tenant(func(tenant *standin.Tenant) {
		if c := tenant.Connection("google-work"); !c.ConnectedAccounts || !c.Enabled {
			t.Errorf("the connection is %+v", c)
		}
	})
}

func TestSetupInJSONNamesWhatTheTokenLacks(t *testing.T) {
	d := demoFor(t, nil)
	d.world.Tenant(func(tenant *standin.Tenant) { tenant.Application.GrantTypes = nil })
	env := append(d.environ(), "AUTH0_MANAGEMENT_TOKEN="+d.world.ManagementToken("read:clients"))
	got := run(t, env, "setup", "--apply", "--json")
	var out struct {
		Applied  bool
		Settings []auth0.Change
		Next     string
	}
	if err := json.Unmarshal([]byte(got.stdout), &out); err != nil {
		t.Fatalf("%v: %s %s", err, got.stdout, got.stderr)
	}
	why := map[string]string{}
	for _, c := range out.Settings {
		why[c.ID] = c.Why
	}
	if got.status != exitError || !out.Applied || !strings.Contains(why["grants"], "update:clients") || !strings.Contains(why["mfa"], "read:mfa_policies") {
		t.Errorf("status %d, %+v", got.status, out)
	}
	refused := run(t, append(env, "AUTH0_MANAGEMENT_TOKEN=canary"), "setup")
	if refused.status != exitError || !strings.Contains(refused.stderr, "AUTH0_MANAGEMENT_TOKEN") || strings.Contains(refused.stderr, "canary") {
		t.Errorf("a refused token ends with %d, %q", refused.status, refused.stderr)
	}
}
