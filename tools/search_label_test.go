package tools_test

import (
	"fmt"
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
		{`label:(Receits foo)`, "There is no label Receits. Nearest: Receipts. There is no label foo."},
		{`label:updates`, "There is no label updates. Nearest: category:updates."},
		{`label:Label_99`, "There is no label Label_99."},
	} {
		a := must(t, tools.Config{Mailbox: in}, "search_emails", `{"query":"`+one.query+`","maxResults":1}`)
		if said := strings.Contains(a.text, "There is no label"); said != (one.says != "") || !strings.Contains(a.text, one.says) {
			t.Errorf("%s: want %q in\n%s", one.query, one.says, a.text)
		}
	}
}

func TestTheIDOfALabelInAQueryBecomesItsName(t *testing.T) {
	in := newInbox(t)
	id := "Label_3" // Clients/Bluefin Media
	for _, one := range []struct{ query, effective string }{
		{`label:` + id, `label:clients-bluefin-media`},
		{`is:read -label:label_3 in:inbox`, `is:read -label:clients-bluefin-media in:inbox`},
		{`label:(` + id + ` OR Receipts)`, `label:(clients-bluefin-media OR Receipts)`},
		{`in:"` + id + `" é label:"Label_4"`, `in:clients-bluefin-media é label:receipts`},
		{`subject:` + id + ` "label:Label_3"`, `subject:` + id + ` "label:Label_3"`},
		{`label:Label_99`, `label:Label_99`},
	} {
		a := must(t, tools.Config{Mailbox: in}, "search_emails", fmt.Sprintf(`{"query":%q,"maxResults":1}`, one.query))
		if got := a.data()["effectiveQuery"]; got != one.effective || strings.Contains(a.text, "no label "+id) {
			t.Errorf("%s: searched for %q, want %q\n%s", one.query, got, one.effective, a.text)
		}
	}
	a := must(t, tools.Config{Mailbox: in}, "search_emails", `{"query":"label:Label_3"}`)
	if items, _ := a.data()["items"].([]any); len(items) == 0 {
		t.Errorf("nothing is found by the id of a label with mails:\n%s", a.text)
	}
}
