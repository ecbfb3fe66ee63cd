package auth0

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

func lookAPI(t *tenant) (have, want string, state State) {
	want = "an API with the identifier " + t.m.cfg.Audience
	if t.api == nil || t.api.Identifier != t.m.cfg.Audience {
		return "no such API", want, Wrong
	}
	return want, want, Right
}

func changeAPI(ctx context.Context, t *tenant) error {
	return t.m.call(ctx, "create the API that AUTH0_AUDIENCE names", http.MethodPost, "resource-servers", map[string]any{
		"name": "linkmail", "identifier": t.m.cfg.Audience, "signing_alg": "RS256",
		"allow_offline_access": true, "skip_consent_for_verifiable_first_party_clients": true,
	}, nil)
}

func lookOffline(t *tenant) (have, want string, state State) {
	return onOff(t.api.Offline), "on", stateOf(t.api.Offline)
}

func changeOffline(ctx context.Context, t *tenant) error {
	return t.m.call(ctx, "allow offline access", http.MethodPatch, "resource-servers/"+url.PathEscape(t.api.ID),
		map[string]any{"allow_offline_access": true}, nil)
}

func lookMyAccount(t *tenant) (have, want string, state State) {
	if t.mine == nil {
		return "not active", "active", Wrong
	}
	return "active", "active", Right
}

// changeMyAccount tries what the dashboard's banner does. Not every tenant lets
// the Management API do it.
func changeMyAccount(ctx context.Context, t *tenant) error {
	return t.m.call(ctx, "activate the My Account API", http.MethodPost, "resource-servers", map[string]any{
		"name": "Auth0 My Account API", "identifier": t.m.audience(), "skip_consent_for_verifiable_first_party_clients": true,
	}, nil)
}

func lookConsent(t *tenant) (have, want string, state State) {
	return onOff(t.mine.SkipConsent), "on", stateOf(t.mine.SkipConsent)
}

func changeConsent(ctx context.Context, t *tenant) error {
	return t.m.call(ctx, "let the My Account API skip the consent", http.MethodPatch, "resource-servers/"+url.PathEscape(t.mine.ID),
		map[string]any{"skip_consent_for_verifiable_first_party_clients": true}, nil)
}

// grant is the application's grant for tokens of users, or nil. One for the
// application itself is of no use and was seen to be stored instead.
func (t *tenant) grant() *grantView {
	for i := range t.grants {
		if g := &t.grants[i]; g.Audience == t.m.audience() && g.Subject == "user" {
			return g
		}
	}
	return nil
}

func lookClientGrant(t *tenant) (have, want string, state State) {
	want = "user access with " + strings.Join(myAccountScopes, ", ")
	g := t.grant()
	switch {
	case g == nil && slices.ContainsFunc(t.grants, func(g grantView) bool { return g.Audience == t.m.audience() }):
		return "a grant for the application itself, none for users", want, Wrong
	case g == nil:
		return "none", want, Wrong
	}
	if lacks := without(myAccountScopes, g.Scope); len(lacks) > 0 && !g.All {
		return "user access without " + strings.Join(lacks, ", "), want, Wrong
	}
	return want, want, Right
}

func changeClientGrant(ctx context.Context, t *tenant) error {
	const what = "authorize the application for the My Account API"
	if g := t.grant(); g != nil {
		return t.m.call(ctx, what, http.MethodPatch, "client-grants/"+url.PathEscape(g.ID),
			map[string]any{"scope": with(slices.Clone(g.Scope), myAccountScopes...)}, nil)
	}
	return t.m.call(ctx, what, http.MethodPost, "client-grants", map[string]any{
		"client_id": t.m.cfg.ClientID, "audience": t.m.audience(), "scope": myAccountScopes, "subject_type": "user",
	}, nil)
}

// purposes reads what the connection is for. Older tenants do not say that it
// is for logins, because it was for nothing else.
func (c *connectionView) purposes() (login, vault bool) {
	login = c.Authentication == nil || c.Authentication.Active == nil || *c.Authentication.Active
	vault = c.ConnectedAccounts != nil && c.ConnectedAccounts.Active != nil && *c.ConnectedAccounts.Active
	return login, vault
}

func lookPurpose(t *tenant) (have, want string, state State) {
	want = "Authentication and Connected Accounts"
	if t.connection == nil {
		return "no connection " + t.m.cfg.Connection, want, Wrong
	}
	if !ofGoogle(t) {
		want = "Connected Accounts" // somebody who has signed in with Google connects it
	}
	switch login, vault := t.connection.purposes(); {
	case vault && (login || !ofGoogle(t)):
		return want, want, Right
	case login:
		return "Authentication only", want, Wrong
	case vault:
		return "Connected Accounts only", want, Wrong
	}
	return "neither", want, Wrong
}

// changePurpose writes the two purposes and nothing of the options, which Auth0
// would replace whole, the provider's secret included.
func changePurpose(ctx context.Context, t *tenant) error {
	body := map[string]any{"connected_accounts": map[string]bool{"active": true}}
	if ofGoogle(t) {
		body["authentication"] = map[string]bool{"active": true}
	}
	return t.m.call(ctx, "change the purpose of the connection", http.MethodPatch, "connections/"+url.PathEscape(t.connection.ID), body, nil)
}

func lookEnabled(t *tenant) (have, want string, state State) {
	if slices.Contains(t.enabled, t.m.cfg.ClientID) {
		return "enabled", "enabled", Right
	}
	return "not enabled", "enabled", Wrong
}

func changeEnabled(ctx context.Context, t *tenant) error {
	return t.m.call(ctx, "enable the connection for the application", http.MethodPatch,
		"connections/"+url.PathEscape(t.connection.ID)+"/clients",
		[]map[string]any{{"client_id": t.m.cfg.ClientID, "status": true}}, nil)
}

// optionsHidden is why nothing can be said of the options.
const optionsHidden = "AUTH0_MANAGEMENT_TOKEN lacks the scope read:connections_options"

func lookOwnKeys(t *tenant) (have, want string, state State) {
	switch {
	case t.connection.Options == nil:
		return optionsHidden, "", Unknown
	case t.connection.Options.ClientID == "":
		return "Auth0's developer keys", "your own", Wrong
	}
	return "your own", "your own", Right
}

func lookUpstream(t *tenant) (have, want string, state State) {
	if t.connection.Options == nil {
		return optionsHidden, "", Unknown
	}
	on := t.connection.Options.Offline || bytes.Contains(t.connection.Options.Upstream, []byte(`"offline"`))
	return onOff(on), "on", stateOf(on)
}

func lookApproval(t *tenant) (have, want string, state State) {
	if t.connection.Options == nil {
		return optionsHidden, "", Unknown
	}
	if bytes.Contains(t.connection.Options.Upstream, []byte("approval_prompt")) {
		return "approval_prompt is set", "not set", Wrong
	}
	return "not set", "not set", Right
}

func lookMFA(t *tenant) (have, want string, state State) {
	if slices.Contains(t.mfa, "all-applications") {
		return "Always", "Never", Wrong
	}
	return "Never", "Never", Right
}

func lookMyAccountMFA(t *tenant) (have, want string, state State) {
	if t.mine.Policy != nil && t.mine.Policy.ID != "" {
		return "a policy that asks for a second factor", "no policy", Wrong
	}
	return "no policy", "no policy", Right
}
