package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"linkmail/internal/standin"
)

// entries lists what the desk's cache holds.
func (k *desk) entries() []string {
	k.t.Helper()
	dir, _ := process{env: k.env}.lookup("LINKMAIL_CACHE_DIR")
	found, err := filepath.Glob(filepath.Join(dir, "*.sealed"))
	if err != nil {
		k.t.Fatal(err)
	}
	return found
}

// TestLogoutLeavesNothing: whatever was begun, the cache is empty afterwards,
// an open confirmation is void, and Google, Auth0 and the vault were told.
func TestLogoutLeavesNothing(t *testing.T) {
	for _, mode := range []string{modeOAuth, modeLinkAuth, modeDirect, modeGoogle} {
		t.Run(mode+", signed in", func(t *testing.T) {
			t.Parallel()
			k := newDesk(t, demoFor(t, nil), mode)
			mail := map[string]any{"to": []string{"bob@example.com"}, "subject": "Wait", "body": "For it."}
			asked := k.ask("send_email", mail)
			if asked.Status != "confirmation_required" {
				t.Fatalf("send: %+v", asked)
			}
			got := k.run(nil, "logout")
			if got.status != exitOK || !strings.Contains(got.stdout, "waited for a confirmation and will not be sent: 1") {
				t.Errorf("logout: %+v", got)
			}
			if left := k.entries(); len(left) > 0 {
				t.Errorf("the cache still holds %q", left)
			}
			if n := k.d.world.Accounts(standin.DefaultUser, "google-oauth2"); n != 0 {
				t.Errorf("%d accounts are still connected", n)
			}
			if mode != modeOAuth {
				return // the rest does not depend on the mode
			}
			mail["confirmationToken"] = asked.Data.ConfirmationToken
			if again := k.ask("send_email", mail); again.Status != "confirmation_required" {
				t.Errorf("the confirmation from before is answered %+v", again)
			}
		})
		t.Run(mode+", with a link that nobody has finished", func(t *testing.T) {
			t.Parallel()
			k := newDesk(t, demoFor(t, nil), mode)
			if e := k.run(nil, "call", "search_emails", "{}").envelope(t); e.Status != "auth_required" {
				t.Fatalf("the call is answered %+v", e)
			}
			if len(k.entries()) == 0 {
				t.Fatal("nothing was kept of the link")
			}
			if got := k.run(nil, "logout"); got.status != exitOK {
				t.Errorf("logout: %+v", got)
			}
			if left := k.entries(); len(left) > 0 {
				t.Errorf("the cache still holds %q", left)
			}
		})
	}
}

// TestLogoutBetweenTheTwoStepsLeavesNothing: signed in at Auth0, and the
// consent is still to come.
func TestLogoutBetweenTheTwoStepsLeavesNothing(t *testing.T) {
	k := newDesk(t, demoFor(t, nil), modeLinkAuth)
	call := func() envelope { return k.run(nil, "call", "search_emails", "{}").envelope(t) }
	e := call()
	if _, err := k.person.Open(t.Context(), e.Auth.URL, e.Auth.Code, standin.Choice{}); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); ; {
		if got := k.run(nil, "status"); strings.Contains(got.stdout, "since") {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("nobody was ever signed in")
		}
		if e := call(); e.Status != "auth_required" {
			t.Fatalf("the call is answered %+v", e)
		}
	}
	got := k.run(nil, "logout")
	if got.status != exitOK || !strings.Contains(got.stdout, "revoked at Auth0") {
		t.Errorf("logout: %+v", got)
	}
	if left := k.entries(); len(left) > 0 {
		t.Errorf("the cache still holds %q", left)
	}
}

func TestLogoutSaysWhatGoogleStillLists(t *testing.T) {
	k := newDesk(t, demoFor(t, nil), modeOAuth)
	if e := k.ask("search_emails", map[string]any{"maxResults": 1}); e.Status != "ok" {
		t.Fatalf("search: %+v", e)
	}
	got := k.run(nil, "logout")
	for _, want := range []string{"removed from Auth0's Token Vault", "revoked at Auth0", "forgotten on this machine", "myaccount.google.com/connections"} {
		if !strings.Contains(got.stdout, want) {
			t.Errorf("logout says nothing of %q: %s", want, got.stdout)
		}
	}
}
