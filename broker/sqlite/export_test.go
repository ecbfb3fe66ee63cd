package sqlite

import (
	"database/sql"
	"fmt"
	"testing"
)

// Seams for the tests of this package.

// SweepBatch is how many rows one statement of a sweep removes at most.
const SweepBatch = sweepBatch

// LimitPages makes the disk as full as a database of so many pages: SQLite
// takes the present size if that is more.
func (s *Store) LimitPages(t *testing.T, n int) {
	t.Helper()
	s.set(t, fmt.Sprintf("PRAGMA max_page_count = %d", n))
}

// ReadOnly makes the connections refuse to write.
func (s *Store) ReadOnly(t *testing.T) {
	t.Helper()
	s.set(t, "PRAGMA query_only = 1")
}

// Writable ends what ReadOnly began.
func (s *Store) Writable(t *testing.T) {
	t.Helper()
	s.set(t, "PRAGMA query_only = 0")
}

func (s *Store) set(t *testing.T, pragma string) {
	t.Helper()
	for _, db := range []*sql.DB{s.write, s.count} {
		if _, err := db.Exec(pragma); err != nil {
			t.Fatal(err)
		}
	}
}

// Counted is how many rows there are of what is counted.
func (s *Store) Counted(t *testing.T) int {
	t.Helper()
	var n int
	err := s.read.QueryRow("SELECT (SELECT count(*) FROM rates) + (SELECT count(*) FROM misses) + (SELECT count(*) FROM known)").Scan(&n)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Integrity is SQLite's verdict about the file.
func (s *Store) Integrity(t *testing.T) string {
	t.Helper()
	var verdict string
	if err := s.write.QueryRow("PRAGMA integrity_check").Scan(&verdict); err != nil {
		t.Fatal(err)
	}
	return verdict
}

// Rows is how many sessions there are, counted one by one.
func (s *Store) Rows(t *testing.T) int {
	t.Helper()
	var n int
	if err := s.write.QueryRow("SELECT count(*) FROM sessions").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// WithMigration adds a step to the schema for the rest of the test.
func WithMigration(t *testing.T, step string) {
	old := migrations
	migrations = append(migrations[:len(old):len(old)], step)
	t.Cleanup(func() { migrations = old })
}
