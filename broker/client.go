package broker

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

type clientKey struct{}

// withClient notes in the request whom it comes from, if a trusted proxy says
// so.
func (b *Broker) withClient(r *http.Request) *http.Request {
	peer := peerAddr(r)
	if !b.trusts(peer) {
		return r
	}
	// Each proxy appends whom it was asked by. From the right, the first one
	// that we do not trust is the client; what stands before it may be made up.
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	client := peer
	for _, hop := range slices.Backward(hops) {
		addr, ok := parseHop(strings.TrimSpace(hop))
		if !ok {
			break // whoever wrote this is the last one that is known
		}
		if client = addr; !b.trusts(addr) {
			break
		}
	}
	return r.WithContext(context.WithValue(r.Context(), clientKey{}, client))
}

func (b *Broker) trusts(addr netip.Addr) bool {
	return slices.ContainsFunc(b.cfg.TrustedProxies, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// parseHop reads an entry of X-Forwarded-For. Some proxies add the port.
func parseHop(text string) (netip.Addr, bool) {
	if addr, err := netip.ParseAddr(strings.Trim(text, "[]")); err == nil {
		return addr.Unmap().WithZone(""), true
	}
	if ap, err := netip.ParseAddrPort(text); err == nil {
		return ap.Addr().Unmap().WithZone(""), true
	}
	return netip.Addr{}, false
}

// clientAddr is the address of the client: that of the peer, unless the peer is
// a trusted proxy. Forwarding headers of others are not looked at: anyone can
// send them.
func clientAddr(r *http.Request) netip.Addr {
	if addr, ok := r.Context().Value(clientKey{}).(netip.Addr); ok {
		return addr
	}
	return peerAddr(r)
}

// peerAddr is the address at the other end of the connection.
func peerAddr(r *http.Request) netip.Addr {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Addr{}
	}
	return addr.Unmap()
}
