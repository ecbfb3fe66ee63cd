package storetest

import (
	"errors"
	"slices"
	"testing"
	"time"

	"linkmail/broker"
	"linkmail/internal/secret"
)

// Outbox is what a store passes that is a [broker.Outbox].
func Outbox(t *testing.T, open func(t *testing.T, limit int) Env) {
	t.Helper()
	env := open(t, 100)
	store, ok := env.Store.(broker.Outbox)
	if !ok {
		t.Fatalf("%T is no Outbox", env.Store)
	}
	start := env.Now()
	for _, id := range []string{"nothing", "due", "settled", "later"} {
		s := broker.Session{
			ID: id, Code: secret.New("CODE" + id), Kind: broker.Form, State: broker.Pending,
			Created: start, Expires: start.Add(5 * time.Minute), Callback: secret.New("https://agent.example/"),
		}
		if err := env.Store.Create(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	set := func(id string, due time.Time) {
		t.Helper()
		_, err := env.Store.Update(t.Context(), id, func(s *broker.Session) error {
			s.Due = due
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	want := func(limit int, ids ...string) {
		t.Helper()
		got, err := store.Owing(t.Context(), env.Now(), limit)
		slices.Sort(got)
		if err != nil || !slices.Equal(got, ids) {
			t.Errorf("Owing = %v, %v; want %v", got, err, ids)
		}
	}
	want(10)
	set("due", start)
	set("settled", start)
	set("later", start.Add(time.Minute))
	want(10, "due", "settled")
	set("settled", time.Time{})
	want(10, "due")

	env.Advance(2 * time.Minute)
	want(10, "due", "later")
	if got, err := store.Owing(t.Context(), env.Now(), 1); err != nil || len(got) != 1 {
		t.Errorf("Owing of at most one = %v, %v", got, err)
	}
	s, err := env.Store.Find(t.Context(), broker.Ref{ID: "later"})
	if err != nil || s.Due.Sub(start).Abs().Round(time.Second) != time.Minute || s.Callback.Reveal() != "https://agent.example/" {
		t.Errorf("Find = due after %v, %q, %v", s.Due.Sub(start), s.Callback.Reveal(), err)
	}

	env.Advance(4 * time.Minute)
	want(10) // they have expired
	if _, err := env.Store.Update(t.Context(), "gone", func(*broker.Session) error { return nil }); !errors.Is(err, broker.ErrNoSession) {
		t.Errorf("Update = %v, want ErrNoSession", err)
	}
}
