package mailbox_test

import (
	"net/url"
	"testing"
	"time"

	"linkmail/internal/standin"
	"linkmail/mailbox"
)

// TestProblem10WhatIsSaidToBeSearchedIsSearched compares what a page says of
// itself with the query string that Gmail got.
func TestProblem10WhatIsSaidToBeSearchedIsSearched(t *testing.T) {
	day := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		q          mailbox.Query
		want       string
		translated bool
	}{
		"nothing":             {q: mailbox.Query{}, want: ""},
		"Gmail's own":         {q: mailbox.Query{Text: "from:dana {subject:plan is:starred} -in:trash"}, want: "from:dana {subject:plan is:starred} -in:trash"},
		"spaces, umlauts, +":  {q: mailbox.Query{Text: ` "müller & söhne"  a+b@example.com 100%`}, want: ` "müller & söhne"  a+b@example.com 100%`},
		"a label":             {q: mailbox.Query{Text: `label:"Clients/Bluefin Media"`}, want: `label:"Clients/Bluefin Media"`},
		"after a day":         {q: mailbox.Query{Text: "invoice", After: day}, want: "invoice after:1772323199"},
		"before a day alone":  {q: mailbox.Query{Before: day}, want: "before:1772323202"},
		"alternatives, since": {q: mailbox.Query{Text: "a OR b", After: day}, want: "(a OR b) after:1772323199"},
		"IMAP":                {q: mailbox.Query{Text: `OR FROM "a" SINCE 1-Mar-2026`}, want: "{from:a after:1772323199}", translated: true},
		"IMAP within a week": {
			q:    mailbox.Query{Text: `UNSEEN FROM "dana"`, After: day, Before: day.AddDate(0, 0, 7)},
			want: "is:unread from:dana after:1772323199 before:1772928002", translated: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, standin.Config{})
			test.q.Max = 2
			page := r.search(t, test.q)
			if page.Effective != test.want || page.Translated != test.translated {
				t.Errorf("the page says that %q was searched, translated %t; want %q, %t", page.Effective, page.Translated, test.want, test.translated)
			}
			if got := r.searched(t); len(got) != 1 || got[0] != test.want {
				t.Errorf("Gmail was asked for %q, want %q once", got, test.want)
			}
		})
	}
	t.Run("every page", func(t *testing.T) {
		r := newRig(t, standin.Config{})
		q := mailbox.Query{Text: "in:inbox", Max: 3}
		q.PageToken = r.search(t, q).Next
		r.search(t, q)
		if got := r.searched(t); len(got) != 2 || got[0] != "in:inbox" || got[1] != "in:inbox" {
			t.Errorf("Gmail was asked for %q, want in:inbox twice", got)
		}
	})
}

// searched returns the queries that Gmail was asked to list mails for, without
// those that only tell which mails have attachments.
func (r *rig) searched(t *testing.T) (queries []string) {
	t.Helper()
	for _, s := range r.world.Seen() {
		if kindOf(s) != "list" {
			continue
		}
		values, err := url.ParseQuery(s.Query)
		if err != nil || len(values["q"]) > 1 {
			t.Fatalf("the list was asked for with %q, %v", s.Query, err)
		}
		queries = append(queries, values.Get("q"))
	}
	return queries
}
