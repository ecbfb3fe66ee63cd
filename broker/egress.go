package broker

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"
	"time"

	"code.dny.dev/ssrf"
)

// The clock and the limits of outbound requests.
const (
	proxyDeadline  = 12 * time.Second
	dialTimeout    = 5 * time.Second
	headerTimeout  = 10 * time.Second
	maxReplyHeader = 32 << 10
)

// errBlocked says that a name resolved to an address that must not be reached.
var errBlocked = errors.New("broker: destination address is not public")

// egress is the only way out of the broker. It checks the address that is
// dialled, not the name, so a name that changes its address in between gains
// nothing; it follows no redirect and uses no proxy of the environment, which
// would dial unchecked.
type egress struct {
	public *http.Client
	// loopback reaches this machine, for the hosts in named only.
	loopback *http.Client
	named    map[string]bool
}

// newEgress returns an egress to public addresses on the given ports, and to
// the named loopback targets ("host:port"), of which there are none unless the
// broker runs under Dev.
func newEgress(ports []uint16, named []string) *egress {
	e := &egress{
		public:   guarded(onlyPublic(ports)),
		loopback: guarded(onlyLoopback),
		named:    make(map[string]bool, len(named)),
	}
	for _, host := range named {
		e.named[host] = true
	}
	return e
}

// dialCheck refuses an address that is about to be dialled.
type dialCheck func(network, address string, _ syscall.RawConn) error

func onlyPublic(ports []uint16) dialCheck {
	return ssrf.New(
		ssrf.WithPorts(ports...),
		// Azure answers its virtual machines on this public address.
		ssrf.WithDeniedV4Prefixes(netip.MustParsePrefix("168.63.129.16/32")),
	).Safe
}

func onlyLoopback(_, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil || !ap.Addr().Unmap().IsLoopback() {
		return errBlocked
	}
	return nil
}

// guarded returns a client whose every connection passes check.
func guarded(check dialCheck) *http.Client {
	dialer := &net.Dialer{
		Timeout: dialTimeout,
		ControlContext: func(_ context.Context, network, address string, c syscall.RawConn) error {
			if check(network, address, c) != nil {
				return errBlocked
			}
			return nil
		},
	}
	return &http.Client{
		Transport: &http.Transport{
			Proxy:       nil,
			DialContext: dialer.DialContext,
			// A kept connection keeps its buffers, and tokens in them.
			DisableKeepAlives:      true,
			ForceAttemptHTTP2:      true,
			TLSHandshakeTimeout:    dialTimeout,
			ResponseHeaderTimeout:  headerTimeout,
			MaxResponseHeaderBytes: maxReplyHeader,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		},
		Timeout: proxyDeadline,
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
	}
}

// do sends req. The caller closes the body.
func (e *egress) do(req *http.Request) (*http.Response, error) {
	return e.clientFor(req.URL.Host).Do(req) //nolint:gosec // every dial is checked
}

// clientFor returns the client for a host: loopback only if it was named, and
// public addresses only for all others.
func (e *egress) clientFor(host string) *http.Client {
	if e.named[host] {
		return e.loopback
	}
	return e.public
}

// external checks a URL that the operator, or an issuer's own document, names
// as an endpoint: https anywhere, or http on loopback under Dev.
func external(raw string, dev bool) (*url.URL, error) {
	u, err := parseURL(raw)
	switch {
	case err != nil:
		return nil, err
	case loopbackName(u.Hostname()) && dev:
		u.Host = net.JoinHostPort(u.Hostname(), usualPort(u))
		return u, nil
	case u.Scheme != "https":
		return nil, errBadURL
	}
	return u, nil
}
