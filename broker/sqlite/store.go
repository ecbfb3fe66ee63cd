package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"linkmail/broker"
)

// Create implements [broker.Store].
func (s *Store) Create(ctx context.Context, session broker.Session) error {
	row, err := s.seal(session)
	if err != nil {
		return err
	}
	return s.wrote("create", s.insert(ctx, row))
}

// row is a session as the table has it.
type row struct {
	id      broker.Index
	code    []byte
	state   []byte // nil: none
	expires int64
	due     *int64 // nil: no callback is owed
	version int64
	sealed  []byte
}

func (s *Store) seal(session broker.Session) (row, error) {
	r := row{expires: session.Expires.UnixMilli(), version: 1}
	r.id, _ = s.sealer.Index(broker.Ref{ID: session.ID})
	code, _ := s.sealer.Index(broker.Ref{Code: session.CodeDigest()})
	r.code = code[:]
	if state, ok := s.sealer.Index(broker.Ref{State: session.StateDigest}); ok {
		r.state = state[:]
	}
	if !session.Due.IsZero() {
		due := session.Due.UnixMilli()
		r.due = &due
	}
	var err error
	r.sealed, err = s.sealer.Seal(session)
	return r, err
}

func (s *Store) insert(ctx context.Context, r row) error {
	return s.inTx(ctx, s.write, func(tx *sql.Tx) error {
		now := s.now().UnixMilli()
		if err := free(ctx, tx, byCode, r.code, now, broker.ErrCodeTaken); err != nil {
			return err
		}
		if r.state != nil {
			if err := free(ctx, tx, byState, r.state, now, broker.ErrStateTaken); err != nil {
				return err
			}
		}
		if err := s.makeRoom(ctx, tx, now); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, "INSERT INTO sessions (id, code, state, expires, version, sealed) VALUES (?, ?, ?, ?, ?, ?)",
			r.id[:], r.code, r.state, r.expires, r.version, r.sealed)
		return err
	})
}

// makeRoom removes a batch of expired sessions if they are in the way.
func (s *Store) makeRoom(ctx context.Context, tx *sql.Tx, now int64) error {
	var n int
	if err := tx.QueryRowContext(ctx, "SELECT n FROM total").Scan(&n); err != nil || n < s.max {
		return err
	}
	res, err := tx.ExecContext(ctx, expiredSessions, now, sweepBatch)
	if err != nil {
		return err
	}
	gone, err := res.RowsAffected()
	if err != nil {
		return err
	}
	if gone == 0 {
		return broker.ErrFull
	}
	s.erased.Store(true)
	return nil
}

// column is one that sessions are found by: the statements about it.
type column struct{ find, expires, remove string }

var (
	byID   = column{find: "SELECT id, version, sealed FROM sessions WHERE id = ?"}
	byCode = column{
		find:    "SELECT id, version, sealed FROM sessions WHERE code = ?",
		expires: "SELECT expires FROM sessions WHERE code = ?",
		remove:  "DELETE FROM sessions WHERE code = ?",
	}
	byState = column{
		find:    "SELECT id, version, sealed FROM sessions WHERE state = ?",
		expires: "SELECT expires FROM sessions WHERE state = ?",
		remove:  "DELETE FROM sessions WHERE state = ?",
	}
)

// free makes a value of a unique column free, unless a live session has it.
func free(ctx context.Context, tx *sql.Tx, by column, value []byte, now int64, taken error) error {
	var expires int64
	err := tx.QueryRowContext(ctx, by.expires, value).Scan(&expires)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil
	case err != nil:
		return err
	case expires > now:
		return taken
	}
	_, err = tx.ExecContext(ctx, by.remove, value)
	return err
}

// Find implements [broker.Store].
func (s *Store) Find(ctx context.Context, ref broker.Ref) (broker.Session, error) {
	session, _, err := s.lookup(ctx, ref)
	if err != nil {
		return broker.Session{}, fault("find", err)
	}
	return session, nil
}

func (s *Store) lookup(ctx context.Context, ref broker.Ref) (broker.Session, row, error) {
	index, ok := s.sealer.Index(ref)
	if !ok {
		return broker.Session{}, row{}, broker.ErrNoSession
	}
	by := byState
	switch {
	case ref.ID != "":
		by = byID
	case ref.Code != broker.Digest{}:
		by = byCode
	}
	var r row
	var id []byte
	err := s.read.QueryRowContext(ctx, by.find, index[:]).Scan(&id, &r.version, &r.sealed)
	if errors.Is(err, sql.ErrNoRows) {
		return broker.Session{}, row{}, broker.ErrNoSession
	}
	if err != nil {
		return broker.Session{}, row{}, err
	}
	if len(id) != len(r.id) {
		return broker.Session{}, row{}, errDamaged
	}
	r.id = broker.Index(id)
	session, err := s.sealer.Open(r.id, r.sealed)
	return session, r, err
}

// Update implements [broker.Store]. The change runs without a lock on what was
// read, and is stored by one statement that compares the version: a change
// that is refused costs no writer anything.
func (s *Store) Update(ctx context.Context, id string, change func(*broker.Session) error) (broker.Session, error) {
	for {
		session, old, err := s.lookup(ctx, broker.Ref{ID: id})
		if err != nil {
			return broker.Session{}, fault("update", err)
		}
		had := session.Ciphertext
		if err := change(&session); err != nil {
			return broker.Session{}, err
		}
		next, err := s.seal(session)
		if err != nil {
			return broker.Session{}, err
		}
		stored, err := s.replace(ctx, old, next)
		if err := s.wrote("update", err); err != nil {
			return broker.Session{}, err
		}
		if stored {
			if had != "" && session.Ciphertext == "" {
				s.erased.Store(true)
			}
			return session, nil
		}
	}
}

// replace stores next unless somebody else was faster.
func (s *Store) replace(ctx context.Context, old, next row) (bool, error) {
	n, err := s.exec(ctx, "UPDATE sessions SET state = ?, due = ?, version = version + 1, sealed = ? WHERE id = ? AND version = ?",
		next.state, next.due, next.sealed, old.id[:], old.version)
	if isUnique(err) {
		// Only the state can collide: id and code never change.
		return false, s.clash(ctx, next.state)
	}
	return n == 1, err
}

// clash decides about a state that another session has: if that one is dead it
// goes, and the update is tried again.
func (s *Store) clash(ctx context.Context, state []byte) error {
	n, err := s.exec(ctx, "DELETE FROM sessions WHERE state = ? AND expires <= ?", state, s.now().UnixMilli())
	if err != nil || n == 1 {
		return err
	}
	return broker.ErrStateTaken
}

// Count implements [broker.Store]. It counts sessions that have expired until
// they are swept.
func (s *Store) Count(ctx context.Context) (int, error) {
	var n int
	if err := s.read.QueryRowContext(ctx, "SELECT n FROM total").Scan(&n); err != nil {
		return 0, fault("count", err)
	}
	return n, nil
}

// refusal is a write that failed in a way that may pass.
type refusal struct {
	at    time.Time
	cause error
}

// refusalRest is how long after a refusal nobody finds out by writing whether
// there is room again: on a disk that is nearly full small changes fit and large
// ones do not.
const refusalRest = 10 * time.Second

// wrote notes how a write ended and gives its error the form of a store's.
func (s *Store) wrote(op string, err error) error {
	err = fault(op, err)
	if errors.Is(err, broker.ErrUnavailable) {
		s.refused.Store(&refusal{s.now(), err})
	} else {
		s.refused.Store(nil)
	}
	return err
}

// Probe implements [broker.Prober]. It writes only if the last write failed a
// while ago.
func (s *Store) Probe(ctx context.Context) error {
	last := s.refused.Load()
	if last == nil {
		return nil
	}
	if since := s.now().Sub(last.at); since >= 0 && since < refusalRest {
		return last.cause
	}
	_, err := s.write.ExecContext(ctx, "UPDATE total SET n = n")
	return s.wrote("probe", err)
}
