package broker_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"linkmail/broker"
	"linkmail/broker/wire"
	"linkmail/internal/secret"
)

// eventStream is the agent's end of GET /v1/sessions/{id}/events.
type eventStream struct {
	t    *testing.T
	resp *http.Response
	in   *bufio.Scanner
}

// watch opens the stream.
func (a *agent) watch() *eventStream {
	a.r.t.Helper()
	req := a.r.request("GET", "/v1/sessions/"+a.created.SessionID+"/events", "",
		"Authorization", "Bearer "+a.created.PollToken, "X-API-Key", apiKey)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		a.r.t.Fatal(err)
	}
	a.r.t.Cleanup(func() { _ = resp.Body.Close() })
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != wire.TypeEvents {
		a.r.t.Fatalf("status %d, type %q", resp.StatusCode, resp.Header.Get("Content-Type"))
	}
	return &eventStream{a.r.t, resp, bufio.NewScanner(resp.Body)}
}

// next returns the next event; false at the end of the stream.
func (s *eventStream) next() (wire.Event, bool) {
	s.t.Helper()
	named := false
	for s.in.Scan() {
		switch line := s.in.Text(); {
		case line == "event: status":
			named = true
		case strings.HasPrefix(line, "data: "):
			var e wire.Event
			if err := json.Unmarshal([]byte(strings.TrimPrefix(line, "data: ")), &e); err != nil || !named {
				s.t.Fatalf("event %q: %v", line, err)
			}
			return e, true
		case line == "", strings.HasPrefix(line, ":"), strings.HasPrefix(line, "retry: "):
		default:
			s.t.Fatalf("line %q", line)
		}
	}
	return wire.Event{}, false
}

func (s *eventStream) want(status wire.Status) wire.Event {
	s.t.Helper()
	e, ok := s.next()
	if !ok || e.Status != status {
		s.t.Fatalf("event = %+v, %v; want %s", e, ok, status)
	}
	return e
}

func (s *eventStream) wantEnd() {
	s.t.Helper()
	if e, ok := s.next(); ok {
		s.t.Fatalf("event %+v after the last one", e)
	}
}

func TestEventsTellEveryMoveAndNoSecret(t *testing.T) {
	r := newRig(t, nil)
	a := r.create(nil)
	stream := a.watch()
	if e := stream.want(wire.Pending); !e.ExpiresAt.Equal(a.created.ExpiresAt) {
		t.Errorf("expires_at = %v", e.ExpiresAt)
	}
	a.ready()
	if e, _ := stream.next(); e.Status == wire.Confirmed { // may be skipped: ready follows at once
		stream.want(wire.Ready)
	} else if e.Status != wire.Ready {
		t.Errorf("event = %+v, want confirmed or ready", e)
	}
	stream.wantEnd()
	// The poll still gets the envelope, and was not slowed down.
	var p wire.Poll
	a.pollNow().want(200).into(&p)
	if p.Status != wire.Ready || p.Ciphertext == nil {
		t.Errorf("poll = %+v", p)
	}
	stream = a.watch()
	stream.want(wire.Consumed)
	stream.wantEnd()
}

func TestEventsOfAFailedSessionSayWhy(t *testing.T) {
	idp := newIDP(t)
	r := newRig(t, withIDP(idp))
	a := r.create(map[string]any{"oauth_provider": "auth0"})
	p := r.person()
	state := p.depart(a).Query().Get("state")
	stream := a.watch()
	stream.want(wire.Confirmed)
	p.callback("state", state, "error", "access_denied").want(400)
	if e := stream.want(wire.Failed); e.Error != "access_denied" {
		t.Errorf("event = %+v", e)
	}
	stream.wantEnd()
}

func TestEventsSeeWhatAnotherBrokerOnTheStoreDoes(t *testing.T) {
	var store broker.Store
	r := newRig(t, func(cfg *broker.Config) {
		store = broker.NewMemory(broker.MemoryConfig{Now: cfg.Now})
		cfg.Store = store
	})
	a := r.create(nil)
	stream := a.watch()
	stream.want(wire.Pending)
	_, err := store.Update(t.Context(), a.created.SessionID, func(s *broker.Session) error {
		s.State = broker.Failed
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	stream.want(wire.Failed)
	stream.wantEnd()
}

func TestEventsEndWithTheSession(t *testing.T) {
	r := newRig(t, nil)
	stream := r.create(nil).watch()
	stream.want(wire.Pending)
	r.clock.Advance(11 * time.Minute)
	stream.want(wire.Expired)
	stream.wantEnd()
}

func TestEventsEndWithTheBroker(t *testing.T) {
	r := newRig(t, nil)
	stream := r.create(nil).watch()
	stream.want(wire.Pending)
	r.b.Close(t.Context())
	stream.wantEnd()
}

func TestEventsOutliveTheDeadlinesOfOtherRequests(t *testing.T) {
	r := newRig(t, nil)
	srv := r.b.Server()
	srv.ReadTimeout, srv.WriteTimeout = 30*time.Millisecond, 30*time.Millisecond
	r.serve(srv)
	a := r.create(nil)
	stream := a.watch()
	stream.want(wire.Pending)
	time.Sleep(120 * time.Millisecond) // longer than the deadlines, which are the system's
	r.person().confirm(a)
	stream.want(wire.Confirmed)
}

func TestEventsAreForTheAgentOnly(t *testing.T) {
	r := newRig(t, func(cfg *broker.Config) {
		cfg.Keys = append(cfg.Keys,
			broker.APIKey{Name: "other", Secret: secret.New("other-key")},
			broker.APIKey{Name: "proxy only", Secret: secret.New("proxy-key"), Scopes: []broker.Scope{broker.ScopeProxy}})
	})
	a, b := r.create(nil), r.create(nil)
	path := "/v1/sessions/" + a.created.SessionID + "/events"
	for name, tt := range map[string]struct {
		header []string
		status int
	}{
		"no key":                  {[]string{"Authorization", "Bearer " + a.created.PollToken}, 401},
		"a wrong key":             {[]string{"Authorization", "Bearer " + a.created.PollToken, "X-API-Key", "x"}, 403},
		"another agent's key":     {[]string{"Authorization", "Bearer " + a.created.PollToken, "X-API-Key", "other-key"}, 404},
		"a key without the scope": {[]string{"Authorization", "Bearer " + a.created.PollToken, "X-API-Key", "proxy-key"}, 403},
		"no token":                {[]string{"X-API-Key", apiKey}, 401},
		"another session's token": {[]string{"Authorization", "Bearer " + b.created.PollToken, "X-API-Key", apiKey}, 403},
	} {
		if got := r.send("GET", path, "", tt.header...); got.problem(tt.status).Title == "" {
			t.Errorf("%s: %s", name, got.body)
		}
	}
	r.send("GET", "/v1/sessions/"+strings.Repeat("0", 64)+"/events", "", "Authorization", "Bearer "+a.created.PollToken, "X-API-Key", apiKey).problem(404)
}

func TestStreamsPerKeyAreLimited(t *testing.T) {
	r := newRig(t, nil)
	a := r.create(nil)
	stream := a.watch()
	stream.want(wire.Pending)
	r.b.OpenStreams("agent one", broker.TestStreamsPerKey-1)
	got := r.send("GET", "/v1/sessions/"+a.created.SessionID+"/events", "", "Authorization", "Bearer "+a.created.PollToken, "X-API-Key", apiKey)
	if got.problem(429); got.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	a.pollNow().want(200) // polling goes on
	// A client that goes away makes room.
	if err := stream.resp.Body.Close(); err != nil {
		t.Fatal(err)
	}
	for ctx := t.Context(); r.b.Streams() >= broker.TestStreamsPerKey; {
		if ctx.Err() != nil {
			t.Fatal("the stream of a client that has gone stays open")
		}
		waitABit(ctx)
	}
	a.watch().want(wire.Pending)
}

// waitABit lets the server's goroutines go on.
func waitABit(ctx context.Context) {
	select {
	case <-time.After(time.Millisecond):
	case <-ctx.Done():
	}
}
