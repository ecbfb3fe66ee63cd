package mailbox

import (
	"encoding/json"
	"io"
	"net/http"
	"time"

	gmail "google.golang.org/api/gmail/v1"
)

// Seams for the tests of what has no network around it.

var (
	Also              = also
	SummarizeCalendar = summarizeCalendar
	DecodeBase64      = decodeBase64
)

// EncodeBatch writes a batch that asks for the heads of ids.
func EncodeBatch(ids []string) (body []byte, contentType string, err error) {
	return encodeBatch(ids, headForm)
}

// Part is one part of a batch's answer.
type Part struct {
	Status int
	Body   string
}

// DecodeBatch reads a batch's answer.
func DecodeBatch(r io.Reader, contentType string, limit int) (map[string]Part, error) {
	answers, err := decodeBatch(r, contentType, limit)
	parts := map[string]Part{}
	for id, a := range answers {
		parts[id] = Part{Status: a.status, Body: string(a.body)}
	}
	return parts, err
}

// Classify explains an answer and says whether it is worth another try.
func Classify(status int, header http.Header, body []byte, now time.Time) (e *Error, again bool) {
	e, p := host("").classify(status, header, body, now)
	return e, p != never
}

// Quota is the count of units of a minute.
type Quota struct{ q quota }

func NewQuota(limit int, now func() time.Time) *Quota {
	return &Quota{quota{limit: limit, now: now}}
}

// Tell has f told when most of the quota is spent.
func (q *Quota) Tell(f func(spent, limit int)) { q.q.nearly = f }

func (q *Quota) Take(units int) error { return q.q.take(units) }

// LRU keeps strings up to a total length.
type LRU struct{ l *lru[string] }

func NewLRU(limit int) LRU {
	return LRU{newLRU(limit, func(s string) int { return len(s) })}
}

func (l LRU) Store(key, value string)           { l.l.store(key, value) }
func (l LRU) Remove(key string)                 { l.l.remove(key) }
func (l LRU) Lookup(key string) (string, bool)  { return l.l.lookup(key) }
func (l LRU) Size() (entries, total, index int) { return l.l.len(), l.l.total, len(l.l.items) }

// Covers is how many of ids a companion list settles.
func Covers(order []string, more bool, ids []string, firstPage bool) int {
	l := companions{ok: true, order: order, more: more}
	return l.covers(ids, firstPage)
}

// RenderPayload converts a payload in Gmail's JSON.
func RenderPayload(payload []byte, f Format) (text, source string, attachments []Attachment, err error) {
	var p gmail.MessagePart
	if err := json.Unmarshal(payload, &p); err != nil {
		return "", "", nil, err
	}
	c := contentOf(&p)
	r := c.render(f)
	return r.text, r.source, c.attachments, nil
}

// Known is the memory of mails and their labels.
type Known struct{ k known }

func NewKnown() *Known { return &Known{newKnown()} }

func (k *Known) StartAt(id uint64) { k.k.startAt(id) }
func (k *Known) Position() uint64  { return k.k.position() }

func (k *Known) Store(at uint64, id string, labels ...string) {
	k.k.store(at, map[string]head{id: {labels: labels}})
}

// Change replays one change of labels that history has up to the id to.
func (k *Known) Change(to uint64, id string, add, remove []string) {
	m := &gmail.Message{Id: id}
	k.k.apply([]*gmail.History{{
		LabelsAdded:   []*gmail.HistoryLabelAdded{{Message: m, LabelIds: add}},
		LabelsRemoved: []*gmail.HistoryLabelRemoved{{Message: m, LabelIds: remove}},
	}}, to)
}

// Labels returns the labels of a mail and whether it is known.
func (k *Known) Labels(id string) ([]string, bool) {
	h, ok := k.k.recall([]string{id})[id]
	return h.labels, ok
}

// Translate is how an IMAP search becomes one of Gmail's.
func Translate(text string, zone *time.Location) (effective string, translated bool, err error) {
	q := Query{Text: text, Zone: zone}
	translated, err = q.translate()
	return q.effective(), translated, err
}

// AuthenticationResults reads one field of that name.
func AuthenticationResults(value string) (server string, a Authentication) { return authResults(value) }

// ReadDocument makes text of a file.
var ReadDocument = readDocument

// CleanText removes what has no glyph.
var CleanText = cleanText

// NewDataReader reads what is in the member "data" of a JSON object.
func NewDataReader(r io.Reader) io.Reader { return newDataReader(r) }

// FoldedIdentity folds the spellings of an address in the mailbox of an account.
var FoldedIdentity = identity

// Batches is how the size of batches is settled.
type Batches struct{ batches }

// After returns the size after each part of a number of mails, of which some
// were refused; the first one has the size begin.
func (b *Batches) After(begin int, parts ...[2]int) (sizes []int) {
	b.size = begin
	for _, p := range parts {
		b.learn(p[0], p[1])
		size, _ := b.next()
		sizes = append(sizes, size)
	}
	return sizes
}
