package broker_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"unicode/utf16"

	"linkmail/broker"
)

// TestBadInputIsAProblemThatRepeatsNothing sends every kind of bad input to
// every route that takes it. Each answer is a problem with the right status; no
// value of the request is in it, in its headers or in the log; and nothing is
// stored.
func TestBadInputIsAProblemThatRepeatsNothing(t *testing.T) {
	const canary = "canary5e1f"
	idp := newIDP(t)
	var store *spy
	r := newRig(t, func(cfg *broker.Config) {
		withIDP(idp)(cfg)
		cfg.ProxyAllow = []string{strings.TrimPrefix(idp.URL, "http://")}
		store = newSpy(broker.NewMemory(broker.MemoryConfig{Now: cfg.Now}))
		cfg.Store = store
	})
	code, id := "AAAAA-AAAAA", strings.Repeat("0", 64)
	// JSON routes, with the members that take text, numbers, lists, objects.
	routes := map[string]struct {
		browser bool // it is called by pages, so the type is insisted on
		wrong   []string
	}{
		"/v1/sessions": {wrong: []string{
			`"public_key":1`, `"template":["` + canary + `"]`, `"fields":"` + canary + `"`, `"fields":[1]`, `"display_name":{}`, `"ttl":"` + canary + `"`, `"ttl":1.5`, `"ttl":1e400`,
			`"oauth_scopes":"` + canary + `"`, `"oauth_extra_params":["` + canary + `"]`, `"oauth_extra_params":{"` + canary + `":1}`, `"enable_webhook":"` + canary + `"`, `"callback_url":1`,
			`"custom_callback_params":{"` + canary + `":1}`,
		}},
		"/v1/proxy":                         {wrong: []string{`"method":1`, `"url":["` + canary + `"]`, `"headers":"` + canary + `"`, `"timeout":"` + canary + `"`, `"timeout":1e99`, `"body":{"` + canary + `":1}`}},
		"/v1/oauth/refresh":                 {wrong: []string{`"provider":1`, `"refresh_token":["` + canary + `"]`, `"scopes":"` + canary + `"`, `"public_key":{"` + canary + `":1}`}},
		"/v1/oauth/vault":                   {wrong: []string{`"connection":1`, `"login_hint":["` + canary + `"]`}},
		"/v1/oauth/revoke":                  {wrong: []string{`"refresh_token":1`, `"public_key":["` + canary + `"]`}},
		"/v1/connect/resolve":               {browser: true, wrong: []string{`"user_code":1`, `"user_code":["` + canary + `"]`}},
		"/v1/connect/" + code + "/complete": {browser: true, wrong: []string{`"ciphertext":1`, `"connect_token":{"` + canary + `":1}`, `"algorithm":["` + canary + `"]`}},
	}
	wide := make([]byte, 0, 100)
	for _, unit := range utf16.Encode([]rune(`{"a":"` + canary + `"}`)) {
		wide = append(wide, byte(unit), byte(unit>>8))
	}
	malformed := map[string]string{
		"nothing":            "",
		"text":               canary,
		"a list":             `["` + canary + `"]`,
		"a string":           `"` + canary + `"`,
		"null":               "null",
		"half an object":     `{"public_key":"` + canary,
		"two objects":        `{"a":"` + canary + `"}{}`,
		"something after it": `{"a":1} ` + canary,
		"a byte order mark":  "\xef\xbb\xbf{}",
		"invalid UTF-8":      `{"a":"` + canary + "\xff\"}",
		"UTF-16":             string(wide),
		"a NUL":              "{\"a\":\"\x00" + canary + `"}`,
		"great depth":        strings.Repeat(`{"a":`, 10_001) + `1` + strings.Repeat(`}`, 10_001),
		"a form":             "a=" + canary,
		"a member twice":     `{"public_key":"a","public_key":"` + canary + `"}`,
		"in another case":    `{"public_key":"a","Public_Key":"` + canary + `"}`,
		"twice further down": `{"headers":{"a":"` + canary + `","a":"b"}}`,
	}
	check := func(name string, got answer, statuses ...int) {
		t.Helper()
		ok := false
		for _, status := range statuses {
			ok = ok || got.status == status
		}
		if !ok || got.header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %d %s, want %v and a problem: %s", name, got.status, got.header.Get("Content-Type"), statuses, got.body)
			return
		}
		got.problem(got.status)
		if strings.Contains(got.body, canary) {
			t.Errorf("%s: the answer repeats a value: %s", name, got.body)
		}
		for header, values := range got.header {
			if strings.Contains(strings.Join(values, " "), canary) {
				t.Errorf("%s: the header %s repeats a value", name, header)
			}
		}
	}
	post := func(path, body, kind string) answer {
		header := []string{"X-API-Key", apiKey}
		if kind != "" {
			header = append(header, "Content-Type", kind)
		}
		return r.send("POST", path, body, header...)
	}
	for path, route := range routes {
		for name, body := range malformed {
			// A short limit is met before the shape is looked at.
			statuses := []int{400}
			if len(body) > 4<<10 {
				statuses = []int{400, 413}
			}
			check(path+" "+name, post(path, body, "application/json"), statuses...)
		}
		for _, member := range route.wrong {
			check(path+" "+member, post(path, "{"+member+"}", "application/json"), 422, 400)
		}
		for _, kind := range []string{"", "text/plain", "application/x-www-form-urlencoded", "application/json-" + canary, "a/b/" + canary} {
			check(path+" as "+kind, post(path, `{"a":"`+canary+`"}`, kind), 415)
		}
		check(path+" too long", post(path, `{"a":"`+strings.Repeat(canary, 200_000)+`"}`, "application/json"), 413)
		for _, method := range []string{"GET", "PUT", "DELETE", "PATCH", "OPTIONS"} {
			// GET of resolve is a code, as far as the router can tell.
			check(method+" "+path, r.send(method, path, "", "X-API-Key", apiKey, "X-Canary", canary), 405, 404)
		}
	}
	for name, req := range map[string]*http.Request{
		"authorize without a token":   r.request("POST", "/v1/oauth/authorize/"+code, "", "Content-Type", "application/x-www-form-urlencoded"),
		"authorize with a wrong one":  r.request("GET", "/v1/oauth/authorize/"+code+"?connect_token="+canary, ""),
		"authorize with a bad escape": r.request("POST", "/v1/oauth/authorize/"+code, "connect_token=%zz"+canary, "Content-Type", "application/x-www-form-urlencoded"),
		"callback without anything":   r.request("GET", "/v1/oauth/callback", ""),
		"callback with a state":       r.request("GET", "/v1/oauth/callback?code=x&state="+canary, ""),
		"callback with two states":    r.request("GET", "/v1/oauth/callback?state="+canary+"&state=b", ""),
		"callback with an error":      r.request("GET", "/v1/oauth/callback?error="+canary+"&state="+canary, ""),
		"callback of nobody":          r.request("GET", "/v1/oauth/callback/"+canary+"?state="+canary, ""),
		"poll of a short id":          r.request("GET", "/v1/sessions/"+canary, "", "X-API-Key", apiKey, "Authorization", "Bearer "+canary),
		"poll without a token":        r.request("GET", "/v1/sessions/"+id, "", "X-API-Key", apiKey),
		"poll with another scheme":    r.request("GET", "/v1/sessions/"+id, "", "X-API-Key", apiKey, "Authorization", "Basic "+canary),
		"events of a short id":        r.request("GET", "/v1/sessions/"+canary+"/events", "", "X-API-Key", apiKey, "Authorization", "Bearer "+canary),
		"webhook of a short id":       r.request("POST", "/v1/sessions/"+canary+"/webhook?token="+canary, canary),
		"a code with odd letters":     r.request("GET", "/v1/connect/"+canary+"%C5%BF", ""),
		"a confirm with a body":       r.request("POST", "/v1/connect/"+code+"/confirm", canary, "Content-Type", "text/plain"),
		"a status without a cookie":   r.request("GET", "/v1/connect/"+code+"/status", ""),
		"a file that is not there":    r.request("GET", "/static/"+canary+".js", ""),
		"a key that is none":          r.request("POST", "/v1/sessions", "{}", "X-API-Key", canary, "Content-Type", "application/json"),
		"a path that is none":         r.request("GET", "/v2/"+canary, ""),
	} {
		check(name, r.do(&http.Client{}, req), 400, 401, 403, 404, 415, 429)
	}
	if n, err := store.Count(t.Context()); err != nil || n != 0 {
		t.Errorf("%d sessions are stored, %v", n, err)
	}
	if strings.Contains(r.log.String(), canary) {
		t.Error("the log has a value of a request")
	}
	if n := len(idp.exchanges()); n != 0 {
		t.Errorf("%d requests left for the provider", n)
	}
	if !json.Valid([]byte(r.send("GET", "/v1/sessions/x", "").body)) {
		t.Error("a problem is not JSON")
	}
}
