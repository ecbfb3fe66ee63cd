package standin_test

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"google.golang.org/api/gmail/v1"

	"linkmail/internal/standin"
)

const quinn = "quinn@example.org"

// shelf is a small mailbox in which every query has a known answer.
var shelf = []struct {
	name   string
	at     string
	labels string // L1 is "Clients/North Sea", L2 is "To do"
	head   string
	body   string
}{
	{
		"film", "2026-10-06T09:00:00Z", "INBOX UNREAD CATEGORY_PERSONAL IMPORTANT",
		"From: Amy Chen <amy.chen@example.com>\nTo: Quinn <quinn@example.org>\nSubject: Dinner and a movie on Friday\nMessage-ID: <film-1@example.com>\n",
		"Shall we see the film? It costs 12.50, tickets are at the door. Don't be late.",
	},
	{
		"invoice", "2026-10-01T07:59:59Z", "INBOX CATEGORY_UPDATES L1",
		"From: Billing <billing@acme.example>\nTo: quinn@example.org\nCc: Dana <dana@example.com>\nSubject: Invoice 4711\nDelivered-To: quinn+bills@example.org\n" +
			"Content-Type: multipart/mixed; boundary=b\n",
		"--b\nContent-Type: text/plain\n\nPlease pay 1,234.50 within 15-20 days.\n--b\nContent-Type: application/pdf; name=\"Invoice-Q3.pdf\"\nContent-Disposition: attachment\n\n%PDF\n--b--\n",
	},
	{
		"holiday", "2026-09-20T12:00:00Z", "STARRED CATEGORY_PERSONAL",
		"From: \"Chen, David\" <david@kestrel.example>\nTo: Amy Chen <amy.chen@example.com>\nCc: quinn@example.org\nSubject: Holiday plans\n",
		"The holiday starts on Monday, our vacation house has a pool. The secret is the birthday cake.",
	},
	{
		"sent", "2026-09-15T12:00:00Z", "SENT",
		"From: quinn@example.org\nTo: amy.chen@example.com\nBcc: dana@example.com\nSubject: Re: Holiday plans\n",
		"I bring the cake.",
	},
	{
		"list", "2026-08-01T12:00:00Z", "INBOX CATEGORY_FORUMS L2",
		"From: Tim <tim@oyelaran.example>\nTo: binders@lists.example.org\nList-ID: Binders <binders.lists.example.org>\nSubject: [binders] Thread sizes\n",
		"A thread of 0.5 millimetres is enough. See https://docs.google.com/document/d/1abc/edit",
	},
	{
		"promo", "2026-07-01T12:00:00Z", "INBOX CATEGORY_PROMOTIONS UNREAD",
		"From: Shop <news@shop.example>\nTo: quinn@example.org\nSubject: Sale! 20% off\nContent-Type: text/html; charset=utf-8\n",
		"<html><head><title>Hidden title</title><style>.x{color:red}</style></head><body><p>Every <b>tea</b>pot, every rug.</p><p>Watch https://www.youtube.com/watch?v=1</p></body></html>",
	},
	{
		"umlaut", "2026-06-01T12:00:00Z", "CATEGORY_PERSONAL",
		"From: =?UTF-8?Q?J=C3=BCrgen_Gro=C3=9F?= <j.gross@koeln.example>\nTo: quinn@example.org\nSubject: =?UTF-8?B?R3LDvMOfZSBhdXMgS8O2bG4=?=\nContent-Type: text/plain; charset=utf-8\n",
		"Schöne Grüße! ノートの見積もり",
	},
	{
		"big", "2025-12-01T12:00:00Z", "INBOX CATEGORY_PERSONAL",
		"From: dana@example.com\nTo: quinn@example.org\nSubject: Big one\n",
		strings.Repeat("0123456789 padding padding padding padding padding\n", 3000),
	},
	{
		"spam", "2026-10-05T12:00:00Z", "SPAM UNREAD",
		"From: win@lucky.example\nTo: quinn@example.org\nSubject: You won a movie\n", "Click.",
	},
	{
		"trash", "2026-10-04T12:00:00Z", "TRASH",
		"From: Dana <dana@example.com>\nTo: quinn@example.org\nSubject: Canteen menu\n", "Soup.",
	},
	{
		"draft", "2026-10-03T12:00:00Z", "DRAFT",
		"From: quinn@example.org\nSubject: Unfinished\n", "To be continued with the movie.",
	},
}

func shelved(t *testing.T) (*scene, map[string]string) {
	t.Helper()
	at := now
	w := standin.NewWorld(standin.Config{Now: func() time.Time { return at }})
	srv := httptest.NewServer(w.Gmail())
	t.Cleanup(srv.Close)
	names := map[string]string{}
	for _, m := range shelf {
		var err error
		if at, err = time.Parse(time.RFC3339, m.at); err != nil {
			t.Fatal(err)
		}
		raw := strings.ReplaceAll(m.head+"\n"+m.body, "\n", "\r\n")
		labels := strings.Fields(strings.NewReplacer("L1", "Label_1", "L2", "Label_2").Replace(m.labels))
		names[w.Deliver(quinn, []byte(raw), labels...)] = m.name
	}
	at = now
	s := signIn(t, w, srv.URL, quinn)
	for _, name := range []string{"Clients/North Sea", "To do"} {
		if _, err := s.users.Labels.Create("me", &gmail.Label{Name: name}).Do(); err != nil {
			t.Fatal(err)
		}
	}
	return s, names
}

func TestQueries(t *testing.T) {
	s, names := shelved(t)
	const all = "film draft invoice holiday sent list promo umlaut big"
	for _, tt := range []struct{ q, want string }{
		// words
		{"", all},
		{"movie", "film draft"},
		{"MOVIE", "film draft"},
		{"mov", ""},         // no prefixes
		{"tickets", "film"}, // in the body
		{"ticket", ""},      // no stemming
		{"dinner friday", "film"},
		{"dinner holiday", ""},
		{`"dinner and a movie"`, "film"},
		{`"movie and a dinner"`, ""},
		{"+movie", "film draft"},
		{"12.50", "film"}, // the dot belongs to the number
		{"12", ""},
		{"1,234.50", "invoice"},
		{"15", "invoice"}, // the dash separates numbers
		{"20", "invoice promo"},
		{"15-20", "invoice"},
		{"don't", "film"},
		{"amy", "film holiday sent"}, // names and addresses count as words
		{"teapot", "promo"},          // across inline mark-up
		{"tea", ""},
		{"hidden", ""}, // the title of the page is not its text
		{"color", ""},
		{"grüße", "umlaut"},
		{"GRÜSSE", ""},
		{"見積", "umlaut"},
		{"invoice-q3.pdf", "invoice"},
		{"...", all},
		// operators
		{"from:amy", "film"},
		{"from:chen", "film holiday"},
		{"from:Amy.Chen@example.com", "film"},
		{"from:chen@example.com", ""}, // a whole address or nothing
		{"from:<amy.chen@example.com>", "film"},
		{"from:example.com", "film big"},
		{"from:@example.com", "film big"},
		{"from:*@example.com", "film big"},
		{"from:example", all},
		{`from:"Chen, David"`, "holiday"},
		{"from:me", "draft sent"},
		{"from:quinn", "draft sent"},
		{"from:(amy OR david)", "film holiday"},
		{"from:{amy david}", "film holiday"},
		{"from:(amy david)", ""},
		{"from:jürgen", "umlaut"},
		{"from: amy", "film"},
		{"FROM:amy", "film"},
		{"to:me", "film invoice holiday promo umlaut big"},
		{"to:amy", "holiday sent"},
		{"cc:dana", "invoice"},
		{"to:dana", "invoice sent"}, // everybody it went to
		{"bcc:dana@example.com", "sent"},
		{"cc:me", "holiday"},
		{"subject:movie", "film"},
		{"subject:(dinner movie)", "film"},
		{"subject:(dinner holiday)", ""},
		{"subject:(dinner OR holiday)", "film holiday sent"},
		{`subject:"holiday plans"`, "holiday sent"},
		{`subject:(-movie)`, "draft invoice holiday sent list promo umlaut big"},
		{"subject:köln", "umlaut"},
		{"subject:tickets", ""},
		{"list:binders.lists.example.org", "list"},
		{"list:binders@lists.example.org", "list"},
		{"deliveredto:quinn+bills@example.org", "invoice"},
		{"rfc822msgid:film-1@example.com", "film"},
		{"rfc822msgid:<film-1@example.com>", "film"},
		{"rfc822msgid:FILM-1@example.com", ""},
		{"filename:pdf", "invoice"},
		{"filename:invoice-q3.pdf", "invoice"},
		{"filename:q3", "invoice"},
		{"filename:inv", ""},
		{"has:attachment", "invoice"},
		{"-has:attachment in:inbox", "film list promo big"},
		{"has:document", "list"},
		{"has:drive", "list"},
		{"has:spreadsheet", ""},
		{"has:youtube", "promo"},
		{"has:userlabels", "invoice list"},
		{"has:nouserlabels in:inbox", "film promo big"},
		{"has:yellow-star", "holiday"},
		{"has:red-bang", ""},
		// places
		{"in:inbox", "film invoice list promo big"},
		{"in:sent", "sent"},
		{"in:drafts", "draft"},
		{"in:draft", "draft"},
		{"in:archive", "holiday umlaut"},
		{"in:spam", "spam"},
		{"in:trash", "trash"},
		{"in:anywhere movie", "film spam draft"},
		{"movie -in:trash", "film draft"}, // negated, it does not open the place
		{"in:spam OR in:trash", "spam trash"},
		{"in:snoozed", ""},
		{"is:unread", "film promo"},
		{"is:read in:inbox", "invoice list big"},
		{"is:starred", "holiday"},
		{"is:important", "film"},
		{"is:muted", ""},
		{"is:nonsense", ""},
		{"label:inbox is:unread", "film promo"},
		{"label:clients-north-sea", "invoice"},
		{"label:Clients-North-Sea", "invoice"},
		{`label:"Clients/North Sea"`, "invoice"},
		{"label:clients", ""},
		{"label:to-do", "list"},
		{"label:to do", ""},
		{"in:to-do", "list"},
		{"-label:clients-north-sea in:inbox", "film list promo big"},
		{"category:primary", "film holiday umlaut big"},
		{"category:promotions", "promo"},
		{"category:updates", "invoice"},
		{"category:forums", "list"},
		{"category:social", ""},
		{"category:purchases", ""},
		// dates: midnight is 08:00 UTC
		{"after:2026/10/01", "film draft"},
		{"before:2026/10/01 after:2026/09/30", "invoice"},
		{"after:10/02/2026", "film draft"},
		{"after:2026-10-02", "film draft"},
		{"before:2026/01/01", "big"},
		{"older:2026/01/01", "big"},
		{"newer:2026/10/02", "film draft"},
		{"after:1790841598", "film draft invoice"}, // one second before the invoice
		{"after:1790841599", "film draft"},
		{"before:1790841599 in:inbox after:1790000000", ""},
		{"before:1790841600 in:inbox after:1790000000", "invoice"},
		{"newer_than:1d", "film"},
		{"newer_than:7d", "film draft invoice"},
		{"newer_than:6h", ""},
		{"newer_than:7h", "film"},
		{"newer_than:1m", "film draft invoice holiday sent"},
		{"older_than:6m", "big"},
		{"older_than:1y", ""},
		{"after:yesterday", ""}, // no date, hence words
		{"newer_than:2w", ""},
		// sizes
		{"larger:100K", "big"},
		{"size:100000", "big"},
		{"smaller:100K from:dana", ""},
		{"larger:10M", ""},
		{"smaller:1k in:sent", "sent"},
		// structure
		{"movie OR invoice", "film draft invoice"},
		{"from:amy OR from:david", "film holiday"},
		{"is:unread movie OR tea", "film"}, // OR binds tighter
		{"(is:unread movie) OR invoice", "film invoice"},
		{"{movie invoice}", "film draft invoice"},
		{"{from:amy subject:invoice}", "film invoice"},
		{"movie AND dinner", "film"},
		{"movie or dinner", ""}, // a small or is a word
		{"-movie in:inbox", "invoice list promo big"},
		{"in:inbox -{movie invoice}", "list promo big"},
		{"in:inbox -(movie OR invoice)", "list promo big"},
		{"in:inbox NOT movie", "invoice list promo big"},
		{"--movie", "film draft"},
		{"in:inbox - movie", "film"},
		{"holiday AROUND 10 vacation", "holiday"},
		{"vacation AROUND 10 holiday", "holiday"},
		{"holiday AROUND 2 vacation", ""},
		{`"secret AROUND 5 birthday"`, "holiday"},
		{`"birthday AROUND 5 secret"`, ""},
		// what people get wrong
		{"(movie", "film draft"},
		{"movie)", "film draft"},
		{`"movie`, "film draft"},
		{"{}", all},
		{"OR movie", "film draft"},
		{"movie OR", "film draft"},
		{"from:", ""},
		{"nosuch:movie", ""}, // "nosuch movie"
		{"re:holiday", "sent"},
		{`FROM "amy"`, ""}, // IMAP's language is words here
		{"SINCE 01-Jan-2025", ""},
		{"UNSEEN", ""},
	} {
		l, err := s.users.Messages.List("me").Q(tt.q).Do()
		if err != nil {
			t.Errorf("%s: %v", tt.q, err)
			continue
		}
		var got []string
		for _, m := range l.Messages {
			got = append(got, names[m.Id])
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%s\n got %s\nwant %s", tt.q, strings.Join(got, " "), tt.want)
		}
	}
}

func TestSpamAndTrashAreLeftOutUnlessAskedFor(t *testing.T) {
	s, names := shelved(t)
	list := func(spamTrash bool, labels ...string) string {
		l, err := s.users.Messages.List("me").IncludeSpamTrash(spamTrash).LabelIds(labels...).Q("newer_than:3d").Do()
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, m := range l.Messages {
			got = append(got, names[m.Id])
		}
		return fmt.Sprint(got)
	}
	for _, tt := range []struct{ what, got, want string }{
		{"nothing", list(false), "[film]"},
		{"includeSpamTrash", list(true), "[film spam trash]"},
		{"the label SPAM", list(false, "SPAM"), "[spam]"},
		{"two labels", list(false, "INBOX", "UNREAD"), "[film]"},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.what, tt.got, tt.want)
		}
	}
}
