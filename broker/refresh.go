package broker

import (
	"fmt"
	"net/http"
	"net/url"
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
		req, err := readJSON[wire.Refresh](w, r, maxRefreshBody)
		if err != nil {
			return trade{}, err
		}
		form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {req.RefreshToken}}
		if len(req.Scopes) > 0 {
			form.Set("scope", strings.Join(req.Scopes, " "))
		}
		if req.Audience != "" {
			form.Set("audience", req.Audience)
		}
		switch {
		case !goodScopes(req.Scopes):
			return trade{}, invalid(fault("scopes", fmt.Sprintf("want at most %d scopes without spaces", maxScopes)))
		case len(req.Audience) > maxAudience || !visible(req.Audience):
			return trade{}, invalid(fault("audience", "is too long or has characters that are not visible ASCII"))
		}
		return trade{
			provider: req.Provider, refreshToken: req.RefreshToken, publicKey: req.PublicKey,
			audience: req.Audience, form: form,
		}, nil
	})
}

// vault is POST /v1/oauth/vault: a token of a connected service for an agent
// that does not have the tenant's client secret.
func (b *Broker) vault(w http.ResponseWriter, r *http.Request) error {
	return b.trade(w, r, "vault", func() (trade, error) {
		req, err := readJSON[wire.Vault](w, r, maxRefreshBody)
		if err != nil {
			return trade{}, err
		}
		form := url.Values{
			"grant_type":           {grantVault},
			"subject_token":        {req.RefreshToken},
			"subject_token_type":   {typeRefreshToken},
			"requested_token_type": {typeVaultToken},
			"connection":           {req.Connection},
		}
		if req.LoginHint != "" {
			form.Set("login_hint", req.LoginHint)
		}
		switch {
		case !connectionName.MatchString(req.Connection):
			return trade{}, invalid(fault("connection", "is not the name of a connection"))
		case len(req.LoginHint) > maxAudience || !visible(req.LoginHint):
			return trade{}, invalid(fault("login_hint", "is too long or has characters that are not visible ASCII"))
		}
		return trade{
			provider: req.Provider, refreshToken: req.RefreshToken, publicKey: req.PublicKey,
			connection: req.Connection, form: form,
		}, nil
	})
}

// revoke is POST /v1/oauth/revoke: the end of a refresh token, for an agent
// that does not have the client secret.
func (b *Broker) revoke(w http.ResponseWriter, r *http.Request) error {
	return b.trade(w, r, "revoke", func() (trade, error) {
		req, err := readJSON[wire.Revoke](w, r, maxRefreshBody)
		if err != nil {
			return trade{}, err
		}
		return trade{
			provider: req.Provider, refreshToken: req.RefreshToken, publicKey: req.PublicKey,
			ends: true, form: url.Values{"token": {req.RefreshToken}},
		}, nil
	})
}
