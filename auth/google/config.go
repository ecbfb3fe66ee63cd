// Package google hands out access tokens of Google's services over the user's
// own OAuth client, without Auth0 in between.
//
// One sign-in at Google covers every service that was consented to; a service
// that was not is asked for together with all those before, because a consent
// replaces the one before it. The refresh token is kept in the store, renewed
// when Google gives a new one, and discarded only when Google itself declares
// it dead. Whether the person is reached through a local browser or through a
// LinkAuth broker makes no difference here: see [auth.Connector].
package google

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"time"

	"linkmail/auth"
	"linkmail/cache"
	"linkmail/internal/secret"
)

// The endpoints of Google, which [Config] takes where it names none.
const (
	AuthURL   = "https://accounts.google.com/o/oauth2/v2/auth"
	TokenURL  = "https://oauth2.googleapis.com/token" //nolint:gosec // an address, not a credential
	RevokeURL = "https://oauth2.googleapis.com/revoke"
	// Issuer is what Google's callbacks carry as iss.
	Issuer = "https://accounts.google.com"
)

// Refresher renews an access token by other means than the client of the
// configuration, for example by a broker that keeps the client's secret. Its
// errors are those of [auth.TokenEndpoint.Ask], and [auth.ErrCannotRenew].
type Refresher func(ctx context.Context, refreshToken secret.Text) (auth.TokenAnswer, error)

// Config configures a [Provider].
type Config struct {
	// ClientID and ClientSecret are those of the OAuth client that the
	// connector signs in with. Desktop and web clients have a secret. Without
	// an id, and without a Refresher, nothing can be renewed: the person is
	// asked again when an access token has run out.
	ClientID     string
	ClientSecret secret.Text
	// Connector is the way to a person. Required.
	Connector auth.Connector
	// OAuthProvider is the connector's name for Google; default "google".
	OAuthProvider string
	// Scopes lists the OAuth scopes of each service. Entries replace or extend
	// the defaults: gmail, google, google-calendar and google-drive.
	Scopes map[string][]string
	// Refresh, unless nil, renews access tokens in place of the client.
	Refresh Refresher
	// Account is the e-mail address of the Google account that is expected;
	// empty means whichever the person chooses. Sign-ins for different
	// accounts are kept apart.
	Account string
	// Owner asks a service whose token it is, for a sign-in that brings no ID
	// token. Used only with Account.
	Owner auth.Owner
	// TokenURL and RevokeURL are Google's endpoints; empty means Google's own.
	TokenURL, RevokeURL string
	// Store keeps the sign-in and the access token. Required.
	Store cache.Store
	// HTTP sends the requests to Google; nil means a client with a time-out of
	// 15 seconds.
	HTTP *http.Client
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// identityScopes make Google say who signed in.
var identityScopes = []string{"openid", "email"}

func defaultScopes() map[string][]string {
	const google = "https://www.googleapis.com/auth/"
	return map[string][]string{
		"gmail":           {google + "gmail.modify"},
		"google":          {"profile"},
		"google-calendar": {google + "calendar"},
		"google-drive":    {google + "drive.readonly"},
	}
}

// Services lists the services that the OAuth scopes are known of.
func (cfg Config) Services() []string {
	all := defaultScopes()
	maps.Copy(all, cfg.Scopes)
	return slices.Sorted(maps.Keys(all))
}

func (cfg Config) withDefaults() (Config, error) {
	var problems []error
	if cfg.Connector == nil {
		problems = append(problems, errors.New("google: a way to a person is needed"))
	}
	if cfg.Store == nil {
		problems = append(problems, errors.New("google: a store is needed"))
	}
	if err := errors.Join(problems...); err != nil {
		return Config{}, err
	}
	if cfg.OAuthProvider == "" {
		cfg.OAuthProvider = "google"
	}
	scopes := defaultScopes()
	maps.Copy(scopes, cfg.Scopes)
	cfg.Scopes = scopes
	if cfg.TokenURL == "" {
		cfg.TokenURL = TokenURL
	}
	if cfg.RevokeURL == "" {
		cfg.RevokeURL = RevokeURL
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return cfg, nil
}
