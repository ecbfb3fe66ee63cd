package cache_test

import (
	"strconv"
	"testing"
	"time"

	"linkmail/cache"
	"linkmail/cache/cachetest"
)

func TestMemory(t *testing.T) {
	cachetest.Run(t, cachetest.Suite{
		Open: func(_ *testing.T, now func() time.Time) func() cache.Store {
			m := cache.NewMemory(now)
			return func() cache.Store { return m }
		},
	})
}

func TestMemoryDropsWhatExpiredAndIsNeverAskedFor(t *testing.T) {
	at := time.Date(2025, 3, 1, 12, 0, 0, 0, time.UTC)
	m := cache.NewMemory(func() time.Time { return at })
	for i := range 10_000 {
		if err := m.Put(t.Context(), strconv.Itoa(i), []byte("value"), time.Minute); err != nil {
			t.Fatal(err)
		}
		at = at.Add(time.Minute)
	}
	if got := m.Len(); got > 128 {
		t.Errorf("%d entries are held of which one is live", got)
	}
}
