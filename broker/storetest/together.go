package storetest

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"linkmail/broker"
	"linkmail/internal/secret"
)

// What the brokers under test admit.
const (
	// perMinute is how many sessions one address opens at a broker that
	// [NewLimited] made.
	perMinute = 12
	// perAddress is how many wrong codes one address has in ten minutes.
	perAddress = 10
	// shared, divided by the sessions, is how many all addresses have then:
	// 2^18 at codes of 50 bits, for each of three windows of ten minutes.
	shared = 1 << 18 / 3
)

// Together checks that brokers on one store are one to whoever guesses or opens
// sessions: what one of them has counted, the others know. The brokers are as
// [NewLimited] makes them; store is theirs, and empty.
func Together(t *testing.T, store broker.Store, fronts ...*Front) {
	t.Helper()
	flow := must(fronts[0].Create("", 0))(t, http.StatusCreated)
	wrong := flow
	wrong.Code = "AAAAA-AAAAA"

	for n := range perAddress {
		expect(t, "a wrong code", http.StatusNotFound)(fronts[n%len(fronts)].From("192.0.2.1").Look(&wrong))
	}
	for n, f := range fronts {
		guesser, person := f.From("192.0.2.1"), f.From("192.0.2.2")
		what := fmt.Sprintf("broker %d, after %d wrong codes: ", n, perAddress)
		expect(t, what+"a wrong code", http.StatusTooManyRequests)(guesser.Look(&wrong))
		expect(t, what+"the right code", http.StatusTooManyRequests)(guesser.Look(&flow))
		expect(t, what+"confirm", http.StatusTooManyRequests)(guesser.Confirm(&flow))
		expect(t, what+"another address", http.StatusOK)(person.Look(&flow))
	}

	// A link that is used up is no guess for an address that has known it, and
	// for no other.
	expect(t, "confirm", http.StatusOK)(fronts[0].From("192.0.2.2").Confirm(&flow))
	for n := range 2 * perAddress {
		expect(t, "the used link", http.StatusNotFound)(fronts[n%len(fronts)].From("192.0.2.2").Look(&flow))
	}
	misses := perAddress
	for n := range perAddress + 1 {
		status, err := fronts[n%len(fronts)].From("192.0.2.3").Look(&flow)
		if want := map[bool]int{true: http.StatusNotFound, false: http.StatusTooManyRequests}[n < perAddress]; err != nil || status != want {
			t.Fatalf("a used link for the %d. time from an address that never saw it: %d, %v; want %d", n+1, status, err, want)
		}
	}
	misses += perAddress

	createTogether(t, fronts)
	guessTogether(t, store, misses, fronts)
}

// createTogether opens sessions from one address as fast as it can.
func createTogether(t *testing.T, fronts []*Front) {
	t.Helper()
	began := time.Now()
	made, refused := 0, 0
	for n := 0; refused < len(fronts) && n < 10*perMinute; n++ {
		_, status, err := fronts[n%len(fronts)].From("192.0.2.4").Create("", 0)
		switch {
		case err == nil && status == http.StatusCreated:
			made, refused = made+1, 0
		case err == nil && status == http.StatusTooManyRequests:
			refused++
		default:
			t.Fatalf("create: %d, %v", status, err)
		}
	}
	// The clock is the real one; a slow machine gets what is refilled meanwhile.
	refilled := int(time.Since(began) / (time.Minute / perMinute))
	if made < perMinute || made > perMinute+refilled {
		t.Errorf("%d sessions were opened, want %d and at most %d more", made, perMinute, refilled)
	}
	must(fronts[0].From("192.0.2.5").Create("", 0))(t, http.StatusCreated)
}

// guessTogether guesses from so many addresses that none of them is stopped.
func guessTogether(t *testing.T, store broker.Store, misses int, fronts []*Front) {
	t.Helper()
	for n := range 600 { // fewer have a budget that takes long to use up
		err := store.Create(t.Context(), broker.Session{
			ID: fmt.Sprint("many-", n), Code: secret.New(fmt.Sprint("MANY", n)), State: broker.Pending, Expires: time.Now().Add(10 * time.Minute),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	seen := must(fronts[0].From("192.0.2.6").Create("", 0))(t, http.StatusCreated)
	next := must(fronts[0].From("192.0.2.7").Create("", 0))(t, http.StatusCreated)
	expect(t, "look", http.StatusOK)(fronts[0].From("192.0.2.2").Look(&seen))
	live, err := store.Count(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wrong := seen
	wrong.Code = "AAAAA-AAAAA"
	answered := 0
	for ; answered <= shared/live; answered++ {
		status, err := fronts[answered%len(fronts)].From(fmt.Sprintf("198.51.%d.%d", answered/250, answered%250)).Look(&wrong)
		if err == nil && status == http.StatusTooManyRequests {
			break
		}
		expect(t, "a wrong code", http.StatusNotFound)(status, err)
	}
	if want := shared/live - misses; answered != want {
		t.Errorf("%d guesses of many addresses were answered, want %d", answered, want)
	}
	for n, f := range fronts {
		what := fmt.Sprintf("broker %d, after %d wrong codes: ", n, misses+answered)
		expect(t, what+"a right code from a new address", http.StatusTooManyRequests)(f.From("203.0.113.1").Look(&next))
		expect(t, what+"the link of a person who has seen it", http.StatusOK)(f.From("192.0.2.2").Look(&seen))
		expect(t, what+"their next one", http.StatusOK)(f.From("192.0.2.2").Look(&next))
	}
}
