package standin

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// letter is a message as it was written. It never changes.
type letter struct {
	id string
	at time.Time // Gmail's internalDate, in whole milliseconds
	// What threads are made of, known before the message is written.
	messageID, subject string

	once  sync.Once
	build func() []byte // called once, when somebody looks
	bytes []byte
	root  *node
	words *wordIndex
}

func newLetter(id string, at time.Time, build func() []byte) *letter {
	return &letter{id: id, at: at.Truncate(time.Millisecond), build: build}
}

func (l *letter) open() *letter {
	l.once.Do(func() {
		l.bytes = l.build()
		l.root = parseMail(l.bytes)
		l.words = indexWords(l.root)
		l.build = nil
	})
	return l
}

// raw returns the message in RFC 5322 form; callers must not change it.
func (l *letter) raw() []byte { return l.open().bytes }

// tree returns the parsed message.
func (l *letter) tree() *node { return l.open().root }

// row is a message in a mailbox. A row is never changed, only replaced, so it
// can be read without a lock.
type row struct {
	*letter
	threadID  string
	labels    []string
	smart     []string // categories that have no label of their own
	historyID uint64
}

func (r *row) has(label string) bool { return slices.Contains(r.labels, label) }

// label is a label of a mailbox.
type label struct {
	id, name               string
	system                 bool
	messageList, labelList string // visibility
	color                  *labelColor
}

// change is an entry of the history: what happened to one message.
type change struct {
	id     uint64
	kind   string // messageAdded, messageDeleted, labelAdded, labelRemoved
	row    *row   // as it was afterwards
	labels []string
}

// inbox is one user's mailbox. Guarded by gmailState.mu.
type inbox struct {
	user     string
	senders  []sendAs
	vacation vacationJSON
	rows     map[string]*row
	labels   []*label
	drafts   []draft // oldest first
	filters  []filter
	history  []change
	// last is the newest history id, floor the oldest that history can start from.
	last, floor uint64
	serial      uint64
	nextLabel   int
	sent        []RawMessage
}

// draft binds Gmail's lasting draft id to the message that holds it now.
type draft struct{ id, messageID string }

var systemLabels = []string{
	"CHAT", "SENT", "INBOX", "IMPORTANT", "TRASH", "DRAFT", "SPAM",
	"CATEGORY_FORUMS", "CATEGORY_UPDATES", "CATEGORY_PERSONAL", "CATEGORY_PROMOTIONS", "CATEGORY_SOCIAL",
	"STARRED", "UNREAD",
}

func newInbox(user string) *inbox {
	b := &inbox{user: user, rows: map[string]*row{}, last: 1_048_576, floor: 1_048_576, nextLabel: 1}
	b.senders = []sendAs{{Address: user, IsPrimary: true, IsDefault: true}}
	for _, name := range systemLabels {
		l := &label{id: name, name: name, system: true}
		if name != "INBOX" && name != "SENT" && !strings.HasPrefix(name, "CATEGORY_") {
			l.messageList, l.labelList = "hide", "labelHide"
		}
		b.labels = append(b.labels, l)
	}
	return b
}

// newID returns the next message id: 16 hex digits, growing, the same in every
// world.
func (b *inbox) newID() string {
	b.serial++
	d := seed(b.user, b.serial)
	return fmt.Sprintf("%016x", 0x18a0_0000_0000_0000+b.serial<<40|d.next()>>24)
}

// tick returns the next history id. Real ones have gaps, too.
func (b *inbox) tick() uint64 {
	d := seed("history", b.last)
	b.last += 1 + d.next()%40
	return b.last
}

// add puts a message into the mailbox.
func (b *inbox) add(l *letter, threadID string, labels ...string) *row {
	r := &row{letter: l, threadID: threadID, labels: labels, historyID: b.tick()}
	b.rows[l.id] = r
	b.history = append(b.history, change{r.historyID, "messageAdded", r, labels})
	return r
}

// remove takes a message out for good.
func (b *inbox) remove(id string) {
	if r := b.rows[id]; r != nil {
		delete(b.rows, id)
		b.history = append(b.history, change{b.tick(), "messageDeleted", r, nil})
	}
}

// relabel changes the labels of a message and returns its new row.
func (b *inbox) relabel(r *row, add, remove []string) *row {
	add = slices.DeleteFunc(slices.Clone(add), r.has)
	remove = slices.DeleteFunc(slices.Clone(remove), func(l string) bool { return !r.has(l) })
	if slices.Contains(add, "TRASH") || slices.Contains(add, "SPAM") {
		if r.has("INBOX") && !slices.Contains(remove, "INBOX") {
			remove = append(remove, "INBOX")
		}
	}
	if len(add) == 0 && len(remove) == 0 {
		return r
	}
	next := *r
	next.labels = slices.DeleteFunc(slices.Clone(r.labels), func(l string) bool { return slices.Contains(remove, l) })
	next.labels = append(next.labels, add...)
	next.historyID = b.tick()
	b.rows[r.id] = &next
	if len(remove) > 0 {
		b.history = append(b.history, change{next.historyID, "labelRemoved", &next, remove})
	}
	if len(add) > 0 {
		if len(remove) > 0 {
			next.historyID = b.tick()
		}
		b.history = append(b.history, change{next.historyID, "labelAdded", &next, add})
	}
	return &next
}

// newest returns every row, newest first.
func (b *inbox) newest() []*row {
	rows := make([]*row, 0, len(b.rows))
	for _, r := range b.rows {
		rows = append(rows, r)
	}
	slices.SortFunc(rows, newestFirst)
	return rows
}

func newestFirst(x, y *row) int {
	return cmp.Or(y.at.Compare(x.at), cmp.Compare(y.id, x.id))
}

// thread returns the messages of a thread, oldest first.
func (b *inbox) thread(id string) []*row {
	var rows []*row
	for _, r := range b.rows {
		if r.threadID == id {
			rows = append(rows, r)
		}
	}
	slices.SortFunc(rows, func(x, y *row) int { return newestFirst(y, x) })
	return rows
}

func (b *inbox) label(id string) *label {
	for _, l := range b.labels {
		if l.id == id {
			return l
		}
	}
	return nil
}

// own reports whether an address is one the user may write as.
func (b *inbox) own(address string) bool {
	return slices.ContainsFunc(b.senders, func(s sendAs) bool {
		return strings.EqualFold(s.Address, address) && s.Status != "pending"
	})
}
