package broker

import (
	"context"
	"errors"
)

// Errors of a [Store].
var (
	// ErrNoSession says that there is no such session, or that it has expired.
	ErrNoSession = errors.New("broker: no such session")
	// ErrCodeTaken says that a live session has this code.
	ErrCodeTaken = errors.New("broker: code is taken")
	// ErrStateTaken says that a live session has this state.
	ErrStateTaken = errors.New("broker: state is taken")
	// ErrFull says that no further session fits for now.
	ErrFull = errors.New("broker: too many sessions")
)

// Ref finds a session by exactly one of its fields.
type Ref struct {
	ID string
	// Code and State are digests.
	Code, State Digest
}

// Store keeps sessions until they expire, and the counts that limit what
// clients do. Implementations are safe for concurrent use; several brokers may
// share one. An error that is none of those above and does not come from a
// change is an [ErrUnavailable], or says that what is stored is damaged.
//
// Package storetest has the suite that every implementation passes.
type Store interface {
	// Create adds a session. It returns [ErrCodeTaken] or [ErrStateTaken] if
	// a session that has not expired has the same code digest or (unless it is
	// zero) state digest, and [ErrFull] if there is no room.
	Create(ctx context.Context, s Session) error
	// Find returns a copy of a session, or [ErrNoSession]. It may return one
	// that has expired and not been swept.
	Find(ctx context.Context, ref Ref) (Session, error)
	// Update changes a session: it runs change on a copy of the current one
	// and stores the outcome if, and only if, nobody has changed the session
	// in between; otherwise it runs change again on the newer one. If change
	// returns an error nothing is stored and the error is returned as it is.
	// change has no side effect that may not happen twice, and does not wait.
	//
	// Update returns the stored session. If it cannot know whether the change
	// was stored it returns an error: a lost envelope is started over, an
	// envelope delivered twice is not undone. It returns [ErrStateTaken] if the
	// change gives the session the state of another live one.
	Update(ctx context.Context, id string, change func(*Session) error) (Session, error)
	// Count returns how many sessions there are. It is also the probe of
	// /readyz, unless the store is a [Prober].
	Count(ctx context.Context) (int, error)
	Limits
}

// Prober is a [Store] that can be read where it cannot be written to, as on a
// full disk, and that knows.
type Prober interface {
	// Probe returns an error if the store does not take changes. It is asked
	// often, by anybody.
	Probe(ctx context.Context) error
}
