package broker_test

import (
	"encoding/json"
	"io"
	"maps"
	"strings"

	"linkmail/broker"
)

const customState = "s-0123456789abcdefghij"

// passthrough is the request for a passthrough session to the provider's host.
func passthrough(p *idp, change map[string]any) map[string]any {
	fields := map[string]any{
		"custom_authorize_url":   p.URL + "/connected-accounts/connect?ticket=tk",
		"custom_callback_params": []string{"connect_code"},
		"custom_state":           customState,
	}
	maps.Copy(fields, change)
	return fields
}

func allowProxy(hosts ...string) func(*broker.Config) {
	return func(cfg *broker.Config) { cfg.ProxyAllow = hosts }
}

func (r *rig) proxy(req map[string]any) answer {
	r.t.Helper()
	body, err := json.Marshal(req)
	if err != nil {
		r.t.Fatal(err)
	}
	return r.send("POST", "/v1/proxy", string(body), "Content-Type", "application/json", "X-API-Key", apiKey)
}

func readCloser(s string) io.ReadCloser { return io.NopCloser(strings.NewReader(s)) }
