package broker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"linkmail/broker/wire"
)

const (
	// eventsRecheck is how often a stream reads the store again: another
	// broker on it may have moved the session.
	eventsRecheck = time.Second
	// eventsHeartbeat is how often a stream without news sends a comment, so
	// that proxies do not take it for dead.
	eventsHeartbeat = 15 * time.Second
	// eventsWrite is how long one event may take to go out.
	eventsWrite = 10 * time.Second
	// eventsRetry is when a client that lost its stream comes back, in
	// milliseconds.
	eventsRetry = 1000
)

// events is GET /v1/sessions/{id}/events: the agent learns at once how the
// session moves. It is admitted like a poll and is none: it neither takes the
// envelope nor counts for the poll's interval.
func (b *Broker) events(w http.ResponseWriter, r *http.Request) error {
	key, token, err := b.asker(r)
	if err != nil {
		return err
	}
	id := r.PathValue("id")
	if _, err := b.watched(r.Context(), id, token, key); err != nil {
		return err
	}
	owner := key
	if owner == "" {
		owner = "address " + prefixOf(clientAddr(r)).String()
	}
	changed, leave, ok := b.streams.join(owner, id)
	if !ok {
		return tooMany(eventsRecheck, "Too many streams of events are open. Poll instead.")
	}
	defer leave()
	out := &eventWriter{w: w, rc: http.NewResponseController(w)}
	// The server's own deadlines are for requests that end soon.
	if err := out.rc.SetReadDeadline(time.Time{}); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	w.Header().Set("Content-Type", wire.TypeEvents)
	w.Header().Set("X-Accel-Buffering", "no") // some proxies collect an answer before they pass it on
	w.WriteHeader(http.StatusOK)
	b.stream(r.Context(), out, id, token, key, changed)
	return nil
}

// watched finds a session for its agent.
func (b *Broker) watched(ctx context.Context, id, token, key string) (Session, error) {
	s, err := b.find(ctx, Ref{ID: id})
	switch {
	case err != nil:
		return Session{}, err
	case s.KeyName != key:
		return Session{}, ErrNoSession
	case !s.polls(token):
		return Session{}, b.wrongPollToken()
	}
	return s, nil
}

// polls reports whether the poll token is this session's.
func (s *Session) polls(token string) bool {
	return wellFormed(token, wire.PollTokenPrefix) && s.Poll.is(token)
}

// stream sends events until the session is at its end, the client goes, or the
// broker stops. A store that fails for a moment does not end it.
func (b *Broker) stream(ctx context.Context, out *eventWriter, id, token, key string, changed <-chan struct{}) {
	recheck, beat := time.NewTicker(eventsRecheck), time.NewTicker(eventsHeartbeat)
	defer recheck.Stop()
	defer beat.Stop()
	var last wire.Event
	err := out.write(fmt.Sprintf("retry: %d\n\n", eventsRetry))
	for err == nil {
		s, found := b.watched(ctx, id, token, key)
		event := wire.Event{Status: s.status(), ExpiresAt: s.Expires.UTC(), Error: s.Failure}
		if errors.Is(found, ErrNoSession) {
			found, event = nil, wire.Event{Status: wire.Expired}
		}
		if found == nil && event != last {
			last = event
			if err = out.send(event); event.Final() {
				return
			}
		}
		select {
		case <-changed:
		case <-recheck.C:
		case <-beat.C:
			err = errors.Join(err, out.write(": still here\n\n"))
		case <-b.streams.closing:
			return
		case <-ctx.Done():
			return
		}
	}
}

// eventWriter writes events. Each gets a deadline of its own.
type eventWriter struct {
	w  io.Writer
	rc *http.ResponseController
}

func (e *eventWriter) send(event wire.Event) error {
	data, err := json.Marshal(event)
	if err != nil {
		return err
	}
	return e.write("event: " + wire.EventStatus + "\ndata: " + string(data) + "\n\n")
}

func (e *eventWriter) write(text string) error {
	if err := e.rc.SetWriteDeadline(time.Now().Add(eventsWrite)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	if _, err := io.WriteString(e.w, text); err != nil {
		return err
	}
	return e.rc.Flush()
}
