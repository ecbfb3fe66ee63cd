package google

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"linkmail/auth"
	"linkmail/internal/secret"
)

// The records are sealed by the store, so their fields are plain strings.
type (
	// loginRecord is a login that has begun.
	loginRecord struct {
		Attempt string   `json:"attempt"`
		Scopes  []string `json:"scopes"`
		Why     string   `json:"why,omitempty"`
		Hint    string   `json:"hint,omitempty"`
	}
	// grantRecord is what the person has granted. Token is the refresh token,
	// empty where nothing could renew anything with it.
	grantRecord struct {
		Token    string    `json:"token,omitempty"`
		Account  string    `json:"account,omitempty"`
		Scopes   []string  `json:"scopes"`
		Asked    []string  `json:"asked"`
		Obtained time.Time `json:"obtained"`
	}
	// tokenRecord is the access token, which is good for all that was granted.
	tokenRecord struct {
		Token  string    `json:"token"`
		Expiry time.Time `json:"expiry"`
		Scopes []string  `json:"scopes"`
	}
)

// keys returns the prefix of everything stored for one account.
func (p *Provider) keys(who auth.Principal) string {
	client := p.cfg.OAuthProvider + "|" + p.cfg.ClientID + "|" + p.cfg.Connector.CallbackURL() + "|" + p.cfg.TokenURL
	return "google/" + digest(client) + "/user-" + url.PathEscape(who.Subject) + "/" + digest(strings.ToLower(p.cfg.Account)) + "/"
}

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:16])
}

// Status implements [auth.Keeper].
func (p *Provider) Status(ctx context.Context, who auth.Principal) (auth.Status, error) {
	s := &pass{p: p, keys: p.keys(who)}
	kept, signedIn, err := auth.LoadRecord[grantRecord](ctx, p.cfg.Store, s.grantKey())
	if err != nil {
		return auth.Status{}, err
	}
	begun, waiting, err := auth.LoadRecord[loginRecord](ctx, p.cfg.Store, s.loginKey())
	if err != nil {
		return auth.Status{}, err
	}
	token, cached, err := auth.LoadRecord[tokenRecord](ctx, p.cfg.Store, s.tokenKey())
	if err != nil {
		return auth.Status{}, err
	}
	out := auth.Status{SignedIn: signedIn && (kept.Token != "" || cached), Account: kept.Account, Since: kept.Obtained, Waiting: waiting}
	for _, scope := range slices.Sorted(maps.Keys(p.cfg.Scopes)) {
		wanted := p.cfg.Scopes[scope]
		asked := signedIn && len(missing(wanted, kept.Asked)) == 0
		pending := waiting && len(missing(wanted, begun.Scopes)) == 0
		if scope == "google" && kept.Account == "" || !asked && !pending {
			continue
		}
		service := auth.Service{Scope: scope, Waiting: pending, Missing: missing(wanted, kept.Scopes)}
		for _, have := range kept.Scopes {
			if len(missing([]string{have}, wanted)) == 0 {
				service.Granted = append(service.Granted, have)
			}
		}
		if !asked {
			service.Missing = nil
		}
		if cached && len(missing(wanted, token.Scopes)) == 0 {
			service.Until = token.Expiry
		}
		out.Services = append(out.Services, service)
	}
	return out, nil
}

// SignOut implements [auth.Keeper]: Google ends the grant, with every service
// that it covers, and it is forgotten here.
func (p *Provider) SignOut(ctx context.Context, who auth.Principal) (auth.SignedOut, error) {
	var out auth.SignedOut
	s := &pass{p: p, keys: p.keys(who), req: auth.Request{Principal: who}}
	unlock, err := p.cfg.Store.Lock(ctx, s.keys+"lock")
	if err != nil {
		return out, auth.CacheFailure(ctx, "lock", err)
	}
	defer unlock()
	kept, signedIn, err := auth.LoadRecord[grantRecord](ctx, p.cfg.Store, s.grantKey())
	if err != nil {
		return out, err
	}
	token, cached, err := auth.LoadRecord[tokenRecord](ctx, p.cfg.Store, s.tokenKey())
	if err != nil {
		return out, err
	}
	if revoked := firstText(kept.Token, token.Token); revoked != "" {
		err := p.revoke(ctx, secret.New(revoked))
		refusal, refused := errors.AsType[*auth.EndpointError](err)
		switch {
		case err == nil:
			out.Done = append(out.Done, "Google has ended linkmail's access to the account.")
		case refused && refusal.Code == "invalid_token":
			out.Done = append(out.Done, "Google had ended linkmail's access before.")
		default:
			out.Left = append(out.Left, "Google could not be told: remove linkmail's access at https://myaccount.google.com/connections.")
		}
	}
	if begun, ok, err := auth.LoadRecord[loginRecord](ctx, p.cfg.Store, s.loginKey()); err == nil && ok {
		auth.Finish(ctx, p.cfg.Connector, s.loginRequest(begun))
	}
	if err := auth.RemoveRecords(ctx, p.cfg.Store, s.loginKey(), s.tokenKey(), s.grantKey()); err != nil {
		return out, err
	}
	if signedIn || cached {
		out.Done = append(out.Done, "The sign-in is forgotten on this machine.")
	}
	return out, nil
}
