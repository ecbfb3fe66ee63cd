package google

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"linkmail/auth"
	"linkmail/internal/secret"
)

const (
	// early is how long before its expiry a token counts as expired.
	early = time.Minute
	// unknownLife is how long an access token without expires_in is kept.
	unknownLife = 5 * time.Minute
	// patience bounds one pass, over all its requests.
	patience = time.Minute
)

// deadSignIn is what a person is told when Google no longer accepts the
// refresh token. Google does not say why; these are the reasons it documents,
// the most frequent one first.
const deadSignIn = "Google no longer accepts the earlier sign-in. The likely causes, in this order: " +
	"the Google Cloud project is in testing, where a sign-in ends after 7 days (publish the app to end that); " +
	"access was removed in the Google account; it was not used for 6 months; the password was changed."

// cannotRenew is what a person is told where there is nothing to renew with.
const cannotRenew = "The sign-in has run out, and neither linkmail nor the broker can renew it: " +
	"set GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET to the broker's own Google client."

// Provider hands out tokens of Google's services. It is safe for concurrent
// use, in one process and by several that share a store.
type Provider struct {
	cfg     Config
	flights auth.Flights
}

var (
	_ auth.Keeper = (*Provider)(nil)
	_ auth.Waiter = (*Provider)(nil)
)

// New returns a provider, or an error that names every wrong setting.
func New(cfg Config) (*Provider, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	return &Provider{cfg: cfg}, nil
}

// Token implements [auth.Provider]. Callers that ask at the same time share
// one pass and its outcome; it outlives a caller that gives up.
func (p *Provider) Token(ctx context.Context, req auth.Request) (*oauth2.Token, error) {
	switch {
	case req.Principal.Subject == "":
		return nil, &auth.Failure{Kind: auth.Misconfigured, Code: "principal_missing", Message: "a token was asked for on nobody's behalf"}
	case p.cfg.Scopes[req.Scope] == nil:
		return nil, &auth.Failure{Kind: auth.Misconfigured, Code: "scope_unknown", Message: fmt.Sprintf("it is not known what to ask Google for %q", req.Scope)}
	}
	s := &pass{p: p, req: req, wanted: p.cfg.Scopes[req.Scope], keys: p.keys(req.Principal)}
	token, err := s.cached(ctx)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if token != nil || err != nil {
		return token, err
	}
	return p.flights.Token(ctx, s.keys+req.Scope+"|"+digest(req.Rejected.Reveal()), patience, s.run)
}

// Wait implements [auth.Waiter] as far as the connector does.
func (p *Provider) Wait(ctx context.Context, c *auth.Challenge) error {
	return auth.Wait(ctx, p.cfg.Connector, c)
}

// pass is one way to a token, under the account's lock.
type pass struct {
	p      *Provider
	req    auth.Request
	wanted []string
	keys   string // prefix of the account's records
	why    string // why a person has to sign in again
}

func (s *pass) grantKey() string { return s.keys + "grant" }
func (s *pass) loginKey() string { return s.keys + "login" }
func (s *pass) tokenKey() string { return s.keys + "token" }

// cached returns the access token that is kept, if it is of use.
func (s *pass) cached(ctx context.Context) (*oauth2.Token, error) {
	r, ok, err := auth.LoadRecord[tokenRecord](ctx, s.p.cfg.Store, s.tokenKey())
	if err != nil || !ok || !s.p.cfg.Now().Before(r.Expiry.Add(-early)) || len(missing(s.wanted, r.Scopes)) > 0 {
		return nil, err
	}
	if s.req.Rejected.Equal(secret.New(r.Token)) {
		return nil, nil
	}
	return &oauth2.Token{AccessToken: r.Token, TokenType: "Bearer", Expiry: r.Expiry}, nil
}

// run takes the lock and looks again: somebody else may have been here.
func (s *pass) run(ctx context.Context) (*oauth2.Token, error) {
	unlock, err := s.p.cfg.Store.Lock(ctx, s.keys+"lock")
	if err != nil {
		return nil, auth.CacheFailure(ctx, "lock", err)
	}
	defer unlock()
	if token, err := s.cached(ctx); token != nil || err != nil {
		return token, err
	}
	kept, ok, err := auth.LoadRecord[grantRecord](ctx, s.p.cfg.Store, s.grantKey())
	if err != nil {
		return nil, err
	}
	if ok && kept.Token != "" && len(missing(s.wanted, kept.Scopes)) == 0 {
		token, err := s.refresh(ctx, &kept)
		switch {
		case errors.Is(err, errDead):
			s.why = deadSignIn
		case errors.Is(err, auth.ErrCannotRenew):
			s.why = cannotRenew
		default:
			return token, err
		}
	}
	if ok && kept.Token == "" && len(missing(s.wanted, kept.Scopes)) == 0 {
		s.why = cannotRenew
	}
	return s.login(ctx, kept)
}

// errDead says that the refresh token is dead. Nothing else discards it.
var errDead = errors.New("google: the refresh token is no longer valid")

// refresh renews the access token.
func (s *pass) refresh(ctx context.Context, kept *grantRecord) (*oauth2.Token, error) {
	answer, err := s.p.renew(ctx, secret.New(kept.Token))
	refusal, refused := errors.AsType[*auth.EndpointError](err)
	_, explained := errors.AsType[*auth.Failure](err)
	switch {
	case refused && !explained && refusal.Code == "invalid_grant":
		// A fresh attempt goes first: an old one could be answered with the
		// sign-in that has just turned out to be dead.
		if err := auth.SaveRecord(ctx, s.p.cfg.Store, s.loginKey(), loginRecord{Attempt: newAttempt(), Scopes: kept.Scopes}, 0); err != nil {
			return nil, err
		}
		if err := auth.RemoveRecords(ctx, s.p.cfg.Store, s.grantKey(), s.tokenKey()); err != nil {
			return nil, err
		}
		return nil, errDead
	case refused && !explained:
		return nil, refusedClient(refusal)
	case err != nil:
		return nil, err
	}
	scopes := answer.Scopes
	if len(scopes) == 0 {
		scopes = kept.Scopes
	}
	if !answer.RefreshToken.IsZero() || !slices.Equal(scopes, kept.Scopes) {
		// What was given is stored before it is used.
		if !answer.RefreshToken.IsZero() {
			kept.Token = answer.RefreshToken.Reveal()
		}
		kept.Scopes = scopes
		if err := auth.SaveRecord(ctx, s.p.cfg.Store, s.grantKey(), *kept, 0); err != nil {
			return nil, err
		}
	}
	if lacking := missing(s.wanted, scopes); len(lacking) > 0 {
		return nil, notGranted(lacking)
	}
	return s.keep(ctx, answer.AccessToken.Reveal(), answer.Life, scopes)
}

// renew asks whoever can renew a token.
func (p *Provider) renew(ctx context.Context, token secret.Text) (auth.TokenAnswer, error) {
	if p.cfg.Refresh != nil {
		return p.cfg.Refresh(ctx, token)
	}
	return p.endpoint().Ask(ctx, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token.Reveal()}})
}

func (p *Provider) endpoint() auth.TokenEndpoint {
	return auth.TokenEndpoint{
		Name: "Google", URL: p.cfg.TokenURL, ClientID: p.cfg.ClientID, ClientSecret: p.cfg.ClientSecret, HTTP: p.cfg.HTTP,
	}
}

// renews reports whether there is anything to renew a token with.
func (p *Provider) renews() bool { return p.cfg.Refresh != nil || p.cfg.ClientID != "" }

// refusedClient names what is wrong with the client. The sign-in is kept.
func refusedClient(cause *auth.EndpointError) *auth.Failure {
	failure := &auth.Failure{Kind: auth.Refused, Code: "client_refused", Err: cause}
	switch cause.Code {
	case "invalid_client", "invalid_request":
		failure.Message = "Google refused GOOGLE_CLIENT_ID with GOOGLE_CLIENT_SECRET"
		failure.Hint = "Copy both from the Google Cloud console, APIs & Services > Credentials; they have to be of the client that the sign-in was made with. The sign-in is kept."
	case "unauthorized_client":
		failure.Kind, failure.Code = auth.Misconfigured, "client_type"
		failure.Message = "the sign-in was made with another Google client than GOOGLE_CLIENT_ID"
		failure.Hint = "Use one and the same client everywhere, of the type Desktop app or Web application. The sign-in is kept."
	default:
		failure.Kind, failure.Code = auth.Misconfigured, "google_refused"
		failure.Message = "Google refused to renew the access token (" + cause.Code + ")"
		failure.Hint = "Check the client in the Google Cloud console. The sign-in is kept."
	}
	return failure
}

// notGranted names the boxes that were left unticked.
func notGranted(lacking []string) *auth.Failure {
	return &auth.Failure{
		Kind: auth.Denied, Code: "scope_not_granted",
		Message: "the consent did not include " + strings.Join(lacking, ", "),
		Hint:    "Call again for a fresh link, and leave every box ticked.",
	}
}

// keep stores an access token for as long as it may be handed out.
func (s *pass) keep(ctx context.Context, token string, life time.Duration, scopes []string) (*oauth2.Token, error) {
	if s.req.Rejected.Equal(secret.New(token)) {
		return nil, &auth.Failure{
			Kind: auth.Unavailable, Code: "token_refused",
			Message: "Google gave the very token again that " + s.req.Scope + " has just refused", Hint: "Try again in a minute.",
		}
	}
	if life <= 0 {
		life = unknownLife
	}
	r := tokenRecord{Token: token, Expiry: s.p.cfg.Now().Add(life), Scopes: scopes}
	if life > early {
		if err := auth.SaveRecord(ctx, s.p.cfg.Store, s.tokenKey(), r, life-early); err != nil {
			return nil, err
		}
	}
	return &oauth2.Token{AccessToken: token, TokenType: "Bearer", Expiry: r.Expiry}, nil
}
