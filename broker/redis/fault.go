package redis

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"linkmail/broker"
)

// replies are the errors of the server that we name. All others are called
// "refused": their text may hold keys and arguments.
var replies = []string{
	"LOADING", "READONLY", "OOM", "NOAUTH", "WRONGPASS", "NOPERM", "MASTERDOWN", "CLUSTERDOWN", "MISCONF", "NOREPLICAS",
	"BUSY", "TRYAGAIN", "MOVED", "ASK", "UNKILLABLE", "EXECABORT",
}

// cause is a word or two for an error, for logs and for the operator.
func cause(err error) string {
	if reply, ok := errors.AsType[redis.Error](err); ok {
		text := reply.Error()
		if strings.Contains(text, "unauthenticated") { // of a long command
			return "NOAUTH"
		}
		for _, word := range replies {
			// A script passes on the error of its command, with words before
			// it in some versions.
			if strings.HasPrefix(text, word+" ") || strings.Contains(text, " "+word+" ") || strings.Contains(text, "-"+word+" ") {
				return word
			}
		}
		return "refused"
	}
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		return "timeout"
	}
	if errors.Is(err, redis.ErrPoolTimeout) {
		return "timeout"
	}
	if errors.Is(err, redis.ErrClosed) {
		return "closed"
	}
	if errors.Is(err, errFuse) {
		return "unreachable, not tried"
	}
	return "unreachable"
}

// fault gives an error of the client the form of a store's. Every one of them
// may pass: what the server refuses today because it has no memory, it accepts
// tomorrow.
func fault(op string, err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	return &broker.StoreError{Store: "redis", Op: op, Cause: cause(err)}
}

// errFuse says that the server did not answer lately, so it was not asked.
var errFuse = errors.New("broker/redis: the server did not answer lately")

const (
	// fuseBlows is how many calls in a row have to go unanswered.
	fuseBlows = 5
	// fuseRest is how long nobody asks then.
	fuseRest = time.Second
)

// fuse keeps requests from queueing for a server that does not answer: after
// some failures in a row calls fail at once for a while, and then one call
// finds out whether the server is back. An error that the server itself sends
// is an answer. The zero value is ready to use.
type fuse struct {
	mu     sync.Mutex
	failed int
	until  time.Time
}

func (f *fuse) try(call func() error) error {
	if !f.admit(time.Now()) {
		return errFuse
	}
	err := call()
	f.report(err, time.Now())
	return err
}

// admit reports whether a call may be made. After a rest the first caller may,
// and the others when it has succeeded, or after the next rest.
func (f *fuse) admit(now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.failed < fuseBlows {
		return true
	}
	if now.Before(f.until) {
		return false
	}
	f.until = now.Add(fuseRest)
	return true
}

func (f *fuse) report(err error, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var reply redis.Error
	switch {
	case errors.Is(err, context.Canceled):
		// The client left; that says nothing about the server.
	case err == nil, errors.As(err, &reply):
		f.failed = 0
	default:
		if f.failed++; f.failed >= fuseBlows {
			f.until = now.Add(fuseRest)
		}
	}
}
