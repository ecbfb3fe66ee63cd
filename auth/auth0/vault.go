package auth0

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"linkmail/auth"
)

// exchange trades the refresh token for the service's access token and keeps
// it.
func (s *pass) exchange(ctx context.Context) (*oauth2.Token, error) {
	hint, err := s.hint(ctx)
	if err != nil {
		return nil, err
	}
	reply, err := s.p.holder().Exchange(ctx, s.refresh, s.connection, hint)
	a, err := replied(callExchange, reply, err)
	if err != nil {
		return nil, err
	}
	if !a.ok() {
		return s.unhinted(ctx, hint, s.tokenError(a))
	}
	var in struct {
		AccessToken string  `json:"access_token"`
		TokenType   string  `json:"token_type"`
		ExpiresIn   seconds `json:"expires_in"`
		Scope       string  `json:"scope"`
	}
	if err := a.decode(&in); err != nil {
		return nil, err
	}
	if in.AccessToken == "" {
		return nil, incomplete(a, "access_token")
	}
	life := time.Duration(in.ExpiresIn)
	if life <= 0 {
		life = unknownLife
	}
	token := &oauth2.Token{AccessToken: in.AccessToken, TokenType: in.TokenType, Expiry: s.p.cfg.Now().Add(life)}
	if rejects(s.req, token) {
		// The vault has nothing newer than what the service has refused.
		return nil, errGrantDead
	}
	granted := splitScopes(in.Scope)
	if missing := missingFamily(s.p.cfg.Scopes[s.req.Scope], granted); missing != "" {
		return nil, &notGrantedError{missing: missing, granted: granted}
	}
	retry, err := s.verify(ctx, token, hint != "")
	if err != nil {
		return nil, err
	}
	if retry {
		return s.exchange(ctx)
	}
	if err := s.p.keep(ctx, s.tokenKey(s.connection, s.req.Scope), token, granted); err != nil {
		return nil, err
	}
	return token, nil
}

// notGrantedError says that the vault's grant is of no use for the service,
// because the person left its box unticked or connected for something else.
type notGrantedError struct {
	missing string
	granted []string
}

func (e *notGrantedError) Error() string { return "auth0: the grant does not cover the service" }

// needsConsent reports whether only a (new) consent can help.
func needsConsent(err error) bool {
	_, notGranted := errors.AsType[*notGrantedError](err)
	return notGranted || errors.Is(err, errNotConnected) || errors.Is(err, errGrantDead)
}

// unconnected is the failure for a grant that is missing where no (further)
// consent can be asked for: there is no way to a person, or the person has
// just given it, or was asked in this very pass.
func (s *pass) unconnected(err error) error {
	failure := &auth.Failure{Kind: auth.Refused, Err: err}
	notGranted, _ := errors.AsType[*notGrantedError](err)
	switch {
	case s.strange != "":
		return auth.WrongAccount(s.strange, s.p.cfg.Account)
	case s.connected && notGranted != nil:
		failure.Kind, failure.Code = auth.Denied, "scope_not_granted"
		failure.Message = "the consent did not include " + notGranted.missing
		failure.Hint = "Call again for a fresh link, and leave that box ticked."
	case s.connected && errors.Is(err, errGrantDead):
		failure.Kind, failure.Code = auth.Misconfigured, "grant_not_usable"
		failure.Message = fmt.Sprintf("the account was connected just now, and %s still refuses it", s.connection)
		failure.Hint = "Check the provider's client id and secret in the Auth0 connection " + s.connection + "."
	case s.connected:
		failure.Kind, failure.Code = auth.Misconfigured, "vault_empty"
		failure.Message = fmt.Sprintf("the account was connected just now, but the vault got no refresh token from %s", s.connection)
		failure.Hint = "In the Auth0 dashboard, Authentication > Social > " + s.connection + ": use your own client id and secret instead of Auth0's developer keys, and tick Offline Access."
	case s.p.cfg.Connector != nil:
		failure.Kind, failure.Code = auth.Unavailable, "connect_lost"
		failure.Message = "the consent ran out before it could be completed"
		failure.Hint = "Call again for a fresh link."
	case notGranted != nil:
		failure.Code = "scope_not_granted"
		failure.Message = fmt.Sprintf("the account behind AUTH0_REFRESH_TOKEN is connected without %s", notGranted.missing)
		failure.Hint = "Connect it again with that permission, in a mode that can ask a person."
	case errors.Is(err, errGrantDead):
		failure.Code = "grant_dead"
		failure.Message = fmt.Sprintf("the account behind AUTH0_REFRESH_TOKEN has to be connected to %s again: its access has expired or was revoked", s.connection)
		failure.Hint = "Connect it again in a mode that can ask a person."
	default:
		failure.Code = "not_connected"
		failure.Message = fmt.Sprintf("the account behind AUTH0_REFRESH_TOKEN is not connected to %s", s.connection)
		failure.Hint = "Signing in with Google is not enough: connect the account first (Connected Accounts), in a mode that can ask a person."
	}
	return failure
}

// missingFamily returns the first asked scope of whose family nothing was
// granted, for example a calendar scope where only gmail ones were. Within a
// family a lesser scope may well be enough, which only the service can tell.
// An answer without scopes tells nothing.
func missingFamily(asked, granted []string) string {
	if len(granted) == 0 {
		return ""
	}
	for _, scope := range asked {
		family, ok := scopeFamily(scope)
		if !ok {
			continue
		}
		if !slices.ContainsFunc(granted, func(g string) bool {
			have, _ := scopeFamily(g)
			return have == family
		}) {
			return scope
		}
	}
	return ""
}

// scopeFamily returns "gmail" for https://www.googleapis.com/auth/gmail.modify
// and for https://mail.google.com/. Scopes that are not URLs have no family.
func scopeFamily(scope string) (string, bool) {
	if scope == "https://mail.google.com/" {
		return "gmail", true
	}
	name, ok := strings.CutPrefix(scope, "https://www.googleapis.com/auth/")
	if !ok || strings.HasPrefix(name, "userinfo.") {
		return "", false
	}
	family, _, _ := strings.Cut(name, ".")
	return family, true
}

// seconds is a duration that arrives as a number of seconds, by some
// implementations in quotes. What is not a positive number is zero.
type seconds time.Duration

// UnmarshalJSON implements [json.Unmarshaler].
func (d *seconds) UnmarshalJSON(data []byte) error {
	const limit = 10 * 365 * 24 * 3600
	if n, err := strconv.ParseFloat(strings.Trim(string(data), `"`), 64); err == nil && n > 0 {
		*d = seconds(time.Duration(min(n, limit)) * time.Second)
	} else {
		*d = 0
	}
	return nil
}

var _ json.Unmarshaler = (*seconds)(nil)

// incomplete reports an answer that lacks a field it has to have.
func incomplete(a answer, field string) error {
	return &auth.Failure{
		Kind: auth.Unavailable, Code: "auth0_answer_incomplete",
		Message: fmt.Sprintf("the answer to the %s lacks %s", a.call, field),
		Hint:    "Try again; if it stays so, check AUTH0_DOMAIN.", RetryAfter: soon,
		Err: &ResponseError{Call: a.call, Status: a.status},
	}
}
