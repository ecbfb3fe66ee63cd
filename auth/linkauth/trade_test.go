package linkauth_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"linkmail/auth"
	"linkmail/auth/linkauth"
	"linkmail/broker/wire"
	"linkmail/cache"
	"linkmail/internal/secret"
)

// lending is a broker that answers trades, and notes their bodies.
type lending struct {
	*linkauth.Connector
	asked map[string]any
	path  string
}

func newLending(t *testing.T, answer func(publicKey string) reply) *lending {
	t.Helper()
	l := &lending{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		l.path, l.asked = r.URL.Path, nil
		if err := json.NewDecoder(r.Body).Decode(&l.asked); err != nil || r.Header.Get("X-API-Key") != apiKeyCanary {
			t.Errorf("the broker was asked with the key %q: %v", r.Header.Get("X-API-Key"), err)
		}
		key, _ := l.asked["public_key"].(string)
		delete(l.asked, "public_key")
		out := answer(key)
		w.WriteHeader(out.status)
		_, _ = w.Write([]byte(out.body))
	}))
	t.Cleanup(srv.Close)
	c, err := linkauth.New(linkauth.Config{BrokerURL: srv.URL, Store: cache.NewMemory(nil), APIKey: secret.New(apiKeyCanary)})
	if err != nil {
		t.Fatal(err)
	}
	l.Connector = c
	return l
}

// sealedTo is an envelope with text.
func sealedTo(t *testing.T, publicKey, text string) string {
	t.Helper()
	key, err := wire.ParsePublicKey(publicKey)
	if err != nil {
		t.Fatal(err)
	}
	envelope, err := wire.Seal(key, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return envelope
}

func TestTheDeskAsksForWhatIsWanted(t *testing.T) {
	const answer = `{"access_token":"at-2","scope":"a b","x":{"y":1}}`
	l := newLending(t, func(key string) reply { return readyFor(t, key, answer) })
	desk, token := l.Desk("auth0"), secret.New(refreshCanary)
	tests := []struct {
		path string
		ask  func(context.Context) (auth.EndpointReply, error)
		want map[string]any
	}{
		{"/v1/oauth/refresh", func(ctx context.Context) (auth.EndpointReply, error) {
			return desk.Refresh(ctx, token, "https://tenant.example/me/", []string{"openid", "read:me"})
		}, map[string]any{"audience": "https://tenant.example/me/", "scopes": []any{"openid", "read:me"}}},
		{"/v1/oauth/refresh", func(ctx context.Context) (auth.EndpointReply, error) { return desk.Refresh(ctx, token, "", nil) }, nil},
		{"/v1/oauth/vault", func(ctx context.Context) (auth.EndpointReply, error) {
			return desk.Exchange(ctx, token, "google-oauth2", "ada@example.com")
		}, map[string]any{"connection": "google-oauth2", "login_hint": "ada@example.com"}},
		{"/v1/oauth/vault", func(ctx context.Context) (auth.EndpointReply, error) {
			return desk.Exchange(ctx, token, "github", "")
		}, map[string]any{"connection": "github"}},
		{"/v1/oauth/revoke", func(ctx context.Context) (auth.EndpointReply, error) { return desk.Revoke(ctx, token) }, nil},
	}
	for _, tt := range tests {
		got, err := tt.ask(t.Context())
		if err != nil || got.Status != 200 || string(got.Body) != answer {
			t.Errorf("%s: %d %s, %v", tt.path, got.Status, got.Body, err)
		}
		want := map[string]any{"provider": "auth0", "refresh_token": refreshCanary}
		maps.Copy(want, tt.want)
		if diff := cmp.Diff(want, l.asked); l.path != tt.path || diff != "" {
			t.Errorf("%s, want %s (-want +got):\n%s", l.path, tt.path, diff)
		}
	}
}

func TestWhatABrokerAnswersInPlaceOfTokens(t *testing.T) {
	problem := func(status int, more string) reply {
		return reply{status: status, body: fmt.Sprintf(`{"type":"about:blank","title":"OAuth Grant Refused","status":%d%s}`, status, more)}
	}
	const words = `{"error":"invalid_grant","error_description":"said"}`
	tests := []struct {
		name   string
		answer func(t *testing.T, key string) reply
		status int // what the provider said
		body   string
		code   string // of the failure, if there is one
	}{
		{"the provider's own words", func(t *testing.T, key string) reply {
			t.Helper()
			return problem(400, `,"error":"invalid_grant","refusal":"`+sealedTo(t, key, `{"status":403,"answer":`+words+`}`)+`"`)
		}, 403, words, ""},
		{"the same about the broker's client", func(t *testing.T, key string) reply {
			t.Helper()
			return problem(502, `,"refusal":"`+sealedTo(t, key, `{"status":401,"answer":{"error":"invalid_client"}}`)+`"`)
		}, 401, `{"error":"invalid_client"}`, ""},
		{"a refusal with the status of a success", func(t *testing.T, key string) reply {
			t.Helper()
			return problem(400, `,"refusal":"`+sealedTo(t, key, `{"status":200,"answer":`+words+`}`)+`"`)
		}, 400, words, ""},
		{"the code alone", func(*testing.T, string) reply { return problem(400, `,"error":"invalid_grant"`) }, 400, `{"error":"invalid_grant"}`, ""},
		{"a code that is none", func(*testing.T, string) reply { return problem(400, `,"error":"\"},canary"`) }, 400, `{"error":"other"}`, ""},
		{"it is done, without a body", func(*testing.T, string) reply { return reply{status: 204} }, 200, "", ""},
		{"a refusal for somebody else", func(*testing.T, string) reply { return problem(400, `,"refusal":"e30="`) }, 0, "", "broker_result_invalid"},
		{"a refusal that is none", func(t *testing.T, key string) reply {
			t.Helper()
			return problem(400, `,"refusal":"`+sealedTo(t, key, `[]`)+`"`)
		}, 0, "", "broker_result_invalid"},
		{"a refusal without a status", func(t *testing.T, key string) reply {
			t.Helper()
			return problem(400, `,"refusal":"`+sealedTo(t, key, `{"status":7,"answer":{}}`)+`"`)
		}, 0, "", "broker_result_invalid"},
		{"a key that may not", func(*testing.T, string) reply {
			return reply{status: 403, body: `{"title":"Scope Missing","status":403}`}
		}, 0, "", "secret_not_lent"},
		{"an audience that is not listed", func(*testing.T, string) reply {
			return reply{status: 403, body: `{"title":"Audience Not Allowed","status":403}`}
		}, 0, "", "secret_not_lent"},
		{"a broker that knows nothing of it", answers(405), 0, "", "secret_not_held"},
		{"a key that it does not know", func(*testing.T, string) reply {
			return reply{status: 403, body: `{"title":"Invalid API Key","status":403}`}
		}, 0, "", "broker_key_refused"},
		{"a provider that is away", answers(502), 0, "", "broker_unavailable"},
		{"a request that it finds wrong", answers(422), 0, "", "broker_refused"},
		{"a redirect", answers(302), 0, "", "broker_redirects"},
		{"another algorithm", func(t *testing.T, key string) reply {
			t.Helper()
			return ok(`{"ciphertext":"` + sealedTo(t, key, `{}`) + `","algorithm":"none"}`)
		}, 0, "", "broker_result_invalid"},
		{"tokens that are no JSON", func(t *testing.T, key string) reply {
			t.Helper()
			return ok(`{"ciphertext":"` + sealedTo(t, key, `at-2`) + `"}`)
		}, 0, "", "broker_result_invalid"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := newLending(t, func(key string) reply { return tt.answer(t, key) })
			got, err := l.Desk("auth0").Exchange(t.Context(), secret.New(refreshCanary), "google-oauth2", "")
			if tt.code != "" {
				if f := failure(t, err); f.Code != tt.code {
					t.Errorf("failure is %+v, want %s", f, tt.code)
				}
				return
			}
			if err != nil || got.Status != tt.status || string(got.Body) != tt.body {
				t.Errorf("got %d %s, %v; want %d %s", got.Status, got.Body, err, tt.status, tt.body)
			}
		})
	}
}

// TestABrokersClientThatIsRefusedIsNoDeadSignIn in the mode that renews through it.
func TestABrokersClientThatIsRefusedIsNoDeadSignIn(t *testing.T) {
	l := newLending(t, func(key string) reply {
		refusal := sealedTo(t, key, `{"status":401,"answer":{"error":"invalid_client"}}`)
		return reply{status: 502, body: `{"title":"Bad Gateway","status":502,"refusal":"` + refusal + `"}`}
	})
	_, err := l.Refresh(t.Context(), "google", secret.New(refreshCanary))
	if f := failure(t, err); f.Code != "broker_client_refused" || f.Kind != auth.Misconfigured || !strings.Contains(f.Hint, "OAUTH_GOOGLE_CLIENT_ID") {
		t.Errorf("failure is %+v", f)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.Desk("google").Revoke(ctx, secret.New(refreshCanary)); !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that has ended: %v", err)
	}
}
