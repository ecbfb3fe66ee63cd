package broker_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"linkmail/broker"
	"linkmail/broker/wire"
)

// The tests of this file are named after the catalogue in docs/abuse-cases.md.
// It lists the others, which stand with what they test.

func TestA04ManyAddressesShareOneBudget(t *testing.T) {
	r := newRig(t, nil)
	const live = 20 // fewer sessions have a budget that these guesses do not use up
	var a *agent
	for range live {
		a = r.create(nil)
	}
	r.send("GET", "/v1/connect/"+a.created.Code, "").want(200) // the person looks
	answered := 0
	for i := range 5000 {
		addr := netip.AddrFrom4([4]byte{10, 9, byte(i >> 8), byte(i)})
		for range 5 {
			if r.b.Guess(addr, "guess") == nil {
				answered++
			}
		}
	}
	if want := broker.TestTotalGuesses(live); answered != want {
		t.Errorf("%d of 25,000 guesses were answered, want %d", answered, want)
	}
	r.person().confirm(a) // the right code, from the address that knew it
}

func TestA05TheHashOfTheCodeOpensNothing(t *testing.T) {
	r := newRig(t, nil)
	a := r.create(map[string]any{"enable_webhook": true})
	for _, code := range []string{a.created.Code, strings.ReplaceAll(a.created.Code, "-", ""), strings.ToLower(a.created.Code)} {
		sum := sha256.Sum256([]byte(code))
		for _, id := range []string{hex.EncodeToString(sum[:]), base64.RawURLEncoding.EncodeToString(sum[:])} {
			path := "/v1/sessions/" + id
			r.send("GET", path, "", "Authorization", "Bearer "+a.created.PollToken, "X-API-Key", apiKey).problem(404)
			r.send("GET", path+"/events", "", "Authorization", "Bearer "+a.created.PollToken, "X-API-Key", apiKey).problem(404)
			token, _ := url.Parse(*a.created.WebhookURL)
			r.send("POST", path+"/webhook?"+token.RawQuery, "x").problem(404)
			r.person().get("/v1/oauth/callback?code=x&state=" + id).problem(400)
		}
	}
	a.wantStatus(wire.Pending)
}

func TestE45BodiesWithoutEndAndSlowClients(t *testing.T) {
	r := newRig(t, nil)
	t.Run("chunks without an announced length", func(t *testing.T) {
		req := r.request("POST", "/v1/sessions", "", "Content-Type", "application/json", "X-API-Key", apiKey)
		req.Body, req.ContentLength = readCloser(`{"a":"`+strings.Repeat("x", 1<<20)), -1
		r.do(&http.Client{}, req).problem(413)
	})
	t.Run("a large announced length", func(t *testing.T) {
		conn := r.dial()
		_, _ = fmt.Fprintf(conn, "POST /v1/sessions HTTP/1.1\r\nHost: %s\r\nX-API-Key: %s\r\nContent-Type: application/json\r\nContent-Length: 1073741824\r\n\r\n%s",
			strings.TrimPrefix(r.url, "http://"), apiKey, strings.Repeat("x", 65<<10))
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || resp.StatusCode != 413 {
			t.Fatalf("answer %v, %v; want 413", resp, err)
		}
		_ = resp.Body.Close()
	})
	t.Run("headers and bodies that trickle", func(t *testing.T) {
		srv := r.b.Server()
		if srv.ReadHeaderTimeout == 0 || srv.ReadTimeout == 0 || srv.WriteTimeout == 0 || srv.IdleTimeout == 0 || srv.MaxHeaderBytes == 0 {
			t.Fatal("the server waits for ever")
		}
		srv.ReadHeaderTimeout, srv.ReadTimeout = 50*time.Millisecond, 50*time.Millisecond
		r.serve(srv)
		for _, beginning := range []string{"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ", "POST /v1/connect/resolve HTTP/1.1\r\nHost: " + r.host + "\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"} {
			conn := r.dial()
			_, _ = fmt.Fprint(conn, beginning)
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil) // the server does not wait for the rest
			if err == nil {
				if resp.StatusCode < 400 {
					t.Errorf("%.20q: status %d", beginning, resp.StatusCode)
				}
				_ = resp.Body.Close()
			}
		}
		r.send("GET", "/healthz", "").want(200) // others are served meanwhile
	})
}

// dial opens a connection to the broker.
func (r *rig) dial() net.Conn {
	r.t.Helper()
	conn, err := new(net.Dialer).DialContext(r.t.Context(), "tcp", strings.TrimPrefix(r.url, "http://"))
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func TestE50LargeKeysAreRefusedBeforeAnyWork(t *testing.T) {
	r := newRig(t, nil)
	// A key of 16,384 bits, of which only the length is true: making a real
	// one takes minutes, reading it must not.
	der := make([]byte, 2048)
	for i := range der {
		der[i] = 0xa5
	}
	spki := asn1RSA(der)
	for range 500 {
		r.tryCreate(map[string]any{"public_key": spki}).problem(400)
	}
}

// asn1RSA is a SubjectPublicKeyInfo with the modulus and exponent 65537.
func asn1RSA(modulus []byte) string {
	tlv := func(tag byte, content ...[]byte) []byte {
		var body []byte
		for _, c := range content {
			body = append(body, c...)
		}
		out := []byte{tag}
		if n := len(body); n < 128 {
			out = append(out, byte(n))
		} else {
			out = append(out, 0x82, byte(n>>8), byte(n))
		}
		return append(out, body...)
	}
	key := tlv(0x30, tlv(0x02, []byte{0}, modulus), tlv(0x02, []byte{1, 0, 1}))
	algorithm := tlv(0x30, []byte{0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 0x05, 0})
	return base64.StdEncoding.EncodeToString(tlv(0x30, algorithm, tlv(0x03, []byte{0}, key)))
}

func TestE56OddMethodsAndPathsAreNotFound(t *testing.T) {
	r := newRig(t, nil)
	host := strings.TrimPrefix(r.url, "http://")
	for _, line := range []string{
		"GET //v1/sessions", "POST //v1/sessions", "POST /v1/sessions/", "POST /v1/./sessions", "POST /v1/x/../sessions", "POST /v1/%2e%2e/v1/sessions",
		"POST /v1/sessions;x=1", "POST /v1%2fsessions", "POST /V1/sessions", "POST /v1/sessions%00", "GET /static/../broker.go", "GET /static/%2e%2e%2fbroker.go",
		"GET /static/..%5cbroker.go", "TRACE /v1/sessions", "CONNECT /v1/sessions", "X /healthz", "get /healthz", "GET /connect/a/b", "HEAD /v1/sessions/x",
		"PROPFIND /", "POST /healthz", "PUT /v1/oauth/callback", "POST /v1/oauth/callback", "GET http://other.example/connect", "GET /v1/connect//status",
	} {
		conn := r.dial()
		_, _ = fmt.Fprintf(conn, "%s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", line, host)
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		_ = resp.Body.Close()
		if resp.StatusCode != 404 && resp.StatusCode != 405 && resp.StatusCode != 400 && resp.StatusCode != 421 || resp.Header.Get("Location") != "" {
			t.Errorf("%s: %d to %q, want 404 or 405 and no redirect", line, resp.StatusCode, resp.Header.Get("Location"))
		}
	}
}

func TestG75QueriesWithTokensReachNoLog(t *testing.T) {
	idp := newIDP(t)
	r := newRig(t, withIDP(idp))
	a, p := r.create(map[string]any{"oauth_provider": "auth0"}), r.person()
	token := p.confirm(a)
	p.get("/v1/oauth/authorize/" + a.created.Code + "?connect_token=" + token).want(302)
	h := r.create(map[string]any{"enable_webhook": true})
	r.send("POST", hook(h), "x").want(200)
	r.send("GET", hook(h), "").problem(405)
	log := r.log.String()
	for _, secret := range []string{token, hook(h), strings.Split(hook(h), "token=")[1], a.created.Code, a.created.SessionID} {
		if strings.Contains(log, secret) {
			t.Errorf("the log has %q", secret)
		}
	}
}

func TestG78WhatIsSentCannotForgeALine(t *testing.T) {
	idp := newIDP(t)
	r := newRig(t, withIDP(idp))
	const forged = "x\r\n{\"level\":\"info\",\"message\":\"forged\"}\x1b[2J"
	a, p := r.create(map[string]any{"oauth_provider": "auth0", "display_name": forged}), r.person()
	state := p.depart(a).Query().Get("state")
	p.callback("state", state, "error", forged, "error_description", forged)
	req := r.request("GET", "/healthz", "", "User-Agent", "x forged \x7f")
	_, _ = http.DefaultClient.Do(req) // the client refuses to send it
	log := r.log.String()
	for line := range strings.Lines(log) {
		if !strings.HasPrefix(line, "{") || strings.Contains(line, "forged") || strings.ContainsAny(line, "\x1b\r") {
			t.Errorf("line %q", line)
		}
	}
	if got := a.pollLater(); got.Status != wire.Failed || got.Error != "server_error" {
		t.Errorf("poll = %+v", got)
	}
}

// TestH85ADrainingBrokerEndsInTimeAndLosesNothing shuts a broker down in the midst
// of 100 streams, 100 polls and 100 callbacks to a server that never answers.
// The bound of the drain is a second here and ten in the command.
func TestH85ADrainingBrokerEndsInTimeAndLosesNothing(t *testing.T) {
	const n = 100
	rc := newReceiver(t, 200)
	rc.block = make(chan struct{})
	defer close(rc.block)
	var store broker.Store
	r := newRig(t, func(cfg *broker.Config) {
		store = broker.NewMemory(broker.MemoryConfig{Now: cfg.Now})
		cfg.Store = store
	})
	srv := r.b.Server()
	r.serve(srv)
	var agents []*agent
	var streams []*eventStream
	for range n {
		a := r.create(map[string]any{"callback_url": rc.URL})
		a.ready()
		w := r.create(nil)
		stream := w.watch()
		stream.want(wire.Pending)
		agents, streams = append(agents, a), append(streams, stream)
	}
	rc.wait(1)
	statuses := make(chan int, n)
	var polls sync.WaitGroup
	for _, a := range agents {
		polls.Go(func() {
			req := r.request("GET", "/v1/sessions/"+a.created.SessionID+"x", "", "Authorization", "Bearer "+a.created.PollToken, "X-API-Key", apiKey)
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				statuses <- 0 // it came after the listener was closed
				return
			}
			_ = resp.Body.Close()
			statuses <- resp.StatusCode
		})
	}
	end, stop := context.WithTimeout(t.Context(), time.Second)
	defer stop()
	if err := srv.Shutdown(end); err != nil {
		t.Errorf("requests were still running: %v", err)
	}
	r.b.Close(end)
	polls.Wait()
	close(statuses)
	for status := range statuses {
		if status != 404 && status != 0 {
			t.Errorf("a poll was answered with %d", status)
		}
	}
	for _, stream := range streams {
		stream.wantEnd()
	}
	// All callbacks are owed still, and are found when the leases have ended.
	r.clock.Advance(time.Minute)
	outbox, ok := store.(broker.Outbox)
	if !ok {
		t.Fatal("the store is no outbox")
	}
	owed, err := outbox.Owing(t.Context(), r.clock.Now(), 2*n)
	if err != nil || len(owed) != n {
		t.Errorf("%d callbacks are owed, %v; want %d", len(owed), err, n)
	}
}

// bursting is a store that panics with a secret in its hand.
type bursting struct{ broker.Store }

func (bursting) Create(_ context.Context, s broker.Session) error { panic(s) }
func (bursting) Find(_ context.Context, ref broker.Ref) (broker.Session, error) {
	panic("canary " + ref.ID)
}

func (bursting) Update(_ context.Context, id string, _ func(*broker.Session) error) (broker.Session, error) {
	panic(fmt.Errorf("canary %s", id))
}

func TestG74APanicInAnyHandlerTellsNothing(t *testing.T) {
	r := newRig(t, func(cfg *broker.Config) {
		cfg.Store = bursting{broker.NewMemory(broker.MemoryConfig{Now: cfg.Now})}
	})
	const id, code, token = "canary-id", "AAAAA-AAAAA", "ct_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	r.tryCreate(nil).problem(500)
	for _, req := range []*http.Request{
		r.request("GET", "/v1/sessions/"+id, "", "X-API-Key", apiKey, "Authorization", "Bearer pt_canary"),
		r.request("GET", "/v1/sessions/"+id+"/events", "", "X-API-Key", apiKey, "Authorization", "Bearer pt_canary"),
		r.request("POST", "/v1/sessions/"+id+"/webhook?token=wt_canary", "canary"),
		r.request("POST", "/v1/connect/resolve", `{"user_code":"`+code+`"}`, "Content-Type", "application/json"),
		r.request("GET", "/v1/connect/"+code, ""),
		r.request("GET", "/v1/connect/"+code+"/status", ""),
		r.request("POST", "/v1/connect/"+code+"/confirm", ""),
		r.request("POST", "/v1/connect/"+code+"/complete", `{"ciphertext":"canary","connect_token":"`+token+`"}`, "Content-Type", "application/json"),
		r.request("GET", "/v1/oauth/authorize/"+code+"?connect_token="+token, ""),
		r.request("GET", "/v1/oauth/callback?code=canary&state=canary", "", "Cookie", "linkauth-dev="+strings.TrimPrefix(token, "ct_")),
	} {
		got := r.do(&http.Client{}, req)
		if got.problem(500); strings.Contains(got.body, "canary") {
			t.Errorf("%s: %s", req.URL.Path, got.body)
		}
	}
	log := r.log.String()
	if strings.Count(log, "handler panicked") != 11 || strings.Contains(log, "canary") || strings.Contains(log, "pt_") {
		t.Errorf("log:\n%s", log)
	}
}
