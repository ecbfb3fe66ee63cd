package auth

import (
	"context"
	"net/http"

	"linkmail/internal/secret"
)

// SecretHolder has the secret of a client at an authorization server and asks
// that server with it: the server's own token endpoint for whoever has the
// secret here, or a broker that keeps it. An error, a [*Failure] or that of the
// context, means that there was no answer of the server.
type SecretHolder interface {
	// Refresh trades a refresh token for an access token (RFC 6749 section 6)
	// with the given scopes, for the API that audience names.
	Refresh(ctx context.Context, token secret.Text, audience string, scopes []string) (EndpointReply, error)
	// Exchange trades it for the access token of a connected service (Auth0
	// Token Vault). The hint chooses between several accounts and may be empty.
	Exchange(ctx context.Context, token secret.Text, connection, hint string) (EndpointReply, error)
	// Revoke ends it (RFC 7009).
	Revoke(ctx context.Context, token secret.Text) (EndpointReply, error)
}

// EndpointReply is what an endpoint answered, whatever its status.
type EndpointReply struct {
	Status int
	// Header may be nil.
	Header http.Header
	Body   []byte
}
