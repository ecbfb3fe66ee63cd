package main

import (
	"strings"
	"testing"

	"linkmail/auth"
	"linkmail/internal/standin"
)

// TestTheDoctorInEveryModeWithAPerson: before the sign-in it waits for nobody,
// after it all is well, and once the access is withdrawn it says so.
func TestTheDoctorInEveryModeWithAPerson(t *testing.T) {
	for _, mode := range []string{modeOAuth, modeLinkAuth, modeDirect, modeGoogle} {
		t.Run(mode, func(t *testing.T) {
			k := newDesk(t, demoFor(t, nil), mode)
			before := doctor(t, k.env)
			if got := before.check(t, "sign_in"); before.Failures != 0 || got.Verdict != auth.Unclear {
				t.Errorf("before the sign-in: %+v", before.Checks)
			}
			if k.trips > 0 {
				t.Error("the doctor opened a browser")
			}
			if e := k.ask("search_emails", map[string]any{"maxResults": 1}); e.Status != "ok" {
				t.Fatalf("search: %+v", e)
			}
			after := doctor(t, k.env)
			for _, c := range after.Checks {
				if c.Verdict != auth.Passed {
					t.Errorf("after the sign-in: %+v", c)
				}
			}
			if got := after.check(t, "gmail"); !strings.Contains(got.Saw, standin.DefaultUser) {
				t.Errorf("the mailbox is %+v", got)
			}
			id := "vault"
			if mode == modeDirect || mode == modeGoogle {
				k.d.world.RevokeGoogle(standin.DefaultUser)
				id = "google_token"
			} else {
				k.d.world.RevokeGrant(standin.DefaultUser, "google-oauth2")
			}
			if got := doctor(t, k.env).check(t, id); got.Verdict != auth.Failed || got.Advice == "" {
				t.Errorf("after the access was withdrawn: %+v", got)
			}
		})
	}
}

// TestTheDoctorTellsWhatIsWrongAtGoogle once somebody has signed in there.
func TestTheDoctorTellsWhatIsWrongAtGoogle(t *testing.T) {
	tests := []struct {
		name    string
		wrong   func(*standin.GoogleProject)
		choice  standin.Choice
		setting string
		says    string
	}{
		{"the Gmail API is off", func(p *standin.GoogleProject) { p.GmailOff = true }, standin.Choice{}, "gmail_api", "123456789"},
		{"a scope is missing", func(*standin.GoogleProject) {}, standin.Choice{Untick: []string{gmailScope}}, "scopes", gmailScope},
	}
	for _, mode := range []string{modeDirect, modeGoogle} {
		for _, test := range tests {
			t.Run(test.name+" in "+mode, func(t *testing.T) {
				t.Parallel()
				k := newDesk(t, demoFor(t, nil), mode)
				k.d.world.Google(test.wrong)
				k.choice = test.choice
				if e := k.ask("search_emails", oneMail); e.Error == nil {
					t.Fatalf("the call is answered %+v", e)
				}
				out := doctor(t, k.env)
				out.names(t, test.setting, auth.Failed)
				for _, c := range out.Checks {
					if c.Setting == test.setting && !strings.Contains(c.Saw+c.Advice, test.says) {
						t.Errorf("the check is %+v, want something of %q", c, test.says)
					}
				}
			})
		}
	}
}

// TestTheDoctorTellsAServiceThatWasNotAskedForFromOneThatWasRefused: the sign-in
// for gmail covers no calendar, and nobody has left a box unticked.
func TestTheDoctorTellsAServiceThatWasNotAskedForFromOneThatWasRefused(t *testing.T) {
	k := newDesk(t, demoFor(t, nil), modeGoogle)
	if e := k.ask("search_emails", map[string]any{"maxResults": 1}); e.Status != "ok" {
		t.Fatalf("search: %+v", e)
	}
	got := doctor(t, k.env, "gmail", "google-calendar")
	for _, c := range got.Checks {
		if want := c.Service == "google-calendar"; (c.Verdict == auth.Unclear) != want || c.Verdict == auth.Failed {
			t.Errorf("%+v", c)
		}
	}
	if got.check(t, "gmail").Verdict != auth.Passed {
		t.Errorf("the mailbox is %+v", got.Checks)
	}
}

func TestTheDoctorTellsWhatIsWrongWithAGoogleClient(t *testing.T) {
	tests := []struct {
		name    string
		wrong   func(*standin.GoogleProject)
		more    string
		check   string
		setting string
	}{
		{"another id", func(p *standin.GoogleProject) { p.ClientID = "another" }, "", "google_client", "google_client"},
		{"another secret", func(p *standin.GoogleProject) { p.ClientSecret = "another" }, "", "google_client", "google_client"},
		{"no secret here", func(*standin.GoogleProject) {}, "GOOGLE_CLIENT_SECRET=", "google_client", "google_client"},
		{"a type that cannot sign in", func(p *standin.GoogleProject) { p.Type = "android" }, "", "google_page", "google_client_type"},
		{"a web client without the callback", func(p *standin.GoogleProject) { p.Type = standin.GoogleWeb }, "", "google_page", "google_redirect"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d := demoFor(t, nil)
			d.world.Google(test.wrong)
			k := newDesk(t, d, modeGoogle, test.more)
			out := doctor(t, k.env)
			if got := out.check(t, test.check); got.Verdict != auth.Failed || got.Setting != test.setting || got.Where == "" || got.Advice == "" {
				t.Errorf("the checks are %+v, want %s", out.Checks, test.setting)
			}
		})
	}
}
