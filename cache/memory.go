package cache

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"time"
)

// Memory is a [Store] that forgets with the process. It is for one process
// that must leave nothing behind, and for tests.
type Memory struct {
	now   func() time.Time
	locks keyLocks

	mu      sync.Mutex
	entries map[string]memoryEntry // guarded by mu
	sweepAt int                    // guarded by mu: the number of entries at which the expired ones are dropped
}

type memoryEntry struct {
	value   []byte
	expires time.Time // zero: never
}

// memorySweep is the number of entries below which looking for expired ones is
// not worth it.
const memorySweep = 64

var _ Store = (*Memory)(nil)

// NewMemory returns an empty Memory. The clock decides what has expired; nil
// is [time.Now].
func NewMemory(now func() time.Time) *Memory {
	if now == nil {
		now = time.Now
	}
	return &Memory{now: now, entries: make(map[string]memoryEntry), sweepAt: memorySweep}
}

// Get implements [Store].
func (m *Memory) Get(ctx context.Context, key string) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("cache: get: %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	e, ok := m.entries[key]
	if ok && expired(e.expires, m.now()) {
		delete(m.entries, key)
		ok = false
	}
	if !ok {
		return nil, ErrNotFound
	}
	return bytes.Clone(e.value), nil
}

// Put implements [Store].
func (m *Memory) Put(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("cache: put: %w", err)
	}
	if len(value) > MaxValue {
		return ErrTooLarge
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	if ttl < 0 {
		delete(m.entries, key)
		return nil
	}
	// A nil slice and an empty one are the same value.
	m.entries[key] = memoryEntry{value: append([]byte{}, value...), expires: expiry(now, ttl)}
	if len(m.entries) >= m.sweepAt {
		m.sweep(now)
	}
	return nil
}

// sweep drops what has expired and was never asked for again. The caller holds
// m.mu.
func (m *Memory) sweep(now time.Time) {
	for key, e := range m.entries {
		if expired(e.expires, now) {
			delete(m.entries, key)
		}
	}
	// Twice what is left, so that the cost of a sweep is spread over as many
	// Puts as it looked at entries.
	m.sweepAt = max(memorySweep, 2*len(m.entries))
}

// Delete implements [Store].
func (m *Memory) Delete(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("cache: delete: %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.entries, key)
	return nil
}

// Lock implements [Store]. It has no bound of its own: the holder is in the
// same process and cannot die unnoticed.
func (m *Memory) Lock(ctx context.Context, key string) (unlock func(), err error) {
	return m.locks.lock(ctx, key)
}

// expiry returns when something stored now expires, the zero time for a ttl of
// zero.
func expiry(now time.Time, ttl time.Duration) time.Time {
	if ttl == 0 {
		return time.Time{}
	}
	return now.Add(ttl)
}

// expired reports whether an entry with this expiry is dead at now. It is dead
// from the very instant on, so a ttl is never exceeded.
func expired(expires, now time.Time) bool {
	return !expires.IsZero() && !now.Before(expires)
}
