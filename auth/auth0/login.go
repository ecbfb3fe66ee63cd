package auth0

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"linkmail/auth"
	"linkmail/internal/secret"
)

// loginScopes asks for a refresh token (offline_access) and for who it is.
var loginScopes = []string{"openid", "profile", "email", "offline_access"}

// login makes sure that there is a refresh token: the stored one (which may be
// the successor of a configured one that was rotated), the configured one, or
// that of a login by a person.
func (s *pass) login(ctx context.Context) error {
	stored, ok, err := auth.LoadRecord[refreshRecord](ctx, s.p.cfg.Store, s.refreshKey())
	if err != nil {
		return err
	}
	if ok && stored.Token != "" {
		s.refresh, s.email = secret.New(stored.Token), stored.Email
		return nil
	}
	if s.refresh = s.p.cfg.RefreshToken; !s.refresh.IsZero() {
		return nil
	}
	begun, ok, err := auth.LoadRecord[loginRecord](ctx, s.p.cfg.Store, s.loginKey())
	if err != nil {
		return err
	}
	if !ok || begun.Attempt == "" {
		begun = loginRecord{Attempt: rand.Text()}
		if err := auth.SaveRecord(ctx, s.p.cfg.Store, s.loginKey(), begun, 0); err != nil {
			return err
		}
	}
	request := s.loginRequest(begun)
	token, err := s.p.cfg.Connector.Login(ctx, request)
	if err != nil {
		ended, err := s.ask(err, 1, time.Time{})
		if ended {
			// The next call gets a fresh link.
			if err := auth.RemoveRecords(ctx, s.p.cfg.Store, s.loginKey()); err != nil {
				return err
			}
		}
		return s.loginFailure(err)
	}
	if token.RefreshToken == "" {
		if err := auth.RemoveRecords(ctx, s.p.cfg.Store, s.loginKey()); err != nil {
			return err
		}
		return &auth.Failure{
			Kind: auth.Misconfigured, Code: "no_refresh_token",
			Message: "the login worked, but Auth0 gave no refresh token",
			Hint:    "The application needs the Refresh Token grant, and the API that AUTH0_AUDIENCE names needs Allow Offline Access; then sign in again.",
		}
	}
	if err := s.checkLogin(ctx, token); err != nil {
		if err := auth.RemoveRecords(ctx, s.p.cfg.Store, s.loginKey()); err != nil {
			return err
		}
		return err
	}
	// Stored before it is used, and before the attempt is forgotten: until
	// then the connector repeats the result.
	if err := s.storeRefresh(ctx, token.RefreshToken); err != nil {
		return err
	}
	s.signedIn = true
	if err := auth.RemoveRecords(ctx, s.p.cfg.Store, s.loginKey()); err != nil {
		return err
	}
	auth.Finish(ctx, s.p.cfg.Connector, request)
	return nil
}

// loginRequest is the request to the connector for a login that has begun.
func (s *pass) loginRequest(begun loginRecord) auth.LoginRequest {
	params := map[string]string{}
	if s.p.cfg.Audience != "" {
		params["audience"] = s.p.cfg.Audience
	}
	if s.p.cfg.Account != "" {
		params["login_hint"] = s.p.cfg.Account
	}
	return auth.LoginRequest{
		Principal: s.req.Principal, Attempt: begun.Attempt, Scope: s.req.Scope,
		OAuthProvider: s.p.cfg.OAuthProvider, OAuthScopes: loginScopes, Params: params,
		Display: "linkmail: sign in", Continues: true,
	}
}

// storeRefresh makes token the account's refresh token.
func (s *pass) storeRefresh(ctx context.Context, token string) error {
	record := refreshRecord{Token: token, Obtained: s.p.cfg.Now(), Email: s.email}
	if err := auth.SaveRecord(ctx, s.p.cfg.Store, s.refreshKey(), record, 0); err != nil {
		return err
	}
	s.refresh = secret.New(token)
	return nil
}

// forgetLogin discards a refresh token that Auth0 has declared dead, so that
// the next step is a login. It returns a failure where a login is no way out.
func (s *pass) forgetLogin(ctx context.Context, cause error) error {
	store := s.p.cfg.Store
	if !s.p.cfg.RefreshToken.IsZero() {
		// A dead successor goes; the configured token is not ours to change.
		if err := auth.RemoveRecords(ctx, store, s.refreshKey()); err != nil {
			return err
		}
		return &auth.Failure{
			Kind: auth.Refused, Code: "refresh_token_refused",
			Message: "Auth0 no longer accepts the refresh token in AUTH0_REFRESH_TOKEN",
			Hint:    "Sign in again and put the new refresh token there; it has to be of the application that AUTH0_CLIENT_ID names, with Allow Refresh Token Rotation off.",
			Err:     cause,
		}
	}
	// A fresh attempt goes first: an old one could be answered with the
	// login that has just turned out to be dead.
	if err := auth.SaveRecord(ctx, store, s.loginKey(), loginRecord{Attempt: rand.Text()}, 0); err != nil {
		return err
	}
	// The next login may be another user's: nothing of this one may answer it.
	for scope, connection := range s.p.cfg.Connections {
		for _, key := range []string{s.connectKey(connection), s.tokenKey(connection, scope), s.vaultKey(connection)} {
			if err := auth.RemoveRecords(ctx, store, key); err != nil {
				return err
			}
		}
	}
	if err := auth.RemoveRecords(ctx, store, s.refreshKey()); err != nil {
		return err
	}
	if s.signedIn {
		return &auth.Failure{
			Kind: auth.Misconfigured, Code: "login_not_usable",
			Message: "Auth0 refused the refresh token that it had just given at the login",
			Hint:    "The login has to use the same application: the client id of the broker's provider " + s.p.cfg.OAuthProvider + " has to equal AUTH0_CLIENT_ID.",
			Err:     cause,
		}
	}
	return nil
}

// loginFailure names the setting behind an error with which the browser came
// back from the login. Everything else passes.
func (s *pass) loginFailure(err error) error {
	cause, ok := errors.AsType[*auth.CallbackError](err)
	if !ok {
		return err
	}
	failure := &auth.Failure{Kind: auth.Misconfigured, Err: cause}
	switch {
	case cause.Mentions("service not found"):
		failure.Code, failure.Message = "audience_unknown", "the tenant has no API that AUTH0_AUDIENCE names"
		failure.Hint = "AUTH0_AUDIENCE has to equal the identifier of an API byte for byte, or be left out."
	case cause.Mentions("not authorized to access resource server"):
		failure.Code, failure.Message = "client_grant_missing", "the Auth0 application is not authorized for the API that AUTH0_AUDIENCE names"
		failure.Hint = "Authorize it in the Auth0 dashboard, Applications > APIs, or leave AUTH0_AUDIENCE out."
	case cause.Mentions("not active for authentication"):
		failure.Code, failure.Message = "connection_purpose", "the Auth0 connection may be used for Connected Accounts, but not to sign in"
		failure.Hint = "In the Auth0 dashboard, Authentication > Social > the connection: Purpose has to include Authentication."
	case cause.Mentions("not enabled"), cause.Mentions("no connections enabled"):
		failure.Code, failure.Message = "connection_disabled", "no Auth0 connection is enabled for the application"
		failure.Hint = "Enable one in the Auth0 dashboard, Applications > your application > Connections."
	case cause.Code == "unauthorized_client":
		failure.Code, failure.Message = "grant_missing", "the Auth0 application may not use the authorization code grant"
		failure.Hint = "In the Auth0 dashboard, Applications > your application > Advanced Settings > Grant Types: tick Authorization Code."
	default:
		return err
	}
	return failure
}
