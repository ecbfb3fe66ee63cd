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
	judge *judge
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
	j := &judge{t: t, seen: map[string]bool{}}
	srv := httptest.NewServer(j.over(w.Auth0()))
	t.Cleanup(srv.Close)
	return &managementRig{t, w, j, srv.URL, w.ManagementToken(everyScope...)}
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

// TestTheManagementAPIHasAuth0sShapes asks for every resource, and for every
// kind of refusal. What the answers look like is the judge's business.
func TestTheManagementAPIHasAuth0sShapes(t *testing.T) {
	r := newManagementRig(t)
	con := r.connection()
	demo := "clients/" + standin.DemoClientID
	_, grants := r.ask("GET", "client-grants", "")
	grant := at(t, grants, "0", "id").(string)
	tests := []struct {
		method, path, body string
		status             int
	}{
		{"GET", demo, "", 200},
		{"GET", demo + "?fields=grant_types,callbacks", "", 200},
		{"GET", "clients/unknown", "", 404},
		{"PATCH", demo, `{"callbacks":["https://a.example/"]}`, 200},
		{"PATCH", demo, `{"no_such_field":1}`, 400},
		{"PATCH", demo, `{"grant_types":"x"}`, 400},
		{"PATCH", demo, `{"refresh_token":{"policies":[]}}`, 400},
		{"PATCH", demo, `{"app_type":"toaster"}`, 400},
		{"GET", "connections?strategy=google-oauth2", "", 200},
		{"GET", "connections/" + con, "", 200},
		{"GET", "connections/con_unknown", "", 404},
		{"PATCH", "connections/" + con, `{"connected_accounts":{"active":true}}`, 200},
		{"GET", "connections/" + con + "/clients", "", 200},
		{"PATCH", "connections/" + con + "/clients", `[{"client_id":"` + standin.DemoClientID + `","status":true}]`, 204},
		{"PATCH", "connections/" + con + "/clients", `{}`, 400},
		{"GET", "resource-servers", "", 200},
		{"GET", "resource-servers?identifiers={me}", "", 200},
		{"GET", "resource-servers/{me}", "", 200},
		{"GET", "resource-servers/unknown", "", 404},
		{"POST", "resource-servers", `{"name":"x","identifier":"https://x.example/","allow_offline_access":true}`, 201},
		{"POST", "resource-servers", `{"name":"x","identifier":"https://x.example/"}`, 409},
		{"PATCH", "resource-servers/{me}", `{"skip_consent_for_verifiable_first_party_clients":true}`, 200},
		{"GET", "client-grants?audience={me}&subject_type=user", "", 200},
		{"POST", "client-grants", `{"client_id":"` + standin.DemoClientID + `","audience":"https://x.example/","scope":[],"subject_type":"user"}`, 201},
		{"POST", "client-grants", `{"client_id":"` + standin.DemoClientID + `","audience":"{me}","scope":[],"subject_type":"user"}`, 409},
		{"POST", "client-grants", `{"client_id":"` + standin.DemoClientID + `","audience":"https://y.example/","scope":[]}`, 404},
		{"PATCH", "client-grants/{grant}", `{"scope":["read:me:connected_accounts"]}`, 200},
		{"PATCH", "client-grants/cgr_unknown", `{"scope":[]}`, 404},
		{"GET", "guardian/policies", "", 200},
		{"GET", "tenants/settings", "", 200},
	}
	for _, test := range tests {
		t.Run(test.method+" "+test.path+" "+test.body, func(t *testing.T) {
			status, body := r.ask(test.method, strings.ReplaceAll(test.path, "{grant}", grant), test.body)
			if status != test.status {
				t.Fatalf("status is %d, want %d: %v", status, test.status, body)
			}
		})
	}
	r.judge.missing("GET /api/", "POST /api/", "PATCH /api/", "fault 400", "fault 404", "fault 409")
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
