package tools_test

import (
	"strings"
	"testing"

	"linkmail/tools"
)

func TestACallForAnotherAccountIsRefused(t *testing.T) {
	for _, one := range []struct{ args, refusal string }{
		{`{"account":"Me@Example.com"}`, ""},
		{`{}`, ""},
		{`{"account":"you@example.com"}`, "signed in as me@example.com"},
	} {
		b := &box{}
		_, err := run(t, tools.Config{Mailbox: b}, "search_emails", one.args)
		switch {
		case one.refusal == "" && err != nil:
			t.Errorf("%s: %v", one.args, err)
		case one.refusal != "" && (err == nil || !strings.Contains(err.Error(), one.refusal)):
			t.Errorf("%s: got %v, want an error with %q", one.args, err, one.refusal)
		case one.refusal != "" && len(b.searched) > 0:
			t.Errorf("%s: the mailbox was searched", one.args)
		}
	}
}
