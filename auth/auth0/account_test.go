package auth0_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"linkmail/auth"
	"linkmail/auth/auth0"
	"linkmail/internal/standin"
)

const calendarScope = "https://www.googleapis.com/auth/calendar"

// expecting sets the account that is expected, and asks Gmail whose token it is.
func (r *rig) expecting(account string) func(*auth0.Config) {
	gmail := httptest.NewServer(r.world.Gmail())
	r.t.Cleanup(gmail.Close)
	return func(cfg *auth0.Config) {
		cfg.Account = account
		cfg.Owner = func(ctx context.Context, _ string, token *oauth2.Token) (string, error) {
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, gmail.URL+"/gmail/v1/users/me/profile", http.NoBody)
			if err != nil {
				return "", err
			}
			token.SetAuthHeader(req)
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				return "", err
			}
			defer func() { _ = resp.Body.Close() }()
			var in struct{ EmailAddress string }
			if err := json.NewDecoder(resp.Body).Decode(&in); err != nil || resp.StatusCode != http.StatusOK {
				return "", errors.New("no profile")
			}
			return in.EmailAddress, nil
		}
	}
}

func (r *rig) askAs(change func(*auth0.Config)) (*oauth2.Token, error) {
	r.t.Helper()
	return r.provider(change).Token(r.t.Context(), gmail)
}

// connectAs consents with one Google account on behalf of the user who logged in.
func (r *rig) connectAs(change func(*auth0.Config), login, google string) {
	r.t.Helper()
	_, err := r.askAs(change)
	r.visit(challenge(r.t, err), standin.Choice{User: login})
	r.poll()
	_, err = r.askAs(change)
	r.visit(challenge(r.t, err), standin.Choice{User: google})
	r.poll()
}

func TestSeveralAccountsWithoutANameFailClosed(t *testing.T) {
	r := newRig(t)
	r.connectAs(nil, standin.DefaultUser, standin.DefaultUser)
	if _, err := r.ask(gmail); err != nil {
		t.Fatal(describe(err))
	}
	// Another application of the tenant connects a second account.
	r.world.ConnectAccount(standin.DefaultUser, "google-oauth2", standin.SecondUser, "openid", gmailModify)
	r.clock.Advance(25 * time.Hour)
	_, err := r.ask(gmail)
	if f := failure(t, err, "account_ambiguous"); !strings.Contains(f.Hint, "LINKMAIL_ACCOUNT") || !strings.HasPrefix(f.Message, "2 accounts") {
		t.Errorf("failure is %+v", f)
	}
}

func TestAnAccountIsChosenByItsName(t *testing.T) {
	r := newRig(t)
	r.world.Connect(standin.DefaultUser, "google-oauth2", "openid", gmailModify)
	r.world.ConnectAccount(standin.DefaultUser, "google-oauth2", standin.SecondUser, "openid", gmailModify)
	refresh := r.world.AddRefreshToken(standin.DefaultUser)
	for _, name := range []string{standin.DefaultUser, strings.ToUpper(standin.DefaultUser), standin.SecondUser} {
		as := r.expecting(name)
		change := func(cfg *auth0.Config) { tokenMode(refresh)(cfg); as(cfg) }
		token, err := r.askAs(change)
		if err != nil {
			t.Fatalf("%s: %s", name, describe(err))
		}
		cfg := auth0.Config{}
		as(&cfg)
		if who, err := cfg.Owner(t.Context(), "gmail", token); err != nil || !auth.SameAccount(who, name) {
			t.Errorf("asked for %s and got the token of %s", name, who)
		}
	}
	change := r.expecting("nobody@example.com")
	_, err := r.askAs(func(cfg *auth0.Config) { tokenMode(refresh)(cfg); change(cfg) })
	if f := failure(t, err, "wrong_account"); !strings.Contains(f.Message, "nobody@example.com") {
		t.Errorf("failure is %+v", f)
	}
}

func TestALoginWithTheWrongGoogleAccountIsRevoked(t *testing.T) {
	r := newRig(t)
	as := r.expecting(standin.SecondUser)
	_, err := r.askAs(as)
	r.visit(challenge(t, err), standin.Choice{User: standin.DefaultUser})
	r.poll()
	_, err = r.askAs(as)
	f := failure(t, err, "wrong_account")
	if !strings.Contains(f.Message, standin.DefaultUser) || !strings.Contains(f.Message, standin.SecondUser) {
		t.Errorf("both are not named: %s", f.Message)
	}
	if r.count("/oauth/revoke") != 1 {
		t.Error("Auth0 was not told to revoke the login")
	}
	_, err = r.askAs(as)
	if link := challenge(t, err); link.Step != 1 {
		t.Errorf("afterwards: %+v, want a fresh login", link)
	}
}

func TestAConsentWithTheWrongAccountIsDiscarded(t *testing.T) {
	r := newRig(t)
	// The user of Auth0 is right and picks the wrong account at Google.
	as := r.expecting(standin.DefaultUser)
	r.connectAs(as, standin.DefaultUser, standin.SecondUser)
	_, err := r.askAs(as)
	f := failure(t, err, "wrong_account")
	if !strings.Contains(f.Message, standin.SecondUser) {
		t.Errorf("the wrong one is not named: %s", f.Message)
	}
	if n := r.world.Accounts(standin.DefaultUser, "google-oauth2"); n != 0 {
		t.Errorf("%d accounts are connected, want the wrong one to be removed", n)
	}
	_, err = r.askAs(as)
	r.visit(challenge(t, err), standin.Choice{User: standin.DefaultUser})
	r.poll()
	if _, err := r.askAs(as); err != nil {
		t.Errorf("with the right one: %s", describe(err))
	}
}

func TestAReconnectAsksForTheUnionOfWhatWasGranted(t *testing.T) {
	r := newRig(t)
	r.connect()
	calendar := gmail
	calendar.Scope = "google-calendar"
	_, err := r.ask(calendar)
	r.visit(challenge(t, err), standin.Choice{})
	r.poll()
	if _, err := r.ask(calendar); err != nil {
		t.Fatal(describe(err))
	}
	// The grant dies, which tells nothing of what it was for.
	r.world.RevokeGrant(standin.DefaultUser, "google-oauth2")
	r.clock.Advance(2 * time.Hour)
	_, err = r.ask(gmail)
	r.visit(challenge(t, err), standin.Choice{})
	r.poll()
	for _, req := range []auth.Request{gmail, calendar} {
		if _, err := r.ask(req); err != nil {
			t.Errorf("%s after the reconnect: %s", req.Scope, describe(err))
		}
	}
}

func TestServicesCanBeMappedToOtherConnections(t *testing.T) {
	r := newRig(t)
	r.world.Tenant(func(tenant *standin.Tenant) {
		c := *tenant.Connection("google-oauth2")
		c.Name = "google-work"
		tenant.Connections = append(tenant.Connections, c)
	})
	r.world.Connect(standin.DefaultUser, "google-work", "openid", calendarScope)
	refresh := r.world.AddRefreshToken(standin.DefaultUser)
	req := gmail
	req.Scope = "planner"
	_, err := r.provider(func(cfg *auth0.Config) {
		tokenMode(refresh)(cfg)
		cfg.Connections = map[string]string{"planner": "google-work"}
		cfg.Scopes = map[string][]string{"planner": {calendarScope}}
	}).Token(t.Context(), req)
	if err != nil {
		t.Error(describe(err))
	}
}

// TestAnotherConnectionOfGoogleIsAskedAsGoogle: Google gives a refresh token
// to those who consented before only if it is asked to ask again.
func TestAnotherConnectionOfGoogleIsAskedAsGoogle(t *testing.T) {
	r := newRig(t)
	r.world.Tenant(func(tenant *standin.Tenant) {
		c := *tenant.Connection("google-oauth2")
		c.Name = "google-work"
		tenant.Connections = append(tenant.Connections, c)
	})
	r.world.Connect(standin.DefaultUser, "google-work", "openid", "profile", "email", gmailModify)
	r.world.Disconnect(standin.DefaultUser, "google-work")
	if err := r.walk(func(cfg *auth0.Config) { cfg.Connections = map[string]string{"gmail": "google-work"} }); err != nil {
		t.Error(describe(err))
	}
}

func TestStatusAndSignOut(t *testing.T) {
	r := newRig(t)
	r.connect()
	p := r.provider(nil)
	status, err := p.Status(t.Context(), gmail.Principal)
	if err != nil || !status.SignedIn || status.Account != standin.DefaultUser || status.Waiting || status.Since.IsZero() {
		t.Errorf("status is %+v, %v", status, err)
	}
	if len(status.Services) != 1 || status.Services[0].Scope != "gmail" || status.Services[0].Until.IsZero() ||
		!slices.Contains(status.Services[0].Granted, gmailModify) || len(status.Services[0].Missing) != 0 {
		t.Errorf("services are %+v", status.Services)
	}
	out, err := p.SignOut(t.Context(), gmail.Principal)
	if err != nil || len(out.Done) != 3 || len(out.Left) != 1 || !strings.Contains(out.Left[0], "myaccount.google.com") {
		t.Errorf("signed out: %+v, %v", out, err)
	}
	if r.count("/oauth/revoke") != 1 || r.world.Accounts(standin.DefaultUser, "google-oauth2") != 0 {
		t.Error("the login was not revoked, or the account not disconnected")
	}
	status, err = p.Status(t.Context(), gmail.Principal)
	if err != nil || status.SignedIn || len(status.Services) != 0 {
		t.Errorf("status afterwards: %+v, %v", status, err)
	}
	_, err = r.ask(gmail)
	if link := challenge(t, err); link.Step != 1 {
		t.Errorf("afterwards: %+v, want a login", link)
	}
	if status, err := p.Status(t.Context(), gmail.Principal); err != nil || !status.Waiting {
		t.Errorf("while the link waits: %+v, %v", status, err)
	}
}

func TestASignOutThatAuth0DoesNotHearSaysWhatIsLeft(t *testing.T) {
	r := newRig(t)
	r.connect()
	r.world.SetFault(func(req *http.Request) *standin.Fault {
		if req.URL.Path == "/connected-accounts/connect" {
			return nil
		}
		return &standin.Fault{Status: 503}
	})
	out, err := r.provider(nil).SignOut(t.Context(), gmail.Principal)
	if err != nil || len(out.Left) != 2 || len(out.Done) != 1 {
		t.Fatalf("signed out: %+v, %v", out, err)
	}
	r.world.SetFault(nil)
	_, err = r.ask(gmail)
	challenge(t, err) // forgotten here all the same

	// A configured token belongs to whoever configured it.
	refresh := r.world.AddRefreshToken(standin.SecondUser)
	out, err = r.provider(tokenMode(refresh)).SignOut(t.Context(), gmail.Principal)
	if err != nil || len(out.Left) != 1 || !strings.Contains(out.Left[0], "AUTH0_REFRESH_TOKEN") || r.count("/oauth/revoke") != 1 {
		t.Errorf("signed out: %+v, %v", out, err)
	}
}
