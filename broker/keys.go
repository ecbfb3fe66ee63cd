package broker

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"linkmail/broker/wire"
	"linkmail/internal/secret"
)

// Scope is something that an API key may be allowed to do.
type Scope string

// The scopes. Creating and polling sessions is one, because whoever may not do
// the one has no use for the other.
const (
	ScopeSessions Scope = "sessions"
	// ScopeProxy is for POST /v1/proxy.
	ScopeProxy Scope = "proxy"
	// ScopeWebhook is for sessions that third parties may write to.
	ScopeWebhook Scope = "webhook"
	// ScopeRefresh is for POST /v1/oauth/refresh, /v1/oauth/vault and
	// /v1/oauth/revoke: for what takes the secret of the broker's own client.
	ScopeRefresh Scope = "refresh"
)

// Scopes lists all of them.
func Scopes() []Scope { return []Scope{ScopeSessions, ScopeProxy, ScopeWebhook, ScopeRefresh} }

// HashedKey is an API key of which only the hash is known.
type HashedKey struct {
	// Name is shown to the person and written to the audit log.
	Name string
	// Hash is the SHA-256 of the key.
	Hash Digest
	// Scopes is what the key may do. None is nothing.
	Scopes []Scope
	// Expires is when the key ends; zero means never.
	Expires time.Time
}

// KeySource yields API keys that may change while the broker runs.
type KeySource interface {
	// APIKeys returns the keys as they are now. It is asked for every request.
	// An error refuses all of its keys; it must not hold a key.
	APIKeys() ([]HashedKey, error)
}

// keyring knows who may do what.
type keyring struct {
	fixed  []HashedKey
	source KeySource
	// open: there were no keys when the broker began, which New allows under
	// Dev only. The first key that comes closes it for good.
	open atomic.Bool
}

// newKeyring checks the keys of the configuration. Under dev they may be ones
// that could be guessed.
func newKeyring(keys []APIKey, source KeySource, dev bool) (*keyring, error) {
	ring := &keyring{source: source}
	var faults []error
	for i, key := range keys {
		if key.Name == "" || key.Secret.IsZero() {
			faults = append(faults, fmt.Errorf("API key %d has no name or no secret", i+1))
			continue
		}
		hash := digest(key.Secret.Reveal())
		for _, known := range ring.fixed {
			if known.Name == key.Name {
				faults = append(faults, fmt.Errorf("two API keys are named %q", key.Name))
			}
			if known.Hash == hash {
				faults = append(faults, fmt.Errorf("API keys %q and %q are the same", known.Name, key.Name))
			}
		}
		if err := CheckKey(key.Secret); err != nil && !dev {
			faults = append(faults, fmt.Errorf("API key %q %w", key.Name, err))
		}
		if madeByUs.MatchString(key.Secret.Reveal()) && !checks(key.Secret.Reveal()) {
			faults = append(faults, fmt.Errorf("API key %q is mistyped: its last characters do not belong to the others", key.Name))
		}
		scopes := key.Scopes
		if len(scopes) == 0 {
			scopes = Scopes()
		}
		for _, scope := range scopes {
			if !slices.Contains(Scopes(), scope) {
				faults = append(faults, fmt.Errorf("API key %q has an unknown scope; want sessions, proxy, webhook or refresh", key.Name))
			}
		}
		ring.fixed = append(ring.fixed, HashedKey{key.Name, hash, scopes, key.Expires})
	}
	all, err := ring.all()
	if err != nil {
		faults = append(faults, err)
	}
	ring.open.Store(err == nil && len(all) == 0)
	return ring, errors.Join(faults...)
}

func (r *keyring) all() ([]HashedKey, error) {
	if r.source == nil {
		return r.fixed, nil
	}
	more, err := r.source.APIKeys()
	if err != nil {
		return nil, fmt.Errorf("API keys: %w", err)
	}
	return slices.Concat(r.fixed, more), nil
}

// find returns the key that text is. If the source fails, the keys of the
// configuration still open.
func (r *keyring) find(text string) (key HashedKey, ok bool, err error) {
	keys, err := r.all()
	if err != nil {
		keys = r.fixed
	}
	for _, known := range keys { // all of them, so that the time tells nothing
		if known.Hash.is(text) {
			key, ok = known, true
		}
	}
	return key, ok, err
}

// isOpen reports whether the broker serves everyone on its machine.
func (r *keyring) isOpen() bool {
	if !r.open.Load() {
		return false
	}
	if all, err := r.all(); err != nil || len(all) > 0 {
		r.open.Store(false)
		return false
	}
	return true
}

// admit checks the API key of a request and what it may do, and returns its
// name, which is empty when the broker has no keys.
func (b *Broker) admit(r *http.Request, scopes ...Scope) (string, error) {
	if b.keys.isOpen() {
		return "", nil
	}
	text := r.Header.Get(wire.HeaderAPIKey)
	if text == "" {
		return "", keyProblem(http.StatusUnauthorized, "API Key Required", "Send an API key as "+wire.HeaderAPIKey+".")
	}
	key, ok, err := b.keys.find(text)
	if err != nil {
		b.cfg.Log.Error().Str("cause", "key source").Msg("API keys cannot be read")
		if !ok {
			return "", unavailable("The broker cannot read its API keys.")
		}
	}
	switch {
	case !ok:
		return "", keyProblem(http.StatusForbidden, "Invalid API Key", "The API key is not known.")
	case !key.Expires.IsZero() && !b.now().Before(key.Expires):
		return "", keyProblem(http.StatusForbidden, "Invalid API Key", "The API key has ended. Ask the broker's operator for a new one.")
	}
	for _, scope := range scopes {
		if !slices.Contains(key.Scopes, scope) {
			return "", keyProblem(http.StatusForbidden, "Scope Missing", "The API key lacks the scope "+string(scope)+".")
		}
	}
	return key.Name, nil
}

func keyProblem(status int, title, detail string) *problem {
	p := newProblem(status, title, detail)
	p.Nested = true
	return p
}

// The form of the keys that we make: la_, 43 characters of base64url for 256
// random bits, and 6 for the CRC-32 of what stands before them, so that a
// scanner for leaked secrets can tell a key from what only looks like one.
const (
	keyPrefix = "la_"
	keySum    = 6
)

var madeByUs = regexp.MustCompile(`^la_[A-Za-z0-9_-]{49}$`)

// NewKey makes an API key.
func NewKey() secret.Text {
	raw := make([]byte, tokenBytes)
	_, _ = rand.Read(raw)
	text := keyPrefix + base64.RawURLEncoding.EncodeToString(raw)
	return secret.New(text + checksum(text))
}

// What a key of an operator's own has at least. It is little, so that keys of a
// broker that is replaced in place go on to work; [NewKey] makes good ones.
const (
	minKeyLength   = 8 // bytes
	minKeyDistinct = 4 // different bytes
)

// CheckKey refuses a key that could be guessed. Its error continues a sentence
// about the key and says nothing of the key itself.
func CheckKey(key secret.Text) error {
	text := key.Reveal()
	distinct := make(map[byte]bool)
	for _, c := range []byte(text) {
		distinct[c] = true
	}
	switch {
	case len(text) < minKeyLength:
		return fmt.Errorf("is too short, a key has %d characters or more", minKeyLength)
	case len(distinct) < minKeyDistinct:
		return fmt.Errorf("could be guessed, a key has %d different characters or more", minKeyDistinct)
	}
	return nil
}

// HashKey is the [HashedKey.Hash] of a key.
func HashKey(key secret.Text) Digest { return digest(key.Reveal()) }

// checks reports whether the end of a key belongs to the rest of it.
func checks(key string) bool {
	at := len(key) - keySum
	return strings.HasPrefix(key, keyPrefix) && at > 0 && checksum(key[:at]) == key[at:]
}

func checksum(text string) string {
	sum := crc32.ChecksumIEEE([]byte(text))
	return base64.RawURLEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, sum))
}
