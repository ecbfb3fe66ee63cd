package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"linkmail/broker"
)

// Counts are written through a connection of their own, which does not wait
// for the disk: a killed process loses none, a power cut those of the last
// moment. They are on the disk, at the latest, with the next session.

// asker is the database or a transaction on it.
type asker interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// number asks for one number; it is 0 where there is no row.
func number(ctx context.Context, from asker, query string, args ...any) (int64, error) {
	var n int64
	err := from.QueryRowContext(ctx, query, args...).Scan(&n)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return n, err
}

// Take implements [broker.Limits]. Of a bucket the table has when it is full
// again: an event moves that moment by the time in which one is refilled.
func (s *Store) Take(ctx context.Context, perMinute int, buckets ...broker.Digest) (wait time.Duration, err error) {
	err = s.inTx(ctx, s.count, func(tx *sql.Tx) error {
		now := s.now().UnixMicro()
		each := max(1, time.Minute.Microseconds()/int64(perMinute))
		names, full := make([]broker.Index, len(buckets)), make([]int64, len(buckets))
		for i, bucket := range buckets {
			names[i] = s.sealer.Name(bucket)
			// Nothing takes longer to fill than a minute: the clock was set back.
			at, err := number(ctx, tx, "SELECT full FROM rates WHERE name = ? AND full BETWEEN ? AND ?",
				names[i][:], now, now+time.Minute.Microseconds())
			if err != nil {
				return err
			}
			full[i] = max(at, now)
			wait = max(wait, time.Duration(full[i]+each-now-each*int64(perMinute))*time.Microsecond)
		}
		if wait > 0 {
			return nil
		}
		for i := range names {
			if _, err := tx.ExecContext(ctx, "INSERT INTO rates VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET full = ?2",
				names[i][:], full[i]+each); err != nil {
				return err
			}
		}
		return nil
	})
	return wait, fault("take", err)
}

// Guess implements [broker.Limits]. Whoever is refused or known costs no
// writer anything.
func (s *Store) Guess(ctx context.Context, g broker.Guess) (broker.Turn, error) {
	q := question{g, s.sealer.Name(g.Address), s.sealer.Name(g.Pair)}
	turn, err := q.judge(ctx, s.read, s.now())
	if err != nil || turn.Verdict != broker.Charged {
		return turn, fault("guess", err)
	}
	err = s.inTx(ctx, s.count, func(tx *sql.Tx) error {
		now := s.now()
		turn, err = q.judge(ctx, tx, now) // others may have come before
		if err != nil || turn.Verdict != broker.Charged {
			return err
		}
		res, err := tx.ExecContext(ctx, "INSERT INTO misses (address, until) VALUES (?, ?)", q.address[:], now.Add(g.Window).UnixMilli())
		if err != nil {
			return err
		}
		if turn.Charge.Serial, err = res.LastInsertId(); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "UPDATE charged SET n = CASE since WHEN ?1 THEN n + 1 ELSE 1 END, since = ?1", turn.Charge.Window)
		return err
	})
	return turn, fault("guess", err)
}

// question is a guess by the names that the tables have.
type question struct {
	broker.Guess
	address, pair broker.Index
}

// judge decides without changing anything. Of a charge it tells the window.
func (q question) judge(ctx context.Context, from asker, at time.Time) (broker.Turn, error) {
	now, window := at.UnixMilli(), q.Window.Milliseconds()
	var misses, until int64
	// What ends later than a window from now is of a clock that was set back.
	err := from.QueryRowContext(ctx, "SELECT count(*), ifnull(min(until), 0) FROM misses WHERE address = ? AND until > ? AND until <= ?",
		q.address[:], now, now+window).Scan(&misses, &until)
	if err != nil {
		return broker.Turn{}, err
	}
	if misses >= int64(q.PerAddress) {
		return broker.Turn{Verdict: broker.Stopped, Wait: time.Duration(until-now) * time.Millisecond}, nil
	}
	const known = "SELECT 1 FROM known WHERE name = ? AND until > ?"
	if n, err := number(ctx, from, known, q.pair[:], now); err != nil || n == 1 {
		return broker.Turn{Verdict: broker.Known}, err
	}
	live, err := number(ctx, from, "SELECT n FROM total")
	if err != nil {
		return broker.Turn{}, err
	}
	var since, charged int64
	if err := from.QueryRowContext(ctx, "SELECT since, n FROM charged").Scan(&since, &charged); err != nil {
		return broker.Turn{}, err
	}
	if now < since || now >= since+window {
		since, charged = now, 0
	}
	if charged >= int64(q.Total(int(live))) {
		if n, err := number(ctx, from, known, q.address[:], now); err != nil || n == 0 {
			return broker.Turn{Verdict: broker.Spent, Wait: time.Duration(since+window-now) * time.Millisecond}, err
		}
	}
	return broker.Turn{Verdict: broker.Charged, Charge: broker.Charge{Window: since}}, nil
}

// Hit implements [broker.Limits].
func (s *Store) Hit(ctx context.Context, g broker.Guess, c broker.Charge) error {
	return fault("hit", s.inTx(ctx, s.count, func(tx *sql.Tx) error {
		address, pair, now := s.sealer.Name(g.Address), s.sealer.Name(g.Pair), s.now()
		for name, until := range map[broker.Index]time.Time{pair: now.Add(g.Memory), address: now.Add(g.Window)} {
			if _, err := tx.ExecContext(ctx, "INSERT INTO known VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET until = ?2",
				name[:], until.UnixMilli()); err != nil {
				return err
			}
		}
		if _, err := tx.ExecContext(ctx, "DELETE FROM known WHERE name IN (SELECT name FROM known ORDER BY until LIMIT max(0, (SELECT count(*) FROM known) - ?))",
			g.MaxKnown); err != nil {
			return err
		}
		res, err := tx.ExecContext(ctx, "DELETE FROM misses WHERE serial = ? AND address = ?", c.Serial, address[:])
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return err
		}
		_, err = tx.ExecContext(ctx, "UPDATE charged SET n = n - 1 WHERE since = ?", c.Window)
		return err
	}))
}
