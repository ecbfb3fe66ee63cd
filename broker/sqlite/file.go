package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"linkmail/broker"
	"linkmail/internal/secret"
	"linkmail/internal/wholefile"
)

// The reasons to refuse a file or its directory. Each says what to do.
var (
	errNoPath     = errors.New("no file is named")
	errNoParent   = errors.New("its directory is not there; make it with mode 0700")
	errParentFile = errors.New("what should be its directory is a file; name another place")
	errIsDir      = errors.New("it is a directory; name a file in it")
	errIrregular  = errors.New("it is not a regular file; name another one")
	errSymlink    = errors.New("it is a symbolic link; name what it points to")
	errForeign    = errors.New("it belongs to another user; run as that user, or name another file")
	errOpenDir    = errors.New("other users may write to its directory; take that away (chmod go-w), or name a directory of your own")
	errReadOnly   = errors.New("it cannot be written to; check owner and mode, or name a file on a writable file system")
	errKeyFile    = errors.New("it does not hold a key; restore it, or move it and the database away (agents only ask for a new link)")
)

// prepareFile makes sure that path is a database file that only we can use, or
// makes an empty one: SQLite itself would make it with a mode that depends on
// the umask, and gives its log the mode of the file.
func prepareFile(path string) error {
	fail := func(err error) error {
		return fmt.Errorf("broker/sqlite: database %s cannot be used: %w", path, wholefile.Cause(err))
	}
	if path == "" {
		return fail(errNoPath)
	}
	switch dir, err := os.Stat(filepath.Dir(path)); {
	case errors.Is(err, fs.ErrNotExist):
		return fail(errNoParent)
	case err != nil:
		return fail(err)
	case !dir.IsDir():
		return fail(errParentFile)
	default:
		if err := checkDir(dir); err != nil {
			return fail(err)
		}
	}
	return wrapOpen(fail, path)
}

func wrapOpen(fail func(error) error, path string) error {
	if info, err := os.Lstat(path); err == nil {
		switch {
		case info.IsDir():
			return fail(errIsDir)
		case info.Mode()&fs.ModeSymlink != 0:
			return fail(errSymlink)
		case !info.Mode().IsRegular():
			return fail(errIrregular)
		}
		if err := checkOwner(info); err != nil {
			return fail(err)
		}
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|noFollow, 0o600)
	if errors.Is(err, fs.ErrPermission) || isReadOnly(err) {
		return fail(errReadOnly)
	}
	if err != nil {
		return fail(err)
	}
	defer func() { _ = file.Close() }() // nothing was written
	info, err := file.Stat()
	if err != nil {
		return fail(err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		if err := file.Chmod(0o600); err != nil {
			return fail(err)
		}
	}
	return nil
}

// KeySuffix is appended to the path of a database for the name of its key
// file.
const KeySuffix = ".key"

// maxKeyFile bounds what is read of a key file, in bytes.
const maxKeyFile = 1 << 10

// Key returns the key of the database at path from the key file beside it, for
// [broker.NewSealer]. If there is none it makes one, mode 0600; of several
// processes that find none all get the one that the first of them made.
//
// A key beside its database protects the copy of the database that gets away
// alone, not the machine. A key from elsewhere is better.
func Key(path string) (secret.Text, error) {
	if err := prepareFile(path); err != nil {
		return secret.Text{}, err
	}
	name := path + KeySuffix
	fail := func(err error) (secret.Text, error) {
		return secret.Text{}, fmt.Errorf("broker/sqlite: key file %s cannot be used: %w", name, wholefile.Cause(err))
	}
	key, err := readKey(name)
	if !errors.Is(err, fs.ErrNotExist) {
		if err != nil {
			return fail(err)
		}
		return key, nil
	}
	if err := createKey(name); err != nil && !errors.Is(err, fs.ErrExist) {
		return fail(err)
	}
	if key, err = readKey(name); err != nil {
		return fail(err)
	}
	return key, nil
}

func readKey(name string) (secret.Text, error) {
	info, err := os.Lstat(name)
	if err != nil {
		return secret.Text{}, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxKeyFile {
		return secret.Text{}, errKeyFile
	}
	if err := checkOwner(info); err != nil {
		return secret.Text{}, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		if err := os.Chmod(name, 0o600); err != nil {
			return secret.Text{}, err
		}
	}
	raw, err := os.ReadFile(name)
	if err != nil {
		return secret.Text{}, err
	}
	key := secret.New(string(raw))
	if _, err := broker.NewSealer(key); err != nil {
		return secret.Text{}, errKeyFile
	}
	return key, nil
}

// createKey puts a new key at name, whole or not at all: a temporary file, and
// a link, which does not replace what another process was faster to put there.
func createKey(name string) error {
	file, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".new-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(file.Name()) }() // a stray one is harmless
	if err := wholefile.Fill(file, []byte(broker.NewSealKey().Reveal()+"\n")); err != nil {
		return err
	}
	return os.Link(file.Name(), name)
}
