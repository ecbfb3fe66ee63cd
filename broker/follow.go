package broker

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// Some sign-ins take two trips: a login, and then a consent that the agent can
// only ask for once the login is through. The second session follows the first
// and has no link of its own. In the browser that finished the first, and in
// no other, the first one's link stands for the second from then on.

// maxSteps is how long a chain may be.
const maxSteps = 2

// minStep is how long the first session must still live for another one to
// follow: the link ends with it, and the person has to get through.
const minStep = 2 * time.Minute

// step is where in its chain the session is, from 1.
func (s *Session) step() int {
	if s.Follows != "" {
		return 2
	}
	return 1
}

// shownCode is the code as the person sees it.
func (s *Session) shownCode() string {
	if s.Follows != "" {
		return showCode(s.Link.Reveal())
	}
	return showCode(s.Code.Reveal())
}

// done reports whether the person has done their part and it went well.
func (s *Session) done() bool { return s.State == Ready || s.State == Consumed }

// busy reports whether a person is at it.
func (s *Session) busy() bool {
	return s.State == Confirmed || s.State == Redirected || s.State == Exchanging
}

// lead makes next the session that follows s. known is the one that the caller
// saw there: of two agents that chain at the same time one is refused.
func (s *Session) lead(next, known string) error {
	if !s.done() || s.Next != known {
		return errNotOpen
	}
	s.Next = next
	return nil
}

// follow makes s, which is not stored yet, the continuation of the session
// first. It has one answer for whatever is wrong with that one, because an
// agent of another key must not learn what there is.
//
// A follower that nobody has begun, or that is over, may be replaced: an agent
// that was killed before it wrote the session down asks again.
func (b *Broker) follow(ctx context.Context, s *Session, first string) error {
	refused := invalid(fault("follows", "is not a finished session of this agent that lives long enough to be continued"))
	f, err := b.find(ctx, Ref{ID: first})
	if errors.Is(err, ErrNoSession) {
		return refused
	}
	if err != nil {
		return err
	}
	if f.KeyName != s.KeyName || f.Follows != "" || f.Expires.Sub(b.now()) < minStep {
		return refused
	}
	if f.Next != "" {
		n, err := b.find(ctx, Ref{ID: f.Next})
		if err != nil && !errors.Is(err, ErrNoSession) {
			return err
		}
		if err == nil && n.busy() {
			return refused
		}
	}
	_, err = b.update(ctx, f.ID, func(first *Session, _ time.Time) error { return first.lead(s.ID, f.Next) })
	if errors.Is(err, errNotOpen) || errors.Is(err, ErrNoSession) {
		return refused
	}
	if err != nil {
		return err
	}
	s.Follows, s.Link, s.Browser = f.ID, f.Code, f.Browser
	s.Steps = maxSteps
	if f.Expires.Before(s.Expires) {
		s.Expires = f.Expires // the link that leads here ends then
	}
	return nil
}

// onward returns the session that the code of s stands for in this browser: s
// itself, or the one that follows it.
func (b *Broker) onward(r *http.Request, s Session) (Session, error) {
	if s.Follows != "" {
		return Session{}, ErrNoSession // nobody was ever given its code
	}
	if s.Next == "" {
		return s, nil
	}
	if cookie, ok := b.cookie(r); !ok || !s.Browser.is(cookie) {
		return s, nil
	}
	next, err := b.find(r.Context(), Ref{ID: s.Next})
	if errors.Is(err, ErrNoSession) {
		return s, nil
	}
	return next, err
}
