package tools_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"linkmail/mailbox"
	"linkmail/tools"
)

// hitLines are the lines of a list, each of which is a mail.
func hitLines(text string) []string {
	_, rest, _ := strings.Cut(text, " untrusted>\n")
	list, _, _ := strings.Cut(rest, "\n</mail-content")
	return strings.Split(list, "\n")
}

func TestAHitCostsEightyTokensAtMost(t *testing.T) {
	in := newInbox(t)
	for _, query := range []string{
		"", "in:inbox", "in:sent", "in:draft", "in:anywhere", "is:unread", "has:attachment", "category:promotions", "category:updates",
		"label:clients-bluefin-media", "label:clients-kestrel", "label:receipts", "is:starred", "in:spam", "in:trash",
	} {
		a := must(t, tools.Config{Mailbox: in}, "search_emails", fmt.Sprintf(`{"query":%q,"maxResults":50}`, query))
		for _, hit := range hitLines(a.text) {
			if n := tools.Tokens(hit); n > tools.MaxHitTokens {
				t.Errorf("%s: a hit takes %d tokens, want at most %d:\n%s", query, n, tools.MaxHitTokens, hit)
			}
		}
	}
}

func TestAHostileHitCostsEightyTokensAtMostAndKeepsItsIDs(t *testing.T) {
	for name, s := range map[string]string{
		"words": "unreasonable ", "one word": "a", "consonants": "xkq", "capitals": "QWZ", "base64": "aGVsbG8gd29ybGQhIQ8gd29", "digits": "8172 ",
		"punctuation": "!?#", "emoji": "👩‍👧", "Han": "龘靐", "Hangul": "힣뷁", "Ethiopic": "አማ", "accents": "e\u0301\u0302\u0303", "lines": "| to ",
	} {
		long := strings.Repeat(s, 200)
		email := strings.Repeat("verylongaddress.", 15) + "@example.com"
		page := mailbox.Page{Items: []mailbox.Summary{{
			ID: "1a8b3c5d7e9f1a2b", ThreadID: "9f8e7d6c5b4a3f2e", DraftID: "r-8172635445362718190",
			From: mailbox.Address{Name: long, Email: email}, To: []mailbox.Address{{Name: long, Email: email}, {Name: long, Email: "b@example.com"}, {Email: "c@example.com"}},
			Subject: long, Snippet: long, Labels: []string{"INBOX", "UNREAD", "IMPORTANT", "STARRED", "CATEGORY_PERSONAL", long, "Work"}, Unread: true, HasAttachments: true,
			Date: time.Date(2026, 11, 24, 8, 15, 0, 0, time.UTC),
		}}}
		a := must(t, tools.Config{Mailbox: &box{page: page}}, "search_emails", `{}`)
		hit := hitLines(a.text)[0]
		if n := tools.Tokens(hit); n > tools.MaxHitTokens {
			t.Errorf("%s: a hit takes %d tokens:\n%s", name, n, hit)
		}
		want := "1a8b3c5d7e9f1a2b/9f8e7d6c5b4a3f2e | draft r-8172635445362718190 | Nov 24 09:15 | unread attachment inbox important starred personal | labels "
		if !strings.HasPrefix(hit, want) {
			t.Errorf("%s: the line does not begin with %q:\n%s", name, want, hit)
		}
	}
}

func TestALineSaysWhatTheStructureSays(t *testing.T) {
	in := newInbox(t)
	a := must(t, tools.Config{Mailbox: in}, "search_emails", `{"query":"in:anywhere","maxResults":50}`)
	items, _ := a.data()["items"].([]any)
	hits := hitLines(a.text)
	if len(items) != len(hits) || len(hits) != 50 {
		t.Fatalf("%d items and %d lines, want 50", len(items), len(hits))
	}
	for i, hit := range hits {
		item, _ := items[i].(map[string]any)
		for _, name := range []string{"messageId", "threadId", "subject", "snippet"} {
			if s, _ := item[name].(string); !strings.Contains(hit, s) {
				t.Errorf("the %s %q is missing in\n%s", name, s, hit)
			}
		}
		for _, l := range item["labels"].([]any) {
			l, _ := l.(string)
			if small := strings.ToLower(strings.TrimPrefix(l, "CATEGORY_")); !strings.Contains(hit, l) && !strings.Contains(hit, small) {
				t.Errorf("the label %s is missing in\n%s", l, hit)
			}
		}
	}
}

func TestNobodyElseIsCalledMe(t *testing.T) {
	for _, one := range []struct {
		from   mailbox.Address
		labels []string
		want   string
	}{
		{mailbox.Address{Name: "Alex", Email: "me@example.com"}, []string{"SENT"}, "from me |"},
		{mailbox.Address{Email: "Me@example.com"}, []string{"INBOX"}, "from me |"},
		{mailbox.Address{Name: "Your bank", Email: "me@example.com"}, []string{"INBOX"}, "from Your bank <me@example.com> |"},
		{mailbox.Address{Email: "me"}, []string{"INBOX"}, "from <me> |"},
		{mailbox.Address{Name: "me", Email: "x@example.net"}, []string{"SENT"}, "from me <x@example.net> |"},
	} {
		b := &box{page: mailbox.Page{Items: []mailbox.Summary{{ID: "a1", ThreadID: "a1", From: one.from, Labels: one.labels, Subject: "s"}}}}
		if a := must(t, tools.Config{Mailbox: b}, "search_emails", `{}`); !strings.Contains(a.text, one.want) {
			t.Errorf("%v: want %q in\n%s", one.from, one.want, a.text)
		}
	}
}

func TestTokensAreEstimatedALittleAboveWhatAVocabularyHas(t *testing.T) {
	// What o200k makes of these.
	for s, real := range map[string]int{
		"18a16a5c5c0d0e91": 13, "18a1672e8c7bacc6": 11, " | Nov 24 06:47": 8, "Re: Missing files in the handover": 7, "xqzvkjwmnbplkrtgsdf": 12,
		"aGVsbG8gd29ybGQhIQ==": 13, "አማርኛመልእክት": 18, "龘靐齉爩鱻麤": 13, "привет мир сообщение": 4, "": 0,
	} {
		if got := tools.Tokens(s); got < real || got > 2*real+4 && s[0] < 0x80 {
			t.Errorf("%q: estimated at %d, want a little above %d", s, got, real)
		}
	}
}
