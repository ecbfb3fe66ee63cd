package auth0

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"linkmail/auth"
)

// Decisions of the state machine. They do not leave the package.
var (
	errLoginDead    = errors.New("auth0: the refresh token is no longer valid")
	errNotConnected = errors.New("auth0: the vault has no entry for the connection")
	errGrantDead    = errors.New("auth0: the service no longer honours the vault's grant")
	// errConnectGone says that a connect request cannot be completed: it ran
	// out, or it was completed by a process that did not live to write that down.
	errConnectGone = errors.New("auth0: the connect request is gone")
)

// ResponseError is the evidence of a call that the tenant refused. It is the
// cause inside an [auth.Failure], and holds no text of the answer.
type ResponseError struct {
	// Call is what was asked, for example "token exchange".
	Call string
	// Status is the HTTP status.
	Status int
	// Code is the "error" of the token endpoint or the last part of the
	// "type" of the My Account API, where it is one word; else empty.
	Code string
}

func (e *ResponseError) Error() string {
	return strings.TrimSpace(fmt.Sprintf("%s: HTTP %d %s", e.Call, e.Status, e.Code))
}

// tokenError explains why the token endpoint refused a.
func (s *pass) tokenError(a answer) error {
	if err := s.passing(a); err != nil {
		return err
	}
	var in struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	if err := a.decode(&in); err != nil {
		return err
	}
	return s.explain(rules, a, in.Error, in.Description)
}

// myAccountError explains why the My Account API refused a.
func (s *pass) myAccountError(a answer) error {
	if err := s.passing(a); err != nil {
		return err
	}
	var in struct {
		Type string `json:"type"`
	}
	if err := a.decode(&in); err != nil {
		return err
	}
	return s.explain(myAccountRules, a, in.Type[strings.LastIndex(in.Type, "/")+1:], "")
}

// soon is when to try again what passes by itself, where nobody said when.
const soon = 10 * time.Second

// passing returns the failure for an answer that says "not now".
func (s *pass) passing(a answer) error {
	failure := &auth.Failure{
		Kind: auth.Unavailable, RetryAfter: cmp.Or(retryAfter(a.header, s.p.cfg.Now()), soon),
		Err: &ResponseError{Call: a.call, Status: a.status},
	}
	switch {
	case a.status == 429:
		failure.Code = "auth0_busy"
		failure.Message = "Auth0 limits how often it may be asked, and the limit is reached"
		failure.Hint = "Try again later. The sign-in is kept."
	case a.status >= 500:
		failure.Code = "auth0_unavailable"
		failure.Message = fmt.Sprintf("Auth0 cannot answer the %s now (HTTP %d)", a.call, a.status)
		failure.Hint = "Try again. The sign-in is kept."
	case a.status < 400: // a redirect: the tenant's API has none
		failure.Code = "auth0_not_reached"
		failure.Message = fmt.Sprintf("something other than Auth0 answered the %s (HTTP %d)", a.call, a.status)
		failure.RetryAfter = 0
		failure.Hint = "Check AUTH0_DOMAIN, and whether a proxy or a sign-in page of the network stands in between. The sign-in is kept."
	default:
		return nil
	}
	return failure
}

// explain applies the first rule that matches.
func (s *pass) explain(table []rule, a answer, code, description string) error {
	cause := &ResponseError{Call: a.call, Status: a.status}
	if plainWord(code) {
		cause.Code = code
	}
	code, description = strings.ToLower(code), strings.ToLower(description)
	client, place := "AUTH0_CLIENT_ID with AUTH0_CLIENT_SECRET", ""
	if s.p.held() {
		client, place = "the client id with the secret that the broker holds", " into the broker's "+s.p.heldClient()
	}
	fill := strings.NewReplacer(
		"{connection}", s.connection, "{audience}", s.p.audience(), "{callback}", s.p.callback(), "{call}", a.call,
		"{client}", client, "{client_place}", place)
	for _, r := range table {
		if r.call != "" && r.call != a.call || r.status != 0 && r.status != a.status ||
			r.code != "" && r.code != code || r.text != "" && !strings.Contains(description, r.text) {
			continue
		}
		if r.decision != nil {
			return fmt.Errorf("%w: %w", r.decision, cause)
		}
		return &auth.Failure{
			Kind: r.kind, Code: r.name, Err: cause,
			Message: fill.Replace(r.message), Hint: fill.Replace(r.hint),
		}
	}
	return &auth.Failure{
		Kind: auth.Misconfigured, Code: "auth0_refused", Err: cause,
		Message: strings.TrimSpace(fmt.Sprintf("Auth0 refused the %s (HTTP %d %s)", a.call, a.status, cause.Code)),
		Hint:    "The tenant's log (Monitoring > Logs in the Auth0 dashboard) says why. The sign-in is kept.",
	}
}

// plainWord reports whether s may be shown: one short word of the kind that codes are made of.
func plainWord(s string) bool {
	return len(s) <= 64 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == ""
}
