// Package loopback is the way to a person through a browser on this machine.
//
// The browser is sent to the provider with a redirect URI on 127.0.0.1, where
// a listener of this package waits for it (RFC 8252 section 7.3), with PKCE
// (RFC 7636) and a random state. A trip that has begun is in the store before
// the browser is opened, and what the browser brings back is put there too, so
// that any process on the same store can go on: the one that listens need not
// be the one that asks.
//
// Where the browser runs on another machine it ends at an address that does
// not answer. The person copies that address, and [Connector.Deliver] takes it
// in place of the listener.
package loopback

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"linkmail/auth"
	"linkmail/cache"
	"linkmail/internal/secret"
)

// tripLife is how long a person may take. A later callback is refused.
const tripLife = 10 * time.Minute

// resultLife is how long a result is repeated for an equal request.
const resultLife = time.Hour

// Provider is an authorization server and the client that is registered there.
type Provider struct {
	// Name is what messages call it, for example "Google".
	Name string
	// AuthURL and TokenURL are its endpoints: https, or http on loopback.
	AuthURL, TokenURL string
	// ClientID and ClientSecret are the client's; a public client has no secret.
	ClientID     string
	ClientSecret secret.Text
	// Issuer, unless empty, is what the parameter iss of a callback has to be
	// if there is one (RFC 9207).
	Issuer string
}

// Config configures a [Connector].
type Config struct {
	// Port is where the browser comes back to on 127.0.0.1. Zero takes a free
	// port for each login, which only some providers allow.
	Port int
	// Providers are the authorization servers that Login may be asked for, by
	// the name in [auth.LoginRequest].
	Providers map[string]Provider
	// Store keeps what has begun and what came of it. Required.
	Store cache.Store
	// Open opens an http or https address in the person's browser. It is tried
	// once a trip; nil, or an error of it, leaves it to the person.
	Open func(ctx context.Context, address string) error
	// HTTP sends requests to token endpoints; nil means a client with a
	// time-out of 15 seconds.
	HTTP *http.Client
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Connector implements [auth.Connector] over a local browser. It is safe for
// concurrent use, in one process and by several that share a store. Close ends
// its listener.
type Connector struct {
	cfg  Config
	door door
}

var (
	_ auth.Connector = (*Connector)(nil)
	_ auth.Finisher  = (*Connector)(nil)
)

// New returns a connector, or an error that says what is wrong with cfg.
func New(cfg Config) (*Connector, error) {
	if cfg.Store == nil {
		return nil, errors.New("loopback: a store is needed")
	}
	if cfg.Port < 0 || cfg.Port > 65535 {
		return nil, errors.New("loopback: a port is a number from 1 to 65535, or 0 for a free one")
	}
	for name, p := range cfg.Providers {
		for _, address := range []string{p.AuthURL, p.TokenURL} {
			if !safe(address) {
				return nil, fmt.Errorf("loopback: the endpoints of %q have to be https, or http on a loopback address", name)
			}
		}
		if p.ClientID == "" {
			return nil, fmt.Errorf("loopback: the client id for %q is missing", name)
		}
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	c := &Connector{cfg: cfg}
	c.door.arrive = c.arrive
	return c, nil
}

// safe reports whether a browser or a code may be sent to address.
func safe(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Host != "" && u.User == nil &&
		(u.Scheme == "https" || u.Scheme == "http" && auth.Loopback(u.Hostname()))
}

// CallbackURL implements [auth.Connector]. With a free port it has none: a
// provider that allows that does not compare ports.
func (c *Connector) CallbackURL() string { return callbackURL(c.cfg.Port) }

func callbackURL(port int) string {
	if port == 0 {
		return "http://127.0.0.1" + callbackPath
	}
	return fmt.Sprintf("http://127.0.0.1:%d%s", port, callbackPath)
}

// Login implements [auth.Connector]. The token's extra fields "id_token" and
// "scope" are set if the provider gave them.
func (c *Connector) Login(ctx context.Context, req auth.LoginRequest) (*oauth2.Token, error) {
	p, ok := c.cfg.Providers[req.OAuthProvider]
	if !ok {
		return nil, &auth.Failure{
			Kind: auth.Misconfigured, Code: "provider_unknown",
			Message: "no client is configured for " + req.OAuthProvider,
		}
	}
	t := trip{
		key: c.loginKey(req), scope: req.Scope, port: c.cfg.Port,
		compose: func(r *record) {
			r.State, r.Verifier = rand.Text(), oauth2.GenerateVerifier()
			r.URL = authorizeURL(p, req, r)
		},
		finish: func(ctx context.Context, r record, params url.Values) ([]byte, error) {
			return c.redeem(ctx, p, r, params)
		},
	}
	done, err := c.advance(ctx, t)
	if err != nil {
		return nil, err
	}
	return done.token()
}

// authorizeURL is the authorization request (RFC 6749 section 4.1.1).
func authorizeURL(p Provider, req auth.LoginRequest, r *record) string {
	u, err := url.Parse(p.AuthURL)
	if err != nil {
		return "" // unreachable: New has checked it
	}
	q := u.Query()
	for name, value := range req.Params {
		q.Set(name, value)
	}
	for name, value := range map[string]string{
		"response_type": "code", "client_id": p.ClientID, "redirect_uri": r.RedirectURI,
		"scope": strings.Join(req.OAuthScopes, " "), "state": r.State,
		"code_challenge": oauth2.S256ChallengeFromVerifier(r.Verifier), "code_challenge_method": "S256",
	} {
		q.Set(name, value)
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// Redirect implements [auth.Connector]. It needs a fixed port, because the
// address to come back to is part of req.URL already.
func (c *Connector) Redirect(ctx context.Context, req auth.RedirectRequest) (url.Values, error) {
	if c.cfg.Port == 0 || !safe(req.URL.Reveal()) {
		return nil, &auth.Failure{
			Kind: auth.Misconfigured, Code: "redirect_impossible",
			Message: "the browser cannot be sent there and back: the address has to be https and the callback port a fixed one",
			Hint:    "Set LINKMAIL_CALLBACK_PORT.",
		}
	}
	t := trip{
		key: c.redirectKey(req),
		// The caller's link carries a ticket with a time of its own.
		scope: req.Scope, port: c.cfg.Port,
		compose: func(r *record) { r.State, r.URL = req.State, req.URL.Reveal() },
		finish: func(_ context.Context, _ record, params url.Values) ([]byte, error) {
			maps.DeleteFunc(params, func(name string, _ []string) bool { return !slices.Contains(req.Params, name) })
			return json.Marshal(params)
		},
	}
	done, err := c.advance(ctx, t)
	if err != nil {
		return nil, err
	}
	var params url.Values
	if err := json.Unmarshal(done.Result, &params); err != nil {
		return nil, fmt.Errorf("loopback: read a result: %w", err)
	}
	return params, nil
}

// Finish implements [auth.Finisher]: what came of the login is forgotten, and a
// browser that comes back later finds nobody waiting.
func (c *Connector) Finish(ctx context.Context, req auth.LoginRequest) error {
	return c.forget(ctx, c.loginKey(req))
}

// FinishRedirect implements [auth.Finisher].
func (c *Connector) FinishRedirect(ctx context.Context, req auth.RedirectRequest) error {
	return c.forget(ctx, c.redirectKey(req))
}

func (c *Connector) forget(ctx context.Context, key string) error {
	keys := []string{key}
	if r, ok, err := auth.LoadRecord[record](ctx, c.cfg.Store, key); err == nil && ok && r.State != "" {
		keys = append(keys, backKey(r.State))
	}
	return auth.RemoveRecords(ctx, c.cfg.Store, keys...)
}

// Close ends the listener, if there is one, and waits until it has ended.
func (c *Connector) Close() { c.door.close() }

func (c *Connector) loginKey(req auth.LoginRequest) string {
	return c.key("login", req.Principal, req.Attempt, req.OAuthProvider, req.OAuthScopes, req.Params)
}

func (c *Connector) redirectKey(req auth.RedirectRequest) string {
	return c.key("redirect", req.Principal, req.Attempt, req.URL.Reveal(), req.State, req.Params)
}

// key names the record of a request: everything that makes requests equal is
// hashed in, and JSON keeps the parts apart.
func (c *Connector) key(parts ...any) string {
	data, _ := json.Marshal(parts) // strings, lists and maps of strings always encode
	return "loopback/trip/" + digest(string(data))
}

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}
