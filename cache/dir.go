package cache

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"linkmail/internal/wholefile"
)

// DirError says what could not be done with a directory. Who configured the
// directory adds the name of the setting.
type DirError struct {
	// Dir is the directory.
	Dir string
	// Op is what was tried, as in "write to".
	Op string
	// Err is what went wrong.
	Err error
}

// Error names the directory.
func (e *DirError) Error() string {
	return fmt.Sprintf("cannot %s directory %s: %v", e.Op, e.Dir, e.Err)
}

// Unwrap returns what went wrong.
func (e *DirError) Unwrap() error { return e.Err }

// The reasons to refuse a directory or a file.
var (
	errNoDir      = errors.New("no directory was named")
	errSymlink    = errors.New("it is a symbolic link; name what it points to")
	errNotDir     = errors.New("it is not a directory")
	errForeign    = errors.New("it belongs to another user; use a directory of your own")
	errWorldWrite = errors.New("every user may write to it; use a directory of your own, for example one below it")
	errIrregular  = errors.New("it is not a regular file; move it away")
	errOversize   = errors.New("it is too large")
)

// prepareDir makes sure that dir is a directory that only we can use and that
// can be written to. It returns its absolute path, so that a later change of
// the working directory does not move the cache.
func prepareDir(dir string) (string, error) {
	if dir == "" {
		return "", &DirError{Dir: `""`, Op: "use", Err: errNoDir}
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", &DirError{Dir: dir, Op: "find", Err: err}
	}
	if err := os.MkdirAll(abs, 0o700); err != nil {
		return "", &DirError{Dir: abs, Op: "create", Err: wholefile.Cause(err)}
	}
	info, err := os.Lstat(abs)
	if err != nil {
		return "", &DirError{Dir: abs, Op: "use", Err: wholefile.Cause(err)}
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		return "", &DirError{Dir: abs, Op: "use", Err: errSymlink}
	}
	if !info.IsDir() {
		return "", &DirError{Dir: abs, Op: "use", Err: errNotDir}
	}
	if err := checkDirMode(abs, info); err != nil {
		return "", &DirError{Dir: abs, Op: "use", Err: err}
	}
	probe, err := os.CreateTemp(abs, probePattern)
	if err != nil {
		return "", &DirError{Dir: abs, Op: "write to", Err: wholefile.Cause(err)}
	}
	_ = probe.Close()
	if err := removeFile(probe.Name()); err != nil {
		return "", &DirError{Dir: abs, Op: "remove from", Err: wholefile.Cause(err)}
	}
	return abs, nil
}

// probePattern names the file that shows whether a directory can be written
// to.
const probePattern = ".probe-*"

// isTemporary reports whether a file of this name was being written when its
// writer died: a probe, or the next content of an entry.
func isTemporary(name string) bool {
	if strings.HasPrefix(name, strings.TrimSuffix(probePattern, "*")) {
		return true
	}
	rest, ok := strings.CutPrefix(name, ".")
	if !ok {
		return false
	}
	hash, _, ok := strings.Cut(rest, entrySuffix)
	if !ok {
		return false
	}
	_, ok = parseName(hash)
	return ok
}

// parseName reads an entry name from the name of a file.
func parseName(text string) (entryName, bool) {
	raw, err := hex.DecodeString(text)
	if err != nil || len(raw) != len(entryName{}) {
		return entryName{}, false
	}
	return entryName(raw), true
}

// readFile reads a regular file of ours, of at most limit bytes. A mode that
// lets others in is repaired.
func readFile(path string, limit int) ([]byte, error) {
	file, err := openOwn(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // nothing was written
	data, err := io.ReadAll(io.LimitReader(file, int64(limit)+1))
	if err != nil {
		return nil, wholefile.Cause(err)
	}
	if len(data) > limit {
		return nil, errOversize
	}
	return data, nil
}

// removeFile removes a file that may be gone already.
func removeFile(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
