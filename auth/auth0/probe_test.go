package auth0_test

import (
	"encoding/json"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"linkmail/auth"
	"linkmail/auth/auth0"
	"linkmail/internal/secret"
	"linkmail/internal/standin"
)

// check returns the check with an id.
func check(t *testing.T, checks []auth.Check, id string) auth.Check {
	t.Helper()
	i := slices.IndexFunc(checks, func(c auth.Check) bool { return c.ID == id })
	if i < 0 {
		t.Fatalf("there is no check %s: %+v", id, checks)
	}
	return checks[i]
}

func same(*auth0.Config) {}

func TestWithoutASignInTheDoctorSaysSoAndStartsNone(t *testing.T) {
	r := newRig(t)
	checks := r.probe(same, false)
	got := check(t, checks, "sign_in")
	if got.Verdict != auth.Unclear || !strings.Contains(got.Saw, "linkmail login") {
		t.Errorf("the check is %+v", got)
	}
	for _, id := range []string{"my_account", "connection", "account", "vault"} {
		if c := check(t, checks, id); c.Verdict != auth.Unclear {
			t.Errorf("the check %s is %+v, want cannot_tell", id, c)
		}
	}
	if first := challenge(t, ask(r)); first.Step != 1 {
		t.Errorf("the first call afterwards shows %+v, want the first login", first)
	}
	for _, seen := range r.world.Seen() {
		if strings.HasPrefix(seen.Path, "/u/login") {
			t.Error("the doctor opened the login page")
		}
	}
}

func ask(r *rig) error {
	_, err := r.ask(gmail)
	return err
}

func TestTheDoctorTellsWhatBecameOfAnAccount(t *testing.T) {
	tests := []struct {
		name    string
		happen  func(*rig)
		check   string
		verdict auth.Verdict
		setting string
		says    string
	}{
		{"signed in and never connected", func(r *rig) { r.world.Disconnect(standin.DefaultUser, "google-oauth2") }, "account", auth.Unclear, "connected", "no account"},
		{"the sign-in was revoked", func(r *rig) { r.world.RevokeRefreshTokens(standin.DefaultUser) }, "my_account", auth.Failed, "sign_in", "refresh token"},
		{"the access was withdrawn", func(r *rig) { r.world.RevokeGrant(standin.DefaultUser, "google-oauth2") }, "vault", auth.Failed, "google_grant", "revoked"},
		{"Google's week of testing is over", func(r *rig) {
			r.world.RevokeGrant(standin.DefaultUser, "google-oauth2")
			r.clock.Advance(8 * 24 * time.Hour)
		}, "vault", auth.Failed, "google_grant", "7 days"},
		{"the box was left unticked", func(r *rig) {
			r.world.Disconnect(standin.DefaultUser, "google-oauth2")
			r.world.Connect(standin.DefaultUser, "google-oauth2", "openid", "profile", "email")
		}, "account", auth.Failed, "scopes", "gmail"},
		{"Auth0 is busy", func(r *rig) {
			r.world.SetFault(func(*http.Request) *standin.Fault {
				return &standin.Fault{Status: 429, Body: `{"error":"too_many_requests"}`}
			})
		}, "tenant", auth.Unclear, "", "limit"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := newRig(t)
			r.connect()
			test.happen(r)
			for _, management := range []bool{false, true} {
				if management && test.check == "tenant" {
					continue
				}
				got := check(t, r.probe(same, management), test.check)
				if got.Verdict != test.verdict || got.Setting != test.setting || !strings.Contains(got.Saw, test.says) {
					t.Errorf("the check is %+v, want %s, %s and something of %q", got, test.verdict, test.setting, test.says)
				}
			}
		})
	}
}

func TestASignInFromBeforeASettingIsNamedAsSuch(t *testing.T) {
	r := newRig(t)
	r.world.Tenant(func(t *standin.Tenant) { t.Application.RefreshToken.Policies = nil })
	_ = r.walk(same)
	m := r.management(r.provider(same), managerScopes...)
	if _, err := m.Apply(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	got := check(t, r.probe(same, true), "my_account")
	if got.Verdict != auth.Failed || got.Setting != "sign_in" || !strings.Contains(got.Saw, "from before") {
		t.Errorf("with a management token the check is %+v", got)
	}
	got = check(t, r.probe(same, false), "my_account")
	if got.Verdict != auth.Failed || !strings.Contains(got.Saw, "cannot be told from outside") {
		t.Errorf("without one the check is %+v", got)
	}
}

func TestARotatedTokenIsStoredByTheDoctor(t *testing.T) {
	r := newRig(t)
	r.connect()
	r.world.Tenant(func(t *standin.Tenant) { t.Application.RefreshToken.Rotation = true })
	got := check(t, r.probe(same, false), "my_account")
	if got.Setting != "rotation" {
		t.Errorf("the check is %+v", got)
	}
	// A second use of the old token would have ended the whole family.
	again := check(t, r.probe(same, false), "my_account")
	if again.Setting != "rotation" {
		t.Errorf("the second time it is %+v, want a live token again", again)
	}
}

func TestATokenModeNamesTheMissingAccount(t *testing.T) {
	r := newRig(t)
	with := tokenMode(r.world.AddRefreshToken(standin.DefaultUser))
	checks := r.probe(with, false)
	if got := check(t, checks, "account"); got.Verdict != auth.Failed || got.Setting != "connected" {
		t.Errorf("the check is %+v", got)
	}
	r.world.Connect(standin.DefaultUser, "google-oauth2", "openid", gmailModify)
	for _, c := range r.probe(with, false) {
		if c.Verdict != auth.Passed {
			t.Errorf("connected, the check is %+v", c)
		}
	}
	for _, dead := range []string{"v1.canary", "canary"} {
		got := check(t, r.probe(tokenMode(dead), false), "my_account")
		if got.Verdict != auth.Failed || got.Setting != "sign_in" || strings.Contains(got.Saw, "canary") {
			t.Errorf("with a token that is none the check is %+v", got)
		}
	}
}

// TestWhatStandsInBetweenIsNamed: one sentence that says what and where, and
// the refresh token is kept.
func TestWhatStandsInBetweenIsNamed(t *testing.T) {
	page := func(status int, header http.Header, body string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			maps.Copy(w.Header(), header)
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		})
	}
	html := http.Header{"Content-Type": {"text/html"}}
	tests := []struct {
		name   string
		server func(http.Handler) *httptest.Server
		serves http.Handler
		says   string
	}{
		{"a proxy answers with a page", httptest.NewServer, page(200, html, "<html>canary WiFi</html>"), "something other than Auth0"},
		{"a proxy refuses with a page", httptest.NewServer, page(403, html, "<html>canary</html>"), "no Auth0 tenant"},
		{"a captive portal redirects", httptest.NewServer, page(302, http.Header{"Location": {"http://127.0.0.1:1/canary"}}, ""), "something other than Auth0"},
		{"a server of something else", httptest.NewServer, page(404, nil, ""), "no Auth0 tenant"},
		{"another tenant's document", httptest.NewServer, page(200, nil, `{"issuer":"https://canary.example/","token_endpoint":"https://canary.example/oauth/token"}`), "another host"},
		{"a JSON answer that is none of its", httptest.NewServer, page(200, nil, `[1,2]`), "something other than Auth0"},
		{"a certificate that is not trusted", func(h http.Handler) *httptest.Server {
			s := httptest.NewUnstartedServer(h)
			s.Config.ErrorLog = log.New(io.Discard, "", 0)
			s.StartTLS()
			return s
		}, page(200, nil, "{}"), "certificate"},
		{"nobody is there", func(http.Handler) *httptest.Server {
			s := httptest.NewServer(nil)
			s.Close()
			return s
		}, nil, "could not be reached"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := newRig(t)
			s := test.server(test.serves)
			t.Cleanup(s.Close)
			p, err := auth0.New(auth0.Config{
				Domain: s.URL, ClientID: "c", ClientSecret: secret.New("canary"), RefreshToken: secret.New("v1.canary"), Store: r.store(),
			})
			if err != nil {
				t.Fatal(err)
			}
			_, checks := p.Probe(t.Context(), auth0.ProbeRequest{Principal: gmail.Principal, Scopes: []string{"gmail"}})
			got := check(t, checks, "tenant")
			if got.Verdict != auth.Failed || !strings.Contains(got.Saw, test.says) || !strings.Contains(got.Saw+got.Where, "AUTH0_DOMAIN") {
				t.Errorf("the check is %+v, want something of %q", got, test.says)
			}
			if raw, err := json.Marshal(checks); err != nil || strings.Contains(string(raw), "canary") {
				t.Errorf("the checks quote the answer or a secret: %s", raw)
			}
			if n := len(checks) - 1; n < 5 || checks[n].Verdict != auth.Skipped {
				t.Errorf("the rest is not skipped: %+v", checks)
			}
		})
	}
	// With the tenant back in its place the sign-in still works.
	r := newRig(t)
	r.connect()
	r.world.SetFault(func(*http.Request) *standin.Fault {
		return &standin.Fault{Status: 200, Header: html, Body: "<html>"}
	})
	if got := check(t, r.probe(same, false), "tenant"); got.Verdict != auth.Failed {
		t.Errorf("behind a portal the check is %+v", got)
	}
	r.world.SetFault(nil)
	for _, c := range r.probe(same, false) {
		if c.Verdict != auth.Passed {
			t.Errorf("afterwards the check is %+v", c)
		}
	}
}
