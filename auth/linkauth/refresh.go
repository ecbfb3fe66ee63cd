package linkauth

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"linkmail/auth"
	"linkmail/broker/wire"
	"linkmail/internal/secret"
)

// Refresh renews an access token through the broker, which adds the client
// secret of provider that only it has (POST /v1/oauth/refresh). The answer is
// encrypted to a key that is made for this one request. Its error is an
// [*auth.EndpointError] if the provider refused, [auth.ErrCannotRenew] if the
// broker does not do this, and else a [*auth.Failure].
func (c *Connector) Refresh(ctx context.Context, provider string, refreshToken secret.Text) (auth.TokenAnswer, error) {
	key, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		return auth.TokenAnswer{}, fmt.Errorf("linkauth: make a key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return auth.TokenAnswer{}, fmt.Errorf("linkauth: encode a key: %w", err)
	}
	public, err := wire.EncodePublicKey(&key.PublicKey)
	if err != nil {
		return auth.TokenAnswer{}, fmt.Errorf("linkauth: encode a key: %w", err)
	}
	answer, err := c.broker.ask(ctx, http.MethodPost, "/v1/oauth/refresh", secret.Text{}, wire.Refresh{
		Provider: provider, RefreshToken: refreshToken.Reveal(), PublicKey: public,
	})
	switch {
	case err != nil && ctx.Err() != nil:
		return auth.TokenAnswer{}, ctx.Err()
	case err != nil:
		return auth.TokenAnswer{}, c.broker.unreachable(err)
	case answer.status == http.StatusNotFound, answer.status == http.StatusMethodNotAllowed:
		return auth.TokenAnswer{}, auth.ErrCannotRenew
	case answer.status == http.StatusBadRequest && answer.problem.Error != "":
		return auth.TokenAnswer{}, auth.NewEndpointError(answer.status, answer.problem.Error)
	case !answer.ok():
		return auth.TokenAnswer{}, c.broker.refusal(answer, "the broker has to have a client for the provider "+provider+", and LINKAUTH_API_KEY has to be allowed to refresh")
	}
	var in wire.Tokens
	if !isObject(answer.body) || json.Unmarshal(answer.body, &in) != nil || in.Ciphertext == "" {
		return auth.TokenAnswer{}, c.broker.refusal(answer, "")
	}
	plain, err := decrypt(der, polled{ciphertext: in.Ciphertext, algorithm: in.Algorithm})
	if err != nil {
		return auth.TokenAnswer{}, err
	}
	now := c.now()
	token, err := tokenOf(plain, now)
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
