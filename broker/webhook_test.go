package broker_test

import (
	"encoding/base64"
	"net/url"
	"strings"
	"testing"
	"time"

	"linkmail/broker"
	"linkmail/broker/wire"
	"linkmail/internal/secret"
)

// hook is the path and query of a session's webhook.
func hook(a *agent) string {
	a.r.t.Helper()
	if a.created.WebhookURL == nil {
		a.r.t.Fatal("the session has no webhook")
	}
	u, err := url.Parse(*a.created.WebhookURL)
	if err != nil || !strings.HasPrefix(u.Query().Get("token"), wire.WebhookTokenPrefix) {
		a.r.t.Fatalf("webhook_url = %q, %v", *a.created.WebhookURL, err)
	}
	return u.RequestURI()
}

func (a *agent) deposited() wire.Deposit {
	a.r.t.Helper()
	var d wire.Deposit
	answer{t: a.r.t, body: a.fetch()}.into(&d)
	return d
}

func TestWebhookDepositsInPlaceOfThePerson(t *testing.T) {
	r := newRig(t, nil)
	a := r.create(map[string]any{"enable_webhook": true})
	got := r.send("POST", hook(a), "code=123", "Content-Type", "application/x-www-form-urlencoded",
		"X-Hub-Signature", "sha1=x", "Cookie", "session=canary", "Connection", "X-Hop", "X-Hop", "canary").want(200)
	var accepted wire.Deposited
	if got.into(&accepted); accepted.Status != "accepted" || accepted.SessionID != a.created.SessionID {
		t.Errorf("answer = %+v", accepted)
	}
	d := a.deposited()
	if d.Body != "code=123" || d.ContentType != "application/x-www-form-urlencoded" || d.Headers["x-hub-signature"] != "sha1=x" {
		t.Errorf("deposit = %+v", d)
	}
	for name := range d.Headers {
		if name == "cookie" || name == "x-hop" || name == "connection" || name == "host" {
			t.Errorf("the deposit has the header %s", name)
		}
	}
	a.wantStatus(wire.Consumed)
	r.send("POST", hook(a), "again").problem(409)
	if strings.Contains(r.log.String(), "code=123") || strings.Contains(r.log.String(), "wt_") {
		t.Error("the log has the body or the token")
	}
}

func TestWebhookBodiesThatAreNoTextArriveWhole(t *testing.T) {
	r := newRig(t, nil)
	a := r.create(map[string]any{"enable_webhook": true})
	body := "\xff\x00\xfe"
	r.send("POST", hook(a), body).want(200)
	d := a.deposited()
	raw, err := base64.StdEncoding.DecodeString(d.Body)
	if err != nil || string(raw) != body || d.BodyEncoding != "base64" {
		t.Errorf("deposit = %+v, %v", d, err)
	}
}

func TestWebhookThatIsRefused(t *testing.T) {
	r := newRig(t, nil)
	a, plain := r.create(map[string]any{"enable_webhook": true}), r.create(nil)
	other := r.create(map[string]any{"enable_webhook": true})
	base := "/v1/sessions/" + a.created.SessionID + "/webhook"
	token := strings.TrimPrefix(hook(other), "/v1/sessions/"+other.created.SessionID+"/webhook")
	for name, tt := range map[string]struct {
		path, body string
		status     int
		title      string
	}{
		"no token":                    {base, "x", 403, "Invalid Webhook Token"},
		"an empty token":              {base + "?token=", "x", 403, "Invalid Webhook Token"},
		"a token that is none":        {base + "?token=wt_%C3%A9", "x", 403, "Invalid Webhook Token"},
		"another session's token":     {base + token, "x", 403, "Invalid Webhook Token"},
		"the poll token":              {base + "?token=" + a.created.PollToken, "x", 403, "Invalid Webhook Token"},
		"a session without webhook":   {"/v1/sessions/" + plain.created.SessionID + "/webhook?token=wt_x", "x", 403, "Webhook Not Enabled"},
		"a session that is not there": {"/v1/sessions/" + strings.Repeat("0", 64) + "/webhook" + token, "x", 404, "Session Not Found"},
		"a body that is too large":    {hook(a), strings.Repeat("x", broker.TestMaxWebhook+1), 413, "Payload Too Large"},
	} {
		if got := r.send("POST", tt.path, tt.body).problem(tt.status); got.Title != tt.title {
			t.Errorf("%s: title %q, want %q", name, got.Title, tt.title)
		}
	}
	a.wantStatus(wire.Pending)
	r.send("POST", hook(a), strings.Repeat("x", broker.TestMaxWebhook)).want(200)
}

func TestOfFormAndWebhookTheFirstWriterWins(t *testing.T) {
	r := newRig(t, nil)
	envelope, err := wire.Seal(&testKey().PublicKey, []byte(`{"api_key":"typed"}`))
	if err != nil {
		t.Fatal(err)
	}
	a := r.create(map[string]any{"enable_webhook": true})
	p := r.person()
	token := p.confirm(a)
	p.complete(a, token, envelope).want(204)
	r.send("POST", hook(a), "late").problem(409)
	if got := a.fetch(); got != `{"api_key":"typed"}` {
		t.Errorf("credential = %s", got)
	}

	a = r.create(map[string]any{"enable_webhook": true})
	token = p.confirm(a)
	r.send("POST", hook(a), "first").want(200)
	p.complete(a, token, envelope).problem(409)
	if d := a.deposited(); d.Body != "first" {
		t.Errorf("deposit = %+v", d)
	}

	a = r.create(map[string]any{"enable_webhook": true})
	r.clock.Advance(11 * time.Minute)
	r.send("POST", hook(a), "too late").problem(404)
}

func TestWhoMayHaveAWebhook(t *testing.T) {
	idp := newIDP(t)
	r := newRig(t, func(cfg *broker.Config) {
		withIDP(idp)(cfg)
		cfg.Keys = append(cfg.Keys, broker.APIKey{
			Name: "plain", Secret: secret.New("plain-key"), Scopes: []broker.Scope{broker.ScopeSessions},
		})
	})
	for _, fields := range []map[string]any{{"oauth_provider": "auth0"}, passthrough(idp, nil)} {
		fields["enable_webhook"] = true
		if got := r.tryCreate(fields).problem(400); got.Title != "Webhook Not Supported" {
			t.Errorf("title %q", got.Title)
		}
	}
	body := `{"public_key":"` + publicKey(t) + `","template":"api_key","enable_webhook":true}`
	r.send("POST", "/v1/sessions", body, "Content-Type", "application/json", "X-API-Key", "plain-key").problem(403)
}
