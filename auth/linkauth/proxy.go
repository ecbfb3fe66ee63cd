package linkauth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"linkmail/auth"
	"linkmail/broker/wire"
	"linkmail/internal/secret"
)

const (
	// proxyTimeout is what the broker gets for the request behind it, so that
	// it answers before the client's own time-out of 15 seconds.
	proxyTimeout = 12 * time.Second
	// proxyBodyLimit bounds the body of a proxied request.
	proxyBodyLimit = 64 << 10
	// blockedFor is how long a [Fallback] believes that the direct way is shut.
	blockedFor = 10 * time.Minute
)

// Proxy is an [http.RoundTripper] that sends a request through the broker
// (POST /v1/proxy), for places whose network reaches the broker and nothing
// else. The broker sees what it forwards, and forwards only to hosts that its
// operator allowed. It is meant for small requests with text bodies.
//
// An error is an [auth.Failure] if the broker is the cause.
type Proxy struct{ broker broker }

// NewProxy returns a proxy over the broker of cfg, or an error that says what
// is wrong with cfg. Store, Now and Display are not used.
func NewProxy(cfg Config) (*Proxy, error) {
	b, err := newBroker(cfg)
	if err != nil {
		return nil, err
	}
	return &Proxy{broker: b}, nil
}

// RoundTrip implements [http.RoundTripper].
func (p *Proxy) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := text(req)
	if err != nil {
		return nil, err
	}
	out := wire.ProxyRequest{
		Method: req.Method, URL: req.URL.String(), Body: body,
		Headers: map[string]string{}, Timeout: int(proxyTimeout / time.Second),
	}
	if out.Method == "" {
		out.Method = http.MethodGet
	}
	for name, values := range req.Header {
		out.Headers[name] = strings.Join(values, ", ")
	}
	answer, err := p.broker.ask(req.Context(), http.MethodPost, "/v1/proxy", secret.Text{}, out)
	switch {
	case err != nil && req.Context().Err() != nil:
		return nil, req.Context().Err()
	case err != nil:
		return nil, p.broker.unreachable(err)
	case answer.status == http.StatusForbidden && !answer.keyRefused():
		return nil, &auth.Failure{
			Kind: auth.Misconfigured, Code: "proxy_refused",
			Message: fmt.Sprintf("the LinkAuth broker at %s does not forward requests to %s", p.broker.url, req.URL.Hostname()),
			Hint:    "The broker's operator has to allow it (linkmail broker --proxy-allow " + req.URL.Hostname() + "), or this machine has to reach it directly.",
			Err:     statusError(answer.status),
		}
	case answer.status == http.StatusBadGateway, answer.status == http.StatusGatewayTimeout:
		return nil, &auth.Failure{
			Kind: auth.Unavailable, Code: "proxy_unreached",
			Message: fmt.Sprintf("the LinkAuth broker at %s could not reach %s", p.broker.url, req.URL.Hostname()),
			Hint:    "Try again.", RetryAfter: soon,
			Err: statusError(answer.status),
		}
	case !answer.ok():
		return nil, p.broker.refusal(answer, "Check the versions of linkmail and of the broker.")
	}
	var in wire.ProxyResponse
	if json.Unmarshal(answer.body, &in) != nil || in.StatusCode < 100 || in.StatusCode > 599 {
		return nil, p.broker.refusal(answer, "Check the versions of linkmail and of the broker.")
	}
	header := http.Header{}
	for name, value := range in.Headers {
		header.Set(name, value)
	}
	return &http.Response{
		Status: fmt.Sprintf("%d %s", in.StatusCode, http.StatusText(in.StatusCode)), StatusCode: in.StatusCode,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, Request: req, ContentLength: int64(len(in.Body)),
		Body: io.NopCloser(strings.NewReader(in.Body)),
	}, nil
}

// text reads and closes the body of req.
func text(req *http.Request) (string, error) {
	if req.Body == nil {
		return "", nil
	}
	data, err := io.ReadAll(io.LimitReader(req.Body, proxyBodyLimit+1))
	_ = req.Body.Close()
	switch {
	case err != nil:
		return "", fmt.Errorf("linkauth: read the body of a request: %w", err)
	case len(data) > proxyBodyLimit:
		return "", fmt.Errorf("linkauth: the broker's proxy takes bodies up to %d bytes", proxyBodyLimit)
	case !utf8.Valid(data):
		return "", errors.New("linkauth: the broker's proxy takes text bodies only")
	}
	return string(data), nil
}

// Fallback is an [http.RoundTripper] that goes directly where it can, and
// through the broker where no connection comes about: the direct way is better,
// because nobody sees what passes. Once the direct way was found shut it is not
// tried again for ten minutes. A request that has been sent is never repeated.
type Fallback struct {
	direct *http.Transport
	broker http.RoundTripper
	now    func() time.Time

	mu   sync.Mutex
	shut time.Time // guarded by mu: until when direct is not tried
}

// NewFallback returns a Fallback from direct to broker. direct is copied; nil
// means the default transport with a limit of five seconds for a connection.
// A nil now means time.Now.
func NewFallback(direct *http.Transport, broker http.RoundTripper, now func() time.Time) *Fallback {
	if direct == nil {
		direct = &http.Transport{
			Proxy:                 http.ProxyFromEnvironment,
			DialContext:           (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
			ForceAttemptHTTP2:     true,
			TLSHandshakeTimeout:   5 * time.Second,
			IdleConnTimeout:       90 * time.Second,
			ResponseHeaderTimeout: 15 * time.Second,
		}
	} else {
		direct = direct.Clone()
	}
	// Without this hook a proxy's refusal to connect is an error that only its
	// text could tell apart.
	inner := direct.OnProxyConnectResponse
	direct.OnProxyConnectResponse = func(ctx context.Context, proxy *url.URL, req *http.Request, resp *http.Response) error {
		if inner != nil {
			if err := inner(ctx, proxy, req, resp); err != nil {
				return err
			}
		}
		if resp.StatusCode != http.StatusOK {
			return egressError(resp.StatusCode)
		}
		return nil
	}
	if now == nil {
		now = time.Now
	}
	return &Fallback{direct: direct, broker: broker, now: now}
}

// RoundTrip implements [http.RoundTripper].
func (f *Fallback) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil && req.Body != http.NoBody && req.GetBody == nil {
		// Sent one way it could not be sent the other way.
		return f.direct.RoundTrip(req)
	}
	f.mu.Lock()
	shut := f.now().Before(f.shut)
	f.mu.Unlock()
	if shut {
		return f.broker.RoundTrip(req)
	}
	resp, err := f.direct.RoundTrip(req)
	if err == nil || req.Context().Err() != nil || !unconnected(err) {
		return resp, err
	}
	again := req.Clone(req.Context())
	if req.GetBody != nil {
		body, bodyErr := req.GetBody()
		if bodyErr != nil {
			return nil, err
		}
		again.Body = body
	}
	resp, brokerErr := f.broker.RoundTrip(again)
	if brokerErr != nil {
		if failure, ok := errors.AsType[*auth.Failure](brokerErr); ok && failure.Code == "broker_unreachable" {
			return nil, err // neither way works: this machine is offline
		}
		return nil, brokerErr
	}
	f.mu.Lock()
	f.shut = f.now().Add(blockedFor)
	f.mu.Unlock()
	return resp, nil
}

// egressError is the status with which an egress proxy refused to connect.
type egressError int

func (e egressError) Error() string {
	return fmt.Sprintf("the proxy of this network refused to connect (HTTP %d)", int(e))
}

// unconnected reports whether err means that no connection came about, so
// that nothing of the request has left this machine.
func unconnected(err error) bool {
	if _, ok := errors.AsType[egressError](err); ok {
		return true
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return true
	}
	op, ok := errors.AsType[*net.OpError](err)
	return ok && (op.Op == "dial" || op.Op == "proxyconnect")
}
