package server

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
)

// maxCalls is how many calls may be open, running or waiting.
const maxCalls = 1000

// errBusy says that too many calls wait already.
var errBusy = errors.New("server: too many calls are waiting")

// turns bounds how many calls run at once, whoever makes them. The others wait
// for their turn, or until their client gives up.
type turns struct {
	slots chan struct{} // one for each running call
	open  *atomic.Int64 // running or waiting
}

func newTurns(parallel int) turns {
	return turns{make(chan struct{}, parallel), new(atomic.Int64)}
}

// take waits for a turn. Who gets nil gives it back.
func (t turns) take(ctx context.Context) error {
	if t.open.Add(1) > maxCalls {
		t.open.Add(-1)
		return errBusy
	}
	// Of a call that nobody waits for any more select would run some.
	if err := ctx.Err(); err != nil {
		t.open.Add(-1)
		return err
	}
	select {
	case t.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		t.open.Add(-1)
		return ctx.Err()
	}
}

func (t turns) give() {
	<-t.slots
	t.open.Add(-1)
}

type endingKey struct{}

// withEnding returns a context that carries when its server begins to end.
func withEnding(ctx context.Context, ending <-chan struct{}) context.Context {
	return context.WithValue(ctx, endingKey{}, ending)
}

// endingOf returns what withEnding has put there; nil means never.
func endingOf(ctx context.Context) <-chan struct{} {
	ending, _ := ctx.Value(endingKey{}).(<-chan struct{})
	return ending
}

// forUser bounds a wait for a user by d, and by the end of the server: when
// that begins to end, nobody is there to come back.
func forUser(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(ctx, d)
	if ending := endingOf(ctx); ending != nil {
		go func() {
			select {
			case <-ending:
				cancel()
			case <-ctx.Done():
			}
		}()
	}
	return ctx, cancel
}
