package auth

import (
	"net/http"
	"time"
)

// NoRedirects returns a copy of client, or a client with a time-out of 15
// seconds if it is nil, that follows no redirects and keeps no cookies. What
// we ask does not redirect: a captive portal does, and a redirect that is
// followed carries keys and tokens to whoever it names.
func NoRedirects(client *http.Client) *http.Client {
	copied := http.Client{Timeout: 15 * time.Second}
	if client != nil {
		copied = *client
	}
	copied.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	copied.Jar = nil
	return &copied
}
