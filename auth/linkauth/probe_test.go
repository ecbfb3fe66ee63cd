package linkauth_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"linkmail/auth"
	"linkmail/auth/linkauth"
	"linkmail/internal/secret"
)

func TestAProbeSaysWhatIsWrongWithABroker(t *testing.T) {
	const healthy = "healthy"
	tests := []struct {
		name    string
		health  int    // status of the health page; 0 hangs up
		keyed   int    // status of a request with a key
		body    string // of the latter
		check   string // the last one
		verdict auth.Verdict
		says    string
	}{
		{"all is well", 200, 400, `{}`, "broker_key", auth.Passed, "it does"},
		{"it hangs up", 0, 0, "", "broker", auth.Failed, "connection failed"},
		{"it is something else", 404, 404, "", "broker", auth.Failed, "something other"},
		{"it redirects", 302, 302, "", "broker", auth.Failed, "something other"},
		{"it refuses the key", 200, 401, `{}`, "broker_key", auth.Failed, "does not accept"},
		{"it refuses the key with words", 200, 403, `{"title":"Invalid API key"}`, "broker_key", auth.Failed, "does not accept"},
		{"it forwards nothing, which is no matter", 200, 403, `{"title":"Proxy Disabled"}`, "broker_key", auth.Passed, "it does"},
		{"it is busy", 200, 429, `{}`, "broker_key", auth.Unclear, "limits"},
		{"it is ill", 200, 503, `{}`, "broker_key", auth.Unclear, "503"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			sessions := 0
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				status, body := test.keyed, test.body
				if r.Method == http.MethodGet {
					status, body = test.health, healthy
				}
				if strings.HasPrefix(r.URL.Path, "/v1/sessions") {
					sessions++
				}
				if status == 0 {
					panic(http.ErrAbortHandler)
				}
				if status == 302 {
					w.Header().Set("Location", "http://127.0.0.1:1/")
				}
				w.WriteHeader(status)
				_, _ = w.Write([]byte(body))
			}))
			t.Cleanup(s.Close)
			checks := linkauth.Probe(t.Context(), linkauth.Config{BrokerURL: s.URL, APIKey: secret.New("canary")}, "")
			last := checks[len(checks)-1]
			if last.ID != test.check || last.Verdict != test.verdict || !strings.Contains(last.Saw, test.says) {
				t.Errorf("the last check is %+v, want %s %s and something of %q", last, test.check, test.verdict, test.says)
			}
			if sessions > 0 {
				t.Error("the probe opened a session")
			}
			for _, c := range checks {
				if strings.Contains(c.Saw+c.Advice, "canary") {
					t.Errorf("the check holds the key: %+v", c)
				}
			}
		})
	}
	if got := linkauth.Probe(t.Context(), linkauth.Config{BrokerURL: "http://elsewhere.example"}, ""); got[0].Verdict != auth.Failed || got[0].Where != "LINKAUTH_BROKER_URL" {
		t.Errorf("a broker without TLS is %+v", got)
	}
}
