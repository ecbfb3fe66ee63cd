// Package cache keeps sealed bytes under a key, with an expiry and a lock.
//
// It is where linkmail remembers a login between two processes: refresh
// tokens, pending steps of an authorization, short-lived access tokens. The
// package knows nothing of what the bytes mean. [Memory] forgets with the
// process; [File] seals every entry with AES-256-GCM and writes it whole or
// not at all, under a [Key] that [FindKey] finds or makes. Package cachetest
// holds the suite that every [Store] passes.
package cache

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// MaxValue is the size in bytes of the largest value a [Store] takes. Nothing
// that belongs into a cache of logins comes near it; the bound keeps a damaged
// or planted file from filling the memory.
const MaxValue = 1 << 20

// ErrNotFound says that no live entry is stored under the key.
var ErrNotFound = errors.New("cache: not found")

// ErrTooLarge says that a value is longer than [MaxValue].
var ErrTooLarge = fmt.Errorf("cache: value is longer than %d bytes", MaxValue)

// Store keeps bytes under a key. A key is any string, the empty one included;
// it is not a secret and may be named in an error. Implementations are safe
// for concurrent use, by several processes where they share the medium.
type Store interface {
	// Get returns a copy of the value, or an error wrapping [ErrNotFound] if
	// there is none or it has expired.
	Get(ctx context.Context, key string) ([]byte, error)

	// Put stores a copy of value under key, replacing what was there. When it
	// returns nil the value is durable; when it fails the entry holds the old
	// value or the new one, whole. A ttl of zero means that it never expires;
	// a negative one that it has expired already, so that nothing is left
	// under the key. A value longer than [MaxValue] is refused with
	// [ErrTooLarge].
	Put(ctx context.Context, key string, value []byte, ttl time.Duration) error

	// Delete removes the entry. Deleting what is not there is no error.
	Delete(ctx context.Context, key string) error

	// Lock waits until no one else holds the lock named key, in this process
	// or in another one on the same medium, or until ctx ends. It guards a
	// read-modify-write that spans a network call (refresh once); it does not
	// guard Get and Put, which need no lock. The lock ends with unlock or
	// with the process that held it. Calling unlock again does nothing. Who
	// holds the lock and asks for it again waits for itself. A lock that does
	// not come is a [*LockedError].
	Lock(ctx context.Context, key string) (unlock func(), err error)
}

// LockedError says that a lock was not free in time.
type LockedError struct {
	// Key names the lock.
	Key string
	// PID is the process that holds it, 0 if that is not known.
	PID int
	// Waited is how long the caller waited.
	Waited time.Duration
	// Err is why the wait ended: the error of the caller's context, or
	// [context.DeadlineExceeded] for the bound of the Store itself.
	Err error
}

// Error names the lock, its holder and the wait.
func (e *LockedError) Error() string {
	holder := "another holder"
	if e.PID != 0 {
		holder = fmt.Sprintf("process %d", e.PID)
	}
	return fmt.Sprintf("cache: %q is locked by %s, waited %s: %v", e.Key, holder, e.Waited.Round(time.Millisecond), e.Err)
}

// Unwrap returns why the wait ended.
func (e *LockedError) Unwrap() error { return e.Err }
