package wire

import "encoding/json"

// Refresh is the body of POST /v1/oauth/refresh: the broker trades a refresh
// token for new tokens (RFC 6749 section 6), adding the client secret that only
// it has. Nothing of it is stored.
type Refresh struct {
	// Provider names the provider, as in [Create.OAuthProvider].
	Provider     string `json:"provider"`
	RefreshToken string `json:"refresh_token"`
	// Scopes narrow what is asked for; none keeps what was granted.
	Scopes []string `json:"scopes,omitempty"`
	// Audience asks for a token for another API of the provider, where it
	// knows that parameter; empty leaves it out.
	Audience string `json:"audience,omitempty"`
	// PublicKey is the key to which the answer is encrypted, see
	// [EncodePublicKey]. It is best made for this one request.
	PublicKey string `json:"public_key"`
}

// Vault is the body of POST /v1/oauth/vault: the broker trades a refresh token
// of an Auth0 tenant for the access token of a connected service (Auth0 Token
// Vault, "Access token exchange"), adding the client secret. Nothing of it is
// stored.
type Vault struct {
	Provider     string `json:"provider"`
	RefreshToken string `json:"refresh_token"`
	// Connection is the tenant's name of the service, for example
	// google-oauth2.
	Connection string `json:"connection"`
	// LoginHint chooses between several accounts at one connection; it is
	// optional.
	LoginHint string `json:"login_hint,omitempty"`
	PublicKey string `json:"public_key"`
}

// Revoke is the body of POST /v1/oauth/revoke: the broker ends a refresh token
// (RFC 7009), adding the client secret. A success has no body.
type Revoke struct {
	Provider     string `json:"provider"`
	RefreshToken string `json:"refresh_token"`
	// PublicKey is for what the provider says if it refuses.
	PublicKey string `json:"public_key"`
}

// Tokens answers [Refresh] and [Vault]. The envelope holds the whole JSON
// answer of the token endpoint. A refusal of the provider is a [Problem] with
// status 400 whose Error is the OAuth error code, for example invalid_grant, or
// with status 502 if it is the broker's own client that was refused. Either has
// the provider's words in Refusal.
type Tokens struct {
	Ciphertext string `json:"ciphertext"`
	Algorithm  string `json:"algorithm"`
}

// Refusal is what a token endpoint refused a request with. Its description may
// name settings and users, so it travels to the agent in an envelope, and
// nowhere else.
type Refusal struct {
	// Status is the endpoint's HTTP status.
	Status int `json:"status"`
	// Answer is its whole JSON (RFC 6749 section 5.2).
	Answer json.RawMessage `json:"answer"`
}
