package cache_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"linkmail/cache"
	"linkmail/internal/secret"
)

// damages returns ways to spoil the file of an entry.
func damages(t *testing.T) map[string]struct {
	spoil func(data []byte) []byte
	want  cache.Cause
} {
	t.Helper()
	flip := func(at int) func([]byte) []byte {
		return func(data []byte) []byte {
			if at < 0 {
				at += len(data)
			}
			data[at] ^= 0x40
			return data
		}
	}
	cut := func(to int) func([]byte) []byte {
		return func(data []byte) []byte {
			if to < 0 {
				to += len(data)
			}
			return data[:to]
		}
	}
	other, err := cache.Seal(newKey(t), "key", []byte("value"), time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	return map[string]struct {
		spoil func(data []byte) []byte
		want  cache.Cause
	}{
		"the first byte is changed":             {flip(0), cache.Corrupt},
		"the end of the magic is changed":       {flip(cache.VersionAt - 1), cache.Corrupt},
		"the version is a later one":            {func(d []byte) []byte { d[cache.VersionAt] = 2; return d }, cache.OtherVersion},
		"the version is zero":                   {func(d []byte) []byte { d[cache.VersionAt] = 0; return d }, cache.OtherVersion},
		"the key id is changed":                 {flip(cache.KeyIDAt), cache.OtherKey},
		"the nonce is changed":                  {flip(cache.NonceAt), cache.Corrupt},
		"the expiry is changed":                 {flip(cache.BoxAt), cache.Corrupt},
		"the value is changed":                  {flip(cache.BoxAt + 8), cache.Corrupt},
		"the tag is changed":                    {flip(-1), cache.Corrupt},
		"the last byte is gone":                 {cut(-1), cache.Corrupt},
		"half of it is gone":                    {cut(cache.BoxAt + 4), cache.Corrupt},
		"only the header is left":               {cut(cache.BoxAt), cache.Corrupt},
		"it is empty":                           {cut(0), cache.Corrupt},
		"something follows":                     {func(d []byte) []byte { return append(d, 0) }, cache.Corrupt},
		"it is text":                            {func([]byte) []byte { return []byte(`{"token":"plain"}`) }, cache.Corrupt},
		"it is zeros":                           {func(d []byte) []byte { return make([]byte, len(d)) }, cache.Corrupt},
		"it is larger than any entry":           {func(d []byte) []byte { return append(d, make([]byte, cache.MaxValue)...) }, cache.Corrupt},
		"it was sealed with another key":        {func([]byte) []byte { return other }, cache.OtherKey},
		"another key's file, with our key's id": {func(d []byte) []byte { return append(d[:cache.NonceAt:cache.NonceAt], other[cache.NonceAt:]...) }, cache.Corrupt},
	}
}

func TestADamagedFileIsKeptAsideAndReportedOnce(t *testing.T) {
	for name, tc := range damages(t) {
		t.Run(name, func(t *testing.T) {
			at := time.Date(2025, 3, 1, 12, 0, 0, 0, time.UTC)
			dir := t.TempDir()
			var reports []cache.Damage
			cfg := cache.FileConfig{
				Dir: dir, Key: newKey(t), Now: func() time.Time { return at },
				Damaged: func(d cache.Damage) { reports = append(reports, d) },
			}
			if tc.want == cache.OtherKey {
				cfg.Key = newKey(t)
			}
			f := openFile(t, cfg)
			if err := f.Put(t.Context(), "key", []byte("value"), time.Hour); err != nil {
				t.Fatal(err)
			}
			data, err := os.ReadFile(f.Path("key"))
			if err != nil {
				t.Fatal(err)
			}
			spoilt := bytes.Clone(tc.spoil(data))
			if err := os.WriteFile(f.Path("key"), spoilt, 0o600); err != nil {
				t.Fatal(err)
			}

			for range 2 {
				for _, client := range []*cache.File{f, openFile(t, cfg)} {
					if got, err := client.Get(t.Context(), "key"); !errors.Is(err, cache.ErrNotFound) {
						t.Errorf("Get = %q, %v, want %v", got, err, cache.ErrNotFound)
					}
				}
			}

			kept := fmt.Sprintf("%s.corrupt-%d", f.Path("key"), at.Unix())
			want := cache.Damage{Key: "key", Kept: kept, Cause: tc.want}
			if len(reports) != 1 || reports[0] != want {
				t.Errorf("reported %+v, want once %+v", reports, want)
			}
			if got, err := os.ReadFile(kept); err != nil || !bytes.Equal(got, spoilt) {
				t.Errorf("the kept file holds %d bytes, %v, want the %d that were there", len(got), err, len(spoilt))
			}
			wantFiles(t, dir, filepath.Base(kept), "store.lock")

			if err := f.Put(t.Context(), "key", []byte("new"), time.Hour); err != nil {
				t.Fatal(err)
			}
			if got, err := f.Get(t.Context(), "key"); err != nil || string(got) != "new" {
				t.Errorf("Get after a new Put = %q, %v", got, err)
			}
		})
	}
}

func TestFilesThatAreDamagedInTheSameSecondAreAllKept(t *testing.T) {
	at := time.Date(2025, 3, 1, 12, 0, 0, 0, time.UTC)
	dir := t.TempDir()
	f := openFile(t, cache.FileConfig{Dir: dir, Key: newKey(t), Now: func() time.Time { return at }})
	for _, text := range []string{"first", "second", "third"} {
		if err := os.WriteFile(f.Path("key"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := f.Get(t.Context(), "key"); !errors.Is(err, cache.ErrNotFound) {
			t.Errorf("Get: %v, want %v", err, cache.ErrNotFound)
		}
	}
	var got []string
	for _, file := range readAll(t, dir) {
		got = append(got, string(file.data))
	}
	for _, want := range []string{"first", "second", "third"} {
		if !strings.Contains(strings.Join(got, "\n"), want) {
			t.Errorf("the file with %q is lost; kept are %q", want, got)
		}
	}
}

func TestAnEntryCannotBeMovedToAnotherKey(t *testing.T) {
	var reports []cache.Damage
	f := openFile(t, cache.FileConfig{
		Dir: t.TempDir(), Key: newKey(t),
		Damaged: func(d cache.Damage) { reports = append(reports, d) },
	})
	if err := f.Put(t.Context(), "alice", []byte("token of alice"), 0); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(f.Path("alice"), f.Path("bob")); err != nil {
		t.Fatal(err)
	}
	if got, err := f.Get(t.Context(), "bob"); !errors.Is(err, cache.ErrNotFound) {
		t.Errorf("Get = %q, %v, want %v", got, err, cache.ErrNotFound)
	}
	if len(reports) != 1 || reports[0].Cause != cache.Corrupt {
		t.Errorf("reported %+v, want one corrupt file", reports)
	}
}

func TestReadersThatMeetADamagedFileAtOnceReportItOnce(t *testing.T) {
	dir := t.TempDir()
	var mu sync.Mutex
	reports := 0
	cfg := cache.FileConfig{Dir: dir, Key: newKey(t), Damaged: func(cache.Damage) {
		mu.Lock()
		defer mu.Unlock()
		reports++
	}}
	if err := os.WriteFile(openFile(t, cfg).Path("key"), []byte("spoilt"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	var wg sync.WaitGroup
	for range 8 {
		f := openFile(t, cfg)
		wg.Go(func() {
			if _, err := f.Get(ctx, "key"); !errors.Is(err, cache.ErrNotFound) {
				t.Errorf("Get: %v, want %v", err, cache.ErrNotFound)
			}
		})
	}
	wg.Wait()
	if reports != 1 {
		t.Errorf("reported %d times, want once", reports)
	}
}

func FuzzUnseal(f *testing.F) {
	// A fixed key: each process of the fuzzer runs this again, and all must be
	// able to open the seeds of the first one.
	key, err := cache.ParseKey(secret.New(strings.Repeat("A", 43)))
	if err != nil {
		f.Fatal(err)
	}
	for _, value := range []string{"", "value", strings.Repeat("long ", 100)} {
		for _, expires := range []time.Time{{}, time.Unix(1_740_000_000, 0), time.Unix(-1, 0)} {
			data, err := cache.Seal(key, "key", []byte(value), expires)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data, "key")
			f.Add(data, "another key")
			f.Add(data[:len(data)-1], "key")
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, name string) {
		value, expires, err := cache.Unseal(key, name, data)
		if err != nil {
			var cause cache.Cause
			if !errors.As(err, &cause) || value != nil || !expires.IsZero() {
				t.Errorf("Unseal = %q, %v, %v: want a Cause and nothing else", value, expires, err)
			}
			return
		}
		// What opens was sealed with our key under this name: only a seed is.
		if name != "key" {
			t.Errorf("an entry of %q opened as one of %q", "key", name)
		}
		again, err := cache.Seal(key, name, value, expires)
		if err != nil {
			t.Fatal(err)
		}
		got, gotExpires, err := cache.Unseal(key, name, again)
		if err != nil || !bytes.Equal(got, value) || !gotExpires.Equal(expires) {
			t.Errorf("sealed again it opens as %q, %v, %v, want %q, %v", got, gotExpires, err, value, expires)
		}
	})
}

func FuzzSealThenUnseal(f *testing.F) {
	f.Add("key", []byte("value"), int64(1_740_000_000_000_000), 0)
	f.Add("", []byte{}, int64(0), 40)
	f.Add("k\x00", []byte{0}, int64(-1), 3)
	f.Fuzz(func(t *testing.T, name string, value []byte, micros int64, at int) {
		key, err := cache.NewKey()
		if err != nil {
			t.Fatal(err)
		}
		var expires time.Time
		if micros != 0 {
			expires = time.UnixMicro(micros)
		}
		data, err := cache.Seal(key, name, value, expires)
		if err != nil {
			t.Fatal(err)
		}
		got, gotExpires, err := cache.Unseal(key, name, data)
		if err != nil || !bytes.Equal(got, value) || !gotExpires.Equal(expires) {
			t.Fatalf("Unseal = %q, %v, %v, want %q, %v", got, gotExpires, err, value, expires)
		}
		if at < 0 {
			at = -(at + 1)
		}
		data[at%len(data)] ^= 1
		if _, _, err := cache.Unseal(key, name, data); err == nil {
			t.Errorf("with byte %d changed it still opens", at%len(data))
		}
	})
}
