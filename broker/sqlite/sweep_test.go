//go:build unix

package sqlite_test

import (
	"errors"
	"os"
	"testing"
	"time"

	"linkmail/broker"
	"linkmail/broker/sqlite"
	"linkmail/internal/testclock"
)

// crowd puts sessions into the file past the store. They say nothing, but they
// are there.
func crowd(t *testing.T, path string, n int, expires time.Time) {
	t.Helper()
	_, err := direct(t, path).Exec(`WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < ?)
		INSERT INTO sessions (id, code, expires, version, sealed) SELECT randomblob(32), randomblob(32), ?, 1, zeroblob(700) FROM number`, n, expires.UnixMilli())
	if err != nil {
		t.Fatal(err)
	}
}

// TestD44ACrowdIsSweptInBatches: no statement removes more than a batch, and
// between two of them another process is served.
func TestD44ACrowdIsSweptInBatches(t *testing.T) {
	const n = 10 * sqlite.SweepBatch
	path, clock := newPath(t), testclock.New()
	other := opened(t, sqlite.Config{Path: path, MaxSessions: 2 * n, Now: clock.Now})
	var s *sqlite.Store
	sweeping, served, left := false, 0, n
	s = opened(t, sqlite.Config{Path: path, MaxSessions: 2 * n, Now: func() time.Time {
		if sweeping { // the sweep asks for the time before each batch
			now := s.Rows(t) - served
			if gone := left - now; gone > sqlite.SweepBatch {
				t.Errorf("%d sessions were removed at once, want at most %d", gone, sqlite.SweepBatch)
			}
			left = now
			one := session(served)
			one.Expires = clock.Now().Add(time.Hour)
			create(t, other, one)
			served++
		}
		return clock.Now()
	}})
	crowd(t, path, n, clock.Now().Add(time.Minute))
	clock.Advance(time.Minute)
	sweeping = true
	err := s.Sweep(t.Context())
	sweeping = false
	if err != nil {
		t.Fatal(err)
	}
	if left != 0 || served < n/sqlite.SweepBatch {
		t.Errorf("%d sessions are left, %d were made meanwhile; want none and one for each batch", left, served)
	}
	if got, err := s.Count(t.Context()); err != nil || got != served || s.Rows(t) != served {
		t.Errorf("Count = %d, %v; there are %d, want %d", got, err, s.Rows(t), served)
	}
	if info, err := os.Stat(wal(path)); err == nil && info.Size() != 0 {
		t.Errorf("the log has %d bytes after the sweep", info.Size())
	}
	// What was freed is used again: the file does not grow with a second crowd.
	before := size(t, path)
	crowd(t, path, n, clock.Now().Add(time.Minute))
	clock.Advance(time.Minute)
	if err := s.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if after := size(t, path); after > before+before/10 {
		t.Errorf("the file has %d bytes after a second crowd, and had %d", after, before)
	}
}

func size(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// TestD44ACreationMakesRoomForItselfOnly: a full store that nobody has swept yet
// lets a session in and does not remove the whole crowd for it.
func TestD44ACreationMakesRoomForItselfOnly(t *testing.T) {
	const n = 5 * sqlite.SweepBatch
	path, clock := newPath(t), testclock.New()
	s := opened(t, sqlite.Config{Path: path, MaxSessions: n, Now: clock.Now})
	crowd(t, path, n, clock.Now().Add(time.Minute))
	one := session(1)
	one.Expires = clock.Now().Add(time.Hour)
	if err := s.Create(t.Context(), one); !errors.Is(err, broker.ErrFull) {
		t.Errorf("Create = %v, want ErrFull", err)
	}
	clock.Advance(time.Minute)
	create(t, s, one)
	if gone := n + 1 - s.Rows(t); gone != sqlite.SweepBatch {
		t.Errorf("%d sessions were removed, want %d", gone, sqlite.SweepBatch)
	}
}
