package cache

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"linkmail/internal/secret"
	"linkmail/internal/wholefile"
)

// KeyConfig says where [FindKey] looks.
type KeyConfig struct {
	// Configured is the base64 of 32 bytes that the user configured as
	// LINKMAIL_KEY. The zero value is none.
	Configured secret.Text
	// Keyring is the keyring of the operating system. Nil is none; see
	// [SystemKeyring].
	Keyring Keyring
	// ConfigDir is the directory of the user's configuration, where a key file
	// is looked for and made first. Empty is none.
	ConfigDir string
	// CacheDir is the directory of the cache, for a key file where nothing
	// else may be written to. Empty is none.
	CacheDir string
	// Wait bounds how long the keyring and another process that is making a
	// key are waited for. Zero is 15 seconds.
	Wait time.Duration
}

// ErrNoPlace says that there is no key and no place to keep a new one. What
// remains is a cache in [Memory].
var ErrNoPlace = errors.New("cache: no place to keep a key")

// FindKey returns the key of the cache and where it comes from. It looks for
// one that is there: in the configuration, in a key file, in the keyring of
// the operating system. If there is none it makes one and keeps it in the
// keyring, or else in a key file, mode 0600. Of several processes that find
// none, all get the one key that the first of them made.
//
// A key file goes before the keyring because it is only made where there was
// no keyring. The same user may have one at the desktop and none over SSH; if
// the keyring won, each of the two would set aside what the other one sealed.
//
// A configured key, a key file or a keyring entry that is malformed is an
// error and never a reason to make a new key: what is sealed with the old one
// would be lost. A keyring that cannot be reached counts as none. The error
// wraps [ErrNoPlace] if a new key can be kept nowhere.
func FindKey(ctx context.Context, cfg KeyConfig) (Key, KeySource, error) {
	if !cfg.Configured.IsZero() {
		key, err := ParseKey(cfg.Configured)
		if err != nil {
			return Key{}, KeySource{}, fmt.Errorf("cache: LINKMAIL_KEY must be the base64 of %d random bytes: %w", KeySize, err)
		}
		return key, KeySource{Kind: KeyConfigured}, nil
	}
	if cfg.Wait == 0 {
		cfg.Wait = 15 * time.Second
	}
	key, source, err := existingKey(ctx, &cfg)
	if err != nil || !key.IsZero() {
		return key, source, err
	}
	return makeKey(ctx, &cfg)
}

// existingKey returns the zero Key if there is none yet.
func existingKey(ctx context.Context, cfg *KeyConfig) (Key, KeySource, error) {
	for _, path := range cfg.files() {
		key, err := readKeyFile(path)
		if err != nil || !key.IsZero() {
			return key, cfg.fileSource(path), err
		}
	}
	text, ok, err := cfg.ask(ctx, Keyring.Load)
	if err != nil || !ok || text.IsZero() {
		return Key{}, KeySource{}, err
	}
	key, err := ParseKey(text)
	if err != nil {
		return Key{}, KeySource{}, fmt.Errorf("cache: the entry %q of the OS keyring is not a key: %w; remove the entry to start with a new key", keyringService, err)
	}
	return key, KeySource{Kind: KeyInKeyring}, nil
}

// makeKey makes a key under a lock, so that of several processes only the
// first one does.
func makeKey(ctx context.Context, cfg *KeyConfig) (Key, KeySource, error) {
	var failed []error
	for _, path := range cfg.files() {
		key, source, err := makeKeyAt(ctx, cfg, path)
		if _, ok := errors.AsType[*DirError](err); !ok {
			return key, source, err
		}
		failed = append(failed, err)
	}
	return Key{}, KeySource{}, errors.Join(append([]error{ErrNoPlace}, failed...)...)
}

// makeKeyAt makes a key and keeps it in the keyring, or else in the file at
// path. The error is a [*DirError] if another place may do.
func makeKeyAt(ctx context.Context, cfg *KeyConfig, path string) (Key, KeySource, error) {
	source := cfg.fileSource(path)
	prepare := prepareKeyDir
	if source.Kind == KeyBesideCache {
		prepare = prepareDir
	}
	dir, err := prepare(filepath.Dir(path))
	if err != nil {
		return Key{}, KeySource{}, err
	}
	bounded, cancel := context.WithTimeout(ctx, cfg.Wait)
	defer cancel()
	done, err := holdFile(bounded, path+lockSuffix)
	var held *heldError
	switch {
	case errors.As(err, &held):
		return Key{}, KeySource{}, fmt.Errorf("cache: a key is being made by process %d (lock %s): %w", held.pid, path+lockSuffix, held.err)
	case err != nil:
		return Key{}, KeySource{}, &DirError{Dir: dir, Op: "lock", Err: wholefile.Cause(err)}
	}
	defer done()
	key, found, err := existingKey(ctx, cfg)
	if err != nil || !key.IsZero() {
		return key, found, err
	}
	if key, err = NewKey(); err != nil {
		return Key{}, KeySource{}, err
	}
	_, ok, err := cfg.ask(ctx, func(k Keyring) (secret.Text, error) { return secret.Text{}, k.Save(key.Text()) })
	switch {
	case err != nil:
		return Key{}, KeySource{}, err
	case ok:
		return key, KeySource{Kind: KeyInKeyring, Made: true}, nil
	}
	if err := createKeyFile(path, key); err != nil {
		return Key{}, KeySource{}, &DirError{Dir: dir, Op: "write to", Err: wholefile.Cause(err)}
	}
	source.Made = true
	return key, source, nil
}

// files returns where a key file may be, the preferred place first.
func (cfg *KeyConfig) files() []string {
	var paths []string
	for _, dir := range []string{cfg.ConfigDir, cfg.CacheDir} {
		if dir != "" {
			paths = append(paths, filepath.Join(dir, keyFileName))
		}
	}
	return paths
}

func (cfg *KeyConfig) fileSource(path string) KeySource {
	source := KeySource{Kind: KeyInFile, Path: path}
	if cfg.CacheDir != "" && filepath.Clean(filepath.Dir(path)) == filepath.Clean(cfg.CacheDir) {
		source.Kind = KeyBesideCache
	}
	return source
}
