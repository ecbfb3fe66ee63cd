package wire

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

// Tokens answers [Refresh] and [Vault]. The envelope holds the whole JSON
// answer of the token endpoint. A refusal of the provider is a [Problem] with
// status 400 whose Error is the OAuth error code, for example invalid_grant.
type Tokens struct {
	Ciphertext string `json:"ciphertext"`
	Algorithm  string `json:"algorithm"`
}
