package mailbox

import (
	"context"
	"slices"
	"sync"

	gmail "google.golang.org/api/gmail/v1"
	"google.golang.org/api/googleapi"
)

// maxCompanions is how many ids a companion list of a later page returns. It
// has to reach from the newest mail to that page, as its own page tokens do
// not fit.
const maxCompanions = 500

// Search returns a page of mails, newest first.
//
// It costs two round trips: one for the ids, one for the mails among them that
// are not known yet (one for every twenty). Everything else runs beside these.
// Mails that cannot be fetched are named in the page and do not fail it.
func (c *Client) Search(ctx context.Context, q Query) (Page, error) {
	if err := q.check(); err != nil {
		return Page{}, err
	}
	var page Page
	var err error
	if page.Translated, err = q.translate(); err != nil {
		return Page{}, err
	}
	b := newBudget()
	page.Effective = q.effective()

	var beside sync.WaitGroup
	defer beside.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()

	current := c.bringUpToDate(ctx, &beside)
	attached := c.companion(ctx, &beside, c.attachedIDs(q, page.Effective))
	drafts := c.companion(ctx, &beside, c.draftIDs(q, page.Effective))

	ids, next, err := c.list(ctx, b, q, page.Effective)
	if err != nil {
		return Page{}, err
	}
	page.Next = next

	heads := map[string]head{}
	if current() {
		heads = c.known.recall(ids)
	}
	missing := make([]string, 0, len(ids))
	for _, id := range ids {
		if _, ok := heads[id]; !ok {
			missing = append(missing, id)
		}
	}
	at := c.known.position()
	got, err := c.fetch(ctx, b, missing, headForm)
	if err != nil {
		return Page{}, err
	}
	fresh := make(map[string]head, len(got.messages))
	for id, m := range got.messages {
		fresh[id] = headOf(m)
		heads[id] = fresh[id]
	}
	c.known.store(at, fresh)

	beside.Wait() // the label names among them
	c.fill(&page, q, ids, heads, got, attached(), drafts())
	return page, nil
}

// fill puts the mails into the page, in the order of the list.
func (c *Client) fill(page *Page, q Query, ids []string, heads map[string]head, got fetched, attached, drafts companions) {
	settled := attached.covers(ids, q.PageToken == "")
	for i, id := range ids {
		h, ok := heads[id]
		if e := got.failed[id]; e != nil {
			page.Failed = append(page.Failed, Failed{ID: id, Reason: e.word()})
			page.RetryAfter = max(page.RetryAfter, e.RetryAfter)
		}
		if got.gone[id] {
			page.Omitted++
		}
		if !ok || !q.holds(h.Date) {
			continue
		}
		with := slices.Contains(attached.order, id)
		if i >= settled && !with {
			with = h.looksAttached()
		}
		s := c.summary(h, with)
		s.DraftID = drafts.names[id]
		page.Items = append(page.Items, s)
	}
}

// list asks for the ids of a page.
func (c *Client) list(ctx context.Context, b budget, q Query, effective string) (ids []string, next string, err error) {
	err = c.read(ctx, b, "search", unitsList, func(ctx context.Context) error {
		call := c.listCall(q, effective, "messages(id,threadId)", "nextPageToken").MaxResults(int64(q.Max))
		if q.PageToken != "" {
			call.PageToken(q.PageToken)
		}
		list, err := call.Context(ctx).Do()
		if err != nil {
			return err
		}
		ids, next = idsOf(list.Messages), list.NextPageToken
		return nil
	})
	return ids, next, c.host.exists(err)
}

func (c *Client) listCall(q Query, effective string, fields ...googleapi.Field) *gmail.UsersMessagesListCall {
	call := c.service.Users.Messages.List(me).Fields(fields...)
	if effective != "" {
		call.Q(effective)
	}
	if q.SpamTrash {
		call.IncludeSpamTrash(true)
	}
	return call
}

// idsOf returns the ids of messages, without what is not an id.
func idsOf(messages []*gmail.Message) []string {
	ids := make([]string, 0, len(messages))
	for _, m := range messages {
		if m != nil && idForm.MatchString(m.Id) {
			ids = append(ids, m.Id)
		}
	}
	return ids
}

// bringUpToDate starts what has to be known before the mails are fetched (the
// labels' changes, a position in the history) and what is shown with them (the
// account, label names). The returned function waits for the former alone and
// reports whether the labels of known mails are right.
func (c *Client) bringUpToDate(ctx context.Context, beside *sync.WaitGroup) (current func() bool) {
	c.readLabelsBeside(ctx, beside)
	ready := make(chan bool, 1)
	_, accountKnown := c.account.recall(c.now())
	switch {
	case !c.known.empty():
		if !accountKnown {
			beside.Go(func() { c.readProfile(ctx) })
		}
		beside.Go(func() { ready <- c.catchUp(ctx) })
	case !accountKnown || c.known.position() == 0:
		beside.Go(func() { ready <- c.readProfile(ctx) })
	default:
		ready <- true
	}
	return func() bool { return <-ready }
}

// word is the shortest name of what happened.
func (e *Error) word() string {
	if e.Reason != "" {
		return e.Reason
	}
	return e.Code
}
