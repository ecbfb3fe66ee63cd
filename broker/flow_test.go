package broker_test

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"linkmail/broker/wire"
)

func TestFormFlow(t *testing.T) {
	r := newRig(t, nil)
	a := r.create(map[string]any{"template": "basic_auth"})
	p := r.person()

	var c wire.Connect
	p.get("/v1/connect/" + a.created.Code).want(http.StatusOK).into(&c)
	if c.TemplateType != "form" || len(c.Fields) != 2 || c.Code != a.created.Code || c.AskedBy != "agent one" {
		t.Errorf("connect = %+v", c)
	}
	a.wantStatus(wire.Pending)
	token := p.confirm(a)
	a.wantStatus(wire.Confirmed)
	p.get("/v1/connect/" + a.created.Code).problem(http.StatusNotFound)

	pub, err := wire.ParsePublicKey(c.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	envelope, err := wire.Seal(pub, []byte(`{"username":"u","password":"p"}`))
	if err != nil {
		t.Fatal(err)
	}
	p.complete(a, token, envelope).want(http.StatusNoContent)
	if got, want := a.fetch(), `{"username":"u","password":"p"}`; got != want {
		t.Errorf("credential = %s, want %s", got, want)
	}
	a.wantStatus(wire.Consumed)
}

func TestOAuthFlow(t *testing.T) {
	idp := newIDP(t)
	r := newRig(t, withIDP(idp))
	a := r.create(map[string]any{
		"oauth_provider": "auth0", "oauth_scopes": []string{"openid", "offline_access"},
		"oauth_extra_params": map[string]string{"audience": "https://api.example/"},
	})
	p := r.person()
	q := p.depart(a).Query()
	for name, want := range map[string]string{
		"response_type": "code", "client_id": "client-1", "redirect_uri": r.url + "/v1/oauth/callback",
		"scope": "openid offline_access", "audience": "https://api.example/", "code_challenge_method": "S256",
	} {
		if got := q.Get(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	a.wantStatus(wire.Confirmed)
	got := p.callback("state", q.Get("state"), "code", "the-code").want(http.StatusSeeOther).header.Get("Location")
	if want := r.url + "/connect/" + a.created.Code + "?status=success"; got != want {
		t.Errorf("Location = %q, want %q", got, want)
	}
	forms := idp.exchanges()
	if len(forms) != 1 {
		t.Fatalf("%d token requests, want 1", len(forms))
	}
	sum := sha256.Sum256([]byte(forms[0].Get("code_verifier")))
	if base64.RawURLEncoding.EncodeToString(sum[:]) != q.Get("code_challenge") {
		t.Error("the verifier does not belong to the challenge")
	}
	if forms[0].Get("code") != "the-code" || forms[0].Get("client_secret") != "client-secret-canary" ||
		forms[0].Get("redirect_uri") != q.Get("redirect_uri") {
		t.Errorf("token request = %v", forms[0])
	}
	var o wire.Outcome
	p.get("/v1/connect/" + a.created.Code + "/status").want(http.StatusOK).into(&o)
	if o.Status != wire.Ready {
		t.Errorf("the page is told %q, want ready", o.Status)
	}
	stranger := r.person()
	stranger.confirm(r.create(nil)) // has a cookie, but not this session's
	stranger.get("/v1/connect/" + a.created.Code + "/status").problem(http.StatusNotFound)
	r.send("GET", "/v1/connect/"+a.created.Code+"/status", "").problem(http.StatusNotFound)
	if got := a.fetch(); got != idpTokens {
		t.Errorf("credential = %s, want the whole answer of the token endpoint", got)
	}
	a.wantStatus(wire.Consumed)
}

func TestPassthroughFlow(t *testing.T) {
	idp := newIDP(t)
	r := newRig(t, withIDP(idp))
	a := r.create(passthrough(idp, nil))
	p := r.person()
	if got, want := p.depart(a).String(), idp.URL+"/connected-accounts/connect?ticket=tk"; got != want {
		t.Errorf("Location = %q, want %q", got, want)
	}
	p.callback("state", customState, "connect_code", "cc-1", "other", "x").want(http.StatusSeeOther)
	if got, want := a.fetch(), `{"connect_code":"cc-1"}`; got != want {
		t.Errorf("credential = %s, want %s", got, want)
	}
}

// A refusal that the agent asked for is delivered to it, and the person's page
// is told that it was one.
func TestADeliveredRefusalIsNotShownAsConnected(t *testing.T) {
	idp := newIDP(t)
	r := newRig(t, withIDP(idp))
	a := r.create(passthrough(idp, map[string]any{"custom_callback_params": []string{"connect_code", "error"}}))
	p := r.person()
	p.depart(a)
	p.callback("state", customState, "error", "access_denied").want(http.StatusSeeOther)
	var shown wire.Outcome
	p.get("/v1/connect/" + a.created.Code + "/status").want(http.StatusOK).into(&shown)
	if shown.Error != "access_denied" {
		t.Errorf("the page is told %+v, want access_denied", shown)
	}
	if got, want := a.fetch(), `{"error":"access_denied"}`; got != want {
		t.Errorf("credential = %s, want %s", got, want)
	}
}

func TestProxyFlow(t *testing.T) {
	idp := newIDP(t)
	host := strings.TrimPrefix(idp.URL, "http://")
	r := newRig(t, allowProxy(host))
	got := r.proxy(map[string]any{
		"method": "POST", "url": idp.URL + "/token", "body": "a=b",
		"headers": map[string]string{"Content-Type": "application/x-www-form-urlencoded"},
	}).want(http.StatusOK)
	var p wire.ProxyResponse
	got.into(&p)
	if p.StatusCode != 200 || p.Body != idpTokens || p.Headers["content-type"] != "application/json" {
		t.Errorf("proxy = %+v", p)
	}
	if forms := idp.exchanges(); len(forms) != 1 || forms[0].Get("a") != "b" {
		t.Errorf("upstream got %v", forms)
	}
}
