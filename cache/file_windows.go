package cache

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"linkmail/internal/wholefile"
)

// noFollow has no counterpart here; [openOwn] looks at the file instead.
const noFollow = 0

// replaceFile puts data at path, whole or not at all: a temporary file in the
// same directory, flushed, then renamed over the old one.
func replaceFile(path string, data []byte) error {
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"*")
	if err != nil {
		return wholefile.Cause(err)
	}
	defer func() { _ = os.Remove(file.Name()) }() // not there once it was renamed
	if err := wholefile.Fill(file, data); err != nil {
		return wholefile.Cause(err)
	}
	return rename(file.Name(), path)
}

// renameTries and renamePause bound how long a rename waits for readers: while
// one has the old file open, Windows refuses to replace it.
const (
	renameTries = 50
	renamePause = 10 * time.Millisecond
)

func rename(from, to string) error {
	const sharingViolation = syscall.Errno(32)
	for try := 1; ; try++ {
		err := os.Rename(from, to)
		busy := errors.Is(err, syscall.ERROR_ACCESS_DENIED) || errors.Is(err, sharingViolation)
		if !busy || try == renameTries {
			return err
		}
		time.Sleep(renamePause)
	}
}

// openOwn opens a regular file for reading. Who may read it is decided by the
// access list of the user's profile directory, not by a mode.
func openOwn(path string) (*os.File, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("file %s: %w", filepath.Base(path), errIrregular)
	}
	return os.Open(path)
}

// checkDirMode has nothing to check: the mode bits that Go shows are made up.
func checkDirMode(string, fs.FileInfo) error { return nil }
