package auth

import (
	"context"
	"errors"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/sync/singleflight"
)

// Flights lets callers that want the same token share one pass to it. The zero
// value is ready to use.
type Flights struct{ group singleflight.Group }

// Token runs run, or joins the run for key that is under way. A run outlives a
// caller that gives up, for at most limit, because others may wait for it. The
// token is the caller's own copy.
func (f *Flights) Token(ctx context.Context, key string, limit time.Duration, run func(context.Context) (*oauth2.Token, error)) (*oauth2.Token, error) {
	flight := f.group.DoChan(key, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
		defer cancel()
		return run(ctx)
	})
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case result := <-flight:
		if result.Err != nil {
			return nil, result.Err
		}
		token, ok := result.Val.(*oauth2.Token)
		if !ok || token == nil {
			return nil, errors.New("auth: a pass ended without a token")
		}
		shared := *token
		return &shared, nil
	}
}
