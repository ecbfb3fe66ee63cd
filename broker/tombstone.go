package broker

import (
	"sync"
	"time"
)

// tombstoneLife is how long after its end a session is still known by its poll
// token.
const tombstoneLife = 10 * time.Minute

// tombstones remembers the sessions that this process made, as long as their
// agents may still poll. They are digests; see [Config.ExpiredAsStatus].
type tombstones struct {
	now func() time.Time

	mu   sync.Mutex
	byID *lru[string, tombstone]
}

type tombstone struct {
	poll    Digest
	key     string
	expires time.Time
}

func newTombstones(now func() time.Time) *tombstones {
	return &tombstones{now: now, byID: newLRU[string, tombstone](defaultMaxSessions)}
}

func (t *tombstones) remember(s Session) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.byID.put(s.ID, tombstone{s.Poll, s.KeyName, s.Expires})
}

// knows reports whether the session has expired lately, for the agent that
// made it.
func (t *tombstones) knows(id, key, token string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	s, ok := t.byID.lookup(id)
	since := t.now().Sub(s.expires)
	return ok && since >= 0 && since < tombstoneLife && s.key == key && s.poll.is(token)
}
