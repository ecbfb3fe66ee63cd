package standin

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
)

// objects reads a list of objects.
func (b *jsonBody) objects(name string) []*jsonBody {
	raw, ok := b.fields[name]
	if !ok {
		return nil
	}
	var list []map[string]json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		b.fail(name, "must be an array of objects")
		return nil
	}
	out := make([]*jsonBody, len(list))
	for i, fields := range list {
		out[i] = &jsonBody{path: b.path + "/" + name, fields: fields}
	}
	return out
}

// connection finds the connection that the path names by its id.
func (m *managed) connection() (*Connection, *managementError) {
	for i := range m.t.Connections {
		if c := &m.t.Connections[i]; stableID("con_", c.Name) == m.id {
			return c, nil
		}
	}
	return nil, notHere("inexistent_connection", "connection")
}

// connectionView leaves the options out without read:connections_options.
func (m *managed) connectionView(c *Connection) map[string]any {
	view := map[string]any{
		"id": stableID("con_", c.Name), "name": c.Name, "strategy": c.Strategy,
		"authentication":       map[string]bool{"active": c.Authentication},
		"connected_accounts":   map[string]bool{"active": c.ConnectedAccounts},
		"is_domain_connection": false, "realms": []string{c.Name},
	}
	if m.need("read:connections_options") == nil {
		options := map[string]any{"offline_access": c.OfflineAccess, "scope": append([]string{}, c.Scopes...)}
		if !c.DevKeys {
			options["client_id"] = "1234567890-standin.apps.googleusercontent.com"
			options["client_secret"] = "google-secret-that-opens-nothing"
		}
		if c.ApprovalPrompt != "" {
			options["upstream_params"] = map[string]any{"approval_prompt": map[string]string{"value": c.ApprovalPrompt}}
		}
		view["options"] = options
	}
	return view
}

func (m *managed) listConnections() (int, any, *managementError) {
	out := []any{}
	for i := range m.t.Connections {
		c := &m.t.Connections[i]
		if matches(m.query, "name", c.Name) && matches(m.query, "strategy", c.Strategy) {
			out = append(out, m.connectionView(c))
		}
	}
	return http.StatusOK, out, nil
}

// matches reports whether the query asks for value, or for anything.
func matches(q url.Values, name, value string) bool {
	return !q.Has(name) || slices.Contains(q[name], value)
}

func (m *managed) getConnection() (int, any, *managementError) {
	c, e := m.connection()
	if e != nil {
		return 0, nil, e
	}
	return http.StatusOK, m.connectionView(c), nil
}

// patchConnection is PATCH /connections/{id}. Options would replace all there
// are, the secret of the provider included.
func (m *managed) patchConnection() (int, any, *managementError) {
	c, e := m.connection()
	if e != nil {
		return 0, nil, e
	}
	m.body.only("options", "authentication", "connected_accounts")
	changed := *c
	for name, into := range map[string]*bool{"authentication": &changed.Authentication, "connected_accounts": &changed.ConnectedAccounts} {
		if inner := m.body.object(name); inner != nil {
			inner.flag("active", into)
			m.body.adopt(inner)
		}
	}
	if options := m.body.object("options"); options != nil {
		if e := m.need("update:connections_options"); e != nil {
			return 0, nil, e
		}
		changed.OfflineAccess = false
		options.flag("offline_access", &changed.OfflineAccess)
		changed.Scopes = options.list("scope", 0, 100, 255)
		changed.DevKeys = !options.has("client_id") || !options.has("client_secret")
		changed.ApprovalPrompt = ""
		m.body.adopt(options)
	}
	if e := m.wrong(); e != nil {
		return 0, nil, e
	}
	*c = changed
	return http.StatusOK, m.connectionView(c), nil
}

// connectionClients is GET /connections/{id}/clients.
func (m *managed) connectionClients() (int, any, *managementError) {
	c, e := m.connection()
	if e != nil {
		return 0, nil, e
	}
	clients := []map[string]string{}
	if c.Enabled {
		clients = append(clients, map[string]string{"client_id": m.t.Application.ID})
	}
	return http.StatusOK, map[string]any{"clients": clients}, nil
}

// enableClients is PATCH /connections/{id}/clients.
func (m *managed) enableClients() (int, any, *managementError) {
	c, e := m.connection()
	if e != nil {
		return 0, nil, e
	}
	var list []struct {
		ClientID string `json:"client_id"`
		Status   *bool  `json:"status"`
	}
	if json.Unmarshal(m.body.fields[""], &list) != nil || len(list) == 0 || len(list) > 50 {
		return 0, nil, invalidBody("Expected an array of 1 to 50 items")
	}
	for _, item := range list {
		if item.ClientID == "" || item.Status == nil {
			return 0, nil, invalidBody("Missing required property: client_id or status")
		}
		if item.ClientID != m.t.Application.ID {
			return 0, nil, notHere("inexistent_client", "client")
		}
	}
	c.Enabled = *list[len(list)-1].Status
	return http.StatusNoContent, nil, nil
}
