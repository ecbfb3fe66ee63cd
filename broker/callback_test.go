package broker_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"linkmail/broker"
	"linkmail/broker/wire"
)

// receiver is an agent's server that callbacks come to.
type receiver struct {
	*httptest.Server
	mu    sync.Mutex
	got   []*http.Request
	body  []string
	reply []int // one status per attempt; the last one repeats
	block chan struct{}

	arrived chan struct{} // has a value after an attempt
}

func newReceiver(t *testing.T, reply ...int) *receiver {
	t.Helper()
	rc := &receiver{reply: reply, arrived: make(chan struct{}, 100)}
	rc.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		rc.mu.Lock()
		n := len(rc.got)
		rc.got, rc.body = append(rc.got, r), append(rc.body, string(body))
		status, block := rc.reply[min(n, len(rc.reply)-1)], rc.block
		rc.mu.Unlock()
		rc.arrived <- struct{}{}
		if block != nil {
			select {
			case <-block:
			case <-r.Context().Done():
			}
		}
		if status == http.StatusFound {
			w.Header().Set("Location", rc.URL+"/elsewhere")
		}
		w.WriteHeader(status)
	}))
	t.Cleanup(rc.Close)
	return rc
}

// wait returns when the n-th attempt has arrived.
func (rc *receiver) wait(n int) {
	for rc.attempts() < n {
		<-rc.arrived
	}
}

func (rc *receiver) attempts() int {
	rc.mu.Lock()
	defer rc.mu.Unlock()
	return len(rc.got)
}

// ready completes a form session.
func (a *agent) ready() {
	a.r.t.Helper()
	envelope, err := wire.Seal(&a.key.PublicKey, []byte(`{"api_key":"k"}`))
	if err != nil {
		a.r.t.Fatal(err)
	}
	p := a.r.person()
	p.complete(a, p.confirm(a), envelope).want(204)
}

// noPauses makes the broker try again at once, and returns the pauses that it
// would have made.
func noPauses(r *rig) func() []time.Duration {
	var mu sync.Mutex
	var pauses []time.Duration
	r.b.SetPause(func(_ context.Context, d time.Duration) error {
		mu.Lock()
		defer mu.Unlock()
		pauses = append(pauses, d)
		return nil
	})
	return func() []time.Duration {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(pauses)
	}
}

func TestCallbackIsSignedAndDeliveredOnce(t *testing.T) {
	rc := newReceiver(t, 204)
	r := newRig(t, nil)
	a := r.create(map[string]any{"callback_url": rc.URL + "/cb?token=canary"})
	if a.created.CallbackSecret == nil || !strings.HasPrefix(*a.created.CallbackSecret, wire.CallbackSecretPrefix) {
		t.Fatalf("callback_secret = %v", a.created.CallbackSecret)
	}
	a.ready()
	r.b.WaitForCallbacks()
	if rc.attempts() != 1 {
		t.Fatalf("%d deliveries, want 1", rc.attempts())
	}
	got, body := rc.got[0], rc.body[0]
	var d wire.Delivery
	answer{t: t, body: body}.into(&d)
	plain, err := wire.Open(a.key, d.Ciphertext)
	if err != nil || string(plain) != `{"api_key":"k"}` || d.Status != wire.Ready || d.SessionID != a.created.SessionID || d.Algorithm != wire.Algorithm {
		t.Errorf("delivery = %s, %s, %v", body, plain, err)
	}
	mac := func(text string) string {
		h := hmac.New(sha256.New, []byte(*a.created.CallbackSecret))
		h.Write([]byte(text))
		return "sha256=" + hex.EncodeToString(h.Sum(nil))
	}
	timestamp := got.Header.Get("X-LinkAuth-Timestamp")
	if got.Header.Get("X-LinkAuth-Signature") != mac(body) || got.Header.Get("X-LinkAuth-Signature-V2") != mac(timestamp+"."+body) {
		t.Errorf("signatures do not fit: %v", got.Header)
	}
	if got.URL.Query().Get("token") != "canary" || got.Header.Get("Content-Type") != "application/json" || len(got.Header.Get("X-LinkAuth-Delivery-Id")) != 36 {
		t.Errorf("request %s %v", got.URL, got.Header)
	}
	if log := r.log.String(); strings.Contains(log, "canary") || !strings.Contains(log, "delivered") {
		t.Errorf("log:\n%s", log)
	}
	// The poll stays the agent's other way.
	if got := a.fetch(); got != `{"api_key":"k"}` {
		t.Errorf("credential = %s", got)
	}
}

func TestCallbackRetries(t *testing.T) {
	second, four := time.Second, 4*time.Second
	for name, tt := range map[string]struct {
		reply    []int
		attempts int
		pauses   []time.Duration
		log      string
	}{
		"a fault that passes":       {[]int{500, 200}, 2, []time.Duration{second}, "delivered"},
		"a fault that does not":     {[]int{503}, 3, []time.Duration{second, four}, "given up"},
		"a refusal is final":        {[]int{400}, 1, nil, "refused"},
		"gone is final":             {[]int{410}, 1, nil, "refused"},
		"a redirect is a refusal":   {[]int{302, 200}, 1, nil, "refused"},
		"late in the third attempt": {[]int{500, 502, 200}, 3, []time.Duration{second, four}, "delivered"},
	} {
		t.Run(name, func(t *testing.T) {
			rc := newReceiver(t, tt.reply...)
			r := newRig(t, nil)
			pauses := noPauses(r)
			a := r.create(map[string]any{"callback_url": rc.URL})
			a.ready()
			r.b.WaitForCallbacks()
			if rc.attempts() != tt.attempts || !slices.Equal(pauses(), tt.pauses) || !strings.Contains(r.log.String(), tt.log) {
				t.Errorf("%d attempts, pauses %v; want %d, %v and %q in\n%s", rc.attempts(), pauses(), tt.attempts, tt.pauses, tt.log, r.log)
			}
			for _, req := range rc.got {
				if req.Header.Get("X-LinkAuth-Delivery-Id") != rc.got[0].Header.Get("X-LinkAuth-Delivery-Id") {
					t.Error("attempts of one delivery have different ids")
				}
				if req.URL.Path == "/elsewhere" {
					t.Error("a redirect was followed")
				}
			}
		})
	}
}

func TestCallbackToNobodyIsTriedAgain(t *testing.T) {
	rc := newReceiver(t, 200)
	rc.Close()
	r := newRig(t, nil)
	pauses := noPauses(r)
	r.create(map[string]any{"callback_url": rc.URL}).ready()
	r.b.WaitForCallbacks()
	if len(pauses()) != 2 || !strings.Contains(r.log.String(), "given up") {
		t.Errorf("pauses %v, log\n%s", pauses(), r.log)
	}
}

func TestCallbackToANameOfThisMachineIsNotCalled(t *testing.T) {
	// Not under Dev: the name passes, the address does not.
	r := newSecureRig(t, nil)
	pauses := noPauses(r)
	a := r.create(map[string]any{"callback_url": "https://localhost.localdomain/cb"})
	a.r.host = "broker.example"
	envelope, err := wire.Seal(&a.key.PublicKey, []byte(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	var c wire.Confirmation
	r.send("POST", "/v1/connect/"+a.created.Code+"/confirm", "").want(200).into(&c)
	r.send("POST", "/v1/connect/"+a.created.Code+"/complete", `{"ciphertext":"`+envelope+`","connect_token":"`+c.ConnectToken+`"}`,
		"Content-Type", "application/json").want(204)
	r.b.WaitForCallbacks()
	if log := r.log.String(); !strings.Contains(log, "address is not public") && len(pauses()) != 2 {
		t.Errorf("pauses %v, log\n%s", pauses(), log)
	}
}

func TestOwedCallbacksSurviveTheBroker(t *testing.T) {
	rc := newReceiver(t, 500, 200)
	var store broker.Store
	r := newRig(t, func(cfg *broker.Config) {
		store = broker.NewMemory(broker.MemoryConfig{Now: cfg.Now})
		cfg.Store = store
	})
	paused := make(chan struct{})
	r.b.SetPause(func(ctx context.Context, _ time.Duration) error {
		close(paused)
		<-ctx.Done()
		return ctx.Err()
	})
	a := r.create(map[string]any{"callback_url": rc.URL})
	a.ready()
	<-paused
	ended, stop := context.WithCancel(t.Context())
	stop()
	r.b.Close(ended)
	if rc.attempts() != 1 {
		t.Fatalf("%d attempts, want 1", rc.attempts())
	}

	// The next process finds what is owed, when it is due.
	next := newRig(t, func(cfg *broker.Config) { cfg.Store, cfg.Now = store, r.clock.Now })
	r.clock.Advance(2 * time.Second)
	running, stop := context.WithCancel(t.Context())
	var run sync.WaitGroup
	run.Go(func() { next.b.Run(running) })
	rc.wait(2)
	stop()
	run.Wait()
	next.b.WaitForCallbacks()
	if rc.attempts() != 2 || rc.got[0].Header.Get("X-LinkAuth-Delivery-Id") != rc.got[1].Header.Get("X-LinkAuth-Delivery-Id") {
		t.Errorf("%d attempts", rc.attempts())
	}
}

func TestTwoBrokersDoNotDeliverTwice(t *testing.T) {
	rc := newReceiver(t, 200)
	rc.block = make(chan struct{})
	var store broker.Store
	r := newRig(t, func(cfg *broker.Config) {
		store = broker.NewMemory(broker.MemoryConfig{Now: cfg.Now})
		cfg.Store = store
	})
	r.create(map[string]any{"callback_url": rc.URL}).ready()
	rc.wait(1)
	other := newRig(t, func(cfg *broker.Config) { cfg.Store, cfg.Now = store, r.clock.Now })
	ctx, stop := context.WithCancel(t.Context())
	stop()
	other.b.Run(ctx) // looks once
	other.b.WaitForCallbacks()
	close(rc.block)
	r.b.WaitForCallbacks()
	if rc.attempts() != 1 {
		t.Errorf("%d deliveries, want 1", rc.attempts())
	}
}
