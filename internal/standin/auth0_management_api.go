package standin

import (
	"net/http"
	"slices"
)

func (m *managed) apiView(a *API) map[string]any {
	return map[string]any{
		"id": stableID("rs_", a.Identifier), "name": a.Identifier, "identifier": a.Identifier,
		"is_system": false, "allow_offline_access": a.AllowOfflineAccess, "signing_alg": "RS256",
		"skip_consent_for_verifiable_first_party_clients": true,
		"subject_type_authorization": map[string]any{
			"user": map[string]string{"policy": a.UserPolicy}, "client": map[string]string{"policy": RequireClientGrant},
		},
		"scopes": scopeViews(a.Scopes),
	}
}

func scopeViews(scopes []string) []map[string]string {
	out := []map[string]string{}
	for _, s := range scopes {
		out = append(out, map[string]string{"value": s})
	}
	return out
}

func (m *managed) myAccountView() map[string]any {
	view := map[string]any{
		"id": stableID("rs_", MyAccount), "name": "Auth0 My Account API", "identifier": m.base + MyAccount,
		"is_system": true, "allow_offline_access": false, "signing_alg": "RS256",
		"skip_consent_for_verifiable_first_party_clients": m.t.MyAccount.SkipConsent,
		"subject_type_authorization": map[string]any{
			"user": map[string]string{"policy": RequireClientGrant}, "client": map[string]string{"policy": DenyAll},
		},
		"scopes": scopeViews(myAccountScopes),
	}
	if m.t.MyAccount.Require2FA {
		view["authorization_policy"] = map[string]string{"policy_id": "apol_require2fa"}
	}
	return view
}

func (m *managed) listAPIs() (int, any, *managementError) {
	out := []any{}
	for i := range m.t.APIs {
		if matches(m.query, "identifiers", m.t.APIs[i].Identifier) {
			out = append(out, m.apiView(&m.t.APIs[i]))
		}
	}
	if m.t.MyAccount.Active && matches(m.query, "identifiers", m.base+MyAccount) {
		out = append(out, m.myAccountView())
	}
	return http.StatusOK, out, nil
}

// api finds what the path names by id or identifier; both are nil for nothing.
func (m *managed) api() (api *API, mine bool, e *managementError) {
	if m.t.MyAccount.Active && (m.id == m.base+MyAccount || m.id == stableID("rs_", MyAccount)) {
		return nil, true, nil
	}
	for i := range m.t.APIs {
		if a := &m.t.APIs[i]; m.id == a.Identifier || m.id == stableID("rs_", a.Identifier) {
			return a, false, nil
		}
	}
	return nil, false, notHere("inexistent_resource_server", "resource server")
}

func (m *managed) getAPI() (int, any, *managementError) {
	a, mine, e := m.api()
	switch {
	case e != nil:
		return 0, nil, e
	case mine:
		return http.StatusOK, m.myAccountView(), nil
	}
	return http.StatusOK, m.apiView(a), nil
}

var apiFields = []string{"name", "identifier", "allow_offline_access", "skip_consent_for_verifiable_first_party_clients", "signing_alg", "scopes"}

func (m *managed) createAPI() (int, any, *managementError) {
	b := m.body
	b.only(apiFields...)
	identifier := b.text("identifier", true, 1, 600)
	b.text("name", false, 1, 200)
	a := API{Identifier: identifier, UserPolicy: AllowAll}
	skip := true
	b.flag("allow_offline_access", &a.AllowOfflineAccess)
	b.flag("skip_consent_for_verifiable_first_party_clients", &skip)
	if e := m.wrong(); e != nil {
		return 0, nil, e
	}
	if m.relative(identifier) == MyAccount {
		switch {
		case m.t.MyAccount.DashboardOnly:
			return 0, nil, managementFault(http.StatusBadRequest, "invalid_body", "The identifier is reserved for a system API")
		case m.t.MyAccount.Active:
			return 0, nil, managementFault(http.StatusConflict, "resource_server_conflict", "A resource server with the same identifier already exists")
		}
		m.t.MyAccount.Active, m.t.MyAccount.SkipConsent = true, skip
		return http.StatusCreated, m.myAccountView(), nil
	}
	if m.t.API(identifier) != nil {
		return 0, nil, managementFault(http.StatusConflict, "resource_server_conflict", "A resource server with the same identifier already exists")
	}
	m.t.APIs = append(m.t.APIs, a)
	return http.StatusCreated, m.apiView(&a), nil
}

func (m *managed) patchAPI() (int, any, *managementError) {
	a, mine, e := m.api()
	if e != nil {
		return 0, nil, e
	}
	m.body.only(slices.DeleteFunc(slices.Clone(apiFields), func(s string) bool { return s == "identifier" })...)
	mineNow, ignored := m.t.MyAccount, false
	m.body.flag("skip_consent_for_verifiable_first_party_clients", &mineNow.SkipConsent)
	offline := &ignored
	if !mine {
		offline = &a.AllowOfflineAccess
	}
	m.body.flag("allow_offline_access", offline)
	if e := m.wrong(); e != nil {
		return 0, nil, e
	}
	if mine {
		m.t.MyAccount = mineNow
		return http.StatusOK, m.myAccountView(), nil
	}
	return http.StatusOK, m.apiView(a), nil
}
