package auth

import (
	"net/url"
	"strings"
)

// CallbackError is the evidence of an authorization that came back with an
// error (RFC 6749 section 4.1.2.1). The description is the provider's text:
// compare it with known ones, do not show it.
type CallbackError struct {
	// Code is the error parameter if it is one word in the alphabet that
	// error codes use, and "other" if not.
	Code string
	// Description is the start of error_description, at most 500 bytes.
	Description string
}

func (e *CallbackError) Error() string { return "authorization came back with " + e.Code }

// CallbackFailure returns the failure that the parameters of a callback tell
// of, or nil if they hold no error. Its cause is a [*CallbackError].
func CallbackFailure(params url.Values) *Failure {
	code := params.Get("error")
	if code == "" {
		return nil
	}
	cause := &CallbackError{Code: "other", Description: params.Get("error_description")}
	if word(code) {
		cause.Code = code
	}
	if len(cause.Description) > 500 {
		cause.Description = cause.Description[:500]
	}
	if code == "access_denied" {
		return &Failure{
			Kind: Denied, Code: "denied",
			Message: "the person, or a rule of the provider, did not give consent",
			Hint:    "nothing was connected; call again for a fresh link",
			Err:     cause,
		}
	}
	return &Failure{
		Kind: Misconfigured, Code: "authorization_failed",
		Message: "the provider ended the authorization with the error " + cause.Code,
		Hint:    "the provider's log says why; call again for a fresh link",
		Err:     cause,
	}
}

// word reports whether s is a short word of lower-case letters, digits and underscores.
func word(s string) bool {
	return len(s) <= 64 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
}
