package linkauth

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"linkmail/auth"
	"linkmail/internal/secret"
)

// Refresh renews an access token through the broker, which adds the client
// secret of provider that only it has. Its error is an [*auth.EndpointError] if
// the provider refused the token, [auth.ErrCannotRenew] if the broker does not
// do this, and else a [*auth.Failure].
func (c *Connector) Refresh(ctx context.Context, provider string, refreshToken secret.Text) (auth.TokenAnswer, error) {
	reply, err := c.Desk(provider).Refresh(ctx, refreshToken, "", nil)
	if err != nil {
		return auth.TokenAnswer{}, err
	}
	if reply.Status != http.StatusOK {
		return auth.TokenAnswer{}, c.renewalRefused(provider, reply)
	}
	now := c.now()
	token, err := tokenOf(reply.Body, now)
	if err != nil || token.AccessToken == "" {
		return auth.TokenAnswer{}, invalid("it is not the answer of a token endpoint", nil)
	}
	out := auth.TokenAnswer{
		AccessToken: secret.New(token.AccessToken), RefreshToken: secret.New(token.RefreshToken), TokenType: token.TokenType,
	}
	if !token.Expiry.IsZero() {
		out.Life = max(token.Expiry.Sub(now), time.Second)
	}
	if id, ok := token.Extra("id_token").(string); ok {
		out.IDToken = secret.New(id)
	}
	if scope, ok := token.Extra("scope").(string); ok {
		out.Scopes = auth.SplitScopes(scope)
	}
	return out, nil
}

// renewalRefused tells a token that is refused from the broker's client, which
// is nothing that a new sign-in would mend.
func (c *Connector) renewalRefused(provider string, reply auth.EndpointReply) error {
	var in struct {
		Error string `json:"error"`
	}
	_ = json.Unmarshal(reply.Body, &in) // what is no code is "other"
	refused := auth.NewEndpointError(reply.Status, in.Error)
	switch refused.Code {
	case "invalid_client", "unauthorized_client", "unsupported_grant_type":
		return &auth.Failure{
			Kind: auth.Misconfigured, Code: "broker_client_refused",
			Message: "the provider " + provider + " refused the client of the LinkAuth broker at " + c.broker.url,
			Hint:    "The broker's operator has to look at OAUTH_" + providerEnv(provider) + "_CLIENT_ID and its secret. The sign-in is kept.",
			Err:     refused,
		}
	}
	return refused
}
