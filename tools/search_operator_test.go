package tools_test

import (
	"strings"
	"testing"

	"linkmail/tools"
)

func TestATermThatGmailDoesNotHaveIsNamedWithTheNearest(t *testing.T) {
	for _, one := range []struct{ query, says string }{
		{`is:unraed`, "is:unraed is not a term of Gmail's. Did you mean is:unread?"},
		{`is:(unread stared)`, "is:stared is not a term of Gmail's. Did you mean is:starred?"},
		{`-is:flagged`, "Did you mean is:starred?"},
		{`is:inbox`, "Did you mean in:inbox?"},
		{`is:purple`, "is: takes unread, read, starred"},
		{`has:atachment`, "has:atachment is not a term of Gmail's. Did you mean has:attachment?"},
		{`has:attachments`, "Did you mean has:attachment?"},
		{`has:pdf from:anna`, "Did you mean filename:pdf?"},
		{`has:"atachment"`, "Did you mean has:attachment?"},
		{`category:promotion`, "Did you mean category:promotions?"},
		{`form:anna`, "Gmail has no operator form: and looks for the words. Did you mean from:?"},
		{`{FORM:anna subject:x}`, "no operator FORM:"},
		{`olderthan:7d`, "Did you mean older_than:?"},
		{`sender:anna`, "Did you mean from:?"},
		{`body:invoice`, "Did you mean the words alone?"},
		{`form:"Anna Berg"`, "Did you mean from:?"},
		{`priority:high`, "Gmail has no operator priority: and looks for the words."},
		{`older:7x`, "older:7x is no date to Gmail. For an age, did you mean older_than:7d?"},
		{`newer:2w`, "newer_than:14d?"},
		{`newer_than:2w`, "Did you mean newer_than:14d?"},
		{`newer_than:7`, "Did you mean newer_than:7d?"},
		{`older_than:6months`, "Did you mean older_than:6m?"},
		{`older_than:2026/01/01`, "a date goes with older:."},
		{`after:2026/02/31`, "after:2026/02/31 is no date to Gmail, which takes 2026/11/24"},
		{`before:yesterday`, "before:yesterday is no date to Gmail"},
		{`after:2025`, "is no date to Gmail"},
		{`after:45-Foo-2024`, "is no date to Gmail"},
		{`larger:huge`, "larger:huge is no size to Gmail"},
	} {
		if got := tools.OperatorNote(one.query); !strings.Contains(got, one.says) {
			t.Errorf("%s: got %q, want it to say %q", one.query, got, one.says)
		}
	}
}

func TestATermOfGmailsIsLeftWithoutANote(t *testing.T) {
	for _, query := range []string{
		``, `invoice`, `from:anna to:me cc:x bcc:y subject:(a b) OR subject:"c d"`, `is:unread IS:STARRED -is:muted is:(read important)`,
		`has:attachment has:nouserlabels has:yellow-star has:red-bang`, `category:primary`, `filename:pdf`, `list:x.example`,
		`after:2026/01/02 before:2026-1-2 older:01/02/2026 newer:1767225600 after:0`, `older_than:2d newer_than:1y newer_than:12h`, `older_than:3m`,
		`size:1000 larger:10M smaller:5k larger:10MB`, `rfc822msgid:<a:b@c.example>`, `deliveredto:me@example.com`,
		`"form:anna is:unraed"`, `subject:"form:anna"`, `subject:form:anna`, `subject:(form:anna)`, `from:is:x`, `re: form`,
		`12:30`, `https://example.com/x:y`, `localhost:8080`, `is:`, `(is:unread OR {from:a from:b})`, `label:nosuch`, `:`, `a AROUND 5 b`,
	} {
		if got := tools.OperatorNote(query); got != "" {
			t.Errorf("%s: got %q, want nothing", query, got)
		}
	}
}

func TestASearchThatFindsNothingSaysWhichTermGmailDoesNotHave(t *testing.T) {
	in := newInbox(t)
	for _, one := range []struct{ query, says string }{
		{`is:unraed`, "0 mails"},
		{`is:unraed`, "Did you mean is:unread?"},
		{`in:inbx`, "There is no place or label inbx. Nearest: INBOX."},
		{`in:anywere`, "There is no place or label anywere. Nearest: anywhere."},
		{`in:bluefin-medja`, "Nearest: Clients/Bluefin Media."},
	} {
		a := must(t, tools.Config{Mailbox: in}, "search_emails", `{"query":"`+one.query+`"}`)
		if note, _ := a.data()["note"].(string); !strings.Contains(a.text, one.says) || !strings.Contains(a.text, note) {
			t.Errorf("%s: want %q and the note %q in\n%s", one.query, one.says, note, a.text)
		}
	}
	for _, query := range []string{`in:inbox`, `in:draft`, `in:anywhere`, `in:sent is:unread`, `in:(inbox sent)`, `in:clients-bluefin-media`} {
		a := must(t, tools.Config{Mailbox: in}, "search_emails", `{"query":"`+query+`","maxResults":1}`)
		if strings.Contains(a.text, "There is no") || strings.Contains(a.text, "earest") {
			t.Errorf("%s: has a note in\n%s", query, a.text)
		}
	}
}

// FuzzOperatorNote holds that whatever is searched for, the note is one short
// line.
func FuzzOperatorNote(f *testing.F) {
	for _, seed := range []string{
		`is:unraed`, `form:(a b) {c:d "e:f`, `older_than:9999999999999999w`, `-has:"x`, `)}is:(((a`, "after:\x00\u2028", `subject:(is:x) is:x`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, query string) {
		note := tools.OperatorNote(query)
		if len(note) > 3000 || strings.ContainsAny(note, "\n\r\u2028") {
			t.Errorf("%q: got %q, want one short line", query, note)
		}
	})
}
