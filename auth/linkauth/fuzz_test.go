package linkauth_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"linkmail/auth/linkauth"
)

// FuzzDecode feeds answers of a hostile broker to the client. Nothing but a
// plain code and a link that a browser may open gets through, and no wait that
// would stop the polling.
func FuzzDecode(f *testing.F) {
	const date = "Sat, 01 Mar 2025 12:00:00 GMT"
	for _, seed := range []string{
		opened(1).body,
		`{"session_id":"s","user_code":"AB-12","verification_uri":"https://b.example/c","poll_token":"p","interval":"7","expires_at":"2025-03-01T12:05:00+00:00"}`,
		`{"session_id":"s","code":"A","url":"http://127.0.0.1:1/c","poll_token":"p","interval":-1,"expires_at":12}`,
		`{"status":"ready","interval":null,"ciphertext":"AAAA","algorithm":"RSA-OAEP-256+AES-256-GCM"}`,
		`{"status":"failed","error":"access_denied","interval":1e300}`,
		`{"status":"pending","interval":"NaN"}`,
	} {
		f.Add([]byte(seed), date)
	}
	f.Fuzz(func(t *testing.T, body []byte, date string) {
		link, code, waits := linkauth.Decode(body, date)
		if strings.ContainsAny(code, " \t\r\n\x00<>\"'") {
			t.Errorf("code %q got through", code)
		}
		if link != "" {
			u, err := url.Parse(link)
			if err != nil || u.Scheme != "https" && u.Scheme != "http" || strings.ContainsAny(link, " \r\n") {
				t.Errorf("link %q got through", link)
			}
		}
		for _, wait := range waits {
			if wait <= 0 || time.Duration(wait) > time.Hour {
				t.Errorf("wait %v got through", time.Duration(wait))
			}
		}
	})
}
