package mailbox

import "container/list"

// lru keeps the most recently used values up to a total cost. It is not safe
// for concurrent use: its owner has the lock.
type lru[V any] struct {
	max, total int
	cost       func(V) int
	order      *list.List // of *lruItem[V], most recent first
	items      map[string]*list.Element
}

type lruItem[V any] struct {
	key   string
	value V
	cost  int
}

func newLRU[V any](limit int, cost func(V) int) *lru[V] {
	return &lru[V]{max: limit, cost: cost, order: list.New(), items: map[string]*list.Element{}}
}

func itemOf[V any](e *list.Element) *lruItem[V] {
	item, _ := e.Value.(*lruItem[V]) // the list holds nothing else
	return item
}

func (l *lru[V]) len() int { return l.order.Len() }

// lookup returns the value under key and marks it as used.
func (l *lru[V]) lookup(key string) (V, bool) {
	e, ok := l.items[key]
	if !ok {
		var none V
		return none, false
	}
	l.order.MoveToFront(e)
	return itemOf[V](e).value, true
}

// store puts value under key and evicts what no longer fits. A value that
// costs more than everything may cost is not kept.
func (l *lru[V]) store(key string, value V) {
	l.remove(key)
	cost := l.cost(value)
	if cost > l.max {
		return
	}
	l.items[key] = l.order.PushFront(&lruItem[V]{key: key, value: value, cost: cost})
	l.total += cost
	for l.total > l.max {
		l.remove(itemOf[V](l.order.Back()).key)
	}
}

func (l *lru[V]) remove(key string) {
	e, ok := l.items[key]
	if !ok {
		return
	}
	l.order.Remove(e)
	delete(l.items, key)
	l.total -= itemOf[V](e).cost
}

func (l *lru[V]) clear() {
	l.order.Init()
	clear(l.items)
	l.total = 0
}
