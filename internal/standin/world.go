// Package standin plays Gmail and Auth0 on one machine, for tests, for
// "linkmail demo" and for the examples.
//
// Both speak the real wire formats over one seeded [World] and enforce what
// the real services enforce: a stand-in that is more lenient than the real
// thing would prove nothing. Faults, delays and the concurrency wall are part
// of the world, so that a test can provoke what production only does at night.
package standin

import (
	"context"
	"crypto/rand"
	"net/http"
	"slices"
	"sync"
	"time"
)

// DefaultUser owns the seeded mailbox.
const DefaultUser = "alex.rivera@example.com"

// Config configures a [World]. The zero value is ready to use.
type Config struct {
	// Now is the clock; default time.Now.
	Now func() time.Time
	// Delay is added to every HTTP request, before it is handled: the wire.
	Delay time.Duration
	// PerGet is how long Gmail works on every call, the parts of a batch
	// included, while the call counts against the wall; default none.
	PerGet time.Duration
	// QuotaPerMinute is how many quota units one user may spend in a minute
	// before Gmail answers 403; zero for no limit. Projects get 6,000.
	QuotaPerMinute int
	// Wall is how many requests of one user Gmail runs at once, the parts of
	// a batch included, before it answers 429; default 25, negative for none.
	Wall int
}

// World is the state behind the stand-ins. It is safe for concurrent use.
type World struct {
	cfg Config

	mu     sync.Mutex
	tokens map[string]*grant // Google access token -> what it is good for
	fault  func(*http.Request) *Fault
	log    []*Seen

	gmail  *gmailState
	auth0  *auth0State
	google *googleState // under the lock of auth0, whose users have the accounts
}

// grant is what a Google access token is good for.
type grant struct {
	user    string
	scopes  []string
	expires time.Time
	revoked bool
}

// Fault is what happens to a request instead of, or after, its handling.
type Fault struct {
	// Status and Body replace the answer.
	Status int
	Header http.Header
	Body   string
	// HangUp closes the connection without an answer.
	HangUp bool
	// Applied runs the real handler first, so the effect takes place although
	// the caller sees the fault.
	Applied bool
	// Delay is waited for before anything else.
	Delay time.Duration
}

// Seen is one request that reached a stand-in. A part of a batch is one of its
// own, with Service "gmail-part".
type Seen struct {
	Service, Method, Path string
	// Query is the query string as it was sent.
	Query string
	// Parts is the number of parts of a batch request, zero otherwise.
	Parts int
	// Status is the HTTP status of the answer; zero while there is none, and
	// for good when the connection was closed instead.
	Status int
}

// NewWorld returns a seeded world: the same mailbox, the same ids, every time.
func NewWorld(cfg Config) *World {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Wall == 0 {
		cfg.Wall = 25
	}
	w := &World{cfg: cfg, tokens: map[string]*grant{}}
	w.gmail = newGmailState(w)
	w.auth0 = newAuth0State()
	w.google = newGoogleState(w)
	return w
}

// SetFault installs f, which is asked about every request that arrives from
// now on; nil ends it.
func (w *World) SetFault(f func(*http.Request) *Fault) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fault = f
}

// Seen returns the requests so far, oldest first.
func (w *World) Seen() []Seen {
	w.mu.Lock()
	defer w.mu.Unlock()
	seen := make([]Seen, len(w.log))
	for i, s := range w.log {
		seen[i] = *s
	}
	return seen
}

// ForgetSeen empties the list that Seen returns.
func (w *World) ForgetSeen() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.log = nil
}

// IssueToken makes a Google access token for user with the given OAuth scopes.
func (w *World) IssueToken(user string, scopes []string, ttl time.Duration) string {
	token := "ya29." + rand.Text() + rand.Text()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tokens[token] = &grant{user: user, scopes: slices.Clone(scopes), expires: w.cfg.Now().Add(ttl)}
	return token
}

// RevokeTokens makes every Google access token of user invalid, as when the
// user removes the app's access in the Google account.
func (w *World) RevokeTokens(user string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, g := range w.tokens {
		if g.user == user {
			g.revoked = true
		}
	}
}

// lookup returns what a live token is good for.
func (w *World) lookup(token string) (grant, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	g := w.tokens[token]
	if g == nil || g.revoked || !w.cfg.Now().Before(g.expires) {
		return grant{}, false
	}
	return *g, true
}

// seenKey carries the *Seen of a request in its context.
type seenKey struct{}

// note writes a request into the log, and asks what shall happen to it.
func (w *World) note(service string, r *http.Request) (*Seen, *Fault) {
	seen := &Seen{Service: service, Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery}
	w.mu.Lock()
	w.log = append(w.log, seen)
	fault := w.fault
	w.mu.Unlock()
	if fault == nil {
		return seen, nil
	}
	return seen, fault(r)
}

// edit changes an entry of the log under the lock that Seen takes.
func (w *World) edit(seen *Seen, change func(*Seen)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change(seen)
}

// serve wraps a stand-in's handler with the log, the delay and the faults.
func (w *World) serve(service string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		seen, f := w.note(service, r)
		if !pause(r, w.cfg.Delay) {
			return
		}
		r = r.WithContext(context.WithValue(r.Context(), seenKey{}, seen))
		out := &statusWriter{ResponseWriter: rw}
		defer func() { w.edit(seen, func(s *Seen) { s.Status = out.status }) }()
		if f == nil {
			next.ServeHTTP(out, r)
			return
		}
		if !pause(r, f.Delay) {
			return
		}
		if f.Applied {
			next.ServeHTTP(discard{http.Header{}}, r)
		}
		switch {
		case f.HangUp:
			panic(http.ErrAbortHandler)
		case f.Status != 0:
			f.write(out)
		case !f.Applied:
			next.ServeHTTP(out, r)
		}
	})
}

// write answers with the fault.
func (f *Fault) write(rw http.ResponseWriter) {
	for k, v := range f.Header {
		rw.Header()[http.CanonicalHeaderKey(k)] = v
	}
	if rw.Header().Get("Content-Type") == "" {
		rw.Header().Set("Content-Type", "application/json; charset=UTF-8")
	}
	rw.WriteHeader(f.Status)
	_, _ = rw.Write([]byte(f.Body)) //nolint:gosec // what the test asked for
}

// pause waits for d and reports whether the request is still wanted.
func pause(r *http.Request, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-r.Context().Done():
		return false
	}
}

// discard swallows an answer that the caller will never see.
type discard struct{ h http.Header }

func (d discard) Header() http.Header         { return d.h }
func (d discard) Write(b []byte) (int, error) { return len(b), nil }
func (d discard) WriteHeader(int)             {}

// statusWriter remembers the status of an answer.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (s *statusWriter) WriteHeader(status int) {
	if s.status == 0 {
		s.status = status
	}
	s.ResponseWriter.WriteHeader(status)
}

func (s *statusWriter) Write(b []byte) (int, error) {
	if s.status == 0 {
		s.status = http.StatusOK
	}
	return s.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the writer beneath.
func (s *statusWriter) Unwrap() http.ResponseWriter { return s.ResponseWriter }
