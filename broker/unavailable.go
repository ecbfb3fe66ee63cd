package broker

import (
	"errors"
	"fmt"
)

// ErrUnavailable says that a [Store] cannot do its work for now: it cannot be
// reached, is full, or refuses to write. The client is told to try again. It
// also stands for "nobody knows": an update whose reply was lost may have been
// stored. See [StoreError].
var ErrUnavailable = errors.New("broker: the store is unavailable")

// StoreError is an [ErrUnavailable] with its evidence. It goes to the log, so
// no field ever holds text that a client or a server sent.
type StoreError struct {
	// Store is the kind of store, as in "redis".
	Store string
	// Op is what was asked of it: create, find, update, count, owing, take,
	// guess, hit, sweep or probe.
	Op string
	// Cause is a word or two of the store's own, as in "disk full" or
	// "READONLY".
	Cause string
}

// Error says which store could not do what, and why.
func (e *StoreError) Error() string {
	return fmt.Sprintf("broker: store %s: %s: %s", e.Store, e.Op, e.Cause)
}

// Is makes every StoreError an [ErrUnavailable].
func (e *StoreError) Is(target error) bool { return target == ErrUnavailable }
