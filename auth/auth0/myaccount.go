package auth0

import (
	"context"
	"crypto/rand"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"linkmail/auth"
	"linkmail/internal/secret"
)

// myAccountScopes is what linkmail asks of the My Account API: one scope to
// connect an account; the other two list and remove connections.
var myAccountScopes = []string{"create:me:connected_accounts", "read:me:connected_accounts", "delete:me:connected_accounts"}

// Codes of failures that end a connect request.
const (
	codeNotCompleted  = "connect_not_completed"
	codeNoConnectCode = "connect_code_missing"
)

// ticketLife is how long a connect request lives if the answer does not say.
const ticketLife = 5 * time.Minute

// beginConnect asks the My Account API for a consent and stores what is needed
// to finish it. Scopes that a too narrow grant already had are asked for
// again, because a consent replaces the one before.
func (s *pass) beginConnect(ctx context.Context, why error) error {
	access, err := s.myAccountToken(ctx)
	if err != nil {
		return err
	}
	scopes := slices.Clone(s.p.cfg.Scopes[s.req.Scope])
	if narrow, ok := errors.AsType[*notGrantedError](why); ok {
		for _, scope := range narrow.granted {
			if !slices.Contains(scopes, scope) {
				scopes = append(scopes, scope)
			}
		}
	}
	if len(scopes) > 0 {
		scopes = unionScopes(scopes, s.scopesBefore(ctx, secret.New(access.AccessToken)))
	}
	record := connectRecord{
		Attempt: rand.Text(), State: rand.Text(), Verifier: oauth2.GenerateVerifier(),
		RedirectURI: s.p.callback(), Scopes: scopes,
		Access: access.AccessToken, AccessExpiry: access.Expiry,
	}
	body := map[string]any{
		"connection": s.connection, "redirect_uri": record.RedirectURI, "state": record.State,
		"code_challenge": oauth2.S256ChallengeFromVerifier(record.Verifier), "code_challenge_method": "S256",
	}
	if len(scopes) > 0 { // an empty list is an error, none means the connection's own
		body["scopes"] = scopes
	}
	if s.ofGoogle(scopes) {
		// Google gives a refresh token only when it asks the person.
		params := map[string]string{"prompt": "consent"}
		if s.p.cfg.Account != "" {
			params["login_hint"] = s.p.cfg.Account
		}
		body["authorization_params"] = params
	}
	a, err := s.p.post(ctx, callConnect, "/me/v1/connected-accounts/connect", secret.New(access.AccessToken), body)
	if err != nil {
		return err
	}
	if !a.ok() {
		return s.myAccountError(a)
	}
	var in struct {
		AuthSession   string `json:"auth_session"`
		ConnectURI    string `json:"connect_uri"`
		ConnectParams struct {
			Ticket string `json:"ticket"`
		} `json:"connect_params"`
		ExpiresIn seconds `json:"expires_in"`
	}
	if err := a.decode(&in); err != nil {
		return err
	}
	if in.AuthSession == "" || in.ConnectParams.Ticket == "" {
		return incomplete(a, "the ticket")
	}
	if record.URL, err = s.p.ticketURL(in.ConnectURI, in.ConnectParams.Ticket); err != nil {
		return err
	}
	life := time.Duration(in.ExpiresIn)
	if life <= 0 {
		life = ticketLife
	}
	s.begun = true
	record.AuthSession, record.Deadline = in.AuthSession, s.p.cfg.Now().Add(min(life, time.Hour))
	return auth.SaveRecord(ctx, s.p.cfg.Store, s.connectKey(s.connection), record, 0)
}

// ofGoogle reports whether the consent is Google's: a tenant may have more
// than one connection of Google, under other names.
func (s *pass) ofGoogle(scopes []string) bool {
	return s.connection == googleConnection || slices.ContainsFunc(scopes, func(scope string) bool {
		_, ok := scopeFamily(scope)
		return ok
	})
}

// ticketURL returns the page that the person has to open. The answer names it;
// it has to be on the tenant's own host, because a person will be told to trust it.
func (p *Provider) ticketURL(uri, ticket string) (string, error) {
	u, err := url.Parse(uri)
	if err != nil || u.User != nil || u.Scheme+"://"+strings.ToLower(u.Host) != p.base {
		return "", &auth.Failure{
			Kind: auth.Misconfigured, Code: "connect_uri_foreign",
			Message: "the My Account API sent the person to another host than AUTH0_DOMAIN",
			Hint:    "Use one and the same host, canonical or custom domain, as AUTH0_DOMAIN.",
		}
	}
	query := u.Query()
	query.Set("ticket", ticket)
	u.RawQuery = query.Encode()
	return u.String(), nil
}

// resumeConnect finishes the consent that was begun, if there is one. It
// returns nil when there is nothing (more) to finish.
func (s *pass) resumeConnect(ctx context.Context) error {
	if s.p.cfg.Connector == nil {
		return nil
	}
	record, ok, err := auth.LoadRecord[connectRecord](ctx, s.p.cfg.Store, s.connectKey(s.connection))
	if err != nil || !ok {
		return err
	}
	late := s.p.cfg.Now().Sub(record.Deadline)
	if late >= ticketLife {
		s.renewed = true
		return s.dropConnect(ctx, record)
	}
	params, err := s.p.cfg.Connector.Redirect(ctx, s.trip(record))
	if errors.Is(err, auth.ErrTaken) && !s.begun {
		// A process died between asking the broker and writing it down.
		return s.dropConnect(ctx, record)
	}
	if err != nil {
		ended, err := s.ask(err, 2, record.Deadline)
		_, waiting := errors.AsType[*auth.Challenge](err)
		if waiting && late >= 0 {
			// Nobody came back in time, and the ticket has run out: the link
			// would lead to an error page. A person who did come back at the
			// last moment was answered above.
			s.renewed = true
			return s.dropConnect(ctx, record)
		}
		if ended {
			if err := s.dropConnect(ctx, record); err != nil {
				return err
			}
		}
		return err
	}
	err = s.complete(ctx, record, params.Get("connect_code"))
	failure, failed := errors.AsType[*auth.Failure](err)
	switch {
	case failed && (failure.Code == codeNotCompleted || failure.Code == codeNoConnectCode):
		s.refused = failure
	case err != nil && !errors.Is(err, errConnectGone):
		return err // the connector repeats the result when we come again
	}
	// Completed, or beyond completing: the exchange will tell which. A process
	// that died right after completing left the request behind just like one
	// that came too late.
	if err := s.dropConnect(ctx, record); err != nil {
		return err
	}
	s.connected = err == nil && missingFamily(s.p.cfg.Scopes[s.req.Scope], record.Scopes) == ""
	return nil
}

// dropConnect forgets a consent that has begun, here and then at the connector.
func (s *pass) dropConnect(ctx context.Context, begun connectRecord) error {
	if err := auth.RemoveRecords(ctx, s.p.cfg.Store, s.connectKey(s.connection)); err != nil {
		return err
	}
	auth.FinishRedirect(ctx, s.p.cfg.Connector, s.trip(begun))
	return nil
}

// trip is the request to the connector for a consent that has begun.
func (s *pass) trip(begun connectRecord) auth.RedirectRequest {
	return auth.RedirectRequest{
		Principal: s.req.Principal, Attempt: begun.Attempt, Scope: s.req.Scope,
		URL: secret.New(begun.URL), State: begun.State, Params: []string{"connect_code"},
		Display: "linkmail: connect " + s.req.Scope,
	}
}

// complete hands the connect code in.
func (s *pass) complete(ctx context.Context, record connectRecord, code string) error {
	if code == "" {
		return &auth.Failure{
			Kind: auth.Misconfigured, Code: codeNoConnectCode,
			Message: "the browser came back from the consent without a connect code",
			Hint:    "Call again for a fresh link; if it happens again, check that " + record.RedirectURI + " leads to the broker unchanged.",
		}
	}
	access := secret.New(record.Access)
	kept := s.p.cfg.Now().Before(record.AccessExpiry.Add(-early))
	for {
		if !kept {
			token, err := s.myAccountToken(ctx)
			if err != nil {
				return err
			}
			access = secret.New(token.AccessToken)
		}
		a, err := s.p.post(ctx, callComplete, "/me/v1/connected-accounts/complete", access, map[string]string{
			"auth_session": record.AuthSession, "connect_code": code,
			"redirect_uri": record.RedirectURI, "code_verifier": record.Verifier,
		})
		if err != nil {
			return err
		}
		if a.ok() {
			var in struct{}
			if err := a.decode(&in); err != nil {
				return err
			}
			s.access = access
			return s.noteConnected(ctx, completedID(a))
		}
		if a.status != 401 || !kept {
			return s.myAccountError(a)
		}
		kept = false // the token from the record may have been revoked: once with a new one
	}
}

// myAccountToken refreshes the Auth0 login into a token for the My Account API
// (a multi-resource refresh token). Where that is not set up, Auth0 may answer
// with a token for something else and call it a success, so the token is read.
func (s *pass) myAccountToken(ctx context.Context) (*oauth2.Token, error) {
	scopes := append([]string{"openid", "profile", "offline_access"}, myAccountScopes...)
	reply, err := s.p.holder().Refresh(ctx, s.refresh, s.p.audience(), scopes)
	a, err := replied(callRefresh, reply, err)
	if err != nil {
		return nil, err
	}
	if !a.ok() {
		return nil, s.tokenError(a)
	}
	var in struct {
		AccessToken  string  `json:"access_token"`
		RefreshToken string  `json:"refresh_token"`
		ExpiresIn    seconds `json:"expires_in"`
		Scope        string  `json:"scope"`
	}
	if err := a.decode(&in); err != nil {
		return nil, err
	}
	if in.RefreshToken != "" && !s.refresh.Equal(secret.New(in.RefreshToken)) {
		// Rotation is on: the old token is dead from now on, whatever else
		// this answer is good for.
		if err := s.storeRefresh(ctx, in.RefreshToken); err != nil {
			return nil, err
		}
	}
	if in.AccessToken == "" {
		return nil, incomplete(a, "access_token")
	}
	read, err := readClaims(in.AccessToken)
	if err != nil || !slices.Contains(read.audience, s.p.audience()) {
		return nil, &auth.Failure{
			Kind: auth.Misconfigured, Code: "mrrt_missing",
			Message: "Auth0 gave a token for something other than the My Account API " + s.p.audience(),
			Hint:    hintPolicy + " A sign-in from before that setting may have to be repeated.",
			Err:     &ResponseError{Call: a.call, Status: a.status},
		}
	}
	if !slices.Contains(append(read.scopes, splitScopes(in.Scope)...), myAccountScopes[0]) {
		return nil, &auth.Failure{
			Kind: auth.Misconfigured, Code: "my_account_scope",
			Message: "Auth0 gave a token for the My Account API without " + myAccountScopes[0],
			Hint:    hintAPI + " The Multi-Resource Refresh Token policy has to list the same scopes.",
			Err:     &ResponseError{Call: a.call, Status: a.status},
		}
	}
	life := time.Duration(in.ExpiresIn)
	if life <= 0 {
		life = unknownLife
	}
	return &oauth2.Token{AccessToken: in.AccessToken, Expiry: s.p.cfg.Now().Add(life)}, nil
}
