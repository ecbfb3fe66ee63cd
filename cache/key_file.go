package cache

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"linkmail/internal/secret"
	"linkmail/internal/wholefile"
)

// keyFileName is the name of a key file: the base64 of the key and a newline.
const keyFileName = "cache.key"

// maxKeyFile bounds what is read of a key file, in bytes.
const maxKeyFile = 1 << 10

// readKeyFile returns the zero Key if there is no file at path that we can
// see. In a sandbox the home directory may be anything, also one that we may
// not look into.
func readKeyFile(path string) (Key, error) {
	if _, err := os.Lstat(path); err != nil {
		return Key{}, nil //nolint:nilerr // see above
	}
	data, err := readFile(path, maxKeyFile)
	if errors.Is(err, fs.ErrNotExist) {
		return Key{}, nil
	}
	var key Key
	if err == nil {
		key, err = ParseKey(secret.New(string(data)))
	}
	if err != nil {
		return Key{}, fmt.Errorf("cache: key file %s cannot be used: %w; restore it, or move it away to start with a new key and a new login", path, wholefile.Cause(err))
	}
	return key, nil
}

// createKeyFile puts the key into a new file at path, whole or not at all. The
// caller holds the lock beside it, so the temporary file needs no name of its
// own and a left-over one is written over.
func createKeyFile(path string, key Key) error {
	dir := filepath.Dir(path)
	temporary := filepath.Join(dir, "."+keyFileName+".new")
	if err := removeFile(temporary); err != nil {
		return err
	}
	file, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = removeFile(temporary) }() // gone already if it was renamed
	if err := wholefile.Fill(file, []byte(key.Text().Reveal()+"\n")); err != nil {
		return err
	}
	// A link is refused where a rename would write over the key of someone
	// whom the lock did not stop. Not every file system has links.
	err = os.Link(temporary, path)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		err = os.Rename(temporary, path)
	}
	if err != nil {
		return err
	}
	return wholefile.Cause(wholefile.SyncDir(dir))
}

// prepareKeyDir makes the directory of a key file if it is not there. Unlike
// the directory of the cache it may be shared with other programs of the same
// user, so its mode is left alone; the mode of the file is what counts.
func prepareKeyDir(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", &DirError{Dir: dir, Op: "find", Err: err}
	}
	if err := os.MkdirAll(abs, 0o700); err != nil {
		return "", &DirError{Dir: abs, Op: "create", Err: wholefile.Cause(err)}
	}
	return abs, nil
}
