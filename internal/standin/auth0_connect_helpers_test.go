package standin_test

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"net/url"
	"strings"
	"testing"
)

// connectBody is a connect request as the application makes it.
func (tt *tenantTest) connectBody() map[string]any {
	return map[string]any{
		"connection": "google-oauth2", "redirect_uri": tt.back, "state": "state-2",
		"code_challenge": challenge, "code_challenge_method": "S256",
		"scopes":               []string{"openid", "profile", "email", gmailModify},
		"authorization_params": map[string]any{"prompt": "consent"},
	}
}

// me calls the My Account API with a JSON body.
func (tt *tenantTest) me(bearer, method, path string, body any) tenantAnswer {
	tt.t.Helper()
	kind, text := "", ""
	if body != nil {
		kind, text = "application/json", toJSON(tt.t, body)
	}
	return tt.request(method, "/me/v1/connected-accounts/"+path, kind, text, bearer)
}

// connect starts a connect flow.
func (tt *tenantTest) connect(bearer string) tenantAnswer {
	tt.t.Helper()
	a := tt.me(bearer, "POST", "connect", tt.connectBody())
	if a.status != 201 {
		tt.t.Fatalf("connect: %d %v", a.status, a.body)
	}
	return a
}

// complete ends a connect flow.
func (tt *tenantTest) complete(bearer string, started tenantAnswer, code string) tenantAnswer {
	tt.t.Helper()
	return tt.me(bearer, "POST", "complete", map[string]any{
		"auth_session": started.text("auth_session"), "connect_code": code,
		"redirect_uri": tt.back, "code_verifier": verifier,
	})
}

// ticketURL is where the browser goes for a connect flow.
func ticketURL(t *testing.T, started tenantAnswer) string {
	t.Helper()
	u, err := url.Parse(started.text("connect_uri"))
	if err != nil {
		t.Fatal(err)
	}
	params, _ := started.body["connect_params"].(map[string]any)
	ticket, _ := params["ticket"].(string)
	q := u.Query()
	q.Set("ticket", ticket)
	u.RawQuery = q.Encode()
	return u.String()
}

// verifyRS256 checks the signature of a JWT.
func verifyRS256(pub *rsa.PublicKey, jwt string) error {
	dot := strings.LastIndexByte(jwt, '.')
	sig, err := base64.RawURLEncoding.DecodeString(jwt[dot+1:])
	if err != nil {
		return err
	}
	sum := sha256.Sum256([]byte(jwt[:dot]))
	return rsa.VerifyPKCS1v15(pub, crypto.SHA256, sum[:], sig)
}
