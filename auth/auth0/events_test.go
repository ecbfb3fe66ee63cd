package auth0_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"linkmail/auth"
	"linkmail/internal/standin"
)

// agentRequests counts what an agent asks the broker of its sessions.
type agentRequests struct {
	mu             sync.Mutex
	polls, streams int
}

func (a *agentRequests) watch(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if id, ok := strings.CutPrefix(r.URL.Path, "/v1/sessions/"); ok && r.Method == http.MethodGet {
			a.mu.Lock()
			if strings.HasSuffix(id, "/events") {
				a.streams++
			} else {
				a.polls++
			}
			a.mu.Unlock()
		}
		next.ServeHTTP(w, r)
	})
}

// TestTheDoubleFlowNeedsNoPollInterval finishes a sign-in in the background
// although the clock stands still, so that no poll but the first would ever be
// due: that both consents are through is learnt of from the broker's events.
func TestTheDoubleFlowNeedsNoPollInterval(t *testing.T) {
	for name, plain := range map[string]bool{"one link for both steps": false, "a link for each step": true} {
		t.Run(name, func(t *testing.T) {
			asked := &agentRequests{}
			r := newRigWith(t, asked.watch)
			r.plain = plain
			w := auth.NewWatcher(auth.WatcherConfig{Provider: r.provider(nil), Now: r.clock.Now})
			defer w.Close()
			_, err := w.Token(t.Context(), gmail)
			first := challenge(t, err)
			r.visit(first, standin.Choice{})
			last := first
			if plain {
				if err := w.Wait(t.Context(), gmail.Principal, &first); err != nil {
					t.Fatalf("the first link: Wait = %v", err)
				}
				_, err = w.Token(t.Context(), gmail)
				last = challenge(t, err)
				r.visit(last, standin.Choice{})
			} else {
				r.stay(first)
			}
			if err := w.Wait(t.Context(), gmail.Principal, &last); err != nil {
				t.Fatalf("the last link: Wait = %v", err)
			}
			if _, err := w.Token(t.Context(), gmail); err != nil {
				t.Fatal(describe(err))
			}
			asked.mu.Lock()
			defer asked.mu.Unlock()
			// The test's own call may have polled the second session before its
			// stream was there.
			if asked.polls < 2 || asked.polls > 3 || asked.streams != 2 {
				t.Errorf("%d polls and %d streams for two sessions, want two of each", asked.polls, asked.streams)
			}
		})
	}
}

// stay is what the tab does that the person left open: it goes on as soon as
// the second step is there.
func (r *rig) stay(c auth.Challenge) {
	r.t.Helper()
	for {
		_, went, err := r.person.GoOn(r.t.Context(), c.URL, c.Code, standin.Choice{})
		switch {
		case err != nil:
			r.t.Fatalf("the tab: %v", err)
		case went:
			return
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-r.t.Context().Done():
			r.t.Fatal("the second step never came")
		}
	}
}
