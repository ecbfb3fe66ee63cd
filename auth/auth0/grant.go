package auth0

import (
	"context"
	"maps"
	"strings"

	"linkmail/auth"
	"linkmail/internal/secret"
)

// Identifiers of the Token Vault exchange, from Auth0's documentation.
const (
	grantExchange      = "urn:auth0:params:oauth:grant-type:token-exchange:federated-connection-access-token"
	typeRefreshToken   = "urn:ietf:params:oauth:token-type:refresh_token"                      //nolint:gosec // a name, not a credential
	typeFederatedToken = "http://auth0.com/oauth/token-type/federated-connection-access-token" //nolint:gosec // a name, not a credential
)

// tokenEndpoint is the holder of a secret that is here: it asks the tenant itself.
type tokenEndpoint struct {
	p      *Provider
	secret secret.Text
}

var _ auth.SecretHolder = tokenEndpoint{}

// Refresh implements [auth.SecretHolder].
func (e tokenEndpoint) Refresh(ctx context.Context, token secret.Text, audience string, scopes []string) (auth.EndpointReply, error) {
	form := map[string]string{"grant_type": "refresh_token", "refresh_token": token.Reveal()}
	if audience != "" {
		form["audience"] = audience
	}
	if len(scopes) > 0 {
		form["scope"] = strings.Join(scopes, " ")
	}
	return e.ask(ctx, callRefresh, "/oauth/token", form)
}

// Exchange implements [auth.SecretHolder]. There is no scope parameter: the
// vault answers with what it holds.
func (e tokenEndpoint) Exchange(ctx context.Context, token secret.Text, connection, hint string) (auth.EndpointReply, error) {
	form := map[string]string{
		"grant_type":           grantExchange,
		"subject_token":        token.Reveal(),
		"subject_token_type":   typeRefreshToken,
		"requested_token_type": typeFederatedToken,
		"connection":           connection,
	}
	if hint != "" {
		form["login_hint"] = hint
	}
	return e.ask(ctx, callExchange, "/oauth/token", form)
}

// Revoke implements [auth.SecretHolder].
func (e tokenEndpoint) Revoke(ctx context.Context, token secret.Text) (auth.EndpointReply, error) {
	return e.ask(ctx, callRevoke, "/oauth/revoke", map[string]string{"token": token.Reveal()})
}

func (e tokenEndpoint) ask(ctx context.Context, call, path string, form map[string]string) (auth.EndpointReply, error) {
	body := map[string]string{"client_id": e.p.cfg.ClientID, "client_secret": e.secret.Reveal()}
	maps.Copy(body, form)
	a, err := e.p.post(ctx, call, path, secret.Text{}, body)
	if err != nil {
		return auth.EndpointReply{}, err
	}
	return auth.EndpointReply{Status: a.status, Header: a.header, Body: a.body}, nil
}

// replied makes an answer of what a holder brought.
func replied(call string, r auth.EndpointReply, err error) (answer, error) {
	return answer{call: call, status: r.Status, header: r.Header, body: r.Body}, err
}

// heldClient names the client where a broker holds its secret.
func (p *Provider) heldClient() string {
	name := "OAUTH_" + strings.ToUpper(p.cfg.OAuthProvider)
	return name + "_CLIENT_ID and " + name + "_CLIENT_SECRET"
}

// held reports whether the application's secret is kept somewhere else.
func (p *Provider) held() bool { return p.cfg.Holder != nil }

// holder is who asks the tenant with the application's secret.
func (p *Provider) holder() auth.SecretHolder {
	if p.cfg.Holder != nil {
		return p.cfg.Holder
	}
	return tokenEndpoint{p, p.cfg.ClientSecret}
}
