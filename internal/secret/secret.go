// Package secret holds text that cannot be printed.
//
// A [Text] carries a token, a key or a password through the program. No
// formatting verb, JSON encoder, logger or error message shows what is inside,
// wherever the Text is stored; only [Text.Reveal] does, so a search for
// "Reveal" lists every place where a secret leaves its wrapper.
package secret

import (
	"crypto/sha256"
	"crypto/subtle"
)

const redacted = "[redacted]"

// Text is a secret string. The zero value is the empty secret.
//
// The string sits behind a pointer because fmt prints the content of
// unexported string fields without asking the type, but only the address of a
// pointer.
type Text struct{ p *string }

// New wraps s.
func New(s string) Text {
	if s == "" {
		return Text{}
	}
	return Text{p: &s}
}

// Reveal returns the secret itself.
func (t Text) Reveal() string {
	if t.p == nil {
		return ""
	}
	return *t.p
}

// IsZero reports whether the secret is empty.
func (t Text) IsZero() bool { return t.p == nil }

// Equal compares two secrets in constant time, whatever their lengths.
func (t Text) Equal(u Text) bool {
	a, b := sha256.Sum256([]byte(t.Reveal())), sha256.Sum256([]byte(u.Reveal()))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// String returns a placeholder.
func (Text) String() string { return redacted }

// GoString returns a placeholder.
func (Text) GoString() string { return redacted }

// MarshalText returns a placeholder, so no encoder writes the secret.
func (Text) MarshalText() ([]byte, error) { return []byte(redacted), nil }
