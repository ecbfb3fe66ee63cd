//go:build interop

package main

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"linkmail/broker"
	"linkmail/broker/sqlite"
	"linkmail/internal/secret"
)

// databaseName is the broker's database in its directory.
const databaseName = "broker.db"

// snapshot copies what the broker has on disk while the broker stands still.
func (d *deployment) snapshot(t *testing.T) string {
	t.Helper()
	if err := syscall.Kill(d.cmd.Process.Pid, syscall.SIGSTOP); err == nil {
		defer func() { _ = syscall.Kill(d.cmd.Process.Pid, syscall.SIGCONT) }()
	}
	dir := filepath.Join(t.TempDir(), "snapshot")
	if err := os.CopyFS(dir, os.DirFS(d.dir)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// plant writes text into a snapshot's database as a careless broker would:
// into a table, through the log.
func plant(t *testing.T, dir, text string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, databaseName)+"?_pragma=journal_mode(WAL)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, statement := range []string{"CREATE TABLE planted (text TEXT)", "INSERT INTO planted VALUES ('" + text + "')"} {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
}

// unsealed returns what the database of a snapshot says to somebody who has
// the key too: every field of the sessions, the hidden ones included.
func unsealed(t *testing.T, dir string, ids []string) string {
	t.Helper()
	path := filepath.Join(dir, databaseName)
	key, err := sqlite.Key(path)
	if err != nil {
		t.Fatal(err)
	}
	sealer, err := broker.NewSealer(key)
	if err != nil {
		t.Fatal(err)
	}
	store, err := sqlite.Open(t.Context(), sqlite.Config{Path: path, Sealer: sealer})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	all := ""
	for _, id := range ids {
		s, err := store.Find(t.Context(), broker.Ref{ID: id})
		if err != nil {
			t.Fatalf("a session of the proof is not in the database: %v", err)
		}
		all += fmt.Sprintf("%+v\n", s)
		for _, hidden := range []secret.Text{s.Code, s.Target, s.Verifier} {
			all += hidden.Reveal() + "\n"
		}
	}
	return all
}
