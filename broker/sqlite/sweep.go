package sqlite

import (
	"context"
	"time"
)

// sweepBatch bounds how many sessions one statement removes, so that no
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

// Sweep removes expired sessions in batches and, if anything was erased since
// the last time, moves the write-ahead log into the database and empties it.
// The store calls it by itself.
func (s *Store) Sweep(ctx context.Context) error {
	for {
		res, err := s.write.ExecContext(ctx,
			"DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE expires <= ? ORDER BY expires LIMIT ?)",
			s.now().UnixMilli(), sweepBatch)
		if err != nil {
			return fault("sweep", err)
		}
		n, err := res.RowsAffected()
		if err != nil {
			return fault("sweep", err)
		}
		if n > 0 {
			s.erased.Store(true)
		}
		if n < sweepBatch {
			break
		}
	}
	if !s.erased.Swap(false) {
		return nil
	}
	var busy, logged, moved int
	err := s.write.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &logged, &moved)
	if err != nil || busy != 0 {
		s.erased.Store(true) // a reader is in the way: next time
	}
	return fault("sweep", err)
}
