// Package storetest holds what every [broker.Store] has to pass: the suite for
// one store ([Run]), races of one and of several processes ([Race]), a model
// that random flows are compared with ([Model]), and processes that are killed
// at a chosen step ([Kill], [KillLogin]).
//
// The tests of a store call these with a way to make one. They go through the
// broker's HTTP API wherever a transition is meant, because that is what has to
// hold.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"linkmail/broker"
	"linkmail/broker/wire"
	"linkmail/internal/secret"
)

// Env is a store under test and its surroundings.
type Env struct {
	Store broker.Store
	// Again opens what Store keeps once more, as another process would. Nil
	// means that nobody can.
	Again func() broker.Store
	// Now is the clock that the store was made with; nil means time.Now.
	Now func() time.Time
	// Advance lets time pass, for the clock and for the store.
	Advance func(d time.Duration)
	// Sweep removes what has expired; nil means that time alone does, or that
	// every call does some of it.
	Sweep func(ctx context.Context) error
	// Life is how long the sessions of the suite live; zero means a minute.
	Life time.Duration
}

// suite is one run of one test on an Env.
type suite struct {
	*testing.T
	Env
}

// newSuite fills in what an Env leaves out.
func newSuite(t *testing.T, env Env) suite {
	if env.Life == 0 {
		env.Life = time.Minute
	}
	if env.Now == nil {
		env.Now = time.Now
	}
	return suite{t, env}
}

// Run runs the suite. open makes an empty store that holds at most limit
// sessions.
func Run(t *testing.T, open func(t *testing.T, limit int) Env) {
	t.Helper()
	for name, test := range map[string]func(suite){
		"finds a session by id, code and state":                                 suite.finds,
		"keeps every field of a session":                                        suite.keepsFields,
		"finds a session by the state it was given later, and not by the old":   suite.findsByNewState,
		"refuses a code or a state that a live session has":                     suite.refusesTaken,
		"refuses a change to the state of another session":                      suite.refusesTakenLater,
		"keeps a newer session when an older one with the same state is swept":  suite.keepsNewer,
		"gives and takes copies":                                                suite.copies,
		"stores nothing of a change that fails":                                 suite.failedChange,
		"loses no change of 64 at once":                                         suite.manyChanges,
		"lets one of 64 creations have a code":                                  suite.manyCreations,
		"has room again when sessions expire":                                   suite.room,
		"forgets a session that has expired":                                    suite.forgets,
		"says that a session is gone that was removed while a change ran on it": suite.goneMeanwhile,
	} {
		t.Run(name, func(t *testing.T) {
			test(newSuite(t, open(t, 100)))
		})
	}
}

// Digest returns a digest that no other n has.
func Digest(n byte) broker.Digest { return broker.Digest{n} }

func (s suite) session(n int) broker.Session {
	return broker.Session{
		ID: fmt.Sprintf("id-%d", n), Code: secret.New(fmt.Sprintf("CODE%d", n)), State: broker.Pending,
		Created: s.Now(), Expires: s.Now().Add(s.Life), Scopes: []string{"a"}, Params: map[string]string{"a": "b"},
	}
}

func (s suite) create(session broker.Session) {
	s.Helper()
	if err := s.Store.Create(s.Context(), session); err != nil {
		s.Fatal(err)
	}
}

func (s suite) change(id string, change func(*broker.Session)) {
	s.Helper()
	_, err := s.Store.Update(s.Context(), id, func(session *broker.Session) error { change(session); return nil })
	if err != nil {
		s.Fatal(err)
	}
}

func (s suite) sweep() {
	s.Helper()
	if s.Sweep == nil {
		return
	}
	if err := s.Sweep(s.Context()); err != nil {
		s.Fatal(err)
	}
}

func (s suite) wantID(ref broker.Ref, id string) {
	s.Helper()
	if got, err := s.Store.Find(s.Context(), ref); err != nil || got.ID != id {
		s.Errorf("Find(%v) = %q, %v; want %q", ref, got.ID, err, id)
	}
}

func (s suite) wantNone(ref broker.Ref) {
	s.Helper()
	if got, err := s.Store.Find(s.Context(), ref); !errors.Is(err, broker.ErrNoSession) {
		s.Errorf("Find(%v) = %q, %v; want ErrNoSession", ref, got.ID, err)
	}
}

func (s suite) finds() {
	one := s.session(1)
	one.StateDigest = Digest(1)
	s.create(one)
	for _, ref := range []broker.Ref{{ID: one.ID}, {Code: one.CodeDigest()}, {State: Digest(1)}} {
		s.wantID(ref, one.ID)
	}
	for _, ref := range []broker.Ref{{}, {ID: "x"}, {Code: Digest(9)}, {State: Digest(9)}} {
		s.wantNone(ref)
	}
	_, err := s.Store.Update(s.Context(), "x", func(*broker.Session) error { return nil })
	if !errors.Is(err, broker.ErrNoSession) {
		s.Errorf("Update = %v, want ErrNoSession", err)
	}
	if n, err := s.Store.Count(s.Context()); err != nil || n != 1 {
		s.Errorf("Count = %d, %v; want 1", n, err)
	}
}

func (s suite) keepsFields() {
	required := false
	one := s.session(1)
	one.KeyName, one.Kind, one.DisplayName, one.PublicKey = "key", broker.OAuth, "näme\u2603", "pub"
	one.Poll, one.Connect, one.Browser, one.StateDigest = Digest(1), Digest(2), Digest(3), Digest(4)
	one.Target, one.Verifier = secret.New("target"), secret.New("verifier")
	one.Fields = []wire.Field{{Name: "a", Required: &required, Options: []string{"x"}}}
	one.Ciphertext, one.Failure, one.Provider, one.Wanted = "envelope", "failure", "provider", []string{"w"}
	s.create(one)
	got, err := s.Store.Find(s.Context(), broker.Ref{ID: one.ID})
	if err != nil {
		s.Fatal(err)
	}
	for what, same := range map[string]bool{
		"texts":   got.KeyName == one.KeyName && got.Kind == one.Kind && got.DisplayName == one.DisplayName && got.PublicKey == one.PublicKey && got.Provider == one.Provider,
		"digests": got.Poll == one.Poll && got.Connect == one.Connect && got.Browser == one.Browser && got.StateDigest == one.StateDigest,
		"secrets": got.Code.Equal(one.Code) && got.Target.Equal(one.Target) && got.Verifier.Equal(one.Verifier),
		"times":   got.Created.Equal(one.Created) && got.Expires.Equal(one.Expires) && got.Polled.IsZero(),
		"outcome": got.State == one.State && got.Ciphertext == one.Ciphertext && got.Failure == one.Failure,
		"lists":   len(got.Fields) == 1 && got.Fields[0].Name == "a" && !*got.Fields[0].Required && len(got.Wanted) == 1 && len(got.Scopes) == 1,
		"params":  got.Params["a"] == "b",
	} {
		if !same {
			s.Errorf("%s differ: got %+v, want %+v", what, got, one)
		}
	}
}

func (s suite) findsByNewState() {
	one := s.session(1)
	one.StateDigest = Digest(1)
	s.create(one)
	s.change(one.ID, func(s *broker.Session) { s.StateDigest = Digest(2) })
	s.wantID(broker.Ref{State: Digest(2)}, one.ID)
	s.wantNone(broker.Ref{State: Digest(1)})
	s.change(one.ID, func(s *broker.Session) { s.StateDigest = broker.Digest{} })
	s.wantNone(broker.Ref{State: Digest(2)})
}

func (s suite) refusesTaken() {
	one := s.session(1)
	one.StateDigest = Digest(1)
	s.create(one)
	two, three := s.session(1), s.session(3)
	two.ID, three.StateDigest = "id-2", Digest(1)
	if err := s.Store.Create(s.Context(), two); !errors.Is(err, broker.ErrCodeTaken) {
		s.Errorf("Create with the same code = %v, want ErrCodeTaken", err)
	}
	if err := s.Store.Create(s.Context(), three); !errors.Is(err, broker.ErrStateTaken) {
		s.Errorf("Create with the same state = %v, want ErrStateTaken", err)
	}
	s.Advance(s.Life)
	two.Expires, three.Expires = s.Now().Add(s.Life), s.Now().Add(s.Life)
	s.create(two)
	s.create(three)
	s.wantID(broker.Ref{State: Digest(1)}, three.ID)
}

func (s suite) refusesTakenLater() {
	one, two := s.session(1), s.session(2)
	one.StateDigest = Digest(1)
	s.create(one)
	s.create(two)
	_, err := s.Store.Update(s.Context(), two.ID, func(s *broker.Session) error { s.StateDigest = Digest(1); return nil })
	if !errors.Is(err, broker.ErrStateTaken) {
		s.Errorf("Update = %v, want ErrStateTaken", err)
	}
	s.wantID(broker.Ref{State: Digest(1)}, one.ID)
}

func (s suite) keepsNewer() {
	old := s.session(0)
	old.StateDigest = Digest(1)
	s.create(old)
	for i := range 90 { // ahead of the old one in the queue
		filler := s.session(i + 1)
		filler.Expires = s.Now().Add(s.Life / 2)
		s.create(filler)
	}
	s.Advance(s.Life)
	newer := s.session(0)
	newer.ID, newer.StateDigest, newer.Expires = "newer", Digest(1), s.Now().Add(time.Hour)
	s.create(newer)
	s.sweep()
	for range 3 {
		if _, err := s.Store.Count(s.Context()); err != nil {
			s.Fatal(err)
		}
	}
	s.wantID(broker.Ref{State: Digest(1)}, "newer")
	s.wantID(broker.Ref{Code: newer.CodeDigest()}, "newer")
}

func (s suite) copies() {
	one := s.session(1)
	s.create(one)
	one.Scopes[0], one.Params["a"] = "changed", "changed"
	got, err := s.Store.Find(s.Context(), broker.Ref{ID: one.ID})
	if err != nil {
		s.Fatal(err)
	}
	got.Scopes[0], got.Params["a"] = "changed", "changed"
	again, err := s.Store.Find(s.Context(), broker.Ref{ID: one.ID})
	if err != nil || again.Scopes[0] != "a" || again.Params["a"] != "b" {
		s.Errorf("Find = %+v, %v", again, err)
	}
}

func (s suite) failedChange() {
	s.create(s.session(1))
	want := errors.New("no")
	_, err := s.Store.Update(s.Context(), "id-1", func(s *broker.Session) error {
		s.State, s.Scopes[0] = broker.Ready, "changed"
		return want
	})
	got, findErr := s.Store.Find(s.Context(), broker.Ref{ID: "id-1"})
	if !errors.Is(err, want) || findErr != nil || got.State != broker.Pending || got.Scopes[0] != "a" {
		s.Errorf("Update = %v, then %+v, %v", err, got, findErr)
	}
}

func (s suite) manyChanges() {
	s.Life = time.Minute // of the real clock, where that is the store's
	s.create(s.session(1))
	stores := []broker.Store{s.Store}
	if s.Again != nil {
		stores = append(stores, s.Again())
	}
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			_, err := stores[i%len(stores)].Update(s.Context(), "id-1", func(s *broker.Session) error { s.Failure += "x"; return nil })
			if err != nil {
				s.Error(err)
			}
		})
	}
	wg.Wait()
	if got, err := s.Store.Find(s.Context(), broker.Ref{ID: "id-1"}); err != nil || len(got.Failure) != 64 {
		s.Errorf("%d changes, %v; want 64", len(got.Failure), err)
	}
}

func (s suite) manyCreations() {
	s.Life = time.Minute
	stores := []broker.Store{s.Store}
	if s.Again != nil {
		stores = append(stores, s.Again())
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	made := 0
	for i := range 64 {
		session := s.session(1)
		session.ID = fmt.Sprintf("racer-%d", i)
		wg.Go(func() {
			err := stores[i%len(stores)].Create(s.Context(), session)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				made++
			case !errors.Is(err, broker.ErrCodeTaken):
				s.Error(err)
			}
		})
	}
	wg.Wait()
	if n, err := s.Store.Count(s.Context()); made != 1 || n != 1 || err != nil {
		s.Errorf("%d were made, Count = %d, %v; want 1", made, n, err)
	}
}

func (s suite) room() {
	for i := range 100 {
		session := s.session(i)
		session.Expires = s.Now().Add(max(s.Life, time.Second))
		s.create(session)
	}
	more := s.session(100)
	more.Expires = s.Now().Add(time.Hour)
	if err := s.Store.Create(s.Context(), more); !errors.Is(err, broker.ErrFull) {
		s.Errorf("Create = %v, want ErrFull", err)
	}
	s.Advance(max(s.Life, time.Second))
	s.create(more)
	s.sweep()
	for range 3 { // where expired sessions go in batches
		if _, err := s.Store.Count(s.Context()); err != nil {
			s.Fatal(err)
		}
	}
	if n, err := s.Store.Count(s.Context()); err != nil || n != 1 {
		s.Errorf("Count = %d, %v; want 1", n, err)
	}
	s.wantNone(broker.Ref{ID: "id-1"})
}

func (s suite) forgets() {
	one := s.session(1)
	one.StateDigest = Digest(1)
	s.create(one)
	s.Advance(s.Life)
	s.sweep()
	if _, err := s.Store.Count(s.Context()); err != nil {
		s.Fatal(err)
	}
	for _, ref := range []broker.Ref{{ID: one.ID}, {Code: one.CodeDigest()}, {State: Digest(1)}} {
		s.wantNone(ref)
	}
	_, err := s.Store.Update(s.Context(), one.ID, func(*broker.Session) error { return nil })
	if !errors.Is(err, broker.ErrNoSession) {
		s.Errorf("Update = %v, want ErrNoSession", err)
	}
}

// goneMeanwhile holds for stores that do not lock while a change runs; the
// others are asked only whether the next change finds nothing.
func (s suite) goneMeanwhile() {
	if s.Again == nil {
		s.Skip("changes of this store run under its lock")
	}
	s.create(s.session(1))
	other := s.Again()
	changes := 0
	_, err := s.Store.Update(s.Context(), "id-1", func(session *broker.Session) error {
		if changes++; changes == 1 {
			s.Advance(s.Life)
			s.sweep()
			if _, err := other.Count(s.Context()); err != nil {
				s.Error(err)
			}
		}
		session.Failure = "late"
		return nil
	})
	if !errors.Is(err, broker.ErrNoSession) {
		s.Errorf("Update = %v, want ErrNoSession", err)
	}
	s.wantNone(broker.Ref{ID: "id-1"})
}
