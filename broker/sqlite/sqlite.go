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
// Every change is on the disk before it is answered (synchronous=FULL), so
// that neither a killed process nor a power cut can bring back an envelope
// that was delivered.
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

	// Writers queue for the one connection of write, in order: SQLite lets
	// them in one by one, and makes those that wait poll.
	write, read *sql.DB

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
	var err error
	if s.write, err = sql.Open("sqlite", source(path, "")); err != nil {
		return fmt.Errorf("broker/sqlite: %w", err)
	}
	s.write.SetMaxOpenConns(1)
	if s.read, err = sql.Open("sqlite", source(path, "&_pragma=query_only(1)")); err != nil {
		_ = s.write.Close()
		return fmt.Errorf("broker/sqlite: %w", err)
	}
	s.read.SetMaxOpenConns(readers)
	s.read.SetMaxIdleConns(readers)
	if err = migrate(ctx, s.write, s.sealer.KeyID()); err != nil {
		_, _ = s.write.Close(), s.read.Close()
		return refuse(path, err)
	}
	return nil
}

// source names the file for the driver.
func source(path, more string) string {
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?_txlock=immediate" +
		fmt.Sprintf("&_pragma=busy_timeout(%d)", busyTimeout.Milliseconds()) +
		"&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=secure_delete(1)" +
		"&_pragma=temp_store(MEMORY)&_pragma=trusted_schema(0)" + more
}

// Close ends the sweep, empties the log and closes the file. It may be called
// twice.
func (s *Store) Close() error {
	var err error
	s.closed.Do(func() {
		close(s.stop)
		s.swept.Wait()
		err = errors.Join(s.read.Close(), s.write.Close())
	})
	if err != nil {
		return fmt.Errorf("broker/sqlite: close: %w", err)
	}
	return nil
}
