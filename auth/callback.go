package auth

import (
	"net/url"
	"strings"
)

// CallbackError is the evidence of an authorization that came back with an
// error (RFC 6749 section 4.1.2.1).
type CallbackError struct {
	// Code is the error parameter if it is one word in the alphabet that
	// error codes use, and "other" if not.
	Code string

	// description is the start of error_description. It is the provider's
	// text, so it can be asked about but not shown.
	description string
}

func (e *CallbackError) Error() string { return "authorization came back with " + e.Code }

// Mentions reports whether the provider's description of the error contains
// text, in whatever case. Only its first 500 bytes are looked at.
func (e *CallbackError) Mentions(text string) bool {
	return strings.Contains(strings.ToLower(e.description), strings.ToLower(text))
}

// CallbackFailure returns the failure that the parameters of a callback tell
// of, or nil if they hold no error. Its cause is a [*CallbackError].
func CallbackFailure(params url.Values) *Failure {
	code := params.Get("error")
	if code == "" {
		return nil
	}
	cause := &CallbackError{Code: "other", description: params.Get("error_description")}
	if word(code) {
		cause.Code = code
	}
	cause.description = cause.description[:min(len(cause.description), 500)]
	if code == "access_denied" {
		return &Failure{
			Kind: Denied, Code: "denied",
			Message: "the person, or a rule of the provider, did not give consent",
			Hint:    "Nothing was connected; call again for a fresh link.",
			Err:     cause,
		}
	}
	return &Failure{
		Kind: Misconfigured, Code: "authorization_failed",
		Message: "the provider ended the authorization with the error " + cause.Code,
		Hint:    "The provider's log says why; call again for a fresh link.",
		Err:     cause,
	}
}

// word reports whether s is a short word of lower-case letters, digits and underscores.
func word(s string) bool {
	return len(s) <= 64 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
}
