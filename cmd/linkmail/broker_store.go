package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"

	"linkmail/broker"
	"linkmail/broker/redis"
	"linkmail/broker/sqlite"
	"linkmail/internal/redisurl"
	"linkmail/internal/secret"
)

// sessionStore is where the broker keeps its sessions, as configured. Without
// path and url it is the memory of the process.
type sessionStore struct {
	path string
	// own says that the path is our default, so that we make its directory.
	own bool
	url secret.Text
	key secret.Text
	max int
}

const storeForms = "memory, sqlite:PATH, or redis://[user:password@]host[:port][/database] (rediss:// for TLS)"

// sessionStore reads LINKAUTH_STORE and LINKAUTH_KEY. A URL may hold a
// password, so no message repeats the value.
func (s *source) sessionStore(dev bool) sessionStore {
	c := sessionStore{key: s.secret("LINKAUTH_KEY"), max: s.number("LINKAUTH_MAX_SESSIONS", 0)}
	if !c.key.IsZero() {
		if _, err := broker.NewSealer(c.key); err != nil {
			s.problem("LINKAUTH_KEY must be the base64 of %d random bytes, as \"openssl rand -base64 %d\" makes them", broker.SealKeySize, broker.SealKeySize)
		}
	}
	text := s.storeSetting("LINKAUTH_STORE")
	value := text.Reveal()
	scheme, rest, _ := strings.Cut(value, ":")
	switch {
	case value == "" && dev, value == "memory":
	case value == "":
		if c.path, c.own = s.p.dataFile("broker.db"), true; c.path == "" {
			s.problem("LINKAUTH_STORE is not set and there is no home directory to keep sessions in; set it to %s", storeForms)
		}
	case scheme == "sqlite" && strings.TrimPrefix(rest, "//") != "":
		c.path = strings.TrimPrefix(rest, "//")
	case scheme == "redis" || scheme == "rediss":
		c.url = text
		if err := redisurl.Check(text); err != nil {
			s.problem("LINKAUTH_STORE: %v", err)
		}
		if c.key.IsZero() {
			s.problem("LINKAUTH_KEY is not set; with Redis all brokers share one key, the base64 of %d random bytes", broker.SealKeySize)
		}
	default:
		s.problem("LINKAUTH_STORE must be %s", storeForms)
	}
	return c
}

// open opens the store. The store is nil for the memory of the process, which
// the broker makes itself.
func (c sessionStore) open(ctx context.Context) (broker.Store, io.Closer, error) {
	switch {
	case !c.url.IsZero():
		sealer, err := broker.NewSealer(c.key)
		if err != nil {
			return nil, nil, usagef("%v", err)
		}
		store, err := redis.Open(ctx, redis.Config{URL: c.url, Sealer: sealer, MaxSessions: c.max})
		if err != nil {
			return nil, nil, usagef("LINKAUTH_STORE: %v", err)
		}
		return store, store, nil
	case c.path != "":
		return c.openFile(ctx)
	}
	return nil, io.NopCloser(nil), nil
}

func (c sessionStore) openFile(ctx context.Context) (broker.Store, io.Closer, error) {
	if c.own {
		if err := os.MkdirAll(filepath.Dir(c.path), 0o700); err != nil {
			return nil, nil, usagef("the directory for sessions cannot be made: %v; set LINKAUTH_STORE to %s", err, storeForms)
		}
	}
	key := c.key
	if key.IsZero() {
		var err error
		if key, err = sqlite.Key(c.path); err != nil {
			return nil, nil, usagef("LINKAUTH_STORE: %v", err)
		}
	}
	sealer, err := broker.NewSealer(key)
	if err != nil {
		return nil, nil, usagef("%v", err)
	}
	store, err := sqlite.Open(ctx, sqlite.Config{Path: c.path, Sealer: sealer, MaxSessions: c.max})
	if err != nil {
		return nil, nil, usagef("LINKAUTH_STORE: %v", err)
	}
	return store, store, nil
}

// dataFile names a file in linkmail's data directory (XDG Base Directory), or
// nothing if the user has no home.
func (p process) dataFile(name string) string {
	base, ok := p.lookup("XDG_DATA_HOME")
	if !ok || !filepath.IsAbs(base) {
		home, ok := p.lookup("HOME")
		if !ok || !filepath.IsAbs(home) {
			var err error
			if home, err = os.UserHomeDir(); err != nil || os.PathSeparator == '/' {
				return ""
			}
		}
		base = filepath.Join(home, ".local", "share")
	}
	return filepath.Join(base, "linkmail", name)
}
