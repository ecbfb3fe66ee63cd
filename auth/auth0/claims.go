package auth0

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
)

// errOpaque says that a token is no JWT that we can read.
var errOpaque = errors.New("auth0: the token is not a readable JWT")

// claims is what linkmail needs to know of an access token that was issued to
// it (RFC 9068). The signature is the receiving API's business.
type claims struct {
	audience []string
	scopes   []string
}

// readClaims decodes the payload of a compact JWT (RFC 7519).
func readClaims(token string) (claims, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 || len(token) > answerLimit {
		return claims{}, errOpaque
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return claims{}, errOpaque
	}
	var in struct {
		Audience json.RawMessage `json:"aud"`
		Scope    json.RawMessage `json:"scope"`
	}
	if err := json.Unmarshal(payload, &in); err != nil {
		return claims{}, errOpaque
	}
	var out claims
	// "aud" is one string or a list of them.
	var one string
	if json.Unmarshal(in.Audience, &one) == nil {
		out.audience = []string{one}
	} else if json.Unmarshal(in.Audience, &out.audience) != nil {
		out.audience = nil
	}
	var scope string
	if json.Unmarshal(in.Scope, &scope) == nil {
		out.scopes = splitScopes(scope)
	}
	return out, nil
}

// splitScopes splits a scope string; most providers separate by space, some by comma.
func splitScopes(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == ',' })
}
