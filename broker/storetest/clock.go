package storetest

import (
	"net/http"
	"testing"
	"time"

	"linkmail/broker"
	"linkmail/broker/wire"
)

// Jumps sets the clock of a broker forward and back by an hour in the midst of
// a session. It is for stores whose time is that of the broker: no session
// lives longer than its life and the hour, none that has ended comes back, and
// none is stuck.
func Jumps(t *testing.T, open func(t *testing.T, limit int) Env) {
	t.Helper()
	const life, jump = 5 * time.Minute, time.Hour
	begin := func(t *testing.T) (Env, *Front, Flow) {
		t.Helper()
		env := open(t, 100)
		b, err := NewBroker("", env.Store, env.Now)
		if err != nil {
			t.Fatal(err)
		}
		front := NewFront(b.Handler())
		flow := must(front.Create("", life))(t, http.StatusCreated)
		expect(t, "confirm", http.StatusOK)(front.Confirm(&flow))
		return env, front, flow
	}
	sweep := func(t *testing.T, env Env) {
		t.Helper()
		if env.Sweep == nil {
			return
		}
		if err := env.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	gone := func(t *testing.T, front *Front, flow *Flow) {
		t.Helper()
		if _, status, err := front.Poll(flow, flow.PollToken); err != nil || status != http.StatusNotFound {
			t.Errorf("poll: %d, %v; want 404", status, err)
		}
		expect(t, "complete", http.StatusNotFound)(front.Complete(flow, flow.Token, Envelope("text")))
	}
	delivers := func(t *testing.T, front *Front, flow *Flow) {
		t.Helper()
		expect(t, "complete", http.StatusNoContent)(front.Complete(flow, flow.Token, Envelope("text")))
		p, status, err := front.Poll(flow, flow.PollToken)
		if err != nil || status != http.StatusOK || p.Status != wire.Ready {
			t.Errorf("poll: %s, %d, %v; want ready", p.Status, status, err)
		}
	}

	t.Run("forward", func(t *testing.T) {
		env, front, flow := begin(t)
		env.Advance(jump)
		gone(t, front, &flow)
		sweep(t, env)
		if n, err := env.Store.Count(t.Context()); err != nil || n != 0 {
			t.Errorf("Count = %d, %v; want 0", n, err)
		}
		later := must(front.Create("", life))(t, http.StatusCreated)
		expect(t, "confirm", http.StatusOK)(front.Confirm(&later))
		delivers(t, front, &later)
		env.Advance(-jump)
		gone(t, front, &flow)
	})
	t.Run("back", func(t *testing.T) {
		env, front, flow := begin(t)
		env.Advance(-jump)
		sweep(t, env)
		if p, status, err := front.Poll(&flow, flow.PollToken); err != nil || status != http.StatusOK || p.Status != wire.Confirmed {
			t.Errorf("poll: %s, %d, %v; want confirmed", p.Status, status, err)
		}
		env.Advance(pollInterval)
		delivers(t, front, &flow)
		env.Advance(jump + life - pollInterval - time.Millisecond)
		if _, err := env.Store.Find(t.Context(), broker.Ref{ID: flow.SessionID}); err != nil {
			t.Errorf("Find a moment before the end = %v", err)
		}
		env.Advance(time.Millisecond)
		gone(t, front, &flow)
		sweep(t, env)
		if n, err := env.Store.Count(t.Context()); err != nil || n != 0 {
			t.Errorf("Count = %d, %v; want 0", n, err)
		}
	})
}
