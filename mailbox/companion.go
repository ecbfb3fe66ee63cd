package mailbox

import (
	"context"
	"errors"
	"slices"
	"sync"

	"google.golang.org/api/googleapi"
)

// companions is what a list beside the search says about its mails. Heads do
// not tell attachments, nor a draft's own id, but Gmail can list the mails
// that have them; beside the search that takes no time, and a fraction of the
// quota of one mail.
type companions struct {
	ok    bool              // the list was read
	order []string          // mail ids, newest first
	more  bool              // the list goes on beyond order
	names map[string]string // mail id -> draft id, for drafts
}

// covers returns how many of ids, which are a page of the search, from its
// start the list settles: one of these that is not in the list is not meant by
// it. Both are in the same order, so what is older than the last common one
// can be in the list only if that is where the part that was read ends.
func (l *companions) covers(ids []string, firstPage bool) int {
	if !l.ok {
		return 0
	}
	common, settled := -1, 0
	for i, id := range ids {
		if at := slices.Index(l.order, id); at >= 0 {
			common, settled = at, i+1
		}
	}
	anchored := common >= 0 || firstPage
	if !l.more || anchored && common+1 < len(l.order) {
		return len(ids)
	}
	return settled
}

// companion starts the list and returns how to wait for it. read is nil where
// there is nothing to ask.
func (c *Client) companion(ctx context.Context, beside *sync.WaitGroup, read func(context.Context) companions) func() companions {
	if read == nil {
		return func() companions { return companions{} }
	}
	ready := make(chan companions, 1)
	beside.Go(func() { ready <- read(ctx) })
	return func() companions { return <-ready }
}

// reach is how far a companion list has to be read: as far as the page.
func (q *Query) reach() int64 {
	if q.PageToken != "" {
		return maxCompanions
	}
	return int64(q.Max)
}

// attachedIDs lists the mails of the search that have attachments.
func (c *Client) attachedIDs(q Query, effective string) func(context.Context) companions {
	return func(ctx context.Context) companions {
		var l companions
		err := c.once(ctx, "find attachments", unitsList, func(ctx context.Context) error {
			list, err := c.listCall(q, also(effective, "has:attachment"), "messages/id", "nextPageToken").
				MaxResults(q.reach()).Context(ctx).Do()
			if err != nil {
				return err
			}
			l.order, l.more = idsOf(list.Messages), list.NextPageToken != ""
			return nil
		})
		l.ok = err == nil
		return l
	}
}

// draftIDs lists the drafts of the search, if it asks for drafts.
func (c *Client) draftIDs(q Query, effective string) func(context.Context) companions {
	if !draftTerm.MatchString(effective) {
		return nil
	}
	return func(ctx context.Context) companions {
		names, err := c.draftNames(ctx, effective, q.reach())
		return companions{ok: err == nil, names: names}
	}
}

// draftNames returns the ids of the newest drafts, by those of their mails; of
// those only that the query finds, if it is not empty.
func (c *Client) draftNames(ctx context.Context, query string, limit int64) (map[string]string, error) {
	names := map[string]string{}
	err := c.once(ctx, "list drafts", unitsList, func(ctx context.Context) error {
		call := c.service.Users.Drafts.List(me).MaxResults(limit).Fields(googleapi.Field("drafts(id,message/id)"))
		if query != "" {
			call.Q(query)
		}
		list, err := call.Context(ctx).Do()
		if err != nil {
			return err
		}
		for _, d := range list.Drafts {
			if d.Message == nil {
				return errors.New("mailbox: a draft without a mail")
			}
			names[d.Message.Id], _ = cleanLine(d.Id)
		}
		return nil
	})
	return names, err
}
