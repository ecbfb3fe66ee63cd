package redis_test

import (
	"crypto/sha256"
	"net/http"
	"strings"
	"testing"
	"time"

	"linkmail/broker"
	"linkmail/broker/redis"
	"linkmail/internal/secret"
	"linkmail/internal/testclock"
)

// guess is a guess from an address.
func guess(address string) broker.Guess {
	return broker.Guess{
		Address: sha256.Sum256([]byte(address)), Pair: sha256.Sum256([]byte(address + " code")),
		Budget: broker.Budget{PerAddress: 2, Shared: 100, Least: 1, Window: 10 * time.Minute, Memory: 20 * time.Minute, MaxKnown: 100},
	}
}

func guessed(t *testing.T, s *redis.Store, address string, want broker.Verdict) broker.Turn {
	t.Helper()
	turn, err := s.Guess(t.Context(), guess(address))
	if err != nil || turn.Verdict != want {
		t.Fatalf("Guess = %+v, %v; want %q", turn, err, want)
	}
	return turn
}

func TestI89EveryCountExpires(t *testing.T) {
	m := newMini(t)
	s := opened(t, redis.Config{URL: url(m)})
	for range 2 {
		turn := guessed(t, s, "one", broker.Charged)
		everythingExpires(t, m)
		guessed(t, s, "two", broker.Charged)
		if err := s.Hit(t.Context(), guess("one"), turn.Charge); err != nil {
			t.Fatal(err)
		}
		everythingExpires(t, m)
		if _, err := s.Take(t.Context(), 30, guess("one").Address, guess("two").Address); err != nil {
			t.Fatal(err)
		}
		everythingExpires(t, m)
		m.FastForward(time.Minute)
		if keys := strings.Join(m.Keys(), " "); strings.Contains(keys, ":r:") {
			t.Error("a bucket that is full is remembered")
		}
		m.FastForward(time.Hour)
		if keys := m.Keys(); len(keys) > 0 {
			t.Errorf("%d keys are left when everything has expired", len(keys))
		}
	}
}

func TestI90BrokersWhoseClocksDifferCountTogether(t *testing.T) {
	m, clock := newMini(t), testclock.New()
	m.SetTime(clock.Now())
	here := opened(t, redis.Config{URL: url(m), Now: clock.Now})
	there := opened(t, redis.Config{URL: url(m), Now: func() time.Time { return clock.Now().Add(time.Hour) }})
	guessed(t, here, "one", broker.Charged)
	guessed(t, there, "one", broker.Charged)
	for _, s := range []*redis.Store{here, there} {
		if turn := guessed(t, s, "one", broker.Stopped); turn.Wait != 10*time.Minute {
			t.Errorf("wait = %v, want the window", turn.Wait)
		}
		for range 2 {
			if wait, err := s.Take(t.Context(), 4, broker.Digest{1}); err != nil || wait != 0 {
				t.Errorf("Take = %v, %v", wait, err)
			}
		}
	}
	if wait, err := there.Take(t.Context(), 4, broker.Digest{1}); err != nil || wait != 15*time.Second {
		t.Errorf("Take = %v, %v; want 15 s to wait", wait, err)
	}
}

func TestI87AGuessWhoseReplyIsLostStaysCharged(t *testing.T) {
	m := newMini(t)
	l := newLossy(t, m.Addr())
	s := opened(t, redis.Config{URL: secret.New("redis://" + l.Addr().String())})
	f := frontOf(t, s, nil)
	flow, _, err := f.Create("", 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Look(&flow); err != nil { // the script is there from now on
		t.Fatal(err)
	}
	const perAddress = 10
	lost := f.From("192.0.2.1")
	hash := redis.GuessHash
	l.lose.Store(&hash)
	for range 2 { // fewer than blow the fuse
		if status, err := lost.Look(&flow); err != nil || status != http.StatusServiceUnavailable {
			t.Fatalf("a code whose reply was lost: %d, %v; want 503", status, err)
		}
	}
	if asked, lost := l.asked.Load(), l.lost.Load(); asked != 2 || lost != 2 {
		t.Errorf("the script was sent %d times and %d replies were lost, want 2 and 2", asked, lost)
	}
	l.lose.Store(nil)
	wrong := flow
	wrong.Code = "AAAAA-AAAAA"
	for n := range perAddress - 1 {
		want := map[bool]int{true: http.StatusNotFound, false: http.StatusTooManyRequests}[n < perAddress-2]
		if status, err := lost.Look(&wrong); err != nil || status != want {
			t.Fatalf("guess %d after two lost replies: %d, %v; want %d", n+1, status, err, want)
		}
	}
}

func TestCountsAreNotReadableWithoutTheKey(t *testing.T) {
	m := newMini(t)
	s := opened(t, redis.Config{URL: url(m)})
	turn := guessed(t, s, "one", broker.Charged)
	guessed(t, s, "one", broker.Charged)
	if err := s.Hit(t.Context(), guess("one"), turn.Charge); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Take(t.Context(), 30, guess("one").Address); err != nil {
		t.Fatal(err)
	}
	dump := m.Dump()
	for what, digest := range map[string]broker.Digest{"address": guess("one").Address, "pair": guess("one").Pair} {
		if strings.Contains(dump, string(digest[:])) {
			t.Errorf("the dump has the digest of the %s", what)
		}
	}
	for _, kind := range []string{":m:", ":r:", ":known", ":charged"} {
		if !strings.Contains(dump, kind) {
			t.Errorf("the dump has no key %s; the probe is blind", kind)
		}
	}
}
