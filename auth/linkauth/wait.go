package linkauth

import (
	"context"
	"errors"
	"io"
	"time"

	"linkmail/auth"
	"linkmail/broker/wire"
	"linkmail/internal/secret"
)

const (
	// firstEvent is how long a stream may take to its first event, which a
	// broker sends at once. Something in between may hold it back for good.
	firstEvent = 5 * time.Second
	// silence is how long a stream may say nothing after that. A broker lets it
	// be heard every 15 seconds.
	silence = 20 * time.Second
	// silentStreams is after how many streams without any event, one after the
	// other, a session is only polled.
	silentStreams = 3
	// maxStream bounds what is read of one stream, in bytes.
	maxStream = 1 << 20
)

// session is what this process knows of an open session beside its record. The
// connector's mu guards it.
type session struct {
	id      string
	token   secret.Text
	next    time.Time // when it may be polled
	expires time.Time
	over    chan struct{} // closed when nothing is to be waited for any more

	silent int                // streams in a row that told nothing
	stream chan struct{}      // closed when the stream ends; nil without one
	hangUp context.CancelFunc // ends the stream
	// live says that the stream has told the status, and will tell a new one.
	live   bool
	opened time.Time // when it told that somebody had opened the link
	// final says that a stream has told how the session ended: then one poll is
	// due at once, whatever the interval. early says that it was made.
	final, early bool
}

// challenge is the answer for the open session of r, which Wait knows from then on.
func (c *Connector) challenge(t trip, r *record) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	for link, s := range c.sessions {
		if now.After(s.expires.Add(linger)) || link == r.URL && s.id != r.ID {
			c.leave(link, s) // forgotten, or the first step of this link
		}
	}
	s := c.sessions[r.URL]
	if s == nil {
		s = &session{id: r.ID, token: secret.New(r.PollToken), over: make(chan struct{})}
		c.sessions[r.URL] = s
	}
	s.next, s.expires = r.Next, r.Expires
	return r.challenge(t.scope)
}

// settle ends the waiting for the session of r.
func (c *Connector) settle(r record) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.sessions[r.URL]; s != nil && s.id == r.ID {
		c.leave(r.URL, s)
	}
}

// leave is settle under the lock.
func (c *Connector) leave(link string, s *session) {
	delete(c.sessions, link)
	close(s.over)
	if s.hangUp != nil {
		s.hangUp()
	}
}

// told reports whether a stream tells this process how the session of r stands,
// so that there is nothing to poll for, and notes in r what it has told.
func (c *Connector) told(r *record) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.sessions[r.URL]
	if s == nil || s.id != r.ID || !s.live {
		return false
	}
	if r.Opened.IsZero() {
		r.Opened = s.opened
	}
	return true
}

// invited reports whether a stream has told that there is something to fetch
// for r, once: a stream that is wrong must not make the polls more frequent.
func (c *Connector) invited(r *record) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.sessions[r.URL]
	if s == nil || s.id != r.ID || !s.final || s.early {
		return false
	}
	s.early = true
	return true
}

var _ auth.Waiter = (*Connector)(nil)

// Wait implements [auth.Waiter]. Where the broker tells how a session stands
// (GET /v1/sessions/{id}/events), it returns as soon as the person has finished,
// and the session is not polled meanwhile. Otherwise, and while streams are
// silent or break off, it returns when the next poll is due. It opens one stream
// at most, so there are no more of them than of polls.
func (c *Connector) Wait(ctx context.Context, challenge *auth.Challenge) error {
	c.mu.Lock()
	s := c.sessions[challenge.URL]
	if s == nil {
		c.mu.Unlock()
		return auth.ErrNoWait
	}
	stream, ours := s.stream, false
	if stream == nil && s.silent < silentStreams {
		s.stream, ours = make(chan struct{}), true
	}
	c.mu.Unlock()
	switch {
	case ours:
		if c.listen(ctx, s) == wire.Expired {
			return auth.ErrUnfinished
		}
	case stream != nil: // somebody else in this process listens
		select {
		case <-stream:
			return nil
		case <-ctx.Done():
		}
	}
	return c.due(ctx, s)
}

// due waits until s may be polled, or is over.
func (c *Connector) due(ctx context.Context, s *session) error {
	c.mu.Lock()
	wait := s.next.Sub(c.now())
	if s.final && !s.early || wait > maxInterval {
		wait = 0 // a clock that was set back must not stop the polling
	}
	c.mu.Unlock()
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-s.over:
	case <-timer.C:
	}
	return ctx.Err()
}

// listen opens the stream of s, reads it to its end and returns the last status
// that it told. It ends with ctx, with the session, and when nothing is heard.
func (c *Connector) listen(ctx context.Context, s *session) (last wire.Status) {
	hearing, hangUp := context.WithCancel(ctx)
	defer hangUp()
	c.mu.Lock()
	s.hangUp = hangUp
	select {
	case <-s.over: // it ended before there was anything to hang up
		hangUp()
	default:
	}
	c.mu.Unlock()
	refused := false
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		close(s.stream)
		s.stream, s.hangUp, s.live = nil, nil, false
		switch {
		case refused:
			s.silent = silentStreams // it would be no better the next time
		case last != "":
			s.silent = 0
		case ctx.Err() == nil:
			s.silent++
		}
	}()
	quiet := time.AfterFunc(firstEvent, hangUp)
	defer quiet.Stop()
	body, err := c.broker.events(hearing, s.id, s.token)
	if err != nil {
		refused = errors.Is(err, errNoEvents)
		return ""
	}
	defer func() { _ = body.Close() }()
	events := newEventReader(io.LimitReader(body, maxStream), func() {
		if last != "" {
			quiet.Reset(silence)
		}
	})
	for {
		event, err := events.next()
		if err != nil {
			return last
		}
		last = event.Status
		quiet.Reset(silence)
		c.hear(s, event)
		if event.Final() {
			return last
		}
	}
}

// hear notes what a stream has told.
func (c *Connector) hear(s *session, event wire.Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s.final = event.Final()
	s.live = !s.final
	if event.Status == wire.Confirmed && s.opened.IsZero() {
		s.opened = c.now()
	}
}
