package auth0

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"linkmail/auth"
	"linkmail/internal/secret"
)

var _ auth.Keeper = (*Provider)(nil)

// Status implements [auth.Keeper].
func (p *Provider) Status(ctx context.Context, who auth.Principal) (auth.Status, error) {
	s := &pass{p: p, keys: p.keys(who)}
	kept, ok, err := auth.LoadRecord[refreshRecord](ctx, p.cfg.Store, s.refreshKey())
	if err != nil {
		return auth.Status{}, err
	}
	out := auth.Status{SignedIn: ok && kept.Token != "", Account: kept.Email, Since: kept.Obtained}
	if !p.cfg.RefreshToken.IsZero() {
		out.SignedIn, out.Configured = true, "AUTH0_REFRESH_TOKEN"
	}
	if !out.SignedIn {
		if _, out.Waiting, err = auth.LoadRecord[loginRecord](ctx, p.cfg.Store, s.loginKey()); err != nil {
			return auth.Status{}, err
		}
	}
	for _, scope := range slices.Sorted(maps.Keys(p.cfg.Connections)) {
		connection := p.cfg.Connections[scope]
		token, cached, err := auth.LoadRecord[tokenRecord](ctx, p.cfg.Store, s.tokenKey(connection, scope))
		if err != nil {
			return auth.Status{}, err
		}
		begun, waiting, err := auth.LoadRecord[connectRecord](ctx, p.cfg.Store, s.connectKey(connection))
		if err != nil {
			return auth.Status{}, err
		}
		waiting = waiting && missingFamily(p.cfg.Scopes[scope], begun.Scopes) == "" && len(begun.Scopes) > 0
		if scope == "google" && waiting && !cached {
			continue // every Google consent covers it
		}
		if !cached && !waiting {
			continue
		}
		service := auth.Service{Scope: scope, Connection: connection, Granted: token.Scopes, Waiting: waiting}
		if cached {
			service.Until = token.Expiry
			service.Missing = unticked(p.cfg.Scopes[scope], token.Scopes)
		}
		out.Services = append(out.Services, service)
	}
	return out, nil
}

// unticked lists the asked permissions that were not granted. An answer without
// scopes tells nothing.
func unticked(asked, granted []string) []string {
	if len(granted) == 0 {
		return nil
	}
	var out []string
	for _, scope := range asked {
		if _, ok := scopeFamily(scope); ok && !slices.Contains(granted, scope) {
			out = append(out, scope)
		}
	}
	return out
}

// SignOut implements [auth.Keeper]: the connected accounts are removed from the
// vault, the login is revoked at Auth0, and everything is forgotten here. A
// refresh token from the configuration belongs to whoever put it there.
func (p *Provider) SignOut(ctx context.Context, who auth.Principal) (auth.SignedOut, error) {
	s := &pass{p: p, req: auth.Request{Principal: who}, keys: p.keys(who)}
	unlock, err := p.cfg.Store.Lock(ctx, s.keys+"lock")
	if err != nil {
		return auth.SignedOut{}, auth.CacheFailure(ctx, "lock", err)
	}
	defer unlock()
	var out auth.SignedOut
	kept, ok, err := auth.LoadRecord[refreshRecord](ctx, p.cfg.Store, s.refreshKey())
	if err != nil {
		return out, err
	}
	if s.refresh = p.cfg.RefreshToken; ok && kept.Token != "" {
		s.refresh = secret.New(kept.Token)
	}
	signedIn := !s.refresh.IsZero()
	if signedIn {
		if err := s.disconnectAll(ctx, &out); err != nil {
			return out, err
		}
		switch {
		case !p.cfg.RefreshToken.IsZero():
			out.Left = append(out.Left, "AUTH0_REFRESH_TOKEN is still set and still valid: remove it, and revoke it in the Auth0 dashboard under User Management.")
		case s.revoke(ctx, s.refresh) == nil:
			out.Done = append(out.Done, "The login was revoked at Auth0.")
		default:
			out.Left = append(out.Left, "Auth0 could not be told to revoke the login: revoke it in the Auth0 dashboard under User Management.")
		}
	}
	if err := s.forgetAll(ctx); err != nil {
		return out, err
	}
	if signedIn {
		out.Done = append(out.Done, "The sign-in is forgotten on this machine.")
	}
	return out, nil
}

// disconnectAll removes the accounts that linkmail has used from the vault. It
// fails only if the cache does.
func (s *pass) disconnectAll(ctx context.Context, out *auth.SignedOut) error {
	used := map[string]vaultRecord{}
	for scope, connection := range s.p.cfg.Connections {
		known, ok, err := auth.LoadRecord[vaultRecord](ctx, s.p.cfg.Store, s.vaultKey(connection))
		if err != nil {
			return err
		}
		_, cached, err := auth.LoadRecord[tokenRecord](ctx, s.p.cfg.Store, s.tokenKey(connection, scope))
		if err != nil {
			return err
		}
		if ok || cached {
			used[connection] = known
		}
	}
	if len(used) == 0 {
		return nil
	}
	const where = "remove it yourself where you manage your Auth0 account, or have an administrator do it in the Auth0 dashboard under User Management"
	token, err := s.myAccountToken(ctx)
	if err != nil {
		out.Left = append(out.Left, "The connected account could not be removed from Auth0's Token Vault: "+where+".")
		return nil //nolint:nilerr // said in words; the rest of the sign-out goes on
	}
	access := secret.New(token.AccessToken)
	for _, connection := range slices.Sorted(maps.Keys(used)) {
		s.connection = connection
		id := used[connection].ID
		if id == "" {
			all, err := s.accounts(ctx, connection, access)
			switch {
			case err == nil && len(all) == 0:
				continue
			case err == nil && len(all) == 1:
				id = all[0].ID
			case err == nil:
				out.Left = append(out.Left, fmt.Sprintf("%d accounts are connected at %s and linkmail did not connect them: %s.", len(all), connection, where))
				continue
			}
		}
		if id != "" {
			err = s.disconnect(ctx, id, access)
		}
		if err != nil && !errors.Is(err, errGone) || id == "" {
			out.Left = append(out.Left, "The account connected at "+connection+" could not be removed from Auth0's Token Vault: "+where+".")
			continue
		}
		out.Done = append(out.Done, "The account connected at "+connection+" was removed from Auth0's Token Vault.")
		if connection == googleConnection {
			out.Left = append(out.Left, "Google still lists the access of your Auth0 application: remove it at https://myaccount.google.com/connections.")
		}
	}
	return nil
}

// forgetAll removes every record of the account, and what the connector keeps
// of a step that nobody has finished.
func (s *pass) forgetAll(ctx context.Context) error {
	begun, ok, err := auth.LoadRecord[loginRecord](ctx, s.p.cfg.Store, s.loginKey())
	if err != nil {
		return err
	}
	if ok && begun.Attempt != "" {
		auth.Finish(ctx, s.p.cfg.Connector, s.loginRequest(begun))
	}
	keys := []string{s.loginKey(), s.refreshKey()}
	for scope, connection := range s.p.cfg.Connections {
		keys = append(keys, s.connectKey(connection), s.tokenKey(connection, scope), s.vaultKey(connection))
		begun, ok, err := auth.LoadRecord[connectRecord](ctx, s.p.cfg.Store, s.connectKey(connection))
		if err != nil {
			return err
		}
		if ok {
			auth.FinishRedirect(ctx, s.p.cfg.Connector, s.trip(begun))
		}
	}
	return auth.RemoveRecords(ctx, s.p.cfg.Store, keys...)
}
