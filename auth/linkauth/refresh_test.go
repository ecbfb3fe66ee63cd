package linkauth_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"linkmail/auth"
	"linkmail/auth/linkauth"
	"linkmail/cache"
	"linkmail/internal/secret"
)

// answers is a broker that says nothing but a status.
func answers(status int) func(*testing.T, string) reply {
	return func(*testing.T, string) reply { return reply{status: status} }
}

func TestABrokerRenewsWithTheSecretThatOnlyItHas(t *testing.T) {
	tests := []struct {
		name   string
		answer func(t *testing.T, publicKey string) reply
		check  func(err error) bool
	}{
		{"it does", func(t *testing.T, key string) reply {
			t.Helper()
			return readyFor(t, key, `{"access_token":"at-2","refresh_token":"rt-2","expires_in":3599,"scope":"a b"}`)
		}, nil},
		{"the refresh token is dead", func(*testing.T, string) reply {
			return reply{status: 400, body: `{"title":"OAuth Provider Error","status":400,"error":"invalid_grant"}`}
		}, func(err error) bool {
			refusal, ok := errors.AsType[*auth.EndpointError](err)
			return ok && refusal.Code == "invalid_grant"
		}},
		{"it does not do this", answers(404), func(err error) bool { return errors.Is(err, auth.ErrCannotRenew) }},
		{"it is down", answers(503), func(err error) bool {
			f, ok := errors.AsType[*auth.Failure](err)
			return ok && f.Kind == auth.Unavailable
		}},
		{"the key is refused", answers(401), func(err error) bool {
			f, ok := errors.AsType[*auth.Failure](err)
			return ok && f.Kind == auth.Refused
		}},
		{"the provider is not configured", func(*testing.T, string) reply {
			return reply{status: 400, body: `{"title":"OAuth Provider Error","status":400}`}
		}, func(err error) bool {
			f, ok := errors.AsType[*auth.Failure](err)
			return ok && f.Kind == auth.Misconfigured
		}},
		{
			"a page of the network", func(*testing.T, string) reply { return ok("<html>") },
			func(err error) bool {
				f, ok := errors.AsType[*auth.Failure](err)
				return ok && f.Code == "not_a_broker"
			},
		},
		{"an answer for somebody else", func(*testing.T, string) reply {
			return ok(`{"ciphertext":"e30=","algorithm":"RSA-OAEP-256+AES-256-GCM"}`)
		}, func(err error) bool {
			f, ok := errors.AsType[*auth.Failure](err)
			return ok && f.Code == "broker_result_invalid"
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				var in struct {
					Provider     string `json:"provider"`
					RefreshToken string `json:"refresh_token"`
					PublicKey    string `json:"public_key"`
				}
				if err := json.NewDecoder(r.Body).Decode(&in); err != nil || r.URL.Path != "/v1/oauth/refresh" || in.Provider != "google" || in.RefreshToken != refreshCanary {
					t.Errorf("the broker was asked %s %+v", r.URL.Path, in)
				}
				out := tt.answer(t, in.PublicKey)
				w.WriteHeader(out.status)
				_, _ = w.Write([]byte(out.body))
			}))
			defer srv.Close()
			c, err := linkauth.New(linkauth.Config{BrokerURL: srv.URL, Store: cache.NewMemory(nil), APIKey: secret.New(apiKeyCanary)})
			if err != nil {
				t.Fatal(err)
			}
			got, err := c.Refresh(t.Context(), "google", secret.New(refreshCanary))
			if tt.check != nil {
				if !tt.check(err) {
					t.Errorf("got %v", err)
				}
				return
			}
			if err != nil || got.AccessToken.Reveal() != "at-2" || got.RefreshToken.Reveal() != "rt-2" || got.Life.Round(time.Second) != 3599*time.Second || len(got.Scopes) != 2 {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}
