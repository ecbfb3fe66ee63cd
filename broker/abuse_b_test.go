package broker_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"linkmail/broker/wire"
)

// The tests here are named after the abuse cases of group B: races of browsers
// and hijacking. Those that need a browser are in interop_page_test.go. B18, a
// person who completes the session of somebody else, is beyond a broker that
// knows no users: the page shows who asks and which code to compare, and the
// agent checks whose account it got.

// bothSteps runs the test on a session as it is opened, and on one that follows
// another, whose browser is then the person's.
func bothSteps(t *testing.T, test func(t *testing.T, r *rig, a *agent, p *person)) {
	t.Run("first step", func(t *testing.T) {
		r := newRig(t, withIDP(newIDP(t)))
		test(t, r, r.create(nil), r.person())
	})
	t.Run("second step", func(t *testing.T) {
		r := newRig(t, withIDP(newIDP(t)))
		first, p := r.login(nil)
		test(t, r, r.create(map[string]any{"follows": first.created.SessionID}), p)
	})
}

func TestB10OneOf64ConfirmsWins(t *testing.T) {
	bothSteps(t, func(t *testing.T, r *rig, a *agent, p *person) {
		path := "/v1/connect/" + a.created.Code
		p.get(path).want(http.StatusOK)
		var all sync.WaitGroup
		var mu sync.Mutex
		statuses, token := map[int]int{}, ""
		for range 64 {
			all.Go(func() {
				got := p.r.do(p.client, r.request("POST", path+"/confirm", ""))
				mu.Lock()
				defer mu.Unlock()
				if statuses[got.status]++; got.status == http.StatusOK {
					var c wire.Confirmation
					got.into(&c)
					token = c.ConnectToken
				}
			})
		}
		all.Wait()
		if statuses[http.StatusOK] != 1 || statuses[http.StatusConflict] != 63 {
			t.Fatalf("statuses = %v, want 200 once and 409 otherwise", statuses)
		}
		p.complete(a, token, seal(t, "winner")).want(http.StatusNoContent)
		if got := a.fetch(); got != "winner" {
			t.Errorf("the agent gets %q", got)
		}
	})
}

func TestB11ASecondBrowserSeesNothing(t *testing.T) {
	bothSteps(t, func(t *testing.T, r *rig, a *agent, p *person) {
		p.confirm(a)
		other := r.person()
		body := other.get("/v1/connect/" + a.created.Code).problem(http.StatusNotFound)
		unknown := other.get("/v1/connect/AAAAA-AAAAA").problem(http.StatusNotFound)
		if body.Detail != unknown.Detail || body.Title != unknown.Title {
			t.Errorf("a code in use is told from an unknown one: %+v, %+v", body, unknown)
		}
	})
}

func TestB12OneOf64CompletesWins(t *testing.T) {
	bothSteps(t, func(t *testing.T, _ *rig, a *agent, p *person) {
		token := p.confirm(a)
		var all sync.WaitGroup
		var mu sync.Mutex
		var winners []string
		envelopes := make([]string, 64)
		for i := range envelopes {
			envelopes[i] = seal(t, fmt.Sprintf("envelope %d", i))
		}
		for i, envelope := range envelopes {
			all.Go(func() {
				if got := p.complete(a, token, envelope); got.status == http.StatusNoContent {
					mu.Lock()
					defer mu.Unlock()
					winners = append(winners, fmt.Sprintf("envelope %d", i))
				}
			})
		}
		all.Wait()
		if len(winners) != 1 {
			t.Fatalf("%d completes won, want 1", len(winners))
		}
		if got := a.fetch(); got != winners[0] {
			t.Errorf("the agent gets %q, want the winner's %q", got, winners[0])
		}
	})
}

func TestB13AnEmptyConnectTokenIsRefused(t *testing.T) {
	bothSteps(t, func(t *testing.T, _ *rig, a *agent, p *person) {
		p.confirm(a)
		path := "/v1/connect/" + a.created.Code + "/complete"
		for _, token := range []any{"", nil, " ", "ct_", "ct_" + strings.Repeat("A", 43), strings.Repeat("A", 100_000)} {
			got := p.postJSON(path, map[string]any{"ciphertext": "QQ==", "connect_token": token})
			if got.status != http.StatusForbidden && got.status != http.StatusUnprocessableEntity {
				t.Errorf("token %.10v: status = %d, want 403 or 422", token, got.status)
			}
		}
		p.postJSON(path, map[string]any{"ciphertext": "QQ=="}).problem(http.StatusUnprocessableEntity)
		p.postJSON(path, map[string]any{"ciphertext": "QQ==", "connect_token": strings.Repeat("A", 1<<20)}).problem(http.StatusRequestEntityTooLarge)
		a.wantStatus(wire.Confirmed)
	})
}

func TestB14CompleteOutOfOrder(t *testing.T) {
	bothSteps(t, func(t *testing.T, r *rig, a *agent, p *person) {
		invented := "ct_" + strings.Repeat("A", 43)
		if got := p.complete(a, invented, seal(t, "early")); got.status < 400 {
			t.Errorf("before the confirmation: status = %d", got.status)
		}
		token := p.confirm(a)
		p.complete(a, token, seal(t, "good")).want(http.StatusNoContent)
		p.complete(a, token, seal(t, "late")).problem(http.StatusConflict)
		if got := a.fetch(); got != "good" {
			t.Errorf("the agent gets %q", got)
		}
		p.complete(a, token, seal(t, "later")).problem(http.StatusConflict)
		a.wantStatus(wire.Consumed)
		r.clock.Advance(time.Hour)
		p.complete(a, token, seal(t, "too late")).problem(http.StatusNotFound)
	})
}

func TestB15OtherSitesCannotConfirm(t *testing.T) {
	bothSteps(t, func(t *testing.T, r *rig, a *agent, p *person) {
		path := "/v1/connect/" + a.created.Code + "/confirm"
		for _, header := range [][]string{
			{"Origin", "https://evil.example"},
			{"Sec-Fetch-Site", "cross-site"},
			{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example", "Content-Type", "application/x-www-form-urlencoded"},
			{"Sec-Fetch-Site", "same-site", "Origin", "http://127.0.0.1:1"},
			{"Origin", "null"},
		} {
			r.do(p.client, r.request("POST", path, "", header...)).problem(http.StatusForbidden)
		}
		a.wantStatus(wire.Pending)
		r.do(p.client, r.request("POST", path, "", "Origin", r.url, "Sec-Fetch-Site", "same-origin")).want(http.StatusOK)
	})
}

func TestB16PagesMayNotBeFramed(t *testing.T) {
	r := newRig(t, nil)
	for _, path := range []string{"/connect", "/connect/AAAAA-AAAAA", "/v1/oauth/callback?state=x"} {
		got := r.send("GET", path, "", "Accept", "text/html")
		if !strings.Contains(got.header.Get("Content-Security-Policy"), "frame-ancestors 'none'") || got.header.Get("X-Frame-Options") != "DENY" {
			t.Errorf("%s may be framed: %v", path, got.header)
		}
	}
}

func TestB17PreviewsOfALinkDoNoHarm(t *testing.T) {
	bothSteps(t, func(t *testing.T, r *rig, a *agent, p *person) {
		for i := range 30 {
			agent := []string{"Slackbot-LinkExpanding 1.0", "WhatsApp/2.0", "facebookexternalhit/1.1", "curl/8"}[i%4]
			r.send("GET", "/connect/"+a.created.Code, "", "User-Agent", agent).want(http.StatusOK)
		}
		a.wantStatus(wire.Pending)
		p.get("/v1/connect/" + a.created.Code).want(http.StatusOK)
		p.confirm(a)
	})
}

func TestB19ThePageIsToldTheKeyOfTheSession(t *testing.T) {
	bothSteps(t, func(t *testing.T, _ *rig, a *agent, p *person) {
		var c wire.Connect
		p.get("/v1/connect/" + a.created.Code).want(http.StatusOK).into(&c)
		if c.PublicKey != publicKey(t) {
			t.Error("the page is told another key")
		}
	})
}

func TestB20NamesAreMadeSafeToShow(t *testing.T) {
	r := newRig(t, nil)
	a := r.create(map[string]any{"display_name": "<b>Bank</b>\u202e\n\u200b" + strings.Repeat("x", 10_000)})
	var c wire.Connect
	r.send("GET", "/v1/connect/"+a.created.Code, "").want(http.StatusOK).into(&c)
	if len(c.DisplayName) > 80 || strings.ContainsAny(c.DisplayName, "\u202e\n\u200b") || !strings.HasPrefix(c.DisplayName, "<b>Bank</b>") {
		t.Errorf("the name is %q", c.DisplayName)
	}
}
