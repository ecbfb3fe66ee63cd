// Package testclock is the clock of tests about what expires: it stands until
// it is set. Where code waits instead of looking at a clock, use testing/synctest.
package testclock

import (
	"sync"
	"time"
)

// Clock is safe for use by several goroutines. Make one with [New] or [At].
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// New returns a clock that stands at a whole second, always the same one.
func New() *Clock { return At(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)) }

// At returns a clock that stands at t. It is for tests in which something else
// goes by the real time.
func At(t time.Time) *Clock { return &Clock{now: t} }

// Now returns the time of the clock.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance sets the clock forward, or back if d is negative.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// Set sets the clock to t.
func (c *Clock) Set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = t
}
