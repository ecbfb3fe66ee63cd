package broker

import (
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
		t := trade{provider: req.Provider, publicKey: req.PublicKey, refreshToken: req.RefreshToken, tokenName: "refresh_token", audience: req.Audience}
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
		t := trade{provider: req.Provider, publicKey: req.PublicKey, refreshToken: req.RefreshToken, tokenName: "subject_token", connection: req.Connection}
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

// end is POST /v1/oauth/revoke: the end of a refresh token, for an agent that
// does not have the client secret.
func (b *Broker) end(w http.ResponseWriter, r *http.Request) error {
	return b.trade(w, r, "revoke", func() (trade, error) {
		req, err := readQuietJSON[revokeBody](w, r, maxRefreshBody)
		return trade{provider: req.Provider, publicKey: req.PublicKey, refreshToken: req.RefreshToken, ends: true}, err
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
	revokeBody struct {
		wire.Revoke
		RefreshToken quietText `json:"refresh_token"`
	}
)
