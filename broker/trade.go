package broker

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"unicode"

	"linkmail/broker/wire"
)

// maxRefusal bounds what is passed on of a provider's refusal, in bytes.
const maxRefusal = 8 << 10

// trade is one request that takes the client's secret.
type trade struct {
	provider, refreshToken, publicKey string
	audience, connection              string // what of the lists it asks for
	ends                              bool   // it revokes, and brings no tokens
	form                              url.Values
}

// sealer encrypts to the key of one request.
type sealer func(plaintext []byte) (envelope string, err error)

// trade admits the agent, reads what it wants with read, and answers with
// sealed tokens. Nothing of it reaches the store or the log.
func (b *Broker) trade(w http.ResponseWriter, r *http.Request, what string, read func() (trade, error)) error {
	key, err := b.admit(r, ScopeRefresh)
	if err != nil {
		return err
	}
	if wait, ok := b.refreshes.allow(b.buckets(r, key)...); !ok {
		return tooMany(wait, "Too many tokens were asked for. Wait a moment.")
	}
	t, err := read()
	if err != nil {
		return err
	}
	pub, err := parseKey(t.publicKey)
	if err != nil {
		return err
	}
	seal := func(plaintext []byte) (string, error) {
		defer clear(plaintext)
		return wire.Seal(pub, plaintext)
	}
	if t.refreshToken == "" || len(t.refreshToken) > maxRefreshToken || !visible(t.refreshToken) {
		return invalid(fault("refresh_token", "is missing, too long or has characters that are not visible ASCII"))
	}
	p, ok := b.providers[t.provider]
	if !ok {
		return newProblem(http.StatusBadRequest, "OAuth Provider Error", "The OAuth provider is not configured at this broker.")
	}
	// From here the refresh token may be used up: what replaces it is not to
	// be lost because a connection was.
	ctx, stop := detached(r.Context())
	defer stop()
	at, err := p.endpoints(ctx, b.egress, b.now())
	if err != nil {
		b.audit.traded(what, key, p.name, errProvider)
		return badProvider()
	}
	if refused := p.refuses(t, at); refused != nil {
		b.audit.traded(what, key, p.name, errUnlisted)
		return refused
	}
	envelope, err := b.perform(ctx, p, at, t, seal)
	b.audit.traded(what, key, p.name, err)
	switch {
	case err != nil:
		return tradeRefused(err, seal)
	case t.ends:
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	return writeJSON(w, http.StatusOK, wire.Tokens{Ciphertext: envelope, Algorithm: wire.Algorithm})
}

// errUnlisted says that an agent asked for what the operator's lists lack.
var errUnlisted = errors.New("not on the list")

// refuses holds t against the operator's lists. Without them an agent with a
// refresh token could have any token that the broker's client may have.
func (p *provider) refuses(t trade, at endpoints) *problem {
	switch {
	case t.audience != "" && !p.lets(t.audience, at):
		return newProblem(http.StatusForbidden, "Audience Not Allowed", "This broker does not let agents ask for that audience.")
	case t.connection != "" && !p.connects(t.connection):
		return newProblem(http.StatusForbidden, "Connection Not Allowed", "This broker does not let agents ask for that connection.")
	case t.ends && at.revoke == nil:
		return newProblem(http.StatusBadRequest, "OAuth Provider Error", "The OAuth provider names no endpoint that ends tokens.")
	}
	return nil
}

// perform sends t to the provider and returns the sealed tokens, if it is about
// tokens.
func (b *Broker) perform(ctx context.Context, p *provider, at endpoints, t trade, seal sealer) (string, error) {
	if !t.ends {
		return b.grant(ctx, p, at, t.form, seal)
	}
	client := p.identify(at, t.form)
	buf := make([]byte, maxRefusal)
	_, status, n, err := b.egress.postForm(ctx, at.revoke, client, t.form, buf)
	switch {
	case err != nil, status >= 500, status == http.StatusTooManyRequests:
		return "", errTokenEndpoint
	}
	if refused := refusal(status, buf[:n]); refused != nil {
		return "", refused
	}
	if status/100 != 2 {
		return "", errTokenStatus
	}
	return "", nil
}

// tradeRefused is the answer for an agent whose request the provider refused. A
// refusal of this very token is the agent's to deal with; what the provider has
// against the broker's own client is the operator's. Either way the agent gets
// the provider's words, in an envelope: they tell which setting is wrong.
func tradeRefused(err error, seal sealer) *problem {
	refused, ok := errors.AsType[*grantError](err)
	if !ok {
		return badProvider()
	}
	p := newProblem(http.StatusBadRequest, "OAuth Grant Refused", "The OAuth provider refused the grant.")
	switch refused.code {
	case "invalid_client", "unauthorized_client", "unsupported_grant_type":
		p = newProblem(http.StatusBadGateway, "Bad Gateway", "The OAuth provider does not let this broker do that. Its operator has to look.")
	case "temporarily_unavailable", "server_error", "slow_down":
		return badProvider()
	default:
		p.Problem.Error = refused.code
	}
	if len(refused.answer) > maxRefusal {
		return p
	}
	said, err := json.Marshal(wire.Refusal{Status: refused.status, Answer: refused.answer})
	if err == nil {
		p.Refusal, err = seal(said)
	}
	if err != nil {
		p.Refusal = "" // the code alone has to do
	}
	return p
}

func badProvider() *problem {
	return newProblem(http.StatusBadGateway, "Bad Gateway", "The OAuth provider gave no usable answer.").with("Retry-After", "5")
}

// visible reports whether s is visible ASCII, which the empty text is.
func visible(s string) bool {
	return !strings.ContainsFunc(s, func(c rune) bool { return c <= ' ' || c > unicode.MaxASCII || c == 0x7f })
}
