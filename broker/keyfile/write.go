package keyfile

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/gofrs/flock"

	"linkmail/broker"
	"linkmail/internal/secret"
	"linkmail/internal/wholefile"
)

// lockRetry is how often a lock that another process holds is tried again.
const lockRetry = 20 * time.Millisecond

// Add makes a key and returns it, for the only time. A zero expires is never.
func (f *File) Add(ctx context.Context, name string, scopes []broker.Scope, expires time.Time) (secret.Text, error) {
	if err := check(name, scopes); err != nil {
		return secret.Text{}, fmt.Errorf("broker/keyfile: %w", err)
	}
	now := f.now().UTC().Truncate(time.Second)
	if !expires.IsZero() && !expires.After(now) {
		return secret.Text{}, fmt.Errorf("broker/keyfile: %w", errExpired)
	}
	key := broker.NewKey()
	hash := broker.HashKey(key)
	entry := Key{
		Name: name, SHA256: hex.EncodeToString(hash[:]), Scopes: slices.Compact(slices.Sorted(slices.Values(scopes))),
		Created: now, Expires: expires.UTC().Truncate(time.Second),
	}
	err := f.change(ctx, func(keys []Key) ([]Key, error) {
		if slices.ContainsFunc(keys, func(k Key) bool { return k.Name == name }) {
			return nil, ErrNameTaken
		}
		return append(keys, entry), nil
	})
	if err != nil {
		return secret.Text{}, err
	}
	return key, nil
}

// Revoke removes a key. A running broker refuses it from the next request on.
func (f *File) Revoke(ctx context.Context, name string) error {
	return f.change(ctx, func(keys []Key) ([]Key, error) {
		left := slices.DeleteFunc(slices.Clone(keys), func(k Key) bool { return k.Name == name })
		if len(left) == len(keys) {
			return nil, ErrNoKey
		}
		return left, nil
	})
}

// change reads the file, applies step and writes the file, while no other
// process does.
func (f *File) change(ctx context.Context, step func([]Key) ([]Key, error)) error {
	path, err := f.target()
	if err != nil {
		return f.fault(err)
	}
	// The lock is on a file of its own, because the key file is replaced.
	lock := flock.New(path+".lock", flock.SetPermissions(0o600))
	if _, err := lock.TryLockContext(ctx, lockRetry); err != nil {
		return f.fault(err)
	}
	defer func() { _ = lock.Close() }() // the lock ends with the descriptor
	keys, err := f.List()
	if err != nil {
		return err
	}
	if keys, err = step(keys); err != nil {
		return f.fault(err)
	}
	if err := write(path, document{Version: version, Keys: keys}); err != nil {
		return f.fault(err)
	}
	return nil
}

// target is the file behind symbolic links, so that the file is replaced and
// not a link to it. It makes the directory, if that is not there.
func (f *File) target() (string, error) {
	if err := os.MkdirAll(filepath.Dir(f.path), 0o700); err != nil {
		return "", err
	}
	path, err := filepath.EvalSymlinks(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return f.path, nil
	}
	return path, err
}

// write puts doc at path, whole or not at all: a file beside it, flushed, that
// takes its name.
func write(path string, doc document) (err error) {
	raw, err := json.MarshalIndent(doc, "", "  ")
	if err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".new-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(file.Name())
		}
	}()
	if err = wholefile.Fill(file, append(raw, '\n')); err != nil {
		return err
	}
	if err = os.Rename(file.Name(), path); err != nil {
		return err
	}
	return wholefile.SyncDir(filepath.Dir(path))
}
