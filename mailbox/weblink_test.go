package mailbox

import (
	"testing"

	gmail "google.golang.org/api/gmail/v1"
)

func TestADraftInGmailHasAPageThere(t *testing.T) {
	for _, one := range []struct {
		host host
		id   string
		want string
	}{
		{google, "18a17a07902a0a2d", "https://mail.google.com/mail/#drafts/18a17a07902a0a2d"},
		{"127.0.0.1:8080", "18a17a07902a0a2d", ""},
		{google, "18a/../x?y", ""},
		{google, "", ""},
	} {
		c := &Client{host: one.host}
		if got := c.drafted(&mailing{}, "r1", &gmail.Message{Id: one.id}).WebLink; got != one.want {
			t.Errorf("at %s, message %q: got %q, want %q", one.host, one.id, got, one.want)
		}
	}
}
