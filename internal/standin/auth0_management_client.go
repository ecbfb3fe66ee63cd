package standin

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// maxLifetime is the largest refresh token lifetime that Auth0 knows, in seconds.
const maxLifetime = 31557600

// getClient is GET /clients/{id}. The secret is shown to read:client_keys only.
func (m *managed) getClient() (int, any, *managementError) {
	if m.id != m.t.Application.ID {
		return 0, nil, notHere("inexistent_client", "client")
	}
	view := m.clientView()
	if fields := m.query.Get("fields"); fields != "" {
		wanted := strings.Split(fields, ",")
		include := m.query.Get("include_fields") != "false"
		maps.DeleteFunc(view, func(name string, _ any) bool { return slices.Contains(wanted, name) != include })
	}
	return http.StatusOK, view, nil
}

func (m *managed) clientView() map[string]any {
	app := &m.t.Application
	view := map[string]any{
		"client_id": app.ID, "name": app.Name, "app_type": app.Type,
		"is_first_party": app.FirstParty, "oidc_conformant": app.OIDCConformant,
		"token_endpoint_auth_method": app.AuthMethod,
		"grant_types":                append([]string{}, app.GrantTypes...),
		"callbacks":                  append([]string{}, app.Callbacks...),
		"refresh_token":              m.refreshView(),
	}
	if m.need("read:client_keys") == nil {
		view["client_secret"] = app.Secret
	}
	return view
}

func (m *managed) refreshView() map[string]any {
	set := m.t.Application.RefreshToken
	type policy struct {
		Audience string   `json:"audience"`
		Scope    []string `json:"scope"`
	}
	policies := []policy{}
	for _, p := range set.Policies {
		policies = append(policies, policy{m.full(p.Audience), append([]string{}, p.Scopes...)})
	}
	rotation, expiration := "non-rotating", "non-expiring"
	if set.Rotation {
		rotation = "rotating"
	}
	if set.Lifetime > 0 || set.IdleLifetime > 0 {
		expiration = "expiring"
	}
	seconds := func(d time.Duration) int {
		if d == 0 {
			return maxLifetime
		}
		return int(d / time.Second)
	}
	return map[string]any{
		"rotation_type": rotation, "expiration_type": expiration,
		"leeway":         int(set.Leeway / time.Second),
		"token_lifetime": seconds(set.Lifetime), "infinite_token_lifetime": set.Lifetime == 0,
		"idle_token_lifetime": seconds(set.IdleLifetime), "infinite_idle_token_lifetime": set.IdleLifetime == 0,
		"policies": policies,
	}
}

// patchClient is PATCH /clients/{id}. A list in the body replaces the one there
// was, and so does the whole of refresh_token.
func (m *managed) patchClient() (int, any, *managementError) {
	if m.id != m.t.Application.ID {
		return 0, nil, notHere("inexistent_client", "client")
	}
	b := m.body
	b.only("name", "app_type", "is_first_party", "oidc_conformant", "token_endpoint_auth_method", "grant_types", "callbacks", "refresh_token")
	app := m.t.Application
	choose := func(name string, into *string, words ...string) {
		if b.has(name) {
			if *into = b.text(name, true, 1, 255); !slices.Contains(words, *into) {
				b.fail(name, "must be one of "+strings.Join(words, ", "))
			}
		}
	}
	choose("app_type", &app.Type, "regular_web", "spa", "native", "non_interactive", "resource_server")
	choose("token_endpoint_auth_method", &app.AuthMethod, "none", "client_secret_post", "client_secret_basic")
	b.flag("is_first_party", &app.FirstParty)
	b.flag("oidc_conformant", &app.OIDCConformant)
	if b.has("name") {
		app.Name = b.text("name", true, 1, 255)
	}
	if b.has("grant_types") {
		app.GrantTypes = b.list("grant_types", 0, 100, 255)
	}
	if b.has("callbacks") {
		app.Callbacks = b.list("callbacks", 0, 100, 2048)
	}
	if inner := b.object("refresh_token"); inner != nil {
		app.RefreshToken = m.readRefresh(inner)
		b.adopt(inner)
	}
	if e := m.wrong(); e != nil {
		return 0, nil, e
	}
	m.t.Application = app
	return http.StatusOK, m.clientView(), nil
}

// readRefresh reads refresh_token. A policy for an audience that the tenant
// does not know is dropped without a word.
func (m *managed) readRefresh(b *jsonBody) RefreshTokens {
	set := RefreshTokens{Strict: m.t.Application.RefreshToken.Strict}
	b.only("rotation_type", "expiration_type", "leeway", "token_lifetime", "infinite_token_lifetime",
		"idle_token_lifetime", "infinite_idle_token_lifetime", "policies")
	rotation, expiration := b.text("rotation_type", true, 1, 20), b.text("expiration_type", true, 1, 20)
	if !slices.Contains([]string{"rotating", "non-rotating"}, rotation) {
		b.fail("rotation_type", "must be rotating or non-rotating")
	}
	if !slices.Contains([]string{"expiring", "non-expiring"}, expiration) {
		b.fail("expiration_type", "must be expiring or non-expiring")
	}
	set.Rotation = rotation == "rotating"
	leeway, life, idle := 0, 2592000, 1296000
	b.number("leeway", &leeway)
	b.number("token_lifetime", &life)
	b.number("idle_token_lifetime", &idle)
	var forever, idleForever bool
	b.flag("infinite_token_lifetime", &forever)
	b.flag("infinite_idle_token_lifetime", &idleForever)
	if life > maxLifetime || idle > maxLifetime {
		b.fail("token_lifetime", "is too long")
	}
	if set.Rotation && expiration == "non-expiring" {
		b.fail("expiration_type", "must be expiring for rotating tokens")
	}
	set.Leeway = time.Duration(leeway) * time.Second
	if expiration == "expiring" && !forever {
		set.Lifetime = time.Duration(life) * time.Second
	}
	if expiration == "expiring" && !idleForever {
		set.IdleLifetime = time.Duration(idle) * time.Second
	}
	for _, p := range b.objects("policies") {
		p.only("audience", "scope")
		audience, scopes := p.text("audience", true, 1, 600), p.list("scope", 1, 250, 280)
		b.adopt(p)
		known := m.relative(audience) == MyAccount && m.t.MyAccount.Active || m.t.API(audience) != nil
		if known {
			set.Policies = append(set.Policies, RefreshPolicy{Audience: m.relative(audience), Scopes: scopes})
		}
	}
	return set
}

// policies is GET /guardian/policies.
func (m *managed) policies() (int, any, *managementError) {
	if m.t.MFAAlways {
		return http.StatusOK, []string{"all-applications"}, nil
	}
	return http.StatusOK, []string{}, nil
}

// settings is GET /tenants/settings, in part.
func (m *managed) settings() (int, any, *managementError) {
	return http.StatusOK, map[string]any{
		"friendly_name": "stand-in", "default_directory": "",
		"flags": map[string]bool{"enable_client_connections": false},
		"skip_non_verifiable_callback_uri_confirmation_prompt": false,
	}, nil
}
