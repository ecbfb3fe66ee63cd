package cache

// Len returns how many entries are held, live or not.
func (m *Memory) Len() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.entries)
}

// Path returns where the entry of key is.
func (f *File) Path(key string) string { return f.path(key) }

// LockPath returns where the lock file of key is.
func (f *File) LockPath(key string) string {
	return f.path(key)[:len(f.path(key))-len(entrySuffix)] + lockSuffix
}

// The layout of an entry file, for tests that change one part of it.
const (
	VersionAt = versionAt
	KeyIDAt   = keyIDAt
	NonceAt   = nonceAt
	BoxAt     = boxAt
)
