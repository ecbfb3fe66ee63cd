package broker

import (
	"context"
	"net/netip"
	"sync"
)

// lines are where requests that name a code queue, one line for each address
// prefix that has some.
type lines struct {
	mu   sync.Mutex
	from map[netip.Prefix]*line
}

// line is one of them. lines.mu guards its fields; so many of its members at
// once as there are places are served.
type line struct {
	lines   *lines
	prefix  netip.Prefix
	places  chan struct{}
	members int
	charged int           // those whose guess is charged and not settled
	settled chan struct{} // closed when one of them is settled
}

// enter waits for a place. Who has one leaves the line again.
func (l *lines) enter(ctx context.Context, from netip.Prefix) (*line, error) {
	in := l.join(from)
	select {
	case in.places <- struct{}{}:
		return in, nil
	case <-ctx.Done():
		in.quit()
		return nil, ctx.Err()
	}
}

func (l *lines) join(from netip.Prefix) *line {
	l.mu.Lock()
	defer l.mu.Unlock()
	in := l.from[from]
	if in == nil {
		in = &line{lines: l, prefix: from, places: make(chan struct{}, guessesPerAddress), settled: make(chan struct{})}
		l.from[from] = in
	}
	in.members++
	return in
}

// quit forgets the line with its last member.
func (l *line) quit() {
	l.lines.mu.Lock()
	defer l.lines.mu.Unlock()
	if l.members--; l.members == 0 {
		delete(l.lines.from, l.prefix)
	}
}

// leave gives the place to the next one.
func (l *line) leave() {
	<-l.places
	l.quit()
}

// charge notes that one of the members is charged.
func (l *line) charge() {
	l.lines.mu.Lock()
	defer l.lines.mu.Unlock()
	l.charged++
}

// settle notes that one of them is settled, and tells those that wait for it.
func (l *line) settle() {
	l.lines.mu.Lock()
	defer l.lines.mu.Unlock()
	l.charged--
	close(l.settled)
	l.settled = make(chan struct{})
}

// next is closed when a charged member is settled.
func (l *line) next() <-chan struct{} {
	l.lines.mu.Lock()
	defer l.lines.mu.Unlock()
	return l.settled
}

// idle reports whether no member is charged, and none was settled since again
// was the next.
func (l *line) idle(again <-chan struct{}) bool {
	l.lines.mu.Lock()
	defer l.lines.mu.Unlock()
	return l.charged == 0 && l.settled == again
}
