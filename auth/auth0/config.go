// Package auth0 hands out the access tokens of connected services, Google
// first, over one Auth0 login and Auth0's Token Vault.
//
// The vault keeps the refresh tokens of the services; linkmail keeps one Auth0
// refresh token and exchanges it for a short-lived service token. Two things
// may need a person before that works: the login that yields the Auth0 refresh
// token, and the consent that puts the service into the vault ("Connected
// Accounts" of Auth0's My Account API). Both go through an [auth.Connector]
// and both are absorbed here:
//
//	cached token
//	  -> refresh token, configured or stored        -> or a login
//	  -> pending consent, if one was begun          -> finish it
//	  -> exchange at the vault                      -> a token, done
//	  -> not connected, or the grant is dead        -> begin a consent
//
// Every step is in the cache before anyone acts on it, so a process that is
// killed at any point is resumed by the next one. One call shows a person at
// most one fresh link, and a setting that is wrong at Auth0 is named instead
// of asking the person again and again.
package auth0

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"linkmail/auth"
	"linkmail/cache"
	"linkmail/internal/secret"
)

// Config configures a [Provider].
type Config struct {
	// Domain is the tenant's host, canonical or custom, for example
	// "example.eu.auth0.com". It may carry a scheme; http is accepted for
	// loopback addresses only. Required.
	Domain string
	// ClientID and ClientSecret are those of a confidential application. Both
	// are required, the secret only where there is no Holder.
	ClientID     string
	ClientSecret secret.Text
	// Holder asks the tenant with the application's secret, for an agent that is
	// not to have it; ClientSecret is not used then. Nil: it is asked with
	// ClientSecret from here.
	Holder auth.SecretHolder
	// Audience is the identifier of an API that the login asks for; empty
	// means that none is asked for.
	Audience string
	// RefreshToken is an Auth0 refresh token from the configuration. It takes
	// the place of the login. Required without a Connector.
	RefreshToken secret.Text
	// Connector is the way to a person. Without one, whatever would need a
	// person is a failure that names AUTH0_REFRESH_TOKEN.
	Connector auth.Connector
	// OAuthProvider is the connector's name for this tenant; default "auth0".
	OAuthProvider string
	// Connections names the Auth0 connection of each service. Entries replace
	// or extend the defaults: gmail, google, google-calendar and google-drive
	// on google-oauth2, slack on sign-in-with-slack, github on github and
	// microsoft on windowslive.
	Connections map[string]string
	// Scopes lists what to ask a connection for on behalf of a service.
	// Entries replace or extend the defaults, which cover the Google services;
	// a service without an entry gets what the connection is set up with.
	Scopes map[string][]string
	// Account is the e-mail address of the Google account that is expected;
	// empty means whichever the person chooses, as long as it is only one.
	// Sign-ins for different accounts are kept apart.
	Account string
	// Owner asks a service whose token it is. Required with Account.
	Owner auth.Owner
	// Store keeps refresh tokens, pending steps and service tokens. Required.
	Store cache.Store
	// HTTP sends the requests to the tenant; nil means a client with a
	// time-out of 15 seconds. It is copied; redirects are never followed.
	HTTP *http.Client
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// googleConnection is what Auth0 calls the connection of Google, and the kind
// of others that a tenant may have.
const googleConnection = "google-oauth2"

func defaultConnections() map[string]string {
	return map[string]string{
		"gmail":           googleConnection,
		"google":          googleConnection,
		"google-calendar": googleConnection,
		"google-drive":    googleConnection,
		"slack":           "sign-in-with-slack",
		"github":          "github",
		"microsoft":       "windowslive",
	}
}

// defaultScopes asks for the least that the default tools need: gmail.modify
// alone reads, labels, trashes, drafts and sends. openid and profile are what
// Auth0 requires of a Google connection.
func defaultScopes() map[string][]string {
	const google = "https://www.googleapis.com/auth/"
	return map[string][]string{
		"gmail":           {"openid", "profile", "email", google + "gmail.modify"},
		"google":          {"openid", "profile", "email"},
		"google-calendar": {"openid", "profile", "email", google + "calendar"},
		"google-drive":    {"openid", "profile", "email", google + "drive.readonly"},
	}
}

// Services lists the services that there is a connection for.
func (cfg Config) Services() []string {
	all := defaultConnections()
	maps.Copy(all, cfg.Connections)
	return slices.Sorted(maps.Keys(all))
}

// withDefaults returns a checked copy of cfg and the tenant's base URL,
// without a trailing slash. It names everything that is wrong at once.
func (cfg Config) withDefaults() (Config, string, error) {
	base, err := tenantURL(cfg.Domain)
	problems := []error{err}
	if cfg.ClientID == "" {
		problems = append(problems, errors.New("auth0: the client id is missing (AUTH0_CLIENT_ID)"))
	}
	if cfg.ClientSecret.IsZero() && cfg.Holder == nil {
		problems = append(problems, errors.New("auth0: the client secret is missing (AUTH0_CLIENT_SECRET)"))
	}
	if cfg.Connector == nil && cfg.RefreshToken.IsZero() {
		problems = append(problems, errors.New("auth0: without a way to a person a refresh token is needed (AUTH0_REFRESH_TOKEN)"))
	}
	if cfg.Store == nil {
		problems = append(problems, errors.New("auth0: a store is needed"))
	}
	if err := errors.Join(problems...); err != nil {
		return Config{}, "", err
	}
	if cfg.OAuthProvider == "" {
		cfg.OAuthProvider = "auth0"
	}
	connections, scopes := defaultConnections(), defaultScopes()
	maps.Copy(connections, cfg.Connections)
	maps.Copy(scopes, cfg.Scopes)
	cfg.Connections, cfg.Scopes = connections, scopes
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	cfg.HTTP = auth.NoRedirects(cfg.HTTP)
	return cfg, base, nil
}

// tenantURL turns a domain into scheme://host[:port].
func tenantURL(domain string) (string, error) {
	if domain == "" {
		return "", errors.New("auth0: the domain is missing (AUTH0_DOMAIN)")
	}
	raw := domain
	if !strings.Contains(raw, "://") {
		raw = "https://" + raw
	}
	u, err := url.Parse(raw)
	if err != nil || u.Hostname() == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return "", errors.New("auth0: AUTH0_DOMAIN has to be a host such as example.eu.auth0.com, without a path")
	}
	switch {
	case u.Scheme == "https":
	case u.Scheme == "http" && auth.Loopback(u.Hostname()):
	case u.Scheme == "http":
		return "", errors.New("auth0: AUTH0_DOMAIN may use http on a loopback address only")
	default:
		return "", fmt.Errorf("auth0: AUTH0_DOMAIN may not use the scheme %q", u.Scheme)
	}
	return u.Scheme + "://" + strings.ToLower(u.Host), nil
}
