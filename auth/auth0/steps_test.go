package auth0_test

import (
	"testing"
	"time"

	"linkmail/internal/standin"
)

func TestABrokerWithoutStepsTakesTwoLinks(t *testing.T) {
	r := newRig(t)
	r.plain = true
	_, err := r.ask(gmail)
	first := challenge(t, err)
	r.visit(first, standin.Choice{})
	r.poll()
	_, err = r.ask(gmail)
	second := challenge(t, err)
	if second.Step != 2 || second.URL == first.URL || second.Code == first.Code {
		t.Fatalf("the second challenge is %+v, want another link than %+v", second, first)
	}
	r.visit(second, standin.Choice{})
	r.poll()
	if _, err := r.ask(gmail); err != nil {
		t.Fatal(describe(err))
	}
}

func TestTheOpenTabGoesOnByItself(t *testing.T) {
	r := newRig(t)
	_, err := r.ask(gmail)
	first := challenge(t, err)
	r.visit(first, standin.Choice{})
	if _, went, err := r.person.GoOn(t.Context(), first.URL, first.Code, standin.Choice{}); went || err != nil {
		t.Fatalf("before the agent asked, the tab went on: %v, %v", went, err)
	}
	r.poll()
	_, err = r.ask(gmail)
	challenge(t, err)
	if visit, went, err := r.person.GoOn(t.Context(), first.URL, first.Code, standin.Choice{}); !went || err != nil {
		t.Fatalf("after the agent asked, the tab went on: %v, %v\n%+v", went, err, visit.Steps)
	}
	r.poll()
	if _, err := r.ask(gmail); err != nil {
		t.Fatal(describe(err))
	}
}

// TestAPersonWhoChangedTheBrowserGetsALinkOfItsOwn: the first link works on in
// the browser of the login only, so once it has run out another one comes.
func TestAPersonWhoChangedTheBrowserGetsALinkOfItsOwn(t *testing.T) {
	r := newRig(t)
	_, err := r.ask(gmail)
	first := challenge(t, err)
	r.visit(first, standin.Choice{})
	r.poll()
	_, err = r.ask(gmail)
	second := challenge(t, err)
	r.person = standin.NewPerson()
	if _, err := r.person.Open(t.Context(), second.URL, second.Code, standin.Choice{}); err == nil {
		t.Fatal("another browser took the second step")
	}
	r.clock.Advance(second.Expires.Sub(r.clock.Now()) + time.Second)
	_, err = r.ask(gmail)
	third := challenge(t, err)
	if third.URL == first.URL || third.Step != 2 {
		t.Fatalf("after the link had run out the challenge is %+v", third)
	}
	r.visit(third, standin.Choice{})
	r.poll()
	if _, err := r.ask(gmail); err != nil {
		t.Fatal(describe(err))
	}
}

func TestAnotherPrincipalDoesNotFollow(t *testing.T) {
	r := newRig(t)
	_, err := r.ask(gmail)
	r.visit(challenge(t, err), standin.Choice{})
	r.poll()
	other := gmail
	other.Principal.Subject = "somebody else"
	_, err = r.ask(other)
	theirs := challenge(t, err)
	if theirs.Step != 1 {
		t.Fatalf("another user's challenge is %+v, want their own login", theirs)
	}
	_, err = r.ask(gmail)
	if ours := challenge(t, err); ours.URL == theirs.URL {
		t.Errorf("two users share the link %s", ours.URL)
	}
}
