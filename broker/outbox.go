package broker

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Outbox is a [Store] that finds the sessions whose callback is owed, so that
// a delivery outlives the process that was to make it. A store that is none
// loses owed deliveries with the process; the agent's poll still finds them.
type Outbox interface {
	// Owing returns the IDs of at most limit live sessions whose Due is not
	// zero and not after now.
	Owing(ctx context.Context, now time.Time, limit int) ([]string, error)
}

const (
	// deliveries is how many callbacks one broker has on the way at once.
	deliveries = 32
	// owingEvery is how often a broker looks for deliveries that nobody makes.
	owingEvery = 5 * time.Second
	owingBatch = 256
)

// outbox makes the deliveries of one broker. What is owed stands in the
// session; here is only who is at it.
type outbox struct {
	b     *Broker
	slots chan struct{}
	// pause waits between two attempts; it ends early with the context.
	pause func(ctx context.Context, d time.Duration) error

	work   context.Context //nolint:containedctx // the life of the goroutines, ended by close
	cancel context.CancelFunc
	quit   chan struct{} // closed when no further attempt begins

	mu      sync.Mutex
	closed  bool
	running map[string]bool
	ended   sync.WaitGroup
}

func newOutbox(b *Broker) *outbox {
	o := &outbox{b: b, slots: make(chan struct{}, deliveries), quit: make(chan struct{}), running: make(map[string]bool)}
	o.work, o.cancel = context.WithCancel(context.Background())
	o.pause = o.sleep
	return o
}

func (o *outbox) sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-o.quit:
		return context.Canceled
	case <-ctx.Done():
		return ctx.Err()
	}
}

// start begins the delivery of s if one is owed.
func (o *outbox) start(s Session) {
	if !s.Due.IsZero() {
		o.begin(s.ID)
	}
}

func (o *outbox) begin(id string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed || o.running[id] {
		return // it stays owed
	}
	o.running[id] = true
	o.ended.Go(func() {
		defer func() {
			o.mu.Lock()
			defer o.mu.Unlock()
			delete(o.running, id)
		}()
		o.attempts(o.work, id)
	})
}

// attempts delivers one envelope, with pauses, until it is settled or somebody
// else's.
func (o *outbox) attempts(ctx context.Context, id string) {
	var mine time.Time
	for {
		select {
		case o.slots <- struct{}{}:
		case <-o.quit:
			return
		}
		wait, due := o.attempt(ctx, id, mine)
		<-o.slots
		if wait == 0 || o.pause(ctx, wait) != nil {
			return
		}
		mine = due
	}
}

// attempt makes one attempt and returns after which pause, and as which Due,
// the next one follows; zero if none does.
func (o *outbox) attempt(ctx context.Context, id string, mine time.Time) (wait time.Duration, due time.Time) {
	s, err := o.b.update(ctx, id, func(s *Session, now time.Time) error { return s.lease(now, mine) })
	if err != nil || s.Due.IsZero() {
		return 0, time.Time{}
	}
	outcome := o.b.deliver(ctx, s)
	if ctx.Err() != nil {
		return 0, time.Time{} // cut off: the lease runs out, and it is owed again
	}
	s, err = o.b.update(ctx, id, func(s *Session, now time.Time) error {
		s.attempted(outcome, now)
		return nil
	})
	if err != nil {
		return 0, time.Time{}
	}
	o.b.audit.delivered(s, outcome)
	if s.Due.IsZero() {
		return 0, time.Time{}
	}
	return callbackPauses[s.Attempts-1], s.Due
}

// close ends the outbox: no attempt begins any more, those on the way have
// until ctx ends.
func (o *outbox) close(ctx context.Context) {
	o.mu.Lock()
	if !o.closed {
		o.closed = true
		close(o.quit)
	}
	o.mu.Unlock()
	defer o.cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		o.ended.Wait()
	}()
	select {
	case <-done:
	case <-ctx.Done():
		o.cancel()
		<-done
	}
}

// Run looks for callbacks that are owed and that nobody delivers, those of a
// broker that has ended among them, until ctx ends. One broker per process
// runs it; callbacks of this broker's own sessions begin without it.
func (b *Broker) Run(ctx context.Context) {
	store, ok := b.store.(Outbox)
	if !ok {
		return
	}
	tick := time.NewTicker(owingEvery)
	defer tick.Stop()
	for {
		ids, err := store.Owing(ctx, b.now(), owingBatch)
		if err != nil && !errors.Is(err, context.Canceled) {
			b.cfg.Log.Warn().Str("cause", "store").Msg("owed callbacks are not known")
		}
		for _, id := range ids {
			b.outbox.begin(id)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// Close ends the work that goes on beside requests: callbacks on the way have
// until ctx ends, those that wait stay owed in the store, streams of events
// end. Call it when the HTTP server has been shut down.
func (b *Broker) Close(ctx context.Context) {
	b.streams.close()
	b.outbox.close(ctx)
}
