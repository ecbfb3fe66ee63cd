package tools

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"linkmail/mailbox"
)

// Directory is the one directory that attachments are saved to and attached
// from. Nothing outside of it can be named, by whatever path or symbolic link
// ([os.Root]).
type Directory struct {
	root *os.Root
	made bool
	// closed says why there is none.
	closed string
}

// OpenDirectory opens the directory at path. One that is missing is made, for
// the user alone, but not the one that it is in: a path that is written wrongly
// shall not become files in a place that nobody looks at.
func OpenDirectory(path string) (*Directory, error) {
	err := os.Mkdir(path, 0o700)
	made := err == nil
	switch parent := filepath.Dir(filepath.Clean(path)); {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("tools: %s does not exist, and neither does %s, where it would be made", path, parent)
	case errors.Is(err, syscall.ENOTDIR):
		return nil, fmt.Errorf("tools: %s is no directory", parent)
	case err != nil && !errors.Is(err, fs.ErrExist):
		return nil, err
	}
	info, err := os.Stat(path)
	if err == nil && !info.IsDir() {
		return nil, fmt.Errorf("tools: %s is no directory", path)
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, err
	}
	return &Directory{root: root, made: made}, nil
}

// Made reports whether the directory was not there before.
func (d *Directory) Made() bool { return d.made }

// NoDirectory is the directory of a server that must not touch files. Every use
// is refused, with a sentence that says why.
func NoDirectory(why string) *Directory { return &Directory{closed: why} }

// Close closes the directory.
func (d *Directory) Close() error {
	if d == nil || d.root == nil {
		return nil
	}
	return d.root.Close()
}

// usable returns an error that says why the directory cannot be used; argument
// is what to call its use.
func (d *Directory) usable(argument string) error {
	switch {
	case d == nil:
		return invalid(argument, "Set LINKMAIL_DOWNLOADS to the directory that may be used for files.", "no directory for files is configured")
	case d.root == nil:
		return invalid(argument, `Read attachments with as="text" or as="image", or link to them with as="link".`, "%s", d.closed)
	}
	return nil
}

// read returns the content of a regular file of at most limit bytes. name is
// relative to the directory; argument is what to call it in an error.
func (d *Directory) read(argument, name string, limit int64) ([]byte, error) {
	if err := d.usable(argument); err != nil {
		return nil, err
	}
	f, err := d.root.Open(filepath.FromSlash(name))
	if err != nil {
		return nil, unopened(argument, err)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	switch {
	case err != nil || !info.Mode().IsRegular():
		return nil, invalid(argument, "Name a regular file.", "%s is no file", argument)
	case info.Size() > limit:
		return nil, &ArgumentError{
			Argument: argument, Code: "too_large",
			Message: fmt.Sprintf("%s has %d bytes; at most %d are accepted", argument, info.Size(), limit),
			Hint:    "Share it in another way.",
		}
	}
	// What grows while it is read is cut off by one byte more than is allowed.
	content, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil || int64(len(content)) > limit {
		return nil, invalid(argument, "Try again once nothing writes to it.", "%s could not be read whole", argument)
	}
	return content, nil
}

func unsaved(err error) error {
	if own, ok := errors.AsType[*mailbox.Error](err); ok {
		return own
	}
	return &mailbox.Error{
		Code: "not_saved", Message: "the file could not be written to the directory that LINKMAIL_DOWNLOADS names",
		Hint: "Check that it exists, is writable and has room.", Err: err,
	}
}

// size returns the size of a regular file in bytes. Nothing is opened for it,
// because opening what is no file may wait for ever.
func (d *Directory) size(argument, name string) (int64, error) {
	if err := d.usable(argument); err != nil {
		return 0, err
	}
	info, err := d.root.Stat(filepath.FromSlash(name))
	switch {
	case err != nil:
		return 0, unopened(argument, err)
	case !info.Mode().IsRegular():
		return 0, invalid(argument, "Name a regular file.", "%s is no file", argument)
	}
	return info.Size(), nil
}

func unopened(argument string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return invalid(argument, "Paths are relative to the directory that LINKMAIL_DOWNLOADS names.", "%s names no file there", argument)
	}
	return invalid(argument, "Paths are relative to the directory that LINKMAIL_DOWNLOADS names, and cannot leave it.", "%s cannot be opened there", argument)
}
