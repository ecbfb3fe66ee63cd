// Package sqlite keeps the sessions of a broker in an SQLite file.
//
// The file belongs to one machine; several broker processes on it may share
// it. What is in it says nothing without the key: a session is sealed by
// [broker.Sealer], and the columns that sessions are found by are HMACs.
//
// # What is left behind
//
// An envelope that was delivered is erased by the statement that says so, and
// SQLite overwrites what it frees (secure_delete). Copies of old pages remain
// in the write-ahead log until the next sweep, at most [Config].SweepEvery
// later, which empties the log. A consumed session stays as a tombstone
// without content until it expires.
//
// # What survives
//
// Every change of a session is on the disk before it is answered
// (synchronous=FULL), so that neither a killed process nor a power cut can bring
// back an envelope that was delivered. What is counted for [broker.Limits]
// survives a killed process; a power cut may forgive the last moment.
package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"modernc.org/sqlite"

	"linkmail/broker"
)

// Config configures a [Store].
type Config struct {
	// Path is the database file. It is made if it is not there; its directory
	// must be there, and be nobody else's.
	Path string
	// Sealer seals the sessions. It is required.
	Sealer *broker.Sealer
	// MaxSessions limits the sessions; zero means 20,000.
	MaxSessions int
	// SweepEvery is how often expired sessions are removed and the log is
	// emptied; zero means 5 s.
	SweepEvery time.Duration
	// Now is the clock; nil means time.Now. Processes that share a file share
	// the clock of the machine.
	Now func() time.Time
}

const (
	defaultMaxSessions = 20_000
	defaultSweepEvery  = 5 * time.Second
	// readers is how many lookups run side by side; a writer does not stop
	// them.
	readers = 4
	// busyTimeout is how long one process waits for the write of another.
	busyTimeout = 5 * time.Second
)

// Store is a [broker.Store] in a file. Close it when the broker has stopped.
type Store struct {
	sealer *broker.Sealer
	max    int
	now    func() time.Time

	// Writers queue for their turn, in order: SQLite lets them in one by one,
	// and makes those that wait poll. There are two connections to write with,
	// see limits.go.
	turn               chan struct{}
	write, count, read *sql.DB

	// erased says that the log may hold what a session gave away.
	erased atomic.Bool
	// refused is the last write, if it failed in a way that may pass.
	refused atomic.Pointer[refusal]
	stop    chan struct{}
	swept   sync.WaitGroup
	closed  sync.Once
}

var (
	_ broker.Store  = (*Store)(nil)
	_ broker.Prober = (*Store)(nil)
)

// Open opens the database, or makes it. It refuses a file that others may
// read, that is damaged, that a newer version made, or that was made with
// another key; the error names the path and what to do. It starts the sweep.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	if cfg.Sealer == nil {
		return nil, errors.New("broker/sqlite: Sealer is missing")
	}
	// SQLite's default locks belong to the process: whoever closes any
	// descriptor of the file, a backup in this process or our own check of its
	// owner, would drop them. These belong to the connection. Not every system
	// has them, and the default is no worse than everywhere else.
	_, _ = sqlite.OFDLocking(true)
	if err := prepareFile(cfg.Path); err != nil {
		return nil, err
	}
	s := &Store{
		sealer: cfg.Sealer,
		max:    cmp.Or(cfg.MaxSessions, defaultMaxSessions),
		now:    cfg.Now,
		turn:   make(chan struct{}, 1),
		stop:   make(chan struct{}),
	}
	if s.now == nil {
		s.now = time.Now
	}
	if err := s.connect(ctx, cfg.Path); err != nil {
		return nil, err
	}
	s.erased.Store(true)                                                           // a process that was killed may have left something
	s.swept.Go(func() { s.sweepEvery(cmp.Or(cfg.SweepEvery, defaultSweepEvery)) }) //nolint:contextcheck // it ends with Close, not with what opened the store
	return s, nil
}

func (s *Store) connect(ctx context.Context, path string) error {
	for _, pool := range []struct {
		db          **sql.DB
		connections int
		pragmas     string
	}{
		{&s.write, 1, "&_pragma=synchronous(FULL)"},
		{&s.read, readers, "&_pragma=query_only(1)"},
		{&s.count, 1, "&_pragma=synchronous(NORMAL)"},
	} {
		db, err := sql.Open("sqlite", source(path, pool.pragmas))
		if err != nil {
			return errors.Join(fmt.Errorf("broker/sqlite: %w", err), s.disconnect())
		}
		db.SetMaxOpenConns(pool.connections)
		db.SetMaxIdleConns(pool.connections)
		*pool.db = db
	}
	if err := migrate(ctx, s.write, s.sealer.KeyID()); err != nil {
		_ = s.disconnect()
		return refuse(path, err)
	}
	return nil
}

// writing runs what writes when it is its turn.
func (s *Store) writing(ctx context.Context, write func() error) error {
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-s.turn }()
	return write()
}

// inTx runs change in a transaction that holds the file's write lock from its
// start (_txlock=immediate), so that nobody comes between what change reads and
// what it writes.
func (s *Store) inTx(ctx context.Context, db *sql.DB, change func(tx *sql.Tx) error) error {
	return s.writing(ctx, func() error {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback() }() // done already if it was committed
		if err := change(tx); err != nil {
			return err
		}
		return tx.Commit()
	})
}

// exec runs one statement that writes, and returns how many rows it changed.
func (s *Store) exec(ctx context.Context, query string, args ...any) (n int64, err error) {
	err = s.writing(ctx, func() error {
		res, err := s.write.ExecContext(ctx, query, args...)
		if err != nil {
			return err
		}
		n, err = res.RowsAffected()
		return err
	})
	return n, err
}

// disconnect closes what is open.
func (s *Store) disconnect() error {
	var errs []error
	for _, db := range []*sql.DB{s.count, s.read, s.write} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(errs...)
}

// source names the file for the driver.
func source(path, more string) string {
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?_txlock=immediate" +
		fmt.Sprintf("&_pragma=busy_timeout(%d)", busyTimeout.Milliseconds()) +
		"&_pragma=journal_mode(WAL)&_pragma=secure_delete(1)" +
		"&_pragma=temp_store(MEMORY)&_pragma=trusted_schema(0)" + more
}

// Close ends the sweep, empties the log and closes the file. It may be called
// twice.
func (s *Store) Close() error {
	var err error
	s.closed.Do(func() {
		close(s.stop)
		s.swept.Wait()
		err = s.disconnect()
	})
	if err != nil {
		return fmt.Errorf("broker/sqlite: close: %w", err)
	}
	return nil
}
