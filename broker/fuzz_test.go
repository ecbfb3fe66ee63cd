package broker_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"linkmail/broker"
	"linkmail/broker/wire"
)

func FuzzParseCode(f *testing.F) {
	for _, seed := range []string{"AAAAA-BBBBB", "aaaaa-bbbbb", "OIL0-1", "\u017f\u017f\u017f\u017f", "----", "", strings.Repeat("A", 33)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		code, err := broker.TestParseCode(text)
		if err != nil {
			return
		}
		if len(code) < 4 || strings.Trim(code, broker.TestAlphabet) != "" {
			t.Fatalf("parseCode(%q) = %q", text, code)
		}
		if len(code) == 32 {
			return // its hyphen would make it too long
		}
		if again, err := broker.TestParseCode(broker.TestShowCode(code)); err != nil || again != code {
			t.Fatalf("parseCode is not stable: %q, %q, %v", code, again, err)
		}
	})
}

func FuzzParseURL(f *testing.F) {
	for _, seed := range []string{
		"https://tenant.auth0.com/x?y=z", "https://good.example\\@evil.example/", "http://[::ffff:127.0.0.1]:80/", "https://a@b/", "https:opaque",
		"https://\u2460\u2461\u2466.0.0.1/", "https://xn--bcher-kva.example./", "//evil", "javascript:alert(1)", "https://[fe80::1%25eth0]/",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		u, err := broker.TestParseURL(raw)
		if err != nil {
			return
		}
		// What was accepted is read the same way again, and is only a URL of
		// a host.
		again, err := url.Parse(u.String())
		if err != nil || again.Host != u.Host || again.User != nil || again.Fragment != "" || (again.Scheme != "https" && again.Scheme != "http") {
			t.Fatalf("parseURL(%q) = %q, read again: %v, %v", raw, u, again, err)
		}
		if u.Hostname() == "" || strings.ContainsAny(u.Host, "\\/@ \t\r\n#?") || u.Host != strings.ToLower(u.Host) {
			t.Fatalf("parseURL(%q) has host %q", raw, u.Host)
		}
	})
}

func FuzzFields(f *testing.F) {
	f.Add(`[{"name":"a","label":"A","type":"select","options":["x"]}]`)
	f.Add(`[{"name":"__proto__"},{"name":"a","required":false}]`)
	f.Add(`[{"name":"a","label":"\u202e","type":"textarea"}]`)
	f.Fuzz(func(t *testing.T, text string) {
		var fields []wire.Field
		if json.Unmarshal([]byte(text), &fields) != nil {
			return
		}
		checked, err := broker.CheckFields(fields)
		if err != nil {
			return
		}
		for _, field := range checked {
			if field.Label == "" || field.Required == nil || strings.ContainsAny(field.Label, "\u202e\u2066\r\n\x00") || !utf8.ValidString(field.Label) {
				t.Fatalf("field %+v", field)
			}
		}
	})
}

func FuzzTokenAnswer(f *testing.F) {
	f.Add("application/json", []byte(idpTokens))
	f.Add("application/json; charset=utf-8", []byte(`{"access_token":""}`))
	f.Add("text/html", []byte("<html>"))
	f.Add("application/json", []byte(`{"ok":true,"authed_user":{"access_token":"xoxp\u002d\/1"}}`))
	f.Fuzz(func(t *testing.T, contentType string, body []byte) {
		if !broker.TestIsTokens(contentType, body) {
			return
		}
		var got struct {
			AccessToken string `json:"access_token"`
			AuthedUser  any    `json:"authed_user"`
		}
		if err := json.Unmarshal(body, &got); err != nil || got.AccessToken == "" && got.AuthedUser == nil {
			t.Fatalf("%q is taken for tokens: %v", body, err)
		}
	})
}

// FuzzRequest sends arbitrary requests to the whole broker: each gets an
// answer, none of them a 5xx, and every error is a problem.
func FuzzRequest(f *testing.F) {
	b, err := broker.New(broker.Config{BaseURL: "http://127.0.0.1:1", Dev: true, SessionsPerMinute: -1})
	if err != nil {
		f.Fatal(err)
	}
	f.Add("POST", "/v1/sessions", "application/json", `{"public_key":"AAAA","ttl":5}`, "k", "Bearer pt_x")
	f.Add("GET", "/v1/oauth/callback?state=x&code=y", "", "", "", "")
	f.Add("POST", "/v1/connect/AAAA-AAAA/complete", "application/json", `{"connect_token":"ct_","ciphertext":"x"}`, "", "")
	f.Add("POST", "/v1/oauth/authorize/AAAAA", "application/x-www-form-urlencoded", "connect_token=x", "", "")
	f.Add("POST", "/v1/proxy", "application/json", `{"method":"GET","url":"http://x"}`, "", "")
	f.Add("GET", "/v1/sessions/x", "", "", "", "Bearer pt_\xff")
	f.Add("HEAD", "//v1/%2e%2e/x;y", "", "", "", "")
	f.Fuzz(func(t *testing.T, method, target, contentType, body, key, authorization string) {
		u, err := url.Parse(target)
		if err != nil || u.Host != "" || u.Scheme != "" || !strings.HasPrefix(u.Path, "/") {
			return
		}
		req := &http.Request{
			Method: method, URL: u, Host: "127.0.0.1:1", RemoteAddr: "127.0.0.1:2", Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
			Header:        http.Header{"Content-Type": {contentType}, "X-Api-Key": {key}, "Authorization": {authorization}},
			Body:          readCloser(body),
			ContentLength: int64(len(body)),
		}
		w := httptest.NewRecorder()
		b.Handler().ServeHTTP(w, req.WithContext(t.Context()))
		if w.Code >= 500 {
			t.Fatalf("%s %q: %d %s", method, target, w.Code, w.Body)
		}
		if w.Code >= 400 {
			var p wire.Problem
			if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || p.Status != w.Code || w.Header().Get("Content-Type") != wire.TypeProblem {
				t.Fatalf("%s %q: %d %s: %v", method, target, w.Code, w.Body, err)
			}
		}
		if strings.HasPrefix(u.Path, "/v1/") && w.Header().Get("Location") != "" {
			t.Fatalf("%s %q redirects", method, target)
		}
	})
}

func contains(s, word string) bool { return strings.Contains(s, word) }
