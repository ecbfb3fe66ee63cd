package broker

import (
	"context"
	"errors"
	"net/netip"
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
	lines   lines
}

func newGuesses(limits Limits, metrics *metrics) *guesses {
	return &guesses{limits: limits, metrics: metrics, lines: lines{from: make(map[netip.Prefix]*line)}}
}

// guess is one request that was admitted. It ends with hit or miss, and is not
// safe for concurrent use.
type guess struct {
	g     *guesses
	line  *line // while it is charged and not settled
	asked Guess
	taken Charge
}

// begin admits a request that names a code. It returns [errGuessing] and how
// long to wait if the address has used up its misses, or if all addresses have
// and this one knew no code lately.
func (g *guesses) begin(ctx context.Context, addr netip.Addr, code Digest) (*guess, time.Duration, error) {
	from := prefixOf(addr)
	in, err := g.lines.enter(ctx, from)
	if err != nil {
		return nil, 0, err
	}
	address := bucket("guesses", from.String())
	t := &guess{g: g, asked: Guess{Address: address, Pair: pairOf(address, code), Budget: budget()}}
	defer func() {
		if t.line == nil {
			in.leave()
		}
	}()
	for {
		again := in.next()
		turn, err := g.limits.Guess(ctx, t.asked)
		switch {
		case err != nil:
			return nil, 0, err
		case turn.Verdict == Known:
			return t, 0, nil
		case turn.Verdict == Charged:
			t.line, t.taken = in, turn.Charge
			in.charge()
			return t, 0, nil
		case turn.Verdict == Spent, in.idle(again):
			g.metrics.add(metricCodes, 1, string(turn.Verdict))
			return nil, turn.Wait, errGuessing
		}
		select {
		case <-again:
		case <-ctx.Done():
			return nil, 0, ctx.Err()
		}
	}
}

// hit settles a guess that named a live code. An error means that the charge
// stays, as if it had been a miss.
func (t *guess) hit(ctx context.Context) error {
	if t.line == nil {
		return nil
	}
	defer t.settle()
	// A browser that closes its tab now has guessed nothing, either.
	ctx, stop := detached(ctx)
	defer stop()
	return t.g.limits.Hit(ctx, t.asked, t.taken)
}

// miss settles a guess that did not: the charge stays. An address that has
// known the code before, such as the person's own after the link is used up,
// was not charged.
func (t *guess) miss() {
	if t.line != nil {
		t.g.metrics.add(metricCodes, 1, "missed")
		t.settle()
	}
}

func (t *guess) settle() {
	t.line.settle()
	t.line.leave()
	t.line = nil
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
