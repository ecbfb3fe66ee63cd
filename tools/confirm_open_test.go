package tools_test

import (
	"fmt"
	"testing"
	"time"

	"linkmail/tools"
)

func TestEveryOpenConfirmationCanBeEndedAtOnce(t *testing.T) {
	d := newDesk()
	ask := func() string { return token(t, must(t, d.cfg(t, ""), "send_email", fmt.Sprintf(post, ""))) }
	late := ask()
	d.now = d.now.Add(11 * time.Minute) // its time is over
	used, open, other := ask(), ask(), ask()
	must(t, d.cfg(t, ""), "send_email", fmt.Sprintf(post, used))
	sent := len(d.box.sent)

	if n, err := tools.EndConfirmations(t.Context(), d.shelf); n != 2 || err != nil {
		t.Errorf("%d were ended, %v; want the 2 that were open", n, err)
	}
	for _, redeemed := range []string{late, used, open, other} {
		if a := must(t, d.cfg(t, ""), "send_email", fmt.Sprintf(post, redeemed)); a.envelope["status"] != "confirmation_required" {
			t.Errorf("a confirmation that was ended is answered %v", a.envelope)
		}
	}
	if len(d.box.sent) != sent {
		t.Error("a mail was sent")
	}
	if _, err := tools.EndConfirmations(t.Context(), d.shelf); err != nil || len(d.shelf.values) > 1 {
		t.Errorf("afterwards the store holds %d entries, %v", len(d.shelf.values), err)
	}
	if n, err := tools.EndConfirmations(t.Context(), d.shelf); n != 0 || err != nil {
		t.Errorf("with none open: %d, %v", n, err)
	}
}
