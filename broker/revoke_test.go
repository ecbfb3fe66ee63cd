package broker_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"linkmail/broker"
	"linkmail/broker/wire"
	"linkmail/internal/secret"
	"linkmail/internal/standin"
)

// faulty is a store that does not do what it is asked, for a while.
type faulty struct {
	broker.Store
	mu sync.Mutex
	// next is asked before each update: it may make the update itself, and its
	// error is what the broker is told. Nil lets the update through.
	next func(update func() (broker.Session, error)) error
}

func (f *faulty) Update(ctx context.Context, id string, change func(*broker.Session) error) (broker.Session, error) {
	f.mu.Lock()
	next := f.next
	f.mu.Unlock()
	update := func() (broker.Session, error) { return f.Store.Update(ctx, id, change) }
	if next != nil {
		if err := next(update); err != nil {
			return broker.Session{}, err
		}
	}
	return update()
}

func (f *faulty) fail(next func(update func() (broker.Session, error)) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.next = next
}

var errDiskFull = &broker.StoreError{Store: "sqlite", Op: "update", Cause: "disk full"}

// faultyRig is a broker on a store that can fail.
func faultyRig(t *testing.T, change func(*broker.Config)) (*rig, *faulty) {
	t.Helper()
	store := new(faulty)
	r := newRig(t, func(cfg *broker.Config) {
		store.Store = broker.NewMemory(broker.MemoryConfig{Now: cfg.Now})
		cfg.Store = store
		change(cfg)
	})
	return r, store
}

func TestH80TokensThatCannotBeStoredAreGivenBack(t *testing.T) {
	always := func(func() (broker.Session, error)) error { return errDiskFull }
	for name, tt := range map[string]struct {
		// meanwhile happens while the provider answers.
		meanwhile func(r *rig, store *faulty)
		cause     string
		status    int
		agent     wire.Status // empty is a session that is not there any more
	}{
		"the disk is full": {
			func(_ *rig, store *faulty) { store.fail(always) }, "sqlite: disk full", 503, wire.Confirmed,
		},
		"the disk is full for one write": {
			func(_ *rig, store *faulty) {
				store.fail(func(func() (broker.Session, error)) error { store.fail(nil); return errDiskFull })
			}, "sqlite: disk full", 503, wire.Failed,
		},
		"the store is damaged": {
			func(_ *rig, store *faulty) {
				store.fail(func(func() (broker.Session, error)) error { store.fail(nil); return io.ErrNoProgress })
			}, "store failed", 503, wire.Confirmed,
		},
		"the session has expired": {
			func(r *rig, _ *faulty) { r.clock.Advance(10 * time.Minute) }, "session is not there any more", 503, "",
		},
		"the session was given up": {
			func(r *rig, _ *faulty) { r.clock.Advance(2 * time.Minute) }, "session has moved on", 503, wire.Failed,
		},
	} {
		t.Run(name, func(t *testing.T) {
			idp := newIDP(t)
			r, store := faultyRig(t, withIDP(idp))
			idp.answer = func(w http.ResponseWriter, _ *http.Request) {
				tt.meanwhile(r, store)
				w.Header().Set("Content-Type", "application/json")
				_, _ = io.WriteString(w, idpTokens)
			}
			a, p := r.create(map[string]any{"oauth_provider": "auth0"}), r.person()
			state := p.depart(a).Query().Get("state")
			got := p.callback("state", state, "code", "c")
			if problem := got.problem(tt.status); problem.Title != "Sign-In Not Kept" || strings.Contains(got.body, "canary") {
				t.Errorf("the person reads %s", got.body)
			}
			given := idp.revocations()
			if len(given) != 1 || given[0].Get("token") != "rt-canary" ||
				given[0].Get("client_id") != "client-1" || given[0].Get("client_secret") != "client-secret-canary" {
				t.Errorf("given back: %v, want the refresh token, by the broker's client", given)
			}
			log := r.log.String()
			if strings.Contains(log, "canary") || !strings.Contains(log, tt.cause) || !strings.Contains(log, `"outcome":"revoked","message":"tokens given back"`) {
				t.Errorf("log, which is to say %q:\n%s", tt.cause, log)
			}
			store.fail(nil)
			if tt.agent == "" {
				a.pollNow().problem(404)
				return
			}
			if poll := a.pollLater(); poll.Status != tt.agent || poll.Ciphertext != nil {
				t.Errorf("poll = %+v, want %s", poll, tt.agent)
			}
			// Whatever the store missed, the agent learns that it is over.
			r.clock.Advance(2 * time.Minute)
			if poll := a.pollLater(); poll.Status != wire.Failed || poll.Error != "server_error" || poll.Ciphertext != nil {
				t.Errorf("later the poll says %+v, want failed", poll)
			}
			p.callback("state", state, "code", "c").problem(400)
			if n := len(idp.exchanges()); n != 1 {
				t.Errorf("%d token requests, want 1", n)
			}
		})
	}
}

// A reply that is lost says nothing about what it replies to.
func TestH80TokensThatWereStoredAfterAllAreKept(t *testing.T) {
	idp := newIDP(t)
	r, store := faultyRig(t, withIDP(idp))
	idp.answer = func(w http.ResponseWriter, _ *http.Request) {
		store.fail(func(update func() (broker.Session, error)) error {
			store.fail(nil)
			if _, err := update(); err != nil {
				t.Error(err)
			}
			return &broker.StoreError{Store: "redis", Op: "update", Cause: "unreachable"}
		})
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, idpTokens)
	}
	a, p := r.create(map[string]any{"oauth_provider": "auth0"}), r.person()
	p.callback("state", p.depart(a).Query().Get("state"), "code", "c").want(303)
	if got := a.fetch(); got != idpTokens {
		t.Errorf("the agent got %s", got)
	}
	if given := idp.revocations(); len(given) != 0 {
		t.Errorf("given back: %v", given)
	}
}

func TestWhereTokensAreGivenBack(t *testing.T) {
	for name, tt := range map[string]struct {
		provider string
		change   func(p *broker.Provider, i *idp)
		answer   string // of the token endpoint
		token    string // that is given back; empty is none
		outcome  string
	}{
		"as the issuer says": {"some-company", func(p *broker.Provider, _ *idp) { p.AuthURL, p.TokenURL = "", "" }, idpTokens, "rt-canary", "revoked"},
		"as the issuer says when it is asked for that alone": {"some-company", func(*broker.Provider, *idp) {}, idpTokens, "rt-canary", "revoked"},
		"as configured": {"some-company", func(p *broker.Provider, i *idp) {
			p.RevocationURL, p.Issuer = i.URL+"/revoke?client={client_id}", ""
		}, idpTokens, "rt-canary", "revoked"},
		"beside Auth0's token endpoint": {"auth0", func(p *broker.Provider, i *idp) {
			p.TokenURL, p.Issuer = i.URL+"/oauth/token", ""
		}, idpTokens, "rt-canary", "revoked"},
		"the access token where there is no other": {"some-company", func(*broker.Provider, *idp) {}, `{"access_token":"at-canary"}`, "at-canary", "revoked"},
		"a token with escapes":                     {"some-company", func(*broker.Provider, *idp) {}, `{"access_token":"a","refresh_token":"1\/\u002frt+%\"canary"}`, `1//rt+%"canary`, "revoked"},
		"nowhere":                                  {"some-company", func(p *broker.Provider, _ *idp) { p.Issuer = "" }, idpTokens, "", "provider has no revocation endpoint"},
		"nowhere, by configuration":                {"some-company", func(p *broker.Provider, _ *idp) { p.RevocationURL = broker.NoRevocation }, idpTokens, "", "turned off"},
		"an endpoint that refuses":                 {"some-company", func(_ *broker.Provider, i *idp) { i.revoked = reply(400, `{"error":"canary"}`) }, idpTokens, "rt-canary", "revocation endpoint refused"},
		"an endpoint that is broken":               {"some-company", func(_ *broker.Provider, i *idp) { i.revoked = reply(500, `canary`) }, idpTokens, "rt-canary", "revocation endpoint did not answer"},
		"an endpoint that hangs": {"some-company", func(_ *broker.Provider, i *idp) {
			i.revoked = func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() } // when the broker has given up
		}, idpTokens, "rt-canary", "revocation endpoint did not answer"},
		"an endpoint that answers without end": {"some-company", func(_ *broker.Provider, i *idp) {
			i.revoked = reply(200, strings.Repeat("canary", 1<<20))
		}, idpTokens, "rt-canary", "revocation endpoint did not answer"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			idp := newIDP(t)
			r, store := faultyRig(t, func(cfg *broker.Config) {
				p := idp.provider()
				tt.change(&p, idp)
				cfg.Providers = map[string]broker.Provider{tt.provider: p}
			})
			idp.answer = func(w http.ResponseWriter, req *http.Request) {
				store.fail(func(func() (broker.Session, error)) error { return errDiskFull })
				reply(200, tt.answer)(w, req)
			}
			a, p := r.create(map[string]any{"oauth_provider": tt.provider}), r.person()
			p.callback("state", p.depart(a).Query().Get("state"), "code", "c", "iss", idp.URL+"/").problem(503)
			given := idp.revocations()
			if len(given) > 1 || (len(given) == 1) != (tt.token != "") || len(given) == 1 && given[0].Get("token") != tt.token {
				t.Errorf("given back: %v, want %q", given, tt.token)
			}
			if log := r.log.String(); strings.Contains(log, "canary") || !strings.Contains(log, `"outcome":"`+tt.outcome+`"`) {
				t.Errorf("log, which is to say %q:\n%s", tt.outcome, log)
			}
		})
	}
}

func reply(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// trusted serves as all of these hosts, over TLS.
func trusted(t *testing.T, r *rig, h http.Handler, hosts ...string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: hosts, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewUnstartedServer(h)
	srv.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{raw}, PrivateKey: key}}}
	srv.StartTLS()
	t.Cleanup(srv.Close)
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	r.b.TrustUpstream(pool, srv.Listener.Addr().String())
}

// Each of these servers takes back nothing that is not sent in its own way.
func TestKnownProvidersAreGivenTokensBackInTheirWay(t *testing.T) {
	formToken := func(r *http.Request, token, identity string) bool {
		return r.Method == http.MethodPost && r.ParseForm() == nil && r.PostForm.Get("token") == token && r.PostForm.Get("client_secret") == identity
	}
	for name, tt := range map[string]struct {
		token, where string // hosts and paths
		answer       string
		takes        func(r *http.Request) bool
		status       int
		body         string
		times        int
	}{
		"google": {
			"oauth2.googleapis.com/token", "oauth2.googleapis.com/revoke", idpTokens,
			func(r *http.Request) bool { return formToken(r, "rt-canary", "s") }, 200, `{}`, 1,
		},
		"gitlab":  {"gitlab.com/oauth/token", "gitlab.com/oauth/revoke", idpTokens, func(r *http.Request) bool { return formToken(r, "rt-canary", "s") }, 200, `{}`, 1},
		"discord": {"discord.com/api/oauth2/token", "discord.com/api/oauth2/token/revoke", idpTokens, func(r *http.Request) bool { return formToken(r, "rt-canary", "s") }, 200, `{}`, 1},
		"github": {
			"github.com/login/oauth/access_token", "api.github.com/applications/id/token", `{"access_token":"gho_canary","token_type":"bearer","scope":""}`,
			func(r *http.Request) bool {
				var body struct {
					AccessToken string `json:"access_token"`
				}
				user, password, ok := r.BasicAuth()
				return r.Method == http.MethodDelete && json.NewDecoder(r.Body).Decode(&body) == nil && body.AccessToken == "gho_canary" &&
					ok && user == "id" && password == "s" && r.UserAgent() != "" && r.Header.Get("Content-Type") == "application/json"
			}, 204, "", 1,
		},
		"slack": {
			"slack.com/api/oauth.v2.access", "slack.com/api/auth.revoke",
			`{"ok":true,"access_token":"xoxb-canary","refresh_token":"xoxe-canary","authed_user":{"id":"U1","access_token":"xoxp-canary","token_type":"user"}}`,
			func(r *http.Request) bool { return formToken(r, "xoxb-canary", "") || formToken(r, "xoxp-canary", "") },
			200, `{"ok":true,"revoked":true}`, 2,
		},
	} {
		t.Run(name, func(t *testing.T) {
			r, store := faultyRig(t, func(cfg *broker.Config) {
				cfg.Providers = map[string]broker.Provider{name: {ClientID: "id", ClientSecret: secret.New("s")}}
			})
			var taken, refused []string
			hosts := []string{tt.token[:strings.Index(tt.token, "/")], tt.where[:strings.Index(tt.where, "/")]}
			trusted(t, r, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				switch where := req.Host + req.URL.Path; {
				case where == tt.token:
					store.fail(func(func() (broker.Session, error)) error { return errDiskFull })
					reply(200, tt.answer)(w, req)
				case where == tt.where && tt.takes(req):
					taken = append(taken, where)
					reply(tt.status, tt.body)(w, req)
				default:
					refused = append(refused, req.Method+" "+where)
					reply(400, `{"error":"invalid_request"}`)(w, req)
				}
			}), hosts...)
			a, p := r.create(map[string]any{"oauth_provider": name}), r.person()
			params := []string{"state", p.depart(a).Query().Get("state"), "code", "c"}
			if name == "google" {
				params = append(params, "iss", "https://accounts.google.com")
			}
			p.callback(params...).problem(503)
			if len(taken) != tt.times || len(refused) != 0 {
				t.Errorf("taken back at %v, refused at %v", taken, refused)
			}
			if log := r.log.String(); strings.Contains(log, "canary") || !strings.Contains(log, `"outcome":"revoked"`) {
				t.Errorf("log:\n%s", log)
			}
		})
	}
}

// TestC31TheStandInsTakeBackWhatCouldNotBeStored asks the two servers that
// enforce what the real ones enforce whether the token is dead.
func TestC31TheStandInsTakeBackWhatCouldNotBeStored(t *testing.T) {
	for _, name := range []string{"auth0", "google"} {
		t.Run(name, func(t *testing.T) {
			world := standin.NewWorld(standin.Config{})
			var token struct {
				RefreshToken string `json:"refresh_token"`
			}
			var store *faulty
			inner := map[string]http.Handler{"auth0": world.Auth0(), "google": world.GoogleOAuth()}[name]
			endpoint := map[string]string{"auth0": "/oauth/token", "google": "/token"}[name]
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				if req.URL.Path != endpoint || token.RefreshToken != "" {
					inner.ServeHTTP(w, req)
					return
				}
				rec := httptest.NewRecorder()
				inner.ServeHTTP(rec, req)
				if err := json.Unmarshal(rec.Body.Bytes(), &token); err != nil || token.RefreshToken == "" {
					t.Errorf("the stand-in answered %s", rec.Body)
				}
				store.fail(func(func() (broker.Session, error)) error { return errDiskFull })
				reply(rec.Code, rec.Body.String())(w, req)
			}))
			t.Cleanup(server.Close)
			provider := broker.Provider{
				ClientID: standin.DemoClientID, ClientSecret: secret.New(standin.DemoClientSecret), Issuer: server.URL + "/",
				AuthURL: server.URL + "/authorize", TokenURL: server.URL + endpoint,
			}
			if name == "google" {
				provider = broker.Provider{
					ClientID: standin.DemoGoogleClientID, ClientSecret: secret.New(standin.DemoGoogleClientSecret),
					AuthURL: server.URL + "/o/oauth2/v2/auth", TokenURL: server.URL + endpoint, RevocationURL: server.URL + "/revoke",
				}
			}
			r, s := faultyRig(t, func(cfg *broker.Config) { cfg.Providers = map[string]broker.Provider{name: provider} })
			store = s
			world.AllowCallback(r.url + "/v1/oauth/callback")
			a := r.create(map[string]any{"oauth_provider": name, "oauth_scopes": []string{"openid", "email", "offline_access"}[:map[string]int{"auth0": 3, "google": 2}[name]]})
			_, _ = standin.NewPerson().Open(t.Context(), a.created.URL, a.created.Code, standin.Choice{}) // ends at an error page
			store.fail(nil)
			if token.RefreshToken == "" {
				t.Fatal("the person did not sign in")
			}
			got := r.trade("/v1/oauth/refresh", map[string]any{"provider": name, "refresh_token": token.RefreshToken})
			if p := got.problem(400); p.Error != "invalid_grant" {
				t.Errorf("the refresh token is refused with %q, want invalid_grant", p.Error)
			}
			if log := r.log.String(); strings.Contains(log, token.RefreshToken) || !strings.Contains(log, `"outcome":"revoked"`) {
				t.Errorf("log:\n%s", log)
			}
		})
	}
}

func TestRevocationURLsThatAreRefused(t *testing.T) {
	for _, bad := range []string{"http://provider.example/revoke", "javascript:x", "revoke"} {
		cfg := config(goodKey)
		cfg.Providers = map[string]broker.Provider{"google": {ClientID: "id", RevocationURL: bad}}
		if _, err := broker.New(cfg); err == nil || !strings.Contains(err.Error(), "RevocationURL") {
			t.Errorf("RevocationURL %q: %v", bad, err)
		}
	}
}

func TestSlackGivesATokenOfThePersonAlone(t *testing.T) {
	idp := newIDP(t)
	const tokens = `{"ok":true,"app_id":"A1","team":{"id":"T1"},"authed_user":{"id":"U1","scope":"search:read","access_token":"xoxp-canary","token_type":"user"}}`
	idp.answer = reply(200, tokens)
	r := newRig(t, func(cfg *broker.Config) {
		p := idp.provider()
		p.Scopes, p.Issuer = nil, ""
		cfg.Providers = map[string]broker.Provider{"slack": p}
	})
	for _, how := range []map[string]any{{"oauth_provider": "slack"}, {"template": "slack"}} {
		how["oauth_extra_params"] = map[string]string{"user_scope": "search:read,users:read"}
		a, p := r.create(how), r.person()
		var shown wire.Connect
		p.get("/v1/connect/" + a.created.Code).want(200).into(&shown)
		if !slices.Equal(shown.Scopes, []string{"search:read", "users:read"}) {
			t.Errorf("the person is told of the scopes %q", shown.Scopes)
		}
		q := p.depart(a).Query()
		if q.Has("scope") || q.Get("user_scope") != "search:read,users:read" {
			t.Errorf("asked for scope %q and user_scope %q, want the latter alone", q.Get("scope"), q.Get("user_scope"))
		}
		p.callback("state", q.Get("state"), "code", "c").want(303)
		if got := a.fetch(); got != tokens {
			t.Errorf("the agent got %s", got)
		}
	}
	// Neither of the two is no login.
	idp.answer = reply(200, `{"ok":true,"authed_user":{"id":"U1"}}`)
	a, p := r.create(map[string]any{"oauth_provider": "slack"}), r.person()
	p.callback("state", p.depart(a).Query().Get("state"), "code", "c").problem(400)
}

func TestFormsAreWrittenAsOthersWriteThem(t *testing.T) {
	for _, fields := range []url.Values{
		{}, {"a": {""}}, {"a": {"b c", "d&e=f"}, "g": {"1//h+i%j"}}, {"ü": {"\x00\xff€~-_.!*'()"}}, {"long": {strings.Repeat("x/", 5000)}},
	} {
		if got, want := string(broker.FormText(fields)), fields.Encode(); got != want {
			t.Errorf("got %.80q, want %.80q", got, want)
		}
	}
}
