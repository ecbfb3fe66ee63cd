//go:build unix

package sqlite

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// noFollow makes an open fail if the last part of the path is a symbolic link.
const noFollow = syscall.O_NOFOLLOW

// checkDir refuses a directory in which others may replace our files. In one
// with the sticky bit, such as /tmp, they may not.
func checkDir(info fs.FileInfo) error {
	if info.Mode().Perm()&0o022 != 0 && info.Mode()&fs.ModeSticky == 0 {
		return errOpenDir
	}
	return nil
}

func checkOwner(info fs.FileInfo) error {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || int64(stat.Uid) != int64(os.Geteuid()) {
		return errForeign
	}
	return nil
}

func isReadOnly(err error) bool { return errors.Is(err, syscall.EROFS) }
