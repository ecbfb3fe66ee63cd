package server

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
)

// Stdio serves one client that writes JSON-RPC messages to in, one a line, and
// reads the answers from out, until in ends or ctx does. Both are normal ends
// and return nil; an error is one of reading or writing.
//
// Calls that run when in ends are finished and answered. When ctx ends they
// get Config.Grace for that. Nothing else is ever written to out.
//
// Everything but the calls is answered in the order in which it came, so a
// call that follows an initialize finds what the client said there.
//
// A server has one stdio client at a time. Reading and writing cannot be
// interrupted: if ctx ends first, what reads from in, or is stuck in a write
// that the client does not take, stays behind until in or out gives way.
func (s *Server) Stdio(ctx context.Context, in io.Reader, out io.Writer) error {
	// Running calls outlive ctx by the grace period, so that a signal does not
	// leave a mail half sent.
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	client := newSession()
	if err := s.mcp.RegisterSession(work, client); err != nil {
		return fmt.Errorf("server: stdio: %w", err)
	}
	defer s.mcp.UnregisterSession(work, client.SessionID())
	c := &conn{
		server:  s,
		client:  client,
		out:     &output{w: out},
		flushes: make(chan chan struct{}),
		over:    make(chan struct{}),
		pending: make(map[string]open),
	}
	client.out = c.out
	forwarded, ending := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(forwarded)
		c.forward(client.notifications)
	}()
	read := make(chan error, 1)
	go func() { read <- c.read(s.mcp.WithContext(withEnding(work, ending), client), in) }()
	var err error
	select {
	case err = <-read:
	case <-ctx.Done():
	}
	close(ending)
	c.drain(ctx, s.cfg.Grace, stop)
	close(c.over)
	within(s.cfg.Grace, forwarded)
	return errors.Join(err, c.out.failure())
}

// conn is one stdio connection.
type conn struct {
	server *Server
	client *session
	out    *output
	calls  sync.WaitGroup
	// flushes asks forward to write what is waiting, and is told when it has.
	flushes chan chan struct{}
	// over is closed when no call is waited for any more.
	over chan struct{}

	mu      sync.Mutex      // guards what follows
	pending map[string]open // by request id, as JSON
	closing bool            // no new calls
}

// read reads and answers until in ends, or nobody takes the answers.
func (c *conn) read(ctx context.Context, in io.Reader) error {
	lines := lineReader{bufio.NewReaderSize(in, 64<<10)}
	for {
		l, err := lines.next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("server: read message: %w", err)
		}
		c.message(ctx, l)
		if c.out.broken() {
			return nil
		}
	}
}

// header is what has to be known of a message to route it.
type header struct {
	ID     json.RawMessage `json:"id"`
	Method string          `json:"method"`
	Params struct {
		RequestID json.RawMessage `json:"requestId"`
	} `json:"params"`
}

// message handles one message.
func (c *conn) message(ctx context.Context, l line) {
	switch {
	case l.tooLong:
		c.refuse(l.id(), mcp.INVALID_REQUEST, fmt.Sprintf("the message is too long; at most %d bytes are accepted", maxLine))
		return
	case len(l.text) == 0:
		return
	}
	var h header
	if err := json.Unmarshal(l.text, &h); err != nil {
		h = header{} // mcp-go says what is wrong with it
	} else if h.Method == "" && h.ID != nil {
		c.client.answered(l.text)
		return
	}
	switch h.Method {
	case string(mcp.MethodToolsCall), string(mcp.MethodSubscriptionsListen), readResource:
		if h.ID != nil {
			c.start(ctx, h, l.text)
		}
	case string(mcp.MethodNotificationCancelled):
		c.cancel(h.Params.RequestID)
	default:
		c.out.write(c.dispatch(ctx, h.ID, l.text))
	}
}

// start runs a call beside the others.
func (c *conn) start(ctx context.Context, h header, text []byte) {
	ctx, cancel := context.WithCancelCause(ctx)
	one := open{cancel: cancel, listens: h.Method == string(mcp.MethodSubscriptionsListen)}
	id := string(h.ID)
	if reason := c.admit(id, one); reason != "" {
		cancel(nil)
		c.refuse(h.ID, mcp.INVALID_REQUEST, reason)
		return
	}
	go func() {
		defer c.calls.Done()
		answer := c.dispatch(ctx, h.ID, text)
		// Its id is free as soon as the client can know.
		c.dismiss(id, one)
		if !unwanted(ctx) {
			// A call's progress is told before it is over (MCP, progress).
			c.flush()
			c.out.write(answer)
		}
	}()
}

// open is a call that is not answered yet.
type open struct {
	cancel context.CancelCauseFunc
	// listens: it ends only when the client goes.
	listens bool
}

// errUnwanted is why a call ends that its client has cancelled. It gets no answer.
var errUnwanted = errors.New("server: cancelled by the client")

func unwanted(ctx context.Context) bool { return errors.Is(context.Cause(ctx), errUnwanted) }

// admit enters a call, or says why not.
func (c *conn) admit(id string, one open) (reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing {
		return "the server is shutting down"
	}
	if _, taken := c.pending[id]; taken {
		return "a call with this id is still running"
	}
	if len(c.pending) >= maxCalls {
		return "too many calls are running"
	}
	c.pending[id] = one
	c.calls.Add(1)
	return ""
}

func (c *conn) dismiss(id string, one open) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.pending, id)
	one.cancel(nil)
}

// cancel ends the call that a client no longer wants.
func (c *conn) cancel(id json.RawMessage) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if one, ok := c.pending[string(id)]; ok {
		one.cancel(errUnwanted)
	}
}

// drain waits for running calls: until they are done, or, once ctx has ended,
// for the grace period. stop cancels what is left then.
func (c *conn) drain(ctx context.Context, grace time.Duration, stop func()) {
	c.mu.Lock()
	c.closing = true
	for _, one := range c.pending {
		if one.listens {
			one.cancel(errUnwanted)
		}
	}
	c.mu.Unlock()
	done := make(chan struct{})
	go func() {
		c.calls.Wait()
		close(done)
	}()
	select {
	case <-done:
		return
	case <-ctx.Done():
	}
	if !within(grace, done) {
		stop()
		within(grace, done) // they have been told; the process must end
	}
}

// within reports whether done was closed within d.
func within(d time.Duration, done <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-timer.C:
		return false
	}
}

// dispatch gives a message to mcp-go. A panic in there ends the message, not
// the connection.
func (c *conn) dispatch(ctx context.Context, id json.RawMessage, text []byte) (answer any) {
	defer func() {
		if p := recover(); p != nil {
			c.server.cfg.Log.Error().Str("type", fmt.Sprintf("%T", p)).Str("at", panicSite()).Msg("panic")
			answer = nil
			if id != nil {
				answer = rpcError(id, mcp.INTERNAL_ERROR, "internal error")
			}
		}
	}()
	ctx, verdict := withVerdict(ctx)
	if answer := c.server.mcp.HandleMessage(ctx, text); answer != nil {
		return verdict.correct(answer)
	}
	return nil
}

// forward writes notifications until the connection is over and none is left.
func (c *conn) forward(notifications <-chan mcp.JSONRPCNotification) {
	waiting := func() {
		for {
			select {
			case n := <-notifications:
				c.out.write(n)
			default:
				return
			}
		}
	}
	for {
		select {
		case n := <-notifications:
			c.out.write(n)
		case done := <-c.flushes:
			waiting()
			close(done)
		case <-c.over:
			waiting()
			return
		}
	}
}

// flush returns when the notifications that were sent before have been
// written, or nobody waits for what is left.
func (c *conn) flush() {
	done := make(chan struct{})
	select {
	case c.flushes <- done:
		<-done
	case <-c.over:
	}
}

func (c *conn) refuse(id json.RawMessage, code int, message string) {
	c.out.write(rpcError(id, code, message))
}

// rpcError is a JSON-RPC error; an unknown id is null.
func rpcError(id json.RawMessage, code int, message string) any {
	if id == nil {
		id = json.RawMessage("null")
	}
	type body struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	}
	return struct {
		Version string          `json:"jsonrpc"`
		ID      json.RawMessage `json:"id"`
		Error   body            `json:"error"`
	}{mcp.JSONRPC_VERSION, id, body{code, message}}
}
