package cache_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"linkmail/cache"
	"linkmail/cache/cachetest"
)

func newKey(t *testing.T) cache.Key {
	t.Helper()
	key, err := cache.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func openFile(t *testing.T, cfg cache.FileConfig) *cache.File {
	t.Helper()
	f, err := cache.OpenFile(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestFile(t *testing.T) {
	cachetest.Run(t, cachetest.Suite{
		Open: func(t *testing.T, now func() time.Time) func() cache.Store {
			cfg := cache.FileConfig{
				Dir: filepath.Join(t.TempDir(), "cache"), Key: newKey(t), Now: now,
				Damaged: func(d cache.Damage) { t.Errorf("damaged: %+v", d) },
			}
			return func() cache.Store { return openFile(t, cfg) }
		},
	})
}

func TestFileLeavesOneFilePerEntryAndNoLockFiles(t *testing.T) {
	dir := t.TempDir()
	f := openFile(t, cache.FileConfig{Dir: dir, Key: newKey(t)})
	for _, key := range []string{"a", "b"} {
		unlock, err := f.Lock(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if err := f.Put(t.Context(), key, []byte("value"), 0); err != nil {
				t.Fatal(err)
			}
		}
		unlock()
	}
	want := []string{filepath.Base(f.Path("a")), filepath.Base(f.Path("b")), "store.lock"}
	wantFiles(t, dir, want...)
}

// wantFiles fails the test if dir holds anything but these files, or one that
// others may use.
func wantFiles(t *testing.T, dir string, want ...string) {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	left := map[string]bool{}
	for _, name := range want {
		left[name] = true
	}
	for _, file := range files {
		if !left[file.Name()] {
			t.Errorf("%s is in the directory, want only %q", file.Name(), want)
		}
		delete(left, file.Name())
		info, err := file.Info()
		if err != nil {
			t.Fatal(err)
		}
		if mode := info.Mode().Perm(); mode&0o077 != 0 {
			t.Errorf("%s has mode %04o", file.Name(), mode)
		}
	}
	for name := range left {
		t.Errorf("%s is not in the directory", name)
	}
}

func TestNothingIsOnDiskInTheClear(t *testing.T) {
	const canary = "canary-refresh-token-8d1f"
	const account = "someone@example.com"
	dir := t.TempDir()
	key := newKey(t)
	f := openFile(t, cache.FileConfig{Dir: dir, Key: key})
	unlock, err := f.Lock(t.Context(), account)
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	if err := f.Put(t.Context(), account, []byte(strings.Repeat(canary, 100)), time.Hour); err != nil {
		t.Fatal(err)
	}
	raw, err := base64.StdEncoding.DecodeString(key.Text().Reveal())
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, file := range readAll(t, dir) {
		seen++
		for what, text := range map[string][]byte{
			"the value":           []byte(canary),
			"the value in base64": []byte(base64.RawStdEncoding.EncodeToString([]byte(canary))[:24]),
			"the value in hex":    []byte(hex.EncodeToString([]byte(canary))),
			"the account":         []byte(account),
			"the sealing key":     raw,
			"the key as text":     []byte(key.Text().Reveal()),
		} {
			if bytes.Contains(file.data, text) || strings.Contains(file.name, string(text)) {
				t.Errorf("%s is in the clear in %s", what, file.name)
			}
		}
	}
	if seen < 2 {
		t.Errorf("looked at %d files, want the entry and its lock at least", seen)
	}
}

type fileContent struct {
	name string
	data []byte
}

func readAll(t *testing.T, dir string) []fileContent {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []fileContent
	for _, file := range files {
		data, err := os.ReadFile(filepath.Join(dir, file.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, fileContent{file.Name(), data})
	}
	return all
}

func TestTwoEntriesWithOneValueLookDifferent(t *testing.T) {
	f := openFile(t, cache.FileConfig{Dir: t.TempDir(), Key: newKey(t)})
	var seen [][]byte
	for _, key := range []string{"a", "b", "a"} {
		if err := f.Put(t.Context(), key, []byte("the same value"), 0); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(f.Path(key))
		if err != nil {
			t.Fatal(err)
		}
		for _, other := range seen {
			if bytes.Equal(data[cache.NonceAt:cache.BoxAt], other[cache.NonceAt:cache.BoxAt]) {
				t.Error("a nonce was used twice")
			}
			if bytes.Equal(data[cache.BoxAt:], other[cache.BoxAt:]) {
				t.Error("two sealed values are equal")
			}
		}
		seen = append(seen, data)
	}
}

func TestExpiredEntriesAreRemovedFromTheDisk(t *testing.T) {
	dir := t.TempDir()
	at := time.Now()
	cfg := cache.FileConfig{Dir: dir, Key: newKey(t), Now: func() time.Time { return at }}
	f := openFile(t, cfg)
	for key, ttl := range map[string]time.Duration{"asked for": time.Minute, "forgotten": time.Minute, "live": 0} {
		if err := f.Put(t.Context(), key, []byte("value"), ttl); err != nil {
			t.Fatal(err)
		}
	}
	at = at.Add(time.Hour)
	if _, err := f.Get(t.Context(), "asked for"); !errors.Is(err, cache.ErrNotFound) {
		t.Errorf("Get: %v, want %v", err, cache.ErrNotFound)
	}
	wantFiles(t, dir, filepath.Base(f.Path("forgotten")), filepath.Base(f.Path("live")), "store.lock")
	at = at.Add(48 * time.Hour)
	openFile(t, cfg)
	wantFiles(t, dir, filepath.Base(f.Path("live")), "store.lock")
}

// A lock file is removed while others wait for it. Whoever opened it just
// before must not take the lock on what has no name any more.
func TestOneHolderAtATimeAlthoughLockFilesComeAndGo(t *testing.T) {
	const holders, rounds = 8, 300
	cfg := cache.FileConfig{Dir: t.TempDir(), Key: newKey(t)}
	ctx := t.Context()
	var inside atomic.Int32
	var wg sync.WaitGroup
	for range holders {
		f := openFile(t, cfg)
		wg.Go(func() {
			for range rounds {
				unlock, err := f.Lock(ctx, "key")
				if err != nil {
					t.Error(err)
					return
				}
				if n := inside.Add(1); n != 1 {
					t.Errorf("%d hold the lock", n)
				}
				runtime.Gosched()
				inside.Add(-1)
				unlock()
			}
		})
	}
	wg.Wait()
}

func TestOpenRefusesTheZeroKey(t *testing.T) {
	if _, err := cache.OpenFile(cache.FileConfig{Dir: t.TempDir()}); err == nil {
		t.Error("a cache without a key was opened")
	}
}
