package mailbox

import (
	"context"
	"errors"
	"slices"
	"sync"

	gmail "google.golang.org/api/gmail/v1"
	"google.golang.org/api/googleapi"
)

// ThreadQuery asks for a thread, by its own id or by that of one of its mails.
type ThreadQuery struct {
	// ID is the thread's. If empty, it is looked up for Message. The id of a
	// mail is taken for that of its thread, and the mail as named by Message.
	ID string
	// Message is the id of a mail of the thread that is listed even if it is
	// not among the newest. It may be empty if ID is not.
	Message string
	// Max is how many mails are listed, the newest, 1 to 100; zero means 20.
	Max int
}

// Thread is a conversation as the mailbox holds it, drafts and trash included.
type Thread struct {
	ID string
	// Subject is that of the oldest mail.
	Subject string
	// Messages are the mails that are listed, oldest first. Their bodies are
	// Markdown.
	Messages []Message
	// Total is how many mails the thread has, and Omitted the ids of those that
	// are not listed, oldest first.
	Total   int
	Omitted []string
}

const (
	defaultThread = 20
	maxThread     = 100
	// maxThreadText bounds the text that one thread is converted for, in bytes.
	// Nobody reads as much at once, and a thread of a hundred large mails would
	// take as many requests and fill the memory.
	maxThreadText = 4 << 20
)

// Thread reads a conversation: one request, two where only a mail of it is
// named that is not known yet, three where its id is taken for the thread's,
// another if there are drafts in it, and one for every text that Gmail keeps
// apart. Of a very long thread the older mails come without their text, and say
// so ([Message.Skipped]).
func (c *Client) Thread(ctx context.Context, q ThreadQuery) (Thread, error) {
	switch {
	case q.ID == "" && q.Message == "":
		return Thread{}, invalid("neither a thread nor a mail of one is named", "Name one of them.")
	case q.ID != "" && !idForm.MatchString(q.ID), q.Message != "" && !idForm.MatchString(q.Message):
		return Thread{}, invalid("the id is not in the form of one", "Use an id exactly as a search returned it.")
	case q.Max < 0 || q.Max > maxThread:
		return Thread{}, invalid("there cannot be so many mails at once", "Ask for 1 to 100.")
	case q.Max == 0:
		q.Max = defaultThread
	}
	b := newBudget()
	var beside sync.WaitGroup
	defer beside.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c.readLabelsBeside(ctx, &beside)
	if q.ID == "" {
		var err error
		if q.ID, err = c.threadOf(ctx, b, q.Message); err != nil {
			return Thread{}, err
		}
	}
	at := c.known.position()
	t, err := c.getThread(ctx, b, q.ID)
	if isGone(err) && q.Message == "" {
		// Many a caller has a mail's id at hand and takes it for the thread's.
		switch id, lookup := c.threadOf(ctx, b, q.ID); {
		case lookup == nil && id != q.ID:
			q.ID, q.Message = id, q.ID
			t, err = c.getThread(ctx, b, q.ID)
		case lookup != nil && !isGone(lookup):
			err = lookup
		}
	}
	if err != nil {
		return Thread{}, err
	}
	out, heads, err := c.listed(ctx, b, t, q)
	if err != nil {
		return Thread{}, err
	}
	if at == 0 {
		// As for a single mail, its history id is the position at hand; of
		// several that are read at once, the latest.
		for _, m := range t.Messages {
			at = max(at, m.HistoryId)
		}
		c.known.startAt(at)
	}
	c.known.store(at, heads)
	drafts := c.draftsAmong(ctx, heads)
	beside.Wait()
	for i := range out.Messages { // the names of the labels are there now
		m := &out.Messages[i]
		m.Labels, m.DraftID = c.labelNames(heads[m.ID].labels), drafts[m.ID]
	}
	return out, nil
}

func (c *Client) getThread(ctx context.Context, b budget, id string) (t *gmail.Thread, err error) {
	err = c.read(ctx, b, "read the thread", unitsThread, func(ctx context.Context) error {
		var err error
		t, err = c.service.Users.Threads.Get(me, id).Format(fullForm.format).
			Fields("id", googleapi.Field("messages("+fullForm.fields+")")).Context(ctx).Do()
		return err
	})
	if e, ok := errors.AsType[*Error](err); ok && e.Code == codeNotFound {
		e.Message, e.Hint = "there is no such thread", "It may have been deleted. Search again for its mails."
	}
	return t, err
}

// draftsAmong returns the ids by which drafts are changed and sent, as far as
// Gmail tells. Where there is no draft it is not asked.
func (c *Client) draftsAmong(ctx context.Context, heads map[string]head) map[string]string {
	for _, h := range heads {
		if slices.Contains(h.labels, "DRAFT") {
			names, _ := c.draftNames(ctx, "", maxCompanions)
			return names
		}
	}
	return nil
}

// threadOf returns the thread that a mail belongs to.
func (c *Client) threadOf(ctx context.Context, b budget, id string) (string, error) {
	if h, ok := c.known.recall([]string{id})[id]; ok {
		return h.ThreadID, nil
	}
	var m *gmail.Message
	err := c.read(ctx, b, "find the thread of the mail", unitsGet, func(ctx context.Context) error {
		var err error
		m, err = c.get(ctx, id, form{format: "minimal", fields: "threadId"})
		return err
	})
	if err != nil {
		return "", err
	}
	return m.ThreadId, nil
}

// listed converts the mails of t that q asks for: first the one that it names,
// then the others from the newest on, until there is more text than anybody
// reads.
func (c *Client) listed(ctx context.Context, b budget, t *gmail.Thread, q ThreadQuery) (Thread, map[string]head, error) {
	all := t.Messages
	slices.SortStableFunc(all, func(a, b *gmail.Message) int { return int(min(max(a.InternalDate-b.InternalDate, -1), 1)) })
	named := slices.IndexFunc(all, func(m *gmail.Message) bool { return m.Id == q.Message })
	if q.Message != "" && named < 0 {
		return Thread{}, nil, &Error{
			Code: codeNotFound, Message: "the mail is not, or no longer, in this thread",
			Hint: "Name the thread alone, or the mail alone.",
		}
	}
	out := Thread{ID: t.Id, Total: len(all)}
	if len(all) == 0 {
		return out, nil, nil
	}
	out.Subject = headOf(all[0]).Subject
	first := max(0, len(all)-q.Max)
	chosen := all[first:]
	if named >= 0 && named < first { // it takes the place of the oldest
		chosen = append([]*gmail.Message{all[named]}, all[first+1:]...)
	}
	for _, m := range all {
		if !slices.Contains(chosen, m) {
			out.Omitted = append(out.Omitted, m.Id)
		}
	}
	out.Messages = make([]Message, len(chosen))
	heads := make(map[string]head, len(chosen))
	text := 0
	for n, i := range newestFirst(chosen, q.Message) {
		m := chosen[i]
		h := headOf(m)
		heads[m.Id] = h
		if text > maxThreadText {
			out.Messages[i] = Message{Summary: c.summary(h, false), Skipped: true}
			continue
		}
		_, converted, ok := c.known.recallMessage(m.Id, Markdown)
		if !ok {
			var err error
			if converted, err = c.convert(ctx, b, m, Markdown); err != nil {
				return Thread{}, nil, err
			}
			c.known.storeBody(m.Id, Markdown, converted)
			if converted.apart {
				progress(ctx, n+1, len(chosen), "mails")
			}
		}
		text += len(converted.text)
		out.Messages[i] = c.message(h, converted)
	}
	return out, heads, nil
}

// newestFirst returns the places of mails that are in order of arrival, the
// newest first but behind the one that is named, if it is among them.
func newestFirst(mails []*gmail.Message, named string) []int {
	order := make([]int, 0, len(mails))
	for i, m := range mails {
		if m.Id == named {
			order = append(order, i)
		}
	}
	for i, m := range slices.Backward(mails) {
		if m.Id != named {
			order = append(order, i)
		}
	}
	return order
}
