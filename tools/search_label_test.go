package tools_test

import (
	"strings"
	"testing"

	"linkmail/tools"
)

func TestALabelOfAQueryThatDoesNotExistIsNamedWithTheNearest(t *testing.T) {
	in := newInbox(t)
	for _, one := range []struct{ query, says string }{
		{`label:Clients/Bluefin-Media`, ""},
		{`label:clients-bluefin-media`, ""},
		{`label:\"Clients/Bluefin Media\"`, ""},
		{`label:drafts`, ""},
		{`in:inbox label:inbox`, ""},
		{`from:label:x`, ""},
		{`label:bluefin-medja`, "There is no label bluefin-medja. Nearest: Clients/Bluefin Media."},
		{`-label:nosuch is:unread`, "There is no label nosuch."},
	} {
		a := must(t, tools.Config{Mailbox: in}, "search_emails", `{"query":"`+one.query+`","maxResults":1}`)
		if said := strings.Contains(a.text, "There is no label"); said != (one.says != "") || !strings.Contains(a.text, one.says) {
			t.Errorf("%s: want %q in\n%s", one.query, one.says, a.text)
		}
	}
}
