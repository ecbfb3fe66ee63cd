package standin

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// managementPath is where the Management API v2 is.
const managementPath = "/api/v2/"

// managerLife is how long a management token lives.
const managerLife = 24 * time.Hour

// manager is what a management token is good for.
type manager struct {
	scopes  []string
	expires time.Time
}

// ManagementToken returns a token for the tenant's Management API that may do
// what scopes say, for example "read:clients", for 24 hours.
func (w *World) ManagementToken(scopes ...string) string {
	token := "mgmt." + rand.Text() + rand.Text()
	w.auth0.mu.Lock()
	defer w.auth0.mu.Unlock()
	w.auth0.managers[token] = manager{scopes: slices.Clone(scopes), expires: w.cfg.Now().Add(managerLife)}
	return token
}

// managementError is an error of the Management API, which looks like neither
// those of the token endpoint nor those of the My Account API.
type managementError struct {
	StatusCode int    `json:"statusCode"`
	Error      string `json:"error"`
	Message    string `json:"message"`
	ErrorCode  string `json:"errorCode,omitempty"`
}

func managementFault(status int, code, message string) *managementError {
	return &managementError{StatusCode: status, Error: http.StatusText(status), Message: message, ErrorCode: code}
}

func invalidBody(what string) *managementError {
	return managementFault(http.StatusBadRequest, "invalid_body", "Payload validation error: '"+what+"'")
}

// managed is one request to the Management API. The tenant is locked.
type managed struct {
	state  *auth0State
	t      *Tenant
	base   string
	id     string // the part of the path that names one thing
	query  url.Values
	scopes []string
	body   *jsonBody
}

// need returns the error for a scope that the token lacks.
func (m *managed) need(scope string) *managementError {
	if slices.Contains(m.scopes, scope) {
		return nil
	}
	return managementFault(http.StatusForbidden, "insufficient_scope", "Insufficient scope, expected any of: "+scope)
}

// managementRoute says who may ask and what is answered.
type managementRoute struct {
	scope  string
	handle func(*managed) (int, any, *managementError)
}

// managementRoutes has "*" for the part of a path that names one thing.
var managementRoutes = map[string]managementRoute{
	"GET clients/*":               {"read:clients", (*managed).getClient},
	"PATCH clients/*":             {"update:clients", (*managed).patchClient},
	"GET connections":             {"read:connections", (*managed).listConnections},
	"GET connections/*":           {"read:connections", (*managed).getConnection},
	"PATCH connections/*":         {"update:connections", (*managed).patchConnection},
	"GET connections/*/clients":   {"read:connections", (*managed).connectionClients},
	"PATCH connections/*/clients": {"update:connections", (*managed).enableClients},
	"GET resource-servers":        {"read:resource_servers", (*managed).listAPIs},
	"GET resource-servers/*":      {"read:resource_servers", (*managed).getAPI},
	"POST resource-servers":       {"create:resource_servers", (*managed).createAPI},
	"PATCH resource-servers/*":    {"update:resource_servers", (*managed).patchAPI},
	"GET client-grants":           {"read:client_grants", (*managed).listGrants},
	"POST client-grants":          {"create:client_grants", (*managed).createGrant},
	"PATCH client-grants/*":       {"update:client_grants", (*managed).patchGrant},
	"GET guardian/policies":       {"read:mfa_policies", (*managed).policies},
	"GET tenants/settings":        {"read:tenant_settings", (*managed).settings},
}

// management answers the Management API.
func (s *tenantServer) management(rw http.ResponseWriter, r *http.Request) {
	status, body, e := s.managementAnswer(r)
	switch {
	case e != nil:
		tenantJSON(rw, e.StatusCode, e)
	case body == nil:
		rw.WriteHeader(status)
	default:
		tenantJSON(rw, status, body)
	}
}

func (s *tenantServer) managementAnswer(r *http.Request) (int, any, *managementError) {
	route, id, ok := managementRouteOf(r)
	if !ok {
		return 0, nil, managementFault(http.StatusNotFound, "", "Not Found")
	}
	m := &managed{state: s.state, base: tenantBase(r), id: id, query: r.URL.Query()}
	if r.Method == http.MethodPatch || r.Method == http.MethodPost {
		var e *managementError
		if m.body, e = managementBody(r); e != nil {
			return 0, nil, e
		}
	}
	s.state.mu.Lock()
	defer s.state.mu.Unlock()
	m.t = &s.state.tenant
	who, known := s.state.managers[tenantBearer(r)]
	switch {
	case tenantBearer(r) == "":
		return 0, nil, managementFault(http.StatusUnauthorized, "", "Missing authentication")
	case !known:
		return 0, nil, managementFault(http.StatusUnauthorized, "", "Invalid token")
	case !s.world.cfg.Now().Before(who.expires):
		return 0, nil, managementFault(http.StatusUnauthorized, "", "Expired token received for JSON Web Token validation")
	}
	m.scopes = who.scopes
	if e := m.need(route.scope); e != nil {
		return 0, nil, e
	}
	return route.handle(m)
}

// managementRouteOf finds the route. An identifier in the path may hold escaped
// slashes, so the path is taken apart before it is unescaped.
func managementRouteOf(r *http.Request) (route managementRoute, id string, ok bool) {
	parts := strings.Split(strings.TrimPrefix(r.URL.EscapedPath(), managementPath), "/")
	if len(parts) > 1 && parts[0] != "guardian" && parts[0] != "tenants" {
		var err error
		if id, err = url.PathUnescape(parts[1]); err != nil || id == "" {
			return managementRoute{}, "", false
		}
		parts[1] = "*"
	}
	route, ok = managementRoutes[r.Method+" "+strings.Join(parts, "/")]
	return route, id, ok
}

// managementBody reads a JSON object, or the list that enables clients.
func managementBody(r *http.Request) (*jsonBody, *managementError) {
	if !strings.HasSuffix(r.URL.Path, "/clients") {
		body, p := readBody(r)
		if p != nil {
			return nil, managementFault(p.Status, "invalid_body", p.Detail)
		}
		return body, nil
	}
	var list json.RawMessage
	if err := json.NewDecoder(r.Body).Decode(&list); err != nil {
		return nil, invalidBody("Expected type array")
	}
	return &jsonBody{fields: map[string]json.RawMessage{"": list}}, nil
}

// wrong is the answer if anything about the body is.
func (m *managed) wrong() *managementError {
	if len(m.body.errors) == 0 {
		return nil
	}
	return invalidBody(m.body.errors[0].Detail)
}

// flag reads a boolean.
func (b *jsonBody) flag(name string, into *bool) {
	raw, ok := b.fields[name]
	if ok && json.Unmarshal(raw, into) != nil {
		b.fail(name, "must be a boolean")
	}
}

// number reads a whole number that is not negative.
func (b *jsonBody) number(name string, into *int) {
	raw, ok := b.fields[name]
	if ok && (json.Unmarshal(raw, into) != nil || *into < 0) {
		b.fail(name, "must be a whole number of 0 or more")
	}
}

// has reports whether a field is there.
func (b *jsonBody) has(name string) bool {
	_, ok := b.fields[name]
	return ok
}

// stableID makes an id of a kind that never changes for the same name.
func stableID(kind, name string) string {
	sum := sha256.Sum256([]byte(name))
	return kind + hex.EncodeToString(sum[:8])
}

// full completes an audience that is relative to the tenant's address.
func (m *managed) full(audience string) string {
	if audience == MyAccount {
		return m.base + MyAccount
	}
	return audience
}

// relative is the inverse of full.
func (m *managed) relative(audience string) string {
	if audience == m.base+MyAccount {
		return MyAccount
	}
	return audience
}

func notHere(code, what string) *managementError {
	return managementFault(http.StatusNotFound, code, fmt.Sprintf("The %s does not exist", what))
}
