package broker_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"linkmail/broker"
	"linkmail/broker/wire"
)

func TestD20EveryAnswerHasTheSecurityHeaders(t *testing.T) {
	r := newRig(t, nil)
	a := r.create(nil)
	want := map[string]string{
		"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
		"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
		"Permissions-Policy": "camera=(), microphone=(), geolocation=()", "X-Frame-Options": "DENY",
	}
	answers := map[string]answer{
		"page": r.send("GET", "/connect/"+a.created.Code, ""), "code entry": r.send("GET", "/connect", ""),
		"script": r.send("GET", "/static/app.js", ""), "style": r.send("GET", "/static/style.css", ""),
		"connect": r.send("GET", "/v1/connect/"+a.created.Code, ""), "poll": a.pollNow(), "health": r.send("GET", "/health", ""),
		"not found": r.send("GET", "/nothing", ""), "wrong method": r.send("DELETE", "/v1/sessions", ""), "no key": r.send("POST", "/v1/sessions", "{}"),
		"cross-site": r.send("POST", "/v1/sessions", "{}", "Origin", "https://evil.example"),
		"bad path":   r.send("GET", "//v1/sessions", ""),
		"bad state":  r.send("GET", "/v1/oauth/callback?state=x", "", "Accept", "text/html"),
	}
	for name, got := range answers {
		for header, value := range want {
			if got.header.Get(header) != value {
				t.Errorf("%s: %s = %q, want %q", name, header, got.header.Get(header), value)
			}
		}
		policy := got.header.Get("Content-Security-Policy")
		for _, part := range []string{"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"} {
			if !strings.Contains(policy, part) {
				t.Errorf("%s: policy %q lacks %q", name, policy, part)
			}
		}
		if strings.Contains(policy, "unsafe") || strings.Contains(policy, "*") {
			t.Errorf("%s: policy %q", name, policy)
		}
		if got.header.Get("Strict-Transport-Security") != "" {
			t.Errorf("%s: HSTS over plain http", name)
		}
		for header := range got.header {
			if strings.HasPrefix(header, "Access-Control-") {
				t.Errorf("%s: header %s", name, header)
			}
		}
	}
}

// https is the handler of a broker that stands behind a TLS proxy.
func https(t *testing.T, change func(*broker.Config)) http.Handler {
	t.Helper()
	cfg := broker.Config{BaseURL: "https://broker.example", Keys: someKeys()}
	if change != nil {
		change(&cfg)
	}
	b, err := broker.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return b.Handler()
}

func TestHTTPSBrokerUsesAHostCookieAndHSTS(t *testing.T) {
	h := https(t, nil)
	post := func(path, body string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		req := httptest.NewRequestWithContext(t.Context(), "POST", "https://broker.example"+path, strings.NewReader(body))
		req.Header.Set("X-Api-Key", "la_some-key-of-this-test")
		if body != "" {
			req.Header.Set("Content-Type", "application/json")
		}
		h.ServeHTTP(w, req)
		return w
	}
	w := post("/v1/sessions", `{"public_key":"`+publicKey(t)+`","template":"api_key"}`)
	var c wire.Created
	answer{t, w.Code, w.Header(), w.Body.String()}.want(201).into(&c)
	if c.URL != "https://broker.example/connect/"+c.Code || w.Header().Get("Strict-Transport-Security") == "" {
		t.Errorf("url = %q, headers %v", c.URL, w.Header())
	}
	w = post("/v1/connect/"+c.Code+"/confirm", "")
	cookie := w.Header().Get("Set-Cookie")
	if !regexp.MustCompile(`^__Host-linkauth=[A-Za-z0-9_-]{43}; Path=/; HttpOnly; Secure; SameSite=Lax$`).MatchString(cookie) {
		t.Errorf("Set-Cookie = %q", cookie)
	}
}

func TestDevCookieOverPlainHTTP(t *testing.T) {
	r := newRig(t, nil)
	a := r.create(nil)
	got := r.send("POST", "/v1/connect/"+a.created.Code+"/confirm", "").want(200)
	if cookie := got.header.Get("Set-Cookie"); !regexp.MustCompile(`^linkauth-dev=[A-Za-z0-9_-]{43}; Path=/; HttpOnly; SameSite=Lax$`).MatchString(cookie) {
		t.Errorf("Set-Cookie = %q", cookie)
	}
	t.Run("one browser keeps one cookie", func(t *testing.T) {
		b, p := r.create(nil), r.person()
		p.confirm(b)
		got := r.do(p.client, r.request("POST", "/v1/connect/"+r.create(nil).created.Code+"/confirm", "")).want(200)
		if cookie := got.header.Get("Set-Cookie"); cookie != "" {
			t.Errorf("a second cookie is set: %q", cookie)
		}
	})
	t.Run("a cookie that is not ours is replaced", func(t *testing.T) {
		got := r.send("POST", "/v1/connect/"+r.create(nil).created.Code+"/confirm", "", "Cookie", "linkauth-dev=x").want(200)
		if got.header.Get("Set-Cookie") == "" {
			t.Error("no cookie is set")
		}
	})
}

func TestHosts(t *testing.T) {
	dev := newRig(t, nil)
	port := dev.url[strings.LastIndex(dev.url, ":"):]
	for host, status := range map[string]int{
		"127.0.0.1" + port: 404, "localhost" + port: 404, "LocalHost" + port: 404, "[::1]" + port: 404,
		"localhost": 421, "localhost:1": 421, "evil.example" + port: 421, "127.0.0.1.evil.example" + port: 421, "127.0.0.2" + port: 421, "broker.example": 421,
	} {
		req := dev.request("GET", "/v1/nothing", "")
		req.Host = host
		if got := dev.do(&http.Client{}, req); got.status != status {
			t.Errorf("dev, Host %q: status = %d, want %d", host, got.status, status)
		}
	}
	h := https(t, nil)
	for host, status := range map[string]int{
		"broker.example": 404, "BROKER.example": 404, "broker.example:443": 404, "localhost": 421, "broker.example:80": 421, "127.0.0.1": 421,
	} {
		for path, want := range map[string]int{"/v1/nothing": status, "/healthz": 200, "/readyz": 200} {
			w := httptest.NewRecorder()
			req := httptest.NewRequestWithContext(t.Context(), "GET", "https://broker.example"+path, nil)
			req.Host = host
			h.ServeHTTP(w, req)
			if w.Code != want {
				t.Errorf("Host %q, %s: status = %d, want %d", host, path, w.Code, want)
			}
		}
	}
}

func TestDevAnswersThisMachineOnly(t *testing.T) {
	b, err := broker.New(broker.Config{BaseURL: "http://127.0.0.1:8080", Dev: true})
	if err != nil {
		t.Fatal(err)
	}
	for peer, status := range map[string]int{"127.0.0.1:9": 200, "[::1]:9": 200, "192.0.2.1:9": 403, "[2001:db8::1]:9": 403, "": 403} {
		w := httptest.NewRecorder()
		req := httptest.NewRequestWithContext(t.Context(), "GET", "http://127.0.0.1:8080/health", nil)
		req.RemoteAddr = peer
		b.Handler().ServeHTTP(w, req)
		if w.Code != status {
			t.Errorf("peer %q: status = %d, want %d", peer, w.Code, status)
		}
	}
}

func TestMethodsAndTypes(t *testing.T) {
	r := newRig(t, nil)
	a := r.create(nil)
	connect := "/v1/connect/" + a.created.Code
	for _, tt := range []struct {
		method, path, body, contentType string
		status                          int
	}{
		{"GET", "/v1/sessions", "", "", 405},
		{"DELETE", "/v1/sessions/x", "", "", 405},
		{"GET", "/v1/proxy", "", "", 405},
		{"PUT", connect, "", "", 405},
		{"GET", connect + "/confirm", "", "", 405},
		{"GET", connect + "/complete", "", "", 405},
		{"POST", "/v1/oauth/callback", "", "", 405},
		{"POST", "/connect", "", "", 405},
		{"POST", "/health", "", "", 405},
		{"TRACE", "/v1/sessions", "", "", 405},
		{"HEAD", connect, "", "", 405},
		{"HEAD", "/connect", "", "", 200},
		{"GET", "/static/index.html", "", "", 404},
		{"GET", "/static/notice.html", "", "", 404},
		{"GET", "/static/..%2fbroker.go", "", "", 404},
		{"POST", connect + "/confirm", "{}", "text/plain", 415},
		{"POST", connect + "/complete", "{}", "text/plain", 415},
		{"POST", connect + "/complete", "{}", "", 415},
		{"POST", connect + "/complete", "{}", "application/x-www-form-urlencoded", 415},
		{"POST", "/v1/connect/resolve", "{}", "multipart/form-data; boundary=x", 415},
		{"POST", "/v1/sessions", "{}", "text/plain", 415},
		{"POST", "/v1/oauth/authorize/" + a.created.Code, "connect_token=x", "application/json", 415},
		{"POST", "/v1/oauth/authorize/" + a.created.Code, "connect_token=%zz", "application/x-www-form-urlencoded", 400},
	} {
		got := r.send(tt.method, tt.path, tt.body, "Content-Type", tt.contentType, "X-API-Key", apiKey)
		if got.status != tt.status {
			t.Errorf("%s %s (%s): status = %d, want %d; %s", tt.method, tt.path, tt.contentType, got.status, tt.status, got.body)
		} else if tt.status >= 400 && tt.method != "HEAD" {
			got.problem(tt.status)
		}
		if tt.status == 405 && got.header.Get("Allow") == "" {
			t.Errorf("%s %s: no Allow", tt.method, tt.path)
		}
	}
	a.wantStatus(wire.Pending)
}

func TestMalformedBodies(t *testing.T) {
	r := newRig(t, nil)
	for name, tt := range map[string]struct {
		body   string
		status int
	}{
		"empty":             {"", 400},
		"an array":          {"[]", 400},
		"null":              {"null", 400},
		"text":              {`"x"`, 400},
		"trailing data":     {`{} {}`, 400},
		"cut off":           {`{"public_key":`, 400},
		"a byte order mark": {"\ufeff{}", 400},
		"UTF-16":            {"{\x00}\x00", 400},
		"invalid UTF-8":     {"{\"public_key\":\"\xff\"}", 400},
		"NUL":               {"{\"a\x00\":1}", 400},
		"10,000 deep":       {`{"x":` + strings.Repeat("[", 10_001) + strings.Repeat("]", 10_001) + "}", 400},
		"a number as key":   {`{"public_key":5}`, 422},
		"scopes as text":    {`{"public_key":"x","oauth_scopes":"a"}`, 422},
		"params as list":    {`{"public_key":"x","oauth_extra_params":[]}`, 422},
		"webhook as text":   {`{"public_key":"x","enable_webhook":"yes"}`, 422},
	} {
		got := r.send("POST", "/v1/sessions", tt.body, "Content-Type", "application/json", "X-API-Key", apiKey)
		if got.status != tt.status {
			t.Errorf("%s: status = %d, want %d; %s", name, got.status, tt.status, got.body)
			continue
		}
		p := got.problem(tt.status)
		if tt.status == 422 && (len(p.Errors) != 1 || p.Errors[0].Loc[0] != "body" || p.Errors[0].Msg == "") {
			t.Errorf("%s: problem = %+v", name, p)
		}
	}
	a := r.create(nil)
	for _, body := range []string{
		`{}`, `{"ciphertext":"x"}`, `{"connect_token":"x"}`, `{"ciphertext":null,"connect_token":"ct_x"}`, `{"ciphertext":"","connect_token":"ct_x"}`,
		`{"ciphertext":7,"connect_token":"ct_x"}`, `{"ciphertext":"x","connect_token":"ct_x","algorithm":"none"}`,
	} {
		r.send("POST", "/v1/connect/"+a.created.Code+"/complete", body, "Content-Type", "application/json").problem(422)
	}
}

func TestHeadersAreLimited(t *testing.T) {
	r := newRig(t, nil)
	if got := r.send("GET", "/health", "", "X-Bomb", strings.Repeat("x", 64<<10)); got.status != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("status = %d, want 431", got.status)
	}
}

func TestPageIsTheSameForEveryCode(t *testing.T) {
	r := newRig(t, nil)
	a := r.create(nil)
	first := r.send("GET", "/connect/"+a.created.Code, "", "User-Agent", "Slackbot-LinkExpanding 1.0").want(200)
	for range 30 { // link previews
		r.send("GET", "/connect/"+a.created.Code, "", "User-Agent", "Slackbot-LinkExpanding 1.0").want(200)
	}
	for _, path := range []string{"/connect/AAAAA-AAAAA", "/connect/x", "/connect/%00", "/connect"} {
		if got := r.send("GET", path, "").want(200); got.body != first.body || !sameHeaders(got.header, first.header) {
			t.Errorf("%s differs from the page of a live code", path)
		}
	}
	a.wantStatus(wire.Pending)
	r.send("GET", "/v1/connect/"+a.created.Code, "").want(200)
}

func TestPageLoadsNothingForeignAndNothingInline(t *testing.T) {
	r := newRig(t, nil)
	html := r.send("GET", "/connect", "").want(200).body
	html += r.send("GET", "/v1/oauth/callback?state=x", "", "Accept", "text/html,application/xhtml+xml").want(400).body
	for what, pattern := range map[string]string{
		"an inline script": `<script(?:\s[^>]*)?>[^<]`, "an inline style": `<style|\sstyle=`, "an inline handler": `\son[a-z]+=`,
		"a foreign address": `(?:https?:)?//`, "a form that posts by itself": `<form[^>]+action=`,
	} {
		if found := regexp.MustCompile(pattern).FindString(html); found != "" {
			t.Errorf("the page has %s: %q", what, found)
		}
	}
	loaded := regexp.MustCompile(`(?:src|href)="([^"]+)"`).FindAllStringSubmatch(html, -1)
	if len(loaded) == 0 {
		t.Fatal("the page loads nothing")
	}
	for _, m := range loaded {
		if m[1] == "data:," {
			continue // the empty icon, so that no browser asks for /favicon.ico
		}
		r.send("GET", m[1], "").want(200)
	}
	var script string
	for _, file := range []string{"app.js", "envelope.js", "link.js"} {
		text := r.send("GET", "/static/"+file, "").want(200).body
		script += text
		for _, banned := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "localStorage", "sessionStorage", "console."} {
			// A tab remembers the fingerprint of the key, which is public.
			if file == "link.js" && banned == "sessionStorage" {
				continue
			}
			if strings.Contains(text, banned) {
				t.Errorf("%s uses %s", file, banned)
			}
		}
	}
	for _, needed := range []string{"isSecureContext", "Object.create(null)"} {
		if !strings.Contains(script, needed) {
			t.Errorf("the script lacks %s", needed)
		}
	}
}

func TestPeopleGetErrorsAsPagesAndProgramsAsProblems(t *testing.T) {
	r := newRig(t, nil)
	query := "/v1/oauth/callback?" + url.Values{"state": {"<script>alert(1)</script>"}}.Encode()
	page := r.send("GET", query, "", "Accept", "text/html,application/xhtml+xml,*/*;q=0.8").want(400)
	if got := page.header.Get("Content-Type"); got != "text/html; charset=utf-8" {
		t.Errorf("Content-Type = %q", got)
	}
	if !strings.Contains(page.body, "new link") || strings.Contains(page.body, "<script>alert") {
		t.Errorf("page = %s", page.body)
	}
	r.send("GET", query, "").problem(400)
	r.send("GET", query, "", "Accept", "application/json, text/html").problem(400)
}
