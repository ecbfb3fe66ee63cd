package google

import (
	"context"
	"crypto/rand"
	"errors"
	"net/url"
	"slices"

	"golang.org/x/oauth2"

	"linkmail/auth"
	"linkmail/internal/secret"
)

func newAttempt() string { return rand.Text() }

// login sends the person to Google for all that was granted before and what is
// wanted now.
func (s *pass) login(ctx context.Context, kept grantRecord) (*oauth2.Token, error) {
	store := s.p.cfg.Store
	begun, ok, err := auth.LoadRecord[loginRecord](ctx, store, s.loginKey())
	if err != nil {
		return nil, err
	}
	scopes := union(identityScopes, kept.Scopes, begun.Scopes, s.wanted)
	if !ok || begun.Attempt == "" || len(missing(scopes, begun.Scopes)) > 0 || begun.Why == "" && s.why != "" {
		// Another service has joined, or there is news to tell. A fresh attempt
		// costs the person nothing that was done: nobody has come back yet.
		if begun.Attempt == "" || len(missing(scopes, begun.Scopes)) > 0 {
			begun.Attempt = newAttempt()
		}
		begun = loginRecord{Attempt: begun.Attempt, Scopes: scopes, Why: firstText(s.why, begun.Why), Hint: s.hint(kept)}
		if err := auth.SaveRecord(ctx, store, s.loginKey(), begun, 0); err != nil {
			return nil, err
		}
	}
	req := s.loginRequest(begun)
	token, err := s.p.cfg.Connector.Login(ctx, req)
	if challenge, ok := errors.AsType[*auth.Challenge](err); ok {
		out := *challenge
		out.Scope, out.Step, out.Why = s.req.Scope, 1, begun.Why
		return nil, &out
	}
	if err != nil {
		failure, ok := errors.AsType[*auth.Failure](err)
		if ok && failure.Kind != auth.Unavailable {
			if err := auth.RemoveRecords(ctx, store, s.loginKey()); err != nil { // the next call gets a fresh link
				return nil, err
			}
		}
		return nil, err
	}
	out, err := s.accept(ctx, token, begun)
	if failure, ok := errors.AsType[*auth.Failure](err); ok && failure.Kind == auth.Unavailable {
		return nil, err // the connector repeats the result
	}
	if removed := auth.RemoveRecords(ctx, store, s.loginKey()); removed != nil {
		return nil, removed
	}
	auth.Finish(ctx, s.p.cfg.Connector, req)
	return out, err
}

// loginRequest is the request to the connector for a login that has begun.
func (s *pass) loginRequest(begun loginRecord) auth.LoginRequest {
	params := map[string]string{"access_type": "offline", "prompt": "consent"}
	if begun.Hint != "" {
		params["login_hint"] = begun.Hint
	}
	return auth.LoginRequest{
		Principal: s.req.Principal, Attempt: begun.Attempt, Scope: s.req.Scope,
		OAuthProvider: s.p.cfg.OAuthProvider, OAuthScopes: begun.Scopes, Params: params,
		Display: "linkmail: sign in with Google",
	}
}

// hint is the address that Google's page proposes.
func (s *pass) hint(kept grantRecord) string { return firstText(s.p.cfg.Account, kept.Account) }

// accept checks the result of a login and stores it.
func (s *pass) accept(ctx context.Context, token *oauth2.Token, begun loginRecord) (*oauth2.Token, error) {
	account, err := s.owner(ctx, token)
	if err != nil {
		return nil, err
	}
	if want := s.p.cfg.Account; want != "" && !auth.SameAccount(account, want) {
		// Nothing of it is kept, and Google forgets it too.
		_ = s.p.revoke(ctx, secret.New(firstText(token.RefreshToken, token.AccessToken)))
		return nil, auth.WrongAccount(account, want)
	}
	scopes := begun.Scopes
	if said, ok := token.Extra("scope").(string); ok && said != "" {
		scopes = auth.SplitScopes(said)
	}
	kept := grantRecord{Account: account, Scopes: scopes, Asked: begun.Scopes, Obtained: s.p.cfg.Now()}
	if s.p.renews() {
		kept.Token = token.RefreshToken
	}
	if err := auth.SaveRecord(ctx, s.p.cfg.Store, s.grantKey(), kept, 0); err != nil {
		return nil, err
	}
	if lacking := missing(s.wanted, scopes); len(lacking) > 0 {
		return nil, notGranted(lacking)
	}
	if kept.Token == "" && s.p.renews() {
		return nil, &auth.Failure{
			Kind: auth.Misconfigured, Code: "no_refresh_token",
			Message: "the sign-in worked, but Google gave no refresh token",
			Hint:    "Whoever signs in on linkmail's behalf has to pass access_type=offline and prompt=consent on to Google.",
		}
	}
	life := unknownLife
	if !token.Expiry.IsZero() {
		life = token.Expiry.Sub(s.p.cfg.Now())
	}
	return s.keep(ctx, token.AccessToken, life, scopes)
}

// owner finds out who signed in: from the ID token, else from the service.
func (s *pass) owner(ctx context.Context, token *oauth2.Token) (string, error) {
	idToken, _ := token.Extra("id_token").(string)
	if who, err := auth.ReadIdentity(idToken); err == nil && who.Email != "" {
		return who.Email, nil
	}
	if s.p.cfg.Account == "" {
		return "", nil
	}
	if s.p.cfg.Owner == nil {
		return "", auth.UnknownAccount(s.p.cfg.Account, nil)
	}
	account, err := s.p.cfg.Owner(ctx, s.req.Scope, token)
	if err != nil || account == "" {
		return "", auth.UnknownAccount(s.p.cfg.Account, err)
	}
	return account, nil
}

// revoke ends a grant at Google (RFC 7009).
func (p *Provider) revoke(ctx context.Context, token secret.Text) error {
	_, err := p.endpoint().Post(ctx, p.cfg.RevokeURL, url.Values{"token": {token.Reveal()}})
	return err
}

func union(lists ...[]string) []string {
	var out []string
	for _, list := range lists {
		for _, scope := range list {
			if !slices.ContainsFunc(out, func(have string) bool { return canonical(have) == canonical(scope) }) {
				out = append(out, scope)
			}
		}
	}
	return out
}

// missing returns what is wanted and not granted.
func missing(wanted, granted []string) []string {
	var out []string
	for _, scope := range wanted {
		if !slices.ContainsFunc(granted, func(have string) bool { return canonical(have) == canonical(scope) }) {
			out = append(out, scope)
		}
	}
	return out
}

// canonical is the long form in which Google answers the scopes of OpenID Connect.
func canonical(scope string) string {
	switch scope {
	case "email", "profile":
		return "https://www.googleapis.com/auth/userinfo." + scope
	}
	return scope
}

func firstText(texts ...string) string {
	for _, s := range texts {
		if s != "" {
			return s
		}
	}
	return ""
}
