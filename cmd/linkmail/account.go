package main

import (
	"context"

	"linkmail/auth"
	"linkmail/cache"
	"linkmail/internal/secret"
)

// account is the way to a token alone, for the commands about the sign-in.
type account struct {
	cfg      *client
	provider auth.Provider
	store    cache.Store // nil where nothing is kept
	close    func()
}

// account begins a command about the sign-in that takes no arguments: it parses
// the command line, reads the settings and opens the way to a token. quiet is
// how much is logged if no setting says so.
func (f *flagSet) account(ctx context.Context, p process, args []string, quiet string) (*account, error) {
	src := f.withSettings(settingsFor(false))
	if err := f.alone(p, args, src); err != nil {
		return nil, err
	}
	cfg, err := src.client(quiet)
	if err != nil {
		return nil, err
	}
	return cfg.account(ctx)
}

// account opens the cache and builds the provider.
func (c *client) account(ctx context.Context) (*account, error) {
	if c.mode == modeDemo {
		return &account{cfg: c, provider: auth.Static(secret.Text{}, "LINKMAIL_AUTH"), close: func() {}}, nil
	}
	store, err := c.store(ctx)
	if err != nil {
		return nil, err
	}
	provider, err := c.provider(store)
	if err != nil {
		return nil, err
	}
	return &account{cfg: c, provider: provider, store: store, close: c.closing(store)}, nil //nolint:contextcheck // it ends what has no context
}

// closing ends what store and provider have started.
func (c *client) closing(store cache.Store) func() {
	return func() {
		if c.loopback != nil {
			c.loopback.Close()
		}
		closeStore(store)
	}
}
