package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/oauth2"

	"linkmail/auth"
	"linkmail/mailbox"
)

// warmer opens the connection to Gmail while a client that has just said
// initialize still looks at the tools, so that its first call does not pay for
// the handshakes. It asks for the account, which is one quota unit and is needed
// by the first call anyway.
//
// It does so only with a token that is at hand (see [unattended]): nobody has
// asked for anything yet, and so nobody is to be asked.
type warmer struct {
	box *mailbox.Client
	log zerolog.Logger

	mu      sync.Mutex         // guards what follows
	cancel  context.CancelFunc // ends the one that runs; nil if none does
	closed  bool
	running sync.WaitGroup
}

// warmTime bounds one warming. What takes longer is no help to anybody.
const warmTime = 20 * time.Second

// start begins to warm and returns at once. Clients that come while it runs, or
// within ten minutes, find it done.
func (w *warmer) start(ctx context.Context) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed || w.cancel != nil {
		return
	}
	// The request that said initialize is over soon; who it came from stays.
	ctx, w.cancel = context.WithTimeout(context.WithValue(context.WithoutCancel(ctx), unattendedKey{}, true), warmTime)
	w.running.Go(func() {
		_, err := w.box.Account(ctx)
		w.mu.Lock()
		defer w.mu.Unlock()
		w.cancel()
		w.cancel = nil
		if err != nil { // the first call will say it, if it lasts
			w.log.Debug().Str("cause", plain(err)).Msg("the connection to Gmail is not open yet")
		}
	})
}

// close ends what was started and waits for it.
func (w *warmer) close() {
	w.mu.Lock()
	w.closed = true
	if w.cancel != nil {
		w.cancel()
	}
	w.mu.Unlock()
	w.running.Wait()
}

// unattended is a provider that tells apart what a client asked for and what is
// done ahead of that. The latter gets only a token that is at hand: one that
// would have to be renewed might turn out to need a person, and a link that
// nobody has asked for.
type unattended struct {
	auth.Provider
	kept auth.Provider // what is behind, without a watch over sign-ins
	// asksNobody says that kept never asks a person.
	asksNobody bool
}

// unattendedKey marks the context of what no client has asked for.
type unattendedKey struct{}

var errNotAtHand = errors.New("there is no token at hand")

// Token implements [auth.Provider].
func (u *unattended) Token(ctx context.Context, req auth.Request) (*oauth2.Token, error) {
	if ctx.Value(unattendedKey{}) == nil {
		return u.Provider.Token(ctx, req)
	}
	if !req.Rejected.IsZero() || !u.atHand(ctx, req) {
		return nil, errNotAtHand
	}
	return u.kept.Token(ctx, req)
}

// atHand reports whether a token can be had without a person.
func (u *unattended) atHand(ctx context.Context, req auth.Request) bool {
	keeper, keeps := u.kept.(auth.Keeper)
	if !keeps || u.asksNobody {
		return true // it was configured
	}
	kept, err := keeper.Status(ctx, req.Principal)
	if err != nil {
		return false
	}
	for _, s := range kept.Services {
		// With a margin, as a token is renewed a minute before it ends.
		if s.Scope == req.Scope && lasts(s, 2*time.Minute) {
			return true
		}
	}
	return false
}

// lasts reports whether the token of a service is good for d.
func lasts(s auth.Service, d time.Duration) bool { return time.Now().Add(d).Before(s.Until) }
