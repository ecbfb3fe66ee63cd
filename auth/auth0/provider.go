package auth0

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/oauth2"

	"linkmail/auth"
	"linkmail/internal/secret"
)

// patience bounds one pass through the state machine, over all its requests.
const patience = time.Minute

// Provider hands out the tokens of connected services. It is safe for
// concurrent use, in one process and by several that share a store.
type Provider struct {
	cfg  Config
	base string // scheme://host of the tenant

	flights auth.Flights
}

var (
	_ auth.Provider = (*Provider)(nil)
	_ auth.Waiter   = (*Provider)(nil)
)

// New returns a provider, or an error that names every wrong setting.
func New(cfg Config) (*Provider, error) {
	cfg, base, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	return &Provider{cfg: cfg, base: base}, nil
}

// audience is the identifier of the My Account API; the slash belongs to it.
func (p *Provider) audience() string { return p.base + "/me/" }

// callback is the redirect URI of both trips of the browser.
func (p *Provider) callback() string {
	if p.cfg.Connector == nil {
		return ""
	}
	return p.cfg.Connector.CallbackURL()
}

// Token implements [auth.Provider].
//
// Callers that ask for the same at the same time share one pass and its
// outcome, a failure included: a hundred requests that meet a dead token or a
// dead tenant cause one exchange. The pass outlives a caller that gives up,
// because an answer that brought a rotated refresh token must be stored.
func (p *Provider) Token(ctx context.Context, req auth.Request) (*oauth2.Token, error) {
	if req.Principal.Subject == "" {
		return nil, &auth.Failure{
			Kind: auth.Misconfigured, Code: "principal_missing",
			Message: "a token was asked for on nobody's behalf",
		}
	}
	connection := p.cfg.Connections[req.Scope]
	if connection == "" {
		return nil, &auth.Failure{
			Kind: auth.Misconfigured, Code: "scope_unknown",
			Message: fmt.Sprintf("no Auth0 connection is configured for %q", req.Scope),
		}
	}
	s := &pass{p: p, req: req, connection: connection, keys: p.keys(req.Principal)}
	token, err := p.cached(ctx, s.tokenKey(connection, req.Scope))
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, err
	}
	if token != nil && !rejects(req, token) {
		return token, nil
	}
	return p.flights.Token(ctx, s.tokenKey(connection, req.Scope)+"|"+digest(req.Rejected.Reveal()), patience, s.run)
}

// Wait implements [auth.Waiter] as far as the connector does.
func (p *Provider) Wait(ctx context.Context, c *auth.Challenge) error {
	return auth.Wait(ctx, p.cfg.Connector, c)
}

// pass is one way through the state machine, under the account's lock.
type pass struct {
	p          *Provider
	req        auth.Request
	connection string
	keys       string // prefix of the account's records

	refresh secret.Text
	// signedIn and connected say that a person has done this in this very
	// pass. What fails after that is a setting: asking again would be a loop.
	signedIn, connected bool
	// refused is why a consent could not be completed, in case that the vault
	// did not get it after all.
	refused error
	// renewed says that the link of this pass replaces one that ran out.
	renewed bool
	// begun says that this pass has begun a consent. It begins no second one.
	begun bool

	// email is that of the login, if its ID token has told.
	email string
	// access is a token for the My Account API, if this pass had to get one.
	access secret.Text
	// strange is an account that the vault has answered with in place of the
	// expected one.
	strange string
}

func (s *pass) refreshKey() string                  { return s.keys + "refresh" }
func (s *pass) loginKey() string                    { return s.keys + "login" }
func (s *pass) connectKey(connection string) string { return s.keys + "connect/" + connection }
func (s *pass) tokenKey(connection, scope string) string {
	return s.keys + "token/" + connection + "/" + scope
}

// run takes the lock and goes through the machine. The lock is the account's,
// not the service's: a rotating refresh token must have one user at a time.
func (s *pass) run(ctx context.Context) (*oauth2.Token, error) {
	unlock, err := s.p.cfg.Store.Lock(ctx, s.keys+"lock")
	if err != nil {
		return nil, auth.CacheFailure(ctx, "lock", err)
	}
	defer unlock()

	// Somebody else may have been through while we waited.
	token, err := s.p.cached(ctx, s.tokenKey(s.connection, s.req.Scope))
	if err != nil {
		return nil, err
	}
	if token != nil {
		if !rejects(s.req, token) {
			return token, nil
		}
		if err := auth.RemoveRecords(ctx, s.p.cfg.Store, s.tokenKey(s.connection, s.req.Scope)); err != nil {
			return nil, err
		}
	}
	for {
		token, err := s.advance(ctx)
		if !errors.Is(err, errLoginDead) {
			return token, err
		}
		// Twice at most: a login of this very pass is not asked for again.
		if err := s.forgetLogin(ctx, err); err != nil {
			return nil, err
		}
	}
}

// advance goes from the login to a token as far as it gets without a person.
func (s *pass) advance(ctx context.Context) (*oauth2.Token, error) {
	if err := s.login(ctx); err != nil {
		return nil, err
	}
	if err := s.resumeConnect(ctx); err != nil {
		return nil, err
	}
	token, err := s.exchange(ctx)
	if err == nil || !needsConsent(err) {
		return token, err
	}
	if s.refused != nil {
		return nil, s.refused
	}
	if s.p.cfg.Connector == nil || s.connected {
		return nil, s.unconnected(err)
	}
	if err := s.beginConnect(ctx, err); err != nil {
		return nil, err
	}
	if err := s.resumeConnect(ctx); err != nil {
		return nil, err
	}
	token, err = s.exchange(ctx)
	if !needsConsent(err) {
		return token, err
	}
	if s.refused != nil {
		return nil, s.refused
	}
	return nil, s.unconnected(err)
}

// ask turns a connector's answer into the machine's: it counts the link and
// tells a failure that ended the attempt from one that will pass.
func (s *pass) ask(err error, step int, deadline time.Time) (ended bool, _ error) {
	if challenge, ok := errors.AsType[*auth.Challenge](err); ok {
		out := *challenge
		out.Scope, out.Step = s.req.Scope, step
		if !deadline.IsZero() && (out.Expires.IsZero() || deadline.Before(out.Expires)) {
			out.Expires = deadline
		}
		if s.renewed && out.Previous == 0 {
			out.Previous = auth.Expired
		}
		return false, &out
	}
	failure, ok := errors.AsType[*auth.Failure](err)
	return ok && failure.Kind != auth.Unavailable, err
}
