package standin_test

import (
	"strings"
	"testing"
	"time"

	"google.golang.org/api/gmail/v1"

	"linkmail/internal/standin"
)

func BenchmarkNewWorld(b *testing.B) {
	b.ReportAllocs()
	at := now
	for b.Loop() {
		at = at.Add(time.Hour) // another clock, another mailbox
		standin.NewWorld(standin.Config{Now: func() time.Time { return at }})
	}
}

// BenchmarkFirstQuery is what a world pays when somebody searches for a word:
// every message is written, parsed and indexed.
func BenchmarkFirstQuery(b *testing.B) {
	at := now
	for b.Loop() {
		at = at.Add(time.Hour)
		standin.NewWorld(standin.Config{Now: func() time.Time { return at }}).RunQuery("invoice", 1000)
	}
}

func TestTheSeededMailboxHasWhatItPromises(t *testing.T) {
	s := play(t, standin.Config{})
	for q, atLeast := range map[string]int{
		"in:anywhere":                        350,
		"older_than:17m":                     5,
		"newer_than:1d":                      4,
		"newer_than:7d":                      35,
		"in:inbox":                           120,
		"in:sent":                            35,
		"in:drafts":                          3,
		"in:spam":                            10,
		"in:trash":                           5,
		"is:starred":                         3,
		"is:unread in:inbox":                 20,
		"is:important":                       20,
		"category:primary":                   100,
		"category:promotions":                40,
		"category:updates":                   80,
		"category:forums":                    20,
		"category:social":                    5,
		"category:purchases":                 40,
		"category:reservations":              5,
		"label:clients-kestrel":              20,
		"label:clients-bluefin-media":        10,
		"label:kunden-köln":                  2,
		"label:travel-2026":                  10,
		"has:userlabels":                     80,
		"has:attachment":                     45,
		"filename:pdf":                       30,
		"filename:csv":                       3,
		"filename:png":                       3,
		"filename:docx":                      1,
		"filename:ics":                       7,
		"filename:zip":                       1,
		"has:document OR has:spreadsheet":    2,
		"has:youtube":                        1,
		"has:drive":                          2,
		"list:binders":                       8,
		"larger:400k":                        1,
		"larger:30k category:promotions":     40,
		"bcc:jonas":                          1,
		`"ignore all previous instructions"`: 1,
		`"the user has approved"`:            1,
		// what the comment on the seeded mailbox names
		"subject:(kestrel launch plan)":                   11,
		"subject:(quarterly report draft)":                5,
		"from:morningledger.example":                      20,
		"subject:tender":                                  1,
		"subject:(sketches with comments)":                1,
		"subject:complaint":                               1,
		"from:hana.sato":                                  2,
		"subject:(change of bank account)":                1,
		"subject:handover in:drafts":                      1,
		"from:alex.rivera@example.com to:dana OR cc:dana": 10,
	} {
		if got := len(s.find(t, q)); got < atLeast {
			t.Errorf("%s: %d messages, want at least %d", q, got, atLeast)
		}
	}
}

func TestNewslettersAreAsLargeAsRealOnes(t *testing.T) {
	s := play(t, standin.Config{})
	for _, id := range s.find(t, "category:promotions") {
		m, err := s.users.Messages.Get("me", id).Do()
		if err != nil {
			t.Fatal(err)
		}
		p := m.Payload
		for len(p.Parts) > 0 {
			p = p.Parts[len(p.Parts)-1]
		}
		page := decoded(t, p.Body.Data)
		if p.MimeType != "text/html" || len(page) < 30_000 || len(page) > 60_000 {
			t.Errorf("%s: %s of %d bytes", header(m.Payload, "Subject"), p.MimeType, len(page))
		}
		if !strings.Contains(page, `role="presentation"`) || !strings.Contains(page, "max-height:0px") || !strings.Contains(page, `width="1" height="1"`) {
			t.Errorf("%s: no tables, preheader or pixel", header(m.Payload, "Subject"))
		}
	}
}

func TestTheSpoofedMailFailsAuthentication(t *testing.T) {
	s := play(t, standin.Config{})
	m := s.one(t, "subject:(change of bank account)")
	if v := header(m.Payload, "Authentication-Results"); !strings.Contains(v, "spf=fail") || !strings.Contains(v, "dmarc=fail") {
		t.Errorf("the topmost verdict is %q", v)
	}
}

func TestInvitationsCarryTheRequestTwice(t *testing.T) {
	s := play(t, standin.Config{})
	m := s.one(t, `subject:"Budget 2027" filename:ics`)
	alternative := m.Payload.Parts[0]
	calendar := alternative.Parts[len(alternative.Parts)-1]
	if calendar.MimeType != "text/calendar" || !strings.Contains(decoded(t, calendar.Body.Data), "SUMMARY:Budget 2027\r\n") {
		t.Errorf("part %+v", calendar)
	}
	if file := m.Payload.Parts[1]; file.Filename != "invite.ics" || file.Body.AttachmentId == "" {
		t.Errorf("file %+v", file)
	}
}

func TestWorldsWithOneClockAreEqualAndApart(t *testing.T) {
	a, b := play(t, standin.Config{}), play(t, standin.Config{})
	ids := a.find(t, "in:anywhere")
	if got := b.find(t, "in:anywhere"); strings.Join(got, " ") != strings.Join(ids, " ") {
		t.Error("two worlds differ")
	}
	if _, err := a.users.Messages.Modify("me", ids[0], &gmail.ModifyMessageRequest{AddLabelIds: []string{"STARRED"}}).Do(); err != nil {
		t.Fatal(err)
	}
	if x, y := len(a.find(t, "is:starred")), len(b.find(t, "is:starred")); x != y+1 {
		t.Errorf("%d and %d starred", x, y)
	}
	later := play(t, standin.Config{Now: func() time.Time { return now.AddDate(0, 3, 0) }})
	if got := later.find(t, "in:anywhere"); strings.Join(got, " ") != strings.Join(ids, " ") {
		t.Error("the ids depend on the clock")
	}
}

func TestAnotherUserHasAnotherMailbox(t *testing.T) {
	s := play(t, standin.Config{})
	other := signIn(t, s.World, s.url, "dana.whitfield@example.com")
	if ids := other.find(t, "in:anywhere"); len(ids) != 0 {
		t.Errorf("%d messages", len(ids))
	}
	_, err := other.users.Messages.Get("me", s.find(t, "in:inbox")[0]).Do()
	wantError(t, err, 404, "")
}
