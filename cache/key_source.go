package cache

import "fmt"

// KeyKind is the kind of place that a [Key] comes from.
type KeyKind string

// The kinds.
const (
	// KeyConfigured is the setting LINKMAIL_KEY.
	KeyConfigured KeyKind = "configured"
	// KeyInKeyring is the keyring of the operating system.
	KeyInKeyring KeyKind = "keyring"
	// KeyInFile is a key file in the configuration directory.
	KeyInFile KeyKind = "file"
	// KeyBesideCache is a key file in the directory that it seals.
	KeyBesideCache KeyKind = "beside-cache"
)

// KeySource says where a [Key] comes from.
type KeySource struct {
	// Kind is the kind of place.
	Kind KeyKind
	// Path is the key file, if it is in one.
	Path string
	// Made says that the key is new: what was sealed before cannot be read
	// with it.
	Made bool
}

// String says in one sentence where the key is and what that protects against.
func (s KeySource) String() string {
	switch s.Kind {
	case KeyConfigured:
		return "The key is configured as LINKMAIL_KEY: a copy of the cache directory is unreadable without it; whoever can read the setting can read the cache."
	case KeyInKeyring:
		return "The key is in the OS keyring: copies of the disk and other users cannot read the cache; programs that run as you can while the keyring is unlocked."
	case KeyInFile:
		return fmt.Sprintf("The key is in the file %s: a copy of the cache directory alone is unreadable and other users are kept out; programs that run as you can read both.", s.Path)
	case KeyBesideCache:
		return fmt.Sprintf("The key is in the file %s, beside the cache: other users are kept out by the file mode; whoever copies the directory can read the cache.", s.Path)
	}
	return "There is no key: nothing is kept on disk."
}
