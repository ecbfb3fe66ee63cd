package auth

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"golang.org/x/oauth2"

	"linkmail/internal/secret"
)

// drainLimit is how much of a refused answer is read so that the connection
// can be used again. Error bodies are small; a longer one costs a connection.
const drainLimit = 64 << 10

// Transport is an [http.RoundTripper] that authorizes requests with the token
// of the [Principal] in the request's context. It sends a token to the named
// hosts only, whatever a redirect or a caller asks for.
//
// After a 401 it asks the provider exactly once for another token, naming the
// refused one, and repeats the request once if the body can be replayed. A 403
// is an answer, not a reason for another token.
//
// Its errors are those of the Provider ([*Challenge], [*Failure], context
// errors), those of Base, and a *Failure for a request that it must not send.
// It is safe for concurrent use if Provider and Base are.
type Transport struct {
	// Provider hands out the tokens.
	Provider Provider
	// Scope is the service that the requests are for, for example "gmail".
	Scope string
	// Hosts lists where a token may go, each host or host:port, compared
	// exactly. Without a port it means the default port of https. Plain http
	// is for loopback addresses only, listed or not.
	Hosts []string
	// Base sends the requests; nil means http.DefaultTransport.
	Base http.RoundTripper
}

// RoundTrip implements [http.RoundTripper].
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := t.roundTrip(req)
	if err != nil && req.Body != nil {
		// The contract of RoundTripper: the body is closed, on errors too.
		// Closing it twice is harmless.
		_ = req.Body.Close()
	}
	return resp, err
}

func (t *Transport) roundTrip(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	if !t.pinned(req.URL) {
		return nil, &Failure{
			Kind: Misconfigured, Code: "host_not_allowed",
			Message: fmt.Sprintf("a request for %s was about to leave for a host that may not see its token", t.Scope),
			Hint:    "Check the configured endpoint; it has to be https, or a loopback address.",
		}
	}
	principal, ok := PrincipalFrom(ctx)
	if !ok {
		return nil, &Failure{
			Kind: Misconfigured, Code: "principal_missing",
			Message: "a request was made on nobody's behalf",
		}
	}
	ask := Request{Principal: principal, Scope: t.Scope}
	token, err := t.Provider.Token(ctx, ask)
	if err != nil {
		return nil, err
	}
	resp, err := t.send(req, req.Body, token)
	if err != nil || resp.StatusCode != http.StatusUnauthorized {
		return resp, err
	}

	// Ask even if the request cannot be repeated: the provider has to learn
	// that the token is dead, or the next request would get it again.
	ask.Rejected = secret.New(token.AccessToken)
	renewed, err := t.Provider.Token(ctx, ask)
	if err != nil {
		discard(resp)
		return nil, err
	}
	body, ok := replay(req)
	if !ok || renewed.AccessToken == token.AccessToken {
		return resp, nil
	}
	discard(resp)
	return t.send(req, body, renewed)
}

// send sends a copy of req, because a RoundTripper must not change the original.
func (t *Transport) send(req *http.Request, body io.ReadCloser, token *oauth2.Token) (*http.Response, error) {
	out := req.Clone(req.Context())
	out.Body = body
	token.SetAuthHeader(out)
	base := t.Base
	if base == nil {
		base = http.DefaultTransport
	}
	return base.RoundTrip(out)
}

// pinned reports whether a token may go to u.
func (t *Transport) pinned(u *url.URL) bool {
	if u == nil || u.User != nil {
		return false
	}
	switch u.Scheme {
	case "https":
	case "http":
		if !Loopback(u.Hostname()) {
			return false
		}
	default:
		return false
	}
	have := canonicalHost(u.Host, u.Scheme)
	for _, h := range t.Hosts {
		if h != "" && canonicalHost(h, "https") == have {
			return true
		}
	}
	return false
}

// canonicalHost returns host:port in lower case.
func canonicalHost(host, scheme string) string {
	host = strings.ToLower(host)
	if _, _, err := net.SplitHostPort(host); err == nil {
		return host
	}
	port := "443"
	if scheme == "http" {
		port = "80"
	}
	return net.JoinHostPort(strings.Trim(host, "[]"), port)
}

// Loopback reports whether host, without a port, names this machine: an
// address of the loopback network or the name localhost. Nothing is resolved.
func Loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Zone() == "" && addr.Unmap().IsLoopback()
}

// replay returns the request's body from its beginning, if that is possible.
func replay(req *http.Request) (io.ReadCloser, bool) {
	if req.Body == nil || req.Body == http.NoBody {
		return req.Body, true
	}
	if req.GetBody == nil {
		return nil, false
	}
	body, err := req.GetBody()
	return body, err == nil
}

// discard reads what is left of an answer nobody wants and closes it.
func discard(resp *http.Response) {
	_, _ = io.CopyN(io.Discard, resp.Body, drainLimit)
	_ = resp.Body.Close()
}
