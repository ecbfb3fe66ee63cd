package cache_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"linkmail/cache"
	"linkmail/internal/secret"
)

func TestParseKey(t *testing.T) {
	// These bytes give both characters in which the two alphabets differ.
	raw := []byte(strings.Repeat("\xfb\xff\xfe\x3e", 8))
	std := base64.StdEncoding.EncodeToString(raw)
	url := base64.RawURLEncoding.EncodeToString(raw)
	if !strings.ContainsAny(std, "+/") || !strings.ContainsAny(url, "-_") {
		t.Fatal("the sample does not tell the alphabets apart")
	}
	for name, tc := range map[string]struct {
		text    string
		wantErr string // empty: a key
	}{
		"standard base64":          {std, ""},
		"without padding":          {strings.TrimRight(std, "="), ""},
		"for URLs":                 {url, ""},
		"for URLs, padded":         {url + "=", ""},
		"as a file holds it":       {std + "\r\n", ""},
		"with blanks around it":    {"  " + std + "\t", ""},
		"nothing":                  {"", "0 bytes"},
		"hex":                      {strings.Repeat("ab", 32), "48 bytes"},
		"too short by a byte":      {base64.StdEncoding.EncodeToString(raw[:31]), "31 bytes"},
		"too long by a byte":       {base64.StdEncoding.EncodeToString(append(raw, 0)), "33 bytes"},
		"a pass phrase":            {"correct horse battery staple", "not base64"},
		"a character out of place": {"!" + std[1:], "not base64"},
	} {
		t.Run(name, func(t *testing.T) {
			key, err := cache.ParseKey(secret.New(tc.text))
			if tc.wantErr == "" {
				if err != nil {
					t.Fatal(err)
				}
				if got := key.Text().Reveal(); got != std {
					t.Errorf("the key is not the one that was given")
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tc.wantErr) {
				t.Errorf("got %v, want an error that says %q", err, tc.wantErr)
			}
			if !key.IsZero() {
				t.Error("a key comes with the error")
			}
			if text := strings.TrimSpace(tc.text); err != nil && text != "" && strings.Contains(err.Error(), text[:8]) {
				t.Errorf("the error shows the text: %v", err)
			}
		})
	}
}

func TestAKeyIsNotPrinted(t *testing.T) {
	key := newKey(t)
	raw, err := base64.StdEncoding.DecodeString(key.Text().Reveal())
	if err != nil {
		t.Fatal(err)
	}
	decimal := strings.Trim(fmt.Sprintf("%d", raw), "[]")
	cfg := cache.FileConfig{Key: key}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, value := range []any{key, &key, cfg, &cfg, []cache.Key{key}} {
			out := fmt.Sprintf(verb, value)
			for _, shown := range []string{key.Text().Reveal(), string(raw), fmt.Sprintf("%x", raw), decimal} {
				if strings.Contains(out, shown) {
					t.Errorf("%s of %T shows the key", verb, value)
				}
			}
		}
	}
}

func FuzzParseKey(f *testing.F) {
	f.Add("")
	f.Add("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
	f.Add(" -_-_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n")
	f.Add("=")
	f.Fuzz(func(t *testing.T, text string) {
		key, err := cache.ParseKey(secret.New(text))
		if err != nil {
			if !key.IsZero() {
				t.Error("a key comes with the error")
			}
			return
		}
		again, err := cache.ParseKey(key.Text())
		if err != nil || !again.Equal(key) {
			t.Errorf("the text of the key reads as another key: %v", err)
		}
	})
}

// ring is a keyring in memory, with the ways in which real ones fail.
type ring struct {
	text    secret.Text
	loadErr error
	saveErr error
	hangs   chan struct{} // if set, calls wait until it is closed
	calls   atomic.Int32
}

func (r *ring) Load() (secret.Text, error) {
	r.calls.Add(1)
	if r.hangs != nil {
		<-r.hangs
	}
	return r.text, r.loadErr
}

func (r *ring) Save(text secret.Text) error {
	r.calls.Add(1)
	if r.hangs != nil {
		<-r.hangs
	}
	if r.saveErr == nil {
		r.text = text
	}
	return r.saveErr
}

// place makes the two directories of a user; files are key files to put there.
type place struct{ config, cache string }

func newPlace(t *testing.T) place {
	t.Helper()
	base := t.TempDir()
	return place{filepath.Join(base, "config"), filepath.Join(base, "cache")}
}

func (p place) cfg(r *ring) cache.KeyConfig {
	cfg := cache.KeyConfig{ConfigDir: p.config, CacheDir: p.cache}
	if r != nil {
		cfg.Keyring = r
	}
	return cfg
}

func writeKeyFile(t *testing.T, dir, text string) string {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "cache.key")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func findKey(t *testing.T, cfg cache.KeyConfig) (cache.Key, cache.KeySource) {
	t.Helper()
	key, source, err := cache.FindKey(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if key.IsZero() {
		t.Fatal("the zero key was found")
	}
	return key, source
}

func TestTheOrderInWhichAKeyIsLookedFor(t *testing.T) {
	configured, inConfig, inCache, inRing := newKey(t), newKey(t), newKey(t), newKey(t)
	broken := errors.New(`exec: "dbus-launch": executable file not found in $PATH`)
	for name, tc := range map[string]struct {
		configured bool
		files      string // which of "config" and "cache" hold a key file
		ring       *ring
		want       cache.Key // zero: a new one
		kind       cache.KeyKind
	}{
		"what is configured goes before all":        {true, "config cache", &ring{text: inRing.Text()}, configured, cache.KeyConfigured},
		"a key file goes before the keyring":        {false, "config", &ring{text: inRing.Text()}, inConfig, cache.KeyInFile},
		"the configuration goes before the cache":   {false, "config cache", nil, inConfig, cache.KeyInFile},
		"a key file beside the cache is found":      {false, "cache", &ring{}, inCache, cache.KeyBesideCache},
		"the keyring goes before a new key":         {false, "", &ring{text: inRing.Text()}, inRing, cache.KeyInKeyring},
		"a new key goes into the keyring":           {false, "", &ring{}, cache.Key{}, cache.KeyInKeyring},
		"or into a file if there is no keyring":     {false, "", nil, cache.Key{}, cache.KeyInFile},
		"or into a file if the keyring is broken":   {false, "", &ring{loadErr: broken}, cache.Key{}, cache.KeyInFile},
		"or into a file if the keyring takes none":  {false, "", &ring{saveErr: broken}, cache.Key{}, cache.KeyInFile},
		"a key file stands in for a broken keyring": {false, "cache", &ring{loadErr: broken}, inCache, cache.KeyBesideCache},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			cfg := p.cfg(tc.ring)
			if tc.configured {
				cfg.Configured = configured.Text()
			}
			if strings.Contains(tc.files, "config") {
				writeKeyFile(t, p.config, inConfig.Text().Reveal())
			}
			if strings.Contains(tc.files, "cache") {
				writeKeyFile(t, p.cache, inCache.Text().Reveal()+"\n")
			}
			key, source := findKey(t, cfg)
			isNew := tc.want.IsZero()
			if source.Kind != tc.kind || source.Made != isNew {
				t.Errorf("source is %+v, want kind %q, made %v", source, tc.kind, isNew)
			}
			if !isNew && !key.Equal(tc.want) {
				t.Error("another key was found")
			}
			if text := source.String(); !strings.HasPrefix(text, "The key is ") || !strings.HasSuffix(text, ".") || !strings.Contains(text, source.Path) {
				t.Errorf("the source says %q", text)
			}
			again, source := findKey(t, cfg)
			if !again.Equal(key) || source.Made {
				t.Errorf("the second time another key was found, in %+v", source)
			}
		})
	}
}

func TestANewKeyFileIsForUsAlone(t *testing.T) {
	p := newPlace(t)
	_, source := findKey(t, p.cfg(nil))
	if want := filepath.Join(p.config, "cache.key"); source.Path != want {
		t.Errorf("the key is in %s, want %s", source.Path, want)
	}
	wantFiles(t, p.config, "cache.key")
	if _, err := os.Stat(p.cache); err == nil {
		t.Error("the cache directory was made for nothing")
	}
}

func TestAKeyGoesBesideTheCacheWhereOnlyThatIsWritable(t *testing.T) {
	p := newPlace(t)
	writeKeyFile(t, filepath.Dir(p.config), "") // only to have a file at hand
	p.config = filepath.Join(filepath.Dir(p.config), "cache.key", "config")
	key, source := findKey(t, p.cfg(nil))
	if source.Kind != cache.KeyBesideCache || source.Path != filepath.Join(p.cache, "cache.key") {
		t.Errorf("source is %+v, want a file in %s", source, p.cache)
	}
	f := openFile(t, cache.FileConfig{Dir: p.cache, Key: key})
	if err := f.Put(t.Context(), "key", []byte("value"), 0); err != nil {
		t.Fatal(err)
	}
	wantFiles(t, p.cache, "cache.key", "store.lock", filepath.Base(f.Path("key")))
}

func TestWithoutAPlaceThereIsNoKey(t *testing.T) {
	file := writeKeyFile(t, t.TempDir(), "")
	for name, cfg := range map[string]cache.KeyConfig{
		"no directory is named":   {},
		"none can be written to":  {ConfigDir: filepath.Join(file, "config"), CacheDir: filepath.Join(file, "cache")},
		"the keyring is no place": {Keyring: &ring{loadErr: errors.New("locked")}},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := cache.FindKey(t.Context(), cfg)
			if !errors.Is(err, cache.ErrNoPlace) {
				t.Errorf("got %v, want %v", err, cache.ErrNoPlace)
			}
			if cfg.CacheDir != "" && !strings.Contains(err.Error(), cfg.CacheDir) {
				t.Errorf("the message %q does not name %s", err, cfg.CacheDir)
			}
		})
	}
}

func TestAMalformedKeyIsNeverReplaced(t *testing.T) {
	const junk = "not-a-key-but-secret"
	for name, tc := range map[string]struct {
		setUp func(t *testing.T, p place) cache.KeyConfig
		want  string // in the message
	}{
		"configured": {func(_ *testing.T, p place) cache.KeyConfig {
			cfg := p.cfg(&ring{})
			cfg.Configured = secret.New(junk)
			return cfg
		}, "LINKMAIL_KEY"},
		"in a file": {func(t *testing.T, p place) cache.KeyConfig {
			writeKeyFile(t, p.config, junk)
			return p.cfg(&ring{})
		}, "cache.key"},
		"an empty file": {func(t *testing.T, p place) cache.KeyConfig {
			writeKeyFile(t, p.config, "")
			return p.cfg(&ring{})
		}, "cache.key"},
		"an endless file": {func(t *testing.T, p place) cache.KeyConfig {
			writeKeyFile(t, p.config, strings.Repeat("A", 1<<20))
			return p.cfg(&ring{})
		}, "cache.key"},
		"a file beside the cache": {func(t *testing.T, p place) cache.KeyConfig {
			writeKeyFile(t, p.cache, junk)
			return p.cfg(&ring{})
		}, "cache.key"},
		"a link": {func(t *testing.T, p place) cache.KeyConfig {
			target := writeKeyFile(t, t.TempDir(), newKey(t).Text().Reveal())
			if err := os.MkdirAll(p.config, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(target, filepath.Join(p.config, "cache.key")); err != nil {
				t.Skip(err)
			}
			return p.cfg(&ring{})
		}, "cache.key"},
		"in the keyring": {func(_ *testing.T, p place) cache.KeyConfig {
			return p.cfg(&ring{text: secret.New(junk)})
		}, "keyring"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			cfg := tc.setUp(t, p)
			_, _, err := cache.FindKey(t.Context(), cfg)
			if err == nil || errors.Is(err, cache.ErrNoPlace) || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("got %v, want an error that names %s", err, tc.want)
			}
			if strings.Contains(err.Error(), junk) {
				t.Errorf("the error shows the text: %v", err)
			}
			if r, ok := cfg.Keyring.(*ring); ok && !r.text.IsZero() && r.text.Reveal() != junk {
				t.Error("a new key was saved in the keyring")
			}
		})
	}
}

// TestK106OnlyTheKeyIsInTheKeyring: keyrings take 2,560 bytes on one system and
// 4,096 on another, and an entry of the cache may have more.
func TestK106OnlyTheKeyIsInTheKeyring(t *testing.T) {
	p, r := newPlace(t), &ring{}
	key, source := findKey(t, p.cfg(r))
	if source.Kind != cache.KeyInKeyring || !source.Made {
		t.Fatalf("source is %+v, want a new key in the keyring", source)
	}
	saved, calls := r.text.Reveal(), r.calls.Load()
	if raw, err := base64.StdEncoding.DecodeString(saved); err != nil || len(raw) != cache.KeySize {
		t.Errorf("the keyring holds %d bytes, %v; want the key of %d", len(raw), err, cache.KeySize)
	}
	f := openFile(t, cache.FileConfig{Dir: p.cache, Key: key})
	large := strings.Repeat("x", cache.MaxValue)
	if err := f.Put(t.Context(), "key", []byte(large), 0); err != nil {
		t.Fatal(err)
	}
	if got, err := f.Get(t.Context(), "key"); err != nil || string(got) != large {
		t.Errorf("Get: %d bytes, %v; want the %d of the entry", len(got), err, len(large))
	}
	if r.text.Reveal() != saved || r.calls.Load() != calls {
		t.Error("the entry went to the keyring")
	}
}

func TestAKeyringThatNeverAnswersIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t)
		r := &ring{hangs: make(chan struct{})}
		defer close(r.hangs) // lets the call that was left behind end
		start := time.Now()
		_, source := findKey(t, p.cfg(r))
		if source.Kind != cache.KeyInFile || !source.Made {
			t.Errorf("source is %+v, want a new key file", source)
		}
		if waited := time.Since(start); waited != 15*time.Second {
			t.Errorf("the keyring was waited for %s, want 15s once", waited)
		}
		if got := r.calls.Load(); got != 1 {
			t.Errorf("the keyring was asked %d times, want once", got)
		}
	})
}

func TestACancelledSearchMakesNoKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t)
		r := &ring{hangs: make(chan struct{})}
		defer close(r.hangs)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, _, err := cache.FindKey(ctx, p.cfg(r))
		if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, cache.ErrNoPlace) {
			t.Errorf("got %v, want %v", err, context.DeadlineExceeded)
		}
		if _, err := os.Stat(p.config); err == nil {
			t.Error("something was made")
		}
	})
}

func TestAKeyFileThatALeftOverStandsBesideIsMade(t *testing.T) {
	p := newPlace(t)
	if err := os.MkdirAll(p.config, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{".cache.key.new", "cache.key.lock"} {
		if err := os.WriteFile(filepath.Join(p.config, name), []byte("left over"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	findKey(t, p.cfg(nil))
	wantFiles(t, p.config, "cache.key")
}

func TestTheSystemKeyringNeedsASessionWhereThereIsNoOther(t *testing.T) {
	for _, address := range []string{"", "autolaunch:"} {
		if got := cache.SystemKeyring(address); got != nil {
			t.Skip("this system has a keyring without a session")
		}
	}
	if got := cache.SystemKeyring("unix:path=/nonexistent/bus"); got == nil {
		t.Error("a session was given and there is no keyring")
	} else if _, err := got.Load(); err == nil {
		t.Error("a bus that is not there answered")
	}
}
