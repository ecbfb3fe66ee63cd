package server

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	mcpserver "github.com/mark3labs/mcp-go/server"

	"linkmail/auth"
)

// sessionKind keeps the ids of the two transports apart.
type sessionKind string

const (
	mcpSession sessionKind = "mcp"
	sseSession sessionKind = "sse"
)

// sessionTTL is how long a session id is good at most.
const sessionTTL = 24 * time.Hour

// sessionIDs issues and checks session ids. An id is random, bound to its user
// and its transport by a MAC, ends after a day, and ends at once when its
// client says so. It is never what a user is known by.
//
// It is the mcpserver.SessionIdManagerResolver of streamable HTTP.
type sessionIDs struct {
	now func() time.Time
	key [32]byte // of this process; ids do not outlive it

	mu      sync.Mutex           // guards revoked
	revoked map[string]time.Time // until when the id would have been good
}

func newSessionIDs(now func() time.Time) *sessionIDs {
	s := &sessionIDs{now: now, revoked: make(map[string]time.Time)}
	rand.Read(s.key[:]) // never fails
	return s
}

func (s *sessionIDs) issue(kind sessionKind, subject string) string {
	id := rand.Text() + "." + strconv.FormatInt(s.now().Unix(), 36)
	return id + "." + s.mac(kind, subject, id)
}

func (s *sessionIDs) mac(kind sessionKind, subject, id string) string {
	m := hmac.New(sha256.New, s.key[:])
	m.Write([]byte(string(kind) + "\x00" + subject + "\x00" + id))
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil)[:16])
}

// valid reports whether id was issued to subject for this transport and is
// still good.
func (s *sessionIDs) valid(kind sessionKind, subject, id string) bool {
	i := strings.LastIndexByte(id, '.')
	if i < 0 || !hmac.Equal([]byte(id[i+1:]), []byte(s.mac(kind, subject, id[:i]))) {
		return false
	}
	if !s.now().Before(endOf(id)) {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	_, gone := s.revoked[id]
	return !gone
}

// endOf reads when a genuine id ends.
func endOf(id string) time.Time {
	parts := strings.Split(id, ".")
	if len(parts) != 3 {
		return time.Time{}
	}
	issued, err := strconv.ParseInt(parts[1], 36, 64)
	if err != nil {
		return time.Time{}
	}
	return time.Unix(issued, 0).Add(sessionTTL)
}

// revoke ends a genuine id. It is remembered only as long as it would be good.
func (s *sessionIDs) revoke(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	for old, end := range s.revoked {
		if !now.Before(end) {
			delete(s.revoked, old)
		}
	}
	s.revoked[id] = endOf(id)
}

// ResolveSessionIdManager returns the manager for the user of a request. For
// mcp-go's own housekeeping, which has no request, it revokes nothing.
//
//nolint:staticcheck,revive // the name is the interface's
func (s *sessionIDs) ResolveSessionIdManager(r *http.Request) mcpserver.SessionIdManager {
	if r == nil {
		return housekeeping{}
	}
	return userSessions{s, subjectOf(r.Context())}
}

// userSessions are the sessions of one user of streamable HTTP.
type userSessions struct {
	ids     *sessionIDs
	subject string
}

var errNoSession = errors.New("server: no such session")

func (u userSessions) Generate() string { return u.ids.issue(mcpSession, u.subject) }

func (u userSessions) Validate(id string) (terminated bool, err error) {
	if !u.ids.valid(mcpSession, u.subject, id) {
		return false, errNoSession
	}
	return false, nil
}

func (u userSessions) Terminate(id string) (notAllowed bool, err error) {
	u.ids.revoke(id)
	return false, nil
}

// housekeeping lets mcp-go drop its state of a session without ending it.
type housekeeping struct{}

func (housekeeping) Generate() string { return "" }

func (housekeeping) Validate(string) (bool, error) { return false, errNoSession }

func (housekeeping) Terminate(string) (bool, error) { return false, nil }

// subjectOf returns the user that the guard has put into a request's context.
func subjectOf(ctx context.Context) string {
	p, _ := auth.PrincipalFrom(ctx)
	return p.Subject
}

type streamIDKey struct{}

func withStreamID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, streamIDKey{}, id)
}

func streamID(ctx context.Context) string {
	id, _ := ctx.Value(streamIDKey{}).(string)
	return id
}
