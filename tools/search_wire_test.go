package tools_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"linkmail/tools"
)

// TestProblem10TheEffectiveQueryIsWhatGmailWasAsked reads the query that Gmail
// got from its log, and both forms of the answer.
func TestProblem10TheEffectiveQueryIsWhatGmailWasAsked(t *testing.T) {
	for name, test := range map[string]struct{ args, want string }{
		"Gmail's own":    {`{"query":"from:dana -in:trash"}`, "from:dana -in:trash"},
		"a label":        {`{"query":"label:\"Clients/Bluefin Media\""}`, `label:"Clients/Bluefin Media"`},
		"after a day":    {`{"query":"invoice","after":"2026-03-01","timeZone":"Europe/Berlin"}`, "invoice after:1772319599"},
		"between two":    {`{"after":"2026-03-01T00:00:00Z","before":"2026-03-08T00:00:00Z"}`, "after:1772323199 before:1772928002"},
		"IMAP":           {`{"query":"FROM \"dana\" UNSEEN"}`, "from:dana is:unread"},
		"IMAP and a day": {`{"query":"OR FROM \"a\" FROM \"b\"","before":"2026-03-01T00:00:00Z"}`, "{from:a from:b} before:1772323202"},
	} {
		t.Run(name, func(t *testing.T) {
			in := newInbox(t)
			a := must(t, tools.Config{Mailbox: in}, "search_emails", test.args)
			if got := a.field(t, "effectiveQuery"); got != test.want {
				t.Errorf("effectiveQuery is %q, want %q", got, test.want)
			}
			if want := fmt.Sprintf("the query %q", test.want); !strings.Contains(a.text, want) {
				t.Errorf("the text lacks %s:\n%.300s", want, a.text)
			}
			var asked []string
			for _, s := range in.world.Seen() {
				values, err := url.ParseQuery(s.Query)
				if err != nil {
					t.Fatal(err)
				}
				if q := values.Get("q"); strings.HasSuffix(s.Path, "/messages") && !strings.Contains(q, "has:attachment") {
					asked = append(asked, q)
				}
			}
			if len(asked) != 1 || asked[0] != test.want {
				t.Errorf("Gmail was asked for %q, want %q once", asked, test.want)
			}
		})
	}
}
