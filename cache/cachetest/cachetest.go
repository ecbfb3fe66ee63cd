// Package cachetest holds the suite that every cache.Store must pass.
package cachetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"linkmail/cache"
	"linkmail/internal/testclock"
)

// Suite says how to open the Store under test.
type Suite struct {
	// Open makes an empty medium whose clock is now, and returns a function
	// that opens a Store on it. Each call of that function is another client
	// of the same medium, as another process would be. A Store that dies with
	// its process returns itself.
	Open func(t *testing.T, now func() time.Time) (client func() cache.Store)
	// Advanced is told when the clock has moved, for a medium that keeps time
	// by itself. Nil is not told.
	Advanced func(t *testing.T, by time.Duration)
}

// Run runs the suite.
func Run(t *testing.T, s Suite) {
	tests := []struct {
		name string
		run  func(*testing.T, *medium)
	}{
		{"what was never put is not found", neverPut},
		{"get returns what was put", putThenGet},
		{"any value up to the largest comes back", anyValue},
		{"a value that is too large is refused and the old one stands", tooLarge},
		{"any key keeps its own value", anyKey},
		{"put replaces value and expiry", replace},
		{"delete removes and may be repeated", remove},
		{"an entry is gone when its ttl has passed", expires},
		{"a ttl of zero never expires", forever},
		{"a negative ttl leaves nothing", negative},
		{"the caller may change its copies", copies},
		{"another client sees every change", clients},
		{"an ended context changes nothing", ended},
		{"a lock keeps others out until it is unlocked", lockExcludes},
		{"a lock ends with the wait of its context", lockDeadline},
		{"a lock does not come with an ended context", lockEnded},
		{"locks of other keys are free", lockOtherKey},
		{"a lock does not guard get and put", lockAdvisory},
		{"unlock may be repeated and frees only its own lock", unlockTwice},
		{"no update is lost under the lock", noLostUpdate},
		{"readers see whole values while writers write", wholeValues},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m := &medium{suite: s, clock: testclock.New()}
			m.client = s.Open(t, m.clock.Now)
			test.run(t, m)
		})
	}
}

// medium is one empty medium with a clock that the test moves.
type medium struct {
	suite  Suite
	client func() cache.Store
	clock  *testclock.Clock
}

func (m *medium) advance(t *testing.T, by time.Duration) {
	m.clock.Advance(by)
	if m.suite.Advanced != nil {
		m.suite.Advanced(t, by)
	}
}

func put(t *testing.T, s cache.Store, key, value string, ttl time.Duration) {
	t.Helper()
	if err := s.Put(t.Context(), key, []byte(value), ttl); err != nil {
		t.Fatalf("Put(%.40q): %v", key, err)
	}
}

func wantValue(t *testing.T, s cache.Store, key, want string) {
	t.Helper()
	got, err := s.Get(t.Context(), key)
	if err != nil {
		t.Errorf("Get(%.40q): %v, want a value", key, err)
	} else if string(got) != want {
		t.Errorf("Get(%.40q) = %.80q (%d bytes), want %.80q (%d bytes)", key, got, len(got), want, len(want))
	}
}

func wantNone(t *testing.T, s cache.Store, key string) {
	t.Helper()
	got, err := s.Get(t.Context(), key)
	if !errors.Is(err, cache.ErrNotFound) {
		t.Errorf("Get(%.40q) = %.80q, %v, want %v", key, got, err, cache.ErrNotFound)
	}
	if got != nil {
		t.Errorf("Get(%.40q) returns %.80q beside the error", key, got)
	}
}

func neverPut(t *testing.T, m *medium) {
	wantNone(t, m.client(), "key")
}

func putThenGet(t *testing.T, m *medium) {
	s := m.client()
	put(t, s, "key", "value", 0)
	wantValue(t, s, "key", "value")
	wantValue(t, s, "key", "value")
	wantNone(t, s, "another key")
}

func anyValue(t *testing.T, m *medium) {
	s := m.client()
	for name, value := range map[string]string{
		"empty":     "",
		"one NUL":   "\x00",
		"not UTF-8": "\xff\xfe\x80",
		"lines":     "a\r\nb\n",
		"largest":   strings.Repeat("x", cache.MaxValue),
	} {
		put(t, s, name, value, time.Hour)
		wantValue(t, s, name, value)
	}
	if err := s.Put(t.Context(), "nil", nil, 0); err != nil {
		t.Errorf("Put of nil: %v", err)
	}
	wantValue(t, s, "nil", "")
}

func tooLarge(t *testing.T, m *medium) {
	s := m.client()
	put(t, s, "key", "old", 0)
	err := s.Put(t.Context(), "key", make([]byte, cache.MaxValue+1), 0)
	if !errors.Is(err, cache.ErrTooLarge) {
		t.Errorf("Put of %d bytes: %v, want %v", cache.MaxValue+1, err, cache.ErrTooLarge)
	}
	wantValue(t, s, "key", "old")
}

func anyKey(t *testing.T, m *medium) {
	s := m.client()
	keys := []string{
		"", " ", ".", "..", "/", "../../etc/passwd", "a/b", "a\\b", "a:b", "con", "nul.txt",
		"line\nbreak", "\x00", "a\x00b", "\xff", "é", "e\u0301", "Key", "key", "*", "?", "%00", "{key}",
		strings.Repeat("k", 255), strings.Repeat("k", 256), strings.Repeat("long/", 20_000),
	}
	for i, key := range keys {
		put(t, s, key, "value "+strconv.Itoa(i), 0)
	}
	for i, key := range keys {
		wantValue(t, s, key, "value "+strconv.Itoa(i))
	}
	for _, key := range keys {
		unlock, err := s.Lock(t.Context(), key)
		if err != nil {
			t.Errorf("Lock(%.40q): %v", key, err)
			continue
		}
		defer unlock() // all at once: no key's lock is another key's
	}
	for i, key := range keys {
		if err := s.Delete(t.Context(), key); err != nil {
			t.Errorf("Delete(%.40q): %v", key, err)
		}
		wantNone(t, s, key)
		if i+1 < len(keys) {
			wantValue(t, s, keys[i+1], "value "+strconv.Itoa(i+1))
		}
	}
}

func replace(t *testing.T, m *medium) {
	s := m.client()
	put(t, s, "key", "a long first value", time.Minute)
	put(t, s, "key", "second", 0)
	wantValue(t, s, "key", "second")
	m.advance(t, time.Hour)
	wantValue(t, s, "key", "second")
	put(t, s, "key", "third", time.Minute)
	m.advance(t, time.Hour)
	wantNone(t, s, "key")
}

func remove(t *testing.T, m *medium) {
	s := m.client()
	if err := s.Delete(t.Context(), "key"); err != nil {
		t.Errorf("Delete of nothing: %v", err)
	}
	put(t, s, "key", "value", 0)
	put(t, s, "other", "stays", 0)
	for range 2 {
		if err := s.Delete(t.Context(), "key"); err != nil {
			t.Errorf("Delete: %v", err)
		}
		wantNone(t, s, "key")
	}
	wantValue(t, s, "other", "stays")
	put(t, s, "key", "again", 0)
	wantValue(t, s, "key", "again")
}

func expires(t *testing.T, m *medium) {
	s := m.client()
	put(t, s, "key", "value", time.Minute)
	m.advance(t, time.Minute-time.Second)
	wantValue(t, s, "key", "value")
	m.advance(t, time.Second)
	wantNone(t, s, "key")
	wantNone(t, s, "key")
	put(t, s, "key", "new", time.Minute)
	wantValue(t, s, "key", "new")
}

func forever(t *testing.T, m *medium) {
	s := m.client()
	put(t, s, "key", "value", 0)
	m.advance(t, 20*365*24*time.Hour)
	wantValue(t, s, "key", "value")
	put(t, s, "long", "value", 1<<63-1)
	wantValue(t, s, "long", "value")
}

func negative(t *testing.T, m *medium) {
	s := m.client()
	put(t, s, "key", "value", 0)
	put(t, s, "key", "dead", -time.Second)
	wantNone(t, s, "key")
	put(t, s, "fresh", "dead", -1)
	wantNone(t, s, "fresh")
}

func copies(t *testing.T, m *medium) {
	s := m.client()
	value := []byte("value")
	if err := s.Put(t.Context(), "key", value, 0); err != nil {
		t.Fatal(err)
	}
	copy(value, "XXXXX")
	wantValue(t, s, "key", "value")
	got, err := s.Get(t.Context(), "key")
	if err != nil {
		t.Fatal(err)
	}
	copy(got, "YYYYY")
	wantValue(t, s, "key", "value")
}

func clients(t *testing.T, m *medium) {
	a, b := m.client(), m.client()
	put(t, a, "key", "from a", time.Minute)
	wantValue(t, b, "key", "from a")
	put(t, b, "key", "from b", time.Hour)
	wantValue(t, a, "key", "from b")
	m.advance(t, 2*time.Minute)
	wantValue(t, a, "key", "from b")
	if err := a.Delete(t.Context(), "key"); err != nil {
		t.Fatal(err)
	}
	wantNone(t, b, "key")
}

func ended(t *testing.T, m *medium) {
	s := m.client()
	put(t, s, "key", "value", 0)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Get(ctx, "key"); !errors.Is(err, context.Canceled) {
		t.Errorf("Get: %v, want %v", err, context.Canceled)
	}
	if err := s.Put(ctx, "key", []byte("new"), 0); !errors.Is(err, context.Canceled) {
		t.Errorf("Put: %v, want %v", err, context.Canceled)
	}
	if err := s.Delete(ctx, "key"); !errors.Is(err, context.Canceled) {
		t.Errorf("Delete: %v, want %v", err, context.Canceled)
	}
	wantValue(t, s, "key", "value")
}

// mustLock takes a lock that is free.
func mustLock(t *testing.T, s cache.Store, key string) (unlock func()) {
	t.Helper()
	unlock, err := s.Lock(t.Context(), key)
	if err != nil {
		t.Fatalf("Lock(%q): %v", key, err)
	}
	return unlock
}

// wantLocked asks for the lock of "key", which someone holds, for as long as
// it takes to see that it does not come.
func wantLocked(t *testing.T, s cache.Store) {
	t.Helper()
	const key = "key"
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	unlock, err := s.Lock(ctx, key)
	if err == nil {
		unlock()
		t.Fatalf("Lock(%q) came while someone held it", key)
	}
	var locked *cache.LockedError
	if !errors.As(err, &locked) || !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("Lock(%q): %v, want a LockedError with %v", key, err, context.DeadlineExceeded)
	}
	if locked.Key != key {
		t.Errorf("the LockedError names %q, want %q", locked.Key, key)
	}
}

func lockExcludes(t *testing.T, m *medium) {
	a, b := m.client(), m.client()
	unlock := mustLock(t, a, "key")
	wantLocked(t, a)
	wantLocked(t, b)

	came := make(chan error, 1)
	ctx := t.Context()
	go func() {
		unlock, err := b.Lock(ctx, "key")
		if err == nil {
			unlock()
		}
		came <- err
	}()
	unlock()
	if err := <-came; err != nil {
		t.Errorf("Lock after unlock: %v", err)
	}
	mustLock(t, a, "key")()
}

func lockDeadline(t *testing.T, m *medium) {
	s := m.client()
	defer mustLock(t, s, "key")()
	wantLocked(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	came := make(chan error, 1)
	go func() {
		_, err := s.Lock(ctx, "key")
		came <- err
	}()
	cancel()
	if err := <-came; !errors.Is(err, context.Canceled) {
		t.Errorf("Lock: %v, want %v", err, context.Canceled)
	}
}

func lockEnded(t *testing.T, m *medium) {
	s := m.client()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 50 { // a select between a free lock and an ended context picks at random
		if _, err := s.Lock(ctx, "key"); !errors.Is(err, context.Canceled) {
			t.Fatalf("Lock: %v, want %v", err, context.Canceled)
		}
	}
	mustLock(t, s, "key")()
}

func lockOtherKey(t *testing.T, m *medium) {
	s := m.client()
	defer mustLock(t, s, "a")()
	defer mustLock(t, s, "b")()
	defer mustLock(t, m.client(), "c")()
}

func lockAdvisory(t *testing.T, m *medium) {
	a, b := m.client(), m.client()
	put(t, a, "key", "before", time.Minute)
	defer mustLock(t, a, "key")()
	wantValue(t, b, "key", "before")
	put(t, b, "key", "after", 0)
	wantValue(t, a, "key", "after")
	put(t, a, "key", "by the holder", time.Minute)
	wantValue(t, b, "key", "by the holder")
	m.advance(t, time.Hour)
	wantNone(t, b, "key")
	if err := b.Delete(t.Context(), "key"); err != nil {
		t.Errorf("Delete: %v", err)
	}
}

func unlockTwice(t *testing.T, m *medium) {
	s := m.client()
	first := mustLock(t, s, "key")
	first()
	first()
	second := mustLock(t, s, "key")
	first()
	wantLocked(t, s)
	wantLocked(t, m.client())
	second()
	mustLock(t, s, "key")()
}

func noLostUpdate(t *testing.T, m *medium) {
	const workers, rounds = 6, 15
	ctx := t.Context()
	var wg sync.WaitGroup
	for range workers {
		s := m.client()
		wg.Go(func() {
			for range rounds {
				if err := increment(ctx, s, "counter"); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	wantValue(t, m.client(), "counter", strconv.Itoa(workers*rounds))
}

// increment adds one to the number under key, under its lock.
func increment(ctx context.Context, s cache.Store, key string) error {
	unlock, err := s.Lock(ctx, key)
	if err != nil {
		return err
	}
	defer unlock()
	n := 0
	value, err := s.Get(ctx, key)
	switch {
	case errors.Is(err, cache.ErrNotFound):
	case err != nil:
		return err
	default:
		if n, err = strconv.Atoi(string(value)); err != nil {
			return err
		}
	}
	return s.Put(ctx, key, []byte(strconv.Itoa(n+1)), time.Hour)
}

func wholeValues(t *testing.T, m *medium) {
	const writers, rounds = "abc", 10
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	put(t, m.client(), "key", strings.Repeat("0", 1000), 0)
	var writing, reading sync.WaitGroup
	for w, letter := range writers {
		s := m.client()
		writing.Go(func() {
			for r := range rounds {
				// One letter, at a length of its own.
				value := []byte(strings.Repeat(string(letter), 1000*(r+1)+w))
				if err := s.Put(ctx, "key", value, time.Hour); err != nil {
					t.Errorf("Put: %v", err)
					return
				}
			}
		})
	}
	for range 2 {
		s := m.client()
		reading.Go(func() {
			for ctx.Err() == nil {
				value, err := s.Get(ctx, "key")
				if errors.Is(err, context.Canceled) {
					return
				}
				if err == nil {
					err = checkWhole(value)
				}
				if err != nil {
					t.Errorf("Get: %v", err)
					return
				}
			}
		})
	}
	writing.Wait()
	cancel()
	reading.Wait()
}

// checkWhole reports whether a value is one that a single Put of wholeValues
// wrote.
func checkWhole(value []byte) error {
	if len(value) == 0 {
		return errors.New("the value is empty")
	}
	w := int(value[0]) - 'a'
	if value[0] == '0' {
		w = 0
	}
	if len(value)%1000 != w || bytes.Count(value, value[:1]) != len(value) {
		return fmt.Errorf("a value of %d bytes that starts with %q is torn", len(value), value[0])
	}
	return nil
}
