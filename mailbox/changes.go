package mailbox

import (
	"context"
	"errors"
	"slices"
	"strconv"

	gmail "google.golang.org/api/gmail/v1"
)

// maxChanges is how many mails one page of changes has at most.
const maxChanges = 500

// Since asks what happened in a mailbox since a moment.
type Since struct {
	// Cursor is that moment, as [Changes].Cursor of an earlier answer. Empty
	// stands for now: nothing has happened yet, and a cursor begins.
	Cursor string
	// Labels are ids; if there are any, only mails that have one of them, or
	// lost it, count.
	Labels []string
	// Max is how many mails a page has, 1 to 500; zero means 100.
	Max int
}

// Changes is what happened to mails, in the order of the first event of each.
type Changes struct {
	Items []MailChange
	// Cursor continues from here.
	Cursor string
	// More: there are others already.
	More bool
	// Gap: what happened since is no longer known, as Gmail keeps the history
	// for about a week. Cursor begins anew.
	Gap bool
}

// MailChange is what happened to one mail, in the end.
type MailChange struct {
	ID, ThreadID string
	// Added: the mail is new. Deleted: it is gone for good.
	Added, Deleted bool
	// Labels are those of a new mail when it came; LabelsAdded and
	// LabelsRemoved are what changed since. All are names.
	Labels, LabelsAdded, LabelsRemoved []string
}

// Changes returns what happened since a moment. It costs 2 units a page of
// Gmail's, of which it reads up to [changePages].
func (c *Client) Changes(ctx context.Context, s Since) (Changes, error) {
	if s.Max == 0 {
		s.Max = 100
	}
	if s.Max < 1 || s.Max > maxChanges {
		return Changes{}, invalid("a page of changes has 1 to 500 mails", "Ask for fewer and continue with the cursor.")
	}
	if c.labelsStale() {
		c.readLabels(ctx)
	}
	if s.Cursor == "" {
		return c.present(ctx, Changes{})
	}
	at, err := strconv.ParseUint(s.Cursor, 10, 64)
	if err != nil || at == 0 {
		return Changes{}, invalid("the cursor is not one", "Use nextCursor of the previous answer, or none to begin.")
	}
	page := changes{since: s, at: map[string]*change{}, end: at}
	b := newBudget()
	for range changePages {
		var list *gmail.ListHistoryResponse
		err := c.read(ctx, b, "read the history", unitsHistory, func(ctx context.Context) error {
			var err error
			list, err = c.service.Users.History.List(me).StartHistoryId(page.end).MaxResults(maxChanges).Context(ctx).Do()
			return err
		})
		if isGone(err) {
			return c.present(ctx, Changes{Gap: true})
		}
		if err != nil {
			return Changes{}, err
		}
		if page.take(list) {
			return c.shown(&page, false), nil
		}
		if page.full {
			break
		}
	}
	return c.shown(&page, true), nil
}

// present begins a cursor at the present.
func (c *Client) present(ctx context.Context, out Changes) (Changes, error) {
	if err := c.Warm(ctx); err != nil {
		return Changes{}, err
	}
	at := c.known.newest()
	if at == 0 {
		return Changes{}, errors.New("mailbox: Gmail names no position in its history")
	}
	out.Cursor = strconv.FormatUint(at, 10)
	return out, nil
}

// changes is a page that is being read.
type changes struct {
	since Since
	at    map[string]*change // by the mail's id
	order []string
	end   uint64 // of what was taken in
	full  bool
}

// change is what happened to one mail so far.
type change struct {
	move           move
	labels         []string // of a new mail
	added, deleted bool
	counts         bool // it is about one of the labels that are asked for
}

// take takes in records until the page is full, and reports whether that was
// all there is.
func (p *changes) take(list *gmail.ListHistoryResponse) bool {
	for _, r := range list.History {
		if p.wouldExceed(r) {
			p.full = true
			return false
		}
		for _, e := range r.MessagesAdded {
			if one := p.of(e.Message); one != nil {
				one.added, one.labels = true, e.Message.LabelIds
				p.count(e.Message.Id, one, e.Message.LabelIds)
			}
		}
		for _, e := range r.LabelsAdded {
			if one := p.of(e.Message); one != nil {
				for _, l := range e.LabelIds {
					one.move.add(l)
				}
				p.count(e.Message.Id, one, slices.Concat(e.Message.LabelIds, e.LabelIds))
			}
		}
		for _, e := range r.LabelsRemoved {
			if one := p.of(e.Message); one != nil {
				for _, l := range e.LabelIds {
					one.move.remove(l)
				}
				p.count(e.Message.Id, one, slices.Concat(e.Message.LabelIds, e.LabelIds))
			}
		}
		for _, e := range r.MessagesDeleted {
			if one := p.of(e.Message); one != nil {
				one.deleted = true
				p.count(e.Message.Id, one, e.Message.LabelIds)
			}
		}
		p.end = max(p.end, r.Id)
	}
	if list.NextPageToken != "" && len(list.History) > 0 {
		return false
	}
	p.end = max(p.end, list.HistoryId)
	return true
}

// wouldExceed reports whether a record is about a mail that has no more room.
func (p *changes) wouldExceed(r *gmail.History) bool {
	if len(p.order) < p.since.Max {
		return false
	}
	for _, m := range r.Messages {
		if m != nil && p.at[m.Id] == nil {
			return true
		}
	}
	return false
}

func (p *changes) of(m *gmail.Message) *change {
	if m == nil || !idForm.MatchString(m.Id) {
		return nil
	}
	one := p.at[m.Id]
	if one == nil {
		one = &change{move: move{thread: m.ThreadId}}
		p.at[m.Id] = one
	}
	return one
}

// count notes that a mail belongs to the answer, if it does.
func (p *changes) count(id string, one *change, labels []string) {
	if one.counts || len(p.since.Labels) > 0 &&
		!slices.ContainsFunc(labels, func(l string) bool { return slices.Contains(p.since.Labels, l) }) {
		return
	}
	one.counts = true
	p.order = append(p.order, id)
}

// shown puts names to labels, and leaves out what came to nothing.
func (c *Client) shown(p *changes, more bool) Changes {
	out := Changes{Cursor: strconv.FormatUint(p.end, 10), More: more}
	for _, id := range p.order {
		one := p.at[id]
		m := MailChange{ID: id, ThreadID: one.move.thread, Added: one.added, Deleted: one.deleted}
		switch {
		case one.added:
			labels := slices.DeleteFunc(slices.Clone(one.labels), func(l string) bool { return slices.Contains(one.move.removed, l) })
			for _, l := range one.move.added {
				if !slices.Contains(labels, l) {
					labels = append(labels, l)
				}
			}
			m.Labels = c.labelNames(labels)
		case one.deleted:
		case one.move.empty():
			continue
		default:
			m.LabelsAdded, m.LabelsRemoved = c.labelNames(one.move.added), c.labelNames(one.move.removed)
		}
		out.Items = append(out.Items, m)
	}
	return out
}
