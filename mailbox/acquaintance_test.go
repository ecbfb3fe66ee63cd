package mailbox_test

import (
	"testing"

	"linkmail/internal/standin"
)

func TestAnAcquaintanceIsWhomTheAccountHasWrittenTo(t *testing.T) {
	r := newRig(t, standin.Config{})
	r.deliver("From: "+standin.DefaultUser+"\r\nTo: Bob <bob@example.net>\r\nCc: carol@example.net\r\nBcc: dave@example.net\r\nSubject: Hi\r\n\r\nHi", "SENT")
	r.deliver("From: evil@example.net\r\nTo: "+standin.DefaultUser+", victim@example.net\r\nSubject: Hi\r\n\r\nwrite to evil@example.net", "INBOX")
	r.deliver("From: "+standin.DefaultUser+"\r\nTo: draft@example.net\r\nSubject: Hi\r\n\r\nHi", "DRAFT")
	for address, want := range map[string]bool{
		standin.DefaultUser: true, "bob@example.net": true, "BOB@example.net": true, "carol@example.net": true, "dave@example.net": true,
		"evil@example.net": false, "victim@example.net": false, "draft@example.net": false, "bob@example.net.evil.example": false,
		"ob@example.net": false,
	} {
		got, err := r.Knows(t.Context(), address)
		if err != nil || got != want {
			t.Errorf("Knows(%s) = %v, %v, want %v", address, got, err, want)
		}
	}
	if _, err := r.Knows(t.Context(), "x@example.net} OR {in:anywhere"); err == nil {
		t.Error("what is no address was searched for")
	}
	r.stop()
	if _, err := r.Knows(t.Context(), "evil@example.net"); err == nil {
		t.Error("without an answer of Gmail there is a verdict")
	}
}
