package server

import (
	"context"
	"crypto/rand"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/rs/zerolog"

	"linkmail/auth"
)

// reply is what became of a call. One of result, problem and elicit is set.
type reply struct {
	result  *mcp.CallToolResult
	problem *problem
	// elicit is the protocol's own error that asks for a sign-in.
	elicit error
	// challenge is what result tells in words, if a person has to act.
	challenge *auth.Challenge
	// question is what the call waits for, if the user has to answer it first.
	question *Question
	// kind is the outcome as one word, for the log.
	kind string
}

// handle is the handler of every tool towards mcp-go. A failed call is a
// result with isError, which the model sees, and not a protocol error, which
// it often does not.
func (s *Server) handle(ctx context.Context, req mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	r := s.run(ctx, req, s.converse)
	switch {
	case r.elicit != nil:
		return nil, r.elicit
	case r.problem != nil:
		return r.problem.result(), nil
	default:
		return r.result, nil
	}
}

// call is one call while it runs.
type call struct {
	id  string // under which it is in the log
	req mcp.CallToolRequest
	log zerolog.Logger
}

// run calls a tool. how is what is done with the call.
func (s *Server) run(ctx context.Context, req mcp.CallToolRequest, how func(context.Context, call) reply) reply {
	return s.watched(ctx, s.known(req.Params.Name), req, func(ctx context.Context, c call) reply {
		if _, ok := s.handlers[req.Params.Name]; !ok {
			return s.unknownTool(c)
		}
		return how(ctx, c)
	})
}

// watched is the one way that every call goes: it says who is calling, keeps a
// panic inside and leaves one line in the log, under a name. how is what is
// done in between.
func (s *Server) watched(ctx context.Context, name string, req mcp.CallToolRequest, how func(context.Context, call) reply) (r reply) {
	started := s.cfg.Now()
	id := rand.Text()[:8]
	log := s.cfg.Log.With().Str("id", id).Logger()
	defer func() {
		if p := recover(); p != nil {
			// Only its type and place: the text of a panic may hold anything.
			log.Error().Str("type", fmt.Sprintf("%T", p)).Str("at", panicSite()).Msg("panic")
			r = reply{problem: bug(id), kind: "panic"}
		}
		log.Info().Str("tool", name).Str("outcome", r.kind).
			Int64("ms", s.cfg.Now().Sub(started).Milliseconds()).Msg("call")
	}()
	return how(s.onBehalf(ctx), call{id, req, log})
}

// perform runs the tool once and turns its error into words.
func (s *Server) perform(ctx context.Context, c call) reply {
	result, err := s.handlers[c.req.Params.Name](s.following(ctx, c), c.req)
	if q := questionIn(err); q != nil {
		return reply{question: q, kind: "asked"}
	}
	if err != nil {
		return explain(err, c.id, c.log)
	}
	r := reply{result: result, kind: "ok"}
	if k, ok := result.StructuredContent.(interface{ Kind() string }); ok {
		r.kind = k.Kind()
	}
	return r
}

// known returns name if it is a tool's; a client can put anything there, and
// the log is not the place for it.
func (s *Server) known(name string) string {
	if _, ok := s.handlers[name]; ok {
		return name
	}
	return "unknown"
}

func (s *Server) unknownTool(c call) reply {
	if s.cfg.Missing != nil {
		return explain(s.cfg.Missing(c.req.Params.Name), c.id, c.log)
	}
	return reply{kind: "unknown_tool", problem: &problem{
		Code:    "unknown_tool",
		Message: "there is no tool of this name",
		Hint:    "The tools are " + strings.Join(s.names(), ", ") + ".",
	}}
}

// panicSite returns the file and line of the code that panicked.
func panicSite() string {
	var pcs [32]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(0, pcs[:])])
	passed := false
	for {
		f, more := frames.Next()
		if passed && !strings.HasPrefix(f.Function, "runtime.") {
			return fmt.Sprintf("%s:%d", filepath.Base(f.File), f.Line)
		}
		passed = passed || f.Function == "runtime.gopanic"
		if !more {
			return ""
		}
	}
}

// typesOf names the types of an error and its causes, which say enough to find
// a bug and nothing about a user.
func typesOf(err error) string {
	var types []string
	for err != nil && len(types) < 10 {
		types = append(types, fmt.Sprintf("%T", err))
		switch e := err.(type) { //nolint:errorlint // walks the chain itself
		case interface{ Unwrap() error }:
			err = e.Unwrap()
		case interface{ Unwrap() []error }:
			err = nil
			if all := e.Unwrap(); len(all) > 0 {
				err = all[0]
			}
		default:
			err = nil
		}
	}
	return strings.Join(types, " < ")
}

// internal answers an error that nobody expected, and logs what it was.
func internal(err error, id string, log zerolog.Logger) reply {
	log.Error().Str("type", typesOf(err)).Msg("unexpected error")
	return reply{problem: bug(id), kind: "internal"}
}
