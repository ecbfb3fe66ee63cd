package mailbox

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	gmail "google.golang.org/api/gmail/v1"
	"google.golang.org/api/googleapi"
)

// maxJSON is up to which size, in bytes, a mail is sent as JSON. Beyond, the
// third more that base64 takes is spared by an upload.
const maxJSON = 5 << 20

// The notes of what had no clear end.
const (
	draftWent   = "The connection failed after the draft was handed over. It is no longer among the drafts, so it was sent; which mail it became is in Sent."
	checkSent   = "The connection failed after the mail was handed over, and the mail did not appear in Sent within some seconds. Check Sent before sending it again."
	checkDrafts = "The connection failed after the draft was handed over, and it did not appear among the drafts within some seconds. Check the drafts before writing it again."
)

// Send sends a mail, or the draft that it is kept in, at most once. It is never
// repeated when it is not certain that Gmail refused it: the receipt then says
// [Unknown], unless the mail is found among the sent ones. An error means that
// nothing was sent.
func (c *Client) Send(ctx context.Context, o Outgoing) (Receipt, error) {
	if err := o.hasRecipient(); err != nil {
		return Receipt{Outcome: NotSent}, nothing(err, "sent")
	}
	if o.Draft.ID != "" {
		return c.sendDraft(ctx, o)
	}
	m, err := c.prepare(ctx, o, unitsSend, "sent")
	if err != nil {
		return Receipt{Outcome: NotSent}, err
	}
	var sent *gmail.Message
	unclear, err := c.deliverWithin(ctx, m.patience(), "send", "sent", func(ctx context.Context) error {
		call := c.service.Users.Messages.Send(me, m.message())
		if m.isLarge() {
			call, ctx = call.Media(m.media()), withUpload(ctx, len(m.raw))
		}
		var err error
		sent, err = call.Fields("id", "threadId").Context(ctx).Do()
		if m.threadID != "" {
			err = c.missing(err, noThread)
		}
		return err
	})
	return c.settled(ctx, m, sent, unclear, err)
}

// settled says what became of a send.
func (c *Client) settled(ctx context.Context, m *mailing, sent *gmail.Message, unclear bool, err error) (Receipt, error) {
	switch {
	case unclear:
		if found, ok := c.find(ctx, m, "SENT"); ok {
			return m.receipt(Sent, found), nil
		}
		r := m.receipt(Unknown, nil)
		r.Note = checkSent
		return r, nil
	case err != nil:
		return m.receipt(NotSent, nil), err
	}
	return m.receipt(Sent, sent), nil
}

// mailing is a mail that is ready to go.
type mailing struct {
	raw         []byte
	sendID      string // marks the mail, to find it again
	since       uint64 // a position in the history from before; 0 is unknown
	from        Address
	replyTo     []Address
	to, cc, bcc []Address
	subject     string
	date        time.Time
	threadID    string
}

func (m *mailing) isLarge() bool { return len(m.raw) > maxJSON }

// patience is how long handing over the mail may take: at 100 kB a second, a
// large one takes longer than [sendTime].
func (m *mailing) patience() time.Duration {
	return sendTime + time.Duration(len(m.raw)/100_000)*time.Second
}

// message is the mail as JSON; of a large one it is what goes beside it.
func (m *mailing) message() *gmail.Message {
	g := &gmail.Message{ThreadId: m.threadID}
	if !m.isLarge() {
		g.Raw = base64.URLEncoding.EncodeToString(m.raw)
	}
	return g
}

// media is a large mail for the upload endpoint, in a single request: parts of
// an upload would each be a chance to lose the connection.
func (m *mailing) media() (io.Reader, googleapi.MediaOption, googleapi.MediaOption) {
	return bytes.NewReader(m.raw), googleapi.ContentType("message/rfc822"), googleapi.ChunkSize(0)
}

// receipt tells what became of the mail. at is Gmail's record of it, if any.
func (m *mailing) receipt(o Outcome, at *gmail.Message) Receipt {
	r := Receipt{Outcome: o, From: m.from, ReplyTo: m.replyTo, To: m.to, Cc: m.cc, Bcc: m.bcc, Subject: m.subject}
	if at != nil {
		r.ID, _ = cleanLine(at.Id)
		r.ThreadID, _ = cleanLine(at.ThreadId)
	}
	return r
}

// prepare checks the mail, settles its sender, composes it and sets its units
// aside. What it asks Gmail is asked at once, and remembered for the next mail.
func (c *Client) prepare(ctx context.Context, o Outgoing, units int, done string) (*mailing, error) {
	m, err := c.ready(ctx, o)
	if err != nil {
		return nil, nothing(err, done)
	}
	return m, nothing(c.quota.take(units), done)
}

// Check does all of [Client.Send] that sends nothing: it checks the mail, asks
// for the addresses that the account may send from, and composes. A mail that
// passes fails only for what nobody can know before. The receipt, of outcome
// [NotSent], tells what would go out.
func (c *Client) Check(ctx context.Context, o Outgoing) (Receipt, error) {
	if err := o.hasRecipient(); err != nil {
		return Receipt{Outcome: NotSent}, err
	}
	ready := c.ready
	if o.Draft.ID != "" {
		ready = c.draftReady
	}
	m, err := ready(ctx, o)
	if err != nil {
		return Receipt{Outcome: NotSent}, err
	}
	return m.receipt(NotSent, nil), nil
}

func (o Outgoing) hasRecipient() error {
	if len(o.To)+len(o.Cc)+len(o.Bcc) > 0 {
		return nil
	}
	return &Error{
		Code: "no_recipient", Message: "the mail has no recipient",
		Hint: "Give at least one address in to, cc or bcc.",
	}
}

// ready makes a mail ready to go.
func (c *Client) ready(ctx context.Context, o Outgoing) (*mailing, error) {
	// What is wrong in the mail itself is said before anybody has to sign in.
	m := &mailing{sendID: rand.Text(), date: c.now(), threadID: o.Thread.ID}
	if _, err := checkOutgoing(o, Address{Email: "anyone@example.com"}, m.date, m.sendID); err != nil {
		return nil, err
	}
	want, err := parseFrom(o.From)
	if err != nil {
		return nil, err
	}
	var beside sync.WaitGroup
	beside.Go(func() { c.historyPosition(ctx) })
	from, err := c.from(ctx, newBudget(), want)
	beside.Wait()
	if err != nil {
		return nil, err
	}
	m.since = c.known.newest()
	m.from = from.Address
	if len(o.ReplyTo) == 0 {
		o.ReplyTo = from.answers()
	}
	if m.replyTo, err = checkList("replyTo", o.ReplyTo); err != nil {
		return nil, err
	}
	m.subject, _ = cleanLine(o.Subject)
	m.raw, m.to, m.cc, m.bcc, err = compose(o, m.from, m.date, m.sendID)
	if err != nil {
		return nil, err
	}
	if len(m.raw) > maxEncoded {
		return nil, &Error{
			Code:    codeTooLarge,
			Message: fmt.Sprintf("the mail has %s, at most %s can be sent", megabytes(int64(len(m.raw))), megabytes(maxEncoded)),
			Hint:    "Send less text, or attach less.",
		}
	}
	return m, nil
}

// nothing adds to a refusal that nothing was done, which is what somebody who
// sends a mail has to know first.
func nothing(err error, done string) error {
	refused, ok := errors.AsType[*Error](err)
	if !ok {
		return err
	}
	e := *refused
	e.Message += "; nothing was " + done
	if e.Code == codeRateLimited {
		e.Hint = "Wait, then try again."
	}
	return &e
}

// deliver makes one request that changes something, once. unclear means that
// it may have taken effect; otherwise an error means that it did not, and says
// that nothing was done, in the word for it.
func (c *Client) deliver(ctx context.Context, op, done string, call func(context.Context) error) (unclear bool, err error) {
	return c.deliverWithin(ctx, sendTime, op, done, call)
}

// deliverWithin is [Client.deliver] with a limit of time for what is large.
func (c *Client) deliverWithin(
	ctx context.Context, limit time.Duration, op, done string, call func(context.Context) error,
) (unclear bool, err error) {
	if ctx.Err() != nil {
		return false, wrap(op, ctx.Err())
	}
	var d delivery
	limited, cancel := context.WithTimeout(d.follow(ctx), limit)
	defer cancel()
	err = call(limited)
	if err == nil {
		return false, nil
	}
	if api, ok := errors.AsType[*googleapi.Error](err); ok {
		// Gmail refuses with 4xx before it acts. Above, and where the server
		// gave up waiting, it may have acted.
		unclear = api.Code >= 500 || api.Code == http.StatusRequestTimeout
	} else {
		unclear = d.ambiguous(bare(err))
	}
	if unclear {
		return true, nil
	}
	if ctx.Err() != nil {
		return false, wrap(op, ctx.Err())
	}
	_, err = c.explain(op, err)
	return false, nothing(c.host.exists(err), done)
}
