package standin_test

import (
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"linkmail/internal/standin"
)

func TestTheWallCountsRequestsThatRunAtTheSameTime(t *testing.T) {
	s := play(t, standin.Config{Wall: 2, PerGet: time.Hour})
	// Two requests stay inside until their callers give up.
	var inside sync.WaitGroup
	client := &http.Client{Transport: s.http.Transport}
	cancel := make([]func(), 2)
	for i := range cancel {
		r, stop := cancellable(t, s.url+"/gmail/v1/users/me/profile")
		cancel[i] = stop
		inside.Go(func() {
			if resp, err := client.Do(r); err == nil {
				_ = resp.Body.Close()
			}
		})
	}
	waitUntil(t, func() bool { return s.Running(standin.DefaultUser) == 2 })
	_, err := s.users.GetProfile("me").Do()
	wantError(t, err, 429, "Too many concurrent requests for user.")
	for _, stop := range cancel {
		stop()
	}
	inside.Wait()
	waitUntil(t, func() bool { return s.Running(standin.DefaultUser) == 0 })
}

func TestTheQuotaIsPerMinuteAndUser(t *testing.T) {
	var at atomic.Int64
	at.Store(now.Unix())
	s := play(t, standin.Config{QuotaPerMinute: 60, Now: func() time.Time { return time.Unix(at.Load(), 0).UTC() }})
	id := s.find(t, "in:inbox")[0] // 5 units
	for range 2 {
		if _, err := s.users.Messages.Get("me", id).Do(); err != nil { // 20 each
			t.Fatal(err)
		}
	}
	_, err := s.users.Messages.Get("me", id).Do()
	wantError(t, err, 403, "User-rate limit exceeded.  Retry after 2026-10-06T15:31:00.000Z")
	if _, err := s.users.Labels.List("me").Do(); err != nil { // 1 is left over
		t.Errorf("a cheap call: %v", err)
	}
	other := signIn(t, s.World, s.url, "dana.whitfield@example.com")
	if _, err := other.users.GetProfile("me").Do(); err != nil {
		t.Errorf("another user: %v", err)
	}
	at.Add(60)
	if _, err := s.users.Messages.Get("me", id).Do(); err != nil {
		t.Errorf("a minute later: %v", err)
	}
}
