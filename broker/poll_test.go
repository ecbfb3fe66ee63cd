package broker_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"linkmail/broker"
	"linkmail/broker/wire"
)

func TestPollTiming(t *testing.T) {
	r := newRig(t, nil)
	a, p := r.create(nil), r.person()
	at := func(d time.Duration) answer {
		r.clock.Set(a.created.ExpiresAt.Add(-10*time.Minute + d))
		return a.pollNow()
	}
	at(0).want(200)
	got := at(4900 * time.Millisecond)
	problem := got.problem(429)
	if problem.Type != wire.SlowDown || problem.Interval != 10 || problem.Error != "slow_down" || got.header.Get("Retry-After") == "" {
		t.Errorf("problem = %+v, headers %v", problem, got.header)
	}
	at(4950 * time.Millisecond).problem(429)
	// Refused polls start no new interval.
	at(5 * time.Second).want(200)
	at(5100 * time.Millisecond).problem(429)
	// A credential that has become ready meanwhile is not held back.
	p.complete(a, p.confirm(a), seal(t, "{}")).want(204)
	var poll wire.Poll
	at(5200 * time.Millisecond).want(200).into(&poll)
	if poll.Status != wire.Ready {
		t.Errorf("status = %q, want ready", poll.Status)
	}
	at(10100 * time.Millisecond).problem(429)
	at(10200 * time.Millisecond).want(200).into(&poll)
	if poll.Status != wire.Consumed {
		t.Errorf("status = %q, want consumed", poll.Status)
	}
}

func TestPollAfterTheClockWasSetBack(t *testing.T) {
	r := newRig(t, nil)
	a := r.create(nil)
	a.pollNow().want(200)
	r.clock.Advance(-time.Hour)
	a.pollNow().want(200)
}

func TestPollBodies(t *testing.T) {
	r := newRig(t, nil)
	r.clock.Set(time.Date(2026, 11, 23, 15, 48, 18, 0, time.UTC))
	a, p := r.create(nil), r.person()
	const expires = `"expires_at":"2026-11-23T15:58:18Z"`
	waiting := func(status string) string {
		return `{"status":"` + status + `",` + expires + `,"interval":5,"ciphertext":null,"algorithm":null}`
	}
	next := func() string { r.clock.Advance(5 * time.Second); return a.pollNow().want(200).body }
	if got, want := next(), waiting("pending"); got != want {
		t.Errorf("pending: %s, want %s", got, want)
	}
	token := p.confirm(a)
	if got, want := next(), waiting("confirmed"); got != want {
		t.Errorf("confirmed: %s, want %s", got, want)
	}
	envelope := seal(t, "{}")
	p.complete(a, token, envelope).want(204)
	want := `{"status":"ready",` + expires + `,"interval":null,"ciphertext":"` + envelope + `","algorithm":"RSA-OAEP-256+AES-256-GCM"}`
	if got := next(); got != want {
		t.Errorf("ready: %s, want %s", got, want)
	}
	if got, want := next(), `{"status":"consumed",`+expires+`,"interval":null,"ciphertext":null,"algorithm":null}`; got != want {
		t.Errorf("consumed: %s, want %s", got, want)
	}
}

func TestExpiryIsDecidedOnce(t *testing.T) {
	r := newRig(t, nil)
	for _, tt := range []struct {
		name   string
		before time.Duration
		status int
	}{
		{"a millisecond before", time.Millisecond, 200},
		{"at the moment", 0, 404},
		{"a millisecond after", -time.Millisecond, 404},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := r.create(nil)
			r.clock.Set(a.created.ExpiresAt.Add(-tt.before))
			a.pollNow().want(tt.status)
			r.send("GET", "/v1/connect/"+a.created.Code, "").want(tt.status)
			if tt.status != 200 {
				r.send("POST", "/v1/connect/"+a.created.Code+"/confirm", "").problem(404)
			}
		})
	}
}

func TestHeadDoesNotConsume(t *testing.T) {
	r := newRig(t, nil)
	a, p := r.create(nil), r.person()
	p.complete(a, p.confirm(a), seal(t, "{}")).want(204)
	r.clock.Advance(5 * time.Second)
	got := r.send("HEAD", "/v1/sessions/"+a.created.SessionID, "", "Authorization", "Bearer "+a.created.PollToken, "X-API-Key", apiKey)
	if got.status != http.StatusMethodNotAllowed {
		t.Errorf("HEAD = %d, want 405", got.status)
	}
	a.fetch()
}

// TestPythonClient holds what the published Python client depends on.
func TestPythonClient(t *testing.T) {
	idp := newIDP(t)
	r := newRig(t, withIDP(idp))
	t.Run("create", func(t *testing.T) {
		// Members as the client sends them, with null for what is not set.
		got := r.send("POST", "/v1/sessions", `{"public_key":"`+publicKey(t)+`","template":"api_key","display_name":null,"ttl":null,"oauth_provider":null,"fields":null}`,
			"Content-Type", "application/json", "Accept", "*/*", "X-API-Key", apiKey)
		var m map[string]any
		got.want(http.StatusCreated).into(&m)
		for _, name := range []string{"session_id", "code", "url", "poll_token", "user_code", "verification_uri", "verification_uri_complete"} {
			if s, _ := m[name].(string); s == "" {
				t.Errorf("%s is missing: %s", name, got.body)
			}
		}
		if m["interval"] != 5.0 || m["callback_secret"] != nil || m["webhook_url"] != nil {
			t.Errorf("body = %s", got.body)
		}
		if url := fmt.Sprint(m["url"]); url != r.url+"/connect/"+fmt.Sprint(m["code"]) {
			t.Errorf("url = %s", url)
		}
	})
	t.Run("API key errors are said in both forms", func(t *testing.T) {
		for key, want := range map[string]string{"": "API Key Required", "wrong": "Invalid API Key"} {
			got := r.send("POST", "/v1/sessions", "{}", "Content-Type", "application/json", "X-API-Key", key)
			var m struct {
				Title  string
				Detail struct{ Title string }
			}
			got.into(&m)
			if m.Title != want || m.Detail.Title != want {
				t.Errorf("body = %s", got.body)
			}
		}
	})
	t.Run("a slow down has a type that ends in slow_down", func(t *testing.T) {
		a := r.create(nil)
		a.pollNow().want(200)
		var m map[string]any
		a.pollNow().want(429).into(&m)
		if kind, _ := m["type"].(string); !strings.HasSuffix(kind, "slow_down") || m["interval"] != 10.0 {
			t.Errorf("body = %v", m)
		}
	})
	t.Run("the callback is where the client registers it", func(t *testing.T) {
		r.send("GET", "/v1/oauth/callback", "").problem(400)
	})
	t.Run("second confirm is 409", func(t *testing.T) {
		a := r.create(nil)
		r.person().confirm(a)
		if got := r.send("POST", "/v1/connect/"+a.created.Code+"/confirm", "").problem(409); got.Title != "Already Confirmed" {
			t.Errorf("title = %q", got.Title)
		}
	})
	t.Run("members that are not known are ignored", func(t *testing.T) {
		r.create(map[string]any{"new_member": map[string]any{"x": 1}})
	})
	t.Run("built-in templates", func(t *testing.T) {
		for _, name := range []string{"api_key", "basic_auth", "aws", "openai", "anthropic"} {
			r.create(map[string]any{"template": name})
		}
		google := newRig(t, func(cfg *broker.Config) {
			cfg.Providers = map[string]broker.Provider{}
			for _, name := range []string{"google", "microsoft", "github", "slack"} {
				cfg.Providers[name] = idp.provider()
			}
		})
		for _, name := range []string{"google_mail", "google_drive", "microsoft_mail", "github", "slack"} {
			a := google.create(map[string]any{"template": name})
			var c wire.Connect
			google.send("GET", "/v1/connect/"+a.created.Code, "").want(200).into(&c)
			if c.TemplateType != "oauth" {
				t.Errorf("%s: template_type %q", name, c.TemplateType)
			}
		}
	})
}
