package mailbox

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"
)

// parallel is how many requests of one call run at once where there is one for
// each of many ids. Gmail refuses a user who has too many under way.
const parallel = 5

// told is after how many of them it is told how far a call has got.
const told = 20

// each runs one for every index below n, a few at a time, and returns what went
// wrong by index. The first goes alone: what stops every one, such as a sign-in
// that is needed or a refused token, shows there and is returned as err, with
// none done. one has to be harmless to repeat; what names what it is about, in
// the plural.
func (c *Client) each(ctx context.Context, b budget, n int, what string, one func(context.Context, int) error) (errs []error, err error) {
	if n == 0 {
		return nil, nil
	}
	// What runs here counts against the same limit as a batch does.
	release, err := c.acquire(ctx, b)
	if err != nil {
		return nil, err
	}
	defer release()
	errs = make([]error, n)
	tally := NewTally(n, told, what)
	if errs[0] = one(ctx, 0); endsAll(errs[0]) {
		return nil, errs[0]
	}
	tally.Done(ctx)
	var group errgroup.Group
	group.SetLimit(parallel)
	for i := 1; i < n; i++ {
		group.Go(func() error {
			errs[i] = one(ctx, i)
			tally.Done(ctx)
			return nil // the others go on
		})
	}
	return errs, group.Wait()
}

// endsAll reports whether err is about more than the one request it came from.
func endsAll(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return err != nil && (!ok || stopsAll(e))
}

// isGone reports whether err says that what was asked for does not exist.
func isGone(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Code == codeNotFound
}

// failedOf names one that failed, with when to try it again; zero if unknown.
func failedOf(id string, err error) (Failed, time.Duration) {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return Failed{ID: id, Reason: "interrupted"}, 0
	}
	return Failed{ID: id, Reason: e.word()}, e.RetryAfter
}
