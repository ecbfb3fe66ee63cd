package auth0

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"linkmail/auth"
)

// step is how one setting is looked at and changed.
type step struct {
	id   string
	part part
	// matters says whether the setting is of any importance here; nil: always.
	matters func(*tenant) bool
	look    func(*tenant) (have, want string, state State)
	// change is nil where only a person can, or should, change it.
	change func(context.Context, *tenant) error
}

// steps in the order of dependence: a client grant needs the API, and a policy
// for an audience that the tenant does not know is dropped without a word.
var steps = []step{
	{setApplication, partClient, nil, lookApplication, changeApplication},
	{setGrants, partClient, nil, lookGrants, changeGrants},
	{setCallbacks, partClient, hasCallback, lookCallbacks, changeCallbacks},
	{setConfirmation, partTenant, func(t *tenant) bool { return loopbackURL(t.m.cfg.Callback) }, lookConfirmation, nil},
	{setAPI, partAPI, hasAudience, lookAPI, changeAPI},
	{setOffline, partAPI, hasAPI, lookOffline, changeOffline},
	{setMyAccount, partMyAccount, nil, lookMyAccount, changeMyAccount},
	{setConsent, partMyAccount, hasMyAccount, lookConsent, changeConsent},
	{setClientGrant, partGrant, nil, lookClientGrant, changeClientGrant},
	{setPolicy, partClient, nil, lookPolicy, changePolicy},
	{setRotation, partClient, nil, lookRotation, changeRotation},
	{setPurpose, partConnection, nil, lookPurpose, changePurpose},
	{setEnabled, partEnabled, hasConnection, lookEnabled, changeEnabled},
	{setOwnKeys, partConnection, hasConnection, lookOwnKeys, nil},
	{setUpstream, partConnection, googlesThere, lookUpstream, nil},
	{setApproval, partConnection, googlesThere, lookApproval, nil},
	{setMFA, partMFA, nil, lookMFA, nil},
	{setMyAccountMFA, partMyAccount, hasMyAccount, lookMyAccountMFA, nil},
	{setGoogleRedirect, partNone, ofGoogle, elsewhere("only Google knows it"), nil},
	{setGoogleTesting, partNone, ofGoogle, elsewhere("only Google knows it; linkmail doctor says so once a grant has died of it"), nil},
	{setGmailAPI, partNone, ofGoogle, elsewhere("only Google knows it; linkmail doctor asks Gmail"), nil},
	{setScopes, partNone, nil, elsewhere("the person decides it at every consent; linkmail doctor compares"), nil},
}

func hasCallback(t *tenant) bool   { return t.m.cfg.Callback != "" }
func hasAudience(t *tenant) bool   { return t.m.cfg.Audience != "" }
func hasAPI(t *tenant) bool        { return hasAudience(t) && (t.api != nil || t.unread[partAPI] != nil) }
func hasMyAccount(t *tenant) bool  { return t.mine != nil }
func hasConnection(t *tenant) bool { return t.connection != nil }

func ofGoogle(t *tenant) bool {
	return t.m.cfg.Connection == googleConnection || t.connection != nil && t.connection.Strategy == googleConnection
}

// ofConnection reports whether a setting is one of a connection.
func ofConnection(id string) bool {
	return slices.ContainsFunc(steps, func(s step) bool {
		return s.id == id && (s.part == partConnection || s.part == partEnabled)
	})
}

func googlesThere(t *tenant) bool { return hasConnection(t) && ofGoogle(t) }

// elsewhere looks at what Auth0 does not hold.
func elsewhere(why string) func(*tenant) (have, want string, state State) {
	return func(*tenant) (have, want string, state State) { return why, "", Elsewhere }
}

// loopbackURL reports whether an address is on this machine.
func loopbackURL(raw string) bool {
	u, err := url.Parse(raw)
	return err == nil && raw != "" && auth.Loopback(u.Hostname())
}

func stateOf(right bool) State {
	if right {
		return Right
	}
	return Wrong
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

// shown makes a word of the tenant's fit to be shown.
func shown(word string) string {
	switch {
	case word == "":
		return "not set"
	case !plainWord(word):
		return "something else"
	}
	return word
}

// patchClient changes the application. What is not in body stays.
func patchClient(ctx context.Context, t *tenant, what string, body map[string]any) error {
	return t.m.call(ctx, what, http.MethodPatch, "clients/"+url.PathEscape(t.m.cfg.ClientID), body, nil)
}

func lookApplication(t *tenant) (have, want string, state State) {
	c, want := t.client, "regular_web, first-party, OIDC-conformant, with a secret"
	var parts []string
	parts = append(parts, shown(c.AppType))
	right := c.AppType == "regular_web"
	if c.FirstParty != nil && !*c.FirstParty {
		parts, right = append(parts, "third-party"), false
	}
	if c.Conformant != nil && !*c.Conformant {
		parts, right = append(parts, "not OIDC-conformant"), false
	}
	if c.AuthMethod == "none" {
		parts, right = append(parts, "without a secret (token_endpoint_auth_method none)"), false
	}
	if right {
		return want, want, Right
	}
	return strings.Join(parts, ", "), want, Wrong
}

func changeApplication(ctx context.Context, t *tenant) error {
	body := map[string]any{"app_type": "regular_web", "is_first_party": true, "oidc_conformant": true}
	if t.client.AuthMethod == "none" || t.client.AuthMethod == "" {
		body["token_endpoint_auth_method"] = "client_secret_post"
	}
	return patchClient(ctx, t, "change the application's type", body)
}

// neededGrants maps each grant type to what the dashboard calls it.
var neededGrants = [][2]string{
	{"authorization_code", "Authorization Code"}, {"refresh_token", "Refresh Token"}, {grantExchange, "Token Vault"},
}

func lookGrants(t *tenant) (have, want string, state State) {
	var has, lacks, all []string
	for _, g := range neededGrants {
		all = append(all, g[1])
		if slices.Contains(t.client.GrantTypes, g[0]) {
			has = append(has, g[1])
		} else {
			lacks = append(lacks, g[1])
		}
	}
	want = strings.Join(all, ", ")
	if len(lacks) == 0 {
		return want, want, Right
	}
	if len(has) == 0 {
		has = []string{"none of them"}
	}
	return strings.Join(has, ", ") + " (without " + strings.Join(lacks, ", ") + ")", want, Wrong
}

func changeGrants(ctx context.Context, t *tenant) error {
	union := slices.Clone(t.client.GrantTypes)
	for _, g := range neededGrants {
		union = with(union, g[0])
	}
	return patchClient(ctx, t, "change the application's grant types", map[string]any{"grant_types": union})
}

// with returns list and add, which is appended if it is not there.
func with(list []string, add ...string) []string {
	for _, s := range add {
		if !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list
}

func lookCallbacks(t *tenant) (have, want string, state State) {
	n := len(t.client.Callbacks)
	if slices.Contains(t.client.Callbacks, t.m.cfg.Callback) {
		return fmt.Sprintf("%d, with %s", n, t.m.cfg.Callback), t.m.cfg.Callback, Right
	}
	return fmt.Sprintf("%d, without %s", n, t.m.cfg.Callback), fmt.Sprintf("%d, with %s", n+1, t.m.cfg.Callback), Wrong
}

func changeCallbacks(ctx context.Context, t *tenant) error {
	return patchClient(ctx, t, "change the application's callbacks", map[string]any{
		"callbacks": with(slices.Clone(t.client.Callbacks), t.m.cfg.Callback),
	})
}

func lookConfirmation(t *tenant) (have, want string, state State) {
	if t.skipPage {
		return "off", "either", Right
	}
	return "the callback is on loopback, so Auth0 may show one more page at the login", "either", Right
}

// lookPolicy asks for the three scopes of the My Account API in the policies.
func lookPolicy(t *tenant) (have, want string, state State) {
	want = "the My Account API with " + strings.Join(myAccountScopes, ", ")
	for _, p := range t.client.policies() {
		if p.Audience != t.m.audience() {
			continue
		}
		if lacks := without(myAccountScopes, p.Scope); len(lacks) > 0 {
			return "the My Account API without " + strings.Join(lacks, ", "), want, Wrong
		}
		return want, want, Right
	}
	return "no policy for the My Account API", want, Wrong
}

// without returns the elements of want that have lacks.
func without(want, have []string) []string {
	var out []string
	for _, s := range want {
		if !slices.Contains(have, s) {
			out = append(out, s)
		}
	}
	return out
}

func changePolicy(ctx context.Context, t *tenant) error {
	policies := t.client.policies()
	i := slices.IndexFunc(policies, func(p refreshPolicy) bool { return p.Audience == t.m.audience() })
	if i < 0 {
		policies = append(policies, refreshPolicy{Audience: t.m.audience()})
		i = len(policies) - 1
	}
	policies[i].Scope = with(policies[i].Scope, myAccountScopes...)
	return t.patchRefresh(ctx, "change the refresh token policies", map[string]any{"policies": policies})
}

func lookRotation(t *tenant) (have, want string, state State) {
	if t.client.word("rotation_type") == "rotating" {
		return "on", "off", Wrong
	}
	if t.client.word("expiration_type") == "expiring" {
		return "off, and the tokens expire: sign in again before they do", "off", Right
	}
	return "off", "off", Right
}

func changeRotation(ctx context.Context, t *tenant) error {
	return t.patchRefresh(ctx, "turn refresh token rotation off", map[string]any{"rotation_type": "non-rotating"})
}

// patchRefresh changes fields of refresh_token, which Auth0 replaces whole:
// every other field is sent as it was read.
func (t *tenant) patchRefresh(ctx context.Context, what string, change map[string]any) error {
	body := map[string]any{
		"rotation_type": "non-rotating", "expiration_type": "non-expiring", "leeway": 0,
		"infinite_token_lifetime": true, "infinite_idle_token_lifetime": true,
		"token_lifetime": 31557600, "idle_token_lifetime": 2592000,
	}
	for name, value := range t.client.RefreshToken {
		if !bytes.Equal(bytes.TrimSpace(value), []byte("null")) {
			body[name] = value
		}
	}
	maps.Copy(body, change)
	return patchClient(ctx, t, what, map[string]any{"refresh_token": body})
}
