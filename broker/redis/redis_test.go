package redis_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"

	"linkmail/broker"
	"linkmail/broker/redis"
	"linkmail/broker/storetest"
	"linkmail/internal/secret"
	"linkmail/internal/testclock"
)

// testKey is the key of all brokers of the tests, so that a second process has
// it too.
var testKey = secret.New("a2V5LW9mLXRoZS1yZWRpcy1zdG9yZS10ZXN0cy0zMmI=")

func TestMain(m *testing.M) {
	storetest.Serve(func(ctx context.Context, url string) (broker.Store, error) {
		return open(ctx, redis.Config{URL: secret.New(url)})
	})
	os.Exit(m.Run())
}

func open(ctx context.Context, cfg redis.Config) (*redis.Store, error) {
	if cfg.Sealer == nil {
		sealer, err := broker.NewSealer(testKey)
		if err != nil {
			return nil, err
		}
		cfg.Sealer = sealer
	}
	return redis.Open(ctx, cfg)
}

func opened(t testing.TB, cfg redis.Config) *redis.Store {
	t.Helper()
	s, err := open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// newMini is a Redis in this process, which says that it evicts nothing.
func newMini(t testing.TB) *miniredis.Miniredis {
	t.Helper()
	m := miniredis.NewMiniRedis()
	if err := m.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	evicts(t, m, "noeviction")
	return m
}

// evicts makes a miniredis say what it does when its memory is full.
func evicts(t testing.TB, m *miniredis.Miniredis, policy string) {
	t.Helper()
	err := m.Server().Register("CONFIG", func(c *server.Peer, _ string, _ []string) {
		c.WriteStrings([]string{"maxmemory-policy", policy})
	})
	if err != nil {
		t.Fatal(err)
	}
}

func url(m *miniredis.Miniredis) secret.Text { return secret.New("redis://" + m.Addr()) }

func env(t *testing.T, limit int) storetest.Env {
	t.Helper()
	m := newMini(t)
	clock := testclock.New()
	m.SetTime(clock.Now())
	cfg := redis.Config{URL: url(m), MaxSessions: limit, Now: clock.Now}
	return storetest.Env{
		Store: opened(t, cfg), Now: clock.Now,
		Advance: func(d time.Duration) {
			clock.Advance(d)
			m.SetTime(clock.Now())
			m.FastForward(d)
			everythingExpires(t, m)
		},
		Again: func() broker.Store { return opened(t, cfg) },
	}
}

// everythingExpires checks that no key stays for ever.
func everythingExpires(t testing.TB, m *miniredis.Miniredis) {
	t.Helper()
	for _, key := range m.Keys() {
		if m.TTL(key) <= 0 {
			t.Errorf("key %.20q... does not expire", key)
		}
	}
}

func TestStore(t *testing.T) { storetest.Run(t, env) }

func TestModel(t *testing.T) { storetest.Model(t, env) }

func TestLimits(t *testing.T) { storetest.Limits(t, env) }

func TestLimitsModel(t *testing.T) { storetest.LimitsModel(t, env) }

func TestOutbox(t *testing.T) { storetest.Outbox(t, env) }

// TestD44ACrowdLeavesInBatches: what has expired is not counted, and each new
// session clears a part of it away.
func TestD44ACrowdLeavesInBatches(t *testing.T) {
	const n, batch = 1000, 256
	m, clock := newMini(t), testclock.New()
	m.SetTime(clock.Now())
	s := opened(t, redis.Config{URL: url(m), MaxSessions: n, Now: clock.Now})
	made := 0
	create := func(life time.Duration) error {
		made++
		return s.Create(t.Context(), broker.Session{
			ID: fmt.Sprint(made), Code: secret.New(fmt.Sprint("CODE", made)), Expires: clock.Now().Add(life),
		})
	}
	for range n {
		if err := create(time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	if err := create(time.Minute); !errors.Is(err, broker.ErrFull) {
		t.Errorf("Create = %v, want ErrFull", err)
	}
	clock.Advance(time.Minute)
	m.SetTime(clock.Now())
	m.FastForward(time.Minute - time.Second) // the list is there for the sake of this test
	for round := range 5 {
		if err := create(time.Hour); err != nil {
			t.Fatal(err)
		}
		if round == 0 {
			m.FastForward(time.Second)
		}
		listed, err := m.ZMembers("{linkauth}:live")
		if want := max(0, n-(round+1)*batch) + round + 1; err != nil || len(listed) != want {
			t.Errorf("%d sessions are listed after creation %d, %v; want %d", len(listed), round+1, err, want)
		}
		if count, err := s.Count(t.Context()); err != nil || count != round+1 {
			t.Errorf("Count = %d, %v; want %d", count, err, round+1)
		}
	}
}
