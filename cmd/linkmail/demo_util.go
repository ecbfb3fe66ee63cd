package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"maps"
	"slices"
	"time"
)

// randomKey returns a fresh cache key as LINKMAIL_KEY wants it.
func randomKey() string {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails since Go 1.24
	return base64.StdEncoding.EncodeToString(key)
}

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }

// sleep waits for d or until ctx ends.
func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
