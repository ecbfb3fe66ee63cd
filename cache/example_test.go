package cache_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"linkmail/cache"
)

// A login that one process made is there for the next one.
func Example() {
	ctx := context.Background()
	base, err := os.MkdirTemp("", "linkmail-*")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(base) }()

	for _, process := range []string{"first", "second"} {
		key, source, err := cache.FindKey(ctx, cache.KeyConfig{
			ConfigDir: filepath.Join(base, "config"),
			CacheDir:  filepath.Join(base, "cache"),
		})
		if err != nil {
			fmt.Println(err)
			return
		}
		store, err := cache.OpenFile(cache.FileConfig{
			Dir:     filepath.Join(base, "cache"),
			Key:     key,
			Damaged: func(d cache.Damage) { fmt.Printf("%s: %s; it is kept as %s\n", d.Key, d.Cause, d.Kept) },
		})
		if err != nil {
			fmt.Println(err)
			return
		}
		token, err := refreshOnce(ctx, store)
		fmt.Printf("%s process: key in a %s, new: %v; token %s %v\n", process, source.Kind, source.Made, token, err)
	}
	// Output:
	// first process: key in a file, new: true; token fresh <nil>
	// second process: key in a file, new: false; token fresh <nil>
}

// refreshOnce returns the stored token. If there is none, one caller fetches
// it and the others, in this process or another one, wait for it.
func refreshOnce(ctx context.Context, store cache.Store) (string, error) {
	unlock, err := store.Lock(ctx, "token")
	if err != nil {
		return "", err
	}
	defer unlock()
	if token, err := store.Get(ctx, "token"); err == nil {
		return string(token), nil
	}
	return "fresh", store.Put(ctx, "token", []byte("fresh"), time.Hour)
}
