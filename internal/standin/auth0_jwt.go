package standin

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/big"
	"slices"
	"strings"
	"sync"
	"time"
)

// keyID names the one signing key.
const keyID = "stand-in-1"

// signingKey is made at first use, because making it takes longer than
// everything else that a World needs. Tenants of one process share it; they
// differ by issuer.
var signingKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err) // the system has no randomness
	}
	return key
})

// keySet is the public key as a JSON Web Key Set (RFC 7517).
func keySet() map[string]any {
	pub := signingKey().PublicKey
	b64 := base64.RawURLEncoding.EncodeToString
	return map[string]any{"keys": []map[string]string{{
		"kty": "RSA", "use": "sig", "alg": "RS256", "kid": keyID,
		"n": b64(pub.N.Bytes()), "e": b64(big.NewInt(int64(pub.E)).Bytes()),
	}}}
}

// signJWT makes a JWT signed with RS256 (RFC 7519, RFC 7518 section 3.3).
func signJWT(claims map[string]any) string {
	payload, err := json.Marshal(claims)
	if err != nil {
		panic(err) // claims are strings, numbers and lists of strings
	}
	b64 := base64.RawURLEncoding.EncodeToString
	signed := b64([]byte(`{"alg":"RS256","typ":"JWT","kid":"`+keyID+`"}`)) + "." + b64(payload)
	sum := sha256.Sum256([]byte(signed))
	sig, err := rsa.SignPKCS1v15(nil, signingKey(), crypto.SHA256, sum[:])
	if err != nil {
		panic(err) // a 2048-bit key signs a SHA-256 digest
	}
	return signed + "." + b64(sig)
}

// tokenClaims is what the tenant reads back from its own access tokens.
type tokenClaims struct {
	Subject  string        `json:"sub"`
	Audience audienceClaim `json:"aud"`
	Client   string        `json:"azp"`
	Scope    string        `json:"scope"`
	Expires  int64         `json:"exp"`
}

// audienceClaim is the aud claim, which is a string or a list of them.
type audienceClaim []string

func (a *audienceClaim) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*a = audienceClaim{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(a))
}

// verifyJWT reads an access token that this tenant signed for itself: aud is one
// of its own addresses, which makes it the issuer too.
func verifyJWT(token, aud string, now time.Time) (tokenClaims, error) {
	var c tokenClaims
	dot := strings.LastIndexByte(token, '.')
	if dot < 0 || strings.Count(token, ".") != 2 {
		return c, errors.New("not a JWT")
	}
	sig, err := base64.RawURLEncoding.DecodeString(token[dot+1:])
	if err != nil {
		return c, errors.New("signature is not base64url")
	}
	sum := sha256.Sum256([]byte(token[:dot]))
	if err := rsa.VerifyPKCS1v15(&signingKey().PublicKey, crypto.SHA256, sum[:], sig); err != nil {
		return c, errors.New("signature does not verify")
	}
	_, payload, _ := strings.Cut(token[:dot], ".")
	raw, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil {
		return c, errors.New("payload is not base64url")
	}
	if err := json.Unmarshal(raw, &c); err != nil {
		return c, errors.New("payload is not a JSON object")
	}
	switch {
	case !slices.Contains(c.Audience, aud):
		return c, errors.New("wrong audience")
	case now.Unix() >= c.Expires:
		return c, errors.New("expired")
	}
	return c, nil
}
