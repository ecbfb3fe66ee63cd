package auth0

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"linkmail/auth"
	"linkmail/internal/secret"
)

// early is how long before its expiry a token counts as expired, so that a
// request never leaves with a token that dies on the way.
const early = time.Minute

// unknownLife is how long a service token without expires_in is kept.
const unknownLife = 5 * time.Minute

// The records are sealed by the store, so their fields are plain strings.
type (
	// loginRecord is a login that has begun. Attempt makes its request to the
	// connector unique, so that an old result never answers a new login.
	loginRecord struct {
		Attempt string `json:"attempt"`
	}
	// refreshRecord is the Auth0 refresh token.
	refreshRecord struct {
		Token    string    `json:"token"`
		Obtained time.Time `json:"obtained"`
		Email    string    `json:"email,omitempty"`
	}
	// connectRecord is a consent that has begun: what it takes to ask the
	// connector for the same trip again, and to complete it afterwards.
	connectRecord struct {
		Attempt     string    `json:"attempt"`
		AuthSession string    `json:"auth_session"`
		URL         string    `json:"url"`
		State       string    `json:"state"`
		Verifier    string    `json:"verifier"`
		RedirectURI string    `json:"redirect_uri"`
		Scopes      []string  `json:"scopes"`
		Deadline    time.Time `json:"deadline"`
		// Access is the My Account token that began it. Completing with the
		// same one leaves no doubt that it is the same user.
		Access       string    `json:"access"`
		AccessExpiry time.Time `json:"access_expiry"`
	}
	// tokenRecord is a service token.
	tokenRecord struct {
		Token  string    `json:"token"`
		Type   string    `json:"type"`
		Expiry time.Time `json:"expiry"`
		Scopes []string  `json:"scopes,omitempty"`
	}
)

// keys returns the prefix of everything stored for one account. Tenant,
// application and user are in it, and the user cannot forge another's, because
// every part is escaped. A configured refresh token is an account of its own:
// exchanging it for another must not answer with the tokens of the one before.
func (p *Provider) keys(who auth.Principal) string {
	account := "user-" + url.PathEscape(who.Subject)
	if !p.cfg.RefreshToken.IsZero() {
		account = "configured-" + digest(p.cfg.RefreshToken.Reveal())
	}
	if p.cfg.Account != "" {
		account += "-as-" + digest(strings.ToLower(p.cfg.Account))
	}
	return "auth0/" + digest(p.base) + "/" + url.PathEscape(p.cfg.ClientID) + "/" + account + "/"
}

// digest returns 128 bits of the SHA-256 of s in hex.
func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:16])
}

// cached returns the service token that is still good, or nil.
func (p *Provider) cached(ctx context.Context, key string) (*oauth2.Token, error) {
	record, ok, err := auth.LoadRecord[tokenRecord](ctx, p.cfg.Store, key)
	if err != nil || !ok || record.Token == "" || !p.cfg.Now().Before(record.Expiry.Add(-early)) {
		return nil, err
	}
	return &oauth2.Token{AccessToken: record.Token, TokenType: record.Type, Expiry: record.Expiry}, nil
}

// keep stores a service token for as long as it may be handed out.
func (p *Provider) keep(ctx context.Context, key string, token *oauth2.Token, scopes []string) error {
	ttl := token.Expiry.Sub(p.cfg.Now()) - early
	if ttl <= 0 {
		return auth.RemoveRecords(ctx, p.cfg.Store, key)
	}
	return auth.SaveRecord(ctx, p.cfg.Store, key, tokenRecord{
		Token: token.AccessToken, Type: token.TokenType, Expiry: token.Expiry, Scopes: scopes,
	}, ttl)
}

// rejects reports whether req names token as refused.
func rejects(req auth.Request, token *oauth2.Token) bool {
	return !req.Rejected.IsZero() && req.Rejected.Equal(secret.New(token.AccessToken))
}
