package main

import (
	"encoding/json"
	"strings"
	"testing"

	"linkmail/internal/standin"
)

// withAPerson are the modes that can ask one.
var withAPerson = []string{modeOAuth, modeLinkAuth, modeDirect, modeGoogle}

var oneMail = map[string]any{"maxResults": 1}

// TestASignInWithAnotherAccountIsDiscarded: LINKMAIL_ACCOUNT says whose mailbox
// it has to be, and nothing of another one is kept.
func TestASignInWithAnotherAccountIsDiscarded(t *testing.T) {
	for _, mode := range withAPerson {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			k := newDesk(t, demoFor(t, nil), mode, "LINKMAIL_ACCOUNT="+standin.SecondUser)
			k.choice.User = standin.DefaultUser
			e := k.ask("search_emails", oneMail)
			if e.Error == nil || e.Error.Code != "wrong_account" || !strings.Contains(e.Error.Message, standin.DefaultUser) || !strings.Contains(e.Error.Message, standin.SecondUser) {
				t.Fatalf("the call is answered %+v %+v", e, e.Error)
			}
			if n := k.d.world.Accounts(standin.DefaultUser, "google-oauth2"); n != 0 {
				t.Errorf("%d accounts are connected all the same", n)
			}
			k.choice.User, k.person = standin.SecondUser, standin.NewPerson()
			if e := k.ask("search_emails", oneMail); e.Status != "ok" || e.Account != standin.SecondUser {
				t.Errorf("with the right account: %+v %+v", e, e.Error)
			}
		})
	}
}

// TestABoxThatWasLeftUntickedIsNamed by the call, and by status where
// something was granted all the same; the next link asks for it again.
func TestABoxThatWasLeftUntickedIsNamed(t *testing.T) {
	for _, mode := range withAPerson {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			k := newDesk(t, demoFor(t, nil), mode)
			k.choice.Untick = []string{gmailScope}
			e := k.ask("search_emails", oneMail)
			if e.Error == nil || e.Error.Code != "scope_not_granted" || !strings.Contains(e.Error.Message, gmailScope) {
				t.Fatalf("the call is answered %+v %+v", e, e.Error)
			}
			out := doctor(t, k.env)
			out.names(t, "scopes", "failed")
			k.choice.Untick = nil
			if e := k.ask("search_emails", oneMail); e.Status != "ok" {
				t.Errorf("with the box ticked: %+v %+v", e, e.Error)
			}
		})
	}
}

// TestOneMoreServiceKeepsThoseBefore: a consent replaces the one before it, so
// it asks for all of them.
func TestOneMoreServiceKeepsThoseBefore(t *testing.T) {
	for _, mode := range []string{modeOAuth, modeGoogle} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			k := newDesk(t, demoFor(t, nil), mode)
			if e := k.ask("search_emails", oneMail); e.Status != "ok" {
				t.Fatalf("search: %+v", e)
			}
			if got := k.loginOverLinks("login", "google-calendar", "--timeout", "2m"); got.status != exitOK {
				t.Fatalf("login: %+v", got)
			}
			for _, service := range []string{"gmail", "google-calendar"} {
				if got := k.run(strings.NewReader(""), "login", service, "--timeout", "2m"); got.status != exitOK || strings.Contains(got.stderr, "http") {
					t.Errorf("%s needs a person again: %+v", service, got)
				}
			}
			var view statusView
			if err := json.Unmarshal([]byte(k.run(nil, "status", "--json").stdout), &view); err != nil {
				t.Fatal(err)
			}
			kept := map[string]int{}
			for _, s := range view.Services {
				kept[s.Name] = len(s.Missing)
			}
			if missing, ok := kept["gmail"]; !ok || missing > 0 {
				t.Errorf("the services are %+v", view.Services)
			}
			if missing, ok := kept["google-calendar"]; !ok || missing > 0 {
				t.Errorf("the services are %+v", view.Services)
			}
		})
	}
}

// TestOfSeveralAccountsOneHasToBeNamed: without a name a call fails rather than
// read or send from whichever account the vault picks.
func TestOfSeveralAccountsOneHasToBeNamed(t *testing.T) {
	d := demoFor(t, nil)
	env := tokenEnv(d)
	d.world.ConnectAccount(standin.DefaultUser, "google-oauth2", standin.SecondUser, "openid", gmailScope)
	search := func(more ...string) envelope {
		return run(t, append(env, more...), "call", "search_emails", `{"maxResults":1}`).envelope(t)
	}
	e := search()
	if e.Error == nil || e.Error.Code != "account_ambiguous" || !strings.Contains(e.Error.Hint, "LINKMAIL_ACCOUNT") {
		t.Errorf("without a name the call is answered %+v %+v", e, e.Error)
	}
	for _, name := range []string{standin.SecondUser, standin.DefaultUser} {
		if e := search("LINKMAIL_ACCOUNT=" + name); e.Status != "ok" || e.Account != name {
			t.Errorf("asked for %s: %+v %+v", name, e, e.Error)
		}
		out := doctor(t, append(env, "LINKMAIL_ACCOUNT="+name))
		if got := out.check(t, "gmail"); out.Failures > 0 || !strings.Contains(got.Saw, name) {
			t.Errorf("asked for %s, the doctor finds %+v", name, out.Checks)
		}
	}
	if e := search("LINKMAIL_ACCOUNT=nobody@example.com"); e.Error == nil || e.Error.Code != "wrong_account" {
		t.Errorf("asked for an account that is not connected: %+v %+v", e, e.Error)
	}
}
