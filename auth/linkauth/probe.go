package linkauth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"linkmail/auth"
	"linkmail/internal/secret"
)

// Places to change a setting, for people.
const (
	whereURL = "LINKAUTH_BROKER_URL"
	whereKey = "LINKAUTH_API_KEY"
)

// Probe looks whether the broker of cfg answers, accepts the key and, where
// target is not empty, forwards requests to that address. After the first
// failure the rest is skipped. It opens no session. Store, Now and Display are
// not used.
func Probe(ctx context.Context, cfg Config, target string) []auth.Check {
	reach := auth.Check{ID: "broker", Title: "the broker answers"}
	b, err := newBroker(cfg)
	if err != nil {
		reach.Verdict, reach.Saw, reach.Where = auth.Failed, strings.TrimPrefix(err.Error(), "linkauth: "), whereURL
		return []auth.Check{reach}
	}
	b.reach(ctx, &reach)
	checks := []auth.Check{reach}
	next := []func(context.Context) auth.Check{b.acceptsKey}
	if target != "" {
		next = append(next, func(ctx context.Context) auth.Check { return forwards(ctx, cfg, target) })
	}
	failed := reach.Verdict == auth.Failed
	for _, look := range next {
		if failed {
			break
		}
		check := look(ctx)
		failed = check.Verdict == auth.Failed
		checks = append(checks, check)
	}
	return checks
}

// reach asks for the broker's health.
func (b broker) reach(ctx context.Context, check *auth.Check) {
	r, err := b.ask(ctx, http.MethodGet, "/healthz", secret.Text{}, nil)
	if err == nil && r.status == http.StatusNotFound {
		r, err = b.ask(ctx, http.MethodGet, "/health", secret.Text{}, nil)
	}
	check.Where = whereURL
	switch {
	case err != nil:
		check.Verdict, check.Saw = auth.Failed, "the broker at "+b.url+" cannot be reached: "+auth.Unreached(err)
		check.Setting, check.Advice = "broker_url", "Check the address, the network and the certificate."
	case !r.ok() || r.status == http.StatusNoContent && len(r.body) > 0 || isPage(r):
		check.Verdict, check.Setting = auth.Failed, "broker_url"
		check.Saw = fmt.Sprintf("something other than a LinkAuth broker answers at %s (HTTP %d)", b.url, r.status)
		check.Advice = "Check the address, and whether a proxy or a sign-in page of the network answers in its place."
	default:
		check.Verdict, check.Saw, check.Where = auth.Passed, b.url+" answers", ""
		if strings.HasPrefix(b.url, "https://") {
			check.Saw += ", with a certificate that is trusted here"
		}
	}
}

// isPage reports whether a reply is a web page.
func isPage(r reply) bool {
	return strings.Contains(strings.ToLower(r.header.Get("Content-Type")), "html") ||
		strings.HasPrefix(strings.TrimSpace(string(r.body)), "<")
}

// acceptsKey sends a request that is refused for its key before anything else,
// and otherwise for being empty.
func (b broker) acceptsKey(ctx context.Context) auth.Check {
	check := auth.Check{ID: "broker_key", Title: "the broker accepts the key", Verdict: auth.Passed}
	r, err := b.ask(ctx, http.MethodPost, "/v1/proxy", secret.Text{}, struct{}{})
	switch {
	case err != nil:
		check.Verdict, check.Saw = auth.Failed, "the broker broke the connection off: "+auth.Unreached(err)
	case r.keyRefused(), r.status == http.StatusUnauthorized:
		check.Verdict, check.Saw = auth.Failed, "the broker does not accept LINKAUTH_API_KEY"
		if b.key.IsZero() {
			check.Saw = "the broker asks for an API key"
		}
		check.Setting, check.Where, check.Advice = "broker_key", whereKey, "Set it to a key that the broker's operator gave you."
	case r.status == http.StatusTooManyRequests:
		check.Verdict, check.Saw = auth.Unclear, "the broker limits how often it may be asked"
	case r.passing():
		check.Verdict, check.Saw = auth.Unclear, fmt.Sprintf("the broker cannot answer now (HTTP %d)", r.status)
	case b.key.IsZero():
		check.Saw = "the broker asks for none"
	default:
		check.Saw = "it does"
	}
	return check
}

// forwards sends one request through the broker's proxy.
func forwards(ctx context.Context, cfg Config, target string) auth.Check {
	check := auth.Check{ID: "broker_proxy", Title: "the broker forwards to Auth0", Verdict: auth.Passed, Saw: "it does"}
	proxy, err := NewProxy(cfg)
	if err != nil {
		check.Verdict, check.Saw = auth.Failed, strings.TrimPrefix(err.Error(), "linkauth: ")
		return check
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, http.NoBody)
	if err != nil {
		check.Verdict, check.Saw = auth.Unclear, "the address to forward to cannot be read"
		return check
	}
	resp, err := proxy.RoundTrip(req)
	if err == nil {
		_ = resp.Body.Close()
		return check
	}
	check.Verdict, check.Saw, check.Setting = auth.Failed, "the broker did not forward a request", "broker_proxy"
	check.Where = "linkmail broker --proxy-allow"
	if failure, ok := errors.AsType[*auth.Failure](err); ok {
		check.Saw, check.Advice = failure.Message, failure.Hint
	}
	return check
}
