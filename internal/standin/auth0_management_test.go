package standin_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"linkmail/internal/standin"
)

// managementRig is a tenant with a token that may do everything.
type managementRig struct {
	t     *testing.T
	world *standin.World
	base  string
	token string
}

var everyScope = []string{
	"read:clients", "update:clients", "read:client_keys", "read:connections", "read:connections_options", "update:connections",
	"update:connections_options", "read:resource_servers", "create:resource_servers", "update:resource_servers",
	"read:client_grants", "create:client_grants", "update:client_grants", "read:mfa_policies", "read:tenant_settings",
}

func newManagementRig(t *testing.T) *managementRig {
	t.Helper()
	w := standin.NewWorld(standin.Config{})
	srv := httptest.NewServer(w.Auth0())
	t.Cleanup(srv.Close)
	return &managementRig{t, w, srv.URL, w.ManagementToken(everyScope...)}
}

// ask returns the status and the decoded body; "{me}" is the identifier of the
// My Account API, as a path or a query needs it.
func (r *managementRig) ask(method, path, body string) (int, any) {
	r.t.Helper()
	path = strings.ReplaceAll(path, "{me}", url.QueryEscape(r.base+"/me/"))
	body = strings.ReplaceAll(body, "{me}", r.base+"/me/")
	req, err := http.NewRequestWithContext(r.t.Context(), method, r.base+"/api/v2/"+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if r.token != "" {
		req.Header.Set("Authorization", "Bearer "+r.token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	var out any
	if len(raw) > 0 && json.Unmarshal(raw, &out) != nil {
		r.t.Fatalf("%s %s: not JSON: %s", method, path, raw)
	}
	return resp.StatusCode, out
}

// connection is the id of google-oauth2.
func (r *managementRig) connection() string {
	r.t.Helper()
	_, list := r.ask("GET", "connections?name=google-oauth2&strategy=google-oauth2", "")
	return at(r.t, list, "0", "id").(string)
}

// at walks into decoded JSON.
func at(t *testing.T, v any, path ...string) any {
	t.Helper()
	for _, p := range path {
		switch now := v.(type) {
		case map[string]any:
			v = now[p]
		case []any:
			if p != "0" || len(now) == 0 {
				t.Fatalf("no element %s", p)
			}
			v = now[0]
		default:
			t.Fatalf("nothing at %s of %v", p, path)
		}
	}
	return v
}

// shape checks types by example: a map has these fields, a list holds elements
// of this shape, and a string, number or boolean stands for its kind.
func shape(t *testing.T, where string, got, want any) {
	t.Helper()
	switch want := want.(type) {
	case map[string]any:
		m, ok := got.(map[string]any)
		if !ok {
			t.Errorf("%s is %T, want an object", where, got)
			return
		}
		for name, inner := range want {
			v, ok := m[name]
			if !ok {
				t.Errorf("%s lacks %s", where, name)
				continue
			}
			shape(t, where+"."+name, v, inner)
		}
	case []any:
		list, ok := got.([]any)
		if !ok {
			t.Errorf("%s is %T, want a list", where, got)
			return
		}
		for _, item := range list {
			shape(t, where+"[]", item, want[0])
		}
	case string:
		if _, ok := got.(string); !ok {
			t.Errorf("%s is %T, want a string", where, got)
		}
	case bool:
		if _, ok := got.(bool); !ok {
			t.Errorf("%s is %T, want a boolean", where, got)
		}
	case int:
		if _, ok := got.(float64); !ok {
			t.Errorf("%s is %T, want a number", where, got)
		}
	}
}

type object = map[string]any

// TestTheManagementAPIHasAuth0sShapes: fields, types and errors as Auth0's API
// description has them.
func TestTheManagementAPIHasAuth0sShapes(t *testing.T) {
	r := newManagementRig(t)
	con := r.connection()
	client := object{
		"client_id": "", "name": "", "app_type": "", "is_first_party": true, "oidc_conformant": true,
		"token_endpoint_auth_method": "", "grant_types": []any{""}, "callbacks": []any{""},
		"refresh_token": object{
			"rotation_type": "", "expiration_type": "", "leeway": 0, "token_lifetime": 0, "infinite_token_lifetime": true,
			"idle_token_lifetime": 0, "infinite_idle_token_lifetime": true, "policies": []any{object{"audience": "", "scope": []any{""}}},
		},
	}
	connection := object{
		"id": "", "name": "", "strategy": "", "authentication": object{"active": true}, "connected_accounts": object{"active": true},
		"options": object{"client_id": "", "offline_access": true, "scope": []any{""}},
	}
	api := object{
		"id": "", "identifier": "", "name": "", "is_system": true, "allow_offline_access": true,
		"skip_consent_for_verifiable_first_party_clients": true, "scopes": []any{object{"value": ""}},
		"subject_type_authorization": object{"user": object{"policy": ""}, "client": object{"policy": ""}},
	}
	grant := object{"id": "", "client_id": "", "audience": "", "scope": []any{""}, "subject_type": ""}
	fault := object{"statusCode": 0, "error": "", "message": "", "errorCode": ""}
	demo := "clients/" + standin.DemoClientID
	tests := []struct {
		method, path, body string
		status             int
		shape              any
	}{
		{"GET", demo, "", 200, client},
		{"GET", demo + "?fields=grant_types,callbacks", "", 200, object{"grant_types": []any{""}, "callbacks": []any{""}}},
		{"GET", "clients/unknown", "", 404, fault},
		{"PATCH", demo, `{"callbacks":["https://a.example/"]}`, 200, client},
		{"PATCH", demo, `{"no_such_field":1}`, 400, fault},
		{"PATCH", demo, `{"grant_types":"x"}`, 400, fault},
		{"PATCH", demo, `{"refresh_token":{"policies":[]}}`, 400, fault},
		{"PATCH", demo, `{"app_type":"toaster"}`, 400, fault},
		{"GET", "connections?strategy=google-oauth2", "", 200, []any{connection}},
		{"GET", "connections/" + con, "", 200, connection},
		{"GET", "connections/con_unknown", "", 404, fault},
		{"PATCH", "connections/" + con, `{"connected_accounts":{"active":true}}`, 200, connection},
		{"GET", "connections/" + con + "/clients", "", 200, object{"clients": []any{object{"client_id": ""}}}},
		{"PATCH", "connections/" + con + "/clients", `[{"client_id":"` + standin.DemoClientID + `","status":true}]`, 204, nil},
		{"PATCH", "connections/" + con + "/clients", `{}`, 400, fault},
		{"GET", "resource-servers", "", 200, []any{api}},
		{"GET", "resource-servers?identifiers={me}", "", 200, []any{api}},
		{"GET", "resource-servers/{me}", "", 200, api},
		{"GET", "resource-servers/unknown", "", 404, fault},
		{"POST", "resource-servers", `{"name":"x","identifier":"https://x.example/","allow_offline_access":true}`, 201, api},
		{"POST", "resource-servers", `{"name":"x","identifier":"https://x.example/"}`, 409, fault},
		{"PATCH", "resource-servers/{me}", `{"skip_consent_for_verifiable_first_party_clients":true}`, 200, api},
		{"GET", "client-grants?audience={me}&subject_type=user", "", 200, []any{grant}},
		{"POST", "client-grants", `{"client_id":"` + standin.DemoClientID + `","audience":"https://x.example/","scope":[],"subject_type":"user"}`, 201, grant},
		{"POST", "client-grants", `{"client_id":"` + standin.DemoClientID + `","audience":"{me}","scope":[],"subject_type":"user"}`, 409, fault},
		{"POST", "client-grants", `{"client_id":"` + standin.DemoClientID + `","audience":"https://y.example/","scope":[]}`, 404, fault},
		{"PATCH", "client-grants/cgr_unknown", `{"scope":[]}`, 404, fault},
		{"GET", "guardian/policies", "", 200, []any{""}},
		{"GET", "tenants/settings", "", 200, object{"friendly_name": "", "flags": object{}}},
	}
	for _, test := range tests {
		t.Run(test.method+" "+test.path+" "+test.body, func(t *testing.T) {
			status, body := r.ask(test.method, test.path, test.body)
			if status != test.status {
				t.Fatalf("status is %d, want %d: %v", status, test.status, body)
			}
			if test.shape == nil {
				if body != nil {
					t.Errorf("the body is %v, want none", body)
				}
				return
			}
			shape(t, "the answer", body, test.shape)
			if test.status >= 400 && at(t, body, "statusCode") != float64(test.status) {
				t.Errorf("the body says %v", at(t, body, "statusCode"))
			}
		})
	}
	for _, path := range []string{"nothing", "clients", "clients/a/b", "connections/", "guardian/x"} {
		if status, _ := r.ask("GET", path, ""); status != http.StatusNotFound {
			t.Errorf("GET %s answers %d", path, status)
		}
	}
}

func TestTheManagementAPIHoldsATokenToItsScopes(t *testing.T) {
	r := newManagementRig(t)
	con := r.connection()
	demo := "clients/" + standin.DemoClientID
	requests := map[string][3]string{
		"read:clients":               {"GET", demo, ""},
		"update:clients":             {"PATCH", demo, `{}`},
		"read:connections":           {"GET", "connections", ""},
		"update:connections":         {"PATCH", "connections/" + con, `{}`},
		"update:connections_options": {"PATCH", "connections/" + con, `{"options":{}}`},
		"read:resource_servers":      {"GET", "resource-servers", ""},
		"create:resource_servers":    {"POST", "resource-servers", `{}`},
		"update:resource_servers":    {"PATCH", "resource-servers/{me}", `{}`},
		"read:client_grants":         {"GET", "client-grants", ""},
		"create:client_grants":       {"POST", "client-grants", `{}`},
		"update:client_grants":       {"PATCH", "client-grants/x", `{}`},
		"read:mfa_policies":          {"GET", "guardian/policies", ""},
		"read:tenant_settings":       {"GET", "tenants/settings", ""},
	}
	for scope, req := range requests {
		var rest []string
		for _, s := range everyScope {
			if s != scope {
				rest = append(rest, s)
			}
		}
		r.token = r.world.ManagementToken(rest...)
		status, body := r.ask(req[0], req[1], req[2])
		if status != http.StatusForbidden || at(t, body, "errorCode") != "insufficient_scope" ||
			at(t, body, "message") != "Insufficient scope, expected any of: "+scope {
			t.Errorf("without %s: %d %v", scope, status, body)
		}
	}
	r.token = "nonsense"
	if status, _ := r.ask("GET", demo, ""); status != http.StatusUnauthorized {
		t.Errorf("a token that is none answers %d", status)
	}
	r.token = r.world.ManagementToken("read:clients", "read:connections")
	if _, body := r.ask("GET", "connections/"+con, ""); at(t, body, "options") != nil {
		t.Error("the options are shown without read:connections_options")
	}
	if _, body := r.ask("GET", demo, ""); at(t, body, "client_secret") != nil {
		t.Error("the secret is shown without read:client_keys")
	}
}

// TestTheManagementAPIHasAuth0sTraps: what a client gets wrong without a word.
func TestTheManagementAPIHasAuth0sTraps(t *testing.T) {
	r := newManagementRig(t)
	con, demo := r.connection(), "clients/"+standin.DemoClientID
	r.ask("PATCH", demo, `{"grant_types":["authorization_code"]}`)
	r.world.Tenant(func(tenant *standin.Tenant) {
		if len(tenant.Application.GrantTypes) != 1 {
			t.Error("a list is not replaced")
		}
	})
	_, body := r.ask("PATCH", demo, `{"refresh_token":{"rotation_type":"non-rotating","expiration_type":"non-expiring",
		"policies":[{"audience":"https://unknown.example/","scope":["a"]},{"audience":"{me}","scope":["read:me:connected_accounts"]}]}}`)
	if list := at(t, body, "refresh_token", "policies").([]any); len(list) != 1 {
		t.Errorf("a policy for an unknown audience is kept: %v", list)
	}
	if status, _ := r.ask("PATCH", "connections/"+con, `{"options":{"offline_access":true}}`); status != http.StatusOK {
		t.Fatalf("status %d", status)
	}
	r.world.Tenant(func(tenant *standin.Tenant) {
		if !tenant.Connection("google-oauth2").DevKeys {
			t.Error("options without the provider's keys leave them in place")
		}
		tenant.ClientGrants, tenant.GrantsAsClient = nil, 1
	})
	_, body = r.ask("POST", "client-grants", `{"client_id":"`+standin.DemoClientID+`","audience":"{me}","scope":[],"subject_type":"user"}`)
	if at(t, body, "subject_type") != "client" {
		t.Errorf("the grant is %v, want one for the application", body)
	}
	r.world.Tenant(func(tenant *standin.Tenant) { tenant.MyAccount = standin.MyAccountAPI{DashboardOnly: true} })
	if status, _ := r.ask("POST", "resource-servers", `{"name":"x","identifier":"{me}"}`); status != http.StatusBadRequest {
		t.Errorf("activating answers %d", status)
	}
}
