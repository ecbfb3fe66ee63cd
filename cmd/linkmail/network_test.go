package main

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"linkmail/internal/standin"
)

// plainServer is a server of something else.
func plainServer(t *testing.T, tls bool) string {
	t.Helper()
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	start := s.Start
	if tls {
		start = s.StartTLS
	}
	start()
	t.Cleanup(s.Close)
	return s.URL
}

// TestAnAddressThatIsNoTenantIsSaidInOneSentence that says what and where.
func TestAnAddressThatIsNoTenantIsSaidInOneSentence(t *testing.T) {
	d := demoFor(t, nil)
	env := tokenEnv(d)
	encrypted := plainServer(t, true)
	tests := []struct {
		name, domain string
		code         string
		says         []string
	}{
		{"nobody is there", "http://127.0.0.1:1", "auth0_unreachable", []string{"http://127.0.0.1:1", "connection failed", "AUTH0_DOMAIN"}},
		{"a name that there is not", "tenant.invalid", "auth0_unreachable", []string{"https://tenant.invalid", "AUTH0_DOMAIN"}},
		{"its certificate is not trusted", encrypted, "auth0_unreachable", []string{encrypted, "certificate", "AUTH0_DOMAIN"}},
		{"a server of something else", plainServer(t, false), "auth0_not_reached", []string{"other than Auth0", "HTTP 404", "AUTH0_DOMAIN"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := run(t, append(env, "AUTH0_DOMAIN="+test.domain), "call", "search_emails", "{}")
			e := got.envelope(t)
			if got.status != exitError || e.Error == nil || e.Error.Code != test.code {
				t.Fatalf("status %d, %s, want %s", got.status, got.stdout, test.code)
			}
			for _, want := range test.says {
				if !strings.Contains(e.Error.Message+" "+e.Error.Hint, want) {
					t.Errorf("%+v says nothing of %q", e.Error, want)
				}
			}
			if strings.ContainsAny(strings.TrimRight(e.Error.Message, "."), "\n") || strings.Contains(e.Error.Message, ". ") {
				t.Errorf("%q is more than one sentence", e.Error.Message)
			}
			quiet(t, env, got.stdout+got.stderr)
		})
	}
	with := run(t, append(env, "AUTH0_DOMAIN=tenant.example.com/login"), "call", "search_emails", "{}")
	if with.status != exitUsage || with.stdout != "" || !strings.Contains(with.stderr, "AUTH0_DOMAIN") || !strings.Contains(with.stderr, "without a path") {
		t.Errorf("a domain with a path ends with %d, %q, %q", with.status, with.stdout, with.stderr)
	}
}

// TestWhatStandsInBetweenCostsNobodyTheSignIn: a proxy, a captive portal or a
// broken connection is named, and afterwards the same sign-in goes on.
func TestWhatStandsInBetweenCostsNobodyTheSignIn(t *testing.T) {
	html := http.Header{"Content-Type": {"text/html"}}
	tests := []struct {
		name  string
		fault standin.Fault
		code  string
		says  string
	}{
		{"a proxy answers with a page", standin.Fault{Status: 200, Header: html, Body: "<html>canary invalid_grant"}, "auth0_not_reached", "other than Auth0"},
		{"a proxy refuses with a page", standin.Fault{Status: 403, Header: html, Body: "<html>canary invalid_grant"}, "auth0_not_reached", "other than Auth0"},
		{"a captive portal redirects", standin.Fault{Status: 302, Header: http.Header{"Location": {"http://127.0.0.1:1/canary"}}}, "auth0_not_reached", "other than Auth0"},
		{"a connection breaks off", standin.Fault{HangUp: true}, "auth0_unreachable", "could not be reached"},
		{"Auth0 is down", standin.Fault{Status: 503, Body: `{"error":"invalid_grant"}`}, "auth0_unavailable", "HTTP 503"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			k := newDesk(t, demoFor(t, nil), modeOAuth)
			k.choice.Untick = []string{gmailScope} // signed in, and no token that could be kept
			if e := k.ask("search_emails", oneMail); e.Error == nil || e.Error.Code != "scope_not_granted" {
				t.Fatalf("the first call is answered %+v", e)
			}
			k.choice.Untick = nil
			logins := k.logins()
			k.d.world.SetFault(func(r *http.Request) *standin.Fault {
				if strings.HasPrefix(r.URL.Path, "/oauth/") {
					return &test.fault
				}
				return nil
			})
			e := k.ask("search_emails", oneMail)
			if e.Error == nil || e.Error.Code != test.code || !strings.Contains(e.Error.Message, test.says) || strings.Contains(e.Error.Message+e.Error.Hint, "canary") {
				t.Fatalf("the call is answered %+v %+v, want %s", e, e.Error, test.code)
			}
			k.d.world.SetFault(nil)
			if e := k.ask("search_emails", oneMail); e.Status != "ok" {
				t.Errorf("afterwards the call is answered %+v %+v", e, e.Error)
			}
			if n := k.logins(); n != logins {
				t.Errorf("afterwards the person had to sign in again")
			}
		})
	}
}

// logins counts how often a person has looked at the login page.
func (k *desk) logins() int {
	n := 0
	for _, seen := range k.d.world.Seen() {
		if seen.Path == "/u/login" {
			n++
		}
	}
	return n
}
