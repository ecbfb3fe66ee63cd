package auth0_test

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"linkmail/auth"
	"linkmail/auth/auth0"
	"linkmail/internal/secret"
	"linkmail/internal/standin"
)

// breakAll makes everything wrong that setup can change.
func breakAll(t *standin.Tenant) {
	t.Application.Type, t.Application.AuthMethod = "native", "none"
	t.Application.GrantTypes = []string{"password"}
	t.Application.Callbacks = []string{"https://elsewhere.example/"}
	t.Application.RefreshToken = standin.RefreshTokens{
		Rotation: true, Lifetime: time.Hour, IdleLifetime: time.Minute, Leeway: 3 * time.Second,
		Policies: []standin.RefreshPolicy{{Audience: standin.DemoAudience, Scopes: []string{"use:agent"}}},
	}
	t.MyAccount = standin.MyAccountAPI{}
	t.ClientGrants = nil
	c := t.Connection("google-oauth2")
	c.Authentication, c.ConnectedAccounts, c.Enabled = false, false, false
	t.API(standin.DemoAudience).AllowOfflineAccess = false
}

func TestSetupMendsEverythingAtOnceAndCutsNothing(t *testing.T) {
	r := newRig(t)
	with := func(cfg *auth0.Config) { cfg.Audience = standin.DemoAudience }
	r.world.Tenant(breakAll)
	m := r.management(r.provider(with), managerScopes...)

	before := r.world.Seen()
	plan, err := m.Plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, seen := range r.world.Seen()[len(before):] {
		if seen.Method != http.MethodGet {
			t.Errorf("the dry run sent %s %s", seen.Method, seen.Path)
		}
	}
	wrong := 0
	for _, s := range plan {
		if s.State == auth0.Wrong {
			if wrong++; s.Have == "" || s.Want == "" || s.Where == "" {
				t.Errorf("the plan shows no before and after: %+v", s)
			}
		}
	}
	if wrong < 9 {
		t.Errorf("the plan has %d changes: %+v", wrong, plan)
	}

	changes, err := m.Apply(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range changes {
		if c.Outcome != auth0.Changed && c.Outcome != auth0.Untouched && c.Outcome != auth0.ToCheck {
			t.Errorf("setup did %+v", c)
		}
	}
	r.world.Tenant(func(tenant *standin.Tenant) {
		app := tenant.Application
		set := app.RefreshToken
		if !slices.Contains(app.GrantTypes, "password") || !slices.Contains(app.Callbacks, "https://elsewhere.example/") || len(set.Policies) != 2 {
			t.Errorf("setup has cut a list: %+v", app)
		}
		if set.Rotation || set.Lifetime != time.Hour || set.IdleLifetime != time.Minute || set.Leeway != 3*time.Second {
			t.Errorf("setup has changed lifetimes: %+v", set)
		}
	})
	again, err := m.Apply(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range again {
		if c.Outcome != auth0.Untouched && c.Outcome != auth0.ToCheck {
			t.Errorf("the second time setup did %+v", c)
		}
	}
	if err := r.walk(with); err != nil {
		t.Errorf("afterwards the flow ends with %s", describe(err))
	}
}

// change returns what became of a setting.
func change(t *testing.T, changes []auth0.Change, id string) auth0.Change {
	t.Helper()
	i := slices.IndexFunc(changes, func(c auth0.Change) bool { return c.ID == id })
	if i < 0 {
		t.Fatalf("setup says nothing of %s: %+v", id, changes)
	}
	return changes[i]
}

func TestSetupReadsBackWhatItChanged(t *testing.T) {
	r := newRig(t)
	r.world.Tenant(func(t *standin.Tenant) { t.ClientGrants, t.GrantsAsClient = nil, 1 })
	m := r.management(r.provider(same), managerScopes...)
	changes, err := m.Apply(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := change(t, changes, "my_account_grant"); got.Outcome != auth0.NotKept || !strings.Contains(got.After, "application itself") {
		t.Errorf("a grant that was stored as another kind is %+v", got)
	}
	if changes, err = m.Apply(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if got := change(t, changes, "my_account_grant"); got.Outcome != auth0.Changed {
		t.Errorf("the second time it is %+v", got)
	}
}

func TestSetupSaysWhatOnlyTheDashboardCanDo(t *testing.T) {
	r := newRig(t)
	r.world.Tenant(func(t *standin.Tenant) { t.MyAccount.Active, t.MyAccount.DashboardOnly = false, true })
	m := r.management(r.provider(same), managerScopes...)
	changes, err := m.Apply(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := change(t, changes, "my_account"); got.Outcome != auth0.NotChanged || got.Why == "" || !strings.Contains(got.Where, "Activate") {
		t.Errorf("what the API cannot do is %+v", got)
	}
}

func TestAScopeThatTheManagementTokenLacksIsNamed(t *testing.T) {
	for _, lacking := range managerScopes {
		t.Run(lacking, func(t *testing.T) {
			r := newRig(t)
			with := func(cfg *auth0.Config) { cfg.Audience = standin.DemoAudience }
			r.world.Tenant(breakAll)
			if lacking == "update:client_grants" {
				r.world.Tenant(func(t *standin.Tenant) {
					t.ClientGrants = []standin.ClientGrant{{Audience: standin.MyAccount, SubjectType: "user"}}
					t.MyAccount.Active = true
				})
			}
			rest := slices.DeleteFunc(slices.Clone(managerScopes), func(s string) bool { return s == lacking })
			changes, err := r.management(r.provider(with), rest...).Apply(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			named := slices.ContainsFunc(changes, func(c auth0.Change) bool {
				return c.Outcome == auth0.NotChanged && strings.Contains(c.Why, lacking)
			})
			// With a callback that is not on loopback the tenant's settings do not matter.
			if !named {
				t.Errorf("%s is not named: %+v", lacking, changes)
			}
		})
	}
}

func TestARefusedManagementTokenIsOneFailure(t *testing.T) {
	r := newRig(t)
	token := r.world.ManagementToken(managerScopes...)
	tests := []struct {
		name   string
		token  string
		change func()
		code   string
	}{
		{"made up", "canary", func() {}, "management_token_refused"},
		{"busy", token, func() {
			r.world.SetFault(func(*http.Request) *standin.Fault {
				return &standin.Fault{Status: 429, Body: `{"statusCode":429,"error":"Too Many Requests","message":"Global limit has been reached","errorCode":"too_many_requests"}`}
			})
		}, "auth0_busy"},
		{"a page in its place", token, func() {
			r.world.SetFault(func(*http.Request) *standin.Fault {
				return &standin.Fault{Status: 200, Header: http.Header{"Content-Type": {"text/html"}}, Body: "<html>canary"}
			})
		}, "auth0_not_reached"},
		{"expired", token, func() {
			r.world.SetFault(nil)
			r.clock.Advance(25 * time.Hour)
		}, "management_token_refused"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.change()
			waits := 0
			m, err := auth0.NewManagement(auth0.ManagementConfig{
				Domain: r.tenant, Token: secret.New(test.token), ClientID: standin.DemoClientID,
				Pause: func(context.Context, time.Duration) error { waits++; return nil },
			})
			if err != nil {
				t.Fatal(err)
			}
			_, err = m.Plan(t.Context())
			failure(t, err, test.code)
			if (test.code == "auth0_busy") != (waits > 0) {
				t.Errorf("it waited %d times", waits)
			}
		})
	}
}

func TestAManagementTokenOfTheCanonicalDomainIsUsedThere(t *testing.T) {
	r := newRig(t)
	var asked string
	payload := base64.RawURLEncoding.EncodeToString([]byte(`{"aud":"` + r.tenant + `/api/v2/"}`))
	m, err := auth0.NewManagement(auth0.ManagementConfig{
		Domain: "login.example.com", Token: secret.New("h." + payload + ".s"), ClientID: "c",
		HTTP: &http.Client{Transport: roundTrip(func(req *http.Request) (*http.Response, error) {
			asked = req.URL.Scheme + "://" + req.URL.Host
			return nil, errors.New("no")
		})},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = m.Plan(t.Context())
	if _, ok := errors.AsType[*auth.Failure](err); !ok || asked != r.tenant {
		t.Errorf("%s was asked (%v), want %s", asked, err, r.tenant)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func TestNewManagementNamesWhatIsWrong(t *testing.T) {
	for want, cfg := range map[string]auth0.ManagementConfig{
		"AUTH0_DOMAIN":           {Domain: "a.example/path", Token: secret.New("canary"), ClientID: "c"},
		"AUTH0_MANAGEMENT_TOKEN": {Domain: "a.example", ClientID: "c"},
		"AUTH0_CLIENT_ID":        {Domain: "a.example", Token: secret.New("canary")},
	} {
		_, err := auth0.NewManagement(cfg)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "canary") {
			t.Errorf("got %v, want an error about %s", err, want)
		}
	}
}
