package sqlite_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"linkmail/broker"
	"linkmail/broker/sqlite"
	"linkmail/broker/storetest"
	"linkmail/internal/secret"
	"linkmail/internal/testclock"
)

// testKey is the key of all databases of the tests, so that a second process
// has it too.
var testKey = secret.New("a2V5LW9mLXRoZS1zcWxpdGUtc3RvcmUtdGVzdHMtMzI=")

func TestMain(m *testing.M) {
	storetest.Serve(func(ctx context.Context, path string) (broker.Store, error) {
		return open(ctx, sqlite.Config{Path: path, SweepEvery: time.Millisecond})
	})
	os.Exit(m.Run())
}

func open(ctx context.Context, cfg sqlite.Config) (*sqlite.Store, error) {
	sealer, err := broker.NewSealer(testKey)
	if err != nil {
		return nil, err
	}
	cfg.Sealer = sealer
	return sqlite.Open(ctx, cfg)
}

// opened is a store that ends with the test. It is not swept by itself if
// SweepEvery is zero.
func opened(t *testing.T, cfg sqlite.Config) *sqlite.Store {
	t.Helper()
	if cfg.SweepEvery == 0 {
		cfg.SweepEvery = time.Hour
	}
	s, err := open(t.Context(), cfg)
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

// newPath names a database in a directory of its own.
func newPath(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "broker.db")
}

func env(t *testing.T, limit int) storetest.Env {
	t.Helper()
	clock := testclock.New()
	cfg := sqlite.Config{Path: newPath(t), MaxSessions: limit, Now: clock.Now}
	s := opened(t, cfg)
	return storetest.Env{
		Store: s, Now: clock.Now, Advance: clock.Advance, Sweep: s.Sweep,
		Again: func() broker.Store { return opened(t, cfg) },
	}
}

func TestStore(t *testing.T) { storetest.Run(t, env) }

func TestModel(t *testing.T) { storetest.Model(t, env) }

func TestLimits(t *testing.T) { storetest.Limits(t, env) }

func TestLimitsModel(t *testing.T) { storetest.LimitsModel(t, env) }

func TestD41TheClockJumps(t *testing.T) { storetest.Jumps(t, env) }

func TestOutbox(t *testing.T) { storetest.Outbox(t, env) }
