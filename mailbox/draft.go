package mailbox

import (
	"context"
	"errors"

	gmail "google.golang.org/api/gmail/v1"
	"google.golang.org/api/googleapi"
)

// Draft saves a mail as a draft, a new one or, where o is kept in one, that
// one: its id stays, and all of its content becomes that of o. A draft may lack
// recipients. As for a send, the receipt says [Unknown] where it is not certain
// that Gmail refused.
func (c *Client) Draft(ctx context.Context, o Outgoing) (Receipt, error) {
	units := unitsDraft
	if o.Draft.ID != "" {
		units = unitsRedraft
		if err := checkDraftID(o.Draft.ID); err != nil {
			return Receipt{Outcome: NotSent}, err
		}
	}
	m, err := c.prepare(ctx, o, units, "saved")
	if err != nil {
		return Receipt{Outcome: NotSent}, err
	}
	var saved *gmail.Draft
	unclear, err := c.deliverWithin(ctx, m.patience(), "save the draft", "saved", func(ctx context.Context) error {
		var err error
		saved, err = c.writeDraft(ctx, o.Draft.ID, m)
		return c.missing(err, noDraft)
	})
	switch {
	case unclear:
		return c.foundDraft(ctx, o.Draft.ID, m), nil
	case err != nil:
		return m.receipt(NotSent, nil), err
	}
	return c.drafted(m, saved.Id, saved.Message), nil
}

var draftFields = googleapi.Field("id,message(id,threadId)")

func (c *Client) writeDraft(ctx context.Context, id string, m *mailing) (*gmail.Draft, error) {
	content := &gmail.Draft{Message: m.message()}
	if id == "" {
		call := c.service.Users.Drafts.Create(me, content)
		if m.isLarge() {
			call, ctx = call.Media(m.media()), withUpload(ctx, len(m.raw))
		}
		return call.Fields(draftFields).Context(ctx).Do()
	}
	call := c.service.Users.Drafts.Update(me, id, content)
	if m.isLarge() {
		call, ctx = call.Media(m.media()), withUpload(ctx, len(m.raw))
	}
	return call.Fields(draftFields).Context(ctx).Do()
}

// foundDraft says what became of a draft whose saving had no clear end.
func (c *Client) foundDraft(ctx context.Context, id string, m *mailing) Receipt {
	found, ok := c.find(ctx, m, "DRAFT")
	if ok && id == "" {
		id = c.draftOf(ctx, found.Id)
	}
	if !ok || id == "" {
		r := m.receipt(Unknown, nil)
		r.Note = checkDrafts
		return r
	}
	return c.drafted(m, id, found)
}

// drafted is the receipt of a saved draft.
func (c *Client) drafted(m *mailing, id string, at *gmail.Message) Receipt {
	r := m.receipt(Drafted, at)
	r.DraftID, _ = cleanLine(id)
	if c.host.own() && idForm.MatchString(r.ID) {
		r.WebLink = "https://mail.google.com/mail/#drafts/" + r.ID
	}
	return r
}

// maxDrafts is among how many of the newest drafts one is looked for.
const maxDrafts = 500

// draftOf returns the id of the draft that has the mail messageID, or nothing.
func (c *Client) draftOf(ctx context.Context, messageID string) (id string) {
	_ = c.once(ctx, "list drafts", unitsList, func(ctx context.Context) error {
		list, err := c.service.Users.Drafts.List(me).MaxResults(maxDrafts).
			Fields(googleapi.Field("drafts(id,message/id)")).Context(ctx).Do()
		if err != nil {
			return err
		}
		for _, d := range list.Drafts {
			if d.Message != nil && d.Message.Id == messageID {
				id, _ = cleanLine(d.Id)
			}
		}
		return nil
	}) // an error leaves the draft unfound
	return id
}

// OpenDraft returns a draft with all of its content: who gets it, blind copies
// too, both forms of its body, its attachments and its thread. id is that of
// the draft or of its message.
//
// It is read from the message itself. Gmail's own account of a draft leaves
// the content of attachments out, and in some formats Bcc.
func (c *Client) OpenDraft(ctx context.Context, id string) (Outgoing, error) {
	if err := checkDraftID(id); err != nil {
		return Outgoing{}, err
	}
	b := newBudget()
	d, err := c.rawDraft(ctx, b, id)
	if e, ok := errors.AsType[*Error](err); ok && e.Code == noDraft.Code {
		if of := c.draftOf(ctx, id); of != "" {
			id = of
			d, err = c.rawDraft(ctx, b, id)
		}
	}
	if err != nil {
		return Outgoing{}, err
	}
	if d.Message == nil {
		d.Message = &gmail.Message{}
	}
	o, err := parseOutgoing(decodeBase64(d.Message.Raw))
	if err != nil {
		return Outgoing{}, err
	}
	o.Thread.ID = d.Message.ThreadId
	o.Draft.ID, o.Draft.MessageID = id, d.Message.Id
	return o, nil
}

func (c *Client) rawDraft(ctx context.Context, b budget, id string) (d *gmail.Draft, err error) {
	err = c.read(ctx, b, "read the draft", unitsGet, func(ctx context.Context) error {
		d, err = c.service.Users.Drafts.Get(me, id).Format("raw").
			Fields(googleapi.Field("id,message(id,threadId,raw)")).Context(ctx).Do()
		return c.missing(err, noDraft)
	})
	return d, err
}

// sendDraft sends the draft that o was read from, unless it has changed.
func (c *Client) sendDraft(ctx context.Context, o Outgoing) (Receipt, error) {
	m, err := c.draftReady(ctx, o)
	if err == nil {
		err = c.unchanged(ctx, o.Draft)
	}
	if err == nil {
		err = c.quota.take(unitsSend)
	}
	if err != nil {
		return Receipt{Outcome: NotSent}, nothing(err, "sent")
	}
	var sent *gmail.Message
	unclear, err := c.deliver(ctx, "send the draft", "sent", func(ctx context.Context) error {
		var err error
		sent, err = c.service.Users.Drafts.Send(me, &gmail.Draft{Id: o.Draft.ID}).
			Fields("id", "threadId").Context(ctx).Do()
		return c.missing(err, noDraft)
	})
	r, err := c.settled(ctx, m, sent, unclear, err)
	if r.Outcome == Unknown {
		return c.consumed(ctx, o.Draft, r)
	}
	return r, err
}

// draftReady makes a draft ready to go. Gmail has composed it, and has seen to
// it that it is from an address of the account.
func (c *Client) draftReady(ctx context.Context, o Outgoing) (*mailing, error) {
	if err := checkDraftID(o.Draft.ID); err != nil {
		return nil, err
	}
	m := &mailing{sendID: o.Draft.Mark, threadID: o.Thread.ID}
	m.subject, _ = cleanLine(o.Subject)
	var err error
	if m.to, m.cc, m.bcc, err = o.recipients(); err != nil {
		return nil, err
	}
	if m.replyTo, err = checkList("replyTo", o.ReplyTo); err != nil {
		return nil, err
	}
	want, err := parseFrom(o.From)
	if err != nil {
		return nil, err
	}
	from, err := c.from(ctx, newBudget(), want)
	if err != nil {
		return nil, err
	}
	m.from = from.Address
	c.historyPosition(ctx)
	m.since = c.known.newest()
	return m, nil
}

// unchanged refuses a draft that is not what it was: each change of a draft
// gives its message another id.
func (c *Client) unchanged(ctx context.Context, d Draft) error {
	var now *gmail.Draft
	err := c.read(ctx, newBudget(), "read the draft", unitsGet, func(ctx context.Context) error {
		var err error
		now, err = c.service.Users.Drafts.Get(me, d.ID).Format("minimal").
			Fields(googleapi.Field("id,message/id")).Context(ctx).Do()
		return c.missing(err, noDraft)
	})
	if err != nil {
		return err
	}
	if now.Message == nil || now.Message.Id != d.MessageID {
		return &Error{
			Code: "draft_changed", Message: "the draft was changed meanwhile",
			Hint: "Read it again and show it to the user before it is sent.",
		}
	}
	return nil
}

// DeleteDraft deletes a draft for good; there is no trash for drafts. id is
// that of the draft or of its message. It returns the draft's id. unclear means
// that the connection was lost, and the draft may still be there.
func (c *Client) DeleteDraft(ctx context.Context, id string) (draftID string, unclear bool, err error) {
	if err := checkDraftID(id); err != nil {
		return "", false, err
	}
	if of := c.draftOf(ctx, id); of != "" {
		id = of
	}
	if err := c.quota.take(unitsDraft); err != nil {
		return "", false, nothing(err, "deleted")
	}
	unclear, err = c.deliver(ctx, "delete the draft", "deleted", func(ctx context.Context) error {
		return c.missing(c.service.Users.Drafts.Delete(me, id).Context(ctx).Do(), noDraft)
	})
	if unclear && sleep(ctx, lookEvery) {
		gone, ok := errors.AsType[*Error](c.unchanged(ctx, Draft{ID: id}))
		unclear = !ok || gone.Code != noDraft.Code
	}
	return id, unclear, err
}

func checkDraftID(id string) error {
	if !idForm.MatchString(id) {
		return invalid("the draft id is not in the form of one", "Use a draftId exactly as draft_email or a search for in:draft returned it.")
	}
	return nil
}

// What a request about something that is not there is answered with.
var (
	noDraft = Error{
		Code: "draft_not_found", Message: "there is no draft with this id; it may have been sent or deleted",
		Hint: "A draftId is not a messageId: a search for in:draft names both.",
	}
	noThread = Error{
		Code: "thread_not_found", Message: "the thread of the mail is gone",
		Hint: "Write a new mail, if the user wants that.",
	}
)

// missing replaces Gmail's answer that something is not there.
func (c *Client) missing(err error, what Error) error {
	api, ok := errors.AsType[*googleapi.Error](err)
	if !ok {
		return err
	}
	if e, _ := c.host.classify(api.Code, api.Header, []byte(api.Body), c.now()); e.Code != codeNotFound {
		return err
	}
	what.Status = api.Code
	return &what
}
