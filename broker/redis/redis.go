// Package redis keeps the sessions of a broker in Redis 6 or later, or in
// Valkey, so that several brokers on several machines are one.
//
// # What Redis knows
//
// A session is sealed by [broker.Sealer] before it leaves the process, and its
// keys are HMACs. Who reads a dump, a replica or the slow log learns how many
// sessions there are and when they end. The key of the Sealer is the same for
// all brokers and not in Redis.
//
// # How it stays consistent
//
// Each change is one script, and everything a script writes expires by itself.
// A session is replaced only if its version is the one that was read. Scripts
// that write are sent once: if the reply is lost nobody knows whether an
// envelope was taken out, and asking again would say "consumed" of one that
// nobody got. The error says so instead, and the agent starts over.
//
// Time is that of Redis. Brokers whose clocks differ agree on when a session
// ends, see [Store.Find].
//
// # What it cannot promise
//
// A replica that takes over may miss the last changes, so an envelope may be
// delivered twice: each time sealed, and to the same agent's key.
package redis

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"linkmail/broker"
	"linkmail/internal/redisurl"
	"linkmail/internal/secret"
)

// Config configures a [Store].
type Config struct {
	// URL is redis://[user:password@]host[:port][/database], or rediss:// for
	// TLS; [redisurl.Check] says whether it is one.
	URL secret.Text
	// Sealer seals the sessions. It is required, and all brokers of one Redis
	// have the same key.
	Sealer *broker.Sealer
	// Prefix begins every key; empty means "linkauth". Brokers that are to be
	// one have the same.
	Prefix string
	// MaxSessions limits the sessions; zero means 20,000.
	MaxSessions int
	// Now is the clock of the broker; nil means time.Now.
	Now func() time.Time
}

const (
	defaultPrefix      = "linkauth"
	defaultMaxSessions = 20_000
)

// Store is a [broker.Store] in Redis. Close it when the broker has stopped.
type Store struct {
	sealer *broker.Sealer
	prefix string
	max    int
	now    func() time.Time

	read  *redis.Client // repeats what failed
	write *redis.Client // never repeats
	fuse  fuse
}

var _ broker.Store = (*Store)(nil)

// Open connects, and refuses a Redis that would drop sessions when its memory
// is full, that cannot be reached, or whose brokers have another key. Its
// errors name what to do and repeat nothing of the URL.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	if cfg.Sealer == nil {
		return nil, errors.New("broker/redis: Sealer is missing")
	}
	opt, err := redisurl.Options(cfg.URL)
	if err != nil {
		return nil, fmt.Errorf("broker/redis: URL: %w", err)
	}
	opt.DialerRetries = 1
	opt.MaxRetries, opt.MinRetryBackoff, opt.MaxRetryBackoff = 2, 10*time.Millisecond, 100*time.Millisecond
	once := *opt
	once.MaxRetries = -1
	s := &Store{
		sealer: cfg.Sealer,
		// The braces keep all keys in one slot of a cluster, because a script
		// touches several.
		prefix: "{" + cmp.Or(cfg.Prefix, defaultPrefix) + "}:",
		max:    cmp.Or(cfg.MaxSessions, defaultMaxSessions),
		now:    cfg.Now,
		read:   redis.NewClient(opt),
		write:  redis.NewClient(&once),
	}
	if s.now == nil {
		s.now = time.Now
	}
	if err := s.check(ctx); err != nil {
		_ = s.Close()
		return nil, fmt.Errorf("broker/redis: %w", err)
	}
	return s, nil
}

// Close closes the connections.
func (s *Store) Close() error {
	if err := errors.Join(s.read.Close(), s.write.Close()); err != nil {
		return fmt.Errorf("broker/redis: close: %w", err)
	}
	return nil
}

// Reasons to refuse a Redis.
var (
	errEviction = errors.New("the server may drop sessions when its memory is full; set its maxmemory-policy to noeviction or volatile-ttl")
	errPolicy   = errors.New("the server does not say what it does when its memory is full; allow this user INFO or CONFIG GET maxmemory-policy")
	errOtherKey = errors.New("the brokers of this server have another key; give all the same LINKAUTH_KEY, or another prefix or database")
)

// check asks whether the server can be used as it is set up.
func (s *Store) check(ctx context.Context) error {
	if err := s.read.Ping(ctx).Err(); err != nil {
		return fmt.Errorf("the server cannot be used: %s", cause(err))
	}
	policy, err := s.evictionPolicy(ctx)
	if err != nil {
		return err
	}
	if policy != "noeviction" && policy != "volatile-ttl" {
		return errEviction
	}
	return s.checkKey(ctx)
}

// evictionPolicy is what the server does when its memory is full. Hosted
// servers often refuse CONFIG, and not INFO.
func (s *Store) evictionPolicy(ctx context.Context) (string, error) {
	if info, err := s.read.Info(ctx, "memory").Result(); err == nil {
		for line := range strings.Lines(info) {
			if policy, ok := strings.CutPrefix(strings.TrimSpace(line), "maxmemory_policy:"); ok {
				return policy, nil
			}
		}
	}
	config, err := s.read.ConfigGet(ctx, "maxmemory-policy").Result()
	if policy := config["maxmemory-policy"]; err == nil && policy != "" {
		return policy, nil
	}
	return "", errPolicy
}

// keyLife is how long the mark of the key stays without a broker that starts.
// It is longer than any session.
const keyLife = time.Hour

// checkKey compares our key with that of the sessions that are there: with two
// keys each broker would not find what the other one made.
func (s *Store) checkKey(ctx context.Context) error {
	id := s.sealer.KeyID()
	n, err := keyScript.Run(ctx, s.write, []string{s.mark(), s.live()}, id[:], keyLife.Milliseconds()).Int()
	if err != nil {
		return fmt.Errorf("the server cannot be used: %s", cause(err))
	}
	if n == 0 {
		return errOtherKey
	}
	return nil
}
