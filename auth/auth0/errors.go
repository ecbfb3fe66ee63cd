package auth0

import (
	"errors"
	"fmt"
	"strings"

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

// rule names the setting behind a refusal. The fields before verdict select;
// an empty one matches everything. The documentation leaves several statuses
// and codes open, so texts are matched where they are the most telling.
type rule struct {
	call   string // the call, if it matters
	status int
	code   string
	text   string // part of the description, in lower case

	decision error // for the state machine; the rest is for people
	kind     auth.Kind
	name     string // the failure's code
	message  string
	hint     string
}

// Calls, as they appear in messages.
const (
	callExchange = "token exchange"
	callRefresh  = "token refresh"
	callConnect  = "connect request"
	callComplete = "completion of the connect request"
)

const (
	hintPurpose = "in the Auth0 dashboard, Authentication > Social > {connection}: Purpose has to include Connected Accounts for Token Vault, and the application has to be enabled there"
	hintPolicy  = "in the Auth0 dashboard, Applications > your application > Settings > Multi-Resource Refresh Token: add the My Account API with its connected_accounts scopes, then sign in again"
	hintAPI     = "in the Auth0 dashboard, Applications > APIs: activate the My Account API and authorize the application for its connected_accounts scopes"
)

// rules is read from the top; the first that matches decides.
var rules = []rule{
	// Texts first: they name the setting, whatever status and code come with them.
	{
		text: "token vault is not enabled", kind: auth.Misconfigured, name: "connection_purpose",
		message: "the Auth0 connection {connection} is not set up for Token Vault", hint: hintPurpose,
	},
	{
		text: "rotating refresh token not supported", kind: auth.Misconfigured, name: "rotation_on",
		message: "the Auth0 application rotates refresh tokens, which Token Vault does not support",
		hint:    "in the Auth0 dashboard, Applications > your application > Settings: turn off Allow Refresh Token Rotation, then sign in again",
	},
	{
		text: "not a resource server", kind: auth.Misconfigured, name: "client_type",
		message: "the Auth0 application is not of the kind that may do this exchange",
		hint:    "AUTH0_CLIENT_ID has to name a Regular Web Application",
	},
	{
		text: "not authorized to access resource server", kind: auth.Misconfigured, name: "client_grant_missing",
		message: "the Auth0 application is not authorized for the My Account API", hint: hintAPI,
	},
	{
		text: "service not found", kind: auth.Misconfigured, name: "my_account_inactive",
		message: "the tenant has no API {audience}", hint: hintAPI,
	},
	{
		code: "invalid_target", kind: auth.Misconfigured, name: "mrrt_missing",
		message: "the refresh token may not be used for the My Account API {audience}", hint: hintPolicy,
	},
	{
		text: "refresh token policy", kind: auth.Misconfigured, name: "mrrt_missing",
		message: "the refresh token may not be used for the My Account API {audience}", hint: hintPolicy,
	},
	{
		code: "mfa_required", kind: auth.Misconfigured, name: "mfa_required",
		message: "the tenant asks for a second factor on every use of the refresh token, which nobody is there to give",
		hint:    "in the Auth0 dashboard, Security > Multi-factor Auth: set Require Multi-factor Auth to Never, or decide it in an Action at the login only",
	},
	{
		code: "unmet_authentication_requirements", kind: auth.Misconfigured, name: "my_account_mfa",
		message: "the My Account API asks for a recent second factor", hint: "in the Auth0 dashboard, Applications > APIs > My Account API: use a policy that does not require a second factor",
	},

	// What the vault says of the person's accounts.
	{code: "federated_connection_refresh_token_not_found", decision: errNotConnected},
	{code: "user_not_found", decision: errNotConnected},
	{code: "federated_connection_refresh_token_flow_failed", decision: errGrantDead},

	// The application.
	{
		call: callExchange, code: "unauthorized_client", kind: auth.Misconfigured, name: "grant_missing",
		message: "the Auth0 application may not use the Token Vault grant",
		hint:    "in the Auth0 dashboard, Applications > your application > Advanced Settings > Grant Types: tick Token Vault; the application has to be a first-party Regular Web Application",
	},
	{
		call: callRefresh, code: "unauthorized_client", kind: auth.Misconfigured, name: "grant_missing",
		message: "the Auth0 application may not use the refresh token grant",
		hint:    "in the Auth0 dashboard, Applications > your application > Advanced Settings > Grant Types: tick Refresh Token",
	},
	{
		code: "invalid_client", kind: auth.Refused, name: "client_refused",
		message: "Auth0 refused AUTH0_CLIENT_ID with AUTH0_CLIENT_SECRET",
		hint:    "copy both from the application's settings; they have to be of the tenant that AUTH0_DOMAIN names. The sign-in is kept",
	},
	{
		status: 401, code: "access_denied", kind: auth.Refused, name: "client_refused",
		message: "Auth0 refused AUTH0_CLIENT_ID with AUTH0_CLIENT_SECRET",
		hint:    "copy both from the application's settings; they have to be of the tenant that AUTH0_DOMAIN names. The sign-in is kept",
	},

	// The refresh token itself. Nothing else may discard it.
	{code: "invalid_grant", decision: errLoginDead},
	{code: "expired_token", decision: errLoginDead},

	{
		code: "access_denied", kind: auth.Denied, name: "policy_denied",
		message: "a rule of the Auth0 tenant denied the {call}",
		hint:    "look for a post-login Action that denies it; the tenant's log (Monitoring > Logs) says which",
	},
	{
		call: callExchange, code: "invalid_request", kind: auth.Misconfigured, name: "connection_unknown",
		message: "Auth0 does not accept a token exchange for the connection {connection}",
		hint:    "check the name of the connection; " + hintPurpose,
	},
}

// myAccountRules names the setting behind a refusal of the My Account API.
var myAccountRules = []rule{
	{
		status: 401, kind: auth.Misconfigured, name: "my_account_token_refused",
		message: "the My Account API refused a token that was issued for {audience}",
		hint:    "AUTH0_DOMAIN has to be one and the same host everywhere: do not mix the tenant's canonical domain with a custom one",
	},
	{
		status: 403, kind: auth.Misconfigured, name: "my_account_scope",
		message: "the application lacks the connected_accounts scopes of the My Account API", hint: hintAPI,
	},
	{
		call: callConnect, status: 404, kind: auth.Misconfigured, name: "connection_unavailable",
		message: "the My Account API knows no connection {connection} for this application, or is not active", hint: hintPurpose + "; " + hintAPI,
	},
	{
		call: callConnect, status: 400, kind: auth.Misconfigured, name: "connect_refused",
		message: "the My Account API did not accept the connect request",
		hint:    "{callback} has to be among the application's Allowed Callback URLs, and the scopes have to be ones that {connection} knows",
	},
	{call: callComplete, status: 404, decision: errConnectGone},
	{call: callComplete, status: 409, decision: errConnectGone},
	{
		call: callComplete, status: 400, kind: auth.Misconfigured, name: codeNotCompleted,
		message: "the My Account API did not accept what the browser came back with",
		hint:    "call again for a fresh link; if it happens again, the tenant's log (Monitoring > Logs) says why",
	},
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

// passing returns the failure for an answer that says "not now".
func (s *pass) passing(a answer) error {
	failure := &auth.Failure{
		Kind: auth.Unavailable, RetryAfter: retryAfter(a.header, s.p.cfg.Now()),
		Err: &ResponseError{Call: a.call, Status: a.status},
	}
	switch {
	case a.status == 429:
		failure.Code = "auth0_busy"
		failure.Message = "Auth0 limits how often it may be asked, and the limit is reached"
		failure.Hint = "try again later. The sign-in is kept"
	case a.status >= 500:
		failure.Code = "auth0_unavailable"
		failure.Message = fmt.Sprintf("Auth0 cannot answer the %s now (HTTP %d)", a.call, a.status)
		failure.Hint = "try again. The sign-in is kept"
	case a.status < 400: // a redirect: the tenant's API has none
		failure.Code = "auth0_not_reached"
		failure.Message = fmt.Sprintf("something other than Auth0 answered the %s (HTTP %d)", a.call, a.status)
		failure.Hint = "check AUTH0_DOMAIN, and whether a proxy or a sign-in page of the network stands in between. The sign-in is kept"
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
	fill := strings.NewReplacer(
		"{connection}", s.connection, "{audience}", s.p.audience(), "{callback}", s.p.callback(), "{call}", a.call)
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
		Hint:    "the tenant's log (Monitoring > Logs in the Auth0 dashboard) says why. The sign-in is kept",
	}
}

// plainWord reports whether s may be shown: one short word of the kind that codes are made of.
func plainWord(s string) bool {
	return len(s) <= 64 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == ""
}
