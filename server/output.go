package server

import (
	"fmt"
	"io"
	"sync"
	"sync/atomic"
)

// output is where the messages of a connection go, each one whole and on a
// line of its own.
type output struct {
	mu  sync.Mutex // held while writing, which the client may delay at will
	w   io.Writer
	err atomic.Pointer[error] // the first error; nothing is written after it
}

// write writes a message; a nil one is none.
func (o *output) write(message any) {
	if message == nil {
		return
	}
	b, err := compact(message)
	o.mu.Lock()
	defer o.mu.Unlock()
	if err == nil && !o.broken() {
		_, err = o.w.Write(append(b, '\n'))
	}
	if err != nil {
		err = fmt.Errorf("server: write message: %w", err)
		o.err.CompareAndSwap(nil, &err)
	}
}

// broken reports whether messages no longer reach the client.
func (o *output) broken() bool { return o.err.Load() != nil }

func (o *output) failure() error {
	if err := o.err.Load(); err != nil {
		return *err
	}
	return nil
}
