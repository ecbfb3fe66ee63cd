package sqlite

import (
	"fmt"
	"testing"
)

// Seams for the tests of this package.

// LimitPages makes the disk as full as a database of so many pages: SQLite
// takes the present size if that is more.
func (s *Store) LimitPages(t *testing.T, n int) {
	t.Helper()
	s.pragma(t, fmt.Sprintf("PRAGMA max_page_count = %d", n))
}

// ReadOnly makes the connection refuse to write.
func (s *Store) ReadOnly(t *testing.T) { s.pragma(t, "PRAGMA query_only = 1") }

// Writable ends what ReadOnly began.
func (s *Store) Writable(t *testing.T) { s.pragma(t, "PRAGMA query_only = 0") }

func (s *Store) pragma(t *testing.T, statement string) {
	t.Helper()
	if _, err := s.write.Exec(statement); err != nil {
		t.Fatal(err)
	}
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
