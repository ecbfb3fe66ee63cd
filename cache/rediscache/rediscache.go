// Package rediscache is a cache.Store in Redis 6 or later, or in Valkey, for
// linkmail processes that share no disk.
//
// Entries are sealed before they leave the process, under a key that is not in
// Redis, and named by hashes: who reads a dump learns how many logins there
// are, and when they end. Entries and locks expire by themselves.
package rediscache

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"linkmail/cache"
	"linkmail/internal/redisurl"
	"linkmail/internal/secret"
)

// Config configures a [Store].
type Config struct {
	// URL is redis://[user:password@]host[:port][/database], or rediss:// for
	// TLS; [redisurl.Check] says whether it is one. Required.
	URL secret.Text
	// Key seals the entries. Required; whoever shares the cache has the same.
	Key cache.Key
	// Prefix begins every name; default "linkmail".
	Prefix string
	// Now decides what has expired. Nil is [time.Now].
	Now func() time.Time
	// LockWait bounds how long a lock is waited for, where the context does
	// not end sooner. Zero is one minute.
	LockWait time.Duration
}

// Store keeps sealed entries in Redis. Close it when nobody uses it any more.
type Store struct {
	client   *redis.Client
	key      cache.Key
	prefix   string
	now      func() time.Time
	lockWait time.Duration
}

var _ cache.Store = (*Store)(nil)

// ErrOtherKey says that an entry is there and sealed with another key, or by
// another version, so that it is neither read nor replaced.
var ErrOtherKey = errors.New("rediscache: the entry was sealed with another key; all who share the cache need the same LINKMAIL_KEY")

// Open connects and makes sure that the server answers.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	if cfg.Key.IsZero() {
		return nil, errors.New("rediscache: Config.Key is missing")
	}
	opt, err := redisurl.Options(cfg.URL)
	if err != nil {
		return nil, fmt.Errorf("rediscache: URL: %w", err)
	}
	s := &Store{client: redis.NewClient(opt), key: cfg.Key, prefix: cfg.Prefix, now: cfg.Now, lockWait: cfg.LockWait}
	if s.prefix == "" {
		s.prefix = "linkmail"
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.lockWait == 0 {
		s.lockWait = time.Minute
	}
	if err := s.client.Ping(ctx).Err(); err != nil {
		return nil, errors.Join(fault("reach the server", err), s.client.Close())
	}
	return s, nil
}

// fault names the operation and leaves out the text of the driver, which may
// repeat addresses and arguments.
func fault(op string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("rediscache: %s: %w", op, err)
	}
	if _, ok := errors.AsType[redis.Error](err); ok {
		return fmt.Errorf("rediscache: %s: the server refused", op)
	}
	return fmt.Errorf("rediscache: %s: the server cannot be reached", op)
}

// Close closes the connections.
func (s *Store) Close() error {
	if err := s.client.Close(); err != nil {
		return fmt.Errorf("rediscache: close: %w", err)
	}
	return nil
}

func (s *Store) name(kind, key string) string {
	sum := sha256.Sum256([]byte(key))
	return s.prefix + ":" + kind + ":" + hex.EncodeToString(sum[:])
}

// Get implements [cache.Store].
func (s *Store) Get(ctx context.Context, key string) ([]byte, error) {
	data, err := s.client.Get(ctx, s.name("e", key)).Bytes()
	switch {
	case errors.Is(err, redis.Nil):
		return nil, cache.ErrNotFound
	case err != nil:
		return nil, fault("get", err)
	}
	value, expires, err := cache.Unseal(s.key, key, data)
	switch {
	case errors.Is(err, cache.Corrupt):
		// Redis does not tear values: somebody else wrote it, and what we
		// write in its place is no loss.
		return nil, cache.ErrNotFound
	case err != nil:
		return nil, ErrOtherKey
	case !expires.IsZero() && !s.now().Before(expires):
		return nil, cache.ErrNotFound
	}
	return value, nil
}

// Put implements [cache.Store]. What it stores is as durable as the server is
// set up to be.
func (s *Store) Put(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if ttl < 0 {
		return s.Delete(ctx, key)
	}
	if len(value) > cache.MaxValue {
		return cache.ErrTooLarge
	}
	var expires time.Time
	if ttl > 0 {
		expires = s.now().Add(ttl)
		ttl = max(ttl, time.Millisecond) // the least that the server knows
	}
	data, err := cache.Seal(s.key, key, value, expires)
	if err != nil {
		return fmt.Errorf("rediscache: put: %w", err)
	}
	return fault("put", s.client.Set(ctx, s.name("e", key), data, ttl).Err())
}

// Delete implements [cache.Store].
func (s *Store) Delete(ctx context.Context, key string) error {
	return fault("delete", s.client.Del(ctx, s.name("e", key)).Err())
}
