//go:build unix

package keyfile

import (
	"errors"
	"io/fs"
	"os"
)

func writableByOthers(info fs.FileInfo) bool { return info.Mode().Perm()&0o022 != 0 }

// syncDir makes a rename last.
func syncDir(path string) error {
	dir, err := os.Open(path) //nolint:gosec // the operator's directory
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
