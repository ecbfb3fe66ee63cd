package broker_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"linkmail/broker"
	"linkmail/broker/storetest"
	"linkmail/internal/secret"
	"linkmail/internal/testclock"
)

// memory is a store of this process on a clock that stands.
func memory(_ *testing.T, limit int) storetest.Env {
	clock := testclock.New()
	return storetest.Env{
		Store: broker.NewMemory(broker.MemoryConfig{MaxSessions: limit, Now: clock.Now}),
		Now:   clock.Now, Advance: clock.Advance,
	}
}

func TestMemory(t *testing.T) { storetest.Run(t, memory) }

func TestMemoryFollowsTheModel(t *testing.T) { storetest.Model(t, memory) }

func TestMemoryCounts(t *testing.T) { storetest.Limits(t, memory) }

func TestD41TheClockOfTheMemoryJumps(t *testing.T) { storetest.Jumps(t, memory) }

func TestMemoryIsAnOutbox(t *testing.T) { storetest.Outbox(t, memory) }

// TestD44TheMemoryForgetsACrowdInBatches: no call pays for more than a batch, and
// in the end nothing is held.
func TestD44TheMemoryForgetsACrowdInBatches(t *testing.T) {
	const crowd = 20_000
	clock := testclock.New()
	m := broker.NewMemory(broker.MemoryConfig{MaxSessions: crowd, Now: clock.Now})
	session := func(n int) broker.Session {
		return broker.Session{
			ID: fmt.Sprint(n), Code: secret.New(fmt.Sprint("CODE", n)), StateDigest: broker.Digest{1, byte(n >> 16), byte(n >> 8), byte(n)},
			Expires: clock.Now().Add(time.Minute),
		}
	}
	for n := range crowd {
		if err := m.Create(t.Context(), session(n)); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.Create(t.Context(), session(crowd)); !errors.Is(err, broker.ErrFull) {
		t.Errorf("Create = %v, want ErrFull", err)
	}
	clock.Advance(time.Minute)
	if err := m.Create(t.Context(), session(crowd+1)); err != nil { // there is room again
		t.Fatal(err)
	}
	for left := m.Held(); left > 1; {
		if _, err := m.Find(t.Context(), broker.Ref{ID: fmt.Sprint(crowd + 1)}); err != nil {
			t.Fatal(err)
		}
		gone := left - m.Held()
		if want := min(broker.TestSweepBatch, left-1); gone != want {
			t.Fatalf("a call removed %d of %d sessions, want %d", gone, left, want)
		}
		left -= gone
	}
	clock.Advance(time.Minute)
	if n, err := m.Count(t.Context()); err != nil || n != 0 || m.Held() != 0 {
		t.Errorf("Count = %d, %v, and %d are held; want nothing", n, err, m.Held())
	}
}

func TestD33OneOf64PollsIsAnswered(t *testing.T) {
	b, err := storetest.NewBroker("", memory(t, 100).Store, nil)
	if err != nil {
		t.Fatal(err)
	}
	storetest.Race(t, storetest.NewFront(b.Handler()))
}

func TestStoreFaultsAreUnavailability(t *testing.T) {
	r := newRig(t, func(cfg *broker.Config) { cfg.Store = broken{} })
	r.tryCreate(nil).problem(500)
	r.send("GET", "/v1/connect/AAAAA-AAAAA", "").problem(500)
	r.send("GET", "/readyz", "").problem(503)
	r.send("GET", "/healthz", "").want(200)
	if log := r.log.String(); !contains(log, "request failed") || contains(log, "canary") {
		t.Errorf("log:\n%s", log)
	}
}

// broken is a store that is down.
type broken struct{}

var errDown = errors.New("dial canary: connection refused")

func (broken) Create(context.Context, broker.Session) error { return errDown }
func (broken) Find(context.Context, broker.Ref) (broker.Session, error) {
	return broker.Session{}, errDown
}
func (broken) Count(context.Context) (int, error) { return 0, errDown }
func (broken) Take(context.Context, int, ...broker.Digest) (time.Duration, error) {
	return 0, errDown
}

func (broken) Guess(context.Context, broker.Guess) (broker.Turn, error) {
	return broker.Turn{}, errDown
}
func (broken) Hit(context.Context, broker.Guess, broker.Charge) error { return errDown }
func (broken) Update(context.Context, string, func(*broker.Session) error) (broker.Session, error) {
	return broker.Session{}, errDown
}

func TestAStoreThatIsDownForNowIsSaidToBe(t *testing.T) {
	r := newRig(t, func(cfg *broker.Config) { cfg.Store = away{} })
	for _, a := range []answer{r.tryCreate(nil), r.send("GET", "/v1/connect/AAAAA-AAAAA", ""), r.send("GET", "/readyz", "")} {
		a.problem(503)
		if a.header.Get("Retry-After") == "" {
			t.Errorf("no Retry-After in %v", a.header)
		}
	}
	if log := r.log.String(); !contains(log, `"store":"redis"`) || !contains(log, "READONLY") {
		t.Errorf("the log does not name store and cause:\n%s", log)
	}
}

// away is a store that will come back.
type away struct{ broken }

var errAway = fmt.Errorf("wrapped: %w", &broker.StoreError{Store: "redis", Op: "count", Cause: "READONLY"})

func (away) Create(context.Context, broker.Session) error { return errAway }
func (away) Count(context.Context) (int, error)           { return 0, errAway }
func (away) Guess(context.Context, broker.Guess) (broker.Turn, error) {
	return broker.Turn{}, errAway
}
