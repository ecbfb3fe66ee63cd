package wholefile_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"linkmail/internal/wholefile"
)

func TestAFileIsFilledAndClosed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := wholefile.Fill(file, []byte("all of it")); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != "all of it" {
		t.Errorf("got %q, %v", got, err)
	}
	if err := file.Close(); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("closing it again: %v, want %v", err, fs.ErrClosed)
	}
}

func TestAFileThatCannotBeFilledIsClosedToo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(path) // for reading only
	if err != nil {
		t.Fatal(err)
	}
	if err := wholefile.Fill(file, []byte("x")); err == nil {
		t.Error("no error")
	}
	if err := file.Close(); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("closing it again: %v, want %v", err, fs.ErrClosed)
	}
}

func TestADirectoryIsFlushedIfItIsThere(t *testing.T) {
	dir := t.TempDir()
	if err := wholefile.SyncDir(dir); err != nil {
		t.Error(err)
	}
	gone := filepath.Join(dir, "gone")
	if err := wholefile.SyncDir(gone); err == nil && os.PathSeparator == '/' {
		t.Errorf("%s is not there, and was flushed", gone)
	}
}

func TestACauseNamesNoPath(t *testing.T) {
	cause := errors.New("the cause")
	for _, err := range []error{
		&fs.PathError{Op: "open", Path: "/canary", Err: cause},
		&os.LinkError{Op: "rename", Old: "/canary", New: "/canary2", Err: cause},
		fmt.Errorf("wrapped: %w", &fs.PathError{Op: "open", Path: "/canary", Err: cause}),
		cause,
	} {
		if got := wholefile.Cause(err); got.Error() != cause.Error() {
			t.Errorf("of %v: got %v, want %v", err, got, cause)
		}
	}
	if got := wholefile.Cause(nil); got != nil {
		t.Errorf("of nothing: got %v", got)
	}
}
