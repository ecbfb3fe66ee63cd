package broker_test

import (
	"net/netip"
	"strings"
	"testing"

	"linkmail/broker"
)

func TestForwardedForIsBelievedFromTrustedProxiesOnly(t *testing.T) {
	loopback := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8")}
	for name, tt := range map[string]struct {
		trusted []netip.Prefix
		header  []string // values of X-Forwarded-For; N is a number that grows
		limited bool     // whether all requests are one client's
	}{
		"nobody is trusted":                      {nil, []string{"203.0.113.N"}, true},
		"another network is trusted":             {[]netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}, []string{"203.0.113.N"}, true},
		"the proxy is trusted":                   {loopback, []string{"203.0.113.N"}, false},
		"a port is no difference":                {loopback, []string{"203.0.113.N:4711"}, false},
		"what the client made up is not read":    {loopback, []string{"198.51.100.N, 203.0.113.1"}, true},
		"a second header is a later hop":         {loopback, []string{"198.51.100.N", "203.0.113.1"}, true},
		"inner proxies are skipped":              {loopback, []string{"203.0.113.N, 10.1.2.3, 10.9.9.9"}, false},
		"behind an entry that is none, the peer": {loopback, []string{"203.0.113.N, unknown"}, true},
		"an empty header":                        {loopback, []string{""}, true},
		"one IPv6 network is one client":         {loopback, []string{"2001:db8:1:1::N"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, func(cfg *broker.Config) { cfg.TrustedProxies = tt.trusted })
			limited := false
			for n := range broker.TestGuessesPerAddress + 1 {
				req := r.request("GET", "/v1/connect/AAAAA-AAAAA", "")
				for _, value := range tt.header {
					req.Header.Add("X-Forwarded-For", strings.ReplaceAll(value, "N", string(rune('1'+n%9))+string(rune('0'+n/9))))
				}
				limited = r.do(r.person().client, req).status == 429
			}
			if limited != tt.limited {
				t.Errorf("limited = %v, want %v", limited, tt.limited)
			}
		})
	}
}

func TestMetrics(t *testing.T) {
	idp := newIDP(t)
	r := newRig(t, func(cfg *broker.Config) {
		withIDP(idp)(cfg)
		cfg.SessionsPerMinute = 1
	})
	a := r.create(nil)
	r.tryCreate(nil).problem(429)
	a.ready()
	a.fetch()
	r.send("GET", "/v1/connect/AAAAA-AAAAA", "").problem(404)
	for range broker.TestGuessesPerAddress + 1 {
		_ = r.b.Guess(netip.MustParseAddr("192.0.2.1"), "guess")
	}
	r.trade("/v1/oauth/refresh", nil).tokens()
	r.send("GET", "/no/such/canary", "").problem(404)
	got := r.send("GET", "/metrics", "").want(200)
	if kind := got.header.Get("Content-Type"); !strings.HasPrefix(kind, "text/plain; version=0.0.4") {
		t.Errorf("Content-Type = %q", kind)
	}
	for _, want := range []string{
		`linkauth_sessions_created_total{kind="form"} 1`,
		`linkauth_session_transitions_total{kind="form",to="consumed"} 1`,
		`linkauth_session_transitions_total{kind="form",to="ready"} 1`,
		`linkauth_http_requests_total{route="POST /v1/sessions",status="201"} 1`,
		`linkauth_http_requests_total{route="none",status="404"} 1`,
		`linkauth_token_requests_total{kind="refresh",provider="auth0",outcome="granted"} 1`,
		"linkauth_sessions 1", "linkauth_event_streams 0", "linkauth_store_up 1",
		`linkauth_rate_limited_total{kind="sessions"} 1`,
		`linkauth_codes_refused_total{reason="missed"} 11`, `linkauth_codes_refused_total{reason="stopped"} 1`,
	} {
		if !strings.Contains(got.body, want+"\n") {
			t.Errorf("no line %s in\n%s", want, got.body)
		}
	}
	types := map[string]bool{}
	for line := range strings.Lines(got.body) {
		line = strings.TrimSuffix(line, "\n")
		if name, ok := strings.CutPrefix(line, "# TYPE "); ok {
			name, _, _ = strings.Cut(name, " ")
			types[name] = true
			continue
		}
		if strings.HasPrefix(line, "# HELP ") {
			continue
		}
		sample := line[:strings.LastIndexByte(line, ' ')]
		name, _, _ := strings.Cut(sample, "{")
		if !types[name] {
			t.Errorf("line %q has no TYPE", line)
		}
	}
	for _, foreign := range []string{a.created.Code, a.created.SessionID, a.created.PollToken, "agent one", "canary", "127.0.0.1"} {
		if strings.Contains(got.body, foreign) {
			t.Errorf("the metrics name %q", foreign)
		}
	}
}

func TestMetricsAreForTheOwnNetwork(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	for name, tt := range map[string]struct {
		trusted []netip.Prefix
		header  []string
		status  int
	}{
		"this machine":                  {nil, nil, 200},
		"behind a proxy that is silent": {nil, []string{"X-Forwarded-For", "10.0.0.1"}, 404},
		"another spelling of that":      {nil, []string{"Forwarded", "for=10.0.0.1"}, 404},
		"the world, by a trusted proxy": {trusted, []string{"X-Forwarded-For", "203.0.113.5"}, 404},
		"the own network, by the same":  {trusted, []string{"X-Forwarded-For", "10.0.0.5"}, 200},
	} {
		r := newSecureRig(t, func(cfg *broker.Config) { cfg.TrustedProxies = tt.trusted })
		r.host = "10.1.1.1:8080" // scrapers come by address
		if got := r.send("GET", "/metrics", "", tt.header...); got.status != tt.status {
			t.Errorf("%s: %d, want %d", name, got.status, tt.status)
		}
	}
}

func TestExpiredAsStatus(t *testing.T) {
	r := newRig(t, func(cfg *broker.Config) { cfg.ExpiredAsStatus = true })
	a := r.create(nil)
	r.clock.Advance(10 * 60e9)
	path := "/v1/sessions/" + a.created.SessionID
	if got := a.pollNow().want(200); !strings.Contains(got.body, `"status":"expired"`) {
		t.Errorf("poll = %s", got.body)
	}
	r.send("GET", path, "", "X-API-Key", apiKey, "Authorization", "Bearer pt_"+strings.Repeat("A", 43)).problem(404)
	r.clock.Advance(10 * 60e9)
	a.pollNow().problem(404)
	r = newRig(t, nil)
	a = r.create(nil)
	r.clock.Advance(10 * 60e9)
	a.pollNow().problem(404)
}
