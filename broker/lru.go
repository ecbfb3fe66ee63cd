package broker

import "container/list"

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

// put adds the value or replaces the one that is there.
func (l *lru[K, V]) put(key K, value V) {
	if e, found := l.byKey[key]; found {
		e.Value = entry[K, V]{key, value}
		l.order.MoveToFront(e)
		return
	}
	if l.order.Len() >= l.max {
		if oldest, ok := l.order.Remove(l.order.Back()).(entry[K, V]); ok {
			delete(l.byKey, oldest.key)
		}
	}
	l.byKey[key] = l.order.PushFront(entry[K, V]{key, value})
}
