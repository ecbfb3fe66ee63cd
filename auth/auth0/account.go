package auth0

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"linkmail/auth"
	"linkmail/internal/secret"
)

// callAccounts lists what is connected, callDisconnect ends it, callRevoke
// ends the login.
const (
	callAccounts   = "list of connected accounts"
	callDisconnect = "removal of the connected account"
	callRevoke     = "revocation of the refresh token"
)

// countLife is how long the number of connected accounts is taken for granted.
// Another application of the tenant may connect one more.
const countLife = 24 * time.Hour

// vaultRecord is what is known of the connected accounts of one connection.
type vaultRecord struct {
	// ID is the account that linkmail itself connected last.
	ID string `json:"id,omitempty"`
	// Checked is when their number was last found to be no trouble.
	Checked time.Time `json:"checked,omitzero"`
	// Hint says that the expected account has to be asked for by name.
	Hint bool `json:"hint,omitempty"`
}

func (s *pass) vaultKey(connection string) string { return s.keys + "vault/" + connection }

// connected is one account of GET /me/v1/connected-accounts/accounts.
type connected struct {
	ID         string   `json:"id"`
	Connection string   `json:"connection"`
	Scopes     []string `json:"scopes"`
}

// accounts lists what the user has connected at the connection.
func (s *pass) accounts(ctx context.Context, connection string, access secret.Text) ([]connected, error) {
	var all []connected
	from := ""
	for range 10 { // pages of 20; nobody has 200 accounts of one kind
		query := url.Values{"connection": {connection}, "take": {"20"}}
		if from != "" {
			query.Set("from", from)
		}
		a, err := s.p.get(ctx, callAccounts, "/me/v1/connected-accounts/accounts?"+query.Encode(), access)
		if err != nil {
			return nil, err
		}
		if !a.ok() {
			return nil, s.myAccountError(a)
		}
		var in struct {
			Accounts []connected `json:"accounts"`
			Next     string      `json:"next"`
		}
		if err := a.decode(&in); err != nil {
			return nil, err
		}
		for _, account := range in.Accounts {
			if account.Connection == connection {
				all = append(all, account)
			}
		}
		if from = in.Next; from == "" {
			break
		}
	}
	return all, nil
}

// checkLogin makes sure that the login was that of the expected account. A
// user who signs in to Auth0 by other means than Google may well have another
// address there; then only the mailbox can tell.
func (s *pass) checkLogin(ctx context.Context, token *oauth2.Token) error {
	idToken, _ := token.Extra("id_token").(string)
	who, err := auth.ReadIdentity(idToken)
	if err != nil {
		return nil //nolint:nilerr // without an ID token the mailbox has to tell
	}
	s.email = who.Email
	want := s.p.cfg.Account
	if want == "" || who.Email == "" || auth.SameAccount(who.Email, want) || !strings.HasPrefix(who.Subject, "google-oauth2|") {
		return nil
	}
	_ = s.revoke(ctx, secret.New(token.RefreshToken)) // at worst it lies unused at Auth0
	return auth.WrongAccount(who.Email, want)
}

// revoke ends a refresh token (RFC 7009) and all that came of its login.
func (s *pass) revoke(ctx context.Context, token secret.Text) error {
	reply, err := s.p.holder().Revoke(ctx, token)
	a, err := replied(callRevoke, reply, err)
	if err != nil {
		return err
	}
	if !a.ok() {
		return s.tokenError(a)
	}
	return nil
}

// hint is the login_hint of an exchange: needed only where the vault would
// otherwise answer with another account than the expected one.
func (s *pass) hint(ctx context.Context) (string, error) {
	if s.p.cfg.Account == "" {
		return "", nil
	}
	known, _, err := auth.LoadRecord[vaultRecord](ctx, s.p.cfg.Store, s.vaultKey(s.connection))
	if err != nil || !known.Hint {
		return "", err
	}
	return s.p.cfg.Account, nil
}

// verify makes sure that a token which the vault has just given is that of the
// expected account or, where none is expected, that it is clear whose it is.
// retry says that the exchange has to be repeated with a hint.
func (s *pass) verify(ctx context.Context, token *oauth2.Token, hinted bool) (retry bool, _ error) {
	want := s.p.cfg.Account
	if want == "" {
		return false, s.unambiguous(ctx)
	}
	if s.p.cfg.Owner == nil {
		return false, auth.UnknownAccount(want, nil)
	}
	have, err := s.p.cfg.Owner(ctx, s.req.Scope, token)
	switch {
	case err != nil:
		return false, auth.UnknownAccount(want, err)
	case have == "":
		return false, nil // the service knows no addresses
	case auth.SameAccount(have, want):
		return false, nil
	case !hinted:
		known, _, err := auth.LoadRecord[vaultRecord](ctx, s.p.cfg.Store, s.vaultKey(s.connection))
		if err != nil {
			return false, err
		}
		known.Hint = true
		s.strange = have
		return true, auth.SaveRecord(ctx, s.p.cfg.Store, s.vaultKey(s.connection), known, 0)
	}
	return false, auth.WrongAccount(have, want)
}

// unhinted goes on after an exchange that was refused. If it asked for the
// expected account by name, the vault is asked once without the name, to learn
// which account it has in its place; one that the person has connected just
// now is removed again.
func (s *pass) unhinted(ctx context.Context, hint string, err error) (*oauth2.Token, error) {
	switch {
	case hint == "" || !needsConsent(err):
		return nil, err
	case s.strange == "":
		known, _, err := auth.LoadRecord[vaultRecord](ctx, s.p.cfg.Store, s.vaultKey(s.connection))
		if err != nil {
			return nil, err
		}
		known.Hint = false
		if err := auth.SaveRecord(ctx, s.p.cfg.Store, s.vaultKey(s.connection), known, 0); err != nil {
			return nil, err
		}
		return s.exchange(ctx)
	case !s.connected:
		return nil, err
	}
	if err := s.discardConnected(ctx); err != nil {
		return nil, err
	}
	return nil, auth.WrongAccount(s.strange, s.p.cfg.Account)
}

// unambiguous fails where several accounts are connected and none was named:
// the vault would pick one, and mail would be read or sent from the wrong one.
func (s *pass) unambiguous(ctx context.Context) error {
	known, _, err := auth.LoadRecord[vaultRecord](ctx, s.p.cfg.Store, s.vaultKey(s.connection))
	if err != nil {
		return err
	}
	if age := s.p.cfg.Now().Sub(known.Checked); age >= 0 && age < countLife {
		return nil
	}
	access := s.access
	if access.IsZero() {
		token, err := s.myAccountToken(ctx)
		if err != nil {
			// Where the My Account API cannot be asked (in auth0-token mode it
			// need not be set up), nobody can tell.
			return s.counted(ctx, known)
		}
		access = secret.New(token.AccessToken)
	}
	all, err := s.accounts(ctx, s.connection, access)
	if err == nil && len(all) > 1 {
		return &auth.Failure{
			Kind: auth.Misconfigured, Code: "account_ambiguous",
			Message: fmt.Sprintf("%d accounts are connected at %s, and it is not said which one is meant", len(all), s.connection),
			Hint:    "Set LINKMAIL_ACCOUNT to the e-mail address of the one to use.",
		}
	}
	return s.counted(ctx, known)
}

func (s *pass) counted(ctx context.Context, known vaultRecord) error {
	known.Checked = s.p.cfg.Now()
	return auth.SaveRecord(ctx, s.p.cfg.Store, s.vaultKey(s.connection), known, 0)
}

// noteConnected remembers the account that a completed consent connected.
func (s *pass) noteConnected(ctx context.Context, id string) error {
	known, _, err := auth.LoadRecord[vaultRecord](ctx, s.p.cfg.Store, s.vaultKey(s.connection))
	if err != nil {
		return err
	}
	known.ID, known.Checked = id, time.Time{}
	return auth.SaveRecord(ctx, s.p.cfg.Store, s.vaultKey(s.connection), known, 0)
}

// discardConnected ends a connection that was made with the wrong account.
func (s *pass) discardConnected(ctx context.Context) error {
	known, _, err := auth.LoadRecord[vaultRecord](ctx, s.p.cfg.Store, s.vaultKey(s.connection))
	if err != nil || known.ID == "" {
		return err
	}
	_ = s.disconnect(ctx, known.ID, s.access) // it is of no use here in any case
	known.ID, known.Hint = "", false
	return auth.SaveRecord(ctx, s.p.cfg.Store, s.vaultKey(s.connection), known, 0)
}

var errGone = errors.New("auth0: the account is not connected any more")

// disconnect removes an account from the vault.
func (s *pass) disconnect(ctx context.Context, id string, access secret.Text) error {
	a, err := s.p.api().send(ctx, callDisconnect, http.MethodDelete, "/me/v1/connected-accounts/accounts/"+url.PathEscape(id), access, nil)
	switch {
	case err != nil:
		return err
	case a.status == http.StatusNotFound:
		return errGone
	case !a.ok():
		return s.myAccountError(a)
	}
	return nil
}

// scopesBefore returns what the connected account of the connection has been
// granted, because a consent replaces the one before. What cannot be learnt is
// left out; so is everything where it is not clear which account is meant.
func (s *pass) scopesBefore(ctx context.Context, access secret.Text) []string {
	all, err := s.accounts(ctx, s.connection, access)
	if err != nil || len(all) != 1 {
		return nil
	}
	return all[0].Scopes
}

// unionScopes appends to a what it lacks of b. The short and the long names of
// Google's identity scopes are the same.
func unionScopes(a, b []string) []string {
	for _, scope := range b {
		short := strings.TrimPrefix(scope, "https://www.googleapis.com/auth/userinfo.")
		if !slices.Contains(a, scope) && !slices.Contains(a, short) {
			a = append(a, scope)
		}
	}
	return a
}

// completedID reads the id of the account that a completion connected.
func completedID(a answer) string {
	var in struct {
		ID string `json:"id"`
	}
	if json.Unmarshal(bytes.TrimSpace(a.body), &in) != nil || len(in.ID) > 128 {
		return ""
	}
	return in.ID
}
