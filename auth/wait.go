package auth

import (
	"context"
	"errors"
)

// Waiter is a [Provider] or a [Connector] that knows when it is worth asking
// again, because it hears from the other side how the person is getting on.
type Waiter interface {
	// Wait returns nil as soon as asking again for what was answered with c may
	// be answered with something else and costs no request that is not due. Its
	// error is [ErrNoWait] if it knows nothing of c, [ErrUnfinished] if c has
	// run out, and else that of ctx.
	Wait(ctx context.Context, c *Challenge) error
}

// ErrNoWait says that nothing is known of when it is worth asking again.
var ErrNoWait = errors.New("auth: it cannot be told when to ask again")

// Wait waits with what a provider has a person's answers from, if that is a
// [Waiter].
func Wait(ctx context.Context, way Connector, c *Challenge) error {
	if w, ok := way.(Waiter); ok {
		return w.Wait(ctx, c)
	}
	return ErrNoWait
}
