package cache

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gofrs/flock"
)

// lockSuffix ends the name of the lock file of a key. The lock is not on the
// entry itself, because a rename puts another file in its place.
const lockSuffix = ".lock"

// lockPoll is how often a lock file that another process holds is tried again.
// The kernel has no call that waits for a lock and for a context.
const lockPoll = 5 * time.Millisecond

// Lock implements [Store]. The lock of a process that was killed is free at
// once, because the kernel takes it back.
func (f *File) Lock(ctx context.Context, key string) (unlock func(), err error) {
	start := time.Now()
	ctx, cancel := context.WithTimeout(ctx, f.lockWait)
	defer cancel()
	// First among ourselves, so that many goroutines of one process do not
	// all poll the file.
	leave, err := f.locks.lock(ctx, key)
	if err != nil {
		return nil, err
	}
	release, err := holdFile(ctx, filepath.Join(f.dir, nameOf(key).String()+lockSuffix))
	if err != nil {
		leave()
		if held, ok := errors.AsType[*heldError](err); ok {
			return nil, &LockedError{Key: key, PID: held.pid, Waited: time.Since(start), Err: held.err}
		}
		return nil, fmt.Errorf("cache: lock: %w", &DirError{Dir: f.dir, Op: "lock in", Err: err})
	}
	return sync.OnceFunc(func() {
		release()
		leave()
	}), nil
}

// heldError says that a lock file was held by someone until ctx ended.
type heldError struct {
	pid int
	err error
}

func (e *heldError) Error() string { return fmt.Sprintf("held by process %d: %v", e.pid, e.err) }

// holdFile takes the lock file at path, writes our process id into it for
// whoever waits, and removes it on release, so that a cache with many
// short-lived locks does not fill up with their files.
//
// Removing a lock file is only safe with care: someone may have opened the
// file just before it went and hold a lock on what no longer has a name. So
// whoever got the lock looks whether the path still leads to the file that is
// locked, and starts over if not.
func holdFile(ctx context.Context, path string) (release func(), err error) {
	for {
		l := newFlock(path)
		if ok, err := l.TryLockContext(ctx, lockPoll); !ok {
			if ctx.Err() != nil {
				return nil, &heldError{pid: readPID(path), err: ctx.Err()}
			}
			return nil, err
		}
		locked, err := l.Stat()
		if err == nil {
			var named fs.FileInfo
			if named, err = os.Lstat(path); err == nil && os.SameFile(locked, named) {
				writePID(path)
				return func() {
					_ = os.Remove(path) // Windows keeps an open file; it is used again
					_ = l.Close()       // the lock ends with the descriptor, whatever the unlock says
				}, nil
			}
		}
		_ = l.Close()
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
}

// pidAt is where the process id is in a lock file. Windows locks are on bytes
// and bind readers too; the lock is on the first byte.
const pidAt = 1

// writePID writes our process id into the lock file. It only serves to name
// the holder, so a failure is no reason not to hold the lock.
func writePID(path string) {
	file, err := os.OpenFile(path, os.O_WRONLY|noFollow, 0o600)
	if err != nil {
		return
	}
	_, _ = file.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), pidAt)
	_ = file.Close()
}

// readPID returns the process id in a lock file, 0 if there is none.
func readPID(path string) int {
	file, err := os.OpenFile(path, os.O_RDONLY|noFollow, 0)
	if err != nil {
		return 0
	}
	defer func() { _ = file.Close() }()
	text := make([]byte, 16)
	n, err := file.ReadAt(text, pidAt)
	if err != nil && !errors.Is(err, io.EOF) {
		return 0
	}
	// A shorter id written over a longer one leaves digits after the newline.
	line, _, _ := strings.Cut(string(text[:n]), "\n")
	pid, err := strconv.Atoi(line)
	if err != nil || pid < 0 {
		return 0
	}
	return pid
}

// flockMode says who else may hold a lock at the same time.
type flockMode bool

const (
	shared    flockMode = false // others that want it shared
	exclusive flockMode = true  // no one
)

// flock waits for the lock file at path, which stays when the lock ends.
func (f *File) flock(ctx context.Context, path string, mode flockMode) (release func(), err error) {
	start := time.Now()
	ctx, cancel := context.WithTimeout(ctx, f.lockWait)
	defer cancel()
	l := newFlock(path)
	take := l.TryRLockContext
	if mode == exclusive {
		take = l.TryLockContext
	}
	if ok, err := take(ctx, lockPoll); !ok {
		if ctx.Err() != nil {
			return nil, &LockedError{Key: filepath.Base(path), Waited: time.Since(start), Err: ctx.Err()}
		}
		return nil, &DirError{Dir: f.dir, Op: "lock", Err: err}
	}
	return func() { _ = l.Close() }, nil
}

// tryFlock takes the lock file at path alone if it is free. The release is nil
// if it is not.
func tryFlock(path string) (release func(), err error) {
	l := newFlock(path)
	ok, err := l.TryLock()
	if err != nil || !ok {
		return nil, err
	}
	return func() { _ = l.Close() }, nil
}

// newFlock names a lock file. Each call is a lock of its own: two of them keep
// each other out, also within one process.
func newFlock(path string) *flock.Flock {
	return flock.New(path, flock.SetFlag(os.O_CREATE|os.O_RDWR|noFollow), flock.SetPermissions(0o600))
}
