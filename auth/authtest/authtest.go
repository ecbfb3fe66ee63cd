// Package authtest reads what providers and connectors answer, for their tests.
package authtest

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"linkmail/auth"
)

// Challenge returns the challenge that err must be.
func Challenge(t testing.TB, err error) auth.Challenge {
	t.Helper()
	c, ok := errors.AsType[*auth.Challenge](err)
	if !ok {
		t.Fatalf("got %s, want a challenge", Describe(err))
	}
	return *c
}

// Failure returns the failure that err must be, with the given code; empty is
// any. Nothing that it says may be a secret.
func Failure(t testing.TB, err error, code string) auth.Failure {
	t.Helper()
	f, ok := errors.AsType[*auth.Failure](err)
	if !ok || code != "" && f.Code != code {
		t.Fatalf("got %s, want the failure %s", Describe(err), code)
	}
	NoSecrets(t, err)
	return *f
}

// Describe is everything that err says, in one line.
func Describe(err error) string {
	if f, ok := errors.AsType[*auth.Failure](err); ok {
		return fmt.Sprintf("%s (%d): %s; %s (%v)", f.Code, f.Kind, f.Message, f.Hint, f.Err)
	}
	return fmt.Sprint(err)
}

// canaries begin the tokens and secrets that tests and stand-ins use: refresh
// tokens of Auth0 and of Google, access tokens, client secrets, tickets, JWTs.
var canaries = []string{"canary", "v1.", "1//", "ya29.", "GOCSPX", "stand-in-secret", "ticket=", "eyJ"}

// NoSecrets looks for canaries in everything that an error and its causes say.
func NoSecrets(t testing.TB, err error) {
	t.Helper()
	var b strings.Builder
	b.WriteString(Describe(err))
	for ; err != nil; err = errors.Unwrap(err) {
		fmt.Fprintf(&b, " %v %+v %#v", err, err, err)
	}
	said := b.String()
	for _, canary := range canaries {
		if strings.Contains(said, canary) {
			t.Errorf("the error holds %q: %s", canary, said)
		}
	}
}
