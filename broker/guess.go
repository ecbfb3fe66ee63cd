package broker

import (
	"context"
	"errors"
	"net/netip"
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
	// maxKnown bounds how many addresses, and codes that they know, are
	// remembered.
	maxKnown = 20_000
)

// budget is what all brokers on one store spend together. Codes of a busy
// broker are longer than assumed here; counting with the short ones errs on the
// safe side.
func budget() Budget {
	return Budget{
		PerAddress: guessesPerAddress,
		Shared:     guessesPerLife(minCodeLength*bitsPerSymbol, 1) / windowsPerLife,
		Least:      minGuesses,
		Window:     guessWindow,
		// A page that is left open asks for some time after its link has ended.
		Memory:   maxTTL + guessWindow,
		MaxKnown: maxKnown,
	}
}

// errGuessing says that the address, or all of them, have guessed too often.
var errGuessing = errors.New("broker: too many wrong codes")

// guesses admits requests that name a code. It counts wrong codes, not
// requests, by address prefix and in total. It does not count by code: each
// guess is another code, so such a counter would never be above one.
//
// The counts are in the store. Here is only who waits: a charge that this
// process may take back in a moment is no reason to refuse the next request.
type guesses struct {
	limits  Limits
	metrics *metrics

	mu    sync.Mutex
	lines map[netip.Prefix]*line
}

// line is where the requests of one address prefix queue. guesses.mu guards
// all but the channel's content.
type line struct {
	places  chan struct{} // one for each that is looked up
	members int           // requests that are in the line or being looked up
	running int           // those that are charged and not settled
	settled chan struct{} // closed when one of them is
}

func newGuesses(limits Limits, metrics *metrics) *guesses {
	return &guesses{limits: limits, metrics: metrics, lines: make(map[netip.Prefix]*line)}
}

// guess is one request that was admitted. It ends with hit or miss, and is not
// safe for concurrent use.
type guess struct {
	g      *guesses
	from   netip.Prefix
	line   *line
	asked  Guess
	charge Charge
	// open: it was charged and is not settled.
	open bool
}

// begin admits a request that names a code. It returns [errGuessing] and how
// long to wait if the address has used up its misses, or if all addresses have
// and this one knew no code lately.
func (g *guesses) begin(ctx context.Context, addr netip.Addr, code Digest) (*guess, time.Duration, error) {
	from := prefixOf(addr)
	address := bucket("guesses", from.String())
	t := &guess{g: g, from: from, asked: Guess{Address: address, Pair: pairOf(address, code), Budget: budget()}}
	t.line = g.join(from)
	select {
	case t.line.places <- struct{}{}:
	case <-ctx.Done():
		g.leave(from, t.line)
		return nil, 0, ctx.Err()
	}
	wait, err := t.admit(ctx)
	if !t.open {
		t.step(false)
	}
	if err != nil {
		return nil, wait, err
	}
	return t, 0, nil
}

// admit asks the store until it admits, or refuses while nothing of the same
// address is running here.
func (t *guess) admit(ctx context.Context) (time.Duration, error) {
	for {
		again := t.g.next(t.line)
		turn, err := t.g.limits.Guess(ctx, t.asked)
		switch {
		case err != nil:
			return 0, err
		case turn.Verdict == Known:
			return 0, nil
		case turn.Verdict == Charged:
			t.charge, t.open = turn.Charge, true
			t.g.run(t.line)
			return 0, nil
		case turn.Verdict == Spent, t.g.idle(t.line, again):
			t.g.metrics.add(metricCodes, 1, string(turn.Verdict))
			return turn.Wait, errGuessing
		}
		select {
		case <-again:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

// hit settles a guess that named a live code. An error means that the charge
// stays, as if it had been a miss.
func (t *guess) hit(ctx context.Context) error {
	if !t.open {
		return nil
	}
	defer t.settle()
	// A browser that closes its tab now has guessed nothing, either.
	ctx, stop := detached(ctx)
	defer stop()
	return t.g.limits.Hit(ctx, t.asked, t.charge)
}

// miss settles a guess that did not: the charge stays. An address that has
// known the code before, such as the person's own after the link is used up,
// was not charged.
func (t *guess) miss() {
	if t.open {
		t.g.metrics.add(metricCodes, 1, "missed")
		t.settle()
	}
}

func (t *guess) settle() {
	t.open = false
	t.step(true)
}

// step gives the place in the line to the next one.
func (t *guess) step(wasRunning bool) {
	t.g.mu.Lock()
	if wasRunning {
		t.line.running--
		close(t.line.settled)
		t.line.settled = make(chan struct{})
	}
	t.g.mu.Unlock()
	<-t.line.places
	t.g.leave(t.from, t.line)
}

// join enters the line of an address, and makes it if there is none.
func (g *guesses) join(from netip.Prefix) *line {
	g.mu.Lock()
	defer g.mu.Unlock()
	l := g.lines[from]
	if l == nil {
		l = &line{places: make(chan struct{}, guessesPerAddress), settled: make(chan struct{})}
		g.lines[from] = l
	}
	l.members++
	return l
}

// leave forgets the line with its last member.
func (g *guesses) leave(from netip.Prefix, l *line) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if l.members--; l.members == 0 {
		delete(g.lines, from)
	}
}

func (g *guesses) run(l *line) {
	g.mu.Lock()
	defer g.mu.Unlock()
	l.running++
}

// next is closed when a running guess of the line is settled.
func (g *guesses) next(l *line) <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	return l.settled
}

// idle reports whether no guess of the line is running, and none was settled
// since again was the next.
func (g *guesses) idle(l *line, again <-chan struct{}) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return l.running == 0 && l.settled == again
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
