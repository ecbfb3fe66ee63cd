package broker

import (
	"container/list"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// rates limits events by name: so many a minute, all of them at once if need
// be.
type rates struct {
	perMinute int // negative: no limit
	now       func() time.Time

	mu      sync.Mutex
	buckets *lru[string, *rate.Limiter]
}

func newRates(perMinute int, now func() time.Time) *rates {
	return &rates{perMinute: perMinute, now: now, buckets: newLRU[string, *rate.Limiter](maxVisitors)}
}

// allow takes one event out of every named bucket, or out of none of them; then
// it returns how long to wait.
func (r *rates) allow(names ...string) (wait time.Duration, ok bool) {
	if r.perMinute < 0 {
		return 0, true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	var taken []*rate.Reservation
	for _, name := range names {
		b, found := r.buckets.lookup(name)
		if !found {
			b = rate.NewLimiter(rate.Limit(float64(r.perMinute)/60), r.perMinute)
			r.buckets.add(name, b)
		}
		turn := b.ReserveN(now, 1)
		taken = append(taken, turn)
		wait = max(wait, turn.DelayFrom(now))
	}
	if wait == 0 {
		return 0, true
	}
	for _, turn := range taken {
		turn.CancelAt(now)
	}
	return wait, false
}

// lru is a map of bounded size that forgets what was not asked for longest.
type lru[K comparable, V any] struct {
	max   int
	order *list.List // newest first; values are entry[K, V]
	byKey map[K]*list.Element
}

type entry[K comparable, V any] struct {
	key   K
	value V
}

func newLRU[K comparable, V any](size int) *lru[K, V] {
	return &lru[K, V]{max: size, order: list.New(), byKey: make(map[K]*list.Element)}
}

func (l *lru[K, V]) lookup(key K) (value V, ok bool) {
	e, found := l.byKey[key]
	if !found {
		return value, false
	}
	l.order.MoveToFront(e)
	kept, ok := e.Value.(entry[K, V])
	return kept.value, ok
}

func (l *lru[K, V]) add(key K, value V) {
	if l.order.Len() >= l.max {
		if oldest, ok := l.order.Remove(l.order.Back()).(entry[K, V]); ok {
			delete(l.byKey, oldest.key)
		}
	}
	l.byKey[key] = l.order.PushFront(entry[K, V]{key, value})
}
