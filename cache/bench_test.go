package cache_test

import (
	"testing"

	"linkmail/cache"
)

// benchFile returns a cache with one entry of the size of a token.
func benchFile(b *testing.B) *cache.File {
	b.Helper()
	key, err := cache.NewKey()
	if err != nil {
		b.Fatal(err)
	}
	f, err := cache.OpenFile(cache.FileConfig{Dir: b.TempDir(), Key: key})
	if err != nil {
		b.Fatal(err)
	}
	if err := f.Put(b.Context(), "key", make([]byte, 2048), 0); err != nil {
		b.Fatal(err)
	}
	return f
}

// BenchmarkFileGet is what a call pays for a login that is there.
func BenchmarkFileGet(b *testing.B) {
	f := benchFile(b)
	for b.Loop() {
		if _, err := f.Get(b.Context(), "key"); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkFileGetParallel shows that readers do not wait for each other.
func BenchmarkFileGetParallel(b *testing.B) {
	f := benchFile(b)
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			if _, err := f.Get(b.Context(), "key"); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

// BenchmarkFilePut is mostly the disk.
func BenchmarkFilePut(b *testing.B) {
	f := benchFile(b)
	value := make([]byte, 2048)
	for b.Loop() {
		if err := f.Put(b.Context(), "key", value, 0); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkFileLock is a lock that is free.
func BenchmarkFileLock(b *testing.B) {
	f := benchFile(b)
	for b.Loop() {
		unlock, err := f.Lock(b.Context(), "key")
		if err != nil {
			b.Fatal(err)
		}
		unlock()
	}
}

// BenchmarkOpenFile is what a fresh process pays before its first Get.
func BenchmarkOpenFile(b *testing.B) {
	key, err := cache.NewKey()
	if err != nil {
		b.Fatal(err)
	}
	cfg := cache.FileConfig{Dir: b.TempDir(), Key: key}
	for b.Loop() {
		if _, err := cache.OpenFile(cfg); err != nil {
			b.Fatal(err)
		}
	}
}
