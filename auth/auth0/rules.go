package auth0

import "linkmail/auth"

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
	hintPurpose = "In the Auth0 dashboard, Authentication > Social > {connection}: Purpose has to include Connected Accounts for Token Vault, and the application has to be enabled there."
	hintPolicy  = "In the Auth0 dashboard, Applications > your application > Settings > Multi-Resource Refresh Token: add the My Account API with its connected_accounts scopes, then sign in again."
	hintAPI     = "In the Auth0 dashboard, Applications > APIs: activate the My Account API and authorize the application for its connected_accounts scopes."
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
		hint:    "In the Auth0 dashboard, Applications > your application > Settings: turn off Allow Refresh Token Rotation, then sign in again.",
	},
	{
		text: "not a resource server", kind: auth.Misconfigured, name: "client_type",
		message: "the Auth0 application is not of the kind that may do this exchange",
		hint:    "AUTH0_CLIENT_ID has to name a Regular Web Application.",
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
		hint:    "In the Auth0 dashboard, Security > Multi-factor Auth: set Require Multi-factor Auth to Never, or decide it in an Action at the login only.",
	},
	{
		code: "unmet_authentication_requirements", kind: auth.Misconfigured, name: "my_account_mfa",
		message: "the My Account API asks for a recent second factor", hint: "In the Auth0 dashboard, Applications > APIs > My Account API: use a policy that does not require a second factor.",
	},

	// What the vault says of the person's accounts.
	{code: "federated_connection_refresh_token_not_found", decision: errNotConnected},
	{code: "user_not_found", decision: errNotConnected},
	{code: "federated_connection_refresh_token_flow_failed", decision: errGrantDead},

	// The application.
	{
		call: callExchange, code: "unauthorized_client", kind: auth.Misconfigured, name: "grant_missing",
		message: "the Auth0 application may not use the Token Vault grant",
		hint:    "In the Auth0 dashboard, Applications > your application > Advanced Settings > Grant Types: tick Token Vault; the application has to be a first-party Regular Web Application.",
	},
	{
		call: callRefresh, code: "unauthorized_client", kind: auth.Misconfigured, name: "grant_missing",
		message: "the Auth0 application may not use the refresh token grant",
		hint:    "In the Auth0 dashboard, Applications > your application > Advanced Settings > Grant Types: tick Refresh Token.",
	},
	{
		code: "invalid_client", kind: auth.Refused, name: "client_refused",
		message: "Auth0 refused {client}",
		hint:    "Copy both from the application's settings{client_place}; they have to be of the tenant that AUTH0_DOMAIN names. The sign-in is kept.",
	},
	{
		status: 401, code: "access_denied", kind: auth.Refused, name: "client_refused",
		message: "Auth0 refused {client}",
		hint:    "Copy both from the application's settings{client_place}; they have to be of the tenant that AUTH0_DOMAIN names. The sign-in is kept.",
	},

	// The refresh token itself. Nothing else may discard it.
	{code: "invalid_grant", decision: errLoginDead},
	{code: "expired_token", decision: errLoginDead},

	{
		code: "access_denied", kind: auth.Denied, name: "policy_denied",
		message: "a rule of the Auth0 tenant denied the {call}",
		hint:    "Look for a post-login Action that denies it; the tenant's log (Monitoring > Logs) says which.",
	},
	{
		call: callExchange, code: "invalid_request", kind: auth.Misconfigured, name: "connection_unknown",
		message: "Auth0 does not accept a token exchange for the connection {connection}",
		hint:    "Check the name of the connection. " + hintPurpose,
	},
}

// myAccountRules names the setting behind a refusal of the My Account API.
var myAccountRules = []rule{
	{
		status: 401, kind: auth.Misconfigured, name: "my_account_token_refused",
		message: "the My Account API refused a token that was issued for {audience}",
		hint:    "AUTH0_DOMAIN has to be one and the same host everywhere: do not mix the tenant's canonical domain with a custom one.",
	},
	{
		status: 403, kind: auth.Misconfigured, name: "my_account_scope",
		message: "the application lacks the connected_accounts scopes of the My Account API", hint: hintAPI,
	},
	{
		call: callConnect, status: 404, kind: auth.Misconfigured, name: "connection_unavailable",
		message: "the My Account API knows no connection {connection} for this application, or is not active", hint: hintPurpose + " " + hintAPI,
	},
	{
		call: callConnect, status: 400, kind: auth.Misconfigured, name: "connect_refused",
		message: "the My Account API did not accept the connect request",
		hint:    "The callback URL {callback} has to be among the application's Allowed Callback URLs, and the scopes have to be ones that {connection} knows.",
	},
	{call: callComplete, status: 404, decision: errConnectGone},
	{call: callComplete, status: 409, decision: errConnectGone},
	{
		call: callComplete, status: 400, kind: auth.Misconfigured, name: codeNotCompleted,
		message: "the My Account API did not accept what the browser came back with",
		hint:    "Call again for a fresh link; if it happens again, the tenant's log (Monitoring > Logs) says why.",
	},
}
