package storetest

import (
	"context"
	"crypto/sha256"
	"fmt"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"linkmail/broker"
)

// Limits is what every store passes as [broker.Limits]. open makes an empty
// store that holds at most limit sessions.
func Limits(t *testing.T, open func(t *testing.T, limit int) Env) {
	t.Helper()
	for name, test := range map[string]func(limits){
		"fills a bucket again event by event":                         limits.fills,
		"takes from all buckets or from none":                         limits.allOrNone,
		"forgets the misses of an address one by one":                 limits.oneByOne,
		"knows what an address has known, unless it is stopped":       limits.knows,
		"stops new addresses when all together have missed too often": limits.together,
		"divides the budget by the sessions that are live":            limits.divides,
		"takes a charge back once, and in its window":                 limits.takesBack,
		"remembers no more than it may":                               limits.remembers,
		"admits no more at once than in a row":                        limits.atOnce,
		"forgets everything when it is over":                          limits.ends,
	} {
		t.Run(name, func(t *testing.T) {
			s := newSuite(t, open(t, 100))
			window := 6 * s.Life
			t.Parallel() // where time cannot be set, each waits for it
			test(limits{s, broker.Budget{
				PerAddress: 3, Shared: 1000, Least: 1, Window: window, Memory: 2 * window, MaxKnown: 100,
			}})
		})
	}
}

type limits struct {
	suite
	budget broker.Budget
}

// name is a digest that no other text has.
func name(text string) broker.Digest { return sha256.Sum256([]byte(text)) }

func (l limits) guess(address, code string) broker.Guess {
	return broker.Guess{Address: name(address), Pair: name(address + " " + code), Budget: l.budget}
}

// wants guesses and checks the verdict.
func (l limits) wants(g broker.Guess, want broker.Verdict) broker.Turn {
	l.Helper()
	turn, err := l.Store.Guess(l.Context(), g)
	if err != nil || turn.Verdict != want {
		l.Fatalf("Guess = %+v, %v; want %q", turn, err, want)
	}
	if refused := want == broker.Stopped || want == broker.Spent; refused != (turn.Wait > 0) || turn.Wait > l.budget.Window {
		l.Errorf("Guess = %+v; want to be told when to come again, and not if admitted", turn)
	}
	return turn
}

func (l limits) hit(g broker.Guess, turn broker.Turn) {
	l.Helper()
	if err := l.Store.Hit(l.Context(), g, turn.Charge); err != nil {
		l.Fatal(err)
	}
}

func (l limits) take(perMinute int, ok bool, buckets ...string) (wait time.Duration) {
	l.Helper()
	names := make([]broker.Digest, len(buckets))
	for i, bucket := range buckets {
		names[i] = name(bucket)
	}
	wait, err := l.Store.Take(l.Context(), perMinute, names...)
	if err != nil || (wait == 0) != ok || wait < 0 || wait > time.Minute {
		l.Fatalf("Take = %v, %v; want it taken: %v", wait, err, ok)
	}
	return wait
}

func (l limits) fills() {
	const perMinute = 6
	for range perMinute {
		l.take(perMinute, true, "a")
	}
	wait := l.take(perMinute, false, "a")
	l.take(perMinute, true, "b")
	if wait > time.Minute/perMinute {
		l.Errorf("the next event is there in %v, want at most %v", wait, time.Minute/perMinute)
	}
	l.Advance(wait)
	l.take(perMinute, true, "a")
	l.take(perMinute, false, "a")
}

func (l limits) allOrNone() {
	l.take(2, true, "a", "b")
	l.take(2, true, "b")
	l.take(2, false, "a", "b")
	l.take(2, false, "b", "a")
	l.take(2, true, "a") // it was not taken along
	l.take(2, false, "a")
}

func (l limits) oneByOne() {
	for range l.budget.PerAddress {
		l.wants(l.guess("a", "guess"), broker.Charged)
		l.Advance(l.budget.Window / 6)
	}
	l.wants(l.guess("b", "guess"), broker.Charged)
	turn := l.wants(l.guess("a", "another"), broker.Stopped)
	if turn.Wait > l.budget.Window/2 {
		l.Errorf("the oldest miss is forgotten in %v, want at most %v", turn.Wait, l.budget.Window/2)
	}
	l.Advance(turn.Wait)
	l.wants(l.guess("a", "guess"), broker.Charged)
	l.wants(l.guess("a", "guess"), broker.Stopped)
}

func (l limits) knows() {
	right := l.guess("a", "right")
	l.hit(right, l.wants(right, broker.Charged))
	for range 2 * l.budget.PerAddress {
		l.wants(right, broker.Known)
	}
	l.wants(l.guess("b", "right"), broker.Charged)
	l.Advance(l.budget.Window)
	l.wants(right, broker.Known)
	l.Advance(l.budget.Memory - l.budget.Window)
	for range l.budget.PerAddress - 1 {
		l.wants(l.guess("a", "wrong"), broker.Charged)
	}
	l.hit(right, l.wants(right, broker.Charged)) // forgotten, and known again
	l.wants(right, broker.Known)
	l.wants(l.guess("a", "wrong"), broker.Charged)
	l.wants(right, broker.Stopped)
}

func (l limits) together() {
	l.budget.Shared, l.budget.Least, l.budget.PerAddress = 0, 4, 3
	right := l.guess("person", "right")
	l.hit(right, l.wants(right, broker.Charged))
	for n := range l.budget.Least {
		l.wants(l.guess(fmt.Sprint("guesser ", n), "guess"), broker.Charged)
	}
	l.wants(l.guess("somebody", "right"), broker.Spent)
	l.wants(l.guess("guesser 0", "guess"), broker.Spent)
	l.wants(right, broker.Known)
	l.wants(l.guess("person", "next"), broker.Charged) // knew a code lately
	turn := l.wants(l.guess("somebody", "right"), broker.Spent)
	l.Advance(turn.Wait)
	l.wants(l.guess("somebody", "right"), broker.Charged)
}

func (l limits) divides() {
	l.budget.Shared, l.budget.Least, l.budget.PerAddress = 9, 1, 1
	for n := range 2 {
		session := l.session(n)
		session.Expires = l.Now().Add(time.Hour)
		l.create(session)
	}
	for n := range l.budget.Shared / 2 {
		l.wants(l.guess(fmt.Sprint(n), "guess"), broker.Charged)
	}
	l.wants(l.guess("somebody", "guess"), broker.Spent)
}

func (l limits) takesBack() {
	l.budget.Shared, l.budget.Least = 0, 3
	right := l.guess("a", "right")
	turn := l.wants(right, broker.Charged)
	l.wants(l.guess("b", "guess"), broker.Charged)
	for range 3 { // as when an answer was lost
		l.hit(right, turn)
	}
	l.wants(l.guess("b", "guess"), broker.Charged)
	late := l.wants(l.guess("b", "right"), broker.Charged)
	l.wants(l.guess("c", "guess"), broker.Spent)

	l.Advance(l.budget.Window)
	for range 3 {
		l.wants(l.guess("d", "guess"), broker.Charged)
	}
	l.hit(l.guess("b", "right"), late) // changes nothing of this window
	l.wants(l.guess("e", "guess"), broker.Spent)
}

func (l limits) remembers() {
	l.budget.MaxKnown = 6 // three addresses, each with a code
	for n := range 5 {
		g := l.guess(fmt.Sprint(n), "right")
		l.hit(g, l.wants(g, broker.Charged))
	}
	known := 0
	for n := range 5 {
		turn, err := l.Store.Guess(l.Context(), l.guess(fmt.Sprint(n), "right"))
		if err != nil {
			l.Fatal(err)
		}
		if turn.Verdict == broker.Known {
			known++
		}
	}
	if known == 0 || known > l.budget.MaxKnown {
		l.Errorf("%d codes of 5 are known, want a few", known)
	}
}

// stores are the store and another process on the same, if there can be one.
func (l limits) stores() []broker.Store {
	if l.Again == nil {
		return []broker.Store{l.Store}
	}
	return []broker.Store{l.Store, l.Again()}
}

func (l limits) atOnce() {
	l.budget.Shared, l.budget.Least, l.budget.PerAddress = 0, 20, 10
	count := func(step func(store broker.Store, n int) (bool, error)) (admitted int) {
		stores := l.stores()
		var mu sync.Mutex
		var all sync.WaitGroup
		for n := range 64 {
			all.Go(func() {
				ok, err := step(stores[n%len(stores)], n)
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					l.Error(err)
				}
				if ok {
					admitted++
				}
			})
		}
		all.Wait()
		return admitted
	}
	got := count(func(store broker.Store, n int) (bool, error) {
		turn, err := store.Guess(l.Context(), l.guess("a", fmt.Sprint(n)))
		return turn.Verdict == broker.Charged, err
	})
	if got != l.budget.PerAddress {
		l.Errorf("%d guesses of one address are admitted at once, want %d", got, l.budget.PerAddress)
	}
	got = count(func(store broker.Store, n int) (bool, error) {
		turn, err := store.Guess(l.Context(), l.guess(fmt.Sprint(n), "guess"))
		return turn.Verdict == broker.Charged, err
	})
	if want := l.budget.Least - l.budget.PerAddress; got != want {
		l.Errorf("%d guesses of many addresses are admitted at once, want %d", got, want)
	}
	got = count(func(store broker.Store, _ int) (bool, error) {
		wait, err := store.Take(l.Context(), 4, name("a"), name("b"))
		return wait == 0, err
	})
	if got != 4 {
		l.Errorf("%d events are taken at once, want 4", got)
	}
}

// ends is for the environment's own check of what is left; see Sweep and
// Advance of [Env].
func (l limits) ends() {
	right := l.guess("a", "right")
	l.hit(right, l.wants(right, broker.Charged))
	l.wants(l.guess("b", "guess"), broker.Charged)
	l.Advance(l.budget.Memory)
	l.sweep()
	l.wants(right, broker.Charged)
	l.wants(l.guess("b", "guess"), broker.Charged)
}

// LimitsModel compares what a store decides, whatever comes in whatever order,
// with what the memory decides. The environment has a clock that stands.
func LimitsModel(t *testing.T, open func(t *testing.T, limit int) Env) {
	t.Helper()
	rapid.Check(t, func(rt *rapid.T) {
		env := open(t, 100)
		m := &limitsModel{env: env, memory: broker.NewMemory(broker.MemoryConfig{Now: env.Now})}
		m.budget = broker.Budget{PerAddress: 3, Least: 6, Window: time.Minute, Memory: 2 * time.Minute, MaxKnown: 1000}
		rt.Repeat(map[string]func(*rapid.T){
			"guess": m.guess,
			"hit":   m.hit,
			"take":  m.take,
			"wait": func(t *rapid.T) {
				env.Advance(time.Duration(rapid.IntRange(1, 40_000).Draw(t, "ms")) * time.Millisecond)
			},
		})
	})
}

type limitsModel struct {
	env    Env
	memory *broker.Memory
	budget broker.Budget
	open   []charged
}

// charged is a guess and what each of the stores charged for it.
type charged struct {
	guess      broker.Guess
	ours, mems broker.Charge
}

func (m *limitsModel) guess(t *rapid.T) {
	address := rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(t, "address")
	code := rapid.SampledFrom([]string{"one", "two"}).Draw(t, "code")
	g := broker.Guess{Address: name(address), Pair: name(address + code), Budget: m.budget}
	got, err1 := m.env.Store.Guess(context.Background(), g)
	want, err2 := m.memory.Guess(context.Background(), g)
	if err1 != nil || err2 != nil || got.Verdict != want.Verdict || got.Wait != want.Wait {
		t.Fatalf("Guess = %+v, %v; the memory says %+v, %v", got, err1, want, err2)
	}
	if got.Verdict == broker.Charged {
		m.open = append(m.open, charged{g, got.Charge, want.Charge})
	}
}

func (m *limitsModel) hit(t *rapid.T) {
	if len(m.open) == 0 {
		t.Skip("nothing is charged")
	}
	c := rapid.SampledFrom(m.open).Draw(t, "charge")
	err1 := m.env.Store.Hit(context.Background(), c.guess, c.ours)
	err2 := m.memory.Hit(context.Background(), c.guess, c.mems)
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
}

func (m *limitsModel) take(t *rapid.T) {
	buckets := rapid.SliceOfNDistinct(rapid.SampledFrom([]broker.Digest{name("a"), name("b"), name("c")}), 1, 2, rapid.ID).Draw(t, "buckets")
	got, err1 := m.env.Store.Take(context.Background(), 4, buckets...)
	want, err2 := m.memory.Take(context.Background(), 4, buckets...)
	if err1 != nil || err2 != nil || got != want {
		t.Fatalf("Take = %v, %v; the memory says %v, %v", got, err1, want, err2)
	}
}
