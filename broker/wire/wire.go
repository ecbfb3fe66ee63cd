// Package wire holds what a LinkAuth broker and its clients say to each other:
// the messages of the HTTP API, the errors, the key that a session is opened
// with and the envelope in which a credential travels.
//
// Both sides import it and nothing else of each other. It needs only the
// standard library, keeps no state and does no I/O.
//
// # The envelope
//
// A credential is encrypted to the RSA key of the agent that asked for it, in
// the person's browser or, for OAuth, in the broker's memory:
//
//	base64( {"wrapped_key": base64, "iv": base64, "ciphertext": base64} )
//
// wrapped_key is a fresh AES-256 key under RSA-OAEP with SHA-256 (and MGF1 with
// SHA-256, empty label), ciphertext is AES-256-GCM with a 12-byte IV, the
// 16-byte tag appended and no associated data. [Seal] and [Open] are the two
// directions; testdata/vectors.json holds examples that every implementation
// must open, and others that it must refuse.
//
// # Two spellings
//
// The LinkAuth draft and its first implementation name some members of a
// message differently. A broker sends both spellings, a client accepts either,
// see [Created].
package wire

import "time"

// Algorithm names the envelope. There is no other one, and nothing negotiates.
const Algorithm = "RSA-OAEP-256+AES-256-GCM"

// Header names and media types of the API.
const (
	HeaderAPIKey = "X-API-Key" //nolint:gosec // the name of a header
	TypeJSON     = "application/json"
	TypeProblem  = "application/problem+json"
)

// Prefixes tell the one-time tokens apart, for people and for leak scanners.
const (
	PollTokenPrefix    = "pt_"
	ConnectTokenPrefix = "ct_"
)

// Status is the state of a session as an agent sees it.
type Status string

// The life of a session: Pending, Confirmed, Ready, Consumed; or Failed, when
// the person or the provider refused. Expired is sent by some brokers instead
// of 404.
const (
	Pending   Status = "pending"
	Confirmed Status = "confirmed"
	Ready     Status = "ready"
	Consumed  Status = "consumed"
	Failed    Status = "failed"
	Expired   Status = "expired"
)

// Create is the body of POST /v1/sessions.
type Create struct {
	// PublicKey is the agent's key, see [EncodePublicKey].
	PublicKey string `json:"public_key"`
	// Template names a built-in form or OAuth template; with Fields it may be
	// any name.
	Template string `json:"template,omitempty"`
	// Fields describe the agent's own form.
	Fields []Field `json:"fields,omitempty"`
	// DisplayName is what the person reads about who asks, and for what.
	DisplayName string `json:"display_name,omitempty"`
	// TTL is the wished life of the session in seconds; nil or zero takes the
	// broker's default, and the broker limits it.
	TTL *int `json:"ttl,omitempty"`

	// OAuthProvider makes this an OAuth session with a provider that the
	// broker is configured for. It wins over Template.
	OAuthProvider string `json:"oauth_provider,omitempty"`
	// OAuthScopes replace the provider's default scopes.
	OAuthScopes []string `json:"oauth_scopes,omitempty"`
	// OAuthExtraParams are added to the authorization request.
	OAuthExtraParams map[string]string `json:"oauth_extra_params,omitempty"`

	// CustomAuthorizeURL makes this a passthrough session: the browser goes to
	// that URL, comes back with CustomState, and the parameters named in
	// CustomCallbackParams are the credential.
	CustomAuthorizeURL   string   `json:"custom_authorize_url,omitempty"`
	CustomCallbackParams []string `json:"custom_callback_params,omitempty"`
	CustomState          string   `json:"custom_state,omitempty"`

	// CallbackURL asks the broker to deliver the envelope by itself.
	CallbackURL string `json:"callback_url,omitempty"`
	// EnableWebhook asks for a URL at which a third party may deposit.
	EnableWebhook bool `json:"enable_webhook,omitempty"`

	// Steps announces how many sessions the person will go through, this one
	// included: 1 or 2, zero means 1. The page then waits for the next one.
	Steps int `json:"steps,omitempty"`
	// Follows is the SessionID of a finished session that this one continues,
	// for the browser that finished it and under the same link and code. Brokers
	// that do not know it open an ordinary session, see [Created].
	Follows string `json:"follows,omitempty"`
}

// Field is one input of a form.
type Field struct {
	Name  string `json:"name"`
	Label string `json:"label"`
	// Type is text, password, textarea or select.
	Type string `json:"type"`
	// Required is true unless it is said to be false, also in a request.
	Required *bool `json:"required,omitempty"`
	// Options are the choices of a select.
	Options []string `json:"options,omitempty"`
}

// Created answers [Create] with status 201. Code and UserCode, URL and
// VerificationURIComplete are two names for one thing.
type Created struct {
	SessionID string `json:"session_id"`
	Code      string `json:"code"`
	UserCode  string `json:"user_code,omitempty"`
	URL       string `json:"url"`
	// VerificationURI is the page where a person types the code.
	VerificationURI         string `json:"verification_uri,omitempty"`
	VerificationURIComplete string `json:"verification_uri_complete,omitempty"`
	// PollToken is the bearer token for polling. It is shown once.
	PollToken string    `json:"poll_token"`
	ExpiresAt time.Time `json:"expires_at,omitzero"`
	// Interval is the least number of seconds between two polls.
	Interval int `json:"interval,omitempty"`

	CallbackSecret *string `json:"callback_secret"`
	WebhookURL     *string `json:"webhook_url"`

	// Follows repeats [Create.Follows] if the session continues that one: Code
	// and URL are then those that the person already has.
	Follows string `json:"follows,omitempty"`
	// Steps repeats [Create.Steps] at brokers that know it.
	Steps int `json:"steps,omitempty"`
}

// Poll answers GET /v1/sessions/{id}. Ciphertext and Algorithm are set when
// Status is [Ready], which is said exactly once; Error when it is [Failed].
type Poll struct {
	Status    Status    `json:"status"`
	ExpiresAt time.Time `json:"expires_at,omitzero"`
	// Interval is the least number of seconds until the next poll; nil when
	// there is nothing left to poll for.
	Interval   *int    `json:"interval"`
	Ciphertext *string `json:"ciphertext"`
	Algorithm  *string `json:"algorithm"`
	// Error is an OAuth error code, for example access_denied.
	Error string `json:"error,omitempty"`
}

// Resolve is the body of POST /v1/connect/resolve.
type Resolve struct {
	UserCode string `json:"user_code"`
}

// Connect tells the page what it is asked for. It answers GET
// /v1/connect/{code} and POST /v1/connect/resolve while a session is pending.
type Connect struct {
	Status      Status `json:"status"`
	DisplayName string `json:"display_name"`
	// TemplateType is "form" or "oauth".
	TemplateType string  `json:"template_type"`
	Code         string  `json:"code"`
	Fields       []Field `json:"fields"`
	// PublicKey is the agent's key, for the browser to encrypt to.
	PublicKey string   `json:"public_key"`
	Security  Security `json:"security"`
	OAuthURL  *string  `json:"oauth_url"`

	// AskedBy names the API key under which the session was made.
	AskedBy string `json:"asked_by,omitempty"`
	// Destination is the host that the browser is sent to.
	Destination string    `json:"destination,omitempty"`
	Scopes      []string  `json:"scopes,omitempty"`
	ExpiresAt   time.Time `json:"expires_at,omitzero"`
	// Step is which of the announced Steps this one is, from 1.
	Step  int `json:"step,omitempty"`
	Steps int `json:"steps,omitempty"`
}

// Security tells the page how it was reached.
type Security struct {
	Secure bool `json:"secure"`
	// Mode is production, development or insecure.
	Mode    string `json:"mode"`
	Message string `json:"message"`
}

// Confirmation answers POST /v1/connect/{code}/confirm.
type Confirmation struct {
	// ConnectToken lets this browser, and no other, finish the session.
	ConnectToken string `json:"connect_token"`
}

// Complete is the body of POST /v1/connect/{code}/complete. Pointers tell an
// absent member from an empty one.
type Complete struct {
	Ciphertext   *string `json:"ciphertext"`
	Algorithm    string  `json:"algorithm,omitempty"`
	ConnectToken *string `json:"connect_token"`
}

// Outcome answers GET /v1/connect/{code}/status, to the browser that confirmed.
type Outcome struct {
	Status Status `json:"status"`
	Error  string `json:"error,omitempty"`
	// Step and Steps are as in [Connect]. When the next step has been asked
	// for, the answer is about that one.
	Step  int `json:"step,omitempty"`
	Steps int `json:"steps,omitempty"`
}

// Location answers POST /v1/oauth/authorize/{code} when the page asks for JSON.
type Location struct {
	Location string `json:"location"`
}

// ProxyRequest is the body of POST /v1/proxy.
type ProxyRequest struct {
	// Method is GET, POST, PUT, PATCH, DELETE, HEAD or OPTIONS.
	Method  string            `json:"method"`
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers,omitempty"`
	Body    string            `json:"body,omitempty"`
	// Timeout is in seconds, 1 to 120; zero takes the default of 30. Brokers
	// stop earlier.
	Timeout int `json:"timeout,omitempty"`
}

// ProxyResponse is what the upstream answered, whatever its status.
type ProxyResponse struct {
	StatusCode int `json:"status_code"`
	// Headers have lower-case names; several values are joined by ", ".
	Headers map[string]string `json:"headers"`
	Body    string            `json:"body"`
}
