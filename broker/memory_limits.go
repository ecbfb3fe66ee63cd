package broker

import (
	"context"
	"slices"
	"sync"
	"time"
)

// maxNames bounds how many addresses and keys a [Memory] counts for at once.
// Who is counted for and has not come for longest is forgotten.
const maxNames = 10_000

// memoryLimits are the counts of a [Memory].
type memoryLimits struct {
	mu     sync.Mutex
	rates  *lru[Digest, time.Time] // when a bucket is full again
	misses *lru[Digest, []miss]    // by address, the oldest first
	known  *lru[Digest, time.Time] // addresses and pairs, and until when

	window  time.Time // when the present window of the shared count began
	charged int       // in it
	serial  int64     // the last one given out
}

type miss struct {
	serial int64
	at     time.Time
}

func newMemoryLimits() *memoryLimits {
	return &memoryLimits{
		rates:  newLRU[Digest, time.Time](maxNames),
		misses: newLRU[Digest, []miss](maxNames),
		known:  newLRU[Digest, time.Time](maxKnown),
	}
}

// Take implements [Limits]. Of a bucket it keeps when it is full again: an
// event moves that moment by the time in which one is refilled.
func (m *Memory) Take(_ context.Context, perMinute int, buckets ...Digest) (wait time.Duration, err error) {
	l := m.limits
	l.mu.Lock()
	defer l.mu.Unlock()
	now, each := m.now(), time.Minute/time.Duration(perMinute)
	full := make([]time.Time, len(buckets))
	for i, name := range buckets {
		full[i] = now
		// Nothing takes longer to fill than a minute: the clock was set back.
		if at, ok := l.rates.lookup(name); ok && at.After(now) && at.Sub(now) <= time.Minute {
			full[i] = at
		}
		wait = max(wait, full[i].Add(each).Sub(now)-each*time.Duration(perMinute))
	}
	if wait > 0 {
		return wait, nil
	}
	for i, name := range buckets {
		l.rates.put(name, full[i].Add(each))
	}
	return 0, nil
}

// Guess implements [Limits].
func (m *Memory) Guess(ctx context.Context, g Guess) (Turn, error) {
	live, err := m.Count(ctx)
	if err != nil {
		return Turn{}, err
	}
	l := m.limits
	l.mu.Lock()
	defer l.mu.Unlock()
	now := m.now()
	misses, _ := l.misses.lookup(g.Address)
	misses = slices.DeleteFunc(slices.Clone(misses), func(m miss) bool { return !within(now, m.at, g.Window) })
	if len(misses) >= g.PerAddress {
		return Turn{Verdict: Stopped, Wait: misses[0].at.Add(g.Window).Sub(now)}, nil
	}
	if l.knows(g.Pair, now) {
		return Turn{Verdict: Known}, nil
	}
	if !within(now, l.window, g.Window) {
		l.window, l.charged = now, 0
	}
	if l.charged >= g.Total(live) && !l.knows(g.Address, now) {
		return Turn{Verdict: Spent, Wait: l.window.Add(g.Window).Sub(now)}, nil
	}
	l.charged++
	l.serial++
	l.misses.put(g.Address, append(misses, miss{l.serial, now}))
	return Turn{Verdict: Charged, Charge: Charge{Window: l.window.UnixMilli(), Serial: l.serial}}, nil
}

// within reports whether now is in the window that began at start. It is not
// if the clock was set back.
func within(now, start time.Time, window time.Duration) bool {
	since := now.Sub(start)
	return since >= 0 && since < window
}

func (l *memoryLimits) knows(name Digest, now time.Time) bool {
	until, ok := l.known.lookup(name)
	return ok && now.Before(until)
}

// Hit implements [Limits].
func (m *Memory) Hit(_ context.Context, g Guess, c Charge) error {
	l := m.limits
	l.mu.Lock()
	defer l.mu.Unlock()
	now := m.now()
	l.known.put(g.Pair, now.Add(g.Memory))
	l.known.put(g.Address, now.Add(g.Window))
	misses, _ := l.misses.lookup(g.Address)
	at := slices.IndexFunc(misses, func(m miss) bool { return m.serial == c.Serial })
	if at < 0 {
		return nil
	}
	l.misses.put(g.Address, slices.Delete(slices.Clone(misses), at, at+1))
	if l.window.UnixMilli() == c.Window {
		l.charged--
	}
	return nil
}
