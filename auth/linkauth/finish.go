package linkauth

import (
	"context"
	"fmt"

	"linkmail/auth"
)

var _ auth.Finisher = (*Connector)(nil)

// Finish implements [auth.Finisher]: the result of the login, which holds its
// refresh token, is dropped instead of being repeated until it runs out, and so
// is a session that nobody has finished, with its private key.
func (c *Connector) Finish(ctx context.Context, req auth.LoginRequest) error {
	return c.forget(ctx, c.key("login", req.Principal, req.Attempt, req.OAuthProvider, req.OAuthScopes, req.Params))
}

// FinishRedirect implements [auth.Finisher].
func (c *Connector) FinishRedirect(ctx context.Context, req auth.RedirectRequest) error {
	return c.forget(ctx, c.key("redirect", req.Principal, req.Attempt, req.URL.Reveal(), req.State, req.Params))
}

func (c *Connector) forget(ctx context.Context, key string) error {
	if err := c.store.Delete(ctx, key); err != nil {
		return fmt.Errorf("linkauth: forget a result: %w", err)
	}
	return nil
}
