// Package cache keeps sealed bytes under a key, with an expiry and a lock.
//
// It is where linkmail remembers a login between two processes: refresh
// tokens, pending steps of an authorization, short-lived access tokens. The
// package knows nothing of what the bytes mean. [Memory] forgets with the
// process; [File] seals every entry with AES-256-GCM and writes it whole or
// not at all. Package cachetest holds the suite that every [Store] passes.
package cache

import (
	"context"
	"errors"
	"time"
)

// ErrNotFound says that no live entry is stored under the key.
var ErrNotFound = errors.New("cache: not found")

// Store keeps bytes under a key. Implementations are safe for concurrent use,
// by several processes where they share the medium.
type Store interface {
	// Get returns a copy of the value, or an error wrapping [ErrNotFound] if
	// there is none or it has expired.
	Get(ctx context.Context, key string) ([]byte, error)

	// Put stores value under key, replacing what was there. When it returns
	// nil the value is durable. A ttl of zero means that it never expires.
	Put(ctx context.Context, key string, value []byte, ttl time.Duration) error

	// Delete removes the entry. Deleting what is not there is no error.
	Delete(ctx context.Context, key string) error

	// Lock waits until no one else holds the lock named key, in this process
	// or in another one on the same medium, or until ctx ends. It guards a
	// read-modify-write that spans a network call (refresh once); it does not
	// guard Get and Put, which need no lock. The lock ends with unlock or
	// with the process that held it.
	Lock(ctx context.Context, key string) (unlock func(), err error)
}
