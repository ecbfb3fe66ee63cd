package standin_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"linkmail/internal/standin"
)

// FuzzTenantBodies posts anything to the endpoints that read a body: every
// answer is JSON and no server error, and an error has a shape that a client
// can read.
func FuzzTenantBodies(f *testing.F) {
	world := standin.NewWorld(standin.Config{})
	handler := world.Auth0()
	rt := world.AddRefreshToken(standin.DefaultUser)
	world.AllowCallback("http://127.0.0.1/callback")
	post := func(path, kind, body, bearer string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodPost, "http://tenant.example"+path, strings.NewReader(body))
		r.Header.Set("Content-Type", kind)
		r.Header.Set("Authorization", "Bearer "+bearer)
		rw := httptest.NewRecorder()
		handler.ServeHTTP(rw, r)
		return rw
	}
	var me struct {
		Token string `json:"access_token"`
	}
	credentials := `"client_id":"` + standin.DemoClientID + `","client_secret":"` + standin.DemoClientSecret + `"`
	refresh := `{` + credentials + `,"grant_type":"refresh_token","refresh_token":"` + rt + `","audience":"http://tenant.example/me/"}`
	if err := json.Unmarshal(post("/oauth/token", "application/json", refresh, "").Body.Bytes(), &me); err != nil || me.Token == "" {
		f.Fatalf("no My Account token: %v", err)
	}
	f.Add(0, refresh)
	f.Add(0, `{`+credentials+`,"grant_type":"`+standin.GrantVault+`","subject_token":"`+rt+`"}`)
	f.Add(1, "grant_type=refresh_token&client_id="+standin.DemoClientID)
	f.Add(2, `{"connection":"google-oauth2","redirect_uri":"http://127.0.0.1/callback","scopes":["openid"],"authorization_params":{"prompt":"consent"}}`)
	f.Add(3, `{"auth_session":"x","connect_code":"y","redirect_uri":"http://127.0.0.1/callback","code_verifier":"z"}`)
	f.Fuzz(func(t *testing.T, which int, body string) {
		routes := []struct{ path, kind, key string }{
			{"/oauth/token", "application/json", "error"},
			{"/oauth/token", "application/x-www-form-urlencoded", "error"},
			{"/me/v1/connected-accounts/connect", "application/json", "detail"},
			{"/me/v1/connected-accounts/complete", "application/json", "detail"},
		}
		route := routes[uint(which)%4]
		rw := post(route.path, route.kind, body, me.Token)
		var got map[string]any
		if err := json.Unmarshal(rw.Body.Bytes(), &got); err != nil || rw.Code >= 500 {
			t.Fatalf("status %d, body %q", rw.Code, rw.Body)
		}
		if text, _ := got[route.key].(string); rw.Code >= 400 && text == "" {
			t.Errorf("status %d without %q: %v", rw.Code, route.key, got)
		}
	})
}

// FuzzAccessTokens makes up tokens, none of which verifies.
func FuzzAccessTokens(f *testing.F) {
	f.Add("a.b.c")
	f.Add("..")
	f.Add("eyJhbGciOiJub25lIn0.eyJpc3MiOiJodHRwOi8veC8ifQ.")
	f.Fuzz(func(t *testing.T, token string) {
		if standin.VerifyJWT(token, "http://x/me/", time.Unix(0, 0)) == nil {
			t.Errorf("%q verifies", token)
		}
	})
}
