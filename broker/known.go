package broker

import (
	"cmp"
	"maps"
	"slices"
)

// known are the providers whose endpoints are common knowledge. What an
// operator configures comes first: with an issuer or an endpoint of its own a
// provider of the same name is another server, such as a GitLab of one's own.
var known = map[string]Provider{
	"google": at("https://accounts.google.com/o/oauth2/v2/auth",
		"https://oauth2.googleapis.com/token", "openid", "email"),
	"github": at("https://github.com/login/oauth/authorize",
		"https://github.com/login/oauth/access_token", "read:user"),
	"slack": at("https://slack.com/oauth/v2/authorize",
		"https://slack.com/api/oauth.v2.access", "channels:read", "chat:write"),
	"microsoft": at("https://login.microsoftonline.com/common/oauth2/v2.0/authorize",
		"https://login.microsoftonline.com/common/oauth2/v2.0/token", "openid", "email", "offline_access"),
	"gitlab": at("https://gitlab.com/oauth/authorize",
		"https://gitlab.com/oauth/token", "read_user"),
	"discord": at("https://discord.com/oauth2/authorize",
		"https://discord.com/api/oauth2/token", "identify"),
	"spotify": at("https://accounts.spotify.com/authorize",
		"https://accounts.spotify.com/api/token", "user-read-email"),
	// These two are somebody's own server: only the issuer is missing.
	"auth0":    {Scopes: []string{"openid", "email", "offline_access"}},
	"keycloak": {Scopes: []string{"openid", "email"}},
}

// at is a provider by its authorization and token endpoints.
func at(auth, token string, scopes ...string) Provider {
	p := Provider{AuthURL: auth, Scopes: scopes}
	p.TokenURL = token
	return p
}

// peculiar completes those that have a way of their own.
func peculiar(name string, p Provider) Provider {
	switch name {
	case "google":
		p.Issuer = "https://accounts.google.com"
		// Without both of them there is no refresh token, or only the first
		// time that a person agrees.
		p.Extra = map[string]string{"access_type": "offline", "prompt": "consent"}
	case "spotify":
		p.BasicAuth = true
	}
	p.RevocationURL = revocations[name]
	return p
}

// revocations are where tokens of those are given back that have a place for
// it. Microsoft and Spotify have none.
var revocations = map[string]string{
	"google":  "https://oauth2.googleapis.com/revoke",
	"github":  "https://api.github.com/applications/{client_id}/token",
	"slack":   "https://slack.com/api/auth.revoke",
	"gitlab":  "https://gitlab.com/oauth/revoke",
	"discord": "https://discord.com/api/oauth2/token/revoke",
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
	preset = peculiar(name, preset)
	if cfg.Issuer == "" && cfg.AuthURL == "" && cfg.TokenURL == "" {
		cfg.Issuer, cfg.AuthURL, cfg.TokenURL = preset.Issuer, preset.AuthURL, preset.TokenURL
		cfg.BasicAuth = cfg.BasicAuth || preset.BasicAuth
		cfg.RevocationURL = cmp.Or(cfg.RevocationURL, preset.RevocationURL)
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
