package standin

import (
	"bytes"
	"slices"
	"time"
)

// RawMessage is a message as it was handed to Gmail for sending.
type RawMessage struct {
	// ID and ThreadID are those of the copy in the sender's mailbox.
	ID, ThreadID string
	// Raw is what the caller sent, Bcc included, before Gmail changed Message-ID
	// and From; of a draft, what the draft held.
	Raw []byte
	// Recipients are the addresses it went to, in lower case, each once.
	Recipients []string
	At         time.Time
}

// Sent returns what user sent through the API, oldest first. The seeded
// messages under the label SENT are not among them.
func (w *World) Sent(user string) []RawMessage {
	w.gmail.mu.Lock()
	defer w.gmail.mu.Unlock()
	return slices.Clone(w.gmail.box(user).sent)
}

// MessageCount returns how many messages user's mailbox holds.
func (w *World) MessageCount(user string) int {
	w.gmail.mu.Lock()
	defer w.gmail.mu.Unlock()
	return len(w.gmail.box(user).rows)
}

// Deliver puts a message into user's mailbox as it stands, as if it arrived
// now, and returns its id. It joins the thread it answers to. Without labels
// it is unread in the inbox.
func (w *World) Deliver(user string, raw []byte, labels ...string) string {
	if labels == nil {
		labels = []string{"UNREAD", "CATEGORY_PERSONAL", "INBOX"}
	}
	w.gmail.mu.Lock()
	defer w.gmail.mu.Unlock()
	return w.gmail.deliver(w.gmail.box(user), bytes.Clone(raw), w.cfg.Now(), labels...).id
}

// SenderSettings changes what the user has set for an address to write as. It
// reports whether the user has the address; a default takes the place of the
// one before.
func (w *World) SenderSettings(user, address, replyTo string, isDefault bool) bool {
	w.gmail.mu.Lock()
	defer w.gmail.mu.Unlock()
	b := w.gmail.box(user)
	at := slices.IndexFunc(b.senders, func(s sendAs) bool { return s.Address == address })
	if at < 0 {
		return false
	}
	for i := range b.senders {
		b.senders[i].IsDefault = b.senders[i].IsDefault && !isDefault
	}
	b.senders[at].ReplyTo, b.senders[at].IsDefault = replyTo, isDefault
	return true
}

// Remove deletes a message for good, as another client of the user might do
// between a list and a get. It reports whether the message was there.
func (w *World) Remove(user, messageID string) bool {
	w.gmail.mu.Lock()
	defer w.gmail.mu.Unlock()
	b := w.gmail.box(user)
	_, ok := b.rows[messageID]
	b.remove(messageID)
	return ok
}

// Relabel changes the labels of a message from outside the API, system labels
// included. It reports whether the message is there.
func (w *World) Relabel(user, messageID string, add, remove []string) bool {
	w.gmail.mu.Lock()
	defer w.gmail.mu.Unlock()
	b := w.gmail.box(user)
	r, ok := b.rows[messageID]
	if ok {
		b.relabel(r, add, remove)
	}
	return ok
}

// ExpireHistory makes every history id up to now too old to start from.
func (w *World) ExpireHistory(user string) {
	w.gmail.mu.Lock()
	defer w.gmail.mu.Unlock()
	b := w.gmail.box(user)
	b.floor = b.tick()
	b.history = nil
}
