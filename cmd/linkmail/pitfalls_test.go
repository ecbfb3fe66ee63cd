package main

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"linkmail/auth"
	"linkmail/internal/standin"
)

// A pitfall is one of the ways in which people were seen to get stuck between
// Auth0, Google and themselves.
type pitfall struct {
	name string
	// like names the rows of [wrongs] that are this pitfall.
	like []string
	// cannotTell says why doctor does not see it, and what does.
	cannotTell string

	// happen makes it so and returns what to add to the environment.
	happen   func(*patient) []string
	services []string
	// setting is the one that the check about it names; empty: none. The check
	// is the one with this id instead where that says more.
	setting, id string
	verdict     auth.Verdict
	says        string
}

// patient is a user without a browser, who is signed in and connected.
type patient struct {
	*testing.T
	d     *demoWorld
	world *standin.World
}

func newPatient(t *testing.T) *patient {
	t.Helper()
	d := demoFor(t, nil)
	return &patient{t, d, d.world}
}

// manager is the environment of somebody who administers the tenant.
func (p *patient) manager(scopes ...string) string {
	if len(scopes) == 0 {
		scopes = managerScopes
	}
	return "AUTH0_MANAGEMENT_TOKEN=" + p.world.ManagementToken(scopes...)
}

// answering makes the tenant answer requests for a path.
func (p *patient) answering(path string, status int, body string) {
	p.world.SetFault(func(r *http.Request) *standin.Fault {
		if r.URL.Path != path {
			return nil
		}
		return &standin.Fault{Status: status, Body: body}
	})
}

// connects adds a connection to the tenant and an account of the user to it.
func (p *patient) connects(name, strategy string, offline bool) {
	p.world.Tenant(func(t *standin.Tenant) {
		t.Connections = append(t.Connections, standin.Connection{
			Name: name, Strategy: strategy, ConnectedAccounts: true, Enabled: true, OfflineAccess: offline, Scopes: []string{"a"},
		})
	})
	p.world.Connect(standin.DefaultUser, name)
}

var pitfalls = []pitfall{
	{
		name: "1 signed in with Google, never connected", setting: "connected", verdict: auth.Failed, says: "no account of google-oauth2",
		happen: func(p *patient) []string {
			p.world.Disconnect(standin.DefaultUser, "google-oauth2")
			return nil
		},
	},
	{name: "2 developer keys", like: []string{"they are Auth0's for developers"}},
	{name: "3 offline access is off", like: []string{"it asks for no offline access"}},
	{name: "4 for logins only", like: []string{"it is for logins only"}},
	{name: "5 for connected accounts only", like: []string{"it is for accounts only"}},
	{name: "6 connection not enabled", like: []string{"the application may not use the connection"}},
	{name: "7 My Account API not activated", like: []string{"it is not active"}},
	{name: "8 no client grant, or for the application", like: []string{"there is none", "it is the application's own"}},
	{name: "9 another audience, without a word", like: []string{"there is no policy, and it does not show"}},
	{
		name: "10 a sign-in from before the change", setting: "sign_in", id: "my_account", verdict: auth.Failed, says: "from before",
		happen: func(p *patient) []string {
			var policies []standin.RefreshPolicy
			p.world.Tenant(func(t *standin.Tenant) {
				policies, t.Application.RefreshToken.Policies = t.Application.RefreshToken.Policies, nil
			})
			old := p.world.AddRefreshToken(standin.DefaultUser)
			p.world.Tenant(func(t *standin.Tenant) { t.Application.RefreshToken.Policies = policies })
			return []string{"AUTH0_REFRESH_TOKEN=" + old, p.manager()}
		},
	},
	{name: "11 rotation", like: []string{"it is on"}},
	{
		name: "12 the error of an exchange is swallowed", id: "client", verdict: auth.Failed, says: "HTTP 400 surprise",
		happen: func(p *patient) []string {
			p.answering("/oauth/token", 400, `{"error":"surprise","error_description":"canary"}`)
			return nil
		},
	},
	{
		name: "13 an error of the My Account API without a meaning", id: "connection", verdict: auth.Failed, says: "HTTP 422 A0E-422-0007",
		happen: func(p *patient) []string {
			p.answering("/me/v1/connected-accounts/connections", 422, `{"type":"https://auth0.com/api-errors/A0E-422-0007","status":422,"title":"canary","detail":"canary"}`)
			return nil
		},
	},
	{name: "14 a second factor, always", like: []string{"the tenant always asks for it"}},
	{name: "15 a second factor for the My Account API", like: []string{"the My Account API asks for it"}},
	{
		name: "16 localhost in place of 127.0.0.1", setting: "callbacks", id: "login_request", verdict: auth.Failed, says: "http://127.0.0.1:18484/callback",
		happen: func(p *patient) []string {
			p.world.Tenant(func(t *standin.Tenant) { t.Application.Callbacks = []string{"http://localhost:18484/callback"} })
			return []string{"LINKMAIL_AUTH=" + modeOAuth}
		},
	},
	{
		name:       "17 the ticket has run out",
		cannotTell: "it passes by itself: a ticket lives 300 seconds and the next call makes another (auth/auth0, TestALinkThatRanOutIsReplaced)",
	},
	{
		name: "18 another consent replaced the scopes", setting: "scopes", verdict: auth.Failed, says: gmailScope,
		happen: func(p *patient) []string {
			p.world.Connect(standin.DefaultUser, "google-oauth2", "openid", "https://www.googleapis.com/auth/calendar")
			return nil
		},
	},
	{name: "19 a box left unticked", like: []string{"the person leaves the box unticked"}},
	{
		name: "20 Google's seven days of testing", setting: "google_grant", verdict: auth.Failed, says: "Testing loses it after 7 days",
		happen: func(p *patient) []string {
			p.world.Backdate(standin.DefaultUser, "google-oauth2", 8*24*time.Hour)
			p.world.RevokeGrant(standin.DefaultUser, "google-oauth2")
			return nil
		},
	},
	{
		name: "21 the Google client's secret was changed", setting: "google_grant", verdict: auth.Failed, says: "client's secret was changed",
		happen: func(p *patient) []string {
			p.world.RevokeGrant(standin.DefaultUser, "google-oauth2") // all that Auth0 says of it
			return nil
		},
	},
	{
		name: "22 a change of options wiped the secret", setting: "own_keys", verdict: auth.Failed, says: "developer keys",
		happen: func(p *patient) []string {
			p.world.Tenant(func(t *standin.Tenant) { t.Connection("google-oauth2").DevKeys = true }) // no id, no secret
			return []string{p.manager()}
		},
	},
	{name: "23 approval_prompt", like: []string{"it sets approval_prompt"}},
	{
		name: "24 a GitHub OAuth App", services: []string{"github"}, setting: "connection_offline", verdict: auth.Failed, says: "without a refresh token",
		happen: func(p *patient) []string {
			p.connects("github", "github", false)
			return nil
		},
	},
	{
		name: "25 another name for Slack", services: []string{"slack"}, id: "connection", setting: "enabled", verdict: auth.Failed, says: "may not connect slack",
		happen: func(p *patient) []string {
			p.connects("sign-in-with-slack", "slack", true)
			return []string{"LINKMAIL_CONNECTIONS=slack=slack"}
		},
	},
	{
		name: "26 Microsoft without offline_access", services: []string{"microsoft"}, setting: "connection_offline", verdict: auth.Failed, says: "without a refresh token",
		happen: func(p *patient) []string {
			p.connects("windowslive", "windowslive", false)
			return nil
		},
	},
	{
		name: "27 the two domains of a tenant mixed up", setting: "domain", id: "tenant", verdict: auth.Failed, says: "mixed up",
		happen: func(p *patient) []string {
			tenant, err := url.Parse(p.d.Auth0)
			if err != nil {
				p.Fatal(err)
			}
			proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(tenant) }} // which names the other host
			custom := httptest.NewServer(proxy)
			p.Cleanup(custom.Close)
			return []string{"AUTH0_DOMAIN=" + custom.URL}
		},
	},
	{name: "28 a public client", like: []string{"it is a single page one", "it is a native one", "it has no secret"}},
	{
		name: "29 not a resource server", setting: "application", verdict: auth.Failed, says: "not of the kind",
		happen: func(p *patient) []string {
			p.answering("/oauth/token", 403, `{"error":"unauthorized_client","error_description":"This client is not a resource server and cannot exchange access tokens"}`)
			return nil
		},
	},
	{
		name: "30 an account that is not among the connected ones", setting: "connected", verdict: auth.Failed, says: "nobody@example.com",
		happen: func(p *patient) []string {
			p.world.ConnectAccount(standin.DefaultUser, "google-oauth2", standin.SecondUser, "openid", gmailScope)
			return []string{"LINKMAIL_ACCOUNT=nobody@example.com"}
		},
	},
	{
		name: "31 one more page with a loopback callback", id: "settings.confirmation", verdict: auth.Passed, says: "one more page",
		happen: func(p *patient) []string { return []string{"LINKMAIL_AUTH=" + modeOAuth, p.manager()} },
	},
	{
		name: "32 the options may not be read", setting: "own_keys", verdict: auth.Unclear, says: "read:connections_options",
		happen: func(p *patient) []string {
			return []string{p.manager(slices.DeleteFunc(slices.Clone(managerScopes), func(s string) bool { return s == "read:connections_options" })...)}
		},
	},
	{
		name:       "33 disconnecting does not withdraw the access at Google",
		cannotTell: "nothing is wrong with it: logout says so (TestLogoutSaysWhatGoogleStillLists)",
	},
	{
		name: "34 several accounts and no name", setting: "account", verdict: auth.Failed, says: "2 accounts",
		happen: func(p *patient) []string {
			p.world.ConnectAccount(standin.DefaultUser, "google-oauth2", standin.SecondUser, "openid", gmailScope)
			return nil
		},
	},
	{
		name: "35 connected by another Auth0 user", setting: "connected", verdict: auth.Failed, says: "no account of google-oauth2",
		happen: func(p *patient) []string {
			return []string{"AUTH0_REFRESH_TOKEN=" + p.world.AddRefreshToken(standin.SecondUser)}
		},
	},
}

// TestThePitfallsAreToldApart: doctor names each of them, or says that it
// cannot tell, and shows no secret.
func TestThePitfallsAreToldApart(t *testing.T) {
	for i, test := range pitfalls {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if number, _, _ := strings.Cut(test.name, " "); number != strconv.Itoa(i+1) {
				t.Errorf("it is the pitfall %d", i+1)
			}
			for _, like := range test.like {
				if !slices.ContainsFunc(wrongs(), func(w wrong) bool { return w.name == like }) {
					t.Errorf("no row of the settings is called %q", like)
				}
			}
			if test.happen == nil {
				if len(test.like) == 0 && test.cannotTell == "" {
					t.Error("nothing shows it")
				}
				return
			}
			p := newPatient(t)
			env := tokenEnv(p.d)
			out := doctor(t, append(env, test.happen(p)...), test.services...)
			found := slices.IndexFunc(out.Checks, func(c auth.Check) bool {
				return (test.id == "" || c.ID == test.id) && (test.setting == "" || c.Setting == test.setting)
			})
			if found < 0 {
				t.Fatalf("no check names %s %s: %+v", test.setting, test.id, out.Checks)
			}
			got := out.Checks[found]
			if got.Verdict != test.verdict || !strings.Contains(got.Saw, test.says) {
				t.Errorf("the check is %+v, want %s and something of %q", got, test.verdict, test.says)
			}
			if got.Verdict == auth.Failed && got.Advice == "" {
				t.Errorf("the check does not say what to do: %+v", got)
			}
			if out.Failures > 1 || (out.Failures == 1) != (test.verdict == auth.Failed) {
				t.Errorf("%d checks failed: %+v", out.Failures, out.Checks)
			}
		})
	}
	if len(pitfalls) != 35 {
		t.Errorf("there are %d pitfalls, want 35", len(pitfalls))
	}
}
