package server

import (
	"sync"
	"sync/atomic"

	"github.com/mark3labs/mcp-go/mcp"
	mcpserver "github.com/mark3labs/mcp-go/server"
)

// session is the one client of a stdio connection.
type session struct {
	notifications chan mcp.JSONRPCNotification
	initialized   atomic.Bool
	out           *output

	mu    sync.Mutex // guards what follows
	info  mcp.Implementation
	caps  mcp.ClientCapabilities
	level mcp.LoggingLevel
	era   string
	asked map[string]chan<- answered // by the id of our request
}

var (
	_ mcpserver.SessionWithClientInfo      = (*session)(nil)
	_ mcpserver.SessionWithLogging         = (*session)(nil)
	_ mcpserver.SessionWithProtocolVersion = (*session)(nil)
	_ mcpserver.SessionWithElicitation     = (*session)(nil)
)

func newSession() *session {
	return &session{
		notifications: make(chan mcp.JSONRPCNotification, 64),
		level:         mcp.LoggingLevelError,
	}
}

func (s *session) SessionID() string { return "stdio" }

func (s *session) Initialize() { s.initialized.Store(true) }

func (s *session) Initialized() bool { return s.initialized.Load() }

func (s *session) NotificationChannel() chan<- mcp.JSONRPCNotification { return s.notifications }

func (s *session) GetClientInfo() mcp.Implementation { return locked(s, &s.info) }

func (s *session) SetClientInfo(info mcp.Implementation) { store(s, &s.info, info) }

func (s *session) GetClientCapabilities() mcp.ClientCapabilities { return locked(s, &s.caps) }

func (s *session) SetClientCapabilities(caps mcp.ClientCapabilities) { store(s, &s.caps, caps) }

func (s *session) GetLogLevel() mcp.LoggingLevel { return locked(s, &s.level) }

func (s *session) SetLogLevel(level mcp.LoggingLevel) { store(s, &s.level, level) }

func (s *session) ProtocolVersion() string { return locked(s, &s.era) }

func (s *session) SetProtocolVersion(version string) { store(s, &s.era, version) }

func locked[T any](s *session, field *T) T {
	s.mu.Lock()
	defer s.mu.Unlock()
	return *field
}

func store[T any](s *session, field *T, value T) {
	s.mu.Lock()
	defer s.mu.Unlock()
	*field = value
}
