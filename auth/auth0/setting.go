package auth0

// Stable words for the settings that doctor names and setup changes.
const (
	setDomain       = "domain"
	setCredentials  = "client_credentials"
	setApplication  = "application"
	setGrants       = "grants"
	setCallbacks    = "callbacks"
	setAPI          = "api"
	setOffline      = "offline_access"
	setMyAccount    = "my_account"
	setConsent      = "my_account_consent"
	setClientGrant  = "my_account_grant"
	setPolicy       = "refresh_policy"
	setRotation     = "rotation"
	setPurpose      = "purpose"
	setEnabled      = "enabled"
	setOwnKeys      = "own_keys"
	setUpstream     = "connection_offline"
	setApproval     = "approval_prompt"
	setMFA          = "mfa"
	setMyAccountMFA = "my_account_mfa"
	setConfirmation = "confirmation"
	setSignIn       = "sign_in"
	setAction       = "action"
	setConnected    = "connected"
	setScopes       = "scopes"
	setGoogleGrant  = "google_grant"
	setHolder       = "secret_holder"
	setAccount      = "account"

	setGoogleRedirect = "google_redirect"
	setGoogleTesting  = "google_testing"
	setGmailAPI       = "gmail_api"
)

// setting describes one thing that can be wrong, for people.
type setting struct {
	title  string
	where  string // what to click, or a variable
	advice string
}

// settingTexts describes every setting. {connection}, {callback} and {domain}
// are filled in.
var settingTexts = map[string]setting{
	setDomain:       {"address of the tenant", "AUTH0_DOMAIN", "Use one and the same host everywhere, the tenant's own or its custom domain, and look whether a proxy or a sign-in page of the network answers in its place."},
	setCredentials:  {"client id and secret", "AUTH0_CLIENT_ID, AUTH0_CLIENT_SECRET", "Copy both from Applications > your application > Settings, in the tenant that AUTH0_DOMAIN names."},
	setApplication:  {"kind of application", "Applications > your application > Settings > Application Type", "It has to be a first-party, OIDC-conformant Regular Web Application with a secret (Credentials > Authentication Method: Client Secret)."},
	setGrants:       {"grant types", "Applications > your application > Settings > Advanced Settings > Grant Types", "Tick Authorization Code, Refresh Token and Token Vault."},
	setCallbacks:    {"allowed callback URLs", "Applications > your application > Settings > Allowed Callback URLs", "Add {callback} exactly as it stands here."},
	setAPI:          {"the API that AUTH0_AUDIENCE names", "Applications > APIs", "Leave AUTH0_AUDIENCE out, or create an API with exactly this identifier and allow user access to the application."},
	setOffline:      {"offline access of the API", "Applications > APIs > the API that AUTH0_AUDIENCE names > Settings > Allow Offline Access", "Turn it on, or leave AUTH0_AUDIENCE out; then sign in again."},
	setMyAccount:    {"My Account API", "Applications > APIs > the banner of the My Account API > Activate", "Activate it, then sign in again."},
	setConsent:      {"consent of the My Account API", "Applications > APIs > Auth0 My Account API > Settings > Allow Skipping User Consent", "Turn it on, then sign in again."},
	setClientGrant:  {"access to the My Account API", "Applications > APIs > Auth0 My Account API > Applications > your application > User Access", "Authorize it for create, read and delete:me:connected_accounts, then sign in again."},
	setPolicy:       {"multi-resource refresh token", "Applications > your application > Settings > Multi-Resource Refresh Token", "Add the My Account API with its three connected_accounts scopes, then sign in again."},
	setRotation:     {"refresh token rotation", "Applications > your application > Settings > Refresh Token Rotation", "Turn off Allow Refresh Token Rotation, then sign in again."},
	setPurpose:      {"purpose of the connection", "Authentication > Social > {connection} > Purpose", "Choose Authentication and Connected Accounts for Token Vault."},
	setEnabled:      {"connection of the application", "Authentication > Social > {connection} > Applications", "Enable it for your application."},
	setOwnKeys:      {"own keys of the connection", "Authentication > Social > {connection} > Client ID and Client Secret", "Put in the id and secret of your own Google client instead of Auth0's developer keys, then connect again."},
	setUpstream:     {"offline access of the connection", "Authentication > Social > {connection} > Permissions > Offline Access", "Tick it, then connect again."},
	setApproval:     {"upstream parameters of the connection", "the connection's options.upstream_params, by the Management API", "Remove approval_prompt: Google does not take it together with prompt."},
	setMFA:          {"multi-factor policy of the tenant", "Security > Multi-factor Auth > Require Multi-factor Auth", "Set it to Never, or decide it in an Action at the login only; linkmail does not change this."},
	setMyAccountMFA: {"second factor of the My Account API", "Applications > APIs > Auth0 My Account API > Settings > Access Policy", "Use a policy that does not require a second factor; linkmail does not change this."},
	setConfirmation: {"confirmation page of the login", "Applications > your application > Settings", "With a loopback callback Auth0 shows one more page at the login; nothing has to be changed."},
	setSignIn:       {"the sign-in", "linkmail login", "Sign in again: run linkmail login or call a tool; with AUTH0_REFRESH_TOKEN put a fresh one there."},
	setAction:       {"Actions of the tenant", "Actions > Triggers > post-login", "Look for the Action that denies it; Monitoring > Logs names it."},
	setConnected:    {"the connected account", "linkmail login", "Connect the account: run linkmail login or call a tool. Signing in with Google is not enough, and the account has to be connected by the same Auth0 user."},
	setScopes:       {"permissions of the connected account", "linkmail login", "Connect again and leave the boxes on Google's page ticked."},
	setHolder:       {"what the broker does with the client secret", "the broker, for its operator", ""},
	setGoogleGrant:  {"Google's grant", "linkmail login", "Connect the account again; if it fails at once, compare the secret of the Google client with the one in Authentication > Social > {connection}."},

	setAccount: {"which account", "LINKMAIL_ACCOUNT", "Set it to the e-mail address of the account to use."},

	setGoogleRedirect: {"redirect URI of the Google client", "Google Cloud console > APIs & Services > Credentials > your client > Authorized redirect URIs", "It has to list {domain}/login/callback, and the client's type has to be Web application."},
	setGoogleTesting:  {"publishing status of the Google app", "Google Cloud console > APIs & Services > OAuth consent screen > Publishing status", "Publish the app: in Testing a grant dies after 7 days, and only the test users may give one. Then connect again."},
	setGmailAPI:       {"Gmail API of the Google project", "Google Cloud console > APIs & Services > Library > Gmail API > Enable", "Enable it in the project of the client that the connection uses; it takes a minute to show."},
}
