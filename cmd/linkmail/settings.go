package main

import "strings"

// setting is one thing that can be configured, by flag, environment variable
// or configuration file, in this order. The tables in the help text and in the
// README are made of this list.
type setting struct {
	env  string
	flag string // in kebab case; a secret has only FLAG-file
	// kind is what the value is, for help texts: "text", "url", "switch",
	// "number", "directory", "choice" or "secret".
	kind string
	text string
	def  string // the default in words; empty if there is none
	// broker marks the settings of "linkmail broker".
	broker bool
}

func (s setting) secret() bool { return s.kind == "secret" }

// settings lists what can be configured. OAUTH_{PROVIDER}_* variables of the
// broker are not in it: their names depend on the provider.
var settings = []setting{
	{env: "LINKMAIL_AUTH", flag: "auth", kind: "choice", text: "how to reach the mailbox: token, auth0-token, auth0-oauth, auth0-linkauth, linkauth, google or demo"},
	{env: "AUTH0_DOMAIN", flag: "auth0-domain", kind: "url", text: "the Auth0 tenant; a scheme is allowed, http only on loopback"},
	{env: "AUTH0_CLIENT_ID", flag: "auth0-client-id", kind: "text", text: "the Auth0 application"},
	{env: "AUTH0_CLIENT_SECRET", flag: "auth0-client-secret", kind: "secret", text: "its client secret; not needed with LINKMAIL_AUTH0_VIA=vault"},
	{env: "AUTH0_AUDIENCE", flag: "auth0-audience", kind: "text", text: "an API identifier to send with the login; optional"},
	{env: "AUTH0_REFRESH_TOKEN", flag: "auth0-refresh-token", kind: "secret", text: "a refresh token of the Auth0 user, for auth0-token"},
	{env: "AUTH0_MANAGEMENT_TOKEN", flag: "auth0-management-token", kind: "secret", text: "a token of Auth0's Management API; read by doctor and setup only"},
	{env: "LINKAUTH_BROKER_URL", flag: "linkauth-broker-url", kind: "url", text: "the LinkAuth broker that talks to the browser"},
	{env: "LINKAUTH_API_KEY", flag: "linkauth-api-key", kind: "secret", text: "the key the broker gave you"},
	{env: "GOOGLE_CLIENT_ID", flag: "google-client-id", kind: "text", text: "your own Google client; needed by google, and by linkauth to renew sign-ins here"},
	{env: "GOOGLE_CLIENT_SECRET", flag: "google-client-secret", kind: "secret", text: "its client secret, where its type has one"},
	{env: "LINKMAIL_ACCOUNT", flag: "account", kind: "text", text: "the e-mail address of the Google account to use; another one is refused", def: "whichever the user chooses"},
	{env: "LINKMAIL_CONNECTIONS", flag: "connections", kind: "text", text: "Auth0 connections of services: NAME=CONNECTION,... each with OAuth scopes after it if need be, separated by spaces", def: "google-oauth2 for Google's services, sign-in-with-slack, github, windowslive"},
	{env: "LINKMAIL_CALLBACK_PORT", flag: "callback-port", kind: "number", text: "port of 127.0.0.1 that the browser comes back to, in auth0-oauth and google", def: "18484 for auth0-oauth, a free one for google"},
	{env: "LINKMAIL_GOOGLE_ENDPOINT", flag: "google-endpoint", kind: "url", text: "root of Google's OAuth endpoints, for a stand-in", def: "Google's own"},
	{env: "LINKMAIL_GMAIL_TOKEN", flag: "gmail-token", kind: "secret", text: "a Google access token, for token"},
	{env: "LINKMAIL_GMAIL_ENDPOINT", flag: "gmail-endpoint", kind: "url", text: "root of the Gmail API", def: "https://gmail.googleapis.com/"},
	{env: "LINKMAIL_GMAIL_UNITS", flag: "gmail-units", kind: "number", text: "Gmail quota units that may be spent a minute, for Google Cloud projects with another quota, such as the 15000 of those from before May 2026; counted by each process for itself, so every call starts with all of it", def: "6000"},
	{env: "LINKMAIL_AUTH0_VIA", flag: "auth0-via", kind: "choice", text: "how to reach Auth0: direct, broker (through the broker's proxy, which then sees what passes), auto (direct, and the broker only where direct connections are blocked) or vault (as auto, but what takes AUTH0_CLIENT_SECRET is done by the broker, which then has it in place of this machine and sees the refresh token; with auth0-linkauth)", def: "auto"},
	{env: "LINKMAIL_CACHE_DIR", flag: "cache-dir", kind: "directory", text: "where the sealed login is kept", def: "linkmail in the user's cache directory"},
	{env: "LINKMAIL_KEY", flag: "key", kind: "secret", text: "key that seals the cache, base64 of 32 bytes", def: "from the OS keyring, else a key file that linkmail creates"},
	{env: "LINKMAIL_STORE", flag: "store", kind: "choice", text: "where the cache is kept: file, or redis://[user:password@]host[:port][/database] (rediss:// for TLS) for machines that share a sign-in; needs LINKMAIL_KEY", def: "file"},
	{env: "LINKMAIL_READ_ONLY", flag: "read-only", kind: "switch", text: "offer no tool that changes or sends anything", def: "false"},
	{env: "LINKMAIL_TOOLSETS", flag: "toolsets", kind: "choice", text: "tools beside the default ones, comma-separated: compose, labels, settings, sync or all", def: "none"},
	{env: "LINKMAIL_DOWNLOADS", flag: "downloads", kind: "directory", text: "the one directory that attachments may be saved to and attached from; not used with serve --http", def: "none, so nothing is saved"},
	{env: "LINKMAIL_SEND", flag: "send", kind: "choice", text: "what a send needs: confirm (the user's yes: in a form of the client, or by a second call with a token for exactly this mail), draft (only drafts are written), allow:PATTERN,... (addresses and *@domain without asking, others confirm) or direct", def: "confirm"},
	{env: "LINKMAIL_DAILY_SENDS", flag: "daily-sends", kind: "number", text: "mails that may be sent within 24 hours; 0 means no limit", def: "100"},
	{env: "LINKMAIL_LOG_LEVEL", flag: "log-level", kind: "choice", text: "trace, debug, info, warn, error or off", def: "info, and warn for call"},
	{env: "LINKMAIL_LOG_FORMAT", flag: "log-format", kind: "choice", text: "console or json, on standard error", def: "console"},

	{env: "LINKAUTH_BASE_URL", flag: "base-url", kind: "url", text: "the broker's address as browsers see it", def: "http://LISTEN with --dev", broker: true},
	{env: "LINKAUTH_API_KEYS", flag: "api-keys", kind: "secret", text: "keys of agents, comma-separated, each KEY or NAME:KEY", broker: true},
	{env: "LINKAUTH_KEYS_FILE", flag: "keys-file", kind: "file", text: "hashed keys of agents, as \"linkmail broker keys\" writes them; changes take effect at once", def: "broker-keys.json in linkmail's data directory; none with --dev", broker: true},
	{env: "LINKAUTH_STORE", flag: "store", kind: "choice", text: "where sessions are kept: memory, sqlite:PATH, or redis://[user:password@]host[:port][/database] (rediss:// for TLS; several brokers on one Redis are one)", def: "sqlite: and broker.db in linkmail's data directory; memory with --dev", broker: true},
	{env: "LINKAUTH_KEY", flag: "key", kind: "secret", text: "key that seals what is stored, base64 of 32 bytes; required with Redis, the same for all brokers", def: "with SQLite a key file beside the database, which linkmail creates", broker: true},
	{env: "LINKAUTH_SESSIONS_PER_MINUTE", flag: "sessions-per-minute", kind: "number", text: "new sessions a minute per key and address; 0 means no limit", def: "30", broker: true},
	{env: "LINKAUTH_MAX_SESSIONS", flag: "max-sessions", kind: "number", text: "open sessions at most", def: "20000", broker: true},
	{env: "LINKAUTH_TRUSTED_PROXIES", flag: "trusted-proxies", kind: "addresses", text: "reverse proxies whose X-Forwarded-For is believed, addresses or networks (CIDR), comma-separated", def: "none", broker: true},
	{env: "LINKAUTH_CALLBACK_ALLOW", flag: "callback-allow", kind: "hosts", text: "hosts that a session may have its credential delivered to, comma-separated, exact or *.suffix", def: "every public address", broker: true},
	{env: "LINKAUTH_PROFILE", flag: "profile", kind: "choice", text: "whose spelling to follow where the LinkAuth draft and its first implementation differ: reference or draft", def: "reference", broker: true},
	{env: "LINKAUTH_EXPIRED_AS_STATUS", flag: "expired-as-status", kind: "switch", text: "answer the poll of an expired session with that status instead of 404, for clients that take a 404 for a passing fault", def: "false", broker: true},
	{env: "LINKMAIL_LOG_LEVEL", flag: "log-level", kind: "choice", text: "trace, debug, info, warn, error or off", def: "info", broker: true},
	{env: "LINKMAIL_LOG_FORMAT", flag: "log-format", kind: "choice", text: "console or json, on standard error", def: "console", broker: true},
}

// settingsFor returns the settings of the broker or of everything else.
func settingsFor(broker bool) []setting {
	var list []setting
	for _, s := range settings {
		if s.broker == broker {
			list = append(list, s)
		}
	}
	return list
}

// secretNamed finds a secret setting by its flag.
func secretNamed(flag string) (setting, bool) {
	for _, s := range settings {
		if s.flag == flag && s.secret() {
			return s, true
		}
	}
	return setting{}, false
}

// configHelp is what "linkmail help config" prints.
func configHelp() string {
	var b strings.Builder
	b.WriteString("Every setting is a flag, an environment variable or a key of the TOML file that\n--config names, in this order. A secret has no flag; it may be read from a file\nwith VARIABLE_FILE or --FLAG-file.\n")
	for _, broker := range []bool{false, true} {
		b.WriteString("\n")
		if broker {
			b.WriteString("For linkmail broker (and OAUTH_{PROVIDER}_CLIENT_ID, _CLIENT_SECRET, _ISSUER,\n_AUTH_URL, _TOKEN_URL, _REVOCATION_URL, _SCOPES, _OWN_CALLBACK, _BASIC_AUTH,\n_AUDIENCES, _CONNECTIONS for each OAuth provider):\n\n")
		}
		for _, s := range settingsFor(broker) {
			name := "--" + s.flag
			if s.secret() {
				name += "-file"
			}
			b.WriteString("  " + s.env + ", " + name + "\n      " + s.text)
			if s.def != "" {
				b.WriteString(" (default: " + s.def + ")")
			}
			b.WriteString("\n")
		}
	}
	return strings.TrimRight(b.String(), "\n")
}
