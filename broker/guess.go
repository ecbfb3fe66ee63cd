package broker

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// The guess budget. A code is short because a person compares it, so it is
// protected by counting: the alphabet, the length and these numbers are one
// argument (RFC 8628 section 5.1), and a test multiplies them.
const (
	// securityBits: the chance to hit a given code in its life is 2^-32.
	securityBits = 32
	// minCodeLength in symbols is 50 bits.
	minCodeLength = 10
	// guessWindow is the time over which misses are counted.
	guessWindow = 10 * time.Minute
	// guessesPerAddress is how many misses one address prefix has in any
	// window.
	guessesPerAddress = 10
	// minGuesses is the least that all addresses together have in a window,
	// however many sessions are live; codes grow to afford it.
	minGuesses = 50
	// windowsPerLife is how many windows the life of a session may touch. The
	// windows of the total are aligned, so it is one more than fit.
	windowsPerLife = int((maxTTL+guessWindow-1)/guessWindow) + 1
)

// Bounds of what is remembered.
const (
	maxVisitors = 10_000
	maxSeen     = 16
)

// errGuessing says that the address, or all of them, have guessed too often.
var errGuessing = errors.New("broker: too many wrong codes")

// guesses counts wrong codes, not requests, by address prefix and in total. It
// does not count by code: each guess is another code, so such a counter would
// never be above one.
type guesses struct {
	now func() time.Time

	mu       sync.Mutex
	visitors *lru[netip.Prefix, *visitor]
	window   time.Time // start of the current window of the total
	missed   int       // misses in it
	running  int       // guesses that are being looked up
}

// visitor is what is remembered of one address prefix. guesses.mu guards it.
type visitor struct {
	misses  []time.Time // the newest guessesPerAddress
	running int
	settled chan struct{} // closed when a running guess is settled
	hit     time.Time     // when it last knew a live code
	seen    []Digest      // codes it has known, newest last
}

func newGuesses(now func() time.Time) *guesses {
	return &guesses{now: now, visitors: newLRU[netip.Prefix, *visitor](maxVisitors)}
}

// guess is one request that names a code. It ends with hit or miss.
type guess struct {
	g    *guesses
	v    *visitor
	code Digest
	// known: the address has known this code before, so nothing is guessed.
	known   bool
	settled bool
}

// begin admits a request that names a code, while live sessions exist. It
// returns [errGuessing] and how long to wait if the address has used up its
// misses, or if all addresses have and this one knew no code lately.
//
// What is running counts as missed until it is settled, so a burst of parallel
// guesses gets no more answers than a row of them; it waits for its turn.
func (g *guesses) begin(ctx context.Context, addr netip.Addr, code Digest, live int) (*guess, time.Duration, error) {
	for {
		turn, again, wait, err := g.try(prefixOf(addr), code, live)
		if turn != nil || err != nil {
			return turn, wait, err
		}
		select {
		case <-again:
		case <-ctx.Done():
			return nil, 0, ctx.Err()
		}
	}
}

func (g *guesses) try(from netip.Prefix, code Digest, live int) (turn *guess, again <-chan struct{}, wait time.Duration, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	v, ok := g.visitors.lookup(from)
	if !ok {
		v = &visitor{settled: make(chan struct{})}
		g.visitors.add(from, v)
	}
	v.misses = slices.DeleteFunc(v.misses, func(t time.Time) bool { return now.Sub(t) >= guessWindow })
	if len(v.misses) >= guessesPerAddress {
		// Also a right code is refused now: otherwise the answer to the
		// eleventh guess would tell whether it was one.
		return nil, nil, guessWindow - now.Sub(v.misses[0]), errGuessing
	}
	known := slices.Contains(v.seen, code)
	if since := now.Sub(g.window); since < 0 || since >= guessWindow {
		g.window, g.missed = now, 0
	}
	lately := !v.hit.IsZero() && now.Sub(v.hit) < guessWindow
	if g.missed+g.running >= totalGuesses(live) && !known && !lately {
		return nil, nil, guessWindow - now.Sub(g.window), errGuessing
	}
	if !known {
		if len(v.misses)+v.running >= guessesPerAddress {
			return nil, v.settled, 0, nil
		}
		v.running++
		g.running++
	}
	return &guess{g: g, v: v, code: code, known: known}, nil, 0, nil
}

// totalGuesses is how many misses all addresses together have in a window
// while so many sessions are live. Codes of a busy broker are longer than
// assumed here; counting with the short ones errs on the safe side.
func totalGuesses(live int) int {
	return max(minGuesses, guessesPerLife(minCodeLength*bitsPerSymbol, live)/windowsPerLife)
}

// hit settles a guess that named a live code.
func (t *guess) hit() {
	t.settle(func(now time.Time) {
		t.v.hit = now
		if slices.Contains(t.v.seen, t.code) {
			return
		}
		if len(t.v.seen) == maxSeen {
			t.v.seen = slices.Delete(t.v.seen, 0, 1)
		}
		t.v.seen = append(t.v.seen, t.code)
	})
}

// miss settles a guess that did not. An address that knows the code by now,
// such as the person's own after the link is used up, is not charged.
func (t *guess) miss() {
	t.settle(func(now time.Time) {
		if !slices.Contains(t.v.seen, t.code) {
			t.v.misses = append(t.v.misses, now)
			t.g.missed++
		}
	})
}

// settle runs outcome unless the guess is settled already.
func (t *guess) settle(outcome func(now time.Time)) {
	t.g.mu.Lock()
	defer t.g.mu.Unlock()
	if t.settled {
		return
	}
	t.settled = true
	outcome(t.g.now())
	if t.known {
		return
	}
	t.v.running--
	t.g.running--
	close(t.v.settled)
	t.v.settled = make(chan struct{})
}

// prefixOf is whom a guess is charged to: an IPv4 address, or the /64 of an
// IPv6 address, of which one customer has all.
func prefixOf(addr netip.Addr) netip.Prefix {
	addr = addr.Unmap().WithZone("")
	bits := 64
	if addr.Is4() {
		bits = 32
	}
	p, _ := addr.Prefix(bits) // the zero Addr yields the zero Prefix
	return p
}
