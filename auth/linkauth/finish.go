package linkauth

import (
	"context"
	"fmt"

	"linkmail/auth"
)

var _ auth.Finisher = (*Connector)(nil)

// Finish implements [auth.Finisher]: the result of the login, which holds its
// refresh token, is dropped instead of being repeated until it runs out.
func (c *Connector) Finish(ctx context.Context, req auth.LoginRequest) error {
	key := c.key("login", req.Principal, req.Attempt, req.OAuthProvider, req.OAuthScopes, req.Params)
	if err := c.store.Delete(ctx, key); err != nil {
		return fmt.Errorf("linkauth: forget a result: %w", err)
	}
	return nil
}
