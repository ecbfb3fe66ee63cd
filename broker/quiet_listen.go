package broker

import (
	"context"
	"net"
	"net/http"
	"sync/atomic"
)

// Listener returns ln with connections whose read buffer the broker can
// overwrite after a request that had a token in it: the HTTP server keeps one
// buffer for a connection, gives it to the next one afterwards, and clears it
// never. Without it everything works, and such tokens stay in memory until
// something else is read over them. It is for plain HTTP, the only thing that
// the broker speaks; below TLS it would see nothing of use.
func (b *Broker) Listener(ln net.Listener) net.Listener { return forgetful{ln} }

type forgetful struct{ net.Listener }

// Accept accepts a connection that knows its buffer.
func (l forgetful) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &forgettable{Conn: c}, nil
}

// forgettable is a connection that an [http.Server] reads. The first buffer
// that the server reads into is the one that it keeps; what else it is given to
// fill belongs to whoever reads a body.
type forgettable struct {
	net.Conn
	buffer atomic.Pointer[[]byte]
}

// Read remembers the first buffer.
func (c *forgettable) Read(p []byte) (int, error) {
	if c.buffer.Load() == nil {
		c.buffer.Store(&p)
	}
	return c.Conn.Read(p)
}

type connKey struct{}

// withConn puts a connection into the context of its requests.
func withConn(ctx context.Context, c net.Conn) context.Context {
	if c, ok := c.(*forgettable); ok {
		return context.WithValue(ctx, connKey{}, c)
	}
	return ctx
}

// forget overwrites what the server has read of a request, and of anything
// behind it: the connection ends with the answer. It is called by the handler,
// before it answers: nobody else touches the buffer then, and later it may be
// another connection's.
func forget(w http.ResponseWriter, r *http.Request) {
	c, ok := r.Context().Value(connKey{}).(*forgettable)
	if !ok {
		return
	}
	w.Header().Set("Connection", "close")
	if buffer := c.buffer.Load(); buffer != nil {
		clear(*buffer)
	}
}
