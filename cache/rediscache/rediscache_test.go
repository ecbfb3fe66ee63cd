package rediscache_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"linkmail/cache"
	"linkmail/cache/cachetest"
	"linkmail/cache/rediscache"
	"linkmail/internal/secret"
)

func newKey(t *testing.T) cache.Key {
	t.Helper()
	raw := make([]byte, 32)
	rand.Read(raw) // never fails
	key, err := cache.ParseKey(secret.New(base64.StdEncoding.EncodeToString(raw)))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func open(t *testing.T, m *miniredis.Miniredis, key cache.Key, now func() time.Time) *rediscache.Store {
	t.Helper()
	s, err := rediscache.Open(t.Context(), rediscache.Config{URL: secret.New("redis://" + m.Addr()), Key: key, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestStore(t *testing.T) {
	mediums := map[*testing.T]*miniredis.Miniredis{}
	cachetest.Run(t, cachetest.Suite{
		Open: func(t *testing.T, now func() time.Time) func() cache.Store {
			m, key := miniredis.RunT(t), newKey(t)
			mediums[t] = m
			return func() cache.Store { return open(t, m, key, now) }
		},
		Advanced: func(t *testing.T, by time.Duration) { mediums[t].FastForward(by) },
	})
}

func TestNothingIsInRedisInTheClear(t *testing.T) {
	m, key := miniredis.RunT(t), newKey(t)
	s := open(t, m, key, nil)
	if err := s.Put(t.Context(), "canary-account@example.com", []byte("canary-token"), time.Hour); err != nil {
		t.Fatal(err)
	}
	if dump := m.Dump(); strings.Contains(dump, "canary") || !strings.Contains(dump, "linkmail:e:") {
		t.Errorf("Redis holds\n%s", dump)
	}
	for _, name := range m.Keys() {
		if m.TTL(name) <= 0 {
			t.Errorf("%s never expires", name)
		}
	}
}

func TestAnEntryOfAnotherKeyIsNeitherReadNorLost(t *testing.T) {
	m := miniredis.RunT(t)
	ours, theirs := open(t, m, newKey(t), nil), open(t, m, newKey(t), nil)
	if err := theirs.Put(t.Context(), "k", []byte("v"), 0); err != nil {
		t.Fatal(err)
	}
	if _, err := ours.Get(t.Context(), "k"); !errors.Is(err, rediscache.ErrOtherKey) {
		t.Errorf("got %v, want %v", err, rediscache.ErrOtherKey)
	}
	if got, err := theirs.Get(t.Context(), "k"); err != nil || !bytes.Equal(got, []byte("v")) {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestAnEntryThatSomebodyPlantedOrMovedIsNone(t *testing.T) {
	m := miniredis.RunT(t)
	s := open(t, m, newKey(t), nil)
	if err := s.Put(t.Context(), "a", []byte("v"), 0); err != nil {
		t.Fatal(err)
	}
	name := m.Keys()[0]
	sealed, err := m.Get(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Put(t.Context(), "b", []byte("w"), 0); err != nil {
		t.Fatal(err)
	}
	for _, other := range m.Keys() {
		if other == name {
			continue
		}
		for _, planted := range []string{sealed, "", "x", sealed[:len(sealed)-1]} {
			if err := m.Set(other, planted); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Get(t.Context(), "b"); !errors.Is(err, cache.ErrNotFound) {
				t.Errorf("%d planted bytes: got %v, want %v", len(planted), err, cache.ErrNotFound)
			}
		}
	}
}

func TestALockEndsWithAHolderThatDied(t *testing.T) {
	m, key := miniredis.RunT(t), newKey(t)
	dead, err := rediscache.Open(t.Context(), rediscache.Config{URL: secret.New("redis://" + m.Addr()), Key: key})
	if err != nil {
		t.Fatal(err)
	}
	unlock, err := dead.Lock(t.Context(), "k")
	if err != nil {
		t.Fatal(err)
	}
	if err := dead.Close(); err != nil { // it can renew nothing any more
		t.Fatal(err)
	}
	defer unlock()
	m.FastForward(time.Minute)
	again, err := open(t, m, key, nil).Lock(t.Context(), "k")
	if err != nil {
		t.Fatal(err)
	}
	again()
}

func TestAServerThatIsNotThereIsNamedWithoutItsPassword(t *testing.T) {
	m := miniredis.RunT(t)
	addr := m.Addr()
	m.Close()
	_, err := rediscache.Open(t.Context(), rediscache.Config{URL: secret.New("redis://user:canary@" + addr), Key: newKey(t)})
	if err == nil || !strings.Contains(err.Error(), "cannot be reached") || strings.Contains(err.Error(), "canary") {
		t.Errorf("got %v", err)
	}
}

func TestAServerThatGoesAwayFailsClosed(t *testing.T) {
	m, key := miniredis.RunT(t), newKey(t)
	s := open(t, m, key, nil)
	m.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if _, err := s.Get(ctx, "k"); err == nil || errors.Is(err, cache.ErrNotFound) {
		t.Errorf("Get: got %v, want an error that is no answer", err)
	}
	if err := s.Put(ctx, "k", nil, 0); err == nil {
		t.Error("Put: no error")
	}
	if _, err := s.Lock(ctx, "k"); err == nil {
		t.Error("Lock: no error")
	}
}
