//go:build unix

package wholefile

import (
	"errors"
	"os"
	"syscall"
)

// SyncDir flushes the names in a directory to the disk: without it a crash
// could undo a renaming after the caller was told that it is done. Some file
// systems have nothing to flush and say so.
func SyncDir(dir string) error {
	d, err := os.Open(dir) //nolint:gosec // the directory of a file that the caller has just written
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }() // nothing was written
	if err := d.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, syscall.ENOTSUP) {
		return err
	}
	return nil
}
