package broker_test

import (
	"net/url"
	"slices"
	"testing"

	"linkmail/broker"
	"linkmail/internal/secret"
)

func TestKnownProvidersNeedNoEndpoints(t *testing.T) {
	want := map[string]string{
		"google":    "accounts.google.com/o/oauth2/v2/auth",
		"github":    "github.com/login/oauth/authorize",
		"slack":     "slack.com/oauth/v2/authorize",
		"microsoft": "login.microsoftonline.com/common/oauth2/v2.0/authorize",
		"gitlab":    "gitlab.com/oauth/authorize",
		"discord":   "discord.com/oauth2/authorize",
		"spotify":   "accounts.spotify.com/authorize",
	}
	r := newRig(t, func(cfg *broker.Config) {
		cfg.Providers = map[string]broker.Provider{}
		for name := range want {
			cfg.Providers[name] = broker.Provider{ClientID: "id", ClientSecret: secret.New("s")}
		}
	})
	for name, where := range want {
		got := r.person().depart(r.create(map[string]any{"oauth_provider": name}))
		if got.Scheme+"://"+got.Host+got.Path != "https://"+where || got.Query().Get("scope") == "" {
			t.Errorf("%s: %s", name, got)
		}
		if name == "google" && (got.Query().Get("access_type") != "offline" || got.Query().Get("prompt") != "consent") {
			t.Errorf("google: %s asks for no refresh token", got)
		}
	}
	for template, scope := range map[string]string{
		"google_mail":    "https://www.googleapis.com/auth/gmail.modify",
		"google_drive":   "https://www.googleapis.com/auth/drive.readonly",
		"microsoft_mail": "offline_access Mail.ReadWrite Mail.Send",
		"github":         "repo",
		"slack":          "channels:read chat:write",
	} {
		got := r.person().depart(r.create(map[string]any{"template": template}))
		if got.Query().Get("scope") != scope {
			t.Errorf("%s: scope %q, want %q", template, got.Query().Get("scope"), scope)
		}
	}
}

func TestProvidersOfOnesOwn(t *testing.T) {
	idp := newIDP(t)
	own := func(name string) *url.URL {
		r := newRig(t, func(cfg *broker.Config) {
			cfg.Providers = map[string]broker.Provider{name: {ClientID: "id", Issuer: idp.URL + "/"}}
		})
		return r.person().depart(r.create(map[string]any{"oauth_provider": name}))
	}
	for _, name := range []string{"auth0", "keycloak", "gitlab", "some-company"} {
		if got := own(name); "http://"+got.Host != idp.URL || got.Path != "/authorize" {
			t.Errorf("%s: %s, want the issuer's own endpoint", name, got)
		}
	}
	for _, name := range []string{"auth0", "keycloak", "some-company"} {
		cfg := config(goodKey)
		cfg.Providers = map[string]broker.Provider{name: {ClientID: "id"}}
		if _, err := broker.New(cfg); err == nil {
			t.Errorf("%s without an issuer is accepted", name)
		}
	}
	if names := broker.KnownProviders(); !slices.IsSorted(names) || len(names) != 9 {
		t.Errorf("KnownProviders = %v", names)
	}
}
