package google_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"linkmail/auth"
	"linkmail/auth/google"
	"linkmail/internal/standin"
)

// probe is one visit of the doctor. It returns the last check.
func (r *rig) probe() auth.Check {
	r.t.Helper()
	_, checks := r.provider(nil).Probe(r.t.Context(), google.ProbeRequest{
		Principal: gmail.Principal, Scopes: []string{gmail.Scope}, AuthURL: r.url + "/o/oauth2/v2/auth",
	})
	for _, c := range checks {
		for _, canary := range []string{"ya29.", "1//", "GOCSPX", "canary"} {
			if strings.Contains(c.Saw+c.Where+c.Advice, canary) {
				r.t.Errorf("the check holds a secret: %+v", c)
			}
		}
	}
	return checks[len(checks)-1]
}

func TestProblem02AProbeTellsWhyGoogleGivesNoToken(t *testing.T) {
	tests := []struct {
		name    string
		happen  func(*rig)
		check   string
		setting string
		says    string
	}{
		{"the week of testing is over", func(r *rig) {
			r.world.Google(func(p *standin.GoogleProject) { p.Testing = true })
			r.clock.Advance(8 * 24 * time.Hour)
		}, "google_token", "google_testing", "8 days old"},
		{"the access was withdrawn", func(r *rig) { r.world.RevokeGoogle(standin.DefaultUser) }, "google_token", "sign_in", "access was removed"},
		{"a proxy answers with a page", func(r *rig) { r.says(says(200, "<html>canary")) }, "google_client", "google_client", "something other than Google"},
		{"a captive portal redirects", func(r *rig) {
			r.says(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", "http://127.0.0.1:1/canary")
				w.WriteHeader(http.StatusFound)
			})
		}, "google_client", "google_client", "something other than Google"},
		{"the client was deleted", func(r *rig) { r.says(says(401, `{"error":"deleted_client"}`)) }, "google_client", "google_client", ""},
		{"the client may not renew", func(r *rig) { r.says(says(401, `{"error":"unauthorized_client"}`)) }, "google_client", "google_client_type", "type"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := newRig(t)
			r.signIn(r.provider(nil), gmail, standin.Choice{})
			test.happen(r)
			got := r.probe()
			if got.ID != test.check || got.Verdict != auth.Failed || got.Setting != test.setting || got.Where == "" || !strings.Contains(got.Saw, test.says) {
				t.Errorf("the last check is %+v, want %s, %s and something of %q", got, test.check, test.setting, test.says)
			}
			if again := r.probe(); again.ID != got.ID {
				t.Errorf("the second time it is %+v: the doctor has changed something", again)
			}
		})
	}
}

func TestAProbeNamesTheBoxThatWasLeftUnticked(t *testing.T) {
	r := newRig(t)
	p := r.provider(nil)
	_, err := p.Token(t.Context(), gmail)
	r.visit(challenge(t, err), standin.Choice{Untick: []string{gmailModify}})
	if _, err := p.Token(t.Context(), gmail); err == nil || errors.As(err, new(*auth.Challenge)) {
		t.Fatalf("got %s, want a failure", describe(err))
	}
	if got := r.probe(); got.Verdict != auth.Failed || got.Setting != "scopes" || !strings.Contains(got.Saw, gmailModify) {
		t.Errorf("the last check is %+v", got)
	}
}

func TestAProbeWithoutASignInStartsNone(t *testing.T) {
	r := newRig(t)
	if got := r.probe(); got.ID != "sign_in" || got.Verdict != auth.Unclear {
		t.Errorf("the last check is %+v", got)
	}
	status, err := r.provider(nil).Status(t.Context(), gmail.Principal)
	if err != nil || status.Waiting || status.SignedIn {
		t.Errorf("afterwards the status is %+v, %v", status, err)
	}
}
