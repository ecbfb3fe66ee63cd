package main

import (
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"linkmail/auth"
	"linkmail/internal/standin"
)

// managerScopes are what a management token needs for doctor and setup.
var managerScopes = []string{
	"read:clients", "update:clients", "read:connections", "read:connections_options", "update:connections",
	"read:resource_servers", "create:resource_servers", "update:resource_servers",
	"read:client_grants", "create:client_grants", "update:client_grants", "read:mfa_policies", "read:tenant_settings",
}

// diagnosis is what doctor --json prints.
type diagnosis struct {
	Mode     string
	Failures int
	Checks   []auth.Check
}

// doctor runs linkmail doctor --json. The exit status has to be the number of
// failures, and nothing that is printed may hold a secret of env.
func doctor(t *testing.T, env []string, args ...string) diagnosis {
	t.Helper()
	got := run(t, env, append([]string{"doctor", "--json"}, args...)...)
	var out diagnosis
	if err := json.Unmarshal([]byte(got.stdout), &out); err != nil {
		t.Fatalf("not one JSON object: %v\nstatus %d\n%s\n%s", err, got.status, got.stdout, got.stderr)
	}
	if got.status != out.Failures {
		t.Errorf("exit status %d, want the number of failures, %d", got.status, out.Failures)
	}
	text := run(t, env, append([]string{"doctor"}, args...)...)
	if text.status != got.status || len(strings.Split(text.stdout, "\n")) < len(out.Checks) {
		t.Errorf("as text: status %d\n%s", text.status, text.stdout)
	}
	quiet(t, env, got.stdout+got.stderr+text.stdout+text.stderr)
	return out
}

// quiet looks for the secrets of env in what was printed.
func quiet(t *testing.T, env []string, printed string) {
	t.Helper()
	for _, kv := range env {
		name, value, _ := strings.Cut(kv, "=")
		secret := slices.ContainsFunc(settings, func(s setting) bool { return s.env == name && s.secret() })
		if secret && value != "" && strings.Contains(printed, value) {
			t.Errorf("%s was printed", name)
		}
	}
	for _, canary := range []string{"ya29.", "v1.M", "eyJ", "canary"} {
		if strings.Contains(printed, canary) {
			t.Errorf("%q was printed: %s", canary, printed)
		}
	}
}

func (r diagnosis) check(t *testing.T, id string) auth.Check {
	t.Helper()
	i := slices.IndexFunc(r.Checks, func(c auth.Check) bool { return c.ID == id })
	if i < 0 {
		t.Fatalf("there is no check %s: %+v", id, r.Checks)
	}
	return r.Checks[i]
}

// tokenEnv is a user who is signed in and connected, without a broker.
func tokenEnv(d *demoWorld) []string {
	d.world.Connect(standin.DefaultUser, "google-oauth2", "openid", "profile", "email", gmailScope)
	return fixedEnv(d, modeAuth0, "AUTH0_REFRESH_TOKEN", d.world.AddRefreshToken(standin.DefaultUser))
}

func TestTheDoctorFindsNothingWhereAllIsWell(t *testing.T) {
	d := demoFor(t, nil)
	token := d.world.IssueToken(standin.DefaultUser, []string{gmailScope}, time.Hour)
	for name, env := range map[string][]string{
		modeToken: fixedEnv(d, modeToken, "LINKMAIL_GMAIL_TOKEN", token),
		modeAuth0: append(tokenEnv(d), "AUTH0_MANAGEMENT_TOKEN="+d.world.ManagementToken(managerScopes...)),
		modeDemo:  {"LINKMAIL_AUTH=demo"},
	} {
		out := doctor(t, env)
		for _, c := range out.Checks {
			if c.Verdict != auth.Passed {
				t.Errorf("%s: %+v", name, c)
			}
		}
		if name == modeDemo {
			continue
		}
		if got := out.check(t, "gmail"); !strings.Contains(got.Saw, standin.DefaultUser) {
			t.Errorf("%s: the mailbox is %+v", name, got)
		}
		if got := out.check(t, "cache"); name == modeAuth0 && !strings.Contains(got.Saw, "LINKMAIL_KEY") {
			t.Errorf("%s: the cache is %+v, want the place of the key", name, got)
		}
	}
}

func TestTheDoctorWaitsForNobody(t *testing.T) {
	d := demoFor(t, nil)
	out := doctor(t, d.environ())
	if out.Failures != 0 {
		t.Errorf("nothing is wrong, but: %+v", out.Checks)
	}
	if got := out.check(t, "sign_in"); got.Verdict != auth.Unclear || !strings.Contains(got.Saw, "not signed in yet") {
		t.Errorf("the sign-in is %+v", got)
	}
	if got := out.check(t, "gmail"); got.Verdict != auth.Unclear {
		t.Errorf("the mailbox is %+v", got)
	}
}

func TestTheDoctorTellsWhyGmailRefuses(t *testing.T) {
	d := demoFor(t, nil)
	env := tokenEnv(d)
	token := d.world.IssueToken(standin.DefaultUser, []string{gmailScope}, time.Hour)
	static := fixedEnv(d, modeToken, "LINKMAIL_GMAIL_TOKEN", token)
	html := http.Header{"Content-Type": {"text/html"}}
	tests := []struct {
		name    string
		fault   *standin.Fault
		setting string
		says    string
	}{
		{"the API is off", standin.APIDisabled("123456789"), "gmail_api", "123456789"},
		{"a scope is missing", standin.InsufficientScope(), "scopes", "scope"},
		{"the administrator blocks it", standin.DomainPolicy(), "domain_policy", ""},
		{"there is no mailbox", standin.NoMailbox(), "mailbox", ""},
		{"a proxy answers", &standin.Fault{Status: 200, Header: html, Body: "<html>canary"}, "gmail_endpoint", "does not look like Gmail"},
	}
	for _, test := range tests {
		for mode, env := range map[string][]string{modeAuth0: env, modeToken: static} {
			t.Run(test.name+" in "+mode, func(t *testing.T) {
				d.world.SetFault(func(r *http.Request) *standin.Fault {
					if strings.HasPrefix(r.URL.Path, "/gmail/") {
						return test.fault
					}
					return nil
				})
				defer d.world.SetFault(nil)
				got := doctor(t, env).check(t, "gmail")
				if got.Verdict != auth.Failed || got.Setting != test.setting || got.Where == "" || got.Advice == "" {
					t.Errorf("the check is %+v, want %s", got, test.setting)
				}
				if !strings.Contains(got.Saw+got.Advice, test.says) {
					t.Errorf("the check is %+v, want something of %q", got, test.says)
				}
			})
		}
	}
	dead := fixedEnv(d, modeToken, "LINKMAIL_GMAIL_TOKEN", "ya29.canary")
	if got := doctor(t, dead).check(t, "gmail"); got.Setting != "gmail_token" || got.Where != "LINKMAIL_GMAIL_TOKEN" {
		t.Errorf("with a dead token the check is %+v", got)
	}
	d.world.RevokeTokens(standin.DefaultUser)
	d.world.SetFault(func(r *http.Request) *standin.Fault {
		if strings.HasPrefix(r.URL.Path, "/gmail/") {
			return standin.InvalidCredentials()
		}
		return nil
	})
	defer d.world.SetFault(nil)
	if got := doctor(t, env).check(t, "gmail"); got.Setting != "google_grant" {
		t.Errorf("with a token of the vault that Gmail refuses the check is %+v", got)
	}
}

func TestTheDoctorLooksAtTheBroker(t *testing.T) {
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<html>canary"))
	}))
	t.Cleanup(page.Close)
	private := httptest.NewUnstartedServer(http.NotFoundHandler())
	private.Config.ErrorLog = log.New(io.Discard, "", 0)
	private.StartTLS()
	t.Cleanup(private.Close)
	locked := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusForbidden)
			_, _ = w.Write([]byte(`{"type":"about:blank","title":"Invalid API Key","status":403}`))
		}
	}))
	t.Cleanup(locked.Close)
	d := demoFor(t, nil)
	tests := []struct {
		name, url, key string
		check, setting string
		says           string
	}{
		{"nobody is there", "http://127.0.0.1:1", "", "broker", "broker_url", "connection failed"},
		{"something else is there", page.URL, "", "broker", "broker_url", "something other"},
		{"its certificate is not trusted", private.URL, "", "broker", "broker_url", "certificate"},
		{"it wants a key", locked.URL, "", "broker_key", "broker_key", "asks for an API key"},
		{"it wants another key", locked.URL, "canary", "broker_key", "broker_key", "does not accept"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			env := append(d.environ(), "LINKAUTH_BROKER_URL="+test.url, "LINKAUTH_API_KEY="+test.key)
			got := doctor(t, env).check(t, test.check)
			if got.Verdict != auth.Failed || got.Setting != test.setting || got.Where == "" || !strings.Contains(got.Saw, test.says) {
				t.Errorf("the check is %+v, want %s and something of %q", got, test.setting, test.says)
			}
		})
	}
	through := append(d.environ(), "LINKMAIL_AUTH0_VIA=broker")
	if got := doctor(t, through).check(t, "broker_proxy"); got.Verdict != auth.Passed {
		t.Errorf("a broker that forwards to Auth0 is %+v", got)
	}
	elsewhere := httptest.NewServer(d.world.Auth0())
	t.Cleanup(elsewhere.Close)
	got := doctor(t, append(through, "AUTH0_DOMAIN="+elsewhere.URL)).check(t, "broker_proxy")
	if got.Verdict != auth.Failed || got.Setting != "broker_proxy" || !strings.Contains(got.Where+got.Advice, "--proxy-allow") {
		t.Errorf("a broker that does not is %+v", got)
	}
	d.world.Tenant(func(tenant *standin.Tenant) {
		tenant.Application.Callbacks = []string{d.Broker + "/v1/oauth/callback/"}
	})
	got = doctor(t, d.environ()).check(t, "login_request")
	if got.Verdict != auth.Failed || got.Setting != "callbacks" || !strings.Contains(got.Saw+got.Advice, d.Broker+"/v1/oauth/callback") {
		t.Errorf("a broker whose callback is not registered is %+v", got)
	}
}

func TestAWrongConfigurationEndsDoctorAndSetupBeforeTheyBegin(t *testing.T) {
	d := demoFor(t, nil)
	tests := []struct {
		name string
		env  []string
		args []string
		says string
	}{
		{"a domain with a path", append(d.environ(), "AUTH0_DOMAIN=tenant.example.com/login"), []string{"doctor"}, "AUTH0_DOMAIN"},
		{"a service that there is not", d.environ(), []string{"doctor", "gmial"}, "did you mean gmail?"},
		{"a service that this mode has not", append(d.environ(), "LINKMAIL_AUTH=google"), []string{"doctor", "slack"}, "google-calendar"},
		{"a service twice", d.environ(), []string{"doctor", "gmail", "gmail"}, "twice"},
		{"a service that there is not, for login", d.environ(), []string{"login", "gmial"}, "did you mean gmail?"},
		{"the token on the command line", d.environ(), []string{"setup", "--auth0-management-token", "canary2"}, "AUTH0_MANAGEMENT_TOKEN"},
		{"no token", d.environ(), []string{"setup"}, "AUTH0_MANAGEMENT_TOKEN is not set"},
		{"a domain with a path for setup", append(d.environ(), "AUTH0_MANAGEMENT_TOKEN=x", "AUTH0_DOMAIN=a.example/b"), []string{"setup"}, "AUTH0_DOMAIN"},
		{"a callback that is none", append(d.environ(), "AUTH0_MANAGEMENT_TOKEN=x"), []string{"setup", "--callback", "nowhere"}, "--callback"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := run(t, test.env, test.args...)
			if got.status != exitUsage || got.stdout != "" || !strings.Contains(got.stderr, test.says) || strings.Contains(got.stderr, "canary2") {
				t.Errorf("status %d, %q, %q, want %d and something of %q", got.status, got.stdout, got.stderr, exitUsage, test.says)
			}
		})
	}
}

// TestTheDoctorLooksAtEveryServiceThatIsNamed: what they share once, and the
// rest one service after the other.
func TestTheDoctorLooksAtEveryServiceThatIsNamed(t *testing.T) {
	d := demoFor(t, nil)
	d.world.Tenant(func(tenant *standin.Tenant) {
		tenant.Connections = append(tenant.Connections,
			standin.Connection{Name: "sign-in-with-slack", Strategy: "slack", ConnectedAccounts: true, Enabled: true, OfflineAccess: true, Scopes: []string{"chat:write"}},
			standin.Connection{Name: "github", Strategy: "github", Enabled: true})
	})
	d.world.Connect(standin.DefaultUser, "sign-in-with-slack", "chat:write")
	env := append(tokenEnv(d), "AUTH0_MANAGEMENT_TOKEN="+d.world.ManagementToken(managerScopes...))
	healthy := doctor(t, env, "slack", "gmail")
	for _, c := range healthy.Checks {
		if c.Verdict != auth.Passed {
			t.Errorf("%+v", c)
		}
	}
	count := map[string]int{}
	for _, c := range healthy.Checks {
		count[c.ID]++
	}
	if count["tenant"] != 1 || count["my_account"] != 1 || count["vault"] != 2 || count["settings.purpose"] != 2 || count["settings.grants"] != 1 || count["gmail"] != 1 {
		t.Errorf("the checks are %v", count)
	}
	got := doctor(t, env, "gmail", "github", "slack")
	for _, c := range got.Checks {
		if (c.Verdict == auth.Failed) != (c.Service == "github" && c.ID == "settings.purpose") {
			t.Errorf("%+v", c)
		}
	}
	if got.Failures != 1 {
		t.Errorf("%d failures, want that of github alone", got.Failures)
	}
	outside := doctor(t, tokenEnv(d), "github")
	if c := outside.check(t, "connection"); c.Verdict != auth.Failed || c.Setting != "purpose" || c.Service != "github" || !strings.Contains(c.Saw, "github") {
		t.Errorf("from outside the check is %+v", c)
	}
	if slices.ContainsFunc(outside.Checks, func(c auth.Check) bool { return c.ID == "gmail" }) {
		t.Error("the mailbox was looked at, although another service was named")
	}
}

func TestTheDoctorNamesAnotherAccountThanTheExpectedOne(t *testing.T) {
	d := demoFor(t, nil)
	token := d.world.IssueToken(standin.DefaultUser, []string{gmailScope}, time.Hour)
	env := append(fixedEnv(d, modeToken, "LINKMAIL_GMAIL_TOKEN", token), "LINKMAIL_ACCOUNT="+standin.SecondUser)
	if got := doctor(t, env).check(t, "gmail"); got.Verdict != auth.Failed || got.Where != "LINKMAIL_ACCOUNT" {
		t.Errorf("the check is %+v", got)
	}
}

func TestACacheThatCannotBeUsedIsNamed(t *testing.T) {
	d := demoFor(t, nil)
	for variable, value := range map[string]string{"LINKMAIL_CACHE_DIR": "/dev/null/x", "LINKMAIL_STORE": "redis://:canary@127.0.0.1:1"} {
		got := doctor(t, append(tokenEnv(d), variable+"="+value)).check(t, "cache")
		if got.Verdict != auth.Failed || !strings.Contains(got.Where, variable) || got.Advice == "" {
			t.Errorf("with %s the check is %+v", variable, got)
		}
	}
}
