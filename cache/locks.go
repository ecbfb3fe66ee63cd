package cache

import (
	"context"
	"os"
	"sync"
	"time"
)

// keyLocks holds one lock per key for the goroutines of this process. The zero
// value is ready.
type keyLocks struct {
	mu   sync.Mutex
	byID map[string]*keyLock // guarded by mu; an entry lives while someone holds or wants it
}

type keyLock struct {
	free  chan struct{} // holds one token while the lock is free
	users int           // guarded by keyLocks.mu: holder and waiters
}

// lock waits for the lock named key or for the end of ctx.
func (l *keyLocks) lock(ctx context.Context, key string) (unlock func(), err error) {
	k := l.use(key)
	start := time.Now()
	// A context that has ended gets no lock, even a free one: select would
	// pick at random.
	if err := ctx.Err(); err != nil {
		l.leave(key, k)
		return nil, &LockedError{Key: key, Err: err}
	}
	select {
	case <-k.free:
		return sync.OnceFunc(func() {
			k.free <- struct{}{}
			l.leave(key, k)
		}), nil
	case <-ctx.Done():
		l.leave(key, k)
		return nil, &LockedError{Key: key, PID: os.Getpid(), Waited: time.Since(start), Err: ctx.Err()}
	}
}

// use counts the caller in as a user of the lock named key.
func (l *keyLocks) use(key string) *keyLock {
	l.mu.Lock()
	defer l.mu.Unlock()
	k := l.byID[key]
	if k == nil {
		k = &keyLock{free: make(chan struct{}, 1)}
		k.free <- struct{}{}
		if l.byID == nil {
			l.byID = make(map[string]*keyLock)
		}
		l.byID[key] = k
	}
	k.users++
	return k
}

// leave counts the caller out and forgets a lock that no one uses.
func (l *keyLocks) leave(key string, k *keyLock) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if k.users--; k.users == 0 {
		delete(l.byID, key)
	}
}
