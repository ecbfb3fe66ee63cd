// Package auth answers one question for the rest of linkmail: who is asking,
// for what, and which token results.
//
// A [Provider] hands out access tokens. When a person has to act first (open a
// link, check a code, consent) it returns a [*Challenge], which is an error and
// travels untouched to package server, the only place that turns it into words.
// Asking again with an equal [Request] resumes the attempt; nothing else is
// needed, because every pending step is kept in the cache.
//
// A [Connector] is a provider's way to that person: through a LinkAuth broker
// (package linkauth) or a local browser. A provider does not know which it has.
//
// [Transport] puts the tokens into HTTP requests, for named hosts only.
package auth

import (
	"context"
	"errors"
	"net/url"
	"time"

	"golang.org/x/oauth2"

	"linkmail/internal/secret"
)

// Principal is the verified identity on whose behalf a request runs.
type Principal struct {
	// Subject names the user. It is "local" for the single user of stdio,
	// of call, and of serve on loopback.
	Subject string
}

type principalKey struct{}

// WithPrincipal returns a context that carries p.
func WithPrincipal(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, principalKey{}, p)
}

// PrincipalFrom returns the principal that the context carries.
func PrincipalFrom(ctx context.Context) (Principal, bool) {
	p, ok := ctx.Value(principalKey{}).(Principal)
	return p, ok && p.Subject != ""
}

// Request asks for one access token.
type Request struct {
	Principal Principal
	// Scope is the service in linkmail's own terms, for example "gmail".
	Scope string
	// Rejected is an access token that the service has just refused with 401.
	// The provider does not answer with this one again.
	Rejected secret.Text
}

// Provider hands out access tokens.
type Provider interface {
	// Token returns a token that is good for at least another minute as far
	// as the provider knows. Its errors are a [*Challenge] when a person must
	// act, a [*Failure] when the cause is known, or a context error.
	Token(ctx context.Context, req Request) (*oauth2.Token, error)
}

// Connector is the way to a person.
//
// Both methods return a [*Challenge] until the person has acted, a *Failure
// with [Denied] once after the person refused, and the result otherwise.
// Calling again with an equal request resumes the attempt, in this process or
// another one; a result is repeated for an equal request, so that a crash
// between receiving and storing it loses nothing. A caller that wants a new
// attempt changes Attempt.
type Connector interface {
	// Login sends the person through an OAuth login and returns its tokens.
	Login(ctx context.Context, req LoginRequest) (*oauth2.Token, error)
	// Redirect sends the person to req.URL and returns the parameters with
	// which the browser came back.
	Redirect(ctx context.Context, req RedirectRequest) (url.Values, error)
	// CallbackURL is the redirect URI to register for both.
	CallbackURL() string
}

// LoginRequest describes an OAuth authorization code flow.
type LoginRequest struct {
	Principal Principal
	// Attempt tells two attempts of one principal apart. Random, kept by the caller.
	Attempt string
	// Scope is the service that will be reached in the end, for the challenge.
	Scope string
	// OAuthProvider is the broker's name of the provider, for example "auth0".
	OAuthProvider string
	// OAuthScopes are the scopes to ask of it.
	OAuthScopes []string
	// Params are further parameters of the authorization request, for example audience.
	Params map[string]string
	// Display tells the person on the page what asks and for what.
	Display string
	// Continues announces a [RedirectRequest] of the same principal that will
	// probably come after the login. A connector that can lets the person take
	// both steps through one link; it makes no other difference.
	Continues bool
}

// RedirectRequest describes a trip of the person's browser to a URL and back.
type RedirectRequest struct {
	Principal Principal
	Attempt   string
	Scope     string
	// URL is where the browser goes. It carries a ticket: never log it.
	URL secret.Text
	// State is the value of the state parameter with which the browser returns.
	State string
	// Params names the parameters to capture, for example connect_code.
	Params  []string
	Display string
}

// Challenge says that a person has to open URL and check that the page shows
// Code. It is an error: it stops the call and is answered in words by package
// server alone.
type Challenge struct {
	URL  string
	Code string
	// Scope is the service that the person is asked to connect.
	Scope string
	// Expires is when the link stops working.
	Expires time.Time
	// Step counts the steps of one sign-in, from 1; zero means unknown. Two
	// steps may share a link.
	Step int
	// Renews is when a link that was opened and not finished gives way to a
	// fresh one; zero while nobody has opened it.
	Renews time.Time
	// Previous tells what became of the link that this one replaces.
	Previous Ending
	// Why says in a sentence or two why a sign-in that worked before has to be
	// repeated; empty if there is nothing to say.
	Why string
}

// ErrTaken says that a trip cannot begin, because an earlier try of the same
// request, whose beginning was never written down, still holds its State at
// the connector. A caller that can make a new request, with another State,
// need not trouble anybody with it; otherwise it passes when that try runs out.
var ErrTaken = errors.New("auth: the state is taken by an earlier try")

// Ending tells how the link before this one ended.
type Ending int

const (
	// Expired means that the previous link ran out before anybody had finished.
	Expired Ending = iota + 1
	// Lost means that the person had finished, but the result did not arrive
	// here. It was delivered once, to somebody else or into a broken connection.
	Lost
	// Abandoned means that somebody opened the previous link, which then works
	// in that browser only, and did not finish in time.
	Abandoned
)

func (*Challenge) Error() string { return "auth: a person has to sign in first" }

// Kind tells what a [Failure] means for the one who called.
type Kind int

const (
	// Denied means that the person, or a policy, said no. Trying again starts afresh.
	Denied Kind = iota + 1
	// Refused means that a configured credential does not work. Someone must change it.
	Refused
	// Misconfigured means that a setting at the provider or here is wrong.
	Misconfigured
	// Unavailable means that it may pass by itself.
	Unavailable
)

// Failure is an error with a known cause. Its fields never hold a secret and
// never text of unbounded origin.
type Failure struct {
	Kind Kind
	// Code is a stable word for programs, for example "token_refused".
	Code string
	// Message says what happened, Hint what to do about it.
	Message, Hint string
	// RetryAfter is when trying again makes sense; zero if unknown.
	RetryAfter time.Duration
	// Err is the cause, for logs of kinds and statuses only. It may be nil.
	Err error
}

func (f *Failure) Error() string { return "auth: " + f.Message }

// Unwrap returns the cause.
func (f *Failure) Unwrap() error { return f.Err }

// Explain returns the failure in the four parts that package server answers with.
func (f *Failure) Explain() (code, message, hint string, retryAfter time.Duration) {
	return f.Code, f.Message, f.Hint, f.RetryAfter
}
