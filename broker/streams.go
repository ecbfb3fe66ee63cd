package broker

import "sync"

// streamsPerKey is how many streams of events one API key, or without keys one
// address, has open.
const streamsPerKey = 256

// streams knows who waits for news of which session.
type streams struct {
	closing chan struct{} // closed when all of them end

	mu      sync.Mutex
	byID    map[string]map[chan struct{}]bool
	byOwner map[string]int
	closed  bool
}

func newStreams() *streams {
	return &streams{closing: make(chan struct{}), byID: make(map[string]map[chan struct{}]bool), byOwner: make(map[string]int)}
}

// join returns a channel that gets a value soon after the session has moved in
// this process, and the function that ends it; or false if the owner has too
// many.
func (s *streams) join(owner, id string) (changed <-chan struct{}, leave func(), ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.byOwner[owner] >= streamsPerKey {
		return nil, nil, false
	}
	// One value is enough: whoever takes it reads the session afterwards.
	ch := make(chan struct{}, 1)
	if s.byID[id] == nil {
		s.byID[id] = make(map[chan struct{}]bool)
	}
	s.byID[id][ch] = true
	s.byOwner[owner]++
	return ch, func() { s.leave(owner, id, ch) }, true
}

func (s *streams) leave(owner, id string, ch chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if delete(s.byID[id], ch); len(s.byID[id]) == 0 {
		delete(s.byID, id)
	}
	if s.byOwner[owner]--; s.byOwner[owner] == 0 {
		delete(s.byOwner, owner)
	}
}

// wake tells those who wait for a session that it has moved.
func (s *streams) wake(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for ch := range s.byID[id] {
		select {
		case ch <- struct{}{}:
		default: // it has not read the last one yet, and will read the session
		}
	}
}

// open is how many there are.
func (s *streams) open() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, count := range s.byOwner {
		n += count
	}
	return n
}

// close ends all of them. It may be called twice.
func (s *streams) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.closed = true
		close(s.closing)
	}
}
