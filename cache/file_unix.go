//go:build unix

package cache

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/google/renameio/v2"

	"linkmail/internal/wholefile"
)

// noFollow makes an open fail if the last part of the path is a symbolic link.
const noFollow = syscall.O_NOFOLLOW

// replaceFile puts data at path, mode 0600, whole or not at all: a temporary
// file in the same directory, fsync, rename, fsync of the directory. Without
// the last step a crash could bring the old file back after the caller was
// told that the new one is safe.
func replaceFile(path string, data []byte) error {
	dir := filepath.Dir(path)
	file, err := renameio.TempFile(dir, path)
	if err != nil {
		return wholefile.Cause(err)
	}
	defer func() { _ = file.Cleanup() }() // nothing to do once it was renamed
	if _, err := file.Write(data); err != nil {
		return wholefile.Cause(err)
	}
	if err := file.CloseAtomicallyReplace(); err != nil {
		return wholefile.Cause(err)
	}
	return wholefile.Cause(wholefile.SyncDir(dir))
}

// openOwn opens a regular file of ours for reading and takes away what its
// mode gives to others. O_NONBLOCK keeps a pipe at the path from blocking us.
func openOwn(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if errors.Is(err, syscall.ELOOP) || errors.Is(err, syscall.EMLINK) { // FreeBSD says EMLINK
		return nil, fmt.Errorf("file %s: %w", filepath.Base(path), errIrregular)
	}
	if err != nil {
		return nil, err
	}
	if err := checkOwn(file); err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("file %s: %w", filepath.Base(path), err)
	}
	return file, nil
}

func checkOwn(file *os.File) error {
	info, err := file.Stat()
	if err != nil {
		return wholefile.Cause(err)
	}
	if !info.Mode().IsRegular() {
		return errIrregular
	}
	if !isOurs(info) {
		return errForeign
	}
	if info.Mode().Perm()&0o077 != 0 {
		if err := file.Chmod(info.Mode().Perm() & 0o700); err != nil {
			return fmt.Errorf("others may use it and its mode cannot be changed: %w", wholefile.Cause(err))
		}
	}
	return nil
}

// checkDirMode refuses a directory that others own or may write to, and takes
// away what the mode of ours gives to a group or to readers.
func checkDirMode(dir string, info fs.FileInfo) error {
	if info.Mode().Perm()&0o002 != 0 {
		// Not repaired: what is in it may have been planted.
		return errWorldWrite
	}
	if !isOurs(info) {
		return errForeign
	}
	if info.Mode().Perm()&0o077 == 0 {
		return nil
	}
	if err := os.Chmod(dir, 0o700); err != nil { //nolint:gosec // a directory needs its x bit
		return fmt.Errorf("others may read it and its mode cannot be changed: %w", wholefile.Cause(err))
	}
	return nil
}

// isOurs reports whether the user we run as owns the file.
func isOurs(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int64(stat.Uid) == int64(os.Geteuid())
}
