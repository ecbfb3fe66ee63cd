package auth

import (
	"context"
	"fmt"
	"strings"

	"golang.org/x/oauth2"

	"linkmail/internal/secret"
)

// static is the provider of a token that somebody configured.
type static struct {
	token    secret.Text
	variable string
}

// Static returns a provider that answers every request with token. There is
// nothing behind it to renew the token, so once a service has refused it the
// answer is a [*Failure] of kind [Refused] that names variable, the setting
// that the token came from. The same goes for a text that cannot be a token
// (RFC 6750, section 2.1), for example two lines of a file.
func Static(token secret.Text, variable string) Provider {
	return static{token: token, variable: variable}
}

// Token implements [Provider].
func (s static) Token(ctx context.Context, req Request) (*oauth2.Token, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if s.token.IsZero() {
		return nil, &Failure{
			Kind: Refused, Code: "token_missing",
			Message: s.variable + " holds no access token",
			Hint:    "Put an access token into " + s.variable + ".",
		}
	}
	if strings.ContainsFunc(s.token.Reveal(), func(r rune) bool { return r <= ' ' || r > '~' }) {
		// It would fail as a header, and be taken for a failing connection.
		return nil, &Failure{
			Kind: Refused, Code: "token_malformed",
			Message: s.variable + " does not hold an access token: there is a space, a line break or another character in it that no token has",
			Hint:    "Put the access token alone into " + s.variable + ", on one line.",
		}
	}
	if !req.Rejected.IsZero() && req.Rejected.Equal(s.token) {
		return nil, &Failure{
			Kind: Refused, Code: "token_refused",
			Message: fmt.Sprintf("%s refused the access token in %s; it has expired or was revoked", req.Scope, s.variable),
			Hint:    "Put a fresh access token into " + s.variable + ".",
		}
	}
	return &oauth2.Token{AccessToken: s.token.Reveal(), TokenType: "Bearer"}, nil
}
