package broker_test

import (
	"bufio"
	"compress/gzip"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"linkmail/broker"
	"linkmail/broker/wire"
)

func TestD18AddressesThatAreNotPublicAreNotDialled(t *testing.T) {
	for _, addr := range []string{
		"127.0.0.1", "127.1.2.3", "0.0.0.0", "0.1.2.3", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
		"100.100.100.200", "192.0.0.192", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "240.0.0.1",
		"255.255.255.255", "168.63.129.16", "192.88.99.1", "::1", "::", "::ffff:127.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1",
		"64:ff9b::808:808", "64:ff9b:1::7f00:1", "2002:7f00:1::", "2001:0:7f00:1::", "fe80::1", "fec0::1", "fc00::1", "fd00:ec2::254",
		"ff02::1", "100::1", "2001:db8::1", "5f00::1", "3fff::1",
	} {
		network := "tcp4"
		if strings.Contains(addr, ":") {
			network = "tcp6"
		}
		if broker.PublicAddress(network, net.JoinHostPort(addr, "443")) == nil {
			t.Errorf("%s may be dialled", addr)
		}
	}
	for network, addr := range map[string]string{"tcp4": "8.8.8.8:443", "tcp6": "[2606:4700:4700::1111]:443"} {
		if err := broker.PublicAddress(network, addr); err != nil {
			t.Errorf("%s may not be dialled: %v", addr, err)
		}
	}
	if broker.PublicAddress("tcp4", "8.8.8.8:25") == nil {
		t.Error("port 25 may be dialled")
	}
}

func TestD18TheCheckIsMadeWhenDialling(t *testing.T) {
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:443")
	if err == nil { // not needed, but makes a missing check connect
		defer func() { _ = l.Close() }()
	}
	for _, addr := range []string{"127.0.0.1:443", "localhost:443", "[::ffff:7f00:1]:443", "0.0.0.0:443", "[::]:443", "127.0.0.1:80"} {
		if err := broker.DialCheck(addr); !errors.Is(err, broker.ErrBlocked) {
			t.Errorf("%s: %v, want ErrBlocked", addr, err)
		}
	}
}

func TestD18NamesOfThisMachineAreBlocked(t *testing.T) {
	r := newRig(t, allowProxy("localhost", "127.0.0.1"))
	for _, u := range []string{"https://localhost/", "https://127.0.0.1/", "https://LOCALHOST./"} {
		if got := r.proxy(map[string]any{"method": "GET", "url": u}).problem(403); got.Title != "SSRF Blocked" {
			t.Errorf("%s: title %q", u, got.Title)
		}
	}
}

func TestD18OnlyOneFileMakesTransports(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) == 0 {
		t.Fatal("no files", err)
	}
	makes := regexp.MustCompile(`http\.(Transport\{|Client\{|DefaultClient|DefaultTransport|Get\(|Post\(|PostForm\(|ProxyFromEnvironment)`)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if file != "egress.go" && !strings.HasSuffix(file, "_test.go") && makes.Match(text) {
			t.Errorf("%s reaches out on its own: %s", file, makes.Find(text))
		}
	}
}

func TestD45ProxyReachesListedHostsOnly(t *testing.T) {
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }))
	defer upstream.Close()
	host := strings.TrimPrefix(upstream.URL, "http://")
	r := newRig(t, allowProxy("good.example", "*.suffix.example", host))
	tests := []struct {
		url    string
		status int
	}{
		{"http://" + host + "/", 200},
		{"https://evil.example/", 403},
		{"https://good.example.evil.example/", 403},
		{"https://suffix.example/", 403},
		{"https://xsuffix.example/", 403},
		{"https://evil.example/#good.example", 422},
		{"https://good.example@evil.example/", 422},
		{`https://good.example\@evil.example/`, 422},
		{"https://evil.example?good.example", 403},
		{"https://g\u043e\u043ed.example/", 403},
		{"https://2130706433/", 403},
		{"https://0x7f000001/", 403},
		{"https://127.1/", 403},
		{"https://\u2460\u2461\u2466.0.0.1/", 403},
		{"https://127\u30020\u30020\u30021/", 403},
		{"https://[::1]/", 403},
		{"https://[::1%25lo]/", 422},
		{"https://169.254.169.254/latest/meta-data", 403},
		{"https://good%2eexample.evil.example/", 422},
		{"http://good.example/", 422},
		{"https://good.example:8443/", 422},
		{"http://127.0.0.1:1/", 422},
		{"http://localhost:" + strings.Split(host, ":")[1] + "/", 422},
		{"file:///etc/passwd", 422},
		{"gopher://good.example/", 422},
		{"ftp://good.example/", 422},
		{"ws://good.example/", 422},
		{"unix:///run/x", 422},
		{"//good.example/", 422},
		{"", 422},
	}
	for _, tt := range tests {
		got := r.proxy(map[string]any{"method": "GET", "url": tt.url})
		if got.status != tt.status {
			t.Errorf("%q: status = %d, want %d; %s", tt.url, got.status, tt.status, got.body)
		} else if tt.status != 200 {
			got.problem(tt.status)
		}
	}
}

func TestD45RequestsThatTheProxyRefuses(t *testing.T) {
	r := newRig(t, allowProxy("127.0.0.1:1"))
	for name, change := range map[string]map[string]any{
		"method":         {"method": "CONNECT"},
		"lower case":     {"method": "get"},
		"no method":      {"method": ""},
		"timeout":        {"timeout": 121},
		"negative":       {"timeout": -1},
		"text timeout":   {"timeout": "5"},
		"header name":    {"headers": map[string]string{"a b": "x"}},
		"empty name":     {"headers": map[string]string{"": "x"}},
		"CRLF in value":  {"headers": map[string]string{"A": "x\r\nB: y"}},
		"CRLF in name":   {"headers": map[string]string{"A\r\nB": "y"}},
		"NUL in value":   {"headers": map[string]string{"A": "x\x00"}},
		"folded value":   {"headers": map[string]string{"A": "x\n y"}},
		"list of values": {"headers": map[string]any{"A": []string{"x"}}},
		"object as body": {"body": map[string]any{}},
	} {
		req := map[string]any{"method": "GET", "url": "http://127.0.0.1:1/"}
		maps.Copy(req, change)
		if got := r.proxy(req); got.status != 422 {
			t.Errorf("%s: status = %d, want 422; %s", name, got.status, got.body)
		}
	}
}

// rawUpstream records the bytes of one request and answers with the given ones.
func rawUpstream(t *testing.T, answer string) (host string, request func() string) {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	got := make(chan string, 1)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		var seen strings.Builder
		in := bufio.NewReader(conn)
		length := 0
		for {
			line, err := in.ReadString('\n')
			seen.WriteString(line)
			_, _ = fmt.Sscanf(line, "Content-Length: %d", &length)
			if err != nil || line == "\r\n" {
				break
			}
		}
		body := make([]byte, length)
		_, _ = io.ReadFull(in, body)
		seen.Write(body)
		got <- seen.String()
		_, _ = io.WriteString(conn, answer)
	}()
	return l.Addr().String(), func() string { return <-got }
}

func TestD45HeadersAreNotSmuggled(t *testing.T) {
	host, request := rawUpstream(t, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: X-Hop\r\nX-Hop: 1\r\n"+
		"Set-Cookie: a=b\r\nTransfer-Encoding-X: 1\r\nX-Two: a\r\nX-Two: b\r\nKeep-Alive: timeout=5\r\n\r\nok")
	r := newRig(t, allowProxy(host))
	sent := map[string]string{
		"host": "evil.example", "Host": "evil.example", "hOsT": "evil.example", "content-length": "0", "transfer-encoding": "chunked",
		"connection": "keep-alive, X-Foo", "x-foo": "smuggled", "Keep-Alive": "x", "Proxy-Authorization": "x", "proxy-connection": "x",
		"te": "trailers", "Trailer": "x", "Upgrade": "h2c", "HTTP2-Settings": "x", "Expect": "100-continue", "Cookie": "a=b",
		"Accept-Encoding": "br", "Forwarded": "for=1", "X-Forwarded-For": "1", "x-forwarded-host": "evil", "X_Forwarded_For": "1",
		"x_real_ip": "1", "X-Real-IP": "1", "X-API-Key": "secret", "x_api_key": "secret", "content_length": "0", "Via": "x",
		"authorization": "Bearer token", "x-custom": "kept", "X-CUSTOM": "kept", "X-Custom": "kept",
	}
	got := r.proxy(map[string]any{"method": "POST", "url": "http://" + host + "/path?q=1", "headers": sent, "body": "hello"}).want(200)
	lines := strings.Split(request(), "\r\n")
	want := map[string]bool{
		"POST /path?q=1 HTTP/1.1": true, "Host: " + host: true, "Content-Length: 5": true, "Authorization: Bearer token": true,
		"X-Custom: kept": true, "Connection: close": true, "Accept-Encoding: gzip": true, "": true, "hello": true, "User-Agent: Go-http-client/1.1": true,
	}
	for _, line := range lines {
		if !want[line] {
			t.Errorf("the upstream got %q", line)
		}
	}
	for _, line := range []string{"Authorization: Bearer token", "X-Custom: kept", "Host: " + host, "Content-Length: 5"} {
		if n := strings.Count(strings.Join(lines, "\n"), line); n != 1 {
			t.Errorf("%q arrives %d times, want once", line, n)
		}
	}
	var p wire.ProxyResponse
	got.into(&p)
	if p.Body != "ok" || p.StatusCode != 200 || p.Headers["x-two"] != "a, b" {
		t.Errorf("proxy = %+v", p)
	}
	for _, gone := range []string{"set-cookie", "connection", "x-hop", "keep-alive", "content-length"} {
		if value, ok := p.Headers[gone]; ok {
			t.Errorf("the answer has %s: %s", gone, value)
		}
	}
}

// forbiddenWords are searched for by clients in error texts; finding one makes
// them throw a login away.
var forbiddenWords = []string{"expired", "invalid_grant", "federated_connection_refresh_token_not_found"}

func TestD45UpstreamsThatMisbehave(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/long", func(w http.ResponseWriter, _ *http.Request) {
		chunk := strings.Repeat("x", 64<<10)
		for range 17 {
			_, _ = io.WriteString(w, chunk)
		}
	})
	mux.HandleFunc("/bomb", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		zeros := make([]byte, 64<<10)
		for range 100 {
			_, _ = z.Write(zeros)
		}
		_ = z.Close()
	})
	mux.HandleFunc("/headers", func(w http.ResponseWriter, _ *http.Request) {
		for i := range 100 {
			w.Header().Set(fmt.Sprintf("X-%d", i), strings.Repeat("h", 1000))
		}
	})
	mux.HandleFunc("/hangup", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	silent := make(chan struct{})
	mux.HandleFunc("/silent", func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-silent:
		case <-r.Context().Done():
		}
	})
	mux.HandleFunc("/halfway", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, "short")
	})
	upstream := httptest.NewServer(mux)
	defer upstream.Close()
	defer close(silent)
	notHTTP, _ := rawUpstream(t, "SSH-2.0-OpenSSH expired invalid_grant\r\n")
	r := newRig(t, allowProxy(strings.TrimPrefix(upstream.URL, "http://"), notHTTP, "127.0.0.1:1"))
	var bad answer
	for _, tt := range []struct {
		url    string
		status int
	}{
		{"http://127.0.0.1:1/", 502},
		{"http://" + notHTTP + "/", 502},
		{upstream.URL + "/long", 502},
		{upstream.URL + "/bomb", 502},
		{upstream.URL + "/headers", 502},
		{upstream.URL + "/hangup", 502},
		{upstream.URL + "/halfway", 502},
		{upstream.URL + "/silent", 504},
	} {
		req := map[string]any{"method": "GET", "url": tt.url}
		if tt.status == 504 {
			req["timeout"] = 1
		}
		got := r.proxy(req)
		got.problem(tt.status)
		for _, word := range forbiddenWords {
			if strings.Contains(strings.ToLower(got.body), word) {
				t.Errorf("%s: the answer holds %q", tt.url, word)
			}
		}
		if tt.status == 502 {
			if bad.body != "" && got.body != bad.body {
				t.Errorf("%s: %s, want the same text as for the others, %s", tt.url, got.body, bad.body)
			}
			bad = got
		}
	}
}

func TestD45UpstreamAnswersArePassedOn(t *testing.T) {
	mux := http.NewServeMux()
	hits := 0
	mux.HandleFunc("/redirect", func(w http.ResponseWriter, r *http.Request) {
		hits++
		http.Redirect(w, r, "http://169.254.169.254/", http.StatusTemporaryRedirect)
	})
	mux.HandleFunc("/401", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(401) })
	mux.HandleFunc("/500", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", 500) })
	mux.HandleFunc("/cookie", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Header.Get("Cookie"))
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "b"})
	})
	upstream := httptest.NewServer(mux)
	defer upstream.Close()
	r := newRig(t, allowProxy(strings.TrimPrefix(upstream.URL, "http://")))
	for path, status := range map[string]int{"/redirect": 307, "/401": 401, "/500": 500, "/cookie": 200, "/nothing": 404} {
		for range 2 {
			var p wire.ProxyResponse
			r.proxy(map[string]any{"method": "GET", "url": upstream.URL + path}).want(200).into(&p)
			if p.StatusCode != status {
				t.Errorf("%s: status_code = %d, want %d", path, p.StatusCode, status)
			}
			if path == "/cookie" && p.Body != "" {
				t.Errorf("a cookie of an earlier answer was sent: %q", p.Body)
			}
		}
	}
	if hits != 2 {
		t.Errorf("/redirect was asked %d times, want 2", hits)
	}
}

func TestD18NoProxyOfTheEnvironmentIsUsed(t *testing.T) {
	// A proxy would dial unchecked. That net/http never uses one for loopback
	// hides it from tests on loopback.
	if newRig(t, nil).b.UsesProxy() {
		t.Error("a client of the broker uses a proxy")
	}
}

func TestProxyOverTLS(t *testing.T) {
	upstream := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Host) }))
	upstream.Config.ErrorLog = log.New(io.Discard, "", 0) // the last request breaks the handshake off
	upstream.StartTLS()
	defer upstream.Close()
	r := newRig(t, allowProxy("example.com", "other.example"))
	roots := x509.NewCertPool()
	roots.AddCert(upstream.Certificate())
	r.b.TrustUpstream(roots, upstream.Listener.Addr().String())
	var p wire.ProxyResponse
	r.proxy(map[string]any{"method": "GET", "url": "https://EXAMPLE.com./x"}).want(200).into(&p)
	if p.Body != "example.com" {
		t.Errorf("the upstream was asked for %q, want example.com", p.Body)
	}
	r.proxy(map[string]any{"method": "GET", "url": "https://other.example/"}).problem(502) // not in the certificate
}
