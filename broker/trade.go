package broker

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"linkmail/broker/wire"
)

// maxRefusal bounds what is passed on of a provider's refusal, in bytes.
const maxRefusal = 8 << 10

// trade is one request that takes the client's secret.
type trade struct {
	provider, publicKey string
	refreshToken        quietText
	// tokenName is the parameter of the token endpoint for refreshToken, params
	// are the others.
	tokenName string
	params    [][2]string
	// audience and connection are what it asks for of the operator's lists.
	audience, connection string
	// ends says that it revokes the token, and brings none.
	ends bool
}

func (t *trade) add(name, value string) { t.params = append(t.params, [2]string{name, value}) }

// form is what the token endpoint is sent. The caller clears it.
func (t *trade) form() *form {
	f := new(form)
	for _, param := range t.params {
		put(f, param[0], param[1])
	}
	put(f, t.tokenName, t.refreshToken)
	return f
}

// trade admits the agent, reads what it wants with read, and answers with
// sealed tokens. Nothing of it reaches the store or the log.
func (b *Broker) trade(w http.ResponseWriter, r *http.Request, what string, read func() (trade, error)) error {
	key, err := b.admit(r, ScopeRefresh)
	if err != nil {
		return err
	}
	if err := b.charge(r, key, "tokens", refreshesPerMinute, "Too many tokens were asked for. Wait a moment."); err != nil {
		return err
	}
	t, err := read()
	defer t.refreshToken.clear()
	if err != nil {
		return err
	}
	pub, err := parseKey(t.publicKey)
	if err != nil {
		return err
	}
	if len(t.refreshToken) == 0 || len(t.refreshToken) > maxRefreshToken || !visible(t.refreshToken) {
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
	tokens, refusal := "", "" // envelopes
	err = b.perform(ctx, p, &t, func(answer []byte) (err error) {
		if tokens, err = wire.Seal(pub, answer); err != nil {
			return errTokenSeal
		}
		return nil
	}, func(status int, answer []byte) {
		if len(answer) > maxRefusal {
			return // the code alone has to do
		}
		said := sealable(status, answer)
		defer clear(said)
		refusal, _ = wire.Seal(pub, said) // likewise
	})
	b.audit.traded(what, key, p.name, err)
	switch {
	case err != nil:
		return tradeRefused(err, refusal)
	case t.ends:
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	return writeJSON(w, http.StatusOK, wire.Tokens{Ciphertext: tokens, Algorithm: wire.Algorithm})
}

// Reasons why a provider was not asked. Each is a word for the log.
var (
	errAudience   = errors.New("audience not on the list")
	errConnection = errors.New("connection not on the list")
)

// perform sends t to its provider. What the operator's lists lack is not asked
// for: otherwise an agent with a refresh token could have any token that the
// broker's client may have.
func (b *Broker) perform(ctx context.Context, p *provider, t *trade, keep func(answer []byte) error, refused hearer) error {
	if t.ends {
		at, err := p.revocation(ctx, b.egress, b.now())
		if err != nil {
			return err
		}
		return b.revoke(ctx, p, at, t.refreshToken, refused)
	}
	at, err := p.endpoints(ctx, b.egress, b.now())
	switch {
	case err != nil:
		return errProvider
	case t.audience != "" && !p.lets(t.audience, at):
		return errAudience
	case t.connection != "" && !p.connects(t.connection):
		return errConnection
	}
	f := t.form()
	defer f.clear()
	return b.grant(ctx, p, at, f, keep, refused)
}

// sealable is a [wire.Refusal] in memory of its own, which the caller clears.
// The answer is JSON already.
func sealable(status int, answer []byte) []byte {
	head := fmt.Sprintf(`{"status":%d,"answer":`, status)
	text := append(make([]byte, 0, len(head)+len(answer)+len(`}`)), head...)
	return append(append(text, answer...), '}')
}

// tradeRefused is the answer for an agent whose request came to nothing. A
// refusal of this very token is the agent's to deal with; what the provider has
// against the broker's own client is the operator's. Either way the agent gets
// the provider's words, in an envelope: they tell which setting is wrong.
func tradeRefused(err error, refusal string) *problem {
	refused, ok := errors.AsType[*grantError](err)
	p := newProblem(http.StatusBadRequest, "OAuth Grant Refused", "The OAuth provider refused the grant.")
	switch {
	case errors.Is(err, errAudience):
		return newProblem(http.StatusForbidden, "Audience Not Allowed", "This broker does not let agents ask for that audience.")
	case errors.Is(err, errConnection):
		return newProblem(http.StatusForbidden, "Connection Not Allowed", "This broker does not let agents ask for that connection.")
	case errors.Is(err, errNoRevocation), errors.Is(err, errRevocationOff):
		return newProblem(http.StatusBadRequest, "OAuth Provider Error", "There is no endpoint of the OAuth provider at which this broker ends tokens.")
	case !ok:
		return badProvider()
	}
	switch refused.code {
	case "invalid_client", "unauthorized_client", "unsupported_grant_type":
		p = newProblem(http.StatusBadGateway, "Bad Gateway", "The OAuth provider does not let this broker do that. Its operator has to look.")
	case "temporarily_unavailable", "server_error", "slow_down":
		return badProvider()
	default:
		p.Problem.Error = refused.code
	}
	p.Refusal = refusal
	return p
}

func badProvider() *problem {
	return newProblem(http.StatusBadGateway, "Bad Gateway", "The OAuth provider gave no usable answer.").with("Retry-After", "5")
}

// visible reports whether s is visible ASCII, which the empty text is.
func visible[T ~string | ~[]byte](s T) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return true
}
