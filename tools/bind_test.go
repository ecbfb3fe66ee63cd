package tools_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"linkmail/mailbox"
	"linkmail/tools"
)

func TestArgumentsAreReadAsMeant(t *testing.T) {
	plain := mailbox.Query{Text: "x", Max: 10}
	for _, test := range []struct {
		name, args string
		want       mailbox.Query
	}{
		{"by their names", `{"query":"x"}`, plain},
		{"with every default", `{}`, mailbox.Query{Max: 10}},
		{"when there are none", ``, mailbox.Query{Max: 10}},
		{"when they are null", `null`, mailbox.Query{Max: 10}},
		{"when each is null", `{"query":"x","maxResults":null,"pageToken":null}`, plain},
		{"as an object in a string", `"{\"query\":\"x\"}"`, plain},
		{"under a synonym", `{"q":"x"}`, plain},
		{"under another synonym", `{"search":"x"}`, plain},
		{"in snake case", `{"query":"x","max_results":5,"page_token":"p","include_spam_trash":true}`, mailbox.Query{Text: "x", Max: 5, PageToken: "p", SpamTrash: true}},
		{"in the words of other servers", `{"q":"x","limit":5,"cursor":"p"}`, mailbox.Query{Text: "x", Max: 5, PageToken: "p"}},
		{"in capitals", `{"Query":"x","MAXRESULTS":5}`, mailbox.Query{Text: "x", Max: 5}},
		{"with a number in quotes", `{"query":"x","count":"5"}`, mailbox.Query{Text: "x", Max: 5}},
		{"with a whole number as a fraction", `{"query":"x","page_size":5.0}`, mailbox.Query{Text: "x", Max: 5}},
		{"with a boolean in quotes", `{"query":"x","includeSpamTrash":"True"}`, mailbox.Query{Text: "x", Max: 10, SpamTrash: true}},
		{"with a whole number for a string", `{"query":7}`, mailbox.Query{Text: "7", Max: 10}},
		{"with a list of one number for a string", `{"query":[7]}`, mailbox.Query{Text: "7", Max: 10}},
		{"with a list of one for a string", `{"query":["x"]}`, plain},
		{"with a date, which begins in the zone", `{"query":"x","after":"2026-11-24","before":"2026/11/25","timeZone":"America/New_York"}`, mailbox.Query{
			Text: "x", Max: 10,
			After:  time.Date(2026, 11, 24, 5, 0, 0, 0, time.UTC),
			Before: time.Date(2026, 11, 25, 5, 0, 0, 0, time.UTC),
		}},
		{"with a time", `{"query":"x","after":"2026-11-24T10:00:00+01:00"}`, mailbox.Query{
			Text: "x", Max: 10, After: time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC),
		}},
		{"with a time without an offset", `{"query":"x","before":"2026-11-24T10:00","tz":"UTC"}`, mailbox.Query{
			Text: "x", Max: 10, Before: time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC),
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := &box{}
			must(t, tools.Config{Mailbox: b}, "search_emails", test.args)
			if b.searched[0].Zone == nil {
				t.Error("the query has no zone")
			}
			b.searched[0].Zone = nil
			if diff := cmp.Diff([]mailbox.Query{test.want}, b.searched); diff != "" {
				t.Errorf("query (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRecipientListsAreReadAsMeant(t *testing.T) {
	direct, err := tools.ParseSendPolicy("direct")
	if err != nil {
		t.Fatal(err)
	}
	two := []string{`"Doe, Jane" <jane@example.com>`, "joe@example.com"}
	for _, test := range []struct{ name, to string }{
		{"as a list", `["\"Doe, Jane\" <jane@example.com>","joe@example.com"]`},
		{"as one string with commas", `"\"Doe, Jane\" <jane@example.com>, joe@example.com"`},
		{"as a list in a string", `"[\"\\\"Doe, Jane\\\" <jane@example.com>\", \"joe@example.com\"]"`},
		{"as a list of one string with commas", `["\"Doe, Jane\" <jane@example.com>, <joe@example.com>,"]`},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := &box{}
			must(t, tools.Config{Mailbox: b, Send: direct}, "send_email", `{"to":`+test.to+`,"subject":"s","text":"b"}`)
			if diff := cmp.Diff([]mailbox.Outgoing{{To: two, Subject: "s", Text: "b", Markdown: true}}, b.sent); diff != "" {
				t.Errorf("sent (-want +got):\n%s", diff)
			}
		})
	}
}

func TestBadArgumentsAreExplained(t *testing.T) {
	long := strings.Repeat("x", 1<<20)
	for _, test := range []struct {
		name, tool, args    string
		code, message, hint string
	}{
		{
			"an unknown argument", "search_emails", `{"query":"x","shade":"inbox"}`,
			"invalid_argument", `unknown argument "shade"; search_emails takes query, maxResults, pageToken, includeSpamTrash, after, before, timeZone`, "If none of these says what you mean, search_emails cannot do it.",
		},
		{"what belongs into the query", "search_emails", `{"folder":"inbox"}`, "invalid_argument", `unknown argument "folder"`, "Write it into query, for example in:inbox."},
		{"a misspelt synonym", "search_emails", `{"page_sise":3}`, "invalid_argument", `unknown argument "page_sise"`, "Did you mean maxResults?"},
		{"a thread to answer", "reply_email", `{"threadId":"1","body":"x"}`, "invalid_argument", `unknown argument "threadId"`, "Give messageId"},
		{"a blind copy of a mail that is passed on", "forward_email", `{"messageId":"1","to":"a@example.com","bcc":"b@example.com"}`, "invalid_argument", `unknown argument "bcc"`, "draftId and bcc"},
		{"the name of an attachment to attach", "send_email", `{"to":"a@example.com","subject":"s","body":"b","attachments":[{"messageId":"1","filename":"a.pdf"}]}`, "invalid_argument", `unknown argument "filename"; attachments[0] takes`, "Give partId"},
		{"an action that the trash has not", "trash_emails", `{"messageIds":["1"],"action":"restore"}`, "invalid_argument", `unknown argument "action"`, "Give restore: true"},
		{"a time for a cursor", "list_changes", `{"since":"yesterday"}`, "invalid_argument", `unknown argument "since"`, "search_emails with after"},
		{"a draft for a mail", "read_email", `{"messageId":"r-8170123456789012345"}`, "invalid_argument", "messageId has a draftId, which names no mail", "search for in:draft"},
		{"a draft for one of the mails", "modify_emails", `{"messageIds":"18c1, r8170123456789012345","action":"star"}`, "invalid_argument", "messageIds has a draftId", "send_email sends it"},
		{"a draft for a thread", "trash_emails", `{"threadIds":["r-8170123456789012345"]}`, "invalid_argument", "threadIds has a draftId", ""},
		{"a number that has lost digits", "read_email", `{"messageId":1234567890123456789}`, "invalid_argument", "messageId must be a string, got a number", ""},
		{"a misspelt argument", "search_emails", `{"maxResult":3}`, "invalid_argument", `unknown argument "maxResult"`, "Did you mean maxResults?"},
		{"an argument of another tool", "search_emails", `{"to":"a@example.com"}`, "invalid_argument", `unknown argument "to"`, "Write it into query"},
		{"a very long name", "search_emails", `{"` + strings.Repeat("y", 500) + `":1}`, "invalid_argument", `unknown argument "` + strings.Repeat("y", 39) + `…"`, ""},
		{"a fraction for a string", "search_emails", `{"query":1.2}`, "invalid_argument", "query must be a string, got a number", ""},
		{"an object for a string", "search_emails", `{"query":{"from":"x"}}`, "invalid_argument", "query must be a string, got an object", ""},
		{"a word for a number", "search_emails", `{"maxResults":"many"}`, "invalid_argument", "maxResults must be an integer, got a string", ""},
		{"a fraction", "search_emails", `{"maxResults":1.5}`, "invalid_argument", "maxResults must be an integer, got a number", ""},
		{"a number too large for any integer", "search_emails", `{"maxResults":1e300}`, "invalid_argument", "maxResults must be an integer, got a number", ""},
		{"too many results", "search_emails", `{"maxResults":51}`, "invalid_argument", "maxResults must be 1 to 50, and 51 was given", ""},
		{"no results", "search_emails", `{"maxResults":0}`, "invalid_argument", "maxResults must be 1 to 50", ""},
		{"a word for a boolean", "search_emails", `{"includeSpamTrash":"yes"}`, "invalid_argument", "includeSpamTrash must be true or false, got a string", ""},
		{"the same argument twice", "search_emails", `{"query":"x","q":"y"}`, "invalid_argument", "q and query are the same argument", "Pass only query."},
		{"a list instead of an object", "search_emails", `["x"]`, "invalid_argument", "the arguments must be a JSON object, got an array", ""},
		{"half an object", "search_emails", `{"query":`, "invalid_argument", "the arguments must be a JSON object, got something that is not valid JSON", ""},
		{"a mebibyte", "search_emails", `{"query":"` + long + `"}`, "too_large", "the arguments take 1048588 bytes; at most 1048576 are accepted", "Shorten the longest argument."},
		{"a query that fits no URL", "search_emails", `{"query":"` + long[:5000] + `"}`, "invalid_argument", "query takes 5000 bytes; at most 4096 are accepted", ""},
		{"a day that is none", "search_emails", `{"after":"last week"}`, "invalid_argument", "after must be a date like 2026-11-24", ""},
		{"a span that ends before it begins", "search_emails", `{"after":"2026-11-24","before":"2026-11-24"}`, "invalid_argument", "after must be earlier than before", "which is exclusive"},
		{"a zone that is none", "search_emails", `{"timeZone":"Middle/Earth"}`, "invalid_argument", "timeZone is not a time zone that is known here", "Europe/Berlin"},
		{"no message", "read_email", `{}`, "invalid_argument", "messageId is missing", "search_emails"},
		{"eleven messages", "read_email", `{"messageIds":"1,2,3,4,5,6,7,8,9,a,b"}`, "invalid_argument", "11 mails were asked for; at most 10", ""},
		{"a format that is none", "read_email", `{"messageId":"1","format":"pdf"}`, "invalid_argument", "format must be one of markdown, text, html", ""},
		{"an offset into several mails", "read_email", `{"messageIds":["1","2"],"bodyOffset":5}`, "invalid_argument", "bodyOffset continues one mail", ""},
		{"two ids for one", "read_email", `{"messageId":["1","2"]}`, "invalid_argument", "messageId must be a string, got an array", ""},
		{"a mail without what it needs", "send_email", `{"to":"a@example.com"}`, "invalid_argument", "missing: subject, body", "send_email"},
		{"a mail to nobody", "send_email", `{"to":[],"subject":"s","body":"b"}`, "invalid_argument", "missing: to", ""},
		{"a mail without a body", "send_email", `{"to":"a@example.com","subject":"s","body":""}`, "invalid_argument", "missing: body", ""},
		{"an answer without what it says", "reply_email", `{"messageId":"1"}`, "invalid_argument", "missing: body", "Add it and call reply_email again."},
		{"an answer to nothing", "reply_email", `{}`, "invalid_argument", "missing: messageId, body", "Add them and call reply_email again."},
		{"a recipient without an address", "send_email", `{"to":["a@example.com","Anna"],"subject":"s","body":"b"}`, "invalid_argument", "to[1] is not a mail address", "one address per element"},
		{"a header smuggled into a recipient", "send_email", `{"to":["a@example.com\r\nBcc: evil@example.com"],"subject":"s","body":"b"}`, "invalid_argument", "to[0] contains a line break", ""},
		{"a header smuggled into the subject", "send_email", `{"to":"a@example.com","subject":"s\nBcc: evil@example.com","body":"b"}`, "invalid_argument", "subject contains a line break", ""},
		{"a header smuggled into the sender", "send_email", `{"to":"a@example.com","from":"me@example.com\r\nX: y","subject":"s","body":"b"}`, "invalid_argument", "from contains a line break", ""},
		{"a boolean in a list", "send_email", `{"to":["a@example.com",true],"subject":"s","body":"b"}`, "invalid_argument", "to[1] must be a string, got a boolean", "one string per element"},
		{"a null in a list", "send_email", `{"to":[null],"subject":"s","body":"b"}`, "invalid_argument", "to[0] must be a string, got null", ""},
		{"a line break behind a recipient", "send_email", `{"to":["z@example.net\r\n"],"subject":"s","body":"b"}`, "invalid_argument", "to[0] contains a line break", ""},
		{"a line break before a copy", "send_email", `{"to":"a@example.com","cc":"b@example.com,\nz@example.net","subject":"s","body":"b"}`, "invalid_argument", "cc[1] contains a line break", ""},
		{"a line separator in the subject", "send_email", `{"to":"a@example.com","subject":"s\u2028t","body":"b"}`, "invalid_argument", "subject contains a line break", ""},
		{"a text direction in the subject", "send_email", `{"to":"a@example.com","subject":"s\u202et","body":"b"}`, "invalid_argument", "subject contains 1 character without a glyph", ""},
		{"a hidden space in a name", "send_email", `{"to":"An\u200bna <a@example.com>","subject":"s","body":"b"}`, "invalid_argument", "to[0] contains 1 character without a glyph", ""},
		{"a hidden space in an encoded name", "send_email", `{"to":"=?utf-8?q?An=E2=80=8Bna?= <a@example.com>","subject":"s","body":"b"}`, "invalid_argument", "to[0] contains 1 character without a glyph", ""},
		{"a text direction in the sender", "send_email", `{"to":"a@example.com","from":"\u202eMe <me@example.com>","subject":"s","body":"b"}`, "invalid_argument", "from contains 1 character without a glyph", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := &box{}
			_, err := run(t, tools.Config{Mailbox: b, Confirmations: newShelf(), Toolsets: []tools.Toolset{tools.Compose, tools.Sync}}, test.tool, test.args)
			e, ok := errors.AsType[*tools.ArgumentError](err)
			if !ok {
				t.Fatalf("error = %v, want an *ArgumentError", err)
			}
			code, message, hint, after := e.Explain()
			if code != test.code || !strings.Contains(message, test.message) || !strings.Contains(hint, test.hint) || after != 0 {
				t.Errorf("Explain() = %q, %q, %q, %v\nwant %q, %q, %q", code, message, hint, after, test.code, test.message, test.hint)
			}
			if e.Tool != test.tool {
				t.Errorf("Tool = %q, want %q", e.Tool, test.tool)
			}
			if hint == "" || hint[0] < 'A' || hint[0] > 'Z' {
				t.Errorf("hint = %q, want a sentence", hint)
			}
			if len(message)+len(hint) > 600 {
				t.Errorf("the explanation takes %d bytes", len(message)+len(hint))
			}
			if len(b.searched)+len(b.sent)+len(b.drafted) > 0 {
				t.Error("the mailbox was asked all the same")
			}
		})
	}
}

func TestNoMailboxIsAnErrorNotAPanic(t *testing.T) {
	if _, err := run(t, tools.Config{}, "search_emails", `{}`); err == nil {
		t.Error("a call without a mailbox returned no error")
	}
}

// FuzzArguments throws JSON at every tool: it must be answered or explained.
func FuzzArguments(f *testing.F) {
	for _, seed := range []string{
		`{}`, `null`, `[]`, `"{}"`, `{"query":"x","limit":"5"}`, `{"messageIds":"[\"1\"]"}`, `{"id":"1","quotes":"collapse"}`,
		`{"to":"\"a, b\" <a@b.c>, d@e.f","subject":"s","body":"b"}`, `{"to":["a@b"],"subject":"","html_body":"<b>"}`, `{"after":"2026-01-01T00:00:00Z"}`,
		`{"maxResults":-1}`, `{"to":["\\","<",",,"],"subject":"s","body":"b"}`,
	} {
		f.Add(seed)
	}
	box := &box{messages: map[string]mailbox.Message{"1": {Body: "hello"}}}
	cfg := tools.Config{Mailbox: box, Confirmations: newShelf()}
	f.Fuzz(func(t *testing.T, args string) {
		for _, name := range []string{"search_emails", "read_email", "send_email"} {
			a, err := run(t, cfg, name, args)
			if err == nil {
				if a.text == "" {
					t.Errorf("%s(%s): an answer without a text", name, args)
				}
				continue
			}
			if e, ok := errors.AsType[*tools.ArgumentError](err); ok {
				if _, message, _, _ := e.Explain(); message == "" {
					t.Errorf("%s(%s): an error without a message", name, args)
				}
			} else if _, ok := errors.AsType[*mailbox.Error](err); !ok {
				t.Errorf("%s(%s): %v is not explained", name, args, err)
			}
		}
		if len(box.sent) > 0 {
			t.Errorf("send_email(%s) sent something without a confirmation", args)
		}
	})
}

func TestUnknownArgumentNamesAreValidText(t *testing.T) {
	name, _ := json.Marshal(strings.Repeat("ü", 30))
	_, err := run(t, tools.Config{Mailbox: &box{}}, "search_emails", `{`+string(name)+`:1}`)
	if err == nil || !strings.Contains(err.Error(), `"üüü`) {
		t.Errorf("error = %v", err)
	}
}
