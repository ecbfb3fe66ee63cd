package redis

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"linkmail/broker"
)

// Kinds of keys, see script.go.
const (
	kindSession = "s:"
	kindCode    = "c:"
	kindState   = "t:"
)

func (s *Store) key(kind string, index broker.Index) string {
	return s.prefix + kind + string(index[:])
}
func (s *Store) live() string { return s.prefix + "live" }
func (s *Store) due() string  { return s.prefix + "due" }
func (s *Store) mark() string { return s.prefix + "key" }

// answer is what a script says about a change.
type answer string

const (
	stored  answer = "ok"
	changed answer = "changed" // somebody else was faster
	gone    answer = "gone"
	codeHad answer = "code"
	hadIt   answer = "state"
	full    answer = "full"

	otherKey answer = "key"
)

var errAnswer = errors.New("broker/redis: a script answered what it never says; is another version running on these keys?")

func (a answer) err() error {
	switch a {
	case stored, changed:
		return nil
	case gone:
		return broker.ErrNoSession
	case codeHad:
		return broker.ErrCodeTaken
	case hadIt:
		return broker.ErrStateTaken
	case full:
		return broker.ErrFull
	}
	return errAnswer
}

// keys are where a session is.
type keys struct {
	id       broker.Index
	session  string
	code     string
	state    string // of no session if there is none
	hasState string // "1" or "0"
}

func (s *Store) keys(session broker.Session) keys {
	var k keys
	k.id, _ = s.sealer.Index(broker.Ref{ID: session.ID})
	code, _ := s.sealer.Index(broker.Ref{Code: session.CodeDigest()})
	state, ok := s.sealer.Index(broker.Ref{State: session.StateDigest})
	k.session, k.code, k.state = s.key(kindSession, k.id), s.key(kindCode, code), s.key(kindState, state)
	k.hasState = "0"
	if ok {
		k.hasState = "1"
	}
	return k
}

// Create implements [broker.Store]. The session ends as long after now as the
// broker's clock says, by the clock of Redis.
func (s *Store) Create(ctx context.Context, session broker.Session) error {
	life := session.Expires.Sub(s.now())
	if life < time.Millisecond {
		return nil // it is over: nobody will find it
	}
	sealed, err := s.sealer.Seal(session)
	if err != nil {
		return err
	}
	k, mark := s.keys(session), s.sealer.KeyID()
	said, err := s.once(ctx, "create", createScript, []string{k.session, k.code, s.live(), s.mark(), k.state},
		k.id[:], sealed, life.Milliseconds(), s.max, mark[:], keyLife.Milliseconds(), k.hasState)
	switch {
	case err != nil:
		return err
	case said == otherKey:
		return &broker.StoreError{Store: "redis", Op: "create", Cause: "a broker with another key is running"}
	}
	return said.err()
}

// once runs a script that writes.
func (s *Store) once(ctx context.Context, op string, script *redis.Script, keys []string, args ...any) (answer, error) {
	var said string
	err := s.fuse.try(func() (err error) {
		said, err = script.Run(ctx, s.write, keys, args...).Text()
		return err
	})
	return answer(said), fault(op, err)
}

// found is a session as it was read.
type found struct {
	broker.Session
	version string
	// skew is how far our clock is ahead of the one the session was made by,
	// as far as the session can tell.
	skew time.Duration
}

// Find implements [broker.Store]. The times in the session are by our clock,
// also if another broker with another clock made it: the session ends when
// Redis says so, on every broker at the same moment.
func (s *Store) Find(ctx context.Context, ref broker.Ref) (broker.Session, error) {
	f, err := s.find(ctx, "find", ref)
	return f.Session, err
}

func (s *Store) find(ctx context.Context, op string, ref broker.Ref) (found, error) {
	index, ok := s.sealer.Index(ref)
	if !ok {
		return found{}, broker.ErrNoSession
	}
	kind, sessions := kindSession, ""
	switch {
	case ref.ID != "":
	case ref.Code != broker.Digest{}:
		kind, sessions = kindCode, s.prefix+kindSession
	default:
		kind, sessions = kindState, s.prefix+kindSession
	}
	var parts []string
	err := s.fuse.try(func() (err error) {
		parts, err = findScript.Run(ctx, s.read, []string{s.key(kind, index)}, sessions).StringSlice()
		return err
	})
	if err != nil {
		return found{}, fault(op, err)
	}
	if len(parts) == 0 {
		return found{}, broker.ErrNoSession
	}
	if len(parts) != 5 {
		return found{}, errAnswer
	}
	if kind != kindSession {
		if len(parts[0]) != len(index) {
			return found{}, errAnswer
		}
		index = broker.Index([]byte(parts[0]))
	}
	return s.open(index, parts)
}

// open reads what findScript said: the ID, what is sealed, the version, when it
// ends and what time it is.
func (s *Store) open(index broker.Index, parts []string) (found, error) {
	session, err := s.sealer.Open(index, []byte(parts[1]))
	if err != nil {
		return found{}, err
	}
	ends, err1 := strconv.ParseInt(parts[3], 10, 64)
	now, err2 := strconv.ParseInt(parts[4], 10, 64)
	if err1 != nil || err2 != nil {
		return found{}, errAnswer
	}
	left := time.Duration(ends-now) * time.Millisecond
	f := found{Session: session, version: parts[2], skew: skew(session.Expires.Sub(s.now()), left)}
	f.shift(-f.skew)
	return f, nil
}

// tolerance is how far clocks may be apart before times are changed. It is
// more than a request takes, so that where the clocks agree a session always
// ends at the same time to the nanosecond.
const tolerance = 2 * time.Second

// skew compares what is left of a session by our clock with what is left by
// that of Redis.
func skew(ours, redis time.Duration) time.Duration {
	d := ours - redis
	if d.Abs() < tolerance {
		return 0
	}
	return d.Round(time.Second)
}

// shift moves the times of a session.
func (f *found) shift(d time.Duration) {
	if d == 0 {
		return
	}
	for _, t := range []*time.Time{&f.Created, &f.Expires, &f.Polled, &f.Due} {
		if !t.IsZero() {
			*t = t.Add(d)
		}
	}
}

// Update implements [broker.Store].
func (s *Store) Update(ctx context.Context, id string, change func(*broker.Session) error) (broker.Session, error) {
	for {
		f, err := s.find(ctx, "update", broker.Ref{ID: id})
		if err != nil {
			return broker.Session{}, err
		}
		if err := change(&f.Session); err != nil {
			return broker.Session{}, err
		}
		after := f.Session
		f.shift(f.skew) // it is stored by the clock it was made by
		sealed, err := s.sealer.Seal(f.Session)
		if err != nil {
			return broker.Session{}, err
		}
		k := s.keys(f.Session)
		said, err := s.once(ctx, "update", replaceScript, []string{k.session, k.state, s.due()}, k.id[:], sealed, f.version, k.hasState, s.dueIn(after))
		if err == nil {
			err = said.err()
		}
		if err != nil {
			return broker.Session{}, err
		}
		if said == stored {
			return after, nil
		}
	}
}

// Count implements [broker.Store].
func (s *Store) Count(ctx context.Context) (int, error) {
	var n int
	err := s.fuse.try(func() (err error) {
		n, err = countScript.Run(ctx, s.read, []string{s.live()}).Int()
		return err
	})
	return n, fault("count", err)
}
