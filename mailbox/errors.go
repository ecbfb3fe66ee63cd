package mailbox

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"google.golang.org/api/googleapi"
)

// The codes of an [Error] that stand for an answer of Gmail.
const (
	codeTokenRefused = "token_refused"
	codeMissingScope = "missing_scope"
	codeAPIDisabled  = "api_disabled"
	codeDomainPolicy = "domain_policy"
	codeRateLimited  = "rate_limited"
	codeDailyLimit   = "daily_limit"
	codeNotFound     = "not_found"
	codeInvalid      = "invalid_argument"
	codeNoMailbox    = "mail_service_not_enabled"
	codeForbidden    = "forbidden"
	codeConflict     = "conflict"
	codeTooLarge     = "too_large"
	codeUnavailable  = "unavailable"
)

// explained is an error that already says what happened and what to do, for
// example one of the transport that authorizes requests. It travels untouched.
type explained interface {
	error
	Explain() (code, message, hint string, retryAfter time.Duration)
}

// wrap puts the operation before an error that is passed on as it is.
func wrap(op string, err error) error { return fmt.Errorf("mailbox: %s: %w", op, err) }

// invalid is a refusal before Gmail was asked.
func invalid(message, hint string) *Error {
	return &Error{Code: codeInvalid, Message: message, Hint: hint}
}

// explain turns what a call returned into an [*Error] if it came from Gmail or
// from the network, and says whether trying again may help. Everything else,
// for example a request to sign in, is passed on wrapped.
//
// Errors of package googleapi and net/url are taken apart and dropped: the
// first quote response bodies, the second URLs with their queries.
func (c *Client) explain(op string, err error) (pace, error) {
	if api, ok := errors.AsType[*googleapi.Error](err); ok {
		e, p := c.host.classify(api.Code, api.Header, []byte(api.Body), c.now())
		return p, e
	}
	err = bare(err)
	var own *Error
	switch {
	case errors.As(err, &own):
		return never, own
	case errors.Is(err, errNotGmail) || unreadable(err):
		return never, c.host.notGmail(0)
	case errors.Is(err, context.DeadlineExceeded):
		return hiccup, &Error{
			Code: codeUnavailable, Message: "Gmail did not answer in time",
			Hint: "Try again; if it persists, check the network.", Err: err, RetryAfter: soon,
		}
	case fromWire(err):
		return hiccup, c.host.unreachable(err)
	}
	return never, wrap(op, err)
}

// bare takes off what net/http puts around an error of its transport.
func bare(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

// After these times it makes sense to try again where Gmail has said none: it
// refused too many requests at once, the quota of the minute is used up, the
// server or the network failed.
const (
	atOnce     = 5 * time.Second
	quotaPause = 30 * time.Second
	soon       = 10 * time.Second
)

// waitFor says when to try again: as Gmail told, or else a guess.
func (e *Error) waitFor(told, guess time.Duration) {
	e.told = told
	e.RetryAfter = cmp.Or(told, guess)
}

// host is where Gmail is expected, for hints; empty means Google's own.
type host string

const google host = "gmail.googleapis.com"

// own reports whether it is Google's own, which nobody configured.
func (h host) own() bool { return h == "" || h == google }

// unreachable explains a connection that could not be made or was lost.
func (h host) unreachable(err error) *Error {
	e := &Error{
		Code: codeUnavailable, Message: "the connection to Gmail failed", Err: err, RetryAfter: soon,
		Hint: "Check that the network and its proxy let requests to " + string(google) + " through, then try again.",
	}
	if !h.own() {
		e.Message = "the connection to " + string(h) + ", which stands for Gmail here, failed"
		e.Hint = "Check LINKMAIL_GMAIL_ENDPOINT, and that the network lets requests to it through, then try again."
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		e.Message, e.RetryAfter = "the certificate that was presented for Gmail is not trusted here", 0
		e.Hint = "A proxy may be inspecting the traffic: add its certificate authority to the system's, and check the clock."
	}
	return e
}

// errNotGmail marks an answer in a form that Gmail does not use.
var errNotGmail = errors.New("mailbox: the answer is not Gmail's")

// notGmail explains an answer that something on the way gave.
func (h host) notGmail(status int) *Error {
	e := &Error{
		Code: codeUnavailable, Status: status,
		Message: "something that is not Gmail answered in its place",
		Hint:    "A proxy or a sign-in page of the network stands between: let requests to " + string(google) + " through.",
	}
	if !h.own() {
		e.Message = "what answers at " + string(h) + " does not look like Gmail"
		e.Hint = "Check LINKMAIL_GMAIL_ENDPOINT: it has to be the root of a server that speaks the Gmail API, with no proxy or sign-in page in between."
	}
	return e
}

// exists explains a 404 for what every mailbox has, such as a list, however
// empty, or a profile: only a server that is not Gmail lacks it.
func (h host) exists(err error) error {
	if e, ok := errors.AsType[*Error](err); ok && e.Code == codeNotFound {
		return h.notGmail(e.Status)
	}
	return err
}

// unreadable reports whether err is about JSON that was cut short or is none.
func unreadable(err error) bool {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	return errors.As(err, &syntax) || errors.As(err, &kind)
}

// fromWire reports whether err came from the HTTP stack, and not from the
// transport that authorizes requests. The stack has no type for many of its
// errors, so their prefixes have to do.
func fromWire(err error) bool {
	if _, ok := errors.AsType[explained](err); ok {
		return false
	}
	var network net.Error
	var cert *tls.CertificateVerificationError
	if errors.As(err, &network) || errors.As(err, &cert) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, http.ErrAbortHandler) {
		return true
	}
	for e := err; e != nil; e = errors.Unwrap(e) {
		text := e.Error()
		for _, prefix := range [...]string{
			"http: ", "net/http: ", "http2: ", "stream error: ", "connection error: ", "malformed ", "tls: ", "x509: ",
			"invalid byte ", "gzip: ", "flate: ", "bad ",
		} {
			if strings.HasPrefix(text, prefix) {
				return true
			}
		}
	}
	return false
}
