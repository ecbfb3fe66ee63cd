package broker

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"math"
	"strings"

	"linkmail/broker/wire"
	"linkmail/internal/secret"
)

// Digest is the SHA-256 of a secret. The secrets are random and long, so the
// digest needs neither salt nor stretching. The zero Digest matches nothing.
type Digest [sha256.Size]byte

func digest(s string) Digest { return sha256.Sum256([]byte(s)) }

// is reports in constant time whether d is the digest of s.
func (d Digest) is(s string) bool {
	other := digest(s)
	return d != Digest{} && subtle.ConstantTimeCompare(d[:], other[:]) == 1
}

// tokenBytes is the entropy of tokens, states, ids and cookies: 256 bits.
const tokenBytes = 32

// randomText returns 43 characters of base64url.
func randomText() string {
	raw := make([]byte, tokenBytes)
	_, _ = rand.Read(raw) // never fails: crypto/rand ends the process instead
	return base64.RawURLEncoding.EncodeToString(raw)
}

// randomID returns 64 hexadecimal digits, the shape of the ids that the
// LinkAuth draft derives from the code. Derived ones can be computed by
// whoever has seen the code, so ours are random.
func randomID() string {
	raw := make([]byte, tokenBytes)
	_, _ = rand.Read(raw)
	return hex.EncodeToString(raw)
}

// wellFormed reports whether s is prefix and 43 characters of base64url. It is
// asked before any comparison: a malformed or empty token never reaches one.
func wellFormed(s, prefix string) bool {
	text, ok := strings.CutPrefix(s, prefix)
	if !ok || len(text) != 43 {
		return false
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	return err == nil && len(raw) == tokenBytes && !strings.ContainsAny(text, "\r\n")
}

// codeAlphabet is Crockford's: no I, L, O, U. Its 32 symbols are 5 bits each.
const (
	codeAlphabet  = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	bitsPerSymbol = 5
)

// newCode returns a fresh code of n symbols.
func newCode(n int) string {
	raw := make([]byte, n)
	_, _ = rand.Read(raw)
	for i, c := range raw {
		raw[i] = codeAlphabet[c%32] // 256 is a multiple of 32: no bias
	}
	return string(raw)
}

// codeLength returns how many symbols a code needs while n sessions are live:
// so many that even with the least guess budget the chance to hit one of them
// in its whole life stays at 2^-32 (RFC 8628 section 5.1). It is even, because
// a code is shown in two halves.
func codeLength(n int) int {
	for length := minCodeLength; ; length += 2 {
		if guessesPerLife(length*bitsPerSymbol, n+1) >= minGuesses*windowsPerLife {
			return length
		}
	}
}

// guessesPerLife is how many guesses at codes of so many bits may be answered
// during the life of a session, while n are live.
func guessesPerLife(bits, n int) int {
	return int(math.Exp2(float64(bits-securityBits))) / max(n, 1)
}

// showCode writes a code as people read it: two halves.
func showCode(code string) string {
	half := len(code) / 2
	return code[:half] + "-" + code[half:]
}

// errCode says that text cannot be a code.
var errCode = errors.New("not a code")

// parseCode reads a code as people type it: in any case, with hyphens
// anywhere, and with O for 0 and I or L for 1. Only ASCII: Unicode has letters
// whose upper case is ASCII, and each would be a second spelling.
func parseCode(text string) (string, error) {
	if len(text) < 4 || len(text) > 32 {
		return "", errCode
	}
	var code strings.Builder
	for _, c := range []byte(text) {
		switch {
		case c == '-':
			continue
		case 'a' <= c && c <= 'z':
			c -= 'a' - 'A'
		}
		switch c {
		case 'O':
			c = '0'
		case 'I', 'L':
			c = '1'
		}
		if !strings.ContainsRune(codeAlphabet, rune(c)) {
			return "", errCode
		}
		code.WriteByte(c)
	}
	if code.Len() < 4 {
		return "", errCode
	}
	return code.String(), nil
}

// pollToken and connectToken make the two one-time tokens.
func pollToken() secret.Text    { return secret.New(wire.PollTokenPrefix + randomText()) }
func connectToken() secret.Text { return secret.New(wire.ConnectTokenPrefix + randomText()) }
