package mailbox_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"linkmail/internal/standin"
	"linkmail/mailbox"
)

func TestIMAPSearchesAreTranslated(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range []struct{ imap, want string }{
		{`ALL`, ``},
		{`UNSEEN`, `is:unread`},
		{`SEEN FLAGGED`, `is:read is:starred`},
		{`FROM "alice"`, `from:alice`},
		{`FROM alice UNSEEN`, `from:alice is:unread`},
		{`FROM "Alice Meyer" SUBJECT "a \"quoted\" word"`, `from:"Alice Meyer" subject:"a quoted word"`},
		{`TO bob@example.com CC "c@example.com" BCC d@example.com`, `to:bob@example.com cc:c@example.com bcc:d@example.com`},
		{`SINCE 01-Jan-2025`, `after:1735685999`},
		{`BEFORE 1-Feb-2025 UNSEEN`, `is:unread before:1738364402`},
		{`ON "3-Mar-2025"`, `after:1740956399 before:1741042802`},
		{`SENTSINCE 2025-01-01 FROM x`, `from:x after:1735685999`},
		{`SINCE 1-Jan-2025 BEFORE 2025-02-01 (SINCE 1-Dec-2024 FROM x)`, `from:x after:1735685999 before:1738364402`},
		{`NOT SINCE 1-Feb-2025 NOT BEFORE 1-Jan-2025`, `after:1735685999 before:1738364402`},
		{`OR SINCE 1-Jan-2025 FROM x`, `{after:1735685999 from:x}`},
		{`OR ON 3-Mar-2025 FROM x`, `{(after:1740956399 before:1741042802) from:x}`},
		{`NOT ON 3-Mar-2025`, `-(after:1740956400 before:1741042799)`},
		{`NOT NOT ON 3-Mar-2025`, `(after:1740956399 before:1741042802)`},
		{`NOT FROM "alice"`, `-from:alice`},
		{`NOT NOT SEEN FROM a`, `is:read from:a`},
		{`OR FROM "a" FROM "b"`, `{from:a from:b}`},
		{`OR (FROM "a" UNSEEN) NOT SUBJECT "b c"`, `{(from:a is:unread) -subject:"b c"}`},
		{`(UNSEEN FROM "a")`, `(is:unread from:a)`},
		{`NOT (UNSEEN FROM "a")`, `-(is:unread from:a)`},
		{`BODY "UNSEEN"`, `"UNSEEN"`},
		{`TEXT "two words" LARGER 1000`, `"two words" larger:1000`},
		{`SMALLER 20 UNDELETED`, `smaller:20 -in:trash`},
		{`KEYWORD "Work"`, `label:Work`},
		{`HEADER Message-ID "<a.b@c.example>"`, `rfc822msgid:a.b@c.example`},
		{`HEADER "List-Id" "<l.example>"`, `list:l.example`},
		{`NOT ALL FROM "a"`, `-in:anywhere from:a`},
		{`DRAFT UNSEEN`, `in:draft is:unread`},
		// In small letters.
		{`unseen`, `is:unread`},
		{`Unseen`, `is:unread`},
		{`since 01-Jan-2025`, `after:1735685999`},
		{`unseen from "dana"`, `is:unread from:dana`},
		{`from dana@example.com unseen`, `from:dana@example.com is:unread`},
		{`From "dana" Since 1-jan-2025`, `from:dana after:1735685999`},
		{`not unseen`, `-is:unread`},
		// Beside Gmail's own.
		{`FROM dana is:unread`, `from:dana is:unread`},
		{`FROM dana@example.com has:attachment`, `from:dana@example.com has:attachment`},
		{`in:inbox UNSEEN`, `in:inbox is:unread`},
		{`from:dana UNSEEN`, `from:dana is:unread`},
		{`-from:x UNSEEN`, `-from:x is:unread`},
		{`is:unread SINCE 01-Jan-2025`, `is:unread after:1735685999`},
		{`has:attachment FROM "dana"`, `has:attachment from:dana`},
		{`subject:"two words" label:(a b) {from:a from:b} UNSEEN`, `subject:"two words" label:(a b) {from:a from:b} is:unread`},
		// As a program sends it, and as one lists it.
		{`1:* UNSEEN`, `is:unread`},
		{`SEARCH UNSEEN`, `is:unread`},
		{`UID SEARCH CHARSET UTF-8 UNSEEN`, `is:unread`},
		{`CHARSET UTF-8 FROM "x"`, `from:x`},
		{`UNSEEN, FROM "dana"`, `is:unread from:dana`},
		{`FROM "dana", UNSEEN`, `from:dana is:unread`},
		{`X-GM-RAW "from:dana"`, `from:dana`},
		{`X-GM-RAW "from:a OR from:b" UNSEEN`, `(from:a OR from:b) is:unread`},
		{`X-GM-LABELS "\\Inbox"`, `label:Inbox`},
	} {
		got, translated, err := mailbox.Translate(one.imap, berlin)
		if err != nil || !translated || got != one.want {
			t.Errorf("%s: got %q, %v, %v, want %q", one.imap, got, translated, err, one.want)
		}
	}
}

func TestTheDaysOfAnIMAPSearchAreExact(t *testing.T) {
	r := newRig(t, standin.Config{})
	newest := r.search(t, mailbox.Query{Max: 5}).Items
	last := newest[3].Date // in the last second of a day in one zone, in the first one in another
	second := last.Hour()*3600 + last.Minute()*60 + last.Second()
	late, early := time.FixedZone("", 24*60*60-1-second), time.FixedZone("", -second)
	for _, one := range []struct {
		query string // of the day of the mail, D, or the next one, N
		zone  *time.Location
		want  bool
	}{
		{"SINCE N", late, false},
		{"ON N", late, false},
		{"NOT BEFORE N", late, false},
		{"SINCE D", late, true},
		{"ON D", late, true},
		{"BEFORE N", late, true},
		{"NOT SINCE N", late, true},
		{"BEFORE D", late, false},
		{"BEFORE D", early, false},
		{"NOT SINCE D", early, false},
		{"ON D", early, true},
		{"SINCE D", early, true},
	} {
		day := last.In(one.zone)
		text := strings.NewReplacer(" D", " "+day.Format("2-Jan-2006"), " N", " "+day.AddDate(0, 0, 1).Format("2-Jan-2006")).Replace(one.query)
		page := r.search(t, mailbox.Query{Text: text, Zone: one.zone, Max: 50})
		if got := slices.Contains(idsOf(page.Items), newest[3].ID); got != one.want {
			t.Errorf("%s, as %s: a mail of %s is listed: %v, want %v", text, page.Effective, day, got, one.want)
		}
	}
	if _, err := r.Search(t.Context(), mailbox.Query{Text: "SINCE 2-Jan-2026 BEFORE 1-Jan-2026"}); err == nil {
		t.Error("a search for no time at all is not refused")
	}
}

func TestGmailsOwnExpressionsAreLeftAlone(t *testing.T) {
	for _, query := range []string{
		``, `from:anna`, `FROM`, `NEW`, `OLD`, `DRAFT`, `TEXT`, `"FROM alice"`, `from alice`, `unanswered`,
		`NEW YORK`, `SUBJECT TO CONTRACT`, `NOT a drill`, `ON time delivery`, `TEXT me`, `invoice OR receipt`,
		`OR`, `OLD SPICE`, `ALL HANDS meeting`, `RECENT changes`, `(is:unread from:anna)`, `(`, `from:x THE UNSEEN`, `from:a OR from:b`, `(from:a OR from:b) to:c`, `in:inbox OLD`, `is:unread NEW`, `UID number`,
		`after:2026/01/01 before:2026/02/01`, `"UNSEEN"`, `TO`, `BEFORE sunrise`, `SINCE 2024`, `BEFORE 9-11`, `ON 24/7 duty`, `LARGER THAN LIFE`, `UID`,
		"  spaces  kept ", strings.Repeat("NOT ", 50) + `FROM "a"`,
	} {
		got, translated, err := mailbox.Translate(query, time.UTC)
		if err != nil || translated || got != query {
			t.Errorf("%q: got %q, %v, %v, want it untouched", query, got, translated, err)
		}
	}
}

func TestPlainWordsAreLeftAlone(t *testing.T) {
	for _, query := range []string{
		`from`, `unseen footage`, `unseen text messages`, `the unseen`, `answered questions`, `unanswered questions`, `unanswered`, `new`, `old`, `seen`, `all`,
		`subject to change`, `new subject`, `old text`, `text from dana`, `body text`, `all new`, `all hands`, `new on Monday`, `on time`, `not from dana`,
		`from dana`, `from dana about the budget`, `letter from "Anna Berg"`, `from "Anna Berg"`, `subject "invoice"`, `text "hello"`, `to be or not to be`,
		`since yesterday`, `since 9-11-2001`, `before 2024`, `draft contract`, `deleted scenes`, `flagged`, `recent changes`, `keyword research`,
		`search results`, `search engine`, `header files`, `larger 1000`, `or else`, `unseen from space`, `in:inbox unseen footage`, `subject:unseen new`,
		`unflagged, from the editor`, `John 1:5`, `1:5`, `12`, `uid`, `charset utf-8 broken`, `Re: unseen`,
	} {
		got, translated, err := mailbox.Translate(query, time.UTC)
		if err != nil || translated || got != query {
			t.Errorf("%q: got %q, %v, %v, want it untouched", query, got, translated, err)
		}
	}
}

func TestWhatOnlyBeginsAsIMAPIsRefusedWithGmailsForm(t *testing.T) {
	for _, one := range []struct{ query, says string }{
		{`FROM "alice" urgent`, "from:"},
		{`FROM "a" OR FROM "b"`, "either"},
		{`UNSEEN invoice`, "is:unread"},
		{`SINCE 1-Jan-2025 newsletter`, "after and before"},
		{`UNANSWERED`, "in:sent"},
		{`FROM "a" ANSWERED`, "in:sent"},
		{`UNSEEN RECENT`, "Leave it out"},
		{`UID 1:5`, "messageId"},
		{`1:5 UNSEEN`, "messageId"},
		{`UID SEARCH 1:5`, "messageId"},
		{`X-GM-MSGID 1278455344230334865`, "messageId"},
		{`ANSWERED FROM "dana"`, "in:sent"},
		{`RECENT UNSEEN`, "Leave it out"},
		{`OLD FROM dana`, "Leave it out"},
		{`FROM dana ANSWERED`, "in:sent"},
		{`unanswered since 01-Jan-2026`, "in:sent"},
		{`in:inbox UNSEEN invoice`, "is:unread"},
		{`(from:a OR from:b) UNSEEN`, "either"},
		{`X-GM-RAW "FROM" X-GM-RAW "dana"`, "from:"},
		{`X-GM-RAW "UNSEEN"`, "is:unread"},
		{`HEADER X-Spam "yes"`, "deliveredto:"},
		{`(UNSEEN FROM "a"`, "is:unread"},
		{`SINCE 45-Foo-2024`, "after:2026/11/24"},
		{`SINCE 31-Feb-2024 FROM anna`, "after:2026/11/24"},
		{`FROM anna BEFORE 1.2.2024`, "before:2026/11/24"},
		{`SENTSINCE "01/02/2024"`, "after:2026/11/24"},
		{`ON 2024-13-01`, "after:2026/11/24 before:2026/11/25"},
		{`NOT (SINCE 45-Foo-2024)`, "after:2026/11/24"},
	} {
		_, _, err := mailbox.Translate(one.query, time.UTC)
		var e *mailbox.Error
		if !errors.As(err, &e) || e.Code != "invalid_query" || !strings.Contains(e.Hint, one.says) {
			t.Errorf("%q: got %v, want a refusal whose hint says %q", one.query, err, one.says)
		}
	}
}

func FuzzTranslatingAQueryTwiceIsTranslatingItOnce(f *testing.F) {
	for _, s := range []string{
		`OR (FROM "a" UNSEEN) NOT SUBJECT "b c"`, `ALL`, `BODY "UNSEEN"`, `FROM ""`, `FROM "FROM" TO "TO"`, `NOT ALL UNSEEN`,
		`ON 1-Jan-2025`, `HEADER From "x" UNSEEN`, `TEXT "a\\"`, `from:x UNSEEN`, `KEYWORD "-UNSEEN"`, `NOT KEYWORD "a" SEEN`,
		`from:x unseen`, `in:inbox FROM "a", UNSEEN`, `X-GM-RAW "OLD" FROM a`, `X-GM-RAW "from:a | b" NOT X-GM-RAW "c d"`, `{FROM a`, `1:* NEW`, `search unseen`,
		`SINCE 45-Foo-2024`, `NOT ON 1-Jan-2025 BEFORE 2024-13-01`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, query string) {
		once, _, err := mailbox.Translate(query, time.UTC)
		if err != nil {
			return
		}
		twice, again, err := mailbox.Translate(once, time.UTC)
		if err != nil || again || twice != once {
			t.Errorf("%q became %q and then %q (%v, %v)", query, once, twice, again, err)
		}
	})
}
