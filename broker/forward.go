package broker

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"linkmail/broker/wire"
)

const (
	maxProxyAnswer      = 1 << 20
	defaultProxyTimeout = 30
	maxProxyTimeout     = 120
	maxProxyHeaders     = 100
)

var proxyMethods = []string{
	http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch,
	http.MethodDelete, http.MethodHead, http.MethodOptions,
}

// forward is POST /v1/proxy: a request to a listed host, for agents that
// cannot reach it themselves. What goes through it is seen by the broker.
func (b *Broker) forward(w http.ResponseWriter, r *http.Request) error {
	if _, err := b.admit(r, ScopeProxy); err != nil {
		return err
	}
	if b.proxy.empty() {
		return newProblem(http.StatusForbidden, "Proxy Disabled", "This broker forwards no requests.")
	}
	req, err := readJSON[wire.ProxyRequest](w, r, maxProxyBody)
	if err != nil {
		return err
	}
	ctx, stop := context.WithTimeout(r.Context(), proxyTimeout(req.Timeout))
	defer stop()
	out, err := b.outbound(ctx, req)
	if err != nil {
		return err
	}
	resp, err := b.egress.do(out)
	if err != nil {
		return badGateway(err)
	}
	defer func() { _ = resp.Body.Close() }()
	// The transport has undone gzip, so this also ends a bomb.
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxProxyAnswer+1))
	if err != nil {
		return badGateway(err)
	}
	if len(body) > maxProxyAnswer {
		return badGateway(errTooLong)
	}
	return writeJSON(w, http.StatusOK, wire.ProxyResponse{
		StatusCode: resp.StatusCode, Headers: answerHeaders(resp.Header), Body: string(body),
	})
}

var errTooLong = errors.New("broker: upstream answer is too long")

func proxyTimeout(s int) time.Duration {
	if s == 0 {
		s = defaultProxyTimeout
	}
	// Clients wait for 15 seconds; an answer after that is lost.
	return min(time.Duration(s)*time.Second, proxyDeadline)
}

// badGateway hides why: closed, filtered and silent ports look the same.
// Clients search error texts for words about tokens, so these say little.
func badGateway(err error) *problem {
	var slow interface{ Timeout() bool }
	switch {
	case errors.Is(err, errBlocked):
		return newProblem(http.StatusForbidden, "SSRF Blocked", "The host resolves to an address that is not public.")
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &slow) && slow.Timeout():
		return newProblem(http.StatusGatewayTimeout, "Gateway Timeout", "The upstream server did not answer in time.")
	}
	return newProblem(http.StatusBadGateway, "Bad Gateway", "The upstream server gave no usable answer.")
}

// outbound builds the request that leaves.
func (b *Broker) outbound(ctx context.Context, req wire.ProxyRequest) (*http.Request, error) {
	if !slices.Contains(proxyMethods, req.Method) {
		return nil, invalid(fault("method", "is not one of "+strings.Join(proxyMethods, ", ")))
	}
	if req.Timeout < 0 || req.Timeout > maxProxyTimeout {
		return nil, invalid(fault("timeout", "is not a number of seconds from 1 to 120"))
	}
	u, err := b.proxy.target(req.URL)
	if errors.Is(err, errForeign) {
		return nil, newProblem(http.StatusForbidden, "Domain Not Allowed", "The host is not on the broker's list.")
	}
	if err != nil {
		return nil, invalid(fault("url", "is not a plain https URL on port 443"))
	}
	out, err := http.NewRequestWithContext(ctx, req.Method, u.String(), strings.NewReader(req.Body))
	if err != nil {
		return nil, invalid(fault("url", "is not a plain https URL on port 443"))
	}
	if len(req.Headers) > maxProxyHeaders {
		return nil, invalid(fault("headers", "are too many"))
	}
	hop := connectionNames(req.Headers)
	for name, value := range req.Headers {
		if !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) {
			return nil, invalid(fault("headers", "hold a name or value that HTTP does not allow"))
		}
		if name = textproto.CanonicalMIMEHeaderKey(name); !stripped(name) && !hop[name] {
			// Set, not an assignment: a name in another case would go out as
			// a second Host or Content-Length.
			out.Header.Set(name, value)
		}
	}
	return out, nil
}

// strippedHeaders do not leave: they are the connection's own, or they would
// say something about who is behind the broker.
var strippedHeaders = []string{
	"Accept-Encoding", "Connection", "Content-Length", "Cookie", "Expect", "Forwarded", "Host", "Http2-Settings",
	"Keep-Alive", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Via", "X-Api-Key", "X-Real-Ip",
}

// stripped also takes the spelling with underscores, which some servers read
// as hyphens.
func stripped(name string) bool {
	name = textproto.CanonicalMIMEHeaderKey(strings.ReplaceAll(name, "_", "-"))
	return slices.Contains(strippedHeaders, name) ||
		strings.HasPrefix(name, "Proxy-") || strings.HasPrefix(name, "X-Forwarded-")
}

// connectionNames are the headers that a Connection header claims for one hop
// (RFC 9110 section 7.6.1).
func connectionNames(headers map[string]string) map[string]bool {
	names := make(map[string]bool)
	for name, value := range headers {
		if strings.EqualFold(name, "Connection") {
			for listed := range strings.SplitSeq(value, ",") {
				names[textproto.CanonicalMIMEHeaderKey(strings.TrimSpace(listed))] = true
			}
		}
	}
	return names
}

// answerHeaders are the headers that go back to the agent.
func answerHeaders(h http.Header) map[string]string {
	hop := connectionNames(map[string]string{"Connection": strings.Join(h.Values("Connection"), ",")})
	out := make(map[string]string, len(h))
	for name, values := range h {
		if stripped(name) || hop[name] || name == "Set-Cookie" || name == "Content-Encoding" {
			continue
		}
		out[strings.ToLower(name)] = strings.Join(values, ", ")
	}
	return out
}
