package broker

import (
	"container/heap"
	"context"
	"maps"
	"slices"
	"sync"
	"time"
)

// sweepBatch bounds how many expired sessions one call removes, so that no
// caller pays for a whole crowd. It is more than one call can add.
const sweepBatch = 64

// MemoryConfig configures a [Memory].
type MemoryConfig struct {
	// MaxSessions limits the sessions; zero means 20,000.
	MaxSessions int
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Memory is a [Store] in the memory of one process. What it holds ends with
// the process.
type Memory struct {
	max    int
	now    func() time.Time
	limits *memoryLimits

	mu      sync.Mutex
	byID    map[string]*Session
	byCode  map[Digest]*Session
	byState map[Digest]*Session
	queue   expiryQueue
}

var _ Store = (*Memory)(nil)

// NewMemory returns an empty store.
func NewMemory(cfg MemoryConfig) *Memory {
	m := &Memory{
		max:     cfg.MaxSessions,
		now:     cfg.Now,
		limits:  newMemoryLimits(),
		byID:    make(map[string]*Session),
		byCode:  make(map[Digest]*Session),
		byState: make(map[Digest]*Session),
	}
	if m.max == 0 {
		m.max = defaultMaxSessions
	}
	if m.now == nil {
		m.now = time.Now
	}
	return m
}

// Create implements [Store].
func (m *Memory) Create(_ context.Context, s Session) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	m.sweep(now, sweepBatch)
	if old := m.byCode[s.CodeDigest()]; old != nil && old.live(now) {
		return ErrCodeTaken
	}
	if s.StateDigest != (Digest{}) {
		if old := m.byState[s.StateDigest]; old != nil && old.live(now) {
			return ErrStateTaken
		}
	}
	if len(m.byID) >= m.max {
		return ErrFull // a batch of expired ones would have made room
	}
	c := clone(&s)
	m.index(c)
	heap.Push(&m.queue, c)
	return nil
}

// Find implements [Store].
func (m *Memory) Find(_ context.Context, ref Ref) (Session, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sweep(m.now(), sweepBatch)
	var s *Session
	switch {
	case ref.ID != "":
		s = m.byID[ref.ID]
	case ref.Code != Digest{}:
		s = m.byCode[ref.Code]
	case ref.State != Digest{}:
		s = m.byState[ref.State]
	}
	if s == nil {
		return Session{}, ErrNoSession
	}
	return *clone(s), nil
}

// Update implements [Store]. change runs under the store's lock.
func (m *Memory) Update(_ context.Context, id string, change func(*Session) error) (Session, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.byID[id]
	if s == nil {
		return Session{}, ErrNoSession
	}
	next := clone(s)
	if err := change(next); err != nil {
		return Session{}, err
	}
	if old := m.byState[next.StateDigest]; old != nil && old != s && old.live(m.now()) {
		return Session{}, ErrStateTaken
	}
	if m.byState[s.StateDigest] == s {
		delete(m.byState, s.StateDigest)
	}
	*s = *next // in place: the queue points to it
	m.index(s)
	return *clone(s), nil
}

// Count implements [Store].
func (m *Memory) Count(context.Context) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sweep(m.now(), sweepBatch)
	return len(m.byID), nil
}

func (m *Memory) index(s *Session) {
	m.byID[s.ID] = s
	m.byCode[s.CodeDigest()] = s
	if s.StateDigest != (Digest{}) {
		m.byState[s.StateDigest] = s
	}
}

// sweep removes up to limit expired sessions, oldest first.
func (m *Memory) sweep(now time.Time, limit int) {
	for ; limit > 0 && len(m.queue) > 0 && !m.queue[0].live(now); limit-- {
		s, _ := heap.Pop(&m.queue).(*Session)
		delete(m.byID, s.ID)
		// A newer session may have taken the place of an expired one.
		if m.byCode[s.CodeDigest()] == s {
			delete(m.byCode, s.CodeDigest())
		}
		if m.byState[s.StateDigest] == s {
			delete(m.byState, s.StateDigest)
		}
	}
}

// clone copies a session so that no two holders share memory.
func clone(s *Session) *Session {
	c := *s
	c.Fields = slices.Clone(s.Fields)
	c.Scopes = slices.Clone(s.Scopes)
	c.Wanted = slices.Clone(s.Wanted)
	c.Params = maps.Clone(s.Params)
	return &c
}

// expiryQueue is a heap of sessions, the next to expire first.
type expiryQueue []*Session

func (q expiryQueue) Len() int           { return len(q) }
func (q expiryQueue) Less(i, j int) bool { return q[i].Expires.Before(q[j].Expires) }
func (q expiryQueue) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *expiryQueue) Push(x any) {
	if s, ok := x.(*Session); ok {
		*q = append(*q, s)
	}
}

func (q *expiryQueue) Pop() any {
	last := len(*q) - 1
	s := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	return s
}
