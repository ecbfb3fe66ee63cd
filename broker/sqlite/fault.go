package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"linkmail/broker"
)

// causes are the faults of SQLite that pass, or that an operator can end,
// without a restart. They are told to the client as "try again".
var causes = map[int]string{
	sqlite3.SQLITE_BUSY:      "locked by another process",
	sqlite3.SQLITE_LOCKED:    "locked",
	sqlite3.SQLITE_FULL:      "disk full",
	sqlite3.SQLITE_IOERR:     "disk error",
	sqlite3.SQLITE_READONLY:  "read-only",
	sqlite3.SQLITE_CANTOPEN:  "file cannot be opened",
	sqlite3.SQLITE_NOMEM:     "out of memory",
	sqlite3.SQLITE_PERM:      "no permission",
	sqlite3.SQLITE_PROTOCOL:  "locking failed",
	sqlite3.SQLITE_INTERRUPT: "interrupted",
	sqlite3.SQLITE_CORRUPT:   "database damaged",
	sqlite3.SQLITE_NOTADB:    "database damaged",
}

// cause returns the words for an error of SQLite, and "" if it is none that
// [causes] lists.
func cause(err error) string {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return causes[e.Code()&0xff] // the rest of an extended code is detail
	}
	return ""
}

func isUnique(err error) bool {
	e, ok := errors.AsType[*sqlite.Error](err)
	return ok && e.Code()&0xff == sqlite3.SQLITE_CONSTRAINT
}

// fault gives an error of the database the form of a store's.
func fault(op string, err error) error {
	switch {
	case err == nil, errors.Is(err, broker.ErrNoSession), errors.Is(err, broker.ErrCodeTaken),
		errors.Is(err, broker.ErrStateTaken), errors.Is(err, broker.ErrFull),
		errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, sql.ErrConnDone):
		return &broker.StoreError{Store: "sqlite", Op: op, Cause: "closed"}
	}
	if words := cause(err); words != "" {
		return &broker.StoreError{Store: "sqlite", Op: op, Cause: words}
	}
	return fmt.Errorf("broker/sqlite: %s: %w", op, err)
}

// refuse says why the file at path cannot be used, and what to do.
func refuse(path string, err error) error {
	fix := map[string]string{
		"disk full":             "the disk is full; make room",
		"read-only":             "it cannot be written to; name a file on a writable file system",
		"database damaged":      errDamaged.Error(),
		"file cannot be opened": "it or its directory cannot be written to; check owner and mode",
		"no permission":         "it or its directory cannot be written to; check owner and mode",
	}[cause(err)]
	if fix != "" {
		return fmt.Errorf("broker/sqlite: database %s cannot be used: %s", path, fix)
	}
	return fmt.Errorf("broker/sqlite: database %s cannot be used: %w", path, err)
}
