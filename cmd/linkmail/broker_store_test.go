package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"linkmail/broker"
	"linkmail/broker/storetest"
	"linkmail/internal/secret"
)

const sealKey = "a2V5LW9mLXRoZS1jb21tYW5kLWxpbmUtdGVzdHMtMzI="

// opened opens the store that an environment configures.
func opened(t *testing.T, dev bool, env ...string) (broker.Store, error) {
	t.Helper()
	s := source{p: process{env: env}}
	c := s.sessionStore(dev)
	if err := s.err(); err != nil {
		return nil, err
	}
	store, closer, err := c.open(t.Context())
	if err == nil {
		t.Cleanup(func() { _ = closer.Close() })
	}
	return store, err
}

func TestWhereTheBrokerKeepsSessions(t *testing.T) {
	dir := t.TempDir()
	named := filepath.Join(dir, "named.db")
	for _, tt := range []struct {
		name string
		dev  bool
		env  []string
		file string // that is there afterwards
	}{
		{"memory when told so", false, []string{"LINKAUTH_STORE=memory"}, ""},
		{"memory for a try", true, nil, ""},
		{"a file that is named", false, []string{"LINKAUTH_STORE=sqlite:" + named}, named},
		{"the same file, with the key of before", false, []string{"LINKAUTH_STORE=sqlite:" + named}, named + ".key"},
		{"a file that is named as a URL", true, []string{"LINKAUTH_STORE=sqlite://" + named + "2"}, named + "2"},
		{"the data directory", false, []string{"XDG_DATA_HOME=" + dir + "/data"}, dir + "/data/linkmail/broker.db"},
		{"the home directory", false, []string{"HOME=" + dir}, dir + "/.local/share/linkmail/broker.db"},
		{"a file with a key from elsewhere", false, []string{"LINKAUTH_STORE=sqlite:" + dir + "/own.db", "LINKAUTH_KEY=" + sealKey}, dir + "/own.db"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			store, err := opened(t, tt.dev, tt.env...)
			if err != nil || (store == nil) != (tt.file == "") {
				t.Fatalf("store %T, %v", store, err)
			}
			if tt.file == "" {
				return
			}
			info, err := os.Stat(tt.file)
			if err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%s: %v, %v; want mode 0600", tt.file, info, err)
			}
			session := broker.Session{ID: tt.name, Code: secret.New(tt.name), Expires: time.Now().Add(time.Minute)}
			if err := store.Create(t.Context(), session); err != nil {
				t.Error(err)
			}
		})
	}
	if _, err := os.Stat(dir + "/own.db.key"); err == nil {
		t.Error("a key file was made although there is a key")
	}
}

func TestStoresThatCannotBeUsed(t *testing.T) {
	m := miniredis.RunT(t)
	m.RequireAuth("canary-password")
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("text of another program, long enough"), 0o600); err != nil {
		t.Fatal(err)
	}
	key := "LINKAUTH_KEY=" + sealKey
	for _, tt := range []struct {
		name string
		env  []string
		want []string
	}{
		{"a word that is none", []string{"LINKAUTH_STORE=postgres://u:canary@h/db"}, []string{"LINKAUTH_STORE must be memory, sqlite:PATH"}},
		{"no path", []string{"LINKAUTH_STORE=sqlite:"}, []string{"LINKAUTH_STORE must be"}},
		{"nothing and no home", nil, []string{"LINKAUTH_STORE", "no home directory"}},
		{"a directory", []string{"LINKAUTH_STORE=sqlite:" + dir}, []string{dir, "it is a directory"}},
		{"a directory that is not there", []string{"LINKAUTH_STORE=sqlite:" + dir + "/no/broker.db"}, []string{dir + "/no/broker.db", "make it"}},
		{"a directory that is a file", []string{"LINKAUTH_STORE=sqlite:" + file + "/broker.db"}, []string{file + "/broker.db", "what should be its directory is a file"}},
		{"another program's file", []string{"LINKAUTH_STORE=sqlite:" + file, key}, []string{file, "move it away"}},
		{"a key that is none", []string{"LINKAUTH_STORE=memory", "LINKAUTH_KEY=canary"}, []string{"LINKAUTH_KEY", "openssl rand -base64 32"}},
		{"Redis without a key", []string{"LINKAUTH_STORE=redis://127.0.0.1:1"}, []string{"LINKAUTH_KEY is not set"}},
		{"a Redis that is away", []string{"LINKAUTH_STORE=redis://:canary@" + storetest.Nobody(t), key}, []string{"LINKAUTH_STORE", "unreachable"}},
		{"a Redis URL that is none", []string{"LINKAUTH_STORE=redis://:canary@h:port", key}, []string{"LINKAUTH_STORE", "redis://[user:password@]host"}},
		{"a Redis that wants another password", []string{"LINKAUTH_STORE=redis://:canary@" + m.Addr(), key}, []string{"LINKAUTH_STORE", "WRONGPASS"}},
		{"a Redis that wants a password", []string{"LINKAUTH_STORE=redis://" + m.Addr(), key}, []string{"LINKAUTH_STORE", "NOAUTH"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			env := append([]string{"LINKAUTH_BASE_URL=https://broker.example", "LINKAUTH_API_KEYS=la_a-key-of-these-tests"}, tt.env...)
			got := run(t, env, "broker", "--listen", "127.0.0.1:0")
			if got.status != exitUsage || got.stdout != "" {
				t.Errorf("status %d, stdout %q, stderr %q; want %d", got.status, got.stdout, got.stderr, exitUsage)
			}
			for _, want := range tt.want {
				if !strings.Contains(got.stderr, want) {
					t.Errorf("stderr %q does not say %q", got.stderr, want)
				}
			}
			if strings.Contains(got.stderr, "canary") {
				t.Errorf("stderr repeats a secret: %q", got.stderr)
			}
		})
	}
	got := run(t, []string{key}, "broker", "--dev", "--store", "redis://:canary@127.0.0.1:1")
	if got.status != exitUsage || !strings.Contains(got.stderr, "process list") || strings.Contains(got.stderr, "canary") {
		t.Errorf("a password in a flag: status %d, stderr %q", got.status, got.stderr)
	}
}
