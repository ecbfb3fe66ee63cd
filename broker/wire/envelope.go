package wire

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// MaxEnvelope is the largest envelope that [Open] looks at, in bytes.
const MaxEnvelope = 512 << 10

const (
	keySize   = 32 // AES-256
	nonceSize = 12
	tagSize   = 16
)

// ErrEnvelope says that an envelope is damaged or was not made for this key.
// The text behind it tells which member has the wrong shape; why decryption
// failed is not told.
var ErrEnvelope = errors.New("wire: envelope refused")

// Seal encrypts plaintext to pub and returns the envelope. The caller clears
// plaintext when it is done with it.
func Seal(pub *rsa.PublicKey, plaintext []byte) (string, error) {
	key := make([]byte, keySize)
	defer clear(key)
	// The key is fresh for this one message, so a random nonce cannot repeat.
	nonce := make([]byte, nonceSize)
	// crypto/rand never fails: it ends the process instead.
	_, _ = rand.Read(key)
	_, _ = rand.Read(nonce)
	gcm, err := newGCM(key)
	if err != nil {
		return "", err
	}
	wrapped, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, pub, key, nil)
	if err != nil {
		return "", fmt.Errorf("wire: seal: %w", err)
	}
	inner, err := json.Marshal(struct {
		WrappedKey []byte `json:"wrapped_key"`
		IV         []byte `json:"iv"`
		Ciphertext []byte `json:"ciphertext"`
	}{wrapped, nonce, gcm.Seal(nil, nonce, plaintext, nil)})
	if err != nil {
		return "", fmt.Errorf("wire: seal: %w", err)
	}
	return base64.StdEncoding.EncodeToString(inner), nil
}

// Open decrypts an envelope that was sealed to priv's public key. It accepts
// exactly the form that [Seal] writes, give or take white space and the order
// of the members; everything else is [ErrEnvelope].
func Open(priv *rsa.PrivateKey, envelope string) ([]byte, error) {
	m, err := parse(envelope)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrEnvelope, err)
	}
	wrapped, iv, ciphertext := m["wrapped_key"], m["iv"], m["ciphertext"]
	switch {
	case len(wrapped) != priv.Size():
		return nil, fmt.Errorf("%w: wrapped_key of %d bytes, want %d", ErrEnvelope, len(wrapped), priv.Size())
	case len(iv) != nonceSize:
		return nil, fmt.Errorf("%w: iv of %d bytes, want %d", ErrEnvelope, len(iv), nonceSize)
	case len(ciphertext) < tagSize:
		return nil, fmt.Errorf("%w: ciphertext of %d bytes is shorter than its tag", ErrEnvelope, len(ciphertext))
	}
	key, err := rsa.DecryptOAEP(sha256.New(), nil, priv, wrapped, nil)
	if err != nil || len(key) != keySize {
		return nil, fmt.Errorf("%w: not sealed to this key", ErrEnvelope)
	}
	defer clear(key)
	gcm, err := newGCM(key)
	if err != nil {
		return nil, err
	}
	plain, err := gcm.Open(nil, iv, ciphertext, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: not sealed to this key", ErrEnvelope)
	}
	return plain, nil
}

func newGCM(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("wire: %w", err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("wire: %w", err)
	}
	return gcm, nil
}

// parse takes an envelope apart. It reads the JSON by tokens, because
// json.Unmarshal would match "IV" to "iv", take the last of two and ignore a
// fourth member: an attacker's freedom, and nobody's need.
func parse(envelope string) (map[string][]byte, error) {
	if len(envelope) > MaxEnvelope {
		return nil, fmt.Errorf("longer than %d bytes", MaxEnvelope)
	}
	inner, err := decode64(envelope)
	if err != nil {
		return nil, errors.New("not standard base64")
	}
	dec := json.NewDecoder(bytes.NewReader(inner))
	if tok, err := dec.Token(); err != nil || tok != json.Delim('{') {
		return nil, errors.New("not a JSON object")
	}
	m := make(map[string][]byte, 3)
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return nil, errors.New("not a JSON object")
		}
		member, _ := name.(string)
		if _, twice := m[member]; twice || !known(member) {
			return nil, errors.New("unknown or repeated member")
		}
		value, err := dec.Token()
		text, ok := value.(string)
		if err != nil || !ok {
			return nil, fmt.Errorf("%s is not text", member)
		}
		if m[member], err = decode64(text); err != nil {
			return nil, fmt.Errorf("%s is not standard base64", member)
		}
	}
	if _, err := dec.Token(); err != nil {
		return nil, errors.New("not a JSON object")
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the JSON object")
	}
	if len(m) != 3 {
		return nil, errors.New("a member is missing")
	}
	return m, nil
}

func known(member string) bool {
	return member == "wrapped_key" || member == "iv" || member == "ciphertext"
}
