package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"linkmail/internal/standin"
	"linkmail/tools"
)

const makeFilter = `{"action":"create","from":"morningledger.example","do":["archive"]}`

func TestTheSettingsToolsetAsksForItsScope(t *testing.T) {
	for _, mode := range []string{modeOAuth, modeLinkAuth, modeGoogle} {
		t.Run(mode, func(t *testing.T) {
			k := newDesk(t, demoFor(t, nil), mode, "LINKMAIL_TOOLSETS=settings")
			made := k.ask("manage_filter", map[string]any{"action": "create", "from": "morningledger.example", "do": []string{"archive"}})
			if made.Status != "ok" || made.Data.Outcome != "created" {
				t.Errorf("create: %+v", made)
			}
		})
	}
}

// TestGetAccountNamesTheScopesThatWereGranted where the answer with the token
// said them, and says nothing where a token was configured.
func TestGetAccountNamesTheScopesThatWereGranted(t *testing.T) {
	scopesOf := func(t *testing.T, got ran) []string {
		t.Helper()
		var e struct {
			Data struct {
				Items []struct{ Scopes []string }
			}
		}
		if err := json.Unmarshal([]byte(got.stdout), &e); err != nil || len(e.Data.Items) != 1 {
			t.Fatalf("got %+v, %v", got, err)
		}
		return e.Data.Items[0].Scopes
	}
	for _, mode := range withAPerson {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			k := newDesk(t, demoFor(t, nil), mode)
			if e := k.ask("get_account", map[string]any{}); e.Status != "ok" {
				t.Fatalf("got %+v", e)
			}
			got := scopesOf(t, k.run(nil, "call", "get_account", "{}"))
			if !slices.Contains(got, gmailScope) || slices.Contains(got, settingsScope) {
				t.Errorf("got %q, want %s and not %s", got, gmailScope, settingsScope)
			}
			if text := k.run(nil, "call", "get_account", "{}", "--text").stdout; !strings.Contains(text, strings.Join(got, " ")) {
				t.Errorf("the text does not say %q:\n%s", got, text)
			}
		})
	}
	t.Run(modeToken, func(t *testing.T) {
		d := demoFor(t, nil)
		got := run(t, fixedEnv(d, modeToken, "LINKMAIL_GMAIL_TOKEN", d.world.IssueToken(standin.DefaultUser, []string{gmailScope}, time.Hour)), "call", "get_account", "{}")
		if scopes := scopesOf(t, got); scopes != nil {
			t.Errorf("got %q of a token that came without an answer", scopes)
		}
	})
}

func TestWithoutTheScopeForSettingsTheRefusalSaysHowToGetIt(t *testing.T) {
	d := demoFor(t, nil)
	env := append(fixedEnv(d, modeToken, "LINKMAIL_GMAIL_TOKEN", d.world.IssueToken(standin.DefaultUser, []string{gmailScope}, time.Hour)),
		"LINKMAIL_TOOLSETS=settings")
	if got := run(t, env, "call", "manage_filter", `{"action":"list"}`); got.status != exitOK {
		t.Errorf("to list needs no more: %+v", got)
	}
	got := run(t, env, "call", "manage_filter", makeFilter)
	e := got.envelope(t)
	if got.status != exitError || e.Error == nil || e.Error.Code != "missing_scope" {
		t.Fatalf("got %s, want missing_scope", got.stdout)
	}
	for _, want := range []string{settingsScope, "nothing was changed"} {
		if !strings.Contains(e.Error.Message, want) {
			t.Errorf("message %q lacks %q", e.Error.Message, want)
		}
	}
	for _, want := range []string{"LINKMAIL_TOOLSETS", "linkmail logout", "token"} {
		if !strings.Contains(e.Error.Hint, want) {
			t.Errorf("hint %q lacks %q", e.Error.Hint, want)
		}
	}
}

func TestProblem03OnlyWhatNeedsAScopeAsksForIt(t *testing.T) {
	settings := []tools.Toolset{tools.Settings}
	for _, one := range []struct {
		name  string
		in    signIn
		offer offer
		want  string
	}{
		{"the default tools", signIn{}, offer{}, ""},
		{"another toolset", signIn{}, offer{toolsets: []tools.Toolset{tools.Labels}}, ""},
		{"nothing that changes", signIn{}, offer{toolsets: settings, readOnly: true}, ""},
		{"settings", signIn{}, offer{toolsets: settings}, gmailScope + " " + settingsScope},
		{"scopes that are configured", signIn{scopes: map[string][]string{"gmail": {"x"}}}, offer{toolsets: settings}, "x"},
	} {
		t.Run(one.name, func(t *testing.T) {
			one.in.widen(one.offer, false)
			if got := strings.Join(one.in.scopes["gmail"], " "); got != one.want {
				t.Errorf("got %q, want %q", got, one.want)
			}
		})
	}
}
