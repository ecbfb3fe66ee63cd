package tools

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"linkmail/mailbox"
)

// ledger remembers the mails of the last day: which they were, as digests, and
// what became of them. Clients give up on calls that take long, and models
// repeat them; without it such a mail goes out twice. It also counts them, so
// that a model which has lost its way does not send hundreds.
type ledger struct {
	store Confirmations // nil: nothing is remembered, and nothing is counted
	now   func() time.Time
	cap   int // mails a day; 0 is no limit
}

const (
	ledgerKey = "sent"
	ledgerTTL = 24 * time.Hour
	// duplicateTime is how long the same mail counts as a repetition.
	duplicateTime = 10 * time.Minute
)

// defaultPerDay is far above what people send, and below what Gmail allows an
// account (500 a day).
const defaultPerDay = 100

// entered is a mail in the ledger.
type entered struct {
	Digest string `json:"d"`
	At     int64  `json:"t"` // milliseconds of Unix time
	// State is the outcome; empty while the mail is on its way.
	State  mailbox.Outcome `json:"s,omitempty"`
	ID     string          `json:"m,omitempty"`
	Thread string          `json:"h,omitempty"`
	// Draft is the draft that was sent, which is gone since.
	Draft string `json:"r,omitempty"`
}

func (e entered) at() time.Time { return time.UnixMilli(e.At) }

// duplicate is the outcome of a mail that was not sent because it had been.
const duplicate mailbox.Outcome = "duplicate"

// capError says that the day's mails have all been sent.
type capError struct {
	cap  int
	wait time.Duration
}

func (e *capError) Error() string {
	return fmt.Sprintf("tools: the limit of %s a day is reached", plural(e.cap, "mail"))
}

// Explain returns the error in the four parts that the server answers with.
func (e *capError) Explain() (code, message, hint string, retryAfter time.Duration) {
	return "daily_cap", fmt.Sprintf("this mail was not sent: the limit of %s within 24 hours is reached", plural(e.cap, "mail")),
		"Save it as a draft, or have the user raise LINKMAIL_DAILY_SENDS.", e.wait
}

// ledgerDigest tells mails apart by what their readers get: not by the names
// of the recipients or the account's address, which a model may give once and
// leave out the next time.
func ledgerDigest(mail mailbox.Outgoing) string {
	mail.From, mail.ReplyTo, mail.Signature = "", nil, mailbox.Passage{}
	for _, list := range []*[]string{&mail.To, &mail.Cc, &mail.Bcc} {
		*list = bareAll(*list)
		for i, a := range *list {
			(*list)[i] = lower(a)
		}
		slices.Sort(*list)
	}
	return base64.RawStdEncoding.EncodeToString(digest(mail)[:16])
}

// before returns the latest entry of the same mail, if it is young enough.
func (l ledger) before(list []entered, mail mailbox.Outgoing) *entered {
	d := ledgerDigest(mail)
	for _, e := range slices.Backward(list) {
		if e.Digest == d && l.now().Sub(e.at()) < duplicateTime {
			return &e
		}
	}
	return nil
}

// look returns what became of the same mail within the last ten minutes; nil
// if there was none.
func (l ledger) look(ctx context.Context, mail mailbox.Outgoing) *entered {
	if l.store == nil {
		return nil
	}
	return l.before(l.read(ctx), mail)
}

// sentDraft returns what became of a draft that was sent within the last ten
// minutes; nil if none of this id was.
func (l ledger) sentDraft(ctx context.Context, id string) *entered {
	if l.store == nil {
		return nil
	}
	for _, e := range slices.Backward(l.read(ctx)) {
		if e.Draft == id && l.now().Sub(e.at()) < duplicateTime {
			return &e
		}
	}
	return nil
}

// enter records that mail is on its way. Of two calls with the same mail only
// one enters it: the other gets its entry, unless it may repeat it.
func (l ledger) enter(ctx context.Context, mail mailbox.Outgoing, repeat bool) (mine, other *entered, err error) {
	if l.store == nil {
		return nil, nil, nil
	}
	err = l.change(ctx, func(list []entered) ([]entered, error) {
		if other = l.before(list, mail); other != nil && !repeat {
			return list, nil
		}
		other = nil
		if l.cap > 0 && len(list) >= l.cap {
			return nil, &capError{l.cap, list[len(list)-l.cap].at().Add(ledgerTTL).Sub(l.now())}
		}
		mine = &entered{Digest: ledgerDigest(mail), At: l.now().UnixMilli(), Draft: mail.Draft.ID}
		for slices.ContainsFunc(list, func(e entered) bool { return e.Digest == mine.Digest && e.At == mine.At }) {
			mine.At++ // its name in the ledger
		}
		return append(list, *mine), nil
	})
	return mine, other, err
}

// settle records what became of a mail that was entered. One that was not sent
// leaves nothing.
func (l ledger) settle(ctx context.Context, mine *entered, r mailbox.Receipt, failed bool) error {
	if mine == nil {
		return nil
	}
	return l.change(ctx, func(list []entered) ([]entered, error) {
		i := slices.IndexFunc(list, func(e entered) bool { return e.Digest == mine.Digest && e.At == mine.At })
		switch {
		case i < 0:
			return list, nil
		case failed || r.Outcome == mailbox.NotSent:
			return slices.Delete(list, i, i+1), nil
		}
		list[i].State, list[i].ID, list[i].Thread = r.Outcome, r.ID, r.ThreadID
		return list, nil
	})
}

func (l ledger) change(ctx context.Context, f func([]entered) ([]entered, error)) error {
	unlock, err := l.store.Lock(ctx, ledgerKey+"/lock")
	if err != nil {
		return notKept(ctx, err)
	}
	defer unlock()
	list, err := f(l.read(ctx))
	if err != nil {
		return err
	}
	raw, err := json.Marshal(list)
	if err != nil {
		return err
	}
	if err := l.store.Put(ctx, ledgerKey, raw, ledgerTTL); err != nil {
		return notKept(ctx, err)
	}
	return nil
}

// read returns the mails of the last day. A ledger that cannot be read is
// empty: it guards against accidents, and a mail that was agreed to is not to
// be lost for it.
func (l ledger) read(ctx context.Context) []entered {
	raw, err := l.store.Get(ctx, ledgerKey)
	if err != nil {
		return nil
	}
	var list []entered
	if json.Unmarshal(raw, &list) != nil {
		return nil
	}
	return slices.DeleteFunc(list, func(e entered) bool { return l.now().Sub(e.at()) >= ledgerTTL })
}
