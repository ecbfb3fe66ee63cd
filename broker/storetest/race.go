package storetest

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"sync"
	"testing"

	"linkmail/broker/wire"
)

// racers is how many run at once.
const racers = 64

// Race runs flows against brokers that share one store, each step of them by
// 64 racers at once, and checks that each step has exactly one winner and that
// the agent gets the envelope of the winner, once.
func Race(t *testing.T, fronts ...*Front) {
	t.Helper()
	for round := range 3 {
		flow := must(fronts[0].Create("", 0))(t, http.StatusCreated)
		raceConfirm(t, fronts, &flow)
		sent := raceComplete(t, fronts, &flow)
		if got := racePoll(t, fronts, &flow); got != sent {
			t.Errorf("round %d: the agent got %q, want %q", round, got, sent)
		}
	}
	flow := must(fronts[0].Create("state-"+rand.Text(), 0))(t, http.StatusCreated)
	raceConfirm(t, fronts[:1], &flow)
	expect(t, "leave", http.StatusSeeOther)(fronts[0].Leave(&flow, flow.Token))
	raceReturn(t, fronts[0], &flow)
	racePoll(t, fronts, &flow)
}

// must checks the answer to Create.
func must(flow Flow, status int, err error) func(t *testing.T, want int) Flow {
	return func(t *testing.T, want int) Flow {
		t.Helper()
		if err != nil || status != want {
			t.Fatalf("create: %d, %v; want %d", status, err, want)
		}
		return flow
	}
}

// expect checks the status of a step.
func expect(t *testing.T, step string, status int) func(int, error) {
	return func(got int, err error) {
		t.Helper()
		if err != nil || got != status {
			t.Fatalf("%s: %d, %v; want %d", step, got, err, status)
		}
	}
}

// all runs step 64 times at once, on all fronts in turn, and counts the
// answers.
func all(t *testing.T, fronts []*Front, step func(n int, f *Front) (int, error)) map[int]int {
	t.Helper()
	var mu sync.Mutex
	counts := map[int]int{}
	start := make(chan struct{})
	var wg sync.WaitGroup
	for n := range racers {
		wg.Go(func() {
			<-start
			status, err := step(n, fronts[n%len(fronts)])
			if err != nil {
				t.Errorf("racer %d: %v", n, err)
			}
			mu.Lock()
			defer mu.Unlock()
			counts[status]++
		})
	}
	close(start)
	wg.Wait()
	return counts
}

func raceConfirm(t *testing.T, fronts []*Front, flow *Flow) {
	t.Helper()
	for _, f := range fronts {
		expect(t, "look", http.StatusOK)(f.Look(flow))
	}
	var mu sync.Mutex
	winner := ""
	got := all(t, fronts, func(_ int, f *Front) (int, error) {
		own := *flow
		status, err := f.Confirm(&own)
		if status == http.StatusOK {
			mu.Lock()
			defer mu.Unlock()
			winner = own.Token
		}
		return status, err
	})
	if flow.Token = winner; got[http.StatusOK] != 1 || got[http.StatusConflict] != racers-1 {
		t.Errorf("confirm: %v, want one 200 and %d times 409", got, racers-1)
	}
}

// raceComplete returns the text of the winner.
func raceComplete(t *testing.T, fronts []*Front, flow *Flow) string {
	t.Helper()
	var mu sync.Mutex
	winner := ""
	envelopes := make([]string, racers)
	for n := range envelopes {
		envelopes[n] = Envelope(fmt.Sprintf("envelope of racer %d", n))
	}
	got := all(t, fronts, func(n int, f *Front) (int, error) {
		status, err := f.Complete(flow, flow.Token, envelopes[n])
		if status == http.StatusNoContent {
			mu.Lock()
			defer mu.Unlock()
			winner = fmt.Sprintf("envelope of racer %d", n)
		}
		return status, err
	})
	if got[http.StatusNoContent] != 1 || got[http.StatusConflict] != racers-1 {
		t.Errorf("complete: %v, want one 204 and %d times 409", got, racers-1)
	}
	return winner
}

func raceReturn(t *testing.T, f *Front, flow *Flow) {
	t.Helper()
	got := all(t, []*Front{f}, func(n int, f *Front) (int, error) { return f.Return(flow, fmt.Sprint("cc", n)) })
	if got[http.StatusSeeOther] != 1 || got[http.StatusBadRequest] != racers-1 {
		t.Errorf("callback: %v, want one 303 and %d times 400", got, racers-1)
	}
}

// racePoll returns the text of the one envelope.
func racePoll(t *testing.T, fronts []*Front, flow *Flow) string {
	t.Helper()
	var mu sync.Mutex
	var delivered []string
	got := all(t, fronts, func(_ int, f *Front) (int, error) {
		p, status, err := f.Poll(flow, flow.PollToken)
		if err == nil && p.Status == wire.Ready {
			mu.Lock()
			defer mu.Unlock()
			delivered = append(delivered, *p.Ciphertext)
		}
		return status, err
	})
	if len(delivered) != 1 || got[http.StatusOK]+got[http.StatusTooManyRequests] != racers {
		t.Errorf("poll: %d deliveries, statuses %v; want one delivery, and otherwise consumed or 429", len(delivered), got)
		return ""
	}
	text, err := Opened(delivered[0])
	if err != nil {
		t.Error(err)
	}
	return text
}
