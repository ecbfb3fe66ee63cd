package tools_test

import (
	"encoding/json"
	"slices"
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

func TestProblem07NobodyHasToNameTheAccount(t *testing.T) {
	for _, one := range tools.Catalogue(tools.Config{Toolsets: everyToolset}) {
		var s struct {
			Properties map[string]struct{ Type string }
			Required   []string
		}
		if err := json.Unmarshal(one.Tool.RawInputSchema, &s); err != nil {
			t.Fatal(err)
		}
		if s.Properties["account"].Type != "string" || slices.Contains(s.Required, "account") {
			t.Errorf("%s: account is required, or cannot be given", one.Tool.Name)
		}
	}
	a := must(t, tools.Config{Mailbox: &box{}}, "search_emails", `{}`)
	if a.envelope["account"] != "me@example.com" || !strings.HasPrefix(a.text, "Account: me@example.com\n") {
		t.Errorf("the answer does not say whose mail it is: %v\n%s", a.envelope, a.text)
	}
}
