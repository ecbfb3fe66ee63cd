package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"linkmail/broker/wire"
)

// brokerRun is a broker that runs as the command does.
type brokerRun struct {
	url  string
	stop func() int // ends it as a signal would, and returns its status
}

// startBroker runs "linkmail broker" until stop.
func startBroker(t *testing.T, env []string, args ...string) brokerRun {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	out := &listening{url: make(chan string, 1)}
	status := make(chan int, 1)
	go func() {
		p := process{env: env, stdin: strings.NewReader(""), stdout: out, stderr: out}
		status <- p.run(ctx, append([]string{"broker", "--listen", "127.0.0.1:0"}, args...))
	}()
	stop := sync.OnceValue(func() int {
		cancel()
		return <-status
	})
	t.Cleanup(func() { stop() })
	select {
	case url := <-out.url:
		return brokerRun{url, stop}
	case code := <-status:
		status <- code
		t.Fatalf("the broker ended with status %d: %s", code, out.text())
		return brokerRun{}
	}
}

// listening is standard error; it finds the line that says the address.
type listening struct {
	mu  sync.Mutex
	buf bytes.Buffer
	url chan string
}

func (l *listening) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, rest, ok := strings.Cut(string(p), "listening on "); ok {
		l.url <- strings.TrimSpace(rest)
	}
	return l.buf.Write(p)
}

func (l *listening) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// post sends JSON and decodes the answer into v, unless that is nil.
func (b brokerRun) post(t *testing.T, path string, body, v any) {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.url+path, bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode >= 300 {
		t.Fatalf("POST %s: %s", path, resp.Status)
	}
	if v != nil {
		if err := json.NewDecoder(resp.Body).Decode(v); err != nil {
			t.Fatal(err)
		}
	}
}

func TestH85AnOwedCallbackIsDeliveredByTheNextProcess(t *testing.T) {
	arrived := make(chan string, 10)
	var mu sync.Mutex
	attempts := 0
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if attempts++; attempts == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		arrived <- r.Header.Get(wire.HeaderDelivery)
	}))
	defer receiver.Close()
	env := []string{"LINKAUTH_STORE=sqlite:" + filepath.Join(t.TempDir(), "broker.db"), "LINKMAIL_LOG_LEVEL=off"}
	first := startBroker(t, env, "--dev")

	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	public, err := wire.EncodePublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	var session wire.Created
	first.post(t, "/v1/sessions", map[string]any{"public_key": public, "template": "api_key", "callback_url": receiver.URL}, &session)
	var confirmed wire.Confirmation
	first.post(t, "/v1/connect/"+session.Code+"/confirm", map[string]any{}, &confirmed)
	envelope, err := wire.Seal(&key.PublicKey, []byte(`{"api_key":"k"}`))
	if err != nil {
		t.Fatal(err)
	}
	first.post(t, "/v1/connect/"+session.Code+"/complete", wire.Complete{Ciphertext: &envelope, ConnectToken: &confirmed.ConnectToken}, nil)
	id := <-arrived
	if status := first.stop(); status != exitOK { // in the pause before the second attempt
		t.Errorf("status %d", status)
	}
	startBroker(t, env, "--dev")
	if again := <-arrived; again != id {
		t.Errorf("delivery %s, want %s again", again, id)
	}
}

func TestARunningBrokerFollowsItsKeyFile(t *testing.T) {
	env := []string{"LINKAUTH_KEYS_FILE=" + filepath.Join(t.TempDir(), "keys.json")}
	one := strings.TrimSpace(run(t, env, "broker", "keys", "add", "one").stdout)
	b := startBroker(t, append(env, "LINKMAIL_LOG_LEVEL=off"), "--dev")
	status := func(key string) int {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.url+"/v1/sessions", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set(wire.HeaderAPIKey, key)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	if got := status(one); got != 422 { // admitted, and told what is missing
		t.Errorf("the key of the file: %d, want 422", got)
	}
	two := strings.TrimSpace(run(t, env, "broker", "keys", "add", "two").stdout)
	if got := status(two); got != 422 {
		t.Errorf("a key that was added meanwhile: %d, want 422", got)
	}
	run(t, env, "broker", "keys", "revoke", "one")
	if got := status(one); got != 403 {
		t.Errorf("a key that was revoked: %d, want 403", got)
	}
}
