package mailbox

import (
	"context"
	"errors"
	"slices"
	"sync"

	gmail "google.golang.org/api/gmail/v1"
)

// How much is remembered: the heads of this many mails, and converted bodies
// and attachments of this many bytes.
const (
	maxHeads     = 2000
	maxBodies    = 32 << 20
	maxDocuments = 16 << 20
)

// head is what a list shows of a mail. All of it but the labels is immutable
// for an id; the labels are right as of the position of known.
type head struct {
	Summary  // Labels, Unread and HasAttachments are filled in when it is shown
	labels   []string
	mimeType string
}

// known remembers mails by id. Content never changes under an id; labels do,
// and are kept right by replaying the mailbox's history (history.list) from a
// position that is no later than the moment any head was fetched.
type known struct {
	mu     sync.Mutex
	heads  *lru[head]
	bodies *lru[body] // by id and format
	// documents are the texts of attachments, by id and part.
	documents *lru[Document]
	at        uint64 // labels are right as of this history id; 0 is unknown
	latest    uint64 // the latest history id seen anywhere
}

func newKnown() known {
	return known{
		heads:     newLRU(maxHeads, func(head) int { return 1 }),
		bodies:    newLRU(maxBodies, body.size),
		documents: newLRU(maxDocuments, Document.size),
	}
}

// startAt notes a history id that is current now. It becomes the position if
// there is none, or nothing that a later one could be wrong for.
func (k *known) startAt(id uint64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.at == 0 || k.heads.len() == 0 {
		k.at = id
	}
	k.latest = max(k.latest, id)
}

// position returns the history id that labels are right as of.
func (k *known) position() uint64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.at
}

// newest returns the latest history id seen, 0 if none.
func (k *known) newest() uint64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.latest
}

func (k *known) empty() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.heads.len() == 0
}

// recall returns the heads that are known of ids.
func (k *known) recall(ids []string) map[string]head {
	k.mu.Lock()
	defer k.mu.Unlock()
	found := make(map[string]head, len(ids))
	for _, id := range ids {
		if h, ok := k.heads.lookup(id); ok {
			h.labels = slices.Clone(h.labels)
			found[id] = h
		}
	}
	return found
}

// store keeps heads that were fetched after the position was at. If it has
// moved since, their labels may lack what lies between, so they are not kept.
func (k *known) store(at uint64, heads map[string]head) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if at == 0 || at != k.at {
		return
	}
	for id, h := range heads {
		h.labels = slices.Clone(h.labels)
		k.heads.store(id, h)
	}
}

// storeBody keeps a converted body.
func (k *known) storeBody(id string, f Format, b body) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.bodies.store(id+" "+string(f), b)
}

// storeDocument keeps the text of an attachment.
func (k *known) storeDocument(key string, d Document) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.documents.store(key, d)
}

// recallDocument returns the text of an attachment that was read before.
func (k *known) recallDocument(key string) (Document, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.documents.lookup(key)
}

// recallMessage returns what is known of a mail whose body was converted before.
func (k *known) recallMessage(id string, f Format) (head, body, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	b, ok := k.bodies.lookup(id + " " + string(f))
	if !ok {
		return head{}, body{}, false
	}
	h, ok := k.heads.lookup(id)
	h.labels = slices.Clone(h.labels)
	return h, b, ok
}

// forget drops everything.
func (k *known) forget() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.heads.clear()
	k.bodies.clear()
	k.documents.clear()
	k.at, k.latest = 0, 0
}

// lose drops the heads, because their labels cannot be brought up to date.
// Bodies stay: they do not change.
func (k *known) lose(at uint64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.at == at {
		k.heads.clear()
		k.at = 0
	}
}

// apply replays history up to the id to. Replaying what a head already has is
// harmless, as the last word on each label decides; going back is not.
func (k *known) apply(records []*gmail.History, to uint64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if to < k.at {
		return
	}
	k.at, k.latest = to, max(k.latest, to)
	for _, r := range records {
		for _, m := range r.MessagesDeleted {
			if m.Message != nil {
				k.heads.remove(m.Message.Id)
			}
		}
		for _, a := range r.LabelsAdded {
			k.relabel(a.Message, func(labels []string) []string {
				for _, l := range a.LabelIds {
					if !slices.Contains(labels, l) {
						labels = append(labels, l)
					}
				}
				return labels
			})
		}
		for _, d := range r.LabelsRemoved {
			k.relabel(d.Message, func(labels []string) []string {
				return slices.DeleteFunc(labels, func(l string) bool { return slices.Contains(d.LabelIds, l) })
			})
		}
	}
}

// relabel changes the labels of a head, if it is known. The caller has the lock.
func (k *known) relabel(m *gmail.Message, change func([]string) []string) {
	if m == nil {
		return
	}
	if h, ok := k.heads.lookup(m.Id); ok {
		h.labels = change(slices.Clone(h.labels))
		k.heads.store(m.Id, h)
	}
}

// maxHistoryPages is how many pages of history are replayed. Beyond it,
// fetching the mails anew is cheaper.
const maxHistoryPages = 2

// catchUp brings the labels of what is known up to date, in one round trip as
// a rule, and reports whether they are. Where the history is gone the heads
// are dropped, and a new position is taken.
func (c *Client) catchUp(ctx context.Context) bool {
	at := c.known.position()
	if at == 0 {
		return c.readProfile(ctx)
	}
	_, err := c.replay(ctx, at, maxHistoryPages)
	if errors.Is(err, errNoHistory) {
		return c.readProfile(ctx)
	}
	return err == nil
}

// errNoHistory says that the history since a position is gone or too long.
var errNoHistory = errors.New("mailbox: the history since then is not available")

// replay reads the history from a position on and brings the labels of what is
// known up to date with it. Where the history is gone, or goes on for more than
// that many pages, the heads are dropped and the error is errNoHistory.
func (c *Client) replay(ctx context.Context, at uint64, pages int) ([]*gmail.History, error) {
	var records []*gmail.History
	token := ""
	for range pages {
		var page *gmail.ListHistoryResponse
		err := c.once(ctx, "read the history", unitsHistory, func(ctx context.Context) error {
			call := c.service.Users.History.List(me).StartHistoryId(at).MaxResults(500).
				HistoryTypes("labelAdded", "labelRemoved", "messageDeleted").
				Fields("history(labelsAdded(labelIds,message(id,threadId)),labelsRemoved(labelIds,message(id,threadId)),messagesDeleted/message/id)",
					"historyId", "nextPageToken")
			if token != "" {
				call.PageToken(token)
			}
			var err error
			page, err = call.Context(ctx).Do()
			return err
		})
		var e *Error
		if errors.As(err, &e) && e.Code == codeNotFound {
			break
		}
		if err != nil {
			return nil, err
		}
		records = append(records, page.History...)
		if token = page.NextPageToken; token == "" {
			c.known.apply(records, page.HistoryId)
			return records, nil
		}
	}
	c.known.lose(at)
	return nil, errNoHistory
}

// historyPosition makes sure that a position is known from before a send, to
// look for it afterwards. It does its best.
func (c *Client) historyPosition(ctx context.Context) {
	if c.known.newest() == 0 {
		c.readProfile(ctx) // without it, the latest sent mails are looked through
	}
}
