//go:build unix

package sqlite_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"linkmail/broker"
	"linkmail/broker/sqlite"
	"linkmail/broker/storetest"
	"linkmail/internal/testclock"
)

// guess is a guess from one of many addresses.
func guess(n int) broker.Guess {
	return broker.Guess{
		Address: sha256.Sum256(fmt.Appendf(nil, "address %d", n)), Pair: sha256.Sum256(fmt.Appendf(nil, "pair %d", n)),
		Budget: broker.Budget{PerAddress: 3, Shared: 10_000, Least: 1, Window: time.Minute, Memory: time.Minute, MaxKnown: 100},
	}
}

// count makes everything that is counted once, for the n-th client.
func count(t *testing.T, s *sqlite.Store, n int) {
	t.Helper()
	turn, err := s.Guess(t.Context(), guess(n))
	if err != nil || turn.Verdict != broker.Charged {
		t.Fatalf("Guess = %+v, %v", turn, err)
	}
	if n%2 == 0 {
		if err := s.Hit(t.Context(), guess(n), turn.Charge); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Take(t.Context(), 30, guess(n).Address); err != nil {
		t.Fatal(err)
	}
}

func TestWhatIsCountedIsSweptAndBounded(t *testing.T) {
	clock := testclock.New()
	s := opened(t, sqlite.Config{Path: newPath(t), Now: clock.Now})
	const n = 600 // more than two batches
	for i := range n {
		count(t, s, i)
	}
	// Each client has a bucket; half of them a miss; of what is known there is
	// as much as may be.
	if got, want := s.Counted(t), n+n/2+100; got != want {
		t.Errorf("%d rows, want %d", got, want)
	}
	clock.Advance(time.Minute)
	if err := s.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := s.Counted(t); got != 0 {
		t.Errorf("%d rows when everything is over", got)
	}
}

// TestD41AClockThatIsSetBackStopsNobody: what was counted in a future that was
// none is not counted, and the sweep of the next real future finds it.
func TestD41AClockThatIsSetBackStopsNobody(t *testing.T) {
	clock := testclock.New()
	s := opened(t, sqlite.Config{Path: newPath(t), Now: clock.Now})
	clock.Advance(time.Hour)
	for range 3 {
		if _, err := s.Guess(t.Context(), guess(1)); err != nil {
			t.Fatal(err)
		}
	}
	if turn, err := s.Guess(t.Context(), guess(1)); err != nil || turn.Verdict != broker.Stopped {
		t.Fatalf("Guess = %+v, %v; want it stopped", turn, err)
	}
	for range 30 {
		if wait, err := s.Take(t.Context(), 30, broker.Digest{1}); err != nil || wait != 0 {
			t.Fatalf("Take = %v, %v", wait, err)
		}
	}
	clock.Advance(-time.Hour)
	if turn, err := s.Guess(t.Context(), guess(1)); err != nil || turn.Verdict != broker.Charged {
		t.Errorf("Guess an hour before = %+v, %v; want it charged", turn, err)
	}
	if wait, err := s.Take(t.Context(), 30, broker.Digest{1}); err != nil || wait != 0 {
		t.Errorf("Take an hour before = %v, %v", wait, err)
	}
	clock.Advance(3 * time.Hour)
	if err := s.Sweep(t.Context()); err != nil || s.Counted(t) != 0 {
		t.Errorf("Sweep = %v, %d rows are left", err, s.Counted(t))
	}
}

// TestNothingIsAdmittedThatCannotBeCounted: codes are refused when misses
// cannot be written, and what is there can still be polled.
func TestNothingIsAdmittedThatCannotBeCounted(t *testing.T) {
	s := opened(t, sqlite.Config{Path: newPath(t)})
	b, err := storetest.NewLimited("", s, nil)
	if err != nil {
		t.Fatal(err)
	}
	front := storetest.NewFront(b.Handler())
	flow, _, err := front.Create("", 0)
	if err != nil {
		t.Fatal(err)
	}
	s.ReadOnly(t)
	for what, step := range map[string]func() (int, error){
		"a code": func() (int, error) { return front.Look(&flow) },
		"create": func() (int, error) { _, status, err := front.Create("", 0); return status, err },
	} {
		if status, err := step(); err != nil || status != http.StatusServiceUnavailable {
			t.Errorf("%s: %d, %v; want 503", what, status, err)
		}
	}
	_, err = s.Take(t.Context(), 30, broker.Digest{1})
	var fault *broker.StoreError
	if !errors.As(err, &fault) || fault.Cause != "read-only" || fault.Op != "take" {
		t.Errorf("Take = %v, want a StoreError because it is read-only", err)
	}
}

func TestCountsAreNotReadableWithoutTheKey(t *testing.T) {
	path := newPath(t)
	s := opened(t, sqlite.Config{Path: path})
	count(t, s, 1)
	count(t, s, 2)
	files, err := filepath.Glob(path + "*")
	if err != nil {
		t.Fatal(err)
	}
	seen := false
	for _, name := range files {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for n := 1; n <= 2; n++ {
			for what, digest := range map[string]broker.Digest{"address": guess(n).Address, "pair": guess(n).Pair} {
				if strings.Contains(string(content), string(digest[:])) {
					t.Errorf("%s has the digest of the %s", filepath.Base(name), what)
				}
			}
		}
		stored := sealer(t).Name(guess(1).Address)
		seen = seen || strings.Contains(string(content), string(stored[:]))
	}
	if !seen {
		t.Error("what is stored instead is nowhere; the probe is blind")
	}
}
