package main

import (
	"context"
	"io"
	"strings"

	"linkmail/cache"
	"linkmail/cache/rediscache"
	"linkmail/internal/redisurl"
	"linkmail/internal/secret"
)

// storeSetting reads where something is kept, which may be a URL with a
// password. A secret has no flag; this has one, --store, for the values that
// are none.
func (s *source) storeSetting(env string) secret.Text {
	text := secret.New(strings.TrimSpace(s.given[env]))
	if text.IsZero() {
		return s.secret(env)
	}
	scheme, rest, _ := strings.Cut(text.Reveal(), "://")
	if (scheme == "redis" || scheme == "rediss") && strings.Contains(rest, "@") {
		s.problem("--store has a password, which every user of this machine can read in the process list; set %s or %s_FILE instead", env, env)
	}
	return text
}

// sharedStore reads LINKMAIL_STORE: the URL of a Redis, or nothing for files. A
// URL may hold a password, so no message repeats the value.
func (s *source) sharedStore(key secret.Text) secret.Text {
	text := s.storeSetting("LINKMAIL_STORE")
	value := text.Reveal()
	if value == "" || value == "file" {
		return secret.Text{}
	}
	if err := redisurl.Check(text); err != nil {
		s.problem("LINKMAIL_STORE must be file, or redis://[user:password@]host[:port][/database] (rediss:// for TLS)")
		return secret.Text{}
	}
	if key.IsZero() {
		s.problem("LINKMAIL_KEY is not set; with Redis all who share the cache share one key, the base64 of 32 random bytes")
	}
	return text
}

// openRedis opens the cache that several machines share.
func (c *client) openRedis(ctx context.Context) (cache.Store, error) {
	key, err := cache.ParseKey(c.key)
	if err != nil {
		return nil, usagef("%s", plain(err))
	}
	store, err := rediscache.Open(ctx, rediscache.Config{URL: c.redis, Key: key})
	if err != nil {
		return nil, usagef("LINKMAIL_STORE: %s", plain(err))
	}
	c.cacheAt, c.keySource = "the Redis of LINKMAIL_STORE", cache.KeySource{Kind: cache.KeyConfigured}
	return store, nil
}

// closeStore closes a store that is connected to something.
func closeStore(store cache.Store) {
	if c, ok := store.(io.Closer); ok {
		_ = c.Close()
	}
}
