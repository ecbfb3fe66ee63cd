// Package linkauth is the way to a person through a LinkAuth broker, for an
// agent that cannot open a browser.
//
// The agent opens a session at the broker and shows the person a link and a
// code. The person opens the link anywhere, checks the code and signs in or
// consents; the broker encrypts what comes of it to a key that only this
// session has, and the agent fetches it once. [Connector] does this for
// package auth; [Proxy] sends requests through the broker where the network
// lets the agent reach nothing else.
//
// # What is never lost, and what is
//
// A session is in the store before its link is shown, and its result before it
// is returned, so a process may be killed at any point and another one goes on
// where it was. The one gap is the protocol's own: a broker hands a result out
// exactly once, so an answer that is lost on the way is lost. The next
// challenge then says [auth.Lost].
package linkauth

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/oauth2"

	"linkmail/auth"
	"linkmail/broker/wire"
	"linkmail/cache"
	"linkmail/internal/secret"
)

// Config configures a [Connector]. A [Proxy] uses its first two fields and HTTP.
type Config struct {
	// BrokerURL is the broker's address, for example "https://auth.example.com".
	// It has to be https, or http on a loopback address. Required.
	BrokerURL string
	// APIKey is sent to the broker and to nobody else; empty for a broker
	// that asks for none.
	APIKey secret.Text
	// Store keeps sessions and results. Required for a Connector.
	Store cache.Store
	// HTTP sends the requests; nil means a client with a time-out of 15
	// seconds. It is copied; redirects are never followed.
	HTTP *http.Client
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Display is what the person reads about who asks, where a request brings
	// no text of its own; default "linkmail".
	Display string
}

// Connector implements [auth.Connector] over a LinkAuth broker. It is safe for
// concurrent use, in one process and by several that share a store: equal
// requests share one session and one result.
//
// A call asks the broker at most once how the session stands, and not before
// the interval that the broker wished for has passed, unless the broker's
// events have told that there is something to fetch; until then, and while
// the broker cannot be reached, it answers with the same link. Wait tells when
// a call may have news.
type Connector struct {
	broker  broker
	store   cache.Store
	now     func() time.Time
	display string

	mu       sync.Mutex
	sessions map[string]*session // those that are open, by link; guarded by mu
}

var _ auth.Connector = (*Connector)(nil)

// New returns a connector, or an error that says what is wrong with cfg.
func New(cfg Config) (*Connector, error) {
	b, err := newBroker(cfg)
	if err != nil {
		return nil, err
	}
	if cfg.Store == nil {
		return nil, errors.New("linkauth: a store is needed")
	}
	c := &Connector{broker: b, store: cfg.Store, now: cfg.Now, display: cfg.Display, sessions: make(map[string]*session)}
	if c.now == nil {
		c.now = time.Now
	}
	if c.display == "" {
		c.display = "linkmail"
	}
	return c, nil
}

// CallbackURL implements [auth.Connector].
func (c *Connector) CallbackURL() string { return c.broker.url + "/v1/oauth/callback" }

// Login implements [auth.Connector]. The broker runs the login with its own
// client of req.OAuthProvider. The token's extra field "id_token" is set if
// the provider gave one.
func (c *Connector) Login(ctx context.Context, req auth.LoginRequest) (*oauth2.Token, error) {
	done, err := c.advance(ctx, trip{
		key: c.key("login", req.Principal, req.Attempt, req.OAuthProvider, req.OAuthScopes, req.Params),
		session: wire.Create{
			DisplayName: c.title(req.Display), OAuthProvider: req.OAuthProvider,
			OAuthScopes: req.OAuthScopes, OAuthExtraParams: req.Params,
		},
		scope: req.Scope,
		check: func(plain []byte) error { _, err := tokenOf(plain, time.Time{}); return err },
		hint:  "The broker has to have a client for the provider " + req.OAuthProvider + " (OAUTH_" + providerEnv(req.OAuthProvider) + "_CLIENT_ID).",
		lead:  c.leadKey(req.Principal),
		leads: req.Continues,
	})
	if err != nil {
		return nil, err
	}
	return tokenOf(done.Result, done.Since)
}

// Redirect implements [auth.Connector]. Besides req.Params an error that the
// browser comes back with is captured, and answered as a failure.
func (c *Connector) Redirect(ctx context.Context, req auth.RedirectRequest) (url.Values, error) {
	done, err := c.advance(ctx, trip{
		key: c.key("redirect", req.Principal, req.Attempt, req.URL.Reveal(), req.State, req.Params),
		session: wire.Create{
			DisplayName: c.title(req.Display), CustomAuthorizeURL: req.URL.Reveal(),
			CustomCallbackParams: append(slices.Clone(req.Params), "error", "error_description"),
			CustomState:          req.State,
		},
		scope: req.Scope,
		check: func(plain []byte) error { _, err := paramsOf(plain); return err },
		hint:  "The broker has to allow the page that it is asked to open (--passthrough-allow).",
		lead:  c.leadKey(req.Principal),
	})
	if err != nil {
		return nil, err
	}
	return paramsOf(done.Result)
}

// providerEnv is how the broker's settings spell the name of a provider.
func providerEnv(provider string) string { return strings.ToUpper(provider) }

// title is the text that the person reads on the page.
func (c *Connector) title(display string) string {
	if display == "" {
		return c.display
	}
	return display
}

// key names the record of a request. Everything that makes requests equal is
// hashed in; JSON keeps the parts apart. What the answer is for and how the
// page words it is left out, so that two services share one login.
func (c *Connector) key(parts ...any) string {
	// Strings, lists and maps of strings always encode; maps in sorted order.
	data, _ := json.Marshal(append([]any{c.broker.url}, parts...))
	sum := sha256.Sum256(data)
	return "linkauth/" + hex.EncodeToString(sum[:])
}

// tokenOf reads a token response (RFC 6749 section 5.1) that was received at
// the given time; zero leaves the expiry out.
func tokenOf(plain []byte, received time.Time) (*oauth2.Token, error) {
	var in struct {
		AccessToken  string  `json:"access_token"`
		TokenType    string  `json:"token_type"`
		RefreshToken string  `json:"refresh_token"`
		IDToken      string  `json:"id_token"`
		Scope        string  `json:"scope"`
		ExpiresIn    seconds `json:"expires_in"`
	}
	if err := json.Unmarshal(plain, &in); err != nil || in.AccessToken == "" && in.RefreshToken == "" {
		return nil, invalid("it is not the answer of a token endpoint", nil)
	}
	token := &oauth2.Token{AccessToken: in.AccessToken, TokenType: in.TokenType, RefreshToken: in.RefreshToken}
	if in.ExpiresIn > 0 && !received.IsZero() {
		token.Expiry = received.Add(in.ExpiresIn.duration())
	}
	extra := map[string]any{}
	if in.IDToken != "" {
		extra["id_token"] = in.IDToken
	}
	if in.Scope != "" {
		extra["scope"] = in.Scope
	}
	return token.WithExtra(extra), nil
}

// paramsOf reads captured callback parameters: text, or a list of texts.
func paramsOf(plain []byte) (url.Values, error) {
	var in map[string]json.RawMessage
	if err := json.Unmarshal(plain, &in); err != nil || in == nil {
		return nil, invalid("it is not a set of parameters", nil)
	}
	params := url.Values{}
	for name, raw := range in {
		var one *string
		var many []string
		switch {
		case json.Unmarshal(raw, &one) == nil:
			if one != nil { // a broker may send null for what did not come
				params.Set(name, *one)
			}
		case json.Unmarshal(raw, &many) == nil:
			params[name] = many
		default:
			return nil, invalid("a parameter is not text", nil)
		}
	}
	if failure := auth.CallbackFailure(params); failure != nil {
		return nil, failure
	}
	return params, nil
}

// invalid reports a result that arrived and is of no use.
func invalid(why string, cause error) *auth.Failure {
	return &auth.Failure{
		Kind: auth.Misconfigured, Code: "broker_result_invalid",
		Message: fmt.Sprintf("the broker delivered a result that cannot be used: %s", why),
		Hint:    "Call again for a fresh link; if it happens again, somebody between here and the broker changes its answers, or it speaks another version.",
		Err:     cause,
	}
}
