package broker

import (
	"errors"
	"slices"
	"time"

	"linkmail/broker/wire"
	"linkmail/internal/secret"
)

// Kind is the way in which a session is completed. It is fixed when the
// session is made: only that way may write.
type Kind string

// The kinds of sessions.
const (
	Form        Kind = "form"
	OAuth       Kind = "oauth"
	Passthrough Kind = "passthrough"
)

// State is where a session stands. A used token is a state of its own, never
// an empty token: whoever sends an empty token must not match it.
type State string

// The states. A session goes pending, confirmed, ready, consumed; one that
// leaves for a provider is redirected in between, and exchanging while the
// broker asks the provider for tokens. Failed and consumed are final.
const (
	Pending    State = "pending"
	Confirmed  State = "confirmed"
	Redirected State = "redirected"
	Exchanging State = "exchanging"
	Ready      State = "ready"
	Consumed   State = "consumed"
	Failed     State = "failed"
)

// Session is one request of an agent for one credential. A [Store] keeps it;
// all its changes are made by this package.
type Session struct {
	// ID names the session to the agent: 64 random hexadecimal digits.
	ID string
	// Code is what the person compares, without its hyphen.
	Code secret.Text
	// Poll is the digest of the poll token.
	Poll Digest
	// KeyName is the API key that opened the session; another one does not
	// see it.
	KeyName string
	Kind    Kind
	State   State

	Created, Expires time.Time
	// Polled is when a poll was last answered with a status; zero if never.
	Polled time.Time

	// DisplayName is the agent's word about itself, made safe to show.
	DisplayName string
	// PublicKey is the agent's key as it was sent.
	PublicKey string
	Fields    []wire.Field

	// Provider, Scopes and Params belong to [OAuth] sessions.
	Provider string
	Scopes   []string
	Params   map[string]string

	// Target and Wanted belong to [Passthrough] sessions: where the browser
	// goes, and which parameters are kept when it returns.
	Target secret.Text
	Wanted []string

	// Connect is the digest of the connect token.
	Connect Digest
	// Browser is the digest of the cookie of the browser that confirmed and,
	// later, of the one that left for the provider.
	Browser Digest
	// StateDigest finds the session when the browser returns. A passthrough
	// session has it from the start, an OAuth session when the browser leaves.
	StateDigest Digest
	// Verifier is the PKCE code verifier (RFC 7636). It is taken out once.
	Verifier secret.Text
	// Claimed is when the broker that took it began to ask the provider.
	Claimed time.Time

	// Ciphertext is the envelope; it is there exactly while State is [Ready].
	Ciphertext string
	// Failure is the OAuth error code of a [Failed] session, and of one whose
	// agent wanted the error delivered like any other parameter.
	Failure string

	// Webhook is the digest of the token with which a third party may deposit
	// once. Zero means that the person's browser alone writes.
	Webhook Digest
	// Callback is where the envelope is delivered, beside the poll; its URL may
	// hold a token. CallbackSecret signs the deliveries.
	Callback, CallbackSecret secret.Text
	// Due is when the delivery is tried next, by whoever is first. Zero means
	// that none is owed.
	Due time.Time
	// Attempts counts the tries.
	Attempts int

	// Steps is how many sessions the agent means to chain; zero means one.
	Steps int
	// Next is the ID of the session that follows this one, if there is one.
	Next string
	// Follows is the ID of the session that this one continues. Link is then
	// that one's code: what the person has in hand, and what is shown. The
	// session's own Code stays in the store and opens nothing.
	Follows string
	Link    secret.Text
}

// Errors of transitions. Each is one answer to the client.
var (
	errNotPending = errors.New("broker: session is not pending")
	errNotOpen    = errors.New("broker: session cannot be completed")
	errToken      = errors.New("broker: token does not match")
	errOtherKey   = errors.New("broker: session belongs to another API key")
	errTooSoon    = errors.New("broker: polled too soon")
	errNotAwaited = errors.New("broker: no callback is awaited")
	errWrongWay   = errors.New("broker: session is completed in another way")
)

func (s *Session) live(now time.Time) bool { return now.Before(s.Expires) }

// CodeDigest finds the session by its code, see [Ref].
func (s *Session) CodeDigest() Digest { return digest(s.Code.Reveal()) }

// confirm lets one browser in.
func (s *Session) confirm(connect secret.Text, browser string) error {
	if s.State != Pending {
		return errNotPending
	}
	s.State = Confirmed
	s.Connect = digest(connect.Reveal())
	s.Browser = digest(browser)
	return nil
}

// holds reports whether the connect token is this session's. A session that
// was never confirmed has none.
func (s *Session) holds(connect string) bool {
	return wellFormed(connect, wire.ConnectTokenPrefix) && s.Connect.is(connect)
}

// complete stores what the confirmed browser encrypted. First writer wins.
func (s *Session) complete(connect, ciphertext string) error {
	switch {
	case s.Kind != Form:
		return errWrongWay
	case s.State == Pending:
		return errNotOpen
	case !s.holds(connect):
		return errToken
	case s.State != Confirmed:
		return errNotOpen
	}
	return s.ready(ciphertext)
}

// leave sends the confirmed browser to the provider. It consumes the connect
// token, for every kind of session, because the state is no longer confirmed.
func (s *Session) leave(connect, browser, state, verifier string) error {
	switch {
	case s.Kind == Form:
		return errWrongWay
	case !s.holds(connect):
		return errToken
	case s.State != Confirmed:
		return errNotOpen
	}
	s.State = Redirected
	s.Browser = digest(browser)
	if s.Kind == OAuth {
		s.StateDigest = digest(state)
		s.Verifier = secret.New(verifier)
	}
	return nil
}

// returned checks that the browser that comes back is the one that left, and
// that it is awaited.
func (s *Session) returned(state, browser string) error {
	switch {
	case s.State != Redirected:
		return errNotAwaited
	case !s.StateDigest.is(state) || !s.Browser.is(browser):
		return errToken
	}
	return nil
}

// claim takes the verifier for the one exchange that this callback may make.
// The state digest stays, so that a second callback finds the session and is
// refused instead of being unknown.
func (s *Session) claim(state, browser string, now time.Time) (verifier secret.Text, err error) {
	if err := s.returned(state, browser); err != nil {
		return secret.Text{}, err
	}
	if s.Kind != OAuth {
		return secret.Text{}, errWrongWay
	}
	verifier, s.Verifier = s.Verifier, secret.Text{}
	s.State = Exchanging
	s.Claimed = now.Round(0) // without the monotonic part, which no store keeps
	return verifier, nil
}

// exchangeLife is when an exchange is over that has not ended: the broker that
// made it was killed. It is longer than an exchange takes by more than the
// clocks of brokers on one store may differ.
const exchangeLife = proxyDeadline + time.Minute

// lapse fails a session whose broker was killed while it asked the provider, so
// that the agent learns of it before the session expires.
func (s *Session) lapse(now time.Time) {
	if s.State == Exchanging && now.Sub(s.Claimed) >= exchangeLife {
		s.fail("server_error")
	}
}

// ready stores an envelope.
func (s *Session) ready(ciphertext string) error {
	if ciphertext == "" || s.Ciphertext != "" {
		return errNotOpen
	}
	s.State = Ready
	s.Ciphertext = ciphertext
	return nil
}

// fail ends the session with an OAuth error code.
func (s *Session) fail(code string) {
	s.State = Failed
	s.Failure = code
	s.Verifier = secret.Text{}
}

// poll answers the agent. A ready session gives its envelope away and is
// consumed in the same step, which is never too soon: there is nothing to wait
// for, and the events may just have said so. Only an answered poll starts a new
// interval, so an impatient agent is not starved.
func (s *Session) poll(token, keyName string, now time.Time, interval time.Duration) (ciphertext string, err error) {
	switch {
	case s.KeyName != keyName:
		return "", errOtherKey
	case !wellFormed(token, wire.PollTokenPrefix) || !s.Poll.is(token):
		return "", errToken
	}
	// A clock that was set back must not silence the session.
	if since := now.Sub(s.Polled); s.State != Ready && !s.Polled.IsZero() && since >= 0 && since < interval {
		return "", errTooSoon
	}
	s.Polled = now
	if s.State != Ready {
		return "", nil
	}
	ciphertext, s.Ciphertext = s.Ciphertext, ""
	s.State = Consumed
	return ciphertext, nil
}

// status is the state as agents and pages know it.
func (s *Session) status() wire.Status {
	switch s.State {
	case Redirected, Exchanging:
		return wire.Confirmed
	default:
		return wire.Status(s.State)
	}
}

// wants reports whether a passthrough session keeps the parameter.
func (s *Session) wants(param string) bool { return slices.Contains(s.Wanted, param) }
