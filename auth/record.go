package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"linkmail/cache"
)

// LoadRecord reads a record that [SaveRecord] has written and reports whether
// there was one. What cannot be decoded was written by another version and
// counts as absent.
func LoadRecord[T any](ctx context.Context, store cache.Store, key string) (T, bool, error) {
	var r, none T
	data, err := store.Get(ctx, key)
	if errors.Is(err, cache.ErrNotFound) {
		return none, false, nil
	}
	if err != nil {
		return none, false, CacheFailure(ctx, "read", err)
	}
	if ok := json.Unmarshal(data, &r) == nil; !ok {
		return none, false, nil
	}
	return r, true, nil
}

// SaveRecord writes a record as JSON, which the store seals. A ttl of zero
// keeps it until it is removed.
func SaveRecord[T any](ctx context.Context, store cache.Store, key string, r T, ttl time.Duration) error {
	data, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("auth: encode a record: %w", err)
	}
	if err := store.Put(ctx, key, data, ttl); err != nil {
		return CacheFailure(ctx, "write", err)
	}
	return nil
}

// RemoveRecords deletes records. One that is not there is no error.
func RemoveRecords(ctx context.Context, store cache.Store, keys ...string) error {
	for _, key := range keys {
		if err := store.Delete(ctx, key); err != nil {
			return CacheFailure(ctx, "clear", err)
		}
	}
	return nil
}

// CacheFailure is the [*Failure] for a store that did not do what verb says, or
// the context's own error if that is why.
func CacheFailure(ctx context.Context, verb string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return &Failure{
		Kind: Unavailable, Code: "cache_failed",
		Message: "the sign-in cannot be kept: linkmail could not " + verb + " its cache",
		Hint:    "Check that LINKMAIL_CACHE_DIR is writable and not full, and that no other linkmail process is stuck.",
		Err:     err,
	}
}
