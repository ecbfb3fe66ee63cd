package broker_test

import (
	"context"
	"maps"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"linkmail/broker"
	"linkmail/broker/storetest"
)

// asked is a store that counts what it is asked, and that can be made to count
// nothing for its clients any more.
type asked struct {
	broker.Store
	mu      sync.Mutex
	calls   map[string]int
	without map[string]bool // calls that fail
}

func newAsked(store broker.Store) *asked {
	return &asked{Store: store, calls: make(map[string]int), without: make(map[string]bool)}
}

func (s *asked) note(call string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[call]++
	if s.without[call] {
		return errAway
	}
	return nil
}

func (s *asked) Create(ctx context.Context, session broker.Session) error {
	_ = s.note("Create")
	return s.Store.Create(ctx, session)
}

func (s *asked) Find(ctx context.Context, ref broker.Ref) (broker.Session, error) {
	_ = s.note("Find")
	return s.Store.Find(ctx, ref)
}

func (s *asked) Update(ctx context.Context, id string, change func(*broker.Session) error) (broker.Session, error) {
	_ = s.note("Update")
	return s.Store.Update(ctx, id, change)
}

func (s *asked) Count(ctx context.Context) (int, error) {
	_ = s.note("Count")
	return s.Store.Count(ctx)
}

func (s *asked) Take(ctx context.Context, perMinute int, buckets ...broker.Digest) (time.Duration, error) {
	if err := s.note("Take"); err != nil {
		return 0, err
	}
	return s.Store.Take(ctx, perMinute, buckets...)
}

func (s *asked) Guess(ctx context.Context, g broker.Guess) (broker.Turn, error) {
	if err := s.note("Guess"); err != nil {
		return broker.Turn{}, err
	}
	return s.Store.Guess(ctx, g)
}

func (s *asked) Hit(ctx context.Context, g broker.Guess, c broker.Charge) error {
	if err := s.note("Hit"); err != nil {
		return err
	}
	return s.Store.Hit(ctx, g, c)
}

// askedRig is a broker over such a store.
func askedRig(t *testing.T, change func(*broker.Config)) (*rig, *asked) {
	t.Helper()
	var store *asked
	r := newRig(t, func(cfg *broker.Config) {
		store = newAsked(broker.NewMemory(broker.MemoryConfig{Now: cfg.Now}))
		cfg.Store, cfg.SessionsPerMinute = store, 30
		if change != nil {
			change(cfg)
		}
	})
	return r, store
}

func TestWhatARequestAsksOfTheStore(t *testing.T) {
	r, store := askedRig(t, nil)
	want := func(what string, want map[string]int) {
		t.Helper()
		store.mu.Lock()
		defer store.mu.Unlock()
		if !maps.Equal(store.calls, want) {
			t.Errorf("%s: %v, want %v", what, store.calls, want)
		}
		clear(store.calls)
	}
	a := r.create(nil)
	want("create", map[string]int{"Take": 1, "Count": 1, "Create": 1})
	a.pollNow().want(200)
	want("poll", map[string]int{"Update": 1})
	a.pollNow().want(429)
	want("poll too soon", map[string]int{"Update": 1})
	r.send("GET", "/v1/connect/"+a.created.Code, "").want(200)
	want("the page", map[string]int{"Guess": 1, "Find": 1, "Hit": 1})
	r.send("GET", "/v1/connect/"+a.created.Code, "").want(200)
	want("the page again", map[string]int{"Guess": 1, "Find": 1})
	r.send("GET", "/v1/connect/AAAAA-AAAAA", "").want(404)
	want("a wrong code", map[string]int{"Guess": 1, "Find": 1})
	r.person().confirm(a)
	want("confirm", map[string]int{"Guess": 1, "Find": 1, "Update": 1})
	for range broker.TestGuessesPerAddress {
		r.send("GET", "/v1/connect/AAAAA-AAAAA", "")
	}
	clear(store.calls)
	r.send("GET", "/v1/connect/"+a.created.Code, "").want(429)
	want("a code from a stopped address", map[string]int{"Guess": 1})
}

func TestNothingIsAdmittedThatCannotBeCounted(t *testing.T) {
	idp := newIDP(t)
	r, store := askedRig(t, withIDP(idp))
	a := r.create(nil)
	path := "/v1/connect/" + a.created.Code
	without := func(calls ...string) {
		store.mu.Lock()
		defer store.mu.Unlock()
		clear(store.without)
		for _, call := range calls {
			store.without[call] = true
		}
	}

	without("Take", "Guess")
	refused := []answer{
		r.tryCreate(nil), r.trade("/v1/oauth/refresh", nil),
		r.send("GET", path, ""), r.send("POST", path+"/confirm", ""), r.send("GET", path+"/status", ""),
	}
	for _, got := range refused {
		if got.problem(503); got.header.Get("Retry-After") == "" {
			t.Errorf("no Retry-After in %v", got.header)
		}
	}
	if n := len(idp.exchanges()); n != 0 {
		t.Errorf("%d tokens were asked for", n)
	}
	a.pollNow().want(200) // polls are counted in their session

	// A hit that cannot be noted: nobody is let in, and the guess stays
	// charged.
	without("Hit")
	for range broker.TestGuessesPerAddress {
		r.send("POST", path+"/confirm", "").problem(503)
	}
	r.send("POST", path+"/confirm", "").problem(429)
	without()
	r.send("POST", path+"/confirm", "").problem(429)
	r.clock.Advance(9 * time.Minute)
	if got := a.pollNow(); got.status != 200 || contains(got.body, "confirmed") {
		t.Errorf("poll = %d %s", got.status, got.body)
	}
}

// TestParallelRightCodesAreAllAnswered: what is charged and will be taken back
// is no reason to refuse the others of the same address.
func TestParallelRightCodesAreAllAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &slowStore{Store: broker.NewMemory(broker.MemoryConfig{}), release: make(chan struct{})}
		b, err := storetest.NewBroker("", store, nil)
		if err != nil {
			t.Fatal(err)
		}
		front := storetest.NewFront(b.Handler())
		flow, _, err := front.Create("", 0)
		if err != nil {
			t.Fatal(err)
		}
		for range broker.TestGuessesPerAddress / 2 { // some misses are there already
			if err := b.Guess(netip.MustParseAddr("127.0.0.1"), "guess"); err != nil {
				t.Fatal(err)
			}
		}
		var all sync.WaitGroup
		for range 64 {
			all.Go(func() {
				if status, err := front.Look(&flow); err != nil || status != 200 {
					t.Errorf("look: %d, %v; want 200", status, err)
				}
			})
		}
		synctest.Wait()
		if got := store.looking.Load(); got != broker.TestGuessesPerAddress/2 {
			t.Errorf("%d codes are looked up at once, want %d", got, broker.TestGuessesPerAddress/2)
		}
		close(store.release)
		all.Wait()
		if lines := b.Lines(); lines != 0 {
			t.Errorf("%d addresses wait for something that has ended", lines)
		}
	})
}

func TestARequestThatIsGivenUpLeavesTheLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &slowStore{Store: broker.NewMemory(broker.MemoryConfig{}), release: make(chan struct{})}
		b, err := storetest.NewBroker("", store, nil)
		if err != nil {
			t.Fatal(err)
		}
		front := storetest.NewFront(b.Handler())
		wrong := storetest.Flow{}
		wrong.Code = "AAAAA-AAAAA"
		var all sync.WaitGroup
		for range broker.TestGuessesPerAddress {
			all.Go(func() { _, _ = front.Look(&wrong) })
		}
		synctest.Wait()
		ctx, stop := context.WithCancel(t.Context())
		all.Go(func() {
			if err := b.GuessFor(ctx, netip.MustParseAddr("127.0.0.1"), "guess"); err == nil {
				t.Error("an eleventh guess is answered")
			}
		})
		synctest.Wait()
		stop()
		synctest.Wait()
		close(store.release)
		all.Wait()
		if lines := b.Lines(); lines != 0 {
			t.Errorf("%d addresses wait for something that has ended", lines)
		}
	})
}
