package linkauth_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"linkmail/auth"
	"linkmail/auth/linkauth"
	"linkmail/broker"
	"linkmail/internal/secret"
	"linkmail/internal/testclock"
)

// realBroker is a broker on loopback that forwards to the hosts named.
func realBroker(t *testing.T, allow ...string) string {
	t.Helper()
	srv := httptest.NewUnstartedServer(nil)
	base := "http://" + srv.Listener.Addr().String()
	b, err := broker.New(broker.Config{
		BaseURL: base, Dev: true, ProxyAllow: allow, SessionsPerMinute: -1,
		Keys: []broker.APIKey{{Name: "agent", Secret: secret.New(apiKeyCanary)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	srv.Config = b.Server()
	srv.Start()
	t.Cleanup(srv.Close)
	return base
}

// upstream answers 418 with what arrived, and counts.
func upstream(t *testing.T) (srv *httptest.Server, count func() int) {
	t.Helper()
	var mu sync.Mutex
	n := 0
	srv = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		n++
		mu.Unlock()
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(http.StatusTeapot)
		_, _ = io.WriteString(w, strings.Join([]string{
			r.Method, r.URL.RequestURI(), r.Header.Get("Authorization"), r.Header.Get("Content-Type"), r.Header.Get("X-API-Key"), string(body),
		}, "|"))
	}))
	t.Cleanup(srv.Close)
	return srv, func() int { mu.Lock(); defer mu.Unlock(); return n }
}

func host(raw string) string { return strings.TrimPrefix(raw, "http://") }

func proxy(t *testing.T, brokerURL, key string) *linkauth.Proxy {
	t.Helper()
	p, err := linkauth.NewProxy(linkauth.Config{BrokerURL: brokerURL, APIKey: secret.New(key)})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func post(t *testing.T, rt http.RoundTripper, address string) (status int, header http.Header, body string, err error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(`{"a":"ü"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer x")
	resp, err := (&http.Client{Transport: rt}).Do(req)
	if err != nil {
		return 0, nil, "", err
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(data), nil
}

const arrived = `POST|/oauth/token?x=1|Bearer x|application/json||{"a":"ü"}`

func TestProxyForwardsTheRequestAndItsAnswer(t *testing.T) {
	up, _ := upstream(t)
	p := proxy(t, realBroker(t, host(up.URL)), apiKeyCanary)
	status, header, body, err := post(t, p, up.URL+"/oauth/token?x=1")
	if err != nil {
		t.Fatal(err)
	}
	if status != http.StatusTeapot || header.Get("Retry-After") != "7" {
		t.Errorf("status %d, header %v; want the upstream's", status, header)
	}
	if diff := cmp.Diff(arrived, body); diff != "" {
		t.Errorf("the upstream saw (-want +got):\n%s", diff)
	}
}

func TestProxyNamesWhatStopsIt(t *testing.T) {
	up, count := upstream(t)
	closed := httptest.NewServer(nil)
	closed.Close()
	allowed := realBroker(t, host(up.URL), host(closed.URL))
	tests := []struct {
		name, broker, key, target, want string
	}{
		{"the host is not allowed", realBroker(t, "127.0.0.1:1"), apiKeyCanary, "https://tenant.example", "proxy_refused"},
		{"the proxy is off", realBroker(t), apiKeyCanary, up.URL, "proxy_refused"},
		{"the key is wrong", allowed, "la_other", up.URL, "broker_key_refused"},
		{"the upstream is down", allowed, apiKeyCanary, closed.URL, "proxy_unreached"},
		{"the broker is down", closed.URL, apiKeyCanary, up.URL, "broker_unreachable"},
		{"the broker is something else", up.URL, apiKeyCanary, up.URL, "broker_refused"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, _, _, err := post(t, proxy(t, test.broker, test.key), test.target+"/oauth/token")
			if got := failure(t, err); got.Code != test.want {
				t.Errorf("failure is %+v, want %s", got, test.want)
			}
		})
	}
	if n := count(); n != 1 { // the last row asks it as if it were the broker
		t.Errorf("the upstream saw %d requests, want 1", n)
	}
}

func TestProxyRefusesWhatItCannotCarry(t *testing.T) {
	p := proxy(t, realBroker(t), apiKeyCanary)
	for name, body := range map[string]string{"too large": strings.Repeat("x", 65<<10), "not text": "\xff\xfe"} {
		t.Run(name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://tenant.example/", strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			resp, err := p.RoundTrip(req)
			if err == nil {
				_ = resp.Body.Close()
				t.Error("it was carried")
			}
		})
	}
}

func TestFallbackGoesDirectlyWhereItCan(t *testing.T) {
	up, _ := upstream(t)
	none := roundTripper(func(*http.Request) (*http.Response, error) {
		t.Error("the broker was asked")
		return nil, errors.New("no")
	})
	status, _, body, err := post(t, linkauth.NewFallback(nil, none, nil), up.URL+"/oauth/token?x=1")
	if err != nil || status != http.StatusTeapot || body != arrived {
		t.Errorf("got %d, %q, %v", status, body, err)
	}
}

func TestFallbackTurnsToTheBrokerWhereNoConnectionComesAbout(t *testing.T) {
	up, count := upstream(t)
	brokerURL := realBroker(t, host(up.URL))
	clk := testclock.New()
	dials := 0
	blocked := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		dials++
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("no route to host")}
	}}
	f := linkauth.NewFallback(blocked, proxy(t, brokerURL, apiKeyCanary), clk.Now)
	for i, step := range []struct {
		wait      time.Duration
		wantDials int
	}{{0, 1}, {9 * time.Minute, 1}, {time.Minute, 2}} {
		clk.Advance(step.wait)
		status, _, body, err := post(t, f, up.URL+"/oauth/token?x=1")
		if err != nil || status != http.StatusTeapot || body != arrived {
			t.Fatalf("step %d: got %d, %q, %v", i, status, body, err)
		}
		if dials != step.wantDials {
			t.Errorf("step %d: the direct way was tried %d times, want %d", i, dials, step.wantDials)
		}
	}
	if n := count(); n != 3 {
		t.Errorf("the upstream saw %d requests, want 3", n)
	}
}

func TestFallbackUnderstandsAnEgressProxyThatRefuses(t *testing.T) {
	egress := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "not allowed", http.StatusForbidden)
	}))
	defer egress.Close()
	through, err := url.Parse(egress.URL)
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	over := roundTripper(func(r *http.Request) (*http.Response, error) {
		asked++
		body, _ := io.ReadAll(r.Body)
		return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(string(body))), Request: r}, nil
	})
	f := linkauth.NewFallback(&http.Transport{Proxy: http.ProxyURL(through)}, over, nil)
	status, _, body, err := post(t, f, "https://tenant.example/oauth/token")
	if err != nil || status != 200 || body != `{"a":"ü"}` || asked != 1 {
		t.Errorf("got %d, %q, %v after %d requests to the broker", status, body, err, asked)
	}
}

func TestFallbackNeverRepeatsARequestThatWasSent(t *testing.T) {
	direct := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadAll(r.Body)
		panic(http.ErrAbortHandler)
	}))
	defer direct.Close()
	over := roundTripper(func(*http.Request) (*http.Response, error) {
		t.Error("the broker was asked")
		return nil, errors.New("no")
	})
	if _, _, _, err := post(t, linkauth.NewFallback(nil, over, nil), direct.URL); err == nil {
		t.Error("the lost answer is no error")
	}
}

func TestFallbackOfAMachineThatIsOfflineSaysTheFirstError(t *testing.T) {
	down := httptest.NewServer(nil)
	down.Close()
	f := linkauth.NewFallback(nil, proxy(t, down.URL, apiKeyCanary), nil)
	_, _, _, err := post(t, f, down.URL+"/oauth/token")
	if _, ok := errors.AsType[*auth.Failure](err); ok || err == nil {
		t.Errorf("got %v, want the error of the direct way", err)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
