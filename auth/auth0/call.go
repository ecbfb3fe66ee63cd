package auth0

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"linkmail/auth"
	"linkmail/internal/secret"
)

// answerLimit bounds what is read of an answer. Auth0's are a few kilobytes.
const answerLimit = 64 << 10

// answer is what the tenant said.
type answer struct {
	call   string // for errors, for example "token exchange"
	status int
	header http.Header
	body   []byte
}

// ok reports whether the status says that the call worked. The fields of an
// answer mean nothing before that is known: the errors of the My Account API
// look nothing like those of the token endpoint.
func (a answer) ok() bool { return a.status >= 200 && a.status < 300 }

// decode reads the fields of an answer. One that is not a JSON object did not
// come from Auth0, whatever its content type says.
func (a answer) decode(out any) error {
	if !bytes.HasPrefix(bytes.TrimSpace(a.body), []byte("{")) || json.Unmarshal(a.body, out) != nil {
		return &auth.Failure{
			Kind: auth.Unavailable, Code: "auth0_not_reached",
			Message: fmt.Sprintf("something other than Auth0 answered the %s (HTTP %d, not JSON)", a.call, a.status),
			Hint:    "Check AUTH0_DOMAIN, and whether a proxy or a sign-in page of the network stands in between.",
			Err:     &ResponseError{Call: a.call, Status: a.status},
		}
	}
	return nil
}

// tenantAPI is a host of the tenant and the client that asks it.
type tenantAPI struct {
	http *http.Client
	base string // scheme://host
	// limit bounds what is read of an answer, in bytes. One that is longer has
	// no body: decode will say that it was not Auth0's.
	limit int
}

// send sends in as JSON, or nothing if it is nil, and returns what came back,
// whatever the status. bearer may be empty.
func (t tenantAPI) send(ctx context.Context, call, method, path string, bearer secret.Text, in any) (answer, error) {
	var body io.Reader = http.NoBody
	if in != nil {
		data, err := json.Marshal(in)
		if err != nil {
			return answer{}, fmt.Errorf("auth0: encode the request (%s): %w", call, err)
		}
		body = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(ctx, method, t.base+path, body)
	if err != nil {
		return answer{}, fmt.Errorf("auth0: build the request (%s): %w", call, err)
	}
	req.Header.Set("Accept", "application/json")
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if !bearer.IsZero() {
		req.Header.Set("Authorization", "Bearer "+bearer.Reveal())
	}
	resp, err := t.http.Do(req)
	if err != nil {
		return answer{}, unreached(t.base, call, err)
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(io.LimitReader(resp.Body, int64(t.limit)+1))
	if err != nil {
		return answer{}, unreached(t.base, call, err)
	}
	if len(data) > t.limit {
		data = nil
	}
	return answer{call: call, status: resp.StatusCode, header: resp.Header, body: data}, nil
}

// api is the tenant as logins and tokens need it.
func (p *Provider) api() tenantAPI {
	return tenantAPI{http: p.cfg.HTTP, base: p.base, limit: answerLimit}
}

// post sends in as JSON to path.
func (p *Provider) post(ctx context.Context, call, path string, bearer secret.Text, in any) (answer, error) {
	return p.api().send(ctx, call, http.MethodPost, path, bearer, in)
}

// get asks for path.
func (p *Provider) get(ctx context.Context, call, path string, bearer secret.Text) (answer, error) {
	return p.api().send(ctx, call, http.MethodGet, path, bearer, nil)
}

// unreached turns the error of a request that got no whole answer into a failure.
func unreached(base, call string, err error) error {
	// A transport of ours (the broker's proxy) knows better what went wrong.
	if failure, ok := errors.AsType[*auth.Failure](err); ok {
		return failure
	}
	// The URL around a client's error says nothing new.
	if outer, ok := errors.AsType[*url.Error](err); ok {
		err = outer.Err
	}
	return &auth.Failure{
		Kind: auth.Unavailable, Code: "auth0_unreachable",
		Message: fmt.Sprintf("Auth0 at %s could not be reached: %s", base, auth.Unreached(err)),
		Hint:    "Try again; if it stays so, check AUTH0_DOMAIN and the network. The sign-in is kept.", RetryAfter: soon,
		Err: fmt.Errorf("%s: %w", call, err),
	}
}

// retryAfter reads when the tenant wants to hear from us again: Retry-After in
// seconds, or x-ratelimit-reset as a Unix time. At most an hour, zero if unknown.
func retryAfter(h http.Header, now time.Time) time.Duration {
	var wait time.Duration
	if n, err := strconv.ParseInt(strings.TrimSpace(h.Get("Retry-After")), 10, 32); err == nil {
		wait = time.Duration(n) * time.Second
	} else if n, err := strconv.ParseInt(strings.TrimSpace(h.Get("X-Ratelimit-Reset")), 10, 64); err == nil {
		wait = time.Unix(n, 0).Sub(now)
	}
	return min(max(wait, 0), time.Hour)
}
