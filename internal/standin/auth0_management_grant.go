package standin

import (
	"net/http"
)

func (m *managed) grantView(g *ClientGrant) map[string]any {
	return map[string]any{
		"id": grantID(g), "client_id": m.t.Application.ID, "audience": m.full(g.Audience),
		"scope": append([]string{}, g.Scopes...), "subject_type": g.SubjectType,
	}
}

func grantID(g *ClientGrant) string { return stableID("cgr_", g.SubjectType+" "+g.Audience) }

func (m *managed) listGrants() (int, any, *managementError) {
	out := []any{}
	for i := range m.t.ClientGrants {
		g := &m.t.ClientGrants[i]
		if matches(m.query, "client_id", m.t.Application.ID) && matches(m.query, "audience", m.full(g.Audience)) &&
			matches(m.query, "subject_type", g.SubjectType) {
			out = append(out, m.grantView(g))
		}
	}
	return http.StatusOK, out, nil
}

func (m *managed) createGrant() (int, any, *managementError) {
	b := m.body
	b.only("client_id", "audience", "scope", "subject_type")
	client, audience := b.text("client_id", true, 1, 255), b.text("audience", true, 1, 600)
	g := ClientGrant{Audience: m.relative(audience), Scopes: b.list("scope", 0, 1000, 280), SubjectType: "client"}
	if b.has("subject_type") {
		if g.SubjectType = b.text("subject_type", true, 1, 20); g.SubjectType != "user" && g.SubjectType != "client" {
			b.fail("subject_type", "must be client or user")
		}
	}
	if e := m.wrong(); e != nil {
		return 0, nil, e
	}
	switch {
	case client != m.t.Application.ID:
		return 0, nil, notHere("inexistent_client", "client")
	case m.t.API(audience) == nil && (g.Audience != MyAccount || !m.t.MyAccount.Active):
		return 0, nil, notHere("inexistent_resource_server", "resource server")
	}
	if g.SubjectType == "user" && m.t.GrantsAsClient > 0 {
		m.t.GrantsAsClient--
		g.SubjectType = "client"
	}
	for i := range m.t.ClientGrants {
		if grantID(&m.t.ClientGrants[i]) == grantID(&g) {
			return 0, nil, managementFault(http.StatusConflict, "client_grant_conflict", "A resource with the same information already exists")
		}
	}
	m.t.ClientGrants = append(m.t.ClientGrants, g)
	return http.StatusCreated, m.grantView(&g), nil
}

func (m *managed) patchGrant() (int, any, *managementError) {
	for i := range m.t.ClientGrants {
		g := &m.t.ClientGrants[i]
		if grantID(g) != m.id {
			continue
		}
		m.body.only("scope")
		scopes := m.body.list("scope", 0, 1000, 280)
		if e := m.wrong(); e != nil {
			return 0, nil, e
		}
		g.Scopes = scopes
		return http.StatusOK, m.grantView(g), nil
	}
	return 0, nil, notHere("inexistent_client_grant", "client grant")
}
