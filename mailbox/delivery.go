package mailbox

import (
	"context"
	"errors"
	"net/http/httptrace"
	"sync"
)

// errNotRepeated keeps net/http from repeating a request by itself.
var errNotRepeated = errors.New("http: the request is not repeated, as it may have been received")

// delivery follows one request that changes something, to tell afterwards
// whether it may have reached Gmail.
//
// Where several HTTP exchanges happen underneath (a 401, a new token, the
// request again), it follows the latest.
type delivery struct {
	mu    sync.Mutex
	seen  bool // the transport reports what it does
	stage stage
}

type stage int

const (
	idle     stage = iota // nothing of the request has been written
	written               // written at least in part, no answer yet
	answered              // the answer has begun
)

type deliveryKey struct{}

func deliveryFrom(ctx context.Context) *delivery {
	d, _ := ctx.Value(deliveryKey{}).(*delivery)
	return d
}

// follow returns a context under which requests are followed by d.
func (d *delivery) follow(ctx context.Context) context.Context {
	ctx = context.WithValue(ctx, deliveryKey{}, d)
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.seen = true
			if d.stage == answered {
				d.stage = idle // the transport goes on to another exchange
			}
		},
		WroteHeaders:         func() { d.advance(written) },
		GotFirstResponseByte: func() { d.advance(answered) },
	})
}

func (d *delivery) advance(s stage) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.seen = true
	d.stage = s
}

// pending reports whether the request was written and not answered.
func (d *delivery) pending() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.stage == written
}

// ambiguous reports whether err leaves open if the request took effect. In
// doubt it does.
func (d *delivery) ambiguous(err error) bool {
	var said explained
	if errors.As(err, &said) && !errors.Is(err, errNotGmail) {
		return false // the authorizing transport refused before the wire
	}
	fromStack := fromWire(err) || unreadable(err) || errors.Is(err, errNotGmail)
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.stage == written:
		return true
	case d.stage == answered, !d.seen:
		return fromStack
	}
	return false
}
