package cache

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"
)

// FileConfig says where a [File] lives and how it is sealed.
type FileConfig struct {
	// Dir is the directory of the cache, which belongs to linkmail alone. It
	// is made with mode 0700; one of ours that others may read is repaired. A
	// directory that is a symbolic link, that everyone may write to or that
	// is another user's is refused.
	Dir string
	// Key seals the entries. It is required; see [FindKey].
	Key Key
	// Now decides what has expired. Nil is [time.Now].
	Now func() time.Time
	// Damaged is told once of every file that could not be used, by the
	// process that set it aside. It may be called from several goroutines at
	// once. Nil tells no one.
	Damaged func(Damage)
	// LockWait bounds how long any lock is waited for, where the context does
	// not end sooner. Zero is one minute.
	LockWait time.Duration
}

// File is a [Store] in a directory: one sealed file per entry, mode 0600,
// named by a hash of its key.
//
// An entry is written to a temporary file, flushed and renamed, so a reader
// sees the old value or the new one and a crash leaves one of the two. Several
// processes may use one directory. The locks are flock(2) locks, which end
// with the process that held them; a network file system has to support them
// across its clients.
type File struct {
	dir      string
	key      Key
	now      func() time.Time
	damaged  func(Damage)
	lockWait time.Duration
	locks    keyLocks
}

var _ Store = (*File)(nil)

// OpenFile opens the cache in cfg.Dir and makes sure that it can be written to
// and locked, so that a login is never lost for want of a place to put it. A
// directory that will not do is a [*DirError].
func OpenFile(cfg FileConfig) (*File, error) {
	if cfg.Key.IsZero() {
		return nil, fmt.Errorf("cache: open: %w", errNoKey)
	}
	f := &File{key: cfg.Key, now: cfg.Now, damaged: cfg.Damaged, lockWait: cfg.LockWait}
	if f.now == nil {
		f.now = time.Now
	}
	if f.damaged == nil {
		f.damaged = func(Damage) {}
	}
	if f.lockWait == 0 {
		f.lockWait = time.Minute
	}
	dir, err := prepareDir(cfg.Dir)
	if err != nil {
		return nil, err
	}
	f.dir = dir
	if err := f.sweep(); err != nil {
		return nil, err
	}
	return f, nil
}

// Get implements [Store]. A file that cannot be used is kept aside, reported
// through Damaged and answered with [ErrNotFound]; if it cannot be kept aside
// the answer is another error, so that no one writes over it.
func (f *File) Get(ctx context.Context, key string) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("cache: get: %w", err)
	}
	value, err := f.load(key)
	var cause Cause
	switch {
	case errors.Is(err, errExpired):
		f.discard(key)
		return nil, ErrNotFound
	case errors.As(err, &cause):
		value, err = f.setAside(ctx, key)
	}
	if err != nil && !errors.Is(err, ErrNotFound) {
		return nil, fmt.Errorf("cache: get: %w", err)
	}
	return value, err
}

// Put implements [Store].
func (f *File) Put(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if ttl < 0 {
		return f.Delete(ctx, key)
	}
	if len(value) > MaxValue {
		return ErrTooLarge
	}
	data, err := seal(f.key, nameOf(key), value, expiry(f.now(), ttl))
	if err != nil {
		return fmt.Errorf("cache: put: %w", err)
	}
	done, err := f.change(ctx)
	if err != nil {
		return fmt.Errorf("cache: put: %w", err)
	}
	defer done()
	if err := replaceFile(f.path(key), data); err != nil {
		return fmt.Errorf("cache: put: %w", &DirError{Dir: f.dir, Op: "write to", Err: err})
	}
	return nil
}

// Delete implements [Store].
func (f *File) Delete(ctx context.Context, key string) error {
	done, err := f.change(ctx)
	if err != nil {
		return fmt.Errorf("cache: delete: %w", err)
	}
	defer done()
	if err := removeFile(f.path(key)); err != nil {
		return fmt.Errorf("cache: delete: %w", &DirError{Dir: f.dir, Op: "remove from", Err: err})
	}
	return nil
}

// errExpired says that an entry is whole but dead.
var errExpired = errors.New("expired")

// load reads and opens the entry of key. The error wraps [ErrNotFound],
// [errExpired] or a [Cause] where one of them is the reason.
func (f *File) load(key string) ([]byte, error) {
	data, err := readFile(f.path(key), maxEntry)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, ErrNotFound
	case errors.Is(err, errOversize):
		return nil, Corrupt
	case err != nil:
		return nil, &DirError{Dir: f.dir, Op: "read from", Err: err}
	}
	value, expires, err := unseal(f.key, nameOf(key), data)
	if err != nil {
		return nil, err
	}
	if expired(expires, f.now()) {
		return nil, errExpired
	}
	return value, nil
}

// entrySuffix ends the name of an entry file.
const entrySuffix = ".sealed"

// path returns where the entry of key is.
func (f *File) path(key string) string {
	return filepath.Join(f.dir, nameOf(key).String()+entrySuffix)
}
