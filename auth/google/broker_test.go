package google_test

import (
	"context"
	"net/http/httptest"
	"testing"
	"time"

	"linkmail/auth"
	"linkmail/auth/google"
	"linkmail/auth/linkauth"
	"linkmail/broker"
	"linkmail/internal/secret"
	"linkmail/internal/standin"
)

// TestABrokerSignsInAndRenewsWithoutASecretHere goes through a real broker that
// alone has the Google client.
func TestABrokerSignsInAndRenewsWithoutASecretHere(t *testing.T) {
	r := newRig(t)
	srv := httptest.NewUnstartedServer(nil)
	base := "http://" + srv.Listener.Addr().String()
	b, err := broker.New(broker.Config{
		BaseURL: base, Dev: true, SessionsPerMinute: -1, Now: r.clock.Now,
		Providers: map[string]broker.Provider{"google": {
			ClientID: standin.DemoGoogleClientID, ClientSecret: secret.New(standin.DemoGoogleClientSecret),
			AuthURL: r.url + "/o/oauth2/v2/auth", TokenURL: r.url + "/token",
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	srv.Config = b.Server()
	srv.Start()
	t.Cleanup(srv.Close)
	connector, err := linkauth.New(linkauth.Config{BrokerURL: base, Store: r.store, Now: r.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	over := func(cfg *google.Config) {
		cfg.Connector, cfg.ClientID, cfg.ClientSecret = connector, "", secret.Text{}
		cfg.Refresh = func(ctx context.Context, token secret.Text) (auth.TokenAnswer, error) {
			return connector.Refresh(ctx, "google", token)
		}
	}
	p := r.provider(over)
	_, err = p.Token(t.Context(), gmail)
	link := challenge(t, err)
	if _, err := standin.NewPerson().Open(t.Context(), link.URL, link.Code, standin.Choice{}); err != nil {
		t.Fatal(err)
	}
	r.clock.Advance(6 * time.Second)
	first, err := p.Token(t.Context(), gmail)
	if err != nil {
		t.Fatal(describe(err))
	}
	r.clock.Advance(time.Hour)
	second, err := p.Token(t.Context(), gmail)
	if err != nil || second.AccessToken == first.AccessToken {
		t.Fatalf("after an hour: %s", describe(err))
	}
	r.clock.Advance(time.Hour)
	r.world.RevokeGoogle(standin.DefaultUser)
	_, err = p.Token(t.Context(), gmail)
	if again := challenge(t, err); again.Why == "" || again.Code == "" {
		t.Errorf("after the user has removed the access: %+v", again)
	}
}
