package standin

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
)

// newSeal returns the cipher for handles that callers must not look into.
func newSeal() cipher.AEAD {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails; it ends the program instead
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err) // 32 bytes are a valid key
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err)
	}
	return aead
}

// sealHandle makes an opaque handle out of v, a different one every time. pad
// more bytes make it as long as the ones that Gmail hands out.
func (g *gmailState) sealHandle(purpose string, v any, pad int) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // handles are plain structs
	}
	b = append(b, make([]byte, pad)...)
	return base64.RawURLEncoding.EncodeToString(g.seal.Seal(nil, nil, b, []byte(purpose))) //nolint:gosec // the cipher makes its own nonce
}

// openHandle reads a handle that this world made for the same purpose.
func (g *gmailState) openHandle(purpose, handle string, v any) error {
	sealed, err := base64.RawURLEncoding.DecodeString(handle)
	if err != nil {
		return err
	}
	b, err := g.seal.Open(nil, nil, sealed, []byte(purpose))
	if err != nil {
		return errors.New("not a handle of this world")
	}
	for len(b) > 0 && b[len(b)-1] == 0 {
		b = b[:len(b)-1]
	}
	return json.Unmarshal(b, v)
}
