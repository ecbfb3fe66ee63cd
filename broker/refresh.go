package broker

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"linkmail/broker/wire"
)

// Identifiers of the Token Vault exchange, from Auth0's documentation.
const (
	grantVault       = "urn:auth0:params:oauth:grant-type:token-exchange:federated-connection-access-token"
	typeRefreshToken = "urn:ietf:params:oauth:token-type:refresh_token"                      //nolint:gosec // a name, not a credential
	typeVaultToken   = "http://auth0.com/oauth/token-type/federated-connection-access-token" //nolint:gosec // a name, not a credential
)

// Bounds of these requests.
const (
	maxRefreshBody  = 16 << 10
	maxRefreshToken = 4 << 10
	maxAudience     = 512
	// refreshesPerMinute is what one API key, and one address, may ask for.
	refreshesPerMinute = 300
)

// connectionName is a name of a connection in an Auth0 tenant.
var connectionName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$`)

// refresh is POST /v1/oauth/refresh: new tokens for an agent that does not have
// the client secret.
func (b *Broker) refresh(w http.ResponseWriter, r *http.Request) error {
	return b.trade(w, r, "refresh", func() (trade, error) {
		req, err := readQuietJSON[refreshBody](w, r, maxRefreshBody)
		if err != nil {
			return trade{refreshToken: req.RefreshToken}, err
		}
		t := trade{provider: req.Provider, publicKey: req.PublicKey, refreshToken: req.RefreshToken, tokenName: "refresh_token"}
		t.add("grant_type", "refresh_token")
		if len(req.Scopes) > 0 {
			t.add("scope", strings.Join(req.Scopes, " "))
		}
		if req.Audience != "" {
			t.add("audience", req.Audience)
		}
		switch {
		case !goodScopes(req.Scopes):
			return t, invalid(fault("scopes", fmt.Sprintf("want at most %d scopes without spaces", maxScopes)))
		case len(req.Audience) > maxAudience || !visible(req.Audience):
			return t, invalid(fault("audience", "is too long or has characters that are not visible ASCII"))
		}
		return t, nil
	})
}

// vault is POST /v1/oauth/vault: a token of a connected service for an agent
// that does not have the tenant's client secret.
func (b *Broker) vault(w http.ResponseWriter, r *http.Request) error {
	return b.trade(w, r, "vault", func() (trade, error) {
		req, err := readQuietJSON[vaultBody](w, r, maxRefreshBody)
		if err != nil {
			return trade{refreshToken: req.RefreshToken}, err
		}
		t := trade{provider: req.Provider, publicKey: req.PublicKey, refreshToken: req.RefreshToken, tokenName: "subject_token"}
		t.add("grant_type", grantVault)
		t.add("subject_token_type", typeRefreshToken)
		t.add("requested_token_type", typeVaultToken)
		t.add("connection", req.Connection)
		if req.LoginHint != "" {
			t.add("login_hint", req.LoginHint)
		}
		switch {
		case !connectionName.MatchString(req.Connection):
			return t, invalid(fault("connection", "is not the name of a connection"))
		case len(req.LoginHint) > maxAudience || !visible(req.LoginHint):
			return t, invalid(fault("login_hint", "is too long or has characters that are not visible ASCII"))
		}
		return t, nil
	})
}

// The bodies of these requests, with the token in memory that is overwritten.
type (
	refreshBody struct {
		wire.Refresh
		RefreshToken quietText `json:"refresh_token"`
	}
	vaultBody struct {
		wire.Vault
		RefreshToken quietText `json:"refresh_token"`
	}
)

// trade is one request for tokens.
type trade struct {
	provider, publicKey string
	refreshToken        quietText
	// tokenName is the parameter of the token endpoint for refreshToken, params
	// are the others.
	tokenName string
	params    [][2]string
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
	at, err := p.endpoints(ctx, b.egress, b.now())
	if err != nil {
		b.audit.traded(what, key, p.name, errProvider)
		return badProvider()
	}
	f := t.form()
	defer f.clear()
	envelope := ""
	err = b.grant(ctx, p, at, f, func(answer []byte) (err error) {
		if envelope, err = wire.Seal(pub, answer); err != nil {
			return errTokenSeal
		}
		return nil
	})
	b.audit.traded(what, key, p.name, err)
	if err != nil {
		return tradeRefused(err)
	}
	return writeJSON(w, http.StatusOK, wire.Tokens{Ciphertext: envelope, Algorithm: wire.Algorithm})
}

// tradeRefused is the answer for an agent whose tokens were not renewed. Only a
// refusal of this very token is the agent's to know; what the provider has
// against the broker's own client is the operator's.
func tradeRefused(err error) *problem {
	refused, ok := errors.AsType[*grantError](err)
	if !ok {
		return badProvider()
	}
	switch refused.code {
	case "invalid_client", "unauthorized_client", "unsupported_grant_type":
		return newProblem(http.StatusBadGateway, "Bad Gateway", "The OAuth provider does not let this broker do that. Its operator has to look.")
	case "temporarily_unavailable", "server_error", "slow_down":
		return badProvider()
	}
	p := newProblem(http.StatusBadRequest, "OAuth Grant Refused", "The OAuth provider refused the grant.")
	p.Problem.Error = refused.code
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
