package standin_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"linkmail/internal/standin"
)

// documented are the successes that Auth0 documents, by method, path ("*" for
// the part that names one thing), status and, at the token endpoint, grant.
// One without a body has no shape.
var documented = map[string]shape{
	"GET /.well-known/openid-configuration 200":               discoveryFields.check,
	"GET /.well-known/jwks.json 200":                          keysFields.check,
	"GET /userinfo 200":                                       userFields.check,
	"POST /oauth/token 200 " + standin.GrantAuthorizationCode: loginAnswer.check,
	"POST /oauth/token 200 " + standin.GrantRefreshToken:      loginAnswer.check,
	"POST /oauth/token 200 " + standin.GrantVault:             vaultAnswer.check,
	"POST /oauth/revoke 200":                                  nil,

	"POST /me/v1/connected-accounts/connect 201":      connectAnswer.check,
	"POST /me/v1/connected-accounts/complete 201":     accountAnswer.check,
	"GET /me/v1/connected-accounts/accounts 200":      accountList.check,
	"GET /me/v1/connected-accounts/connections 200":   connectionList.check,
	"DELETE /me/v1/connected-accounts/accounts/* 204": nil,

	"GET /api/v2/clients/* 200":               clientFields.check,
	"PATCH /api/v2/clients/* 200":             clientFields.check,
	"GET /api/v2/connections 200":             list(connectionFields.check),
	"GET /api/v2/connections/* 200":           connectionFields.check,
	"PATCH /api/v2/connections/* 200":         connectionFields.check,
	"GET /api/v2/connections/*/clients 200":   fields{"clients": list(fields{"client_id": text}.check), "next?": text}.check,
	"PATCH /api/v2/connections/*/clients 204": nil,
	"GET /api/v2/resource-servers 200":        list(apiFields.check),
	"GET /api/v2/resource-servers/* 200":      apiFields.check,
	"POST /api/v2/resource-servers 201":       apiFields.check,
	"PATCH /api/v2/resource-servers/* 200":    apiFields.check,
	"GET /api/v2/client-grants 200":           list(grantFields.check),
	"POST /api/v2/client-grants 201":          grantFields.check,
	"PATCH /api/v2/client-grants/* 200":       grantFields.check,
	"GET /api/v2/guardian/policies 200":       list(oneOf("all-applications", "confidence-score")),
	"GET /api/v2/tenants/settings 200":        settingsFields.check,
}

// judge holds every answer of a tenant to what is documented, and remembers
// what it has seen.
type judge struct {
	t  *testing.T
	mu sync.Mutex
	// seen are keys of documented, and errors as "oauth 403 mfa_required".
	seen map[string]bool
}

// pages are what a browser is shown; they are no API.
var pages = []string{"/authorize", "/u/login", "/connected-accounts/", "/google/", "/stand-in/"}

// over puts the judge in front of a tenant.
func (j *judge) over(tenant http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if slices.ContainsFunc(pages, func(p string) bool { return strings.HasPrefix(r.URL.Path, p) }) {
			tenant.ServeHTTP(rw, r)
			return
		}
		sent, err := io.ReadAll(r.Body)
		if err != nil {
			j.t.Errorf("a request could not be read: %v", err)
		}
		r.Body = io.NopCloser(bytes.NewReader(sent))
		rec := httptest.NewRecorder()
		tenant.ServeHTTP(rec, r)
		for _, wrong := range j.wrong(r, sent, rec) {
			j.t.Errorf("%s %s answers %d%s\n%s", r.Method, r.URL.Path, rec.Code, wrong, rec.Body)
		}
		maps.Copy(rw.Header(), rec.Header())
		rw.WriteHeader(rec.Code)
		_, _ = rw.Write(rec.Body.Bytes())
	})
}

// wrong says what of an answer is not as documented.
func (j *judge) wrong(r *http.Request, sent []byte, rec *httptest.ResponseRecorder) []string {
	want, key := j.shapeOf(r, sent, rec)
	j.mu.Lock()
	j.seen[key] = true
	j.mu.Unlock()
	_, known := documented[key]
	switch {
	case want == nil && !known:
		return []string{": no answer of this kind is documented: " + key}
	case want == nil && rec.Body.Len() > 0:
		return []string{": the body has to be empty"}
	case want == nil:
		return nil
	case rec.Header().Get("Content-Type") != "application/json":
		return []string{": the content type is " + rec.Header().Get("Content-Type")}
	}
	v, err := decodedJSON(rec.Body.Bytes())
	if err != nil {
		return []string{": the body is not JSON"}
	}
	wrong := want(v)
	if rec.Code == http.StatusTooManyRequests {
		for _, name := range []string{"X-Ratelimit-Limit", "X-Ratelimit-Remaining", "X-Ratelimit-Reset", "Retry-After"} {
			if rec.Header().Get(name) == "" {
				wrong = append(wrong, ": the header "+name+" is missing")
			}
		}
	}
	return wrong
}

// shapeOf finds what an answer has to look like, and its key.
func (j *judge) shapeOf(r *http.Request, sent []byte, rec *httptest.ResponseRecorder) (shape, string) {
	path := r.URL.EscapedPath()
	if rec.Code >= 400 {
		var said struct {
			Error string `json:"error"`
			Type  string `json:"type"`
			Code  string `json:"errorCode"`
		}
		_ = json.Unmarshal(rec.Body.Bytes(), &said)
		switch {
		case strings.HasPrefix(path, "/me/"):
			code := said.Type[strings.LastIndex(said.Type, "/")+1:]
			return problemOf(rec.Code, code), fmt.Sprintf("problem %d %s", rec.Code, code)
		case strings.HasPrefix(path, "/api/v2/"):
			return sameStatus(faultFields, "statusCode", rec.Code), fmt.Sprintf("fault %d", rec.Code)
		}
		return refusal(rec.Code), fmt.Sprintf("oauth %d %s", rec.Code, said.Error)
	}
	key := fmt.Sprintf("%s %s %d", r.Method, routeOf(path), rec.Code)
	switch {
	case path == "/oauth/token":
		key += " " + grantOf(r, sent)
	case strings.HasPrefix(path, "/api/v2/clients/") && r.URL.Query().Has("fields"):
		return someOf(clientFields, r.URL.Query()), key
	}
	return documented[key], key
}

// problemOf is the shape of an error of the My Account API, whose code names
// its status.
func problemOf(status int, code string) shape {
	return func(v any) []string {
		wrong := sameStatus(problemAnswer, "status", status)(v)
		if !strings.HasPrefix(code, fmt.Sprintf("A0E-%d-", status)) {
			wrong = append(wrong, fmt.Sprintf(".type: %s comes with HTTP %d", code, status))
		}
		return wrong
	}
}

// someOf is an object of which a request has asked for, or against, some fields.
func someOf(all fields, q url.Values) shape {
	asked := strings.Split(q.Get("fields"), ",")
	some := fields{}
	for name, s := range all {
		if slices.Contains(asked, strings.TrimSuffix(name, "?")) != (q.Get("include_fields") == "false") {
			some[name] = s
		}
	}
	return some.check
}

// routeOf replaces the part of a path that names one thing.
func routeOf(path string) string {
	parts := strings.Split(path, "/")
	at := 4 // /api/v2/clients/ID
	if strings.HasPrefix(path, "/me/") {
		at = 5 // /me/v1/connected-accounts/accounts/ID
	}
	fixed := len(parts) > 3 && (parts[3] == "guardian" || parts[3] == "tenants")
	if len(parts) > at && !fixed && (parts[1] == "api" || parts[1] == "me") {
		parts[at] = "*"
	}
	return strings.Join(parts, "/")
}

// grantOf reads the grant type of a token request.
func grantOf(r *http.Request, sent []byte) string {
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		var in struct {
			Grant string `json:"grant_type"`
		}
		_ = json.Unmarshal(sent, &in)
		return in.Grant
	}
	form, _ := url.ParseQuery(string(sent))
	return form.Get("grant_type")
}

func (j *judge) saw(key string) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.seen[key]
}

// missing reports what the judge has not seen: each name is a whole key, or
// the beginning of keys of documented.
func (j *judge) missing(names ...string) {
	j.t.Helper()
	for _, name := range names {
		keys := slices.Collect(maps.Keys(documented))
		keys = slices.DeleteFunc(keys, func(key string) bool { return !strings.HasPrefix(key, name) })
		if len(keys) == 0 {
			keys = []string{name}
		}
		for _, key := range keys {
			if !j.saw(key) {
				j.t.Errorf("nothing was answered with %s", key)
			}
		}
	}
}

// TestTheTenantHasAuth0sShapes takes every step of the double flow, and every
// refusal on the way. What the answers look like is the judge's business.
func TestTheTenantHasAuth0sShapes(t *testing.T) {
	tt := newTenantTest(t)
	set := func(change func(*standin.Tenant)) func() {
		var before standin.Tenant
		tt.world.Tenant(func(tenant *standin.Tenant) {
			before = *tenant
			tenant.Connections = slices.Clone(tenant.Connections)
			change(tenant)
		})
		return func() { tt.world.Tenant(func(tenant *standin.Tenant) { *tenant = before }) }
	}
	tt.request("GET", "/.well-known/openid-configuration", "", "", "")
	tt.request("GET", "/.well-known/jwks.json", "", "", "")
	tt.request("GET", "/nothing", "", "", "")
	tt.request("GET", "/userinfo", "", "", "nobody")

	in := tt.login("connection", "google-oauth2")
	rt := in.text("refresh_token")
	tt.request("GET", "/userinfo", "", "", in.text("access_token"))
	tt.token(vaultParams(rt)) // nothing is connected yet
	me := tt.myAccountToken(rt).text("access_token")
	started := tt.connect(me)
	back := tt.browse(ticketURL(t, started), standin.Choice{})
	done := tt.complete(me, started, back.Get("connect_code"))
	tt.complete(me, started, back.Get("connect_code")) // a second time
	tt.complete(me, tenantAnswer{body: map[string]any{"auth_session": "unknown"}}, "x")
	tt.token(vaultParams(rt))
	tt.me(me, "GET", "accounts?take=1", nil)
	tt.me(me, "GET", "accounts?take=0", nil)
	tt.me(me, "GET", "connections", nil)

	tt.me("", "GET", "accounts", nil)
	tt.me("nobody", "GET", "accounts", nil)
	tt.me(tt.myAccountToken(rt, "scope", "read:me:connected_accounts").text("access_token"), "POST", "connect", tt.connectBody())
	tt.request("POST", "/me/v1/connected-accounts/connect", "text/plain", "{}", me)
	tt.token(with(vaultParams(rt), "login_hint", "nobody@example.com"))
	tt.token(with(vaultParams(rt), "requested_token_type", ""))
	tt.token(with(refreshParams(rt), "audience", "https://nowhere.example/"))
	tt.token(refreshParams("v1.Munknown"))
	tt.token(vaultParams("v1.Munknown"))
	tt.token(vaultParams(rt), "client_secret", "wrong")
	tt.token(vaultParams(rt), "client_id", "wrong")
	tt.token(map[string]string{"grant_type": "password"})
	for _, change := range []func(*standin.Tenant){
		func(tenant *standin.Tenant) { tenant.Application.GrantTypes = nil },
		func(tenant *standin.Tenant) { tenant.MFAAlways = true },
		func(tenant *standin.Tenant) { tenant.MyAccount.Require2FA = true },
		func(tenant *standin.Tenant) {
			tenant.Application.RefreshToken = standin.RefreshTokens{Strict: true}
		},
		func(tenant *standin.Tenant) { tenant.RateLimit = 1 },
	} {
		restore := set(change)
		tt.token(vaultParams(rt))
		tt.myAccountToken(rt)
		tt.me(me, "GET", "accounts", nil)
		restore()
	}
	tt.world.RevokeGrant(standin.DefaultUser, "google-oauth2")
	tt.token(vaultParams(rt))
	tt.me(me, "DELETE", "accounts/"+done.text("id"), nil)
	tt.request("POST", "/oauth/revoke", "application/json", toJSON(t, map[string]string{
		"client_id": standin.DemoClientID, "client_secret": standin.DemoClientSecret, "token": rt,
	}), "")

	tt.judge.missing("GET /.well-known/", "GET /userinfo", "POST /oauth/", "POST /me/", "GET /me/", "DELETE /me/")
	for code, statuses := range refusals {
		if !slices.ContainsFunc(statuses, func(status int) bool { return tt.judge.saw(fmt.Sprintf("oauth %d %s", status, code)) }) {
			t.Errorf("nothing was refused with %s", code)
		}
	}
	tt.judge.missing("problem 400 A0E-400-0003", "problem 401 A0E-401-0002", "problem 401 A0E-401-0003", "problem 403 A0E-403-0002",
		"problem 404 A0E-404-0001", "problem 409 A0E-409-0001", "problem 415 A0E-415-0001", "problem 429 A0E-429-0003")
}

// TestAnAnswerOfAnotherShapeIsFound: the judge can tell.
func TestAnAnswerOfAnotherShapeIsFound(t *testing.T) {
	const good = `{"id":"cac_1","connection":"google-oauth2","access_type":"offline","scopes":["openid"],"created_at":"2026-01-01T00:00:00.000Z"}`
	for name, test := range map[string]struct {
		judge  shape
		answer string
		says   string
	}{
		"as documented":            {accountAnswer.check, good, ""},
		"a field nobody documents": {accountAnswer.check, strings.Replace(good, `"id"`, `"user":"x","id"`, 1), ".user: is documented nowhere"},
		"a field is missing":       {accountAnswer.check, strings.Replace(good, `"connection":"google-oauth2",`, "", 1), ".connection: is missing"},
		"another type":             {accountAnswer.check, strings.Replace(good, `["openid"]`, `"openid"`, 1), ".scopes: is string"},
		"another type in a list":   {accountAnswer.check, strings.Replace(good, `"openid"`, `7`, 1), ".scopes[0]: is float64"},
		"null in place of absence": {accountAnswer.check, strings.Replace(good, `"created_at"`, `"expires_at":null,"created_at"`, 1), ".expires_at: is <nil>"},
		"another form of an id":    {accountAnswer.check, strings.Replace(good, "cac_1", "cac-1", 1), ".id: does not match"},
		"a time with an offset":    {accountAnswer.check, strings.Replace(good, "00.000Z", "00.000+01:00", 1), ".created_at: is"},
		"a list in place":          {accountAnswer.check, "[]", ": is []interface {}, want an object"},
		"a token from the vault that can be renewed": {vaultAnswer.check, `{"access_token":"ya29.0123456789abcdef","token_type":"Bearer","expires_in":3599,"scope":"openid",
			"issued_token_type":"http://auth0.com/oauth/token-type/federated-connection-access-token","refresh_token":"v1.M01234567890123456789"}`, ".refresh_token: is documented nowhere"},
		"a problem with an error key":     {problemOf(404, "A0E-404-0001"), `{"type":"https://auth0.com/api-errors/A0E-404-0001","status":404,"title":"x","detail":"x","error":"x"}`, ".error: is documented nowhere"},
		"a problem of another status":     {problemOf(404, "A0E-403-0001"), `{"type":"https://auth0.com/api-errors/A0E-403-0001","status":404,"title":"x","detail":"x"}`, "comes with HTTP 404"},
		"a refusal with a foreign status": {refusal(404), `{"error":"invalid_grant","error_description":"x"}`, "comes with HTTP 404"},
		"a refusal nobody documents":      {refusal(400), `{"error":"surprise","error_description":"x"}`, `"surprise" comes with`},
		"a fault of another status":       {sameStatus(faultFields, "statusCode", 403), `{"statusCode":400,"error":"x","message":"x"}`, "is 400, and the status 403"},
	} {
		t.Run(name, func(t *testing.T) {
			v, err := decodedJSON([]byte(test.answer))
			if err != nil {
				t.Fatal(err)
			}
			got := strings.Join(test.judge(v), "\n")
			if (got == "") != (test.says == "") || !strings.Contains(got, test.says) {
				t.Errorf("the judge says %q, want something of %q", got, test.says)
			}
		})
	}
}
