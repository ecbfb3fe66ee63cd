// Package broker is a LinkAuth broker: a mailbox through which a person hands
// a credential to an agent that cannot open a browser.
//
// The agent opens a session with a public key and shows the person a link and
// a code. The person opens the link, checks the code, and types a secret or
// signs in with an OAuth provider. The result is encrypted to the agent's key,
// fetched once by the agent's poll, and gone.
//
// # What the broker knows
//
// A form is encrypted in the person's browser; the broker sees an envelope it
// cannot open. The answer of an OAuth provider passes through the broker's
// memory, is sealed at once and never stored in clear. A request through the
// proxy is read by the broker, whatever it carries.
//
// # What it keeps
//
// Sessions live in a [Store] for at most fifteen minutes. Each is a small state
// machine, and every step of it is one compare-and-set in the store, so of
// several racing browsers or polls exactly one wins. Tokens, states and the
// binding to a browser are kept as SHA-256 digests only.
//
// # What it refuses
//
// Cross-site requests, foreign Host headers, guessing (by address and in
// total, counted by all brokers on one store together), any destination that is not on a list, any redirect to follow, any
// body beyond its limit. Errors are RFC 9457 problems that repeat nothing of
// the request.
package broker

import (
	"cmp"
	"context"
	"fmt"
	"log"
	"net/http"
	"net/url"
	"time"
)

// Broker serves the LinkAuth API and its page. Make one with [New]. It is safe
// for concurrent use.
type Broker struct {
	cfg       Config
	base      *url.URL
	hosts     map[string]bool // Host headers that are answered
	keys      *keyring
	providers map[string]*provider
	proxy     hostList
	pass      hostList
	callbacks hostList
	egress    *egress
	store     Store
	guesses   *guesses
	streams   *streams
	outbox    *outbox
	metrics   *metrics
	ended     *tombstones
	audit     audit
	now       func() time.Time
	newCode   func(length int) string
	handler   http.Handler
}

// New checks cfg and returns a broker. Its error names everything that is
// wrong with cfg at once.
func New(cfg Config) (*Broker, error) {
	languages() // a build without them fails here and not before a person
	notices()
	b := &Broker{cfg: cfg, now: cfg.Now, store: cfg.Store, newCode: newCode}
	if b.now == nil {
		b.now = time.Now
	}
	if err := b.configure(); err != nil {
		return nil, fmt.Errorf("broker: %w", err)
	}
	if b.store == nil {
		b.store = NewMemory(MemoryConfig{MaxSessions: cfg.maxSessions(), Now: b.now})
	}
	b.metrics = newMetrics()
	b.guesses = newGuesses(b.store, b.metrics)
	b.audit = newAudit(cfg.Log, b.metrics)
	b.streams = newStreams()
	b.outbox = newOutbox(b)
	b.ended = newTombstones(b.now)
	b.handler = b.routes()
	return b, nil
}

// Handler returns the broker's HTTP handler: API, page and health.
func (b *Broker) Handler() http.Handler { return b.handler }

// Limits of the HTTP server. The longest handler is the proxy, which stops
// after [proxyDeadline].
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 15 * time.Second
	writeTimeout      = 30 * time.Second
	idleTimeout       = 60 * time.Second
	maxHeaderBytes    = 16 << 10
)

// Server returns an HTTP server for the handler, with limits on what a client
// may send and how slowly. The caller gives it a listener, best one of
// [Broker.Listener], and shuts it down.
func (b *Broker) Server() *http.Server {
	srv := &http.Server{
		Handler:           b.handler,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ConnContext:       withConn,
		ErrorLog:          log.New(b.cfg.Log.With().Str("from", "net/http").Logger(), "", 0),
	}
	// A stream of events is a request that does not end by itself.
	srv.RegisterOnShutdown(b.streams.close)
	return srv
}

// find returns the live session behind ref, or [ErrNoSession].
func (b *Broker) find(ctx context.Context, ref Ref) (Session, error) {
	s, err := b.store.Find(ctx, ref)
	if err != nil {
		return Session{}, err
	}
	now := b.now()
	if !s.live(now) {
		return Session{}, ErrNoSession
	}
	s.lapse(now)
	return s, nil
}

// update runs one transition on a session and writes the audit line.
func (b *Broker) update(ctx context.Context, id string, step func(*Session, time.Time) error) (Session, error) {
	var from State
	s, err := b.store.Update(ctx, id, func(s *Session) error {
		// The clock is read here, inside the transition, so that expiry is
		// decided once, by the same instant that is stored.
		now := b.now()
		if !s.live(now) {
			return ErrNoSession
		}
		from = s.State
		s.lapse(now)
		if err := step(s, now); err != nil {
			return err
		}
		s.owe(from, now)
		return nil
	})
	if err == nil && s.State != from {
		b.audit.moved(s, from)
		b.streams.wake(id)
		b.outbox.start(s)
	}
	return s, err
}

// interval is the least time between two polls.
func (b *Broker) interval() time.Duration { return cmp.Or(b.cfg.PollInterval, 5*time.Second) }
