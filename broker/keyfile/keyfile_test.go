package keyfile_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"linkmail/broker"
	"linkmail/broker/keyfile"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func newFile(t *testing.T) (*keyfile.File, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "data", "keys.json")
	return keyfile.New(keyfile.Config{Path: path, Now: func() time.Time { return start }}), path
}

func TestAKeyIsKnownByItsHashOnly(t *testing.T) {
	f, path := newFile(t)
	key, err := f.Add(t.Context(), "laptop", []broker.Scope{broker.ScopeSessions, broker.ScopeProxy}, start.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if text := key.Reveal(); !strings.HasPrefix(text, "la_") || strings.Contains(string(raw), text[3:20]) {
		t.Errorf("key %q, file %s", text, raw)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v; want 0600", info.Mode(), err)
	}
	keys, err := f.APIKeys()
	if err != nil || len(keys) != 1 {
		t.Fatalf("APIKeys = %v, %v", keys, err)
	}
	if k := keys[0]; k.Name != "laptop" || k.Hash != broker.HashKey(key) || len(k.Scopes) != 2 || !k.Expires.Equal(start.Add(time.Hour)) {
		t.Errorf("key = %+v", k)
	}
	list, err := f.List()
	if err != nil || len(list) != 1 || !list[0].Created.Equal(start) {
		t.Errorf("List = %+v, %v", list, err)
	}
}

func TestChangesAreSeenByAnotherReader(t *testing.T) {
	f, path := newFile(t)
	reader := keyfile.New(keyfile.Config{Path: path})
	want := func(n int) {
		t.Helper()
		keys, err := reader.APIKeys()
		if err != nil || len(keys) != n {
			t.Errorf("the reader sees %d keys, %v; want %d", len(keys), err, n)
		}
	}
	want(0)
	for i, name := range []string{"a", "b"} {
		if _, err := f.Add(t.Context(), name, broker.Scopes(), time.Time{}); err != nil {
			t.Fatal(err)
		}
		want(i + 1)
	}
	if err := f.Revoke(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	want(1)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	want(0)
}

func TestWhatIsRefused(t *testing.T) {
	f, _ := newFile(t)
	if _, err := f.Add(t.Context(), "taken", broker.Scopes(), time.Time{}); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		name    string
		scopes  []broker.Scope
		expires time.Time
		want    string
	}{
		"a name that is taken": {"taken", broker.Scopes(), time.Time{}, "already"},
		"no name":              {"", broker.Scopes(), time.Time{}, "a name has"},
		"a name of two lines":  {"a\nb", broker.Scopes(), time.Time{}, "a name has"},
		"no scope":             {"x", nil, time.Time{}, "a scope is"},
		"a scope of its own":   {"x", []broker.Scope{"all"}, time.Time{}, "a scope is"},
		"an end in the past":   {"x", broker.Scopes(), start.Add(-time.Second), "ended already"},
	} {
		if _, err := f.Add(t.Context(), tt.name, tt.scopes, tt.expires); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
	if err := f.Revoke(t.Context(), "unknown"); !errors.Is(err, keyfile.ErrNoKey) {
		t.Errorf("Revoke = %v, want ErrNoKey", err)
	}
	if keys, err := f.List(); err != nil || len(keys) != 1 {
		t.Errorf("the file has %d keys, %v; want the first one", len(keys), err)
	}
}

func TestFilesThatAreRefused(t *testing.T) {
	hash := strings.Repeat("ab", 32)
	for name, tt := range map[string]struct {
		content string
		mode    os.FileMode
		want    string
	}{
		"nothing in it":        {"", 0o600, "not a key file"},
		"a newer version":      {`{"version":2,"keys":[]}`, 0o600, "not a key file"},
		"a member of its own":  {`{"version":1,"keys":[],"allow_from":"10.0.0.1"}`, 0o600, "not a key file"},
		"more after it":        {`{"version":1,"keys":[]}{}`, 0o600, "not a key file"},
		"a hash that is none":  {`{"version":1,"keys":[{"name":"a","sha256":"ab","scopes":["proxy"],"created":"2026-01-01T00:00:00Z"}]}`, 0o600, "not a key file"},
		"a key without scopes": {`{"version":1,"keys":[{"name":"a","sha256":"` + hash + `","created":"2026-01-01T00:00:00Z"}]}`, 0o600, "not a key file"},
		"written by others":    {`{"version":1,"keys":[]}`, 0o666, "chmod 600"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "keys.json")
			if err := os.WriteFile(path, []byte(tt.content), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, tt.mode); err != nil {
				t.Fatal(err)
			}
			f := keyfile.New(keyfile.Config{Path: path})
			for range 2 { // the second time from memory
				if _, err := f.APIKeys(); err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), path) {
					t.Errorf("APIKeys = %v, want %q", err, tt.want)
				}
			}
			if _, err := f.Add(t.Context(), "x", broker.Scopes(), time.Time{}); err == nil {
				t.Error("a key was added")
			}
			if raw, err := os.ReadFile(path); err != nil || string(raw) != tt.content {
				t.Errorf("the file is now %q, %v", raw, err)
			}
		})
	}
}

func TestOperatorsAtOnceLoseNothing(t *testing.T) {
	_, path := newFile(t)
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			f := keyfile.New(keyfile.Config{Path: path})
			if _, err := f.Add(context.WithoutCancel(t.Context()), fmt.Sprintf("key %d", i), broker.Scopes(), time.Time{}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	keys, err := keyfile.New(keyfile.Config{Path: path}).List()
	if err != nil || len(keys) != 16 {
		t.Errorf("%d keys, %v; want 16", len(keys), err)
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 2 {
		t.Errorf("%d files are left, %v; want the keys and the lock", len(left), err)
	}
}

func FuzzFile(f *testing.F) {
	f.Add([]byte(`{"version":1,"keys":[{"name":"a","sha256":"` + strings.Repeat("ab", 32) + `","scopes":["proxy"],"created":"2026-01-01T00:00:00Z"}]}`))
	f.Add([]byte(`{"version":1}`))
	f.Fuzz(func(t *testing.T, content []byte) {
		path := filepath.Join(t.TempDir(), "keys.json")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		keys, err := keyfile.New(keyfile.Config{Path: path}).APIKeys()
		if err != nil && len(keys) > 0 {
			t.Errorf("%d keys beside an error", len(keys))
		}
		for _, k := range keys {
			if k.Name == "" || len(k.Scopes) == 0 || k.Hash == (broker.Digest{}) {
				t.Errorf("key %+v", k)
			}
		}
	})
}
