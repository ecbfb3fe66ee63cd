package standin

import (
	"mime"
	"slices"
	"sync"
	"time"
)

// ownLabels are the labels that Alex made.
var ownLabels = []string{
	"Clients", "Clients/Kestrel", "Clients/Bluefin Media", "Receipts", "Travel 2026", "Family", "To do", "Kunden/Köln", "Reading list",
}

// seededInbox returns the mailbox of DefaultUser: eighteen months of mail that
// ends at now.
//
// Alex works at a small design studio. Kestrel (Nora Lindqvist) and Bluefin
// Media (Samuel Okafor) are clients; Dana, Priya, Tomás, Jonas and Mei are
// colleagues; Rosa, Leo and Maya are family and friends. Some mails that tests
// and demonstrations can count on, by a query that finds them:
//
//	subject:(kestrel launch plan)      eleven mails in one thread
//	subject:(quarterly report draft)   PDF and CSV attachments, corrections
//	from:morningledger.example         newsletters of 30 to 60 kB
//	subject:tender                     a text body that comes by id
//	subject:(sketches with comments)   a picture in the text, nested parts
//	subject:complaint                  a forwarded message as an attachment
//	from:hana.sato                     ISO-2022-JP; see charsets for the others
//	subject:(change of bank account)   a spoofed sender
//	"ignore all previous instructions" a mail that talks to assistants; see traps
//	subject:handover in:drafts         an answer that Alex has begun
func seededInbox(now time.Time) *inbox {
	b := newInbox(DefaultUser)
	b.senders = []sendAs{
		{
			Address: DefaultUser, DisplayName: alex.name, IsPrimary: true, IsDefault: true,
			Signature: `<div dir="ltr"><div>Alex Rivera</div><div>Product, Harbor &amp; Pine</div></div>`,
		},
		{Address: "alex@rivera-studio.example", DisplayName: "Rivera Studio", TreatAlias: true, Status: "accepted"},
		{Address: "press@harborandpine.example", DisplayName: "Harbor & Pine Press", TreatAlias: true, Status: "pending"},
	}
	ids := map[string]string{}
	for _, name := range ownLabels {
		l := b.newLabel(name)
		if name == "Receipts" {
			l.color = &labelColor{Text: "#ffffff", Background: "#16a766"}
		}
		b.labels = append(b.labels, l)
		ids[name] = l.id
	}
	weekAgo := now.AddDate(0, 0, -7)
	for _, s := range seededLetters(now, b.newID) {
		if s.at.Before(weekAgo) {
			b.floor = b.last // history reaches back a week
			b.history = nil
		}
		labels := slices.Clone(s.labels)
		for i, name := range labels {
			if id := ids[name]; id != "" {
				labels[i] = id
			}
		}
		b.add(s.letter, s.threadID, labels...).smart = s.smart
		if slices.Contains(labels, "DRAFT") {
			b.drafts = append(b.drafts, draft{draftID(b.last), s.id})
		}
	}
	b.serial = seededSerial
	return b
}

// seededSerial is the first message number after the seeded ones, so that what
// arrives later gets the same ids even when the seeded mailbox grows.
const seededSerial = 1000

// seededLetter is a letter and where it lies; its labels are names.
type seededLetter struct {
	*letter
	threadID string
	labels   []string
	smart    []string
}

// lately keeps the letters of the last world. They never change, so worlds
// with the same clock share them, and only the first has to write and index
// them; a test suite makes hundreds of worlds.
var lately struct {
	sync.Mutex
	at      time.Time
	letters []seededLetter
}

func seededLetters(now time.Time, newID func() string) []seededLetter {
	now = now.Truncate(time.Minute)
	lately.Lock()
	defer lately.Unlock()
	if lately.letters != nil && lately.at.Equal(now) {
		return lately.letters
	}
	threads := map[string]string{}
	var out []seededLetter
	for _, m := range arrange(now) {
		l := newLetter(newID(), m.at, m.write)
		l.messageID, l.subject = m.messageID(), m.subject
		thread := l.id
		if m.thread != "" {
			thread = threads[m.thread]
		}
		threads[m.key] = thread
		out = append(out, seededLetter{l, thread, m.labels, m.smart})
	}
	lately.at, lately.letters = now, out
	return out
}

// arrange returns all seeded messages, oldest first, with their dates.
func arrange(now time.Time) []*mailing {
	var all []*mailing
	for _, c := range readConversations(conversations) {
		all = append(all, c.mailings()...)
	}
	all = slices.Concat(all, newsletters(), commerce(), notices(), oddities(), unwanted(), unsent(all))
	for _, m := range all {
		d := seed("second "+m.key, 0)
		m.at = now.Add(-m.age).Add(-time.Duration(d.below(3_000_000)) * time.Millisecond).In(zoneOf(m))
	}
	slices.SortStableFunc(all, func(x, y *mailing) int { return x.at.Compare(y.at) })
	return all
}

// zoneOf is the zone that the sender's Date shows.
func zoneOf(m *mailing) *time.Location {
	zones := []*time.Location{time.UTC, time.FixedZone("", 2*60*60), time.FixedZone("", -7*60*60), time.FixedZone("", 5*60*60+30*60)}
	d := seed("zone "+m.from.address, 0)
	return pick(&d, zones)
}

func encodeSubject(s string) string {
	if isASCII(s) {
		return s
	}
	return mime.QEncoding.Encode("UTF-8", s)
}

const day = 24 * time.Hour
