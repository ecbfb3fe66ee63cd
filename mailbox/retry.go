package mailbox

import (
	"context"
	"crypto/rand"
	"errors"
	"math/big"
	"time"
)

// retryTime is how long a call that reads may take, its waits and tries all
// together. It has to stay well inside the patience of an MCP client.
const retryTime = 20 * time.Second

const (
	// sideTime bounds a request beside or before the work of a call, which
	// goes on without its answer.
	sideTime = retryTime / 2
	// sendTime bounds a request that sends. Giving one up early would only
	// make its outcome unknown.
	sendTime = 60 * time.Second
)

// pace says whether and how a refused request is tried again.
type pace int

const (
	never      pace = iota // the answer will not change
	concurrent             // too many at once: soon
	rate                   // the minute's quota: later
	hiccup                 // a failing server or network: a few times
)

// pacing is the first wait and the number of waits of each pace.
var pacing = map[pace]struct {
	first time.Duration
	tries int
}{
	concurrent: {100 * time.Millisecond, 12},
	rate:       {time.Second, 5},
	hiccup:     {250 * time.Millisecond, 3},
}

// budget is the time that one call may take. It is safe for concurrent use.
type budget struct{ ends time.Time }

func newBudget() budget { return budgetOf(retryTime) }

func budgetOf(d time.Duration) budget { return budget{ends: time.Now().Add(d)} }

// wait sleeps before another try, the number of which is try (0 for the first
// repetition), and reports whether there should be one. after is when the
// server said that trying again makes sense.
func (b budget) wait(ctx context.Context, p pace, try int, after time.Duration) bool {
	how, ok := pacing[p]
	if !ok || try >= how.tries {
		return false
	}
	base := min(how.first<<try, 8*time.Second)
	d := base + jitter(2*base)
	if after > 0 {
		d = after + jitter(how.first)
	}
	if time.Now().Add(d).After(b.ends) {
		return false
	}
	return sleep(ctx, d)
}

// sleep waits for d and reports whether ctx is still alive.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// jitter returns a random duration below d, so that calls which failed
// together do not come back together.
func jitter(d time.Duration) time.Duration {
	n, err := rand.Int(rand.Reader, big.NewInt(int64(max(d, 1))))
	if err != nil {
		return d / 2 // crypto/rand does not fail in practice
	}
	return time.Duration(n.Int64())
}

// once runs a call that reads, a single time and within sideTime. op names it
// in errors.
func (c *Client) once(ctx context.Context, op string, units int, call func(context.Context) error) error {
	_, err := c.attempt(ctx, budgetOf(sideTime), op, units, call)
	return err
}

// read runs a call that reads, again if that may help and b has the time.
func (c *Client) read(ctx context.Context, b budget, op string, units int, call func(context.Context) error) error {
	for try := 0; ; try++ {
		p, err := c.attempt(ctx, b, op, units, call)
		if err == nil || !b.wait(ctx, p, try, retryAfter(err)) {
			return err
		}
	}
}

// attempt runs a call a single time, until b ends at the latest, and says how
// to go on when it failed.
func (c *Client) attempt(ctx context.Context, b budget, op string, units int, call func(context.Context) error) (pace, error) {
	if err := c.quota.take(units); err != nil {
		return never, err
	}
	limited, cancel := context.WithDeadline(ctx, b.ends)
	defer cancel()
	err := call(limited)
	if err == nil {
		return never, nil
	}
	if ctx.Err() != nil {
		return never, wrap(op, ctx.Err())
	}
	return c.explain(op, err)
}

// retryAfter is when Gmail said that trying again makes sense; zero if it did not.
func retryAfter(err error) time.Duration {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.told
	}
	return 0
}
