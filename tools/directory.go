package tools

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"

	"linkmail/mailbox"
)

// Directory is the one directory that attachments are saved to and attached
// from. Nothing outside of it can be named, by whatever path or symbolic link
// ([os.Root]).
type Directory struct{ root *os.Root }

// OpenDirectory opens the directory at path, and makes it if it is missing.
func OpenDirectory(path string) (*Directory, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, err
	}
	return &Directory{root}, nil
}

// Close closes the directory.
func (d *Directory) Close() error { return d.root.Close() }

// errNoDirectory is the answer to every use of files where none is configured.
func errNoDirectory(name string) *ArgumentError {
	return invalid(name, "Set LINKMAIL_DOWNLOADS to the directory that may be used for files.", "no directory for files is configured")
}

// read returns the content of a regular file of at most limit bytes. name is
// relative to the directory; argument is what to call it in an error.
func (d *Directory) read(argument, name string, limit int64) ([]byte, error) {
	if d == nil {
		return nil, errNoDirectory(argument)
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

// size returns the size of a regular file in bytes.
func (d *Directory) size(argument, name string) (int64, error) {
	if d == nil {
		return 0, errNoDirectory(argument)
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

// maxNames is how many numbers are tried for a name that is taken.
const maxNames = 1000

// saved is a file that was written.
type saved struct {
	path, sha256 string
	size         int64
}

// save writes content to a new file whose name is made of suggested, whole or
// not at all. A name that is taken gets a number; nothing is overwritten.
func (d *Directory) save(suggested string, content []byte) (saved, error) {
	if d == nil {
		return saved{}, errNoDirectory("as")
	}
	base := fileName(suggested)
	extension := filepath.Ext(base)
	stem := strings.TrimSuffix(base, extension)
	for i := range maxNames {
		name := base
		if i > 0 {
			name = fmt.Sprintf("%s (%d)%s", stem, i, extension)
		}
		f, err := d.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return saved{}, unsaved(err)
		}
		_, err = f.Write(content)
		if err == nil {
			err = f.Sync()
		}
		if err = errors.Join(err, f.Close()); err != nil {
			return saved{}, unsaved(errors.Join(err, d.root.Remove(name)))
		}
		sum := sha256.Sum256(content)
		return saved{path: name, sha256: hex.EncodeToString(sum[:]), size: int64(len(content))}, nil
	}
	return saved{}, unsaved(fs.ErrExist)
}

func unsaved(err error) error {
	return &mailbox.Error{
		Code: "not_saved", Message: "the file could not be written to the directory that LINKMAIL_DOWNLOADS names",
		Hint: "Check that it exists, is writable and has room.", Err: err,
	}
}

// maxFileName bounds a name, in bytes; file systems take 255, and a number may
// still be added.
const maxFileName = 200

// reservedNames mean devices on Windows, with any extension.
var reservedNames = map[string]bool{"CON": true, "PRN": true, "AUX": true, "NUL": true}

// fileName makes a plain file name of what a sender called an attachment.
func fileName(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || !unicode.IsGraphic(r) || strings.ContainsRune(`/\:*?"<>|`, r) {
			return '_'
		}
		return r
	}, strings.ToValidUTF8(s, "_"))
	s = strings.Trim(s, ". ")
	for len(s) > maxFileName {
		extension := filepath.Ext(s)
		if len(extension) > 20 {
			extension = ""
		}
		stem := strings.TrimSuffix(s, extension)
		_, size := utf8.DecodeLastRuneInString(stem)
		s = stem[:len(stem)-size] + extension
	}
	stem, _, _ := strings.Cut(s, ".")
	upper := strings.ToUpper(strings.TrimSpace(stem))
	device := len(upper) == 4 && (strings.HasPrefix(upper, "COM") || strings.HasPrefix(upper, "LPT"))
	if s == "" || reservedNames[upper] || device {
		return "attachment_" + s
	}
	return s
}
