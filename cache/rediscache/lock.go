package rediscache

import (
	"context"
	"crypto/rand"
	"math/big"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"linkmail/cache"
	"linkmail/internal/redisurl"
)

const (
	// lease is how long a lock outlives a holder that died. A living one
	// renews it.
	lease = 15 * time.Second
	// A lock that is taken is asked for again after a while that grows.
	firstWait = 5 * time.Millisecond
	lastWait  = 200 * time.Millisecond
)

// Both do nothing unless the lock is still the holder's.
var (
	renew = redis.NewScript(`if redis.call("get", KEYS[1]) == ARGV[1] then return redis.call("pexpire", KEYS[1], ARGV[2]) end return 0`)
	free  = redis.NewScript(`if redis.call("get", KEYS[1]) == ARGV[1] then return redis.call("del", KEYS[1]) end return 0`)
)

// Lock implements [cache.Store]. It is a lease that its holder renews: one that
// hangs for longer than 15 seconds without dying loses it, so what is done
// under a lock has to look at what it read before it writes.
func (s *Store) Lock(ctx context.Context, key string) (unlock func(), err error) {
	started := time.Now()
	limited, cancel := context.WithTimeout(ctx, s.lockWait)
	defer cancel()
	locked := func(err error) error { return &cache.LockedError{Key: key, Waited: time.Since(started), Err: err} }
	name, token := s.name("l", key), rand.Text()
	// A lock is held, and has to be given back, when the wait for it is over.
	lasting := context.WithoutCancel(ctx)
	for wait := firstWait; ; wait = min(2*wait, lastWait) {
		if err := limited.Err(); err != nil {
			return nil, locked(err)
		}
		err := s.client.SetArgs(limited, name, token, redis.SetArgs{Mode: "NX", TTL: lease}).Err()
		switch {
		case err == nil:
			return s.hold(lasting, name, token), nil
		case limited.Err() != nil:
			// It may have come too late to be used.
			s.release(lasting, name, token)
			return nil, locked(limited.Err())
		case err != redis.Nil: //nolint:errorlint // the driver's own word for "taken", never wrapped
			s.release(lasting, name, token)
			return nil, fault("lock", err)
		}
		if !sleep(limited, wait/2+jitter(wait)) {
			return nil, locked(limited.Err())
		}
	}
}

// hold renews a lock until it is given back.
func (s *Store) hold(ctx context.Context, name, token string) (unlock func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(lease / 3)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				limited, cancel := context.WithTimeout(ctx, redisurl.Wait)
				_ = renew.Run(limited, s.client, []string{name}, token, lease.Milliseconds()).Err() // the next tick tries again
				cancel()
			}
		}
	}()
	return sync.OnceFunc(func() {
		close(done)
		<-ended
		s.release(ctx, name, token)
	})
}

// release gives a lock back. If that fails it ends with its lease.
func (s *Store) release(ctx context.Context, name, token string) {
	limited, cancel := context.WithTimeout(ctx, redisurl.Wait)
	defer cancel()
	_ = free.Run(limited, s.client, []string{name}, token).Err()
}

func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// jitter is a random duration below d, so that those who wait do not all ask
// at once.
func jitter(d time.Duration) time.Duration {
	n, err := rand.Int(rand.Reader, big.NewInt(int64(d)))
	if err != nil {
		return d / 2 // crypto/rand does not fail in practice
	}
	return time.Duration(n.Int64())
}
