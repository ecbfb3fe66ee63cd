package loopback

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"linkmail/auth"
	"linkmail/internal/secret"
)

// trip is one request to a person, as far as it is the same for every kind.
type trip struct {
	key     string // of its record
	scope   string // for the challenge
	port    int
	compose func(*record) // sets State, URL and what belongs to them
	finish  func(context.Context, record, url.Values) ([]byte, error)
}

// record is a trip that has begun, or the result that it came to. The store
// seals it.
type record struct {
	State       string      `json:"state,omitempty"`
	Verifier    string      `json:"verifier,omitempty"`
	RedirectURI string      `json:"redirect_uri,omitempty"`
	URL         string      `json:"url,omitempty"`
	Expires     time.Time   `json:"expires,omitzero"`
	Previous    auth.Ending `json:"previous,omitempty"`

	// Result takes the place of all the rest; Since is when it came.
	Result json.RawMessage `json:"result,omitempty"`
	Since  time.Time       `json:"since,omitzero"`
}

// back is what waits for the browser, under the hash of the state.
type back struct {
	RedirectURI string    `json:"redirect_uri"`
	Expires     time.Time `json:"expires"`
	// Params are those of the callback; nil until it came. Only the first counts.
	Params url.Values `json:"params,omitempty"`
}

func backKey(state string) string { return "loopback/back/" + digest(state) }

// errLost says that the result of a trip was redeemed and did not arrive here.
var errLost = errors.New("loopback: the code was used before")

// advance takes a trip as far as it goes now: to the record with its result,
// to the challenge, or to a failure.
func (c *Connector) advance(ctx context.Context, t trip) (record, error) {
	unlock, err := c.cfg.Store.Lock(ctx, t.key+"/lock")
	if err != nil {
		return record{}, auth.CacheFailure(ctx, "lock", err)
	}
	defer unlock()
	r, ok, err := auth.LoadRecord[record](ctx, c.cfg.Store, t.key)
	switch {
	case err != nil:
		return record{}, err
	case !ok:
		return record{}, c.begin(ctx, t, 0)
	case r.Result != nil:
		return r, nil
	}
	arrived, _, err := auth.LoadRecord[back](ctx, c.cfg.Store, backKey(r.State))
	switch {
	case err != nil:
		return record{}, err
	case arrived.Params != nil:
		return c.conclude(ctx, t, r, arrived.Params)
	case !c.cfg.Now().Before(r.Expires):
		return record{}, c.begin(ctx, t, auth.Expired)
	}
	c.wait(ctx, r)
	return record{}, r.challenge(t.scope)
}

// conclude turns the parameters of a callback into the result. What ends the
// trip without one is said once; what will pass by itself leaves it as it is.
func (c *Connector) conclude(ctx context.Context, t trip, r record, params url.Values) (record, error) {
	var result []byte
	var err error
	if failure := auth.CallbackFailure(params); failure != nil {
		err = failure
	} else {
		result, err = t.finish(ctx, r, params)
	}
	switch failure, failed := errors.AsType[*auth.Failure](err); {
	case errors.Is(err, errLost):
		return record{}, c.begin(ctx, t, auth.Lost)
	case failed && failure.Kind != auth.Unavailable:
		if err := auth.RemoveRecords(ctx, c.cfg.Store, t.key, backKey(r.State)); err != nil {
			return record{}, err
		}
		return record{}, failure
	case err != nil:
		return record{}, err
	}
	done := record{Result: result, Since: c.cfg.Now()}
	if err := auth.SaveRecord(ctx, c.cfg.Store, t.key, done, resultLife); err != nil {
		return record{}, err
	}
	return done, auth.RemoveRecords(ctx, c.cfg.Store, backKey(r.State))
}

// begin stores a new trip and answers with its challenge.
func (c *Connector) begin(ctx context.Context, t trip, previous auth.Ending) error {
	port, err := c.door.open(ctx, t.port)
	if err != nil && t.port == 0 {
		return &auth.Failure{
			Kind: auth.Unavailable, Code: "no_callback",
			Message: "no port of 127.0.0.1 could be opened for the browser to come back to",
			Hint:    "Sign in where linkmail may listen on 127.0.0.1, or use a mode that needs no browser here.",
			Err:     err,
		}
	}
	if t.port != 0 {
		port = t.port // taken by another process of ours, or nobody listens: the address may be pasted
	}
	r := record{RedirectURI: callbackURL(port), Previous: previous, Expires: c.cfg.Now().Add(tripLife)}
	t.compose(&r)
	// The way back first: a browser must never return to a state that is unknown.
	if err := auth.SaveRecord(ctx, c.cfg.Store, backKey(r.State), back{RedirectURI: r.RedirectURI, Expires: r.Expires}, 2*tripLife); err != nil {
		return err
	}
	if err := auth.SaveRecord(ctx, c.cfg.Store, t.key, r, resultLife); err != nil {
		return err
	}
	c.wait(ctx, r)
	return r.challenge(t.scope)
}

// wait makes sure that somebody listens for the browser, if that is possible,
// and opens it once.
func (c *Connector) wait(ctx context.Context, r record) {
	u, err := url.Parse(r.RedirectURI)
	if err != nil {
		return
	}
	var port int
	if _, err := fmt.Sscanf(u.Port(), "%d", &port); err != nil {
		return
	}
	_, _ = c.door.open(ctx, port) // if it is taken, another process of ours may have it
	if c.door.expect(r.State, r.Expires.Sub(c.cfg.Now())) && c.cfg.Open != nil && safe(r.URL) {
		_ = c.cfg.Open(ctx, r.URL) // the person has the link all the same
	}
}

func (r record) challenge(scope string) error {
	return &auth.Challenge{URL: r.URL, Scope: scope, Expires: r.Expires, Previous: r.Previous}
}

// Errors of a callback. The person reads them in the browser or the terminal.
var (
	errUnknown = errors.New("it belongs to no sign-in that is waited for; it may have expired")
	errUsed    = errors.New("it was used before")
)

// arrive stores the parameters of a callback, the first time.
func (c *Connector) arrive(ctx context.Context, redirectURI string, params url.Values) error {
	if len(params["state"]) != 1 || params.Get("code") == "" && params.Get("connect_code") == "" && params.Get("error") == "" {
		return errUnknown
	}
	key := backKey(params.Get("state"))
	unlock, err := c.cfg.Store.Lock(ctx, key+"/lock")
	if err != nil {
		return auth.CacheFailure(ctx, "lock", err)
	}
	defer unlock()
	b, ok, err := auth.LoadRecord[back](ctx, c.cfg.Store, key)
	switch {
	case err != nil:
		return err
	case !ok || redirectURI != b.RedirectURI || !c.cfg.Now().Before(b.Expires):
		return errUnknown
	case b.Params != nil:
		return errUsed
	}
	b.Params = params
	return auth.SaveRecord(ctx, c.cfg.Store, key, b, resultLife)
}

// Deliver takes the address that a browser on another machine ended at, whole,
// in place of the listener. Its error is a [*auth.Failure] that says what is
// wrong with the address; it never quotes it, because it holds the code.
func (c *Connector) Deliver(ctx context.Context, address secret.Text) error {
	u, err := url.Parse(strings.TrimSpace(address.Reveal()))
	if err != nil || u.Host == "" || u.RawQuery == "" || u.Path != callbackPath {
		return badAddress("it is not the whole address that the browser ended at, http://127.0.0.1:PORT" + callbackPath + "?...")
	}
	err = c.arrive(ctx, u.Scheme+"://"+u.Host+u.Path, u.Query())
	if errors.Is(err, errUnknown) || errors.Is(err, errUsed) {
		return badAddress(err.Error())
	}
	return err
}

func badAddress(why string) *auth.Failure {
	return &auth.Failure{
		Kind: auth.Misconfigured, Code: "callback_invalid",
		Message: "this address cannot be used: " + why,
		Hint:    "Copy the whole address from the browser's address bar after the sign-in.",
	}
}

// redeem trades the code of a callback for tokens and returns what to keep.
func (c *Connector) redeem(ctx context.Context, p Provider, r record, params url.Values) ([]byte, error) {
	if iss := params.Get("iss"); iss != "" && p.Issuer != "" && iss != p.Issuer {
		return nil, unusable("the browser came back from another issuer than " + p.Name)
	}
	if params.Get("code") == "" {
		return nil, unusable("the browser came back without a code")
	}
	endpoint := auth.TokenEndpoint{Name: p.Name, URL: p.TokenURL, ClientID: p.ClientID, ClientSecret: p.ClientSecret, HTTP: c.cfg.HTTP}
	answer, err := endpoint.Ask(ctx, url.Values{
		"grant_type": {"authorization_code"}, "code": {params.Get("code")},
		"redirect_uri": {r.RedirectURI}, "code_verifier": {r.Verifier},
	})
	if refusal, ok := errors.AsType[*auth.EndpointError](err); ok {
		if _, passing := errors.AsType[*auth.Failure](err); !passing {
			return nil, refused(p, refusal)
		}
	}
	if err != nil {
		return nil, err
	}
	kept := tokenResult{
		Access: answer.AccessToken.Reveal(), Refresh: answer.RefreshToken.Reveal(), ID: answer.IDToken.Reveal(),
		Type: answer.TokenType, Scopes: answer.Scopes,
	}
	if answer.Life > 0 {
		kept.Expiry = c.cfg.Now().Add(answer.Life)
	}
	return json.Marshal(kept)
}

// refused names what a token endpoint did not like about a code.
func refused(p Provider, cause *auth.EndpointError) error {
	failure := &auth.Failure{Kind: auth.Misconfigured, Code: "login_refused", Err: cause}
	switch {
	case cause.Code == "invalid_grant":
		return fmt.Errorf("%w: %w", errLost, cause)
	case cause.Code == "invalid_client", cause.Code == "access_denied" && cause.Status == 401,
		cause.Code == "invalid_request" && p.ClientSecret.IsZero():
		failure.Kind, failure.Code = auth.Refused, "client_refused"
		failure.Message = p.Name + " refused the client id with the client secret"
		failure.Hint = "Copy both from the client's settings; some kinds of client need a secret although they cannot keep it."
	default:
		failure.Message = p.Name + " did not accept what the browser came back with (" + cause.Code + ")"
		failure.Hint = "Call again for a fresh link; if it happens again, check the kind of the client and its redirect URI."
	}
	return failure
}

func unusable(why string) *auth.Failure {
	return &auth.Failure{Kind: auth.Misconfigured, Code: "callback_invalid", Message: why, Hint: "Call again for a fresh link."}
}

// tokenResult is the result of a login.
type tokenResult struct {
	Access  string    `json:"access"`
	Refresh string    `json:"refresh,omitempty"`
	ID      string    `json:"id,omitempty"`
	Type    string    `json:"type"`
	Expiry  time.Time `json:"expiry,omitzero"`
	Scopes  []string  `json:"scopes,omitempty"`
}

// token returns the result of a login as a token.
func (r record) token() (*oauth2.Token, error) {
	var in tokenResult
	if err := json.Unmarshal(r.Result, &in); err != nil {
		return nil, fmt.Errorf("loopback: read a result: %w", err)
	}
	token := &oauth2.Token{AccessToken: in.Access, RefreshToken: in.Refresh, TokenType: in.Type, Expiry: in.Expiry}
	extra := map[string]any{}
	if in.ID != "" {
		extra["id_token"] = in.ID
	}
	if len(in.Scopes) > 0 {
		extra["scope"] = strings.Join(in.Scopes, " ")
	}
	return token.WithExtra(extra), nil
}
