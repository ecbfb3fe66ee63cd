package broker

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"linkmail/internal/secret"
)

// SealKeySize is the size of the key of a [Sealer] in bytes: AES-256.
const SealKeySize = 32

// sealFormat is the first byte of everything sealed.
const sealFormat = 1

// errSealed says that sealed bytes are not what this key sealed for this
// session: damaged, swapped, or of another key.
var errSealed = errors.New("broker: sealed session does not open")

// Sealer turns sessions into bytes that say nothing without its key, for a
// [Store] that keeps them outside the process. A session is sealed with
// AES-256-GCM under a random nonce and bound to its ID, so that whoever can
// write to the database cannot give one agent the envelope of another. What a
// store looks sessions up by is an HMAC-SHA-256 of the [Digest]: a code has 50
// bits, so a bare digest of it could be turned back by trying.
//
// A Sealer is safe for concurrent use. It is good for 2^32 sealings under one
// key, see NIST SP 800-38D section 8.3; sessions last minutes, so a new key
// costs nobody more than a new link.
type Sealer struct {
	aead  cipher.AEAD
	index []byte // HMAC key
}

// NewSealer reads a key: the base64 of 32 random bytes, in the alphabet of RFC
// 4648 section 4 or 5, padded or not. The error says nothing of the text.
func NewSealer(key secret.Text) (*Sealer, error) {
	text := strings.TrimRight(strings.TrimSpace(key.Reveal()), "=")
	raw, err := base64.RawStdEncoding.DecodeString(strings.NewReplacer("-", "+", "_", "/").Replace(text))
	if err != nil || len(raw) != SealKeySize {
		return nil, fmt.Errorf("broker: the key is not the base64 of %d bytes", SealKeySize)
	}
	block, err := aes.NewCipher(derive(raw, "seal"))
	if err != nil {
		return nil, fmt.Errorf("broker: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("broker: %w", err)
	}
	return &Sealer{aead: aead, index: derive(raw, "index")}, nil
}

// NewSealKey makes a random key for [NewSealer].
func NewSealKey() secret.Text {
	raw := make([]byte, SealKeySize)
	_, _ = rand.Read(raw) // never fails: crypto/rand ends the process instead
	return secret.New(base64.StdEncoding.EncodeToString(raw))
}

// derive gives each use of the key one of its own.
func derive(key []byte, purpose string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("linkmail broker " + purpose))
	return mac.Sum(nil)
}

// Seal encodes and seals a session.
func (s *Sealer) Seal(session Session) ([]byte, error) {
	plain, err := encodeSession(&session)
	if err != nil {
		return nil, fmt.Errorf("broker: encode session: %w", err)
	}
	out := make([]byte, 1+s.aead.NonceSize(), 1+s.aead.NonceSize()+len(plain)+s.aead.Overhead())
	out[0] = sealFormat
	nonce := out[1:]
	_, _ = rand.Read(nonce) // never fails
	defer clear(plain)
	id := s.indexOf(indexID, []byte(session.ID))
	return s.aead.Seal(out, nonce, plain, id[:]), nil //nolint:gosec // G407 takes the slice for a constant; it is random
}

// Open opens a sealed session and checks that it is the one whose ID has this
// index. Failure is final: the bytes were damaged, swapped or sealed with
// another key.
func (s *Sealer) Open(id Index, sealed []byte) (Session, error) {
	head := 1 + s.aead.NonceSize()
	if len(sealed) < head || sealed[0] != sealFormat {
		return Session{}, errSealed
	}
	plain, err := s.aead.Open(nil, sealed[1:head], sealed[head:], id[:])
	if err != nil {
		return Session{}, errSealed
	}
	defer clear(plain)
	session, err := decodeSession(plain)
	if err != nil {
		return Session{}, fmt.Errorf("broker: %w", err)
	}
	return session, nil
}

// Names of what a session is found by, see [Sealer.Index].
const (
	indexID    = "id"
	indexCode  = "code"
	indexState = "state"
)

// Index is what a store finds a session by.
type Index [sha256.Size]byte

// Index returns the index of the field that ref names, and false if ref names
// none.
func (s *Sealer) Index(ref Ref) (Index, bool) {
	switch {
	case ref.ID != "":
		return s.indexOf(indexID, []byte(ref.ID)), true
	case ref.Code != Digest{}:
		return s.indexOf(indexCode, ref.Code[:]), true
	case ref.State != Digest{}:
		return s.indexOf(indexState, ref.State[:]), true
	}
	return Index{}, false
}

// Name returns the index of a name that is counted by, see [Limits].
func (s *Sealer) Name(name Digest) Index { return s.indexOf("name", name[:]) }

// KeyID tells keys apart and says nothing about the key.
func (s *Sealer) KeyID() Index { return s.indexOf("key", nil) }

func (s *Sealer) indexOf(kind string, value []byte) Index {
	mac := hmac.New(sha256.New, s.index)
	mac.Write([]byte(kind + "\x00"))
	mac.Write(value)
	return Index(mac.Sum(nil))
}
