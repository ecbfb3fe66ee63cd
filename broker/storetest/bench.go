package storetest

import (
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"linkmail/broker"
	"linkmail/internal/testclock"
)

// openSessions is how many sessions are open while a benchmark runs.
const openSessions = 10_000

// Speed is what a benchmark of a store found out, so that others can be
// compared with it.
type Speed map[string]float64

// Bench measures a broker over a store with 10,000 open sessions: how many
// sessions a second are created, polled (while they wait) and consumed by 8
// clients at once, how long the slowest of a hundred of each takes, and what
// the sessions cost in the memory of this process. Where base has a value the
// ratio to it is reported as well. b.N is the number of sessions of each step.
func Bench(b *testing.B, store broker.Store, base Speed) Speed {
	b.Helper()
	clock := testclock.At(time.Now())
	// Creations are counted, and none is refused.
	made, err := newBroker("", store, clock.Now, 1_000_000)
	if err != nil {
		b.Fatal(err)
	}
	front := NewFront(made.Handler())
	speed := Speed{}
	before := heap()
	open := make([]Flow, openSessions)
	measure(b, len(open), func(n int) (int, error) {
		var status int
		open[n], status, err = create(front)
		return status, err
	})
	speed["B/session"] = float64(heap()-before) / openSessions

	flows := make([]Flow, b.N)
	envelope := Envelope("text")
	b.ResetTimer()
	speed["created/s"], speed["create-p99-us"] = measure(b, b.N, func(n int) (status int, err error) {
		flows[n], status, err = create(front)
		return status, err
	})
	b.StopTimer()
	clock.Advance(pollInterval)
	b.StartTimer()
	speed["polled/s"], speed["poll-p99-us"] = measure(b, b.N, func(n int) (int, error) {
		_, status, err := front.Poll(&flows[n], flows[n].PollToken)
		return status, err
	})
	b.StopTimer()
	clock.Advance(pollInterval)
	measure(b, b.N, func(n int) (int, error) {
		if status, err := front.Confirm(&flows[n]); err != nil || status != http.StatusOK {
			return status, err
		}
		return front.Complete(&flows[n], flows[n].Token, envelope)
	})
	b.StartTimer()
	speed["consumed/s"], speed["consume-p99-us"] = measure(b, b.N, func(n int) (int, error) {
		p, status, err := front.Poll(&flows[n], flows[n].PollToken)
		if err == nil && p.Ciphertext == nil {
			err = fmt.Errorf("poll says %q", p.Status)
		}
		return status, err
	})
	b.StopTimer()
	runtime.KeepAlive(open)
	for name, value := range speed {
		b.ReportMetric(value, name)
		if of := base[name]; of > 0 {
			b.ReportMetric(value/of, "x-memory-"+name)
		}
	}
	return speed
}

func create(f *Front) (Flow, int, error) { return f.Create("", 15*time.Minute) }

// measure runs step for 0 to n-1 with 8 workers and returns how many a second
// there were, and the 99th percentile of their time in microseconds.
func measure(b *testing.B, n int, step func(n int) (int, error)) (perSecond, p99 float64) {
	b.Helper()
	took := make([]time.Duration, n)
	began := time.Now()
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			for i := worker; i < n; i += 8 {
				start := time.Now()
				if status, err := step(i); err != nil || status >= http.StatusMultipleChoices {
					b.Errorf("step %d: %d, %v", i, status, err)
					return
				}
				took[i] = time.Since(start)
			}
		})
	}
	wg.Wait()
	total := time.Since(began)
	slices.Sort(took)
	return float64(n) / total.Seconds(), float64(took[n*99/100]) / float64(time.Microsecond)
}

// heap is what is in use after a collection, in bytes.
func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
