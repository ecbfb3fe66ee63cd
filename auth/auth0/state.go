package auth0

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"linkmail/auth"
	"linkmail/cache"
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

// load reads a record and reports whether there was one. A record that cannot
// be decoded was written by another version; it counts as absent.
func load[T any](ctx context.Context, store cache.Store, key string) (T, bool, error) {
	var none T
	data, err := store.Get(ctx, key)
	if errors.Is(err, cache.ErrNotFound) {
		return none, false, nil
	}
	if err != nil {
		return none, false, cacheFailure("read", err)
	}
	record, ok := decode[T](data)
	return record, ok, nil
}

func decode[T any](data []byte) (record T, ok bool) {
	if json.Unmarshal(data, &record) != nil {
		var none T
		return none, false
	}
	return record, true
}

// save writes a record. A ttl of zero keeps it until it is deleted.
func save[T any](ctx context.Context, store cache.Store, key string, record T, ttl time.Duration) error {
	data, err := json.Marshal(record)
	if err != nil {
		return fmt.Errorf("auth0: encode a record: %w", err)
	}
	if err := store.Put(ctx, key, data, ttl); err != nil {
		return cacheFailure("write", err)
	}
	return nil
}

// remove deletes a record.
func remove(ctx context.Context, store cache.Store, key string) error {
	if err := store.Delete(ctx, key); err != nil {
		return cacheFailure("clear", err)
	}
	return nil
}

// cacheFailure reports that the store did not work.
func cacheFailure(verb string, err error) error {
	return &auth.Failure{
		Kind: auth.Unavailable, Code: "cache_failed",
		Message: "the sign-in cannot be kept: linkmail could not " + verb + " its cache",
		Hint:    "Check that LINKMAIL_CACHE_DIR is writable and not full, and that no other linkmail process is stuck.",
		Err:     err,
	}
}

// cached returns the service token that is still good, or nil.
func (p *Provider) cached(ctx context.Context, key string) (*oauth2.Token, error) {
	record, ok, err := load[tokenRecord](ctx, p.cfg.Store, key)
	if err != nil || !ok || record.Token == "" || !p.cfg.Now().Before(record.Expiry.Add(-early)) {
		return nil, err
	}
	return &oauth2.Token{AccessToken: record.Token, TokenType: record.Type, Expiry: record.Expiry}, nil
}

// keep stores a service token for as long as it may be handed out.
func (p *Provider) keep(ctx context.Context, key string, token *oauth2.Token, scopes []string) error {
	ttl := token.Expiry.Sub(p.cfg.Now()) - early
	if ttl <= 0 {
		return remove(ctx, p.cfg.Store, key)
	}
	return save(ctx, p.cfg.Store, key, tokenRecord{
		Token: token.AccessToken, Type: token.TokenType, Expiry: token.Expiry, Scopes: scopes,
	}, ttl)
}

// rejects reports whether req names token as refused.
func rejects(req auth.Request, token *oauth2.Token) bool {
	return !req.Rejected.IsZero() && req.Rejected.Equal(secret.New(token.AccessToken))
}
