package auth0_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"linkmail/auth"
	"linkmail/auth/auth0"
	"linkmail/auth/authtest"
	"linkmail/auth/linkauth"
	"linkmail/broker"
	"linkmail/cache"
	"linkmail/internal/secret"
	"linkmail/internal/standin"
	"linkmail/internal/testclock"
)

const gmailModify = "https://www.googleapis.com/auth/gmail.modify"

// rig is a tenant, a real broker and a cache directory, with one stopped clock.
// It stands at the present, because the broker's HTTP answers carry the real
// date.
type rig struct {
	t      *testing.T
	world  *standin.World
	tenant string
	broker string
	clock  *testclock.Clock
	dir    string
	key    cache.Key
	person *standin.Person
	// held has the broker keep the client secret, and the agent do without.
	held bool
	// plain makes the broker one that knows of no steps, as others are.
	plain bool
}

func newRig(t *testing.T) *rig {
	t.Helper()
	return newRigWith(t, func(next http.Handler) http.Handler { return next })
}

// newRigWith is newRig with something in front of the broker, and another
// configuration of it.
func newRigWith(t *testing.T, front func(http.Handler) http.Handler, changes ...func(*broker.Config)) *rig {
	t.Helper()
	r := &rig{t: t, clock: testclock.At(time.Now()), dir: t.TempDir(), person: standin.NewPerson()}
	r.world = standin.NewWorld(standin.Config{Now: r.clock.Now})
	tenant := httptest.NewServer(r.world.Auth0())
	t.Cleanup(tenant.Close)
	r.tenant = tenant.URL

	srv := httptest.NewUnstartedServer(nil)
	r.broker = "http://" + srv.Listener.Addr().String()
	host := strings.TrimPrefix(r.tenant, "http://")
	cfg := broker.Config{
		BaseURL: r.broker, Dev: true, SessionsPerMinute: -1, Now: r.clock.Now,
		ProxyAllow: []string{host}, PassthroughAllow: []string{host},
		Providers: map[string]broker.Provider{"auth0": {
			ClientID: standin.DemoClientID, ClientSecret: secret.New(standin.DemoClientSecret),
			AuthURL: r.tenant + "/authorize", TokenURL: r.tenant + "/oauth/token",
		}},
	}
	for _, change := range changes {
		change(&cfg)
	}
	b, err := broker.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	srv.Config = b.Server()
	srv.Config.Handler = front(r.forgetful(srv.Config.Handler))
	srv.Start()
	t.Cleanup(srv.Close)
	r.world.AllowCallback(r.broker + "/v1/oauth/callback")
	if r.key, err = cache.NewKey(); err != nil {
		t.Fatal(err)
	}
	return r
}

// forgetful takes out of a request what a plain broker would ignore.
func (r *rig) forgetful(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if r.plain && req.Method == http.MethodPost && req.URL.Path == "/v1/sessions" {
			var body map[string]any
			if err := json.NewDecoder(req.Body).Decode(&body); err != nil {
				r.t.Errorf("a session is asked for with no JSON: %v", err)
			}
			delete(body, "steps")
			delete(body, "follows")
			data, err := json.Marshal(body)
			if err != nil {
				r.t.Error(err)
			}
			req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(data)), int64(len(data))
		}
		next.ServeHTTP(w, req)
	})
}

// store opens the cache directory, as a new process would.
func (r *rig) store() cache.Store {
	r.t.Helper()
	store, err := cache.OpenFile(cache.FileConfig{Dir: r.dir, Key: r.key, Now: r.clock.Now})
	if err != nil {
		r.t.Fatal(err)
	}
	return store
}

// provider returns a provider on the rig's cache, as a new process would make it.
func (r *rig) provider(change func(*auth0.Config)) *auth0.Provider {
	r.t.Helper()
	return r.providerOn(r.store(), change)
}

func (r *rig) providerOn(store cache.Store, change func(*auth0.Config)) *auth0.Provider {
	r.t.Helper()
	connector, err := linkauth.New(linkauth.Config{BrokerURL: r.broker, Store: store, Now: r.clock.Now})
	if err != nil {
		r.t.Fatal(err)
	}
	cfg := auth0.Config{
		Domain: r.tenant, ClientID: standin.DemoClientID, ClientSecret: secret.New(standin.DemoClientSecret),
		Connector: connector, Store: store, Now: r.clock.Now,
	}
	if r.held {
		cfg.ClientSecret, cfg.Holder = secret.Text{}, connector.Desk("auth0")
	}
	if change != nil {
		change(&cfg)
	}
	p, err := auth0.New(cfg)
	if err != nil {
		r.t.Fatal(err)
	}
	return p
}

// tokenMode takes the way to a person away.
func tokenMode(refreshToken string) func(*auth0.Config) {
	return func(cfg *auth0.Config) {
		cfg.Connector, cfg.RefreshToken = nil, secret.New(refreshToken)
	}
}

var gmail = auth.Request{Principal: auth.Principal{Subject: "local"}, Scope: "gmail"}

func rejecting(token *oauth2.Token) auth.Request {
	req := gmail
	req.Rejected = secret.New(token.AccessToken)
	return req
}

// ask is one call in a process of its own.
func (r *rig) ask(req auth.Request) (*oauth2.Token, error) {
	r.t.Helper()
	return r.provider(nil).Token(r.t.Context(), req)
}

// What the answers to a call are.
var (
	challenge = authtest.Challenge
	failure   = authtest.Failure
	describe  = authtest.Describe
)

// visit lets the person follow a challenge.
func (r *rig) visit(c auth.Challenge, choice standin.Choice) {
	r.t.Helper()
	visit, err := r.person.Open(r.t.Context(), c.URL, c.Code, choice)
	if err != nil {
		r.t.Fatalf("the person got stuck: %v\n%s\n%+v", err, visit.Text, visit.Steps)
	}
}

// poll lets the time pass after which the broker may be asked again.
func (r *rig) poll() { r.clock.Advance(6 * time.Second) }

// connect walks the double flow to its end and returns the token.
func (r *rig) connect() *oauth2.Token {
	r.t.Helper()
	return r.connectFor(gmail, standin.Choice{})
}

// connectFor is connect for whoever req names, who signs in as choice says.
func (r *rig) connectFor(req auth.Request, choice standin.Choice) *oauth2.Token {
	r.t.Helper()
	for range 2 {
		_, err := r.ask(req)
		r.visit(challenge(r.t, err), choice)
		r.poll()
	}
	token, err := r.ask(req)
	if err != nil {
		r.t.Fatalf("after both consents: %s", describe(err))
	}
	return token
}

// count counts the requests to the tenant that were for path.
func (r *rig) count(path string) int {
	n := 0
	for _, seen := range r.world.Seen() {
		if seen.Path == path {
			n++
		}
	}
	return n
}

const (
	connectPath  = "/me/v1/connected-accounts/connect"
	completePath = "/me/v1/connected-accounts/complete"
)

// crashing is a store whose process dies at a given write: that one and every
// later operation fail. Dying at a read is dying at the write after it, with
// less done in between.
type crashing struct {
	cache.Store
	mu   sync.Mutex
	left int
	dead bool
}

var errCrashed = errors.New("the process was killed")

func (c *crashing) step() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.left--; c.left < 0 {
		c.dead = true
		return errCrashed
	}
	return nil
}

func (c *crashing) Get(ctx context.Context, key string) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dead {
		return nil, errCrashed
	}
	return c.Store.Get(ctx, key)
}

func (c *crashing) Put(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if err := c.step(); err != nil {
		return err
	}
	return c.Store.Put(ctx, key, value, ttl)
}

func (c *crashing) Delete(ctx context.Context, key string) error {
	if err := c.step(); err != nil {
		return err
	}
	return c.Store.Delete(ctx, key)
}
