// Package keyfile keeps the API keys of a broker in a JSON file: their names,
// what they may do, when they end, and their SHA-256. The keys themselves are
// in no file; [File.Add] returns one once.
//
// The file is written whole or not at all, mode 0600, under a lock, so that
// several operators may change it at once. A running broker sees each change
// with its next request. Whoever may write to the file admits agents, so a file
// that others may write to is refused.
package keyfile

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"time"

	"linkmail/broker"
)

const (
	// version is that of the format. A newer one is refused: it may restrict
	// keys in a way that this version does not know.
	version = 1
	maxFile = 1 << 20
)

// The faults of a key file.
var (
	// ErrNoKey says that no key has this name.
	ErrNoKey = errors.New("no key has this name")
	// ErrNameTaken says that a key has this name already.
	ErrNameTaken = errors.New("a key has this name already; revoke it first, or choose another name")

	errName     = errors.New("a name has 1 to 64 letters, digits, spaces and _ . - @, and begins with a letter or digit")
	errScope    = errors.New("a scope is sessions, proxy, webhook or refresh, and a key has at least one")
	errExpired  = errors.New("the key would have ended already")
	errWritable = errors.New("other users may write to it; take that away (chmod 600)")
	errFormat   = errors.New("it is not a key file of this version; restore it, or make the keys anew")
	errKind     = errors.New("it is not a regular file")
	errSize     = errors.New("it is too large")
)

// Key is one entry of the file.
type Key struct {
	Name   string         `json:"name"`
	SHA256 string         `json:"sha256"` // of the key, hexadecimal
	Scopes []broker.Scope `json:"scopes"`
	// Created and Expires are in UTC, whole seconds; a zero Expires is never.
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires,omitzero"`
}

// Config configures a [File].
type Config struct {
	// Path is the file. It need not be there: then there are no keys.
	Path string
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// File is a key file. It is safe for concurrent use, and several processes may
// use one. It implements [broker.KeySource].
type File struct {
	path string
	now  func() time.Time

	mu   sync.Mutex
	seen fs.FileInfo // the file that keys are from; nil if it was not there
	read bool
	keys []broker.HashedKey
	err  error
}

var _ broker.KeySource = (*File)(nil)

// New returns the key file at cfg.Path. It is read when it is needed.
func New(cfg Config) *File {
	f := &File{path: cfg.Path, now: cfg.Now}
	if f.now == nil {
		f.now = time.Now
	}
	return f
}

// APIKeys implements [broker.KeySource]. It looks at the file's metadata each
// time, and reads it when it is another file than before.
func (f *File) APIKeys() ([]broker.HashedKey, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	info, err := os.Stat(f.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, f.fault(err)
	}
	if f.read && same(f.seen, info) {
		return f.keys, f.err
	}
	f.read, f.seen = true, info
	f.keys, f.err = f.hashed()
	return f.keys, f.err
}

// same reports whether two looks saw one file. A change is a new file, see
// write; times and sizes are for those who edit it by hand.
func same(a, b fs.FileInfo) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return os.SameFile(a, b) && a.ModTime().Equal(b.ModTime()) && a.Size() == b.Size()
}

func (f *File) hashed() ([]broker.HashedKey, error) {
	list, err := f.List()
	if err != nil {
		return nil, err
	}
	keys := make([]broker.HashedKey, 0, len(list))
	for _, k := range list {
		hash, err := hex.DecodeString(k.SHA256)
		if err != nil || len(hash) != len(broker.Digest{}) {
			return nil, f.fault(errFormat)
		}
		keys = append(keys, broker.HashedKey{Name: k.Name, Hash: broker.Digest(hash), Scopes: k.Scopes, Expires: k.Expires})
	}
	return keys, nil
}

// document is the file.
type document struct {
	Version int   `json:"version"`
	Keys    []Key `json:"keys"`
}

// List returns the entries, in the order in which they were added.
func (f *File) List() ([]Key, error) {
	file, err := os.Open(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, f.fault(err)
	}
	defer func() { _ = file.Close() }() // it was read
	info, err := file.Stat()
	if err != nil {
		return nil, f.fault(err)
	}
	switch {
	case !info.Mode().IsRegular():
		return nil, f.fault(errKind)
	case writableByOthers(info):
		return nil, f.fault(errWritable)
	}
	raw, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return nil, f.fault(err)
	}
	if len(raw) > maxFile {
		return nil, f.fault(errSize)
	}
	keys, err := parse(raw)
	if err != nil {
		return nil, f.fault(err)
	}
	return keys, nil
}

func parse(raw []byte) ([]Key, error) {
	var doc document
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&doc); err != nil || doc.Version != version || dec.More() {
		return nil, errFormat
	}
	names := make(map[string]bool)
	for _, k := range doc.Keys {
		hash, err := hex.DecodeString(k.SHA256)
		if err != nil || len(hash) != len(broker.Digest{}) || names[k.Name] || check(k.Name, k.Scopes) != nil {
			return nil, errFormat
		}
		names[k.Name] = true
	}
	return doc.Keys, nil
}

// name keeps what would be misread in a list or a log out.
var name = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9 _.@-]{0,63}$`)

func check(n string, scopes []broker.Scope) error {
	if !name.MatchString(n) {
		return errName
	}
	if len(scopes) == 0 || slices.ContainsFunc(scopes, func(s broker.Scope) bool { return !slices.Contains(broker.Scopes(), s) }) {
		return errScope
	}
	return nil
}

// fault says which file, and not the path twice.
func (f *File) fault(err error) error {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		err = path.Err
	}
	return fmt.Errorf("broker/keyfile: %s: %w", filepath.Clean(f.path), err)
}
