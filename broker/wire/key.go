package wire

import (
	"bytes"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base32"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"strings"
)

// The policy for keys. Smaller ones can be broken, larger ones only cost the
// broker and the person's phone time.
const (
	MinKeyBits = 2048
	MaxKeyBits = 4096

	maxKeyText = 3 << 10
)

// ErrKey says that a public key is outside the policy of [ParsePublicKey].
var ErrKey = errors.New("wire: public key refused")

// ParsePublicKey reads an agent's key: standard base64 of a DER
// SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7) with an RSA key of 2048 to
// 4096 bits, an odd modulus and an odd exponent from 3 up to 2^31.
//
// It is strict because a key that encrypts to nothing is worse than none: with
// exponent 1 the "encrypted" credential can be read by everyone, and
// WebCrypto does encrypt to such keys. An encoding that is not the one Go
// would write (PKCS#1, PEM, trailing or non-minimal bytes) is refused too, so
// that two spellings of one key cannot have two fingerprints. All errors are
// [ErrKey] and repeat nothing of the input.
func ParsePublicKey(text string) (*rsa.PublicKey, error) {
	if len(text) > maxKeyText {
		return nil, refuse("longer than %d characters", maxKeyText)
	}
	der, err := decode64(text)
	if err != nil {
		return nil, refuse("not standard base64")
	}
	parsed, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, refuse("not a DER SubjectPublicKeyInfo")
	}
	pub, ok := parsed.(*rsa.PublicKey)
	if !ok {
		return nil, refuse("not an RSA key")
	}
	switch bits := pub.N.BitLen(); {
	case bits < MinKeyBits || bits > MaxKeyBits:
		return nil, refuse("modulus of %d bits, want %d to %d", bits, MinKeyBits, MaxKeyBits)
	case pub.N.Bit(0) == 0:
		return nil, refuse("even modulus")
	case pub.E < 3 || pub.E%2 == 0 || pub.E > math.MaxInt32:
		return nil, refuse("exponent is not an odd number from 3 to 2^31")
	}
	if again, err := x509.MarshalPKIXPublicKey(pub); err != nil || !bytes.Equal(again, der) {
		return nil, refuse("not in canonical DER")
	}
	return pub, nil
}

func refuse(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrKey, fmt.Sprintf(format, args...))
}

// EncodePublicKey writes pub as [ParsePublicKey] reads it.
func EncodePublicKey(pub *rsa.PublicKey) (string, error) {
	der, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return "", fmt.Errorf("wire: encode public key: %w", err)
	}
	return base64.StdEncoding.EncodeToString(der), nil
}

// Fingerprint names a key in 16 letters and digits: base32 of the first 80
// bits of the SHA-256 of its SubjectPublicKeyInfo. A person or a page can
// compare it; 80 bits withstand someone who searches for a second key with the
// same name while a session lives.
func Fingerprint(pub *rsa.PublicKey) (string, error) {
	der, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return "", fmt.Errorf("wire: fingerprint: %w", err)
	}
	sum := sha256.Sum256(der)
	return base32.StdEncoding.EncodeToString(sum[:10]), nil
}

// decode64 decodes padded standard base64 of exactly one spelling: the package
// encoding/base64 skips line breaks and, unless strict, ignores trailing bits.
func decode64(s string) ([]byte, error) {
	if strings.ContainsAny(s, "\r\n") {
		return nil, errors.New("line break in base64")
	}
	return base64.StdEncoding.Strict().DecodeString(s)
}
