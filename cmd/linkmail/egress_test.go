package main

import (
	"net/http"
	"testing"
)

func TestGoogleHostsGoThroughTheProxyWhateverNoProxySays(t *testing.T) {
	env := []string{"HTTPS_PROXY=http://proxy.example:3128", "NO_PROXY=localhost,*.googleapis.com,.googleapis.com,gmail.googleapis.com,internal.example"}
	rule := proxyFor(process{env: env})
	for url, want := range map[string]string{
		"https://gmail.googleapis.com/gmail/v1/users/me/profile": "http://proxy.example:3128",
		"https://tenant.auth0.example/oauth/token":               "http://proxy.example:3128",
		"https://internal.example/":                              "",
		"https://127.0.0.1:9999/":                                "",
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if u, err := rule(r); err != nil {
			t.Fatal(err)
		} else if u != nil {
			got = u.String()
		}
		if got != want {
			t.Errorf("%s goes through %q, want %q", url, got, want)
		}
	}
}
