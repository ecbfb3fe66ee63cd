package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"linkmail/broker"
)

// applicationID marks the file as ours (the header's application_id): "lmbk".
const applicationID = 0x6c6d626b

// migrations are the steps from an empty file to the present schema. A step
// that was released is never changed. The header's user_version counts them.
var migrations = []string{
	// id, code and state are [broker.Index] values, expires is in milliseconds
	// of Unix time, version counts the changes. sealed is last: SQLite reads a
	// row from the left, and what is large goes to pages of its own.
	`CREATE TABLE sessions (
		id      BLOB PRIMARY KEY,
		code    BLOB NOT NULL UNIQUE,
		state   BLOB UNIQUE,
		expires INTEGER NOT NULL,
		version INTEGER NOT NULL,
		sealed  BLOB NOT NULL
	) STRICT;
	CREATE INDEX sessions_expires ON sessions (expires);

	-- Counting rows walks all of them, and every lookup of a code asks.
	CREATE TABLE total (one INTEGER PRIMARY KEY CHECK (one = 1), n INTEGER NOT NULL) STRICT;
	INSERT INTO total VALUES (1, 0);
	CREATE TRIGGER sessions_added AFTER INSERT ON sessions BEGIN UPDATE total SET n = n + 1; END;
	CREATE TRIGGER sessions_removed AFTER DELETE ON sessions BEGIN UPDATE total SET n = n - 1; END;

	CREATE TABLE key (one INTEGER PRIMARY KEY CHECK (one = 1), id BLOB NOT NULL) STRICT;`,

	// due is when a callback is owed, in milliseconds of Unix time.
	`ALTER TABLE sessions ADD COLUMN due INTEGER;
	CREATE INDEX sessions_due ON sessions (due) WHERE due IS NOT NULL;`,

	// What is counted for [broker.Limits]. Names and addresses are
	// [broker.Index] values; full is when a bucket is full again, in
	// microseconds of Unix time; all other times are in milliseconds of it.
	`CREATE TABLE rates (name BLOB PRIMARY KEY, full INTEGER NOT NULL) STRICT, WITHOUT ROWID;
	CREATE INDEX rates_full ON rates (full);

	-- A serial is not given out twice: a charge is taken back by it, once.
	CREATE TABLE misses (serial INTEGER PRIMARY KEY AUTOINCREMENT, address BLOB NOT NULL, until INTEGER NOT NULL) STRICT;
	CREATE INDEX misses_address ON misses (address, until);
	CREATE INDEX misses_until ON misses (until);

	CREATE TABLE known (name BLOB PRIMARY KEY, until INTEGER NOT NULL) STRICT, WITHOUT ROWID;
	CREATE INDEX known_until ON known (until);

	-- The misses of all addresses in the window that began at since.
	CREATE TABLE charged (one INTEGER PRIMARY KEY CHECK (one = 1), since INTEGER NOT NULL, n INTEGER NOT NULL) STRICT;
	INSERT INTO charged VALUES (1, 0, 0);`,
}

// The reasons to refuse a file.
var (
	errNewer    = errors.New("a newer version of linkmail made it; run that version, or move the file away")
	errNotOurs  = errors.New("it is the database of another program; name another file")
	errDamaged  = errors.New("it is damaged; move it away (sessions last minutes, agents only ask for a new link)")
	errOtherKey = errors.New("it was made with another key; restore the key, or move the file away (agents only ask for a new link)")
)

// migrate brings the file to the present schema, and checks that it is whole,
// ours and made with our key.
func migrate(ctx context.Context, db *sql.DB, key broker.Index) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // done already if it was committed
	version, err := check(ctx, tx)
	if err != nil {
		return err
	}
	if version == 0 {
		if _, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA application_id = %d", applicationID)); err != nil {
			return err
		}
	}
	for ; version < len(migrations); version++ {
		if _, err := tx.ExecContext(ctx, migrations[version]); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", version+1)); err != nil {
			return err
		}
	}
	if err := checkKey(ctx, tx, key); err != nil {
		return err
	}
	return tx.Commit()
}

// check returns the version of the file's schema.
func check(ctx context.Context, tx *sql.Tx) (version int, err error) {
	var application, objects int
	for query, to := range map[string]*int{
		"PRAGMA user_version": &version, "PRAGMA application_id": &application, "SELECT count(*) FROM sqlite_schema": &objects,
	} {
		if err := tx.QueryRowContext(ctx, query).Scan(to); err != nil {
			return 0, err
		}
	}
	switch {
	case application != applicationID && (version != 0 || objects != 0):
		return 0, errNotOurs
	case version > len(migrations):
		return 0, errNewer
	}
	var verdict string
	if err := tx.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&verdict); err != nil {
		return 0, err
	}
	if verdict != "ok" {
		return 0, errDamaged
	}
	return version, nil
}

func checkKey(ctx context.Context, tx *sql.Tx, key broker.Index) error {
	if _, err := tx.ExecContext(ctx, "INSERT OR IGNORE INTO key VALUES (1, ?)", key[:]); err != nil {
		return err
	}
	var id []byte
	if err := tx.QueryRowContext(ctx, "SELECT id FROM key").Scan(&id); err != nil {
		return err
	}
	if string(id) != string(key[:]) {
		return errOtherKey
	}
	return nil
}
