package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"linkmail/internal/standin"
)

// fixedEnv is the environment of a mode that has no way to a person.
func fixedEnv(d *demoWorld, mode, name, value string) []string {
	var env []string
	for _, kv := range d.environ() {
		if !strings.HasPrefix(kv, "LINKMAIL_AUTH=") && !strings.HasPrefix(kv, "LINKAUTH_") {
			env = append(env, kv)
		}
	}
	return append(env, "LINKMAIL_AUTH="+mode, name+"="+value)
}

func TestEveryModeReachesTheSameMail(t *testing.T) {
	d := demoFor(t, nil)
	d.world.Connect(standin.DefaultUser, "google-oauth2", "openid", "profile", "email", gmailScope)
	token := d.world.IssueToken(standin.DefaultUser, []string{gmailScope}, time.Hour)
	for name, env := range map[string][]string{
		modeToken: fixedEnv(d, modeToken, "LINKMAIL_GMAIL_TOKEN", token),
		modeAuth0: fixedEnv(d, modeAuth0, "AUTH0_REFRESH_TOKEN", d.world.AddRefreshToken(standin.DefaultUser)),
		modeDemo:  {"LINKMAIL_AUTH=demo"},
	} {
		got := run(t, env, "call", "search_emails", `{"query":"is:unread","maxResults":2}`)
		if e := got.envelope(t); got.status != exitOK || e.Status != "ok" || len(e.Data.Items) != 2 || e.Account != standin.DefaultUser {
			t.Errorf("%s: status %d, %s %s", name, got.status, got.stdout, got.stderr)
		}
	}
}

func TestWithoutAWayToAPersonARefusalNamesTheVariable(t *testing.T) {
	d := demoFor(t, nil)
	tests := []struct {
		name, mode, variable, value string
		code                        string
	}{
		{"a Google token that is not one", modeToken, "LINKMAIL_GMAIL_TOKEN", "ya29.canary", "token_refused"},
		{"a refresh token that is not one", modeAuth0, "AUTH0_REFRESH_TOKEN", "v1.canary", "refresh_token_refused"},
		{"a user who never connected Gmail", modeAuth0, "AUTH0_REFRESH_TOKEN", d.world.AddRefreshToken(standin.SecondUser), "not_connected"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := run(t, fixedEnv(d, tt.mode, tt.variable, tt.value), "call", "search_emails", "{}")
			e := got.envelope(t)
			if got.status != exitError || e.Error == nil || e.Error.Code != tt.code || e.Error.Hint == "" {
				t.Fatalf("status %d, %s, want %d with code %s and a hint", got.status, got.stdout, exitError, tt.code)
			}
			if !strings.Contains(e.Error.Message+e.Error.Hint, tt.variable) {
				t.Errorf("%s is not named: %+v", tt.variable, e.Error)
			}
			if strings.Contains(got.stdout+got.stderr, "canary") {
				t.Error("the answer repeats the token")
			}
		})
	}
}

func TestWhatGmailRefusesIsAnsweredWithItsCause(t *testing.T) {
	d := demoFor(t, nil)
	env := fixedEnv(d, modeToken, "LINKMAIL_GMAIL_TOKEN", d.world.IssueToken(standin.DefaultUser, []string{gmailScope}, time.Hour))
	tests := []struct {
		name  string
		fault *standin.Fault
		code  string
		say   string // in the message or the hint
	}{
		{"the API is off", standin.APIDisabled("123456789"), "api_disabled", "123456789"},
		{"the token lacks a scope", standin.InsufficientScope(), "missing_scope", "scope"},
		{"the minute's quota is used up", standin.RateLimited(time.Now().Add(90 * time.Second)), "rate_limited", ""},
		{"the day's quota is used up", standin.DailyLimit(), "daily_limit", ""},
		{"the administrator blocks the app", standin.DomainPolicy(), "domain_policy", ""},
		{"the account has no Gmail", standin.NoMailbox(), "mail_service_not_enabled", ""},
		{"a proxy answers with a page", &standin.Fault{Status: http.StatusOK, Header: http.Header{"Content-Type": {"text/html"}}, Body: "<html>Welcome to Hotel WiFi</html>"}, "unavailable", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d.world.SetFault(func(*http.Request) *standin.Fault { return tt.fault })
			defer d.world.SetFault(nil)
			got := run(t, env, "call", "search_emails", `{"query":"is:unread"}`)
			e := got.envelope(t)
			if got.status != exitError || e.Error == nil || e.Error.Code != tt.code || e.Error.Hint == "" {
				t.Fatalf("status %d, %s, want %d with code %s and a hint", got.status, got.stdout, exitError, tt.code)
			}
			if !strings.Contains(e.Error.Message+" "+e.Error.Hint, tt.say) || strings.Contains(got.stdout, "Hotel") {
				t.Errorf("got %+v, want it to say %q and quote no foreign page", e.Error, tt.say)
			}
		})
	}
}

func TestADeniedConsentIsSaidOnceAndTheNextLinkIsFresh(t *testing.T) {
	u := newUser(t, &traffic{})
	first := run(t, u.env, "call", "search_emails", "{}").envelope(t)
	if first.Auth == nil {
		t.Fatalf("status %q, want auth_required", first.Status)
	}
	if _, err := u.person.Open(t.Context(), first.Auth.URL, first.Auth.Code, standin.Choice{CancelLogin: true}); err != nil {
		t.Fatal(err)
	}
	denied := run(t, u.env, "call", "search_emails", "{}")
	if e := denied.envelope(t); denied.status != exitError || e.Error == nil || e.Error.Code != "denied" {
		t.Errorf("after the denial: status %d, %s, want the code denied", denied.status, denied.stdout)
	}
	next := run(t, u.env, "call", "search_emails", "{}").envelope(t)
	if next.Auth == nil || next.Auth.URL == first.Auth.URL {
		t.Errorf("after that: %+v, want a fresh link", next)
	}
}
