package linkauth

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net/http"

	"linkmail/auth"
	"linkmail/broker/wire"
	"linkmail/internal/secret"
)

// Desk is where a broker asks one of its providers with the client secret that
// only it has. What the provider answers arrives encrypted to a key that is made
// for the one request; the refresh token is sent to the broker for it.
type Desk struct {
	broker   broker
	provider string
}

var _ auth.SecretHolder = (*Desk)(nil)

// Desk returns the broker's desk for the provider of the given name.
func (c *Connector) Desk(provider string) *Desk { return &Desk{c.broker, provider} }

// Refresh implements [auth.SecretHolder] (POST /v1/oauth/refresh).
func (d *Desk) Refresh(ctx context.Context, token secret.Text, audience string, scopes []string) (auth.EndpointReply, error) {
	return d.trade(ctx, "/v1/oauth/refresh", func(key string) any {
		return wire.Refresh{Provider: d.provider, RefreshToken: token.Reveal(), Audience: audience, Scopes: scopes, PublicKey: key}
	})
}

// Exchange implements [auth.SecretHolder] (POST /v1/oauth/vault).
func (d *Desk) Exchange(ctx context.Context, token secret.Text, connection, hint string) (auth.EndpointReply, error) {
	return d.trade(ctx, "/v1/oauth/vault", func(key string) any {
		return wire.Vault{Provider: d.provider, RefreshToken: token.Reveal(), Connection: connection, LoginHint: hint, PublicKey: key}
	})
}

// Revoke implements [auth.SecretHolder] (POST /v1/oauth/revoke).
func (d *Desk) Revoke(ctx context.Context, token secret.Text) (auth.EndpointReply, error) {
	return d.trade(ctx, "/v1/oauth/revoke", func(key string) any {
		return wire.Revoke{Provider: d.provider, RefreshToken: token.Reveal(), PublicKey: key}
	})
}

// trade sends the body that ask makes for a fresh key and returns what the
// provider answered.
func (d *Desk) trade(ctx context.Context, path string, ask func(publicKey string) any) (auth.EndpointReply, error) {
	key, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		return auth.EndpointReply{}, fmt.Errorf("linkauth: make a key: %w", err)
	}
	public, err := wire.EncodePublicKey(&key.PublicKey)
	if err != nil {
		return auth.EndpointReply{}, fmt.Errorf("linkauth: encode a key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return auth.EndpointReply{}, fmt.Errorf("linkauth: encode a key: %w", err)
	}
	answer, err := d.broker.ask(ctx, http.MethodPost, path, secret.Text{}, ask(public))
	switch {
	case err != nil && ctx.Err() != nil:
		return auth.EndpointReply{}, ctx.Err()
	case err != nil:
		return auth.EndpointReply{}, d.broker.unreachable(err)
	case answer.status == http.StatusNoContent:
		return auth.EndpointReply{Status: http.StatusOK}, nil
	case answer.problem.Refusal != "":
		return d.refusal(der, answer)
	case answer.status == http.StatusBadRequest && answer.problem.Error != "":
		code := auth.NewEndpointError(answer.status, answer.problem.Error).Code
		return auth.EndpointReply{Status: answer.status, Body: []byte(`{"error":"` + code + `"}`)}, nil
	case !answer.ok():
		return auth.EndpointReply{}, d.unwilling(answer)
	}
	var in wire.Tokens
	if !isObject(answer.body) || json.Unmarshal(answer.body, &in) != nil || in.Ciphertext == "" {
		return auth.EndpointReply{}, d.broker.refusal(answer, "")
	}
	plain, err := decrypt(der, polled{ciphertext: in.Ciphertext, algorithm: in.Algorithm})
	if err != nil {
		return auth.EndpointReply{}, err
	}
	return auth.EndpointReply{Status: http.StatusOK, Body: plain}, nil
}

// refusal opens what the provider refused with.
func (d *Desk) refusal(der []byte, answer reply) (auth.EndpointReply, error) {
	plain, err := decrypt(der, polled{ciphertext: answer.problem.Refusal})
	if err != nil {
		return auth.EndpointReply{}, err
	}
	var said wire.Refusal
	if json.Unmarshal(plain, &said) != nil || said.Status < 100 || said.Status > 599 {
		return auth.EndpointReply{}, invalid("it is no refusal of a provider", nil)
	}
	if said.Status < 300 {
		said.Status = http.StatusBadRequest // some providers refuse with 200
	}
	return auth.EndpointReply{Status: said.Status, Body: said.Answer}, nil
}

// unwilling is the failure for a broker that did not ask its provider.
func (d *Desk) unwilling(answer reply) error {
	failure := &auth.Failure{Kind: auth.Misconfigured, Err: statusError(answer.status)}
	switch {
	case answer.keyRefused():
		return d.broker.refusal(answer, "")
	case answer.status == http.StatusNotFound, answer.status == http.StatusMethodNotAllowed:
		failure.Code, failure.Err = "secret_not_held", auth.ErrCannotRenew
		failure.Message = "the LinkAuth broker at " + d.broker.url + " does not ask providers with its client secrets"
		failure.Hint = "It takes linkmail's own broker, in this version or a later one."
	case answer.status == http.StatusForbidden && answer.problem.Title == "Scope Missing":
		failure.Kind, failure.Code = auth.Refused, "secret_not_lent"
		failure.Message = "LINKAUTH_API_KEY may not use the client secrets of the LinkAuth broker at " + d.broker.url
		failure.Hint = "The broker's operator has to give the key the scope refresh."
	case answer.status == http.StatusForbidden:
		failure.Code = "secret_not_lent"
		failure.Message = "the LinkAuth broker at " + d.broker.url + " does not let agents ask for this"
		failure.Hint = "Its operator has to list it: OAUTH_" + providerEnv(d.provider) + "_AUDIENCES, OAUTH_" + providerEnv(d.provider) + "_CONNECTIONS."
	case answer.status == http.StatusBadRequest:
		failure.Code = "secret_not_held"
		failure.Message = "the LinkAuth broker at " + d.broker.url + " has no client for the provider " + d.provider + ", or no way to do this there"
		failure.Hint = "Its operator has to configure OAUTH_" + providerEnv(d.provider) + "_CLIENT_ID and what belongs to it."
	default:
		return d.broker.refusal(answer, "Check the versions of linkmail and of the broker.")
	}
	return failure
}
