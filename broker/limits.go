package broker

import (
	"context"
	"crypto/sha256"
	"net/http"
	"slices"
	"time"
)

// Limits count what clients do. Brokers that share a store share its counts,
// so that asking several of them in turn buys nobody more. Every count ends by
// itself, and how many there are is bounded.
//
// What is counted goes by the digest of its name, of an address or of an API
// key. There are few enough addresses to try them all, so a store that keeps
// names outside the process makes HMACs of them, see [Sealer.Name].
//
// Where a count is not known nothing is admitted: the methods return an error
// (see [Store]) and the request ends with it.
type Limits interface {
	// Take takes one event out of each of the buckets, or out of none of them.
	// A bucket holds perMinute events, which is more than zero, and gets as
	// many in a minute, evenly. If one of them is empty, wait is how long it
	// takes until all have one; it is zero if the events were taken.
	Take(ctx context.Context, perMinute int, buckets ...Digest) (wait time.Duration, err error)
	// Guess decides about a request that names a code. One that is admitted
	// counts as a miss from then on, before anybody has looked the code up: a
	// burst of guesses gets no more answers than a row of them, wherever it
	// arrives, and a process that is killed forgives nothing.
	Guess(ctx context.Context, g Guess) (Turn, error)
	// Hit takes back the charge of a guess that named a live code, and
	// remembers that the address knows it. A charge is taken back once.
	Hit(ctx context.Context, g Guess, c Charge) error
}

// Guess is one request that names a code.
type Guess struct {
	// Address is whom it is charged to, Pair the address together with the
	// code.
	Address, Pair Digest
	Budget
}

// Budget is how often codes may be wrong.
type Budget struct {
	// PerAddress is how many misses one address has in any Window.
	PerAddress int
	// Shared is how many misses all addresses together have in one Window
	// while one session is live; n sessions divide it by n. They have at least
	// Least. The windows of this count follow each other: one begins with the
	// first miss after the last one's end.
	Shared, Least int
	// Window is the time over which misses are counted.
	Window time.Duration
	// Memory is how long an address is known to have known a code. For a
	// Window it is exempt from the shared budget, too.
	Memory time.Duration
	// MaxKnown bounds how many such things are remembered; the ones that end
	// first are forgotten first.
	MaxKnown int
}

// Total is how many misses all addresses together have in one Window while so
// many sessions are live.
func (b Budget) Total(live int) int { return max(b.Least, b.Shared/max(live, 1)) }

// Turn is what a store decides about a [Guess].
type Turn struct {
	Verdict Verdict
	// Wait is how long a refused address has to wait.
	Wait time.Duration
	// Charge is what a hit takes back if the verdict is [Charged].
	Charge Charge
}

// Charge finds one miss in the store that counted it.
type Charge struct {
	// Window is when the window of the shared count began, in milliseconds of
	// Unix time: a charge that is taken back in a later one changes no count
	// but the address's.
	Window int64
	Serial int64
}

// Verdict says whether a request that names a code is admitted.
type Verdict string

// The verdicts.
const (
	// Charged admits, and has counted a miss.
	Charged Verdict = "charged"
	// Known admits for nothing: the address has known this code before.
	Known Verdict = "known"
	// Stopped refuses: the address has used up its misses. That goes for codes
	// that are right, or that it has known, as well: the answer to one guess
	// too many must not tell whether it was right.
	Stopped Verdict = "stopped"
	// Spent refuses: all addresses together have used up theirs, and this one
	// knew no code lately.
	Spent Verdict = "spent"
)

// bucket is the name that events of one kind, by one client, are counted under.
func bucket(kind, client string) Digest { return digest(kind + "\x00" + client) }

// pairOf is an address and a code as one.
func pairOf(address, code Digest) Digest { return sha256.Sum256(slices.Concat(address[:], code[:])) }

// charge counts a request of an agent against its address and, if it has one,
// its key. kind tells what it asks for, detail is for the agent that has asked
// too often.
func (b *Broker) charge(r *http.Request, key, kind string, perMinute int, detail string) error {
	if perMinute < 0 {
		return nil
	}
	buckets := []Digest{bucket(kind, "address "+prefixOf(clientAddr(r)).String())}
	if key != "" {
		buckets = append(buckets, bucket(kind, "key "+key))
	}
	wait, err := b.store.Take(r.Context(), perMinute, buckets...)
	if err != nil {
		return err
	}
	if wait > 0 {
		b.metrics.add(metricLimited, 1, kind)
		return tooMany(wait, detail)
	}
	return nil
}
