// Package server speaks MCP: over stdio, over streamable HTTP and SSE, and for
// a single call from the command line.
//
// It owns who is calling (the [auth.Principal] in the context of every call),
// what an error is worth in words (answer.go is the only place that turns one
// into text for a model), and the one log line that every call leaves. It
// knows nothing of Gmail: it is given tools.
//
// The protocol itself is mcp-go's. What stands around it here is what a server
// needs to be safe on a user's machine: nothing but JSON-RPC on the output,
// calls that are finished when the input ends, and, for HTTP, the checks that
// keep a web page from driving a server on loopback.
package server

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	mcpserver "github.com/mark3labs/mcp-go/server"
	"github.com/rs/zerolog"

	"linkmail/auth"
)

// Config configures a [Server].
type Config struct {
	// Name and Version are what the server calls itself. Required.
	Name, Version string
	// Instructions tell a model what the server is for. Optional.
	Instructions string
	// Tools are what a client may call. At least one; names are unique.
	//
	// A handler returns its errors as they are, for the server to explain. A
	// structured answer with a method Kind() string is logged as that kind.
	Tools []mcpserver.ServerTool
	// Missing says why there is no tool of a name. It is asked of names that
	// are not among Tools, and answers with an error that explains itself. Nil:
	// the answer names the tools that there are.
	Missing func(name string) error
	// Prompts are tasks that a client may offer its user. Optional.
	Prompts []mcpserver.ServerPrompt
	// Resources are what a client may read beside them, by the form of their
	// addresses. A reader returns its errors as they are. Optional.
	Resources []mcpserver.ServerResourceTemplate
	// Principal is who calls when nothing else identifies the caller; the
	// default is the subject "local", the one user of this machine.
	Principal auth.Principal
	// Log receives one line a call; the zero value logs nothing.
	Log zerolog.Logger
	// Now is the clock; default time.Now.
	Now func() time.Time
	// Grace is how long running calls may take to finish after the context of
	// Stdio or Serve has ended; default 5 seconds.
	Grace time.Duration
	// Parallel is how many calls of MCP clients run at once; others wait for
	// their turn. Default 8.
	Parallel int
	// Watcher finishes sign-ins in the background, so that a repeated call can
	// wait for the person. Nil: nothing waits. The server closes it.
	Watcher *auth.Watcher
	// State is where elicitations are kept, so that no link is put before a
	// user twice, not by another process either. Nil: a challenge is answered
	// with a result, whatever the client could do.
	State State
	// Progress returns a context in which a tool tells how far it has got, for
	// a client that asked to know. Nil: no tool does.
	Progress func(ctx context.Context, tell func(done, total int, what string)) context.Context
	// Arrived is told when a client has said initialize, before it is answered:
	// it returns at once. Its context names who calls. Nil: nobody is told.
	Arrived func(ctx context.Context)
	// Wait is how long a call that is repeated after an elicitation waits for
	// the sign-in to be finished; default 45 seconds, within the patience of
	// the clients that have the least. Negative: not at all.
	Wait time.Duration
}

// Server answers calls of tools. It is safe for concurrent use.
type Server struct {
	cfg          Config
	mcp          *mcpserver.MCPServer
	handlers     map[string]mcpserver.ToolHandlerFunc
	turns        turns
	elicitations *elicitations  // nil: none
	announcing   sync.WaitGroup // who tells clients that a sign-in is finished
}

// New returns a server for cfg.
func New(cfg Config) (*Server, error) {
	if cfg.Name == "" || cfg.Version == "" {
		return nil, errors.New("server: name and version are required")
	}
	if len(cfg.Tools) == 0 {
		return nil, errors.New("server: there are no tools to serve")
	}
	if cfg.Principal.Subject == "" {
		cfg.Principal.Subject = "local"
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Grace == 0 {
		cfg.Grace = 5 * time.Second
	}
	if cfg.Parallel <= 0 {
		cfg.Parallel = 8
	}
	if cfg.Wait == 0 {
		cfg.Wait = 45 * time.Second
	}
	s := &Server{
		cfg:      cfg,
		handlers: make(map[string]mcpserver.ToolHandlerFunc, len(cfg.Tools)),
		turns:    newTurns(cfg.Parallel),
	}
	if cfg.State != nil {
		s.elicitations = &elicitations{store: cfg.State, now: cfg.Now}
	}
	hooks := s.missingTools()
	if cfg.Arrived != nil {
		hooks.AddAfterInitialize(s.arrived)
	}
	options := []mcpserver.ServerOption{
		mcpserver.WithHooks(hooks),
		mcpserver.WithInstructions(cfg.Instructions),
		mcpserver.WithToolCapabilities(false),
		// Clients may set a level, and some insist on it.
		mcpserver.WithLogging(),
	}
	if len(cfg.Resources) > 0 {
		options = append(options, mcpserver.WithResourceCapabilities(false, false))
	}
	s.mcp = mcpserver.NewMCPServer(cfg.Name, cfg.Version, options...)
	for _, r := range cfg.Resources {
		s.mcp.AddResourceTemplate(r.Template, s.resource(r.Handler))
	}
	for _, t := range cfg.Tools {
		name := t.Tool.Name
		if _, ok := s.handlers[name]; ok {
			return nil, fmt.Errorf("server: there are two tools named %s", name)
		}
		s.handlers[name] = t.Handler
		s.mcp.AddTool(t.Tool, s.handle)
	}
	s.mcp.AddTool(mcp.NewTool(noTool), s.answerMissing)
	for _, p := range cfg.Prompts {
		s.mcp.AddPrompt(p.Prompt, s.prompt(p.Handler))
	}
	return s, nil
}

// Close ends what the server does in the background. Calls go on to be
// answered; who serves them ends first.
func (s *Server) Close() {
	if s.cfg.Watcher != nil {
		s.cfg.Watcher.Close()
	}
	s.announcing.Wait()
}

// arrived tells that a client has said initialize.
func (s *Server) arrived(ctx context.Context, _ any, _ *mcp.InitializeRequest, _ *mcp.InitializeResult) {
	s.cfg.Arrived(s.onBehalf(ctx))
}

// onBehalf returns a context that names who calls.
func (s *Server) onBehalf(ctx context.Context) context.Context {
	if _, ok := auth.PrincipalFrom(ctx); ok {
		return ctx
	}
	return auth.WithPrincipal(ctx, s.cfg.Principal)
}

// Answer is what one call returns.
type Answer struct {
	// Envelope is the structured answer as one JSON object: the tool's
	// envelope, or {"error":{"code","message","hint","retryAfter"}}.
	Envelope json.RawMessage
	// Text says the same for a reader.
	Text string
	// IsError reports that the call failed.
	IsError bool
}

// Call runs one tool outside of any MCP session, as the configured principal.
// It is answered and logged like any other call, except that a challenge is
// always a result; args is a JSON object.
func (s *Server) Call(ctx context.Context, name string, args json.RawMessage) Answer {
	var req mcp.CallToolRequest
	req.Params.Name = name
	req.Params.RawArguments = args
	r := s.run(ctx, req, s.perform)
	if r.problem != nil {
		return r.problem.answer()
	}
	envelope, err := compact(r.result.StructuredContent)
	if err != nil {
		return internal(err, rand.Text()[:8], s.cfg.Log).problem.answer()
	}
	return Answer{Envelope: envelope, Text: textOf(r.result)}
}

// names returns the tools in order.
func (s *Server) names() []string { return slices.Sorted(maps.Keys(s.handlers)) }

// textOf returns the text parts of a result.
func textOf(result *mcp.CallToolResult) string {
	var text string
	for _, c := range result.Content {
		if t, ok := c.(mcp.TextContent); ok {
			if text != "" {
				text += "\n"
			}
			text += t.Text
		}
	}
	return text
}
