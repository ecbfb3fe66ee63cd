package server_test

import (
	"bytes"
	"testing"

	"linkmail/server"
)

func TestATicketOpensWithItsKeyOnly(t *testing.T) {
	key, other := bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32)
	want := server.Ticket{User: "ada", Tool: "send", Args: "digest", Challenge: "id", Nonce: "once", Issued: 1, Expires: 2}
	text, err := want.Seal(key)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := server.OpenTicket(key, text); err != nil || got != want {
		t.Errorf("OpenTicket = %+v, %v, want %+v", got, err, want)
	}
	if again, err := want.Seal(key); err != nil || again == text {
		t.Errorf("the same ticket is sealed to the same text (%v)", err)
	}
	if got, err := server.OpenTicket(other, text); err == nil {
		t.Errorf("another key opens it: %+v", got)
	}
	for i := range text {
		if got, err := server.OpenTicket(key, text[:i]+flip(text[i])+text[i+1:]); err == nil {
			t.Errorf("changed at %d it is still %+v", i, got)
		}
	}
}

func FuzzOpenTicket(f *testing.F) {
	key := bytes.Repeat([]byte{7}, 32)
	honest := server.Ticket{User: "ada", Tool: "send_email", Args: "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU", Nonce: "N", Issued: 1795523400000, Expires: 1795524000}
	text, err := honest.Seal(key)
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{text, text[:len(text)-1], text + "A", "", "AAAA", "?"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		got, err := server.OpenTicket(key, in)
		// Sealed text may be spelled in two ways, but says one thing.
		if err == nil && got != honest {
			t.Errorf("%q is another ticket: %+v", in, got)
		}
	})
}
