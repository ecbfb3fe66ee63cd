package main

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/http/httpproxy"
)

// egress is the transport for everything that leaves this machine.
//
// It keeps a dead connection from hanging a call after the machine slept, by
// HTTP/2 pings, and corrects one habit of sandboxes: see [proxyFor].
func egress(p process) *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone() //nolint:errcheck,forcetypeassert // it is one
	t.Proxy = proxyFor(p)
	t.HTTP2 = &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 5 * time.Second}
	t.ResponseHeaderTimeout = 60 * time.Second
	return t
}

// proxyFor returns the proxy rule of the environment, except that Google's API
// hosts always go through the proxy when there is one. Sandboxes list
// googleapis.com in NO_PROXY for their own metadata server while they block
// direct connections to it, so honouring the entry would cut Gmail off.
func proxyFor(p process) func(*http.Request) (*url.URL, error) {
	first := func(names ...string) string {
		for _, n := range names {
			if v, ok := p.lookup(n); ok {
				return v
			}
		}
		return ""
	}
	cfg := httpproxy.Config{
		HTTPProxy:  first("HTTP_PROXY", "http_proxy"),
		HTTPSProxy: first("HTTPS_PROXY", "https_proxy"),
	}
	if all := first("ALL_PROXY", "all_proxy"); all != "" {
		if cfg.HTTPProxy == "" {
			cfg.HTTPProxy = all
		}
		if cfg.HTTPSProxy == "" {
			cfg.HTTPSProxy = all
		}
	}
	entries := strings.Split(first("NO_PROXY", "no_proxy"), ",")
	entries = slices.DeleteFunc(entries, coversGoogleAPIs)
	cfg.NoProxy = strings.Join(entries, ",")
	rule := cfg.ProxyFunc()
	return func(r *http.Request) (*url.URL, error) { return rule(r.URL) }
}

// coversGoogleAPIs reports whether a NO_PROXY entry names Google's API hosts.
func coversGoogleAPIs(entry string) bool {
	host := strings.ToLower(strings.TrimSpace(entry))
	host, _, _ = strings.Cut(host, ":")
	host = strings.TrimPrefix(strings.TrimPrefix(host, "*"), ".")
	return host == "googleapis.com" || strings.HasSuffix(host, ".googleapis.com")
}
