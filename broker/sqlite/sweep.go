package sqlite

import (
	"context"
	"time"
)

// sweepBatch bounds how many rows one statement removes, so that no
// request waits for a whole crowd.
const sweepBatch = 256

// sweepDeadline bounds one sweep.
const sweepDeadline = 10 * time.Second

func (s *Store) sweepEvery(every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-s.stop:
			return
		case <-tick.C:
			ctx, cancel := context.WithTimeout(context.Background(), sweepDeadline)
			// A sweep that fails is repeated; whoever asks for a session meets
			// the same fault and reports it.
			_ = s.Sweep(ctx)
			cancel()
		}
	}
}

// The statements that remove what has expired, one batch at a time: ?1 is the
// time in milliseconds, ?2 the size of a batch.
const expiredSessions = "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE expires <= ?1 ORDER BY expires LIMIT ?2)"

var expired = []string{
	expiredSessions,
	"DELETE FROM rates WHERE name IN (SELECT name FROM rates WHERE full <= 1000 * ?1 LIMIT ?2)",
	"DELETE FROM misses WHERE serial IN (SELECT serial FROM misses WHERE until <= ?1 LIMIT ?2)",
	"DELETE FROM known WHERE name IN (SELECT name FROM known WHERE until <= ?1 LIMIT ?2)",
}

// Sweep removes what has expired, in batches, and, if a session was erased since
// the last time, moves the write-ahead log into the database and empties it.
// The store calls it by itself.
func (s *Store) Sweep(ctx context.Context) error {
	for _, statement := range expired {
		for n := int64(sweepBatch); n == sweepBatch; {
			var err error
			if n, err = s.exec(ctx, statement, s.now().UnixMilli(), sweepBatch); err != nil {
				return fault("sweep", err)
			}
			if n > 0 && statement == expiredSessions {
				s.erased.Store(true)
			}
		}
	}
	if !s.erased.Swap(false) {
		return nil
	}
	var busy, logged, moved int
	err := s.writing(ctx, func() error {
		return s.write.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &logged, &moved)
	})
	if err != nil || busy != 0 {
		s.erased.Store(true) // a reader is in the way: next time
	}
	return fault("sweep", err)
}
