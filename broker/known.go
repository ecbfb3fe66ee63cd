package broker

import (
	"maps"
	"slices"
)

// known are the providers whose endpoints are common knowledge. What an
// operator configures comes first: with an issuer or an endpoint of its own a
// provider of the same name is another server, such as a GitLab of one's own.
var known = map[string]Provider{
	"google": {
		AuthURL:  "https://accounts.google.com/o/oauth2/v2/auth",
		TokenURL: "https://oauth2.googleapis.com/token",
		Issuer:   "https://accounts.google.com",
		Scopes:   []string{"openid", "email"},
		// Without both of them there is no refresh token, or only the first
		// time that a person agrees.
		Extra: map[string]string{"access_type": "offline", "prompt": "consent"},
	},
	"github": {
		AuthURL:  "https://github.com/login/oauth/authorize",
		TokenURL: "https://github.com/login/oauth/access_token",
		Scopes:   []string{"read:user"},
	},
	"slack": {
		AuthURL:  "https://slack.com/oauth/v2/authorize",
		TokenURL: "https://slack.com/api/oauth.v2.access",
		Scopes:   []string{"channels:read", "chat:write"},
	},
	"microsoft": {
		AuthURL:  "https://login.microsoftonline.com/common/oauth2/v2.0/authorize",
		TokenURL: "https://login.microsoftonline.com/common/oauth2/v2.0/token",
		Scopes:   []string{"openid", "email", "offline_access"},
	},
	"gitlab": {
		AuthURL:  "https://gitlab.com/oauth/authorize",
		TokenURL: "https://gitlab.com/oauth/token",
		Scopes:   []string{"read_user"},
	},
	"discord": {
		AuthURL:  "https://discord.com/oauth2/authorize",
		TokenURL: "https://discord.com/api/oauth2/token",
		Scopes:   []string{"identify"},
	},
	"spotify": {
		AuthURL:   "https://accounts.spotify.com/authorize",
		TokenURL:  "https://accounts.spotify.com/api/token",
		Scopes:    []string{"user-read-email"},
		BasicAuth: true,
	},
	// These two are somebody's own server: only the issuer is missing.
	"auth0":    {Scopes: []string{"openid", "email", "offline_access"}},
	"keycloak": {Scopes: []string{"openid", "email"}},
}

// KnownProviders lists the names of the providers that need no endpoints, or
// just an issuer. Every other OpenID provider needs its issuer, too.
func KnownProviders() []string { return slices.Sorted(maps.Keys(known)) }

// withDefaults fills in what an operator left out.
func withDefaults(name string, cfg Provider) Provider {
	preset, ok := known[name]
	if !ok {
		return cfg
	}
	if cfg.Issuer == "" && cfg.AuthURL == "" && cfg.TokenURL == "" {
		cfg.Issuer, cfg.AuthURL, cfg.TokenURL = preset.Issuer, preset.AuthURL, preset.TokenURL
		cfg.BasicAuth = cfg.BasicAuth || preset.BasicAuth
	}
	if len(cfg.Scopes) == 0 {
		cfg.Scopes = preset.Scopes
	}
	extra := maps.Clone(preset.Extra)
	if extra == nil {
		return cfg
	}
	maps.Copy(extra, cfg.Extra)
	cfg.Extra = extra
	return cfg
}
