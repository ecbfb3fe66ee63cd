package broker

import (
	"context"
	"crypto/x509"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"time"

	"linkmail/broker/wire"
)

// Seams for the tests of this package.

// The numbers of the guess budget.
const (
	TestMinCodeLength     = minCodeLength
	TestBitsPerSymbol     = bitsPerSymbol
	TestAlphabet          = codeAlphabet
	TestGuessesPerAddress = guessesPerAddress
	TestGuessWindow       = guessWindow
	TestMaxTTL            = maxTTL
	TestMaxNames          = maxNames
	TestSweepBatch        = sweepBatch
	TestStreamsPerKey     = streamsPerKey
	TestMaxWebhook        = maxWebhookBody
)

var (
	TestNewCode      = newCode
	TestCodeLength   = codeLength
	TestTotalGuesses = budget().Total
	TestParseCode    = parseCode
	TestShowCode     = showCode
	TestParseURL     = parseURL
	TestPlainText    = plainText
	TestStripped     = stripped
	TestIsTokens     = isTokenAnswer
	TestFailureCode  = failureCode
	TestDuplicated   = duplicated
	TestParseHop     = parseHop

	TestEncodeSession = encodeSession
	TestDecodeSession = decodeSession
)

// SetPause replaces the pauses between attempts to deliver a callback.
func (b *Broker) SetPause(pause func(ctx context.Context, d time.Duration) error) {
	b.outbox.pause = pause
}

// WaitForCallbacks returns when no delivery is on its way.
func (b *Broker) WaitForCallbacks() { b.outbox.ended.Wait() }

// Streams is how many streams of events are open.
func (b *Broker) Streams() int { return b.streams.open() }

// OpenStreams takes n streams for an owner.
func (b *Broker) OpenStreams(owner string, n int) {
	for range n {
		_, _, _ = b.streams.join(owner, "nothing")
	}
}

// SetNewCode replaces the code generator.
func (b *Broker) SetNewCode(f func(length int) string) { b.newCode = f }

// CheckFields is checkFields.
func CheckFields(fields []wire.Field) ([]wire.Field, error) { return checkFields(fields) }

// Held is how much the memory holds: the longest of its indexes.
func (m *Memory) Held() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return max(len(m.byID), len(m.byCode), len(m.byState), len(m.queue))
}

// Names is how many addresses the memory counts misses of, and how many keys
// and addresses it counts requests of.
func (m *Memory) Names() (misses, rates int) {
	m.limits.mu.Lock()
	defer m.limits.mu.Unlock()
	return m.limits.misses.order.Len(), m.limits.rates.order.Len()
}

// Lines is how many addresses have requests that name a code running.
func (b *Broker) Lines() int {
	b.guesses.lines.mu.Lock()
	defer b.guesses.lines.mu.Unlock()
	return len(b.guesses.lines.from)
}

// Guess makes one miss from an address, and reports whether it was answered.
func (b *Broker) Guess(addr netip.Addr, code string) error {
	return b.GuessFor(context.Background(), addr, code)
}

// GuessFor is Guess for a client that may give up.
func (b *Broker) GuessFor(ctx context.Context, addr netip.Addr, code string) error {
	turn, _, err := b.guesses.begin(ctx, addr, digest(code))
	if err == nil {
		turn.miss()
	}
	return err
}

// DialCheck says whether the public client would connect to an address.
func DialCheck(address string) error {
	transport, ok := newEgress([]uint16{443}, nil).public.Transport.(*http.Transport)
	if !ok {
		panic("no transport")
	}
	conn, err := transport.DialContext(context.Background(), "tcp", address)
	if err == nil {
		_ = conn.Close()
	}
	return err
}

// UsesProxy reports whether any of the broker's clients asks for a proxy.
func (b *Broker) UsesProxy() bool {
	for _, client := range []*http.Client{b.egress.public, b.egress.loopback} {
		if transport, ok := client.Transport.(*http.Transport); !ok || transport.Proxy != nil {
			return true
		}
	}
	return false
}

// PublicAddress says whether an address may be dialled.
func PublicAddress(network, address string) error {
	return onlyPublic([]uint16{443})(network, address, nil)
}

// ErrBlocked is what DialCheck says about an address that is not public.
var ErrBlocked = errBlocked

// TrustUpstream lets the public client reach one TLS server on loopback under
// the name it has in its certificate: everything but the address check is the
// real client.
func (b *Broker) TrustUpstream(roots *x509.CertPool, listener string) {
	transport, ok := b.egress.public.Transport.(*http.Transport)
	if !ok {
		panic("no transport")
	}
	transport.TLSClientConfig.RootCAs = roots
	dial := new(net.Dialer).DialContext
	transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return dial(ctx, network, listener)
	}
}

// ErrLong is what PostForm says about an answer that does not fit.
var ErrLong = errLong

// PostForm sends a form as the broker does to a token endpoint.
func (b *Broker) PostForm(ctx context.Context, to *url.URL, fields url.Values, buf []byte) (status, n int, err error) {
	q := quiet{method: http.MethodPost, to: to, media: typeForm, body: FormText(fields)}
	_, status, n, err = b.egress.quietly(ctx, q, buf)
	return status, n, err
}

// FormText is a form with these fields.
func FormText(fields url.Values) []byte {
	var f form
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		for _, value := range fields[name] {
			put(&f, name, value)
		}
	}
	return f.text
}
