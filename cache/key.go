package cache

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"linkmail/internal/secret"
)

// KeySize is the size of a [Key] in bytes: AES-256.
const KeySize = 32

// Key seals the entries of a [File]. The zero value is no key.
type Key struct{ raw secret.Text }

var (
	errNoKey     = errors.New("no key was given")
	errKeyBase64 = errors.New("it is not base64")
)

// NewKey makes a random key.
func NewKey() (Key, error) {
	raw := make([]byte, KeySize)
	if _, err := rand.Read(raw); err != nil {
		return Key{}, fmt.Errorf("cache: new key: %w", err)
	}
	return Key{raw: secret.New(string(raw))}, nil
}

// ParseKey reads a key from the base64 of 32 bytes, in the alphabet of RFC
// 4648 section 4 or 5, padded or not, with white space around it. The error
// says what is wrong and nothing of the text.
func ParseKey(text secret.Text) (Key, error) {
	// The errors of package base64 name the offset of the bad byte, not the
	// byte; still nothing of them is passed on.
	clean := strings.TrimRight(strings.TrimSpace(text.Reveal()), "=")
	clean = strings.NewReplacer("-", "+", "_", "/").Replace(clean)
	raw, err := base64.RawStdEncoding.DecodeString(clean)
	if err != nil {
		return Key{}, errKeyBase64
	}
	if len(raw) != KeySize {
		return Key{}, fmt.Errorf("it is the base64 of %d bytes, not of %d", len(raw), KeySize)
	}
	return Key{raw: secret.New(string(raw))}, nil
}

// Text returns the key in the form that [ParseKey] reads.
func (k Key) Text() secret.Text {
	if k.IsZero() {
		return secret.Text{}
	}
	return secret.New(base64.StdEncoding.EncodeToString([]byte(k.raw.Reveal())))
}

// IsZero reports whether there is no key.
func (k Key) IsZero() bool { return k.raw.IsZero() }

// Equal compares two keys in constant time.
func (k Key) Equal(other Key) bool { return k.raw.Equal(other.raw) }

// String returns a placeholder.
func (k Key) String() string { return k.raw.String() }

const keyIDSize = 8

// keyID tells keys apart in the header of a file. It says nothing about the
// key.
type keyID [keyIDSize]byte

// id hashes the key together with a purpose of its own, so that the result is
// of no use anywhere else.
func (k Key) id() keyID {
	sum := sha256.Sum256([]byte("linkmail cache key id\x00" + k.raw.Reveal()))
	return keyID(sum[:keyIDSize])
}
