package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"linkmail/auth"
	"linkmail/internal/standin"
)

// vaultEnv leaves the client secret to the broker.
var vaultEnv = []string{"LINKMAIL_AUTH0_VIA=vault", "AUTH0_CLIENT_SECRET="}

func TestTheConversationWithTheClientSecretAtTheBroker(t *testing.T) {
	k := newDesk(t, demoFor(t, nil), modeLinkAuth, vaultEnv...)
	found := k.ask("search_emails", map[string]any{"query": "is:unread", "maxResults": 3})
	if found.Status != "ok" || len(found.Data.Items) != 3 || found.Account != standin.DefaultUser {
		t.Fatalf("search: %+v", found)
	}
	// Google's grant is withdrawn: one more consent, and the broker exchanges anew.
	k.d.world.RevokeGrant(standin.DefaultUser, "google-oauth2")
	k.d.world.RevokeTokens(standin.DefaultUser)
	if again := k.ask("search_emails", map[string]any{"maxResults": 1}); again.Status != "ok" || len(again.Data.Items) != 1 {
		t.Errorf("after the grant was withdrawn: %+v", again)
	}
}

func TestLoginStatusLogoutWithTheClientSecretAtTheBroker(t *testing.T) {
	k := newDesk(t, demoFor(t, nil), modeLinkAuth, vaultEnv...)
	if got := k.loginOverLinks("login", "--timeout", "1m"); got.status != exitOK || !strings.Contains(got.stdout, standin.DefaultUser) {
		t.Fatalf("login: status %d, %q\n%s", got.status, got.stdout, got.stderr)
	}
	var view statusView
	if err := json.Unmarshal([]byte(k.run(nil, "status", "--json").stdout), &view); err != nil {
		t.Fatal(err)
	}
	if view.SecretAt != k.d.Broker || !view.SignedIn || view.Health.State != "ok" {
		t.Errorf("status: %+v", view)
	}
	if text := k.run(nil, "status").stdout; !strings.Contains(text, "client secret is at the broker, "+k.d.Broker) {
		t.Errorf("status: %s", text)
	}
	out := k.run(nil, "logout")
	if out.status != exitOK || !strings.Contains(out.stdout, "revoked at Auth0") || strings.Contains(out.stdout, "could not") {
		t.Errorf("logout: %+v", out)
	}
	if text := k.run(nil, "status").stdout; !strings.Contains(text, "signed_out") {
		t.Errorf("status after the logout: %s", text)
	}
	if text := newDesk(t, k.d, modeLinkAuth).run(nil, "status").stdout; strings.Contains(text, "at the broker") {
		t.Errorf("status with the secret here: %s", text)
	}
}

func TestADoubleFlowWithTheSecretAtTheBrokerSurvivesAKillAtEveryRequest(t *testing.T) {
	killAtEveryRequest(t, vaultEnv...)
}

func TestTheDoctorWithTheClientSecretAtTheBroker(t *testing.T) {
	d := demoFor(t, nil)
	k := newDesk(t, d, modeLinkAuth, vaultEnv...)
	before := doctor(t, k.env)
	if got := before.check(t, "sign_in"); before.Failures != 0 || got.Verdict != auth.Unclear {
		t.Errorf("before the sign-in: %+v", before.Checks)
	}
	for id, says := range map[string]string{"client_secret": "none on this machine", "client": "the broker, which holds the secret"} {
		if got := before.check(t, id); got.Verdict != auth.Passed || !strings.Contains(got.Saw, says) {
			t.Errorf("%+v, want something of %q", got, says)
		}
	}
	if e := k.ask("search_emails", map[string]any{"maxResults": 1}); e.Status != "ok" {
		t.Fatalf("search: %+v", e)
	}
	for _, check := range doctor(t, k.env).Checks {
		if check.Verdict != auth.Passed {
			t.Errorf("after the sign-in: %+v", check)
		}
	}
	t.Run("a secret is here all the same", func(t *testing.T) {
		got := doctor(t, append(k.env, "AUTH0_CLIENT_SECRET=canary-left-over")).check(t, "client_secret")
		if got.Verdict != auth.Unclear || got.Where != "AUTH0_CLIENT_SECRET" || got.Advice == "" || strings.Contains(got.Saw, "canary") {
			t.Errorf("the check is %+v", got)
		}
	})
	t.Run("the broker's secret is wrong", func(t *testing.T) {
		d.world.Tenant(func(t *standin.Tenant) { t.Application.Secret = "another" })
		defer d.world.Tenant(func(t *standin.Tenant) { t.Application.Secret = standin.DemoClientSecret })
		got := doctor(t, k.env).check(t, "client")
		if got.Verdict != auth.Failed || got.Setting != "client_credentials" || !strings.Contains(got.Where, "the broker's OAUTH_AUTH0_CLIENT_ID") {
			t.Errorf("the check is %+v", got)
		}
	})
	t.Run("a broker that holds no secret", func(t *testing.T) {
		other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/healthz" && r.URL.Path != "/v1/proxy" {
				http.NotFound(w, r)
			}
		}))
		defer other.Close()
		got := doctor(t, append(k.env, "LINKAUTH_BROKER_URL="+other.URL)).check(t, "client")
		if got.Verdict != auth.Failed || got.Setting != "secret_holder" || !strings.Contains(got.Advice, "linkmail's own broker") {
			t.Errorf("the check is %+v", got)
		}
	})
}

func TestTheListsOfABrokerAreReadAndChecked(t *testing.T) {
	env := []string{
		"OAUTH_AUTH0_CLIENT_ID=x", "OAUTH_AUTH0_ISSUER=https://tenant.example/",
		"OAUTH_AUTH0_CONNECTIONS=google-oauth2 a/b", "OAUTH_AUTH0_AUDIENCES=https://tenant.example/me/ h\u00e9",
	}
	got := run(t, env, "broker", "--dev", "--listen", "127.0.0.1:0")
	if got.status != exitUsage || !strings.Contains(got.stderr, `Connections holds "a/b"`) || !strings.Contains(got.stderr, "Audiences holds") || strings.Contains(got.stderr, "google-oauth2") {
		t.Errorf("status %d\n%s", got.status, got.stderr)
	}
}
