package auth0_test

import (
	"strings"
	"testing"

	"linkmail/auth/auth0"
)

// FuzzClaims reads tokens that nobody signed. What is read never holds more
// than what was in the token, and scopes are single words.
func FuzzClaims(f *testing.F) {
	for _, seed := range []map[string]any{
		{"aud": "https://t.example/me/", "scope": "openid create:me:connected_accounts"},
		{"aud": []string{"a", "b"}, "scope": "a,b"},
		{"aud": 1, "scope": []string{"x"}},
		{"aud": nil},
		{},
	} {
		f.Add(unsigned(seed))
	}
	f.Add("a.b.c")
	f.Add("..")
	f.Add("v1.opaque")
	f.Fuzz(func(t *testing.T, token string) {
		audience, scopes, err := auth0.Claims(token)
		if err != nil && (audience != nil || scopes != nil) {
			t.Error("claims came with an error")
		}
		total := 0
		for _, s := range append(audience, scopes...) {
			total += len(s)
		}
		if total > 3*len(token) {
			t.Errorf("%d bytes of claims from a token of %d", total, len(token))
		}
		for _, s := range scopes {
			if s == "" || strings.ContainsAny(s, " ,") {
				t.Errorf("scope %q is not one word", s)
			}
		}
	})
}
