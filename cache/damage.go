package cache

// Cause says why an entry of a [File] could not be used. It is an error so
// that the reason can travel as one.
type Cause string

// The causes.
const (
	// Corrupt is a file that was cut, changed or not written by linkmail.
	Corrupt Cause = "the file is corrupt"
	// OtherKey is a file sealed with a key that is not the one in use.
	OtherKey Cause = "it was sealed with another key"
	// OtherVersion is a file in a format that this linkmail does not know.
	OtherVersion Cause = "it was written by another version of linkmail"
)

// Error returns the cause in words.
func (c Cause) Error() string { return string(c) }

// Damage reports an entry that could not be used. Its file was kept under
// another name and the entry counts as not there.
type Damage struct {
	// Key is the cache key that was asked for.
	Key string
	// Kept is the path under which the file is kept.
	Kept string
	// Cause says what was wrong.
	Cause Cause
}
