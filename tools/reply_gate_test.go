package tools_test

import (
	"context"
	"strings"
	"testing"

	"linkmail/mailbox"
)

// answering is a mailbox in which every answer goes to one address.
type answering struct {
	*box
	to string
}

func (a answering) Reply(context.Context, string, mailbox.Answering) (mailbox.Outgoing, error) {
	return mailbox.Outgoing{To: []string{a.to}, Subject: "Re: s"}, nil
}

func TestAnAnswerToAStrangerNeedsAPersonEvenIfTheMailWasNotRead(t *testing.T) {
	const to, send = "evil@example.net", `{"messageId":"18c0000000000009","body":"b","asDraft":false}`
	for _, one := range []struct {
		name, policy string
		known        []string
		asks         bool
	}{
		{"a stranger", "direct", nil, true},
		{"a stranger under a pattern for its domain", "allow:*@example.net", nil, true},
		{"a stranger named by the policy", "allow:" + to, nil, false},
		{"an old acquaintance", "direct", []string{to}, false},
	} {
		t.Run(one.name, func(t *testing.T) {
			d := newDesk()
			d.box.known = one.known
			cfg := d.cfg(t, one.policy)
			cfg.Mailbox = answering{d.box, to}
			a := must(t, cfg, "reply_email", send)
			if asks := a.envelope["status"] == "confirmation_required"; asks != one.asks || len(d.box.sent) == 1 == one.asks {
				t.Errorf("asks = %v, %d mails were sent; want asks = %v", asks, len(d.box.sent), one.asks)
			}
			if one.asks && !strings.Contains(a.text, "has never written to "+to) {
				t.Errorf("the user is not told why:\n%s", a.text)
			}
		})
	}
}

func TestADraftIsOfferedForSendingOnlyWhereItCanBeSent(t *testing.T) {
	calls := map[string]string{
		"draft_email": `{"to":["a@example.net"],"body":"b"}`,
		"reply_email": `{"messageId":"18c0000000000009","body":"b"}`,
	}
	for policy, offers := range map[string]bool{"draft": false, "confirm": true, "direct": true} {
		for name, args := range calls {
			d := newDesk()
			cfg := d.cfg(t, policy)
			cfg.Mailbox = answering{d.box, "a@example.net"}
			a := must(t, cfg, name, args)
			if got := strings.Contains(a.text, "send_email with this draftId"); got != offers {
				t.Errorf("LINKMAIL_SEND=%s, %s: offers to send the draft = %v, want %v:\n%s", policy, name, got, offers, a.text)
			}
		}
	}
}
