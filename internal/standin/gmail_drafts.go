package standin

import (
	"slices"
	"strconv"
)

type draftJSON struct {
	ID      string       `json:"id,omitempty"`
	Message *messageJSON `json:"message,omitempty"`
}

type draftListJSON struct {
	Drafts             []draftJSON `json:"drafts,omitempty"`
	NextPageToken      string      `json:"nextPageToken,omitempty"`
	ResultSizeEstimate int         `json:"resultSizeEstimate"`
}

func listDrafts(g *gmailState, c *call) (any, error) {
	found, err := g.search(c)
	if err != nil {
		return nil, err
	}
	byMessage := map[string]string{}
	err = g.inside(c, func(b *inbox) error {
		for _, d := range b.drafts {
			byMessage[d.messageID] = d.id
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	found = slices.DeleteFunc(found, func(r *row) bool { return byMessage[r.id] == "" })
	p, err := paginate(g, c, found, rowCursor)
	if err != nil {
		return nil, err
	}
	out := draftListJSON{NextPageToken: p.next, ResultSizeEstimate: p.estimate}
	for _, r := range p.items {
		out.Drafts = append(out.Drafts, draftJSON{byMessage[r.id], &messageJSON{ID: r.id, ThreadID: r.threadID}})
	}
	return out, nil
}

func getDraft(g *gmailState, c *call) (any, error) {
	format, err := c.format("full", "metadata", "minimal", "raw")
	if err != nil {
		return nil, err
	}
	var r *row
	err = g.inside(c, func(b *inbox) error {
		d := b.draft(c.vars["id"])
		if d == nil {
			return notFound()
		}
		r = b.rows[d.messageID]
		return nil
	})
	if err != nil {
		return nil, err
	}
	m := g.message(r, format, nil)
	return draftJSON{c.vars["id"], &m}, nil
}

// draft finds a draft whose message is still there.
func (b *inbox) draft(id string) *draft {
	for i := range b.drafts {
		if d := &b.drafts[i]; d.id == id && b.rows[d.messageID] != nil {
			return d
		}
	}
	return nil
}

// draftContent reads what a draft is to hold.
func (c *call) draftContent(in *draftJSON) ([]byte, error) {
	media, err := c.content(in)
	if err != nil {
		return nil, err
	}
	if in.Message == nil {
		if media == nil {
			return nil, badRequest("Missing draft message")
		}
		in.Message = &messageJSON{}
	}
	return rawOf(*in.Message, media)
}

func createDraft(g *gmailState, c *call) (any, error) {
	var in, out draftJSON
	raw, err := c.draftContent(&in)
	if err != nil {
		return nil, err
	}
	err = g.inside(c, func(b *inbox) error {
		r, err := b.writeDraft(c, raw, in.Message.ThreadID)
		if err != nil {
			return err
		}
		id := draftID(b.serial)
		b.drafts = append(b.drafts, draft{id, r.id})
		m := brief(r)
		out = draftJSON{id, &m}
		return nil
	})
	return out, err
}

// draftID makes an id like Gmail's, which are signed numbers.
func draftID(serial uint64) string {
	d := seed("draft", serial)
	return "r" + strconv.FormatInt(int64(d.next()), 10) //nolint:gosec // the sign bit is welcome
}

// writeDraft files the message of a draft. A draft may lack recipients; its
// From is corrected and it gets a Message-ID, like everything Gmail writes.
func (b *inbox) writeDraft(c *call, raw []byte, threadID string) (*row, error) {
	m := splitRaw(raw)
	thread, err := b.joinable(threadID, m)
	if err != nil {
		return nil, err
	}
	id := b.newID()
	if thread == "" {
		thread = id
	}
	b.correctFrom(m)
	if m.value("Message-ID") == "" {
		d := seed("draft of "+b.user, b.serial)
		m.set("Message-ID", "<CA"+d.text(48)+"@mail.gmail.com>")
	}
	return b.add(letterOf(id, c.now, m.bytes()), thread, "DRAFT"), nil
}

// updateDraft replaces the whole message. The draft's id stays, the message's
// does not, and a thread that is not named again is lost.
func updateDraft(g *gmailState, c *call) (any, error) {
	var in, out draftJSON
	raw, err := c.draftContent(&in)
	if err != nil {
		return nil, err
	}
	err = g.inside(c, func(b *inbox) error {
		d := b.draft(c.vars["id"])
		if d == nil {
			return notFound()
		}
		r, err := b.writeDraft(c, raw, in.Message.ThreadID)
		if err != nil {
			return err
		}
		b.remove(d.messageID)
		d.messageID = r.id
		m := brief(r)
		out = draftJSON{d.id, &m}
		return nil
	})
	return out, err
}

func deleteDraft(g *gmailState, c *call) (any, error) {
	err := g.inside(c, func(b *inbox) error {
		d := b.draft(c.vars["id"])
		if d == nil {
			return notFound()
		}
		b.dropDraft(*d)
		return nil
	})
	return nothing{}, err
}

func (b *inbox) dropDraft(d draft) {
	b.remove(d.messageID)
	b.drafts = slices.DeleteFunc(b.drafts, func(other draft) bool { return other.id == d.id })
}

// sendDraft sends a draft once: it is gone afterwards, and the message that
// went out has an id of its own.
func sendDraft(g *gmailState, c *call) (any, error) {
	var in draftJSON
	media, err := c.content(&in)
	if err != nil {
		return nil, err
	}
	var sent *row
	err = g.inside(c, func(b *inbox) error {
		d := b.draft(in.ID)
		if d == nil {
			return notFound()
		}
		r := b.rows[d.messageID]
		raw := r.raw()
		if media != nil || in.Message != nil && in.Message.Raw != "" {
			if in.Message == nil {
				in.Message = &messageJSON{}
			}
			if raw, err = rawOf(*in.Message, media); err != nil {
				return err
			}
		}
		if sent, err = g.send(b, raw, r.threadID, c.now); err != nil {
			return err
		}
		b.dropDraft(*d)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return brief(sent), nil
}
