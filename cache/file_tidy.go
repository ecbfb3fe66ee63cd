package cache

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Removing a file that has expired, keeping a damaged one aside and cleaning
// up after a crash all judge a file first and touch it afterwards. In between
// another process could have renamed a good entry into its place. So whoever
// changes an entry holds the lock of the directory shared, and whoever tidies
// up holds it alone and judges again. Readers hold nothing.
const dirLock = "store.lock"

// change takes the lock of the directory for a change to an entry.
func (f *File) change(ctx context.Context) (done func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return f.flock(ctx, filepath.Join(f.dir, dirLock), shared)
}

// discard removes the entry of key if it has expired. It does not wait: what
// is left over is dead all the same.
func (f *File) discard(key string) {
	done, err := tryFlock(filepath.Join(f.dir, dirLock))
	if err != nil || done == nil {
		return
	}
	defer done()
	if _, err := f.load(key); errors.Is(err, errExpired) {
		_ = removeFile(f.path(key)) // a later call tries again
	}
}

// setAside keeps the file of key under another name if it is damaged, and
// reports it. If a good entry has taken its place it returns that.
func (f *File) setAside(ctx context.Context, key string) ([]byte, error) {
	value, damage, err := f.moveAside(ctx, key)
	if damage != nil {
		f.damaged(*damage)
	}
	return value, err
}

// moveAside is setAside without the report, which must not run under the lock.
func (f *File) moveAside(ctx context.Context, key string) ([]byte, *Damage, error) {
	done, err := f.flock(ctx, filepath.Join(f.dir, dirLock), exclusive)
	if err != nil {
		return nil, nil, err
	}
	defer done()
	value, err := f.load(key)
	var cause Cause
	switch {
	case errors.Is(err, errExpired):
		return nil, nil, ErrNotFound
	case !errors.As(err, &cause):
		return value, nil, err
	}
	kept, err := f.asideName(key)
	if err == nil {
		err = os.Rename(f.path(key), kept)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("entry %q: %w, and %w", key, cause, &DirError{Dir: f.dir, Op: "set a file aside in", Err: err})
	}
	return nil, &Damage{Key: key, Kept: kept, Cause: cause}, ErrNotFound
}

// asideName returns a free name to keep the file of key under. The caller
// holds the lock of the directory alone.
func (f *File) asideName(key string) (string, error) {
	base := fmt.Sprintf("%s.corrupt-%d", f.path(key), f.now().Unix())
	name := base
	for i := 2; ; i++ {
		_, err := os.Lstat(name)
		if errors.Is(err, fs.ErrNotExist) {
			return name, nil
		}
		if err != nil {
			return "", err
		}
		name = fmt.Sprintf("%s-%d", base, i)
	}
}

// sweepAge is how old a file must be before sweep looks whether it has
// expired. Opening a cache then costs a look at few entries: what lives longer
// than a day is rare.
const sweepAge = 24 * time.Hour

// sweep removes the temporary files of writers that died and old entries that
// have expired and were never asked for again. If someone is writing it leaves
// the work to the next one.
func (f *File) sweep() error {
	done, err := tryFlock(filepath.Join(f.dir, dirLock))
	if err != nil {
		return &DirError{Dir: f.dir, Op: "lock", Err: err}
	}
	if done == nil {
		return nil
	}
	defer done()
	files, err := os.ReadDir(f.dir)
	if err != nil {
		return &DirError{Dir: f.dir, Op: "list", Err: err}
	}
	for _, file := range files {
		path := filepath.Join(f.dir, file.Name())
		// Under the lock no writer lives, so every temporary file is stale.
		if isTemporary(file.Name()) || f.isOldAndExpired(file, path) {
			_ = removeFile(path) // the next one tries again
		}
	}
	return nil
}

// isOldAndExpired reports whether a file is an entry that sweep may remove.
// What it cannot open it leaves to the one who asks for it.
func (f *File) isOldAndExpired(file fs.DirEntry, path string) bool {
	hash, ok := strings.CutSuffix(file.Name(), entrySuffix)
	if !ok {
		return false
	}
	name, ok := parseName(hash)
	if !ok {
		return false
	}
	info, err := file.Info()
	if err != nil || f.now().Sub(info.ModTime()) < sweepAge {
		return false
	}
	data, err := readFile(path, maxEntry)
	if err != nil {
		return false
	}
	_, expires, err := unseal(f.key, name, data)
	return err == nil && expired(expires, f.now())
}
