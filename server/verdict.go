package server

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"sync/atomic"

	"github.com/mark3labs/mcp-go/mcp"
	mcpserver "github.com/mark3labs/mcp-go/server"
)

// verdict is the code that the answer to one message has, if it is a protocol
// error. mcp-go takes every error of a handler for an internal one, and does
// not let it say otherwise. So a handler leaves the code here, and the transport
// puts it into the answer. The older of the HTTP transports answers on another
// request's stream and cannot.
type verdict struct{ code atomic.Int64 }

type verdictKey struct{}

// withVerdict returns a context for one message, and what its handler decides.
func withVerdict(ctx context.Context) (context.Context, *verdict) {
	v := &verdict{}
	return context.WithValue(ctx, verdictKey{}, v), v
}

// judge leaves the code of the protocol that comes nearest to a problem.
func judge(ctx context.Context, p *problem) {
	v, ok := ctx.Value(verdictKey{}).(*verdict)
	switch {
	case !ok:
	case p.Code == "invalid_argument", p.Code == "not_found" && mcp.IsModernProtocol(mcpserver.RequestProtocolVersion(ctx)):
		v.code.Store(mcp.INVALID_PARAMS)
	case p.Code == "not_found":
		v.code.Store(mcp.RESOURCE_NOT_FOUND)
	}
}

// correct is the answer with the code that was decided on.
func (v *verdict) correct(answer mcp.JSONRPCMessage) mcp.JSONRPCMessage {
	if e, ok := answer.(mcp.JSONRPCError); ok && v.code.Load() != 0 {
		e.Error.Code = int(v.code.Load())
		return e
	}
	return answer
}

// internalError is how mcp-go begins what verdict corrects, in JSON.
var internalError = fmt.Appendf(nil, `"error":{"code":%d,`, mcp.INTERNAL_ERROR)

// judged corrects the code in an answer over HTTP. mcp-go writes an answer at
// once, alone or as an event of a stream; in a string of it the quotes would
// have backslashes.
type judged struct {
	http.ResponseWriter
	verdict *verdict
}

func (w judged) Write(p []byte) (int, error) {
	code := w.verdict.code.Load()
	if code == 0 {
		return w.ResponseWriter.Write(p)
	}
	corrected := bytes.Replace(p, internalError, fmt.Appendf(nil, `"error":{"code":%d,`, code), 1)
	if _, err := w.ResponseWriter.Write(corrected); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Flush is what mcp-go knows a stream by.
func (w judged) Flush() { _ = http.NewResponseController(w.ResponseWriter).Flush() }

func (w judged) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// judging serves requests whose handlers may decide on a code.
func judging(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, v := withVerdict(r.Context())
		next.ServeHTTP(judged{w, v}, r.WithContext(ctx))
	})
}
