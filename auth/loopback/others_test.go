package loopback_test

import (
	"net/http"
	"testing"

	"linkmail/auth"
	"linkmail/internal/secret"
	"linkmail/internal/standin"
)

// TestProblem06AResultIsOnlyForWhoeverAsked has the result of one person in
// the store when another one asks for the very same.
func TestProblem06AResultIsOnlyForWhoeverAsked(t *testing.T) {
	d := newDesk(t)
	c := d.connector(0)
	_, err := c.Login(t.Context(), login)
	mine := link(t, err)
	redirect, _ := back(t, mine)
	if _, err := standin.NewPerson().Browse(t.Context(), mine.URL, redirect, standin.Choice{}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Login(t.Context(), login); err != nil {
		t.Fatal(err)
	}
	other := login
	other.Principal.Subject = "somebody"
	_, err = c.Login(t.Context(), other)
	if link(t, err).URL == mine.URL {
		t.Error("two people share one link")
	}

	fixed := d.connector(freePort(t))
	trip := auth.RedirectRequest{
		Principal: login.Principal, Attempt: "x", Scope: "gmail", State: "state-of-the-caller",
		URL: secret.New("https://tenant.example/connect?ticket=canary"), Params: []string{"connect_code"},
	}
	_, err = fixed.Redirect(t.Context(), trip)
	link(t, err)
	if status, _ := get(t, fixed.CallbackURL()+"?connect_code=cc&state=state-of-the-caller"); status != http.StatusOK {
		t.Fatalf("the callback was answered %d", status)
	}
	if _, err := fixed.Redirect(t.Context(), trip); err != nil {
		t.Fatal(err)
	}
	trip.Principal.Subject = "somebody"
	_, err = fixed.Redirect(t.Context(), trip)
	link(t, err)
}
