package auth

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/mail"
	"strings"
	"time"

	"golang.org/x/oauth2"
)

// Keeper is a [Provider] that keeps a sign-in from one process to the next.
type Keeper interface {
	Provider
	// Status tells what is kept for who. It asks nobody and changes nothing.
	Status(ctx context.Context, who Principal) (Status, error)
	// SignOut ends the sign-in at the provider as far as that is possible and
	// forgets it here in any case. An error means that it is not forgotten.
	SignOut(ctx context.Context, who Principal) (SignedOut, error)
}

// Status is what a [Keeper] keeps for one principal. It holds no secret.
type Status struct {
	// SignedIn says that there is a sign-in to renew tokens with.
	SignedIn bool
	// Account is the e-mail address of whoever signed in; empty if unknown.
	Account string
	// Since is when that was; zero if unknown.
	Since time.Time
	// Configured names the setting that the sign-in comes from, if it was not
	// made by linkmail.
	Configured string
	// Services lists what there is a token or a pending consent for, sorted by
	// Scope.
	Services []Service
	// Waiting says that a link was given out and nobody has finished it yet.
	Waiting bool
}

// Service is what is kept for one service.
type Service struct {
	// Scope is the service in linkmail's own terms, for example "gmail".
	Scope string
	// Connection is the provider's name of the way to it, if it has one.
	Connection string
	// Granted are the OAuth scopes that the provider says were given, Missing
	// those that were asked for and not given: boxes left unticked.
	Granted, Missing []string
	// Until is when the token that is kept runs out; zero if none is kept.
	Until time.Time
	// Waiting says that a link to connect it was given out.
	Waiting bool
}

// SignedOut says what came of [Keeper.SignOut], in sentences for a person.
type SignedOut struct {
	// Done lists what was ended, Left what could not be and what to do about it.
	Done, Left []string
}

// Finisher is a [Connector] that can be told that nobody will ask for a request
// again, because its result has been stored or is not wanted any more: what it
// keeps of it is forgotten.
type Finisher interface {
	Finish(ctx context.Context, req LoginRequest) error
	FinishRedirect(ctx context.Context, req RedirectRequest) error
}

// Finish tells c, if it wants to know, that nobody will ask for req again. A
// failure costs nothing but an entry of the cache that runs out by itself.
func Finish(ctx context.Context, c Connector, req LoginRequest) {
	if f, ok := c.(Finisher); ok {
		_ = f.Finish(ctx, req)
	}
}

// FinishRedirect is [Finish] for a trip.
func FinishRedirect(ctx context.Context, c Connector, req RedirectRequest) {
	if f, ok := c.(Finisher); ok {
		_ = f.FinishRedirect(ctx, req)
	}
}

// Owner asks a service whose access token this is and returns the e-mail
// address, or nothing where the service named by scope cannot tell.
type Owner func(ctx context.Context, scope string, token *oauth2.Token) (string, error)

// Identity is what an ID token (OpenID Connect Core 1.0, section 2) says of
// whoever signed in.
type Identity struct {
	Subject, Email string
}

// errNoIdentity says that a token tells nothing.
var errNoIdentity = errors.New("auth: the ID token cannot be read")

// maxIDToken is the size in bytes of the longest ID token that is read.
const maxIDToken = 64 << 10

// ReadIdentity decodes the payload of an ID token. The signature is not
// checked, as section 3.1.3.7 allows for a token that came straight from the
// token endpoint. What is no plain e-mail address counts as none.
func ReadIdentity(idToken string) (Identity, error) {
	parts := strings.Split(idToken, ".")
	if len(parts) != 3 || len(idToken) > maxIDToken {
		return Identity{}, errNoIdentity
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return Identity{}, errNoIdentity
	}
	var claims struct {
		Subject string `json:"sub"`
		Email   string `json:"email"`
	}
	if err := json.Unmarshal(payload, &claims); err != nil {
		return Identity{}, errNoIdentity
	}
	return Identity{Subject: claims.Subject, Email: PlainAddress(claims.Email)}, nil
}

// PlainAddress returns s if it is a bare e-mail address that may be shown, and
// nothing otherwise.
func PlainAddress(s string) string {
	a, err := mail.ParseAddress(s)
	if err != nil || a.Name != "" || a.Address != s || len(s) > 254 || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return ""
	}
	return s
}

// SameAccount compares two e-mail addresses as Google does, ignoring case.
func SameAccount(a, b string) bool { return strings.EqualFold(a, b) }

// WrongAccount is the failure for a sign-in of have where want was expected.
func WrongAccount(have, want string) *Failure {
	return &Failure{
		Kind: Denied, Code: "wrong_account",
		Message: "the sign-in was for " + have + ", but LINKMAIL_ACCOUNT expects " + want + "; it was discarded",
		Hint:    "Call again for a fresh link and choose " + want + ", or change LINKMAIL_ACCOUNT.",
	}
}

// UnknownAccount is the failure where a service did not say whose token it is,
// although a certain account is expected.
func UnknownAccount(want string, cause error) *Failure {
	return &Failure{
		Kind: Unavailable, Code: "account_unverified",
		Message: "it could not be verified that the mailbox is that of " + want + ", which LINKMAIL_ACCOUNT expects",
		Hint:    "Try again; if it stays so, run \"linkmail doctor\": the Gmail API may be off, or a permission missing.",
		Err:     cause,
	}
}
