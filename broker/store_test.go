package broker_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"linkmail/broker"
	"linkmail/internal/secret"
)

// testStore is what every store has to pass.
func testStore(t *testing.T, open func(t *testing.T, limit int, now func() time.Time) broker.Store) {
	ctx := context.Background()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	session := func(n int) broker.Session {
		return broker.Session{
			ID: fmt.Sprintf("id-%d", n), Code: secret.New(fmt.Sprintf("CODE%d", n)), State: broker.Pending,
			Expires: now.Add(time.Minute), Scopes: []string{"a"}, Params: map[string]string{"a": "b"},
		}
	}
	digest := func(n byte) broker.Digest { return broker.Digest{n} }
	opened := func(t *testing.T) (broker.Store, *clock) {
		c := &clock{now: now}
		return open(t, 100, c.Now), c
	}
	create := func(t *testing.T, s broker.Store, session broker.Session) {
		t.Helper()
		if err := s.Create(ctx, session); err != nil {
			t.Fatal(err)
		}
	}

	t.Run("finds a session by id, code and state", func(t *testing.T) {
		s, _ := opened(t)
		one := session(1)
		one.StateDigest = digest(1)
		create(t, s, one)
		for _, ref := range []broker.Ref{{ID: one.ID}, {Code: one.CodeDigest()}, {State: digest(1)}} {
			got, err := s.Find(ctx, ref)
			if err != nil || got.ID != one.ID || got.Code.Reveal() != "CODE1" {
				t.Errorf("Find(%v) = %+v, %v", ref, got, err)
			}
		}
		for _, ref := range []broker.Ref{{}, {ID: "x"}, {Code: digest(9)}, {State: digest(9)}} {
			if _, err := s.Find(ctx, ref); !errors.Is(err, broker.ErrNoSession) {
				t.Errorf("Find(%v) = %v, want ErrNoSession", ref, err)
			}
		}
		if _, err := s.Update(ctx, "x", func(*broker.Session) error { return nil }); !errors.Is(err, broker.ErrNoSession) {
			t.Errorf("Update = %v, want ErrNoSession", err)
		}
	})
	t.Run("finds a session by the state it was given later, and not by the old one", func(t *testing.T) {
		s, _ := opened(t)
		one := session(1)
		one.StateDigest = digest(1)
		create(t, s, one)
		if _, err := s.Update(ctx, one.ID, func(s *broker.Session) error { s.StateDigest = digest(2); return nil }); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Find(ctx, broker.Ref{State: digest(2)}); err != nil || got.ID != one.ID {
			t.Errorf("Find by the new state = %v, %v", got.ID, err)
		}
		if _, err := s.Find(ctx, broker.Ref{State: digest(1)}); !errors.Is(err, broker.ErrNoSession) {
			t.Errorf("Find by the old state = %v, want ErrNoSession", err)
		}
	})
	t.Run("refuses a code or a state that a live session has", func(t *testing.T) {
		s, c := opened(t)
		one := session(1)
		one.StateDigest = digest(1)
		create(t, s, one)
		two, three := session(1), session(3)
		two.ID, three.StateDigest = "id-2", digest(1)
		if err := s.Create(ctx, two); !errors.Is(err, broker.ErrCodeTaken) {
			t.Errorf("Create with the same code = %v, want ErrCodeTaken", err)
		}
		if err := s.Create(ctx, three); !errors.Is(err, broker.ErrStateTaken) {
			t.Errorf("Create with the same state = %v, want ErrStateTaken", err)
		}
		c.Advance(time.Minute)
		two.Expires, three.Expires = now.Add(2*time.Minute), now.Add(2*time.Minute)
		create(t, s, two)
		create(t, s, three)
		if got, err := s.Find(ctx, broker.Ref{State: digest(1)}); err != nil || got.ID != three.ID {
			t.Errorf("Find = %v, %v; want the newer session", got.ID, err)
		}
	})
	t.Run("keeps a newer session when an older one with the same state is swept", func(t *testing.T) {
		s, c := opened(t)
		old := session(0)
		old.StateDigest = digest(1)
		create(t, s, old)
		for i := range 90 { // ahead of the old one in the queue
			filler := session(i + 1)
			filler.Expires = now.Add(30 * time.Second)
			create(t, s, filler)
		}
		c.Advance(time.Minute)
		newer := session(0)
		newer.ID, newer.StateDigest, newer.Expires = "newer", digest(1), now.Add(time.Hour)
		create(t, s, newer)
		for range 3 {
			if _, err := s.Count(ctx); err != nil {
				t.Fatal(err)
			}
		}
		for _, ref := range []broker.Ref{{State: digest(1)}, {Code: newer.CodeDigest()}} {
			if got, err := s.Find(ctx, ref); err != nil || got.ID != "newer" {
				t.Errorf("Find(%v) = %q, %v; want the newer session", ref, got.ID, err)
			}
		}
	})
	t.Run("gives and takes copies", func(t *testing.T) {
		s, _ := opened(t)
		one := session(1)
		create(t, s, one)
		one.Scopes[0], one.Params["a"] = "changed", "changed"
		got, err := s.Find(ctx, broker.Ref{ID: one.ID})
		if err != nil {
			t.Fatal(err)
		}
		got.Scopes[0], got.Params["a"] = "changed", "changed"
		again, err := s.Find(ctx, broker.Ref{ID: one.ID})
		if err != nil || again.Scopes[0] != "a" || again.Params["a"] != "b" {
			t.Errorf("Find = %+v, %v", again, err)
		}
	})
	t.Run("stores nothing of a change that fails", func(t *testing.T) {
		s, _ := opened(t)
		create(t, s, session(1))
		want := errors.New("no")
		_, err := s.Update(ctx, "id-1", func(s *broker.Session) error {
			s.State, s.Scopes[0] = broker.Ready, "changed"
			return want
		})
		got, findErr := s.Find(ctx, broker.Ref{ID: "id-1"})
		if !errors.Is(err, want) || findErr != nil || got.State != broker.Pending || got.Scopes[0] != "a" {
			t.Errorf("Update = %v, then %+v, %v", err, got, findErr)
		}
	})
	t.Run("loses no change of 64 at once", func(t *testing.T) {
		s, _ := opened(t)
		create(t, s, session(1))
		var wg sync.WaitGroup
		for range 64 {
			wg.Go(func() {
				_, err := s.Update(ctx, "id-1", func(s *broker.Session) error { s.Failure += "x"; return nil })
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if got, err := s.Find(ctx, broker.Ref{ID: "id-1"}); err != nil || len(got.Failure) != 64 {
			t.Errorf("%d changes, %v; want 64", len(got.Failure), err)
		}
	})
	t.Run("has room again when sessions expire", func(t *testing.T) {
		s, c := opened(t)
		for i := range 100 {
			create(t, s, session(i))
		}
		more := session(100)
		more.Expires = now.Add(time.Hour)
		if err := s.Create(ctx, more); !errors.Is(err, broker.ErrFull) {
			t.Errorf("Create = %v, want ErrFull", err)
		}
		c.Advance(time.Minute)
		create(t, s, more)
		for range 3 { // expired sessions go in batches
			if _, err := s.Count(ctx); err != nil {
				t.Fatal(err)
			}
		}
		if n, err := s.Count(ctx); err != nil || n != 1 {
			t.Errorf("Count = %d, %v; want 1", n, err)
		}
		if _, err := s.Find(ctx, broker.Ref{ID: "id-1"}); !errors.Is(err, broker.ErrNoSession) {
			t.Errorf("Find = %v, want ErrNoSession", err)
		}
	})
}

func TestMemory(t *testing.T) {
	testStore(t, func(_ *testing.T, limit int, now func() time.Time) broker.Store {
		return broker.NewMemory(broker.MemoryConfig{MaxSessions: limit, Now: now})
	})
}

func TestStoreFaultsAreUnavailability(t *testing.T) {
	r := newRig(t, func(cfg *broker.Config) { cfg.Store = broken{} })
	r.tryCreate(nil).problem(500)
	r.send("GET", "/v1/connect/AAAAA-AAAAA", "").problem(500)
	r.send("GET", "/readyz", "").problem(503)
	r.send("GET", "/healthz", "").want(200)
	if log := r.log.String(); !contains(log, "request failed") || contains(log, "canary") {
		t.Errorf("log:\n%s", log)
	}
}

// broken is a store that is down.
type broken struct{}

var errDown = errors.New("dial canary: connection refused")

func (broken) Create(context.Context, broker.Session) error { return errDown }
func (broken) Find(context.Context, broker.Ref) (broker.Session, error) {
	return broker.Session{}, errDown
}
func (broken) Count(context.Context) (int, error) { return 0, errDown }
func (broken) Update(context.Context, string, func(*broker.Session) error) (broker.Session, error) {
	return broker.Session{}, errDown
}
