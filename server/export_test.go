package server

import "time"

// Redact is how explanations are searched for credentials.
var Redact = redact

// MaxLine is the longest message on stdio.
const MaxLine = maxLine

// SessionIDs gives tests the ids of streamable HTTP.
type SessionIDs struct{ *sessionIDs }

// NewSessionIDs returns ids that read the time from now.
func NewSessionIDs(now func() time.Time) SessionIDs { return SessionIDs{newSessionIDs(now)} }

// IssueMCP returns a new id.
func (s SessionIDs) IssueMCP(subject string) string { return s.issue(mcpSession, subject) }

// ValidMCP reports whether id is good for subject.
func (s SessionIDs) ValidMCP(subject, id string) bool { return s.valid(mcpSession, subject, id) }

// Ticket is what an interrupted call leaves with its client.
type Ticket = ticket

// Seal seals t with key.
func (t ticket) Seal(key []byte) (string, error) { return t.seal(key) }

// OpenTicket opens what Seal has sealed.
func OpenTicket(key []byte, text string) (Ticket, error) { return openTicket(key, text) }
