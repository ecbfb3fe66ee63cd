package auth

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/oauth2"
)

// ErrUnfinished says that a person did not finish what a [Challenge] asked for
// while somebody was watching.
var ErrUnfinished = errors.New("auth: the sign-in was not finished")

const (
	// watchLife bounds the watch of one link.
	watchLife = 15 * time.Minute
	// keptFailure is how long the failure that ended a watch is kept for the
	// next one who asks. After that it would answer a question long forgotten.
	keptFailure = 10 * time.Minute
)

// WatcherConfig configures a [Watcher].
type WatcherConfig struct {
	// Provider is what is watched. Required.
	Provider Provider
	// Every is the time between two questions to a provider that is no
	// [Waiter], and the least time between two with the same answer; default 1
	// second. How often a broker is asked is its connector's affair: until its
	// own interval has passed, a question is answered from the store.
	Every time.Duration
	// Limit is how many sign-ins are watched at once; default 64. One above it
	// is not watched and goes on when it is asked for again.
	Limit int
	// Now is the clock; default time.Now.
	Now func() time.Time
}

// Watcher is a [Provider] for a process that lives on after a challenge was
// answered: it keeps asking until the person has acted, so that the next
// request finds the token there and nobody waits for a poll. A provider that is
// a [Waiter] says when to ask; then the token is there at once.
//
// There is one watch for each principal and scope. It ends with a token, with
// a failure that will not pass, when the link has run out, and with Close. It
// never asks at or after the expiry: that would open a new link that nobody
// has asked for. A failure that ended a watch is answered to the next request
// for the same, once, since the provider will not say it again.
type Watcher struct {
	cfg WatcherConfig

	mu      sync.Mutex // guards what follows
	watches map[watched]*watch
	left    map[watched]leftover
	closed  bool
	running sync.WaitGroup
}

var _ Provider = (*Watcher)(nil)

// watched is what there is one watch of.
type watched struct{ subject, scope string }

// watch is the goroutine that asks, as far as others see it.
type watch struct {
	cancel context.CancelFunc
	step   *step  // the challenge that is watched now
	shown  string // the link that was handed out last
}

// step is one link, from the moment it is watched until it has come to
// something.
type step struct {
	url     string
	latest  time.Time // whatever the challenge says
	expires time.Time
	over    chan struct{}
	err     error // why it is over; written before over is closed
}

// leftover is the failure that ended a watch.
type leftover struct {
	failure error
	until   time.Time
}

// NewWatcher returns a watcher. Close it.
func NewWatcher(cfg WatcherConfig) *Watcher {
	if cfg.Every <= 0 {
		cfg.Every = time.Second
	}
	if cfg.Limit <= 0 {
		cfg.Limit = 64
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Watcher{cfg: cfg, watches: make(map[watched]*watch), left: make(map[watched]leftover)}
}

// Token implements [Provider]. A challenge that it returns is watched from then on.
func (w *Watcher) Token(ctx context.Context, req Request) (*oauth2.Token, error) {
	key := watched{req.Principal.Subject, req.Scope}
	if err := w.take(key); err != nil {
		return nil, err
	}
	token, err := w.cfg.Provider.Token(ctx, req)
	if c, ok := errors.AsType[*Challenge](err); ok {
		w.begin(ctx, key, req, c)
	}
	return token, err
}

// Wait returns nil as soon as what c asks who to do has come to something: a
// token, the next link, or a failure that the next request will tell. It
// returns [ErrUnfinished] if the link runs out, the watcher is closed or nobody
// watches c, and the error of ctx if that ends first.
func (w *Watcher) Wait(ctx context.Context, who Principal, c *Challenge) error {
	w.mu.Lock()
	var s *step
	for key, one := range w.watches {
		if key.subject == who.Subject && one.step.url == c.URL {
			s = one.step
			break
		}
	}
	w.mu.Unlock()
	if s == nil {
		return ErrUnfinished
	}
	select {
	case <-s.over:
		return s.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close ends all watches and waits for them. Requests go on to be answered.
func (w *Watcher) Close() {
	w.mu.Lock()
	w.closed = true
	for _, one := range w.watches {
		one.cancel()
	}
	w.mu.Unlock()
	w.running.Wait()
}

// take returns the failure that a watch of key has left, and forgets it.
func (w *Watcher) take(key watched) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	l, ok := w.left[key]
	delete(w.left, key)
	if !ok || !w.cfg.Now().Before(l.until) {
		return nil
	}
	return l.failure
}

// begin starts a watch unless there is one.
func (w *Watcher) begin(ctx context.Context, key watched, req Request, c *Challenge) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if one := w.watches[key]; one != nil {
		one.shown = c.URL
	}
	if w.closed || w.watches[key] != nil || len(w.watches) >= w.cfg.Limit {
		return
	}
	// The request that was answered with the challenge is over soon; what its
	// context carries is still true.
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	one := &watch{cancel: cancel, step: w.newStep(c), shown: c.URL}
	w.watches[key] = one
	w.running.Go(func() {
		defer cancel()
		w.run(ctx, key, req, one, c)
	})
}

func (w *Watcher) newStep(c *Challenge) *step {
	s := &step{url: c.URL, latest: w.cfg.Now().Add(watchLife), over: make(chan struct{})}
	s.until(c.Expires)
	return s
}

func (s *step) until(expires time.Time) {
	s.expires = expires
	if expires.IsZero() || expires.After(s.latest) {
		s.expires = s.latest
	}
}

// run asks until there is nothing more to ask. c is the answer so far.
func (w *Watcher) run(ctx context.Context, key watched, req Request, one *watch, c *Challenge) {
	for again := false; ; {
		err := w.pause(ctx, one.step.expires, c, again)
		if ctx.Err() != nil || errors.Is(err, ErrUnfinished) || !w.cfg.Now().Before(one.step.expires) {
			w.end(key, one, ErrUnfinished, nil)
			return
		}
		_, err = w.cfg.Provider.Token(ctx, req)
		asked, asks := errors.AsType[*Challenge](err)
		failure, fails := errors.AsType[*Failure](err)
		switch {
		case err == nil:
			w.end(key, one, nil, nil)
			return
		case asks && !w.next(key, one, asked):
			return
		case fails && !asks && failure.Kind != Unavailable:
			w.end(key, one, nil, failure)
			return
		}
		again = !asks || c != nil && asked.URL == c.URL && asked.Step == c.Step
		c = asked
	}
}

// pause returns when it is time to ask again, at the latest when the link runs
// out. again says that the last answer brought nothing new, c is the challenge
// of that answer, if it was one. The error is [ErrUnfinished] if there is
// nothing more to wait for.
func (w *Watcher) pause(ctx context.Context, until time.Time, c *Challenge, again bool) error {
	ctx, cancel := context.WithTimeout(ctx, until.Sub(w.cfg.Now()))
	defer cancel()
	waiter, _ := w.cfg.Provider.(Waiter)
	if again || waiter == nil {
		w.tick(ctx)
	}
	if c == nil || waiter == nil {
		return nil
	}
	err := waiter.Wait(ctx, c)
	if errors.Is(err, ErrNoWait) && !again {
		w.tick(ctx)
	}
	return err
}

// tick lets the time between two questions pass.
func (w *Watcher) tick(ctx context.Context) {
	timer := time.NewTimer(w.cfg.Every)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// next takes in the challenge that the provider answered with. A link in place
// of one that ran out or was lost ends the watch, and next returns false, unless
// it was handed out meanwhile: nobody has seen it, and watching it would replace
// it, too, in the end.
func (w *Watcher) next(key watched, one *watch, c *Challenge) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if c.URL == one.step.url {
		one.step.until(c.Expires)
		return true
	}
	if c.Previous != 0 && c.URL != one.shown {
		w.remove(key, one, ErrUnfinished)
		return false
	}
	close(one.step.over)
	one.step = w.newStep(c)
	return true
}

// end removes a watch and tells those who wait for it.
func (w *Watcher) end(key watched, one *watch, err, failure error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if failure != nil {
		w.left[key] = leftover{failure, w.cfg.Now().Add(keptFailure)}
	}
	w.remove(key, one, err)
}

// remove is end under the lock.
func (w *Watcher) remove(key watched, one *watch, err error) {
	delete(w.watches, key)
	one.step.err = err
	close(one.step.over)
}
