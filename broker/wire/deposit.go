package wire

// Prefixes of the two secrets that a session may be created with, beside the
// poll token.
const (
	WebhookTokenPrefix   = "wt_"
	CallbackSecretPrefix = "cs_"
)

// Deposit is what a session holds after POST /v1/sessions/{id}/webhook: the
// request of the third party, encrypted to the agent's key like any other
// credential.
type Deposit struct {
	// Headers have lower-case names; several values are joined by ", ". Those
	// that belong to the connection, cookies among them, are left out.
	Headers map[string]string `json:"headers"`
	Body    string            `json:"body"`
	// BodyEncoding is "base64" if the body is not UTF-8, and else empty.
	BodyEncoding string `json:"body_encoding,omitempty"`
	ContentType  string `json:"content_type"`
}

// Deposited answers a webhook.
type Deposited struct {
	Status    string `json:"status"` // "accepted"
	SessionID string `json:"session_id"`
}

// Headers of a delivery to a callback URL.
const (
	// HeaderDelivery is a UUID, the same for every attempt of one delivery.
	HeaderDelivery = "X-LinkAuth-Delivery-Id"
	// HeaderSignature is "sha256=" and the hexadecimal HMAC-SHA256 of the body
	// under the callback secret. It says nothing about when it was made.
	HeaderSignature = "X-LinkAuth-Signature"
	// HeaderTimestamp is when the attempt was made, in seconds of Unix time.
	HeaderTimestamp = "X-LinkAuth-Timestamp"
	// HeaderSignatureV2 is like HeaderSignature, over the timestamp, a full
	// stop and the body. A receiver that also refuses old timestamps cannot be
	// given the same delivery again by somebody who listened.
	HeaderSignatureV2 = "X-LinkAuth-Signature-V2"
)

// Delivery is the body that is posted to a callback URL.
type Delivery struct {
	SessionID  string `json:"session_id"`
	Status     Status `json:"status"` // Ready
	Ciphertext string `json:"ciphertext"`
	Algorithm  string `json:"algorithm"`
}
