package mailbox

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	gmail "google.golang.org/api/gmail/v1"
)

// userLabel begins the id of a label that the user made.
const userLabel = "Label_"

// Label is a label of a mailbox.
type Label struct {
	ID, Name string
	// System labels are Gmail's own. They cannot be made, renamed or deleted.
	System bool
	// Visibility is how Gmail's list of labels shows it; empty if it did not say.
	Visibility Visibility
	// Background and Text are colors as #rrggbb; empty for Gmail's default.
	Background, Text string
}

// Visibility is how Gmail's list of labels shows one.
type Visibility string

// The visibilities of a label.
const (
	Shown         Visibility = "show"
	ShownIfUnread Visibility = "show_if_unread"
	Hidden        Visibility = "hide"
)

// visibilities are the words of Gmail's API for them.
var visibilities = map[Visibility]string{
	Shown: "labelShow", ShownIfUnread: "labelShowIfUnread", Hidden: "labelHide",
}

// Query is the term that finds the mails under the label: a query writes its
// name in lower case, with a dash for what would end the word.
func (l Label) Query() string {
	return "label:" + strings.NewReplacer(" ", "-", "/", "-", "&", "-", "(", "-", ")", "-").Replace(strings.ToLower(l.Name))
}

// labelOf reads a label out of Gmail's form.
func labelOf(l *gmail.Label) Label {
	out := Label{ID: l.Id, System: l.Type == "system"}
	out.Name, _ = cleanLine(l.Name)
	for v, word := range visibilities {
		if word == l.LabelListVisibility {
			out.Visibility = v
		}
	}
	if l.Color != nil {
		out.Background, _ = cleanLine(l.Color.BackgroundColor)
		out.Text, _ = cleanLine(l.Color.TextColor)
	}
	return out
}

// labelSet is the labels of a mailbox as they were at one moment.
type labelSet struct {
	all   []Label
	names map[string]string // id -> name; nil if they were never read
}

const labelsOp = "list the labels"

// listLabels asks for the labels and remembers them.
func (c *Client) listLabels(ctx context.Context) error {
	list, err := c.service.Users.Labels.List(me).
		Fields("labels(id,name,type,labelListVisibility,color)").Context(ctx).Do()
	if err != nil {
		return err
	}
	set := labelSet{names: make(map[string]string, len(list.Labels))}
	for _, l := range list.Labels {
		if l == nil || !idForm.MatchString(l.Id) {
			continue
		}
		one := labelOf(l)
		set.all = append(set.all, one)
		set.names[one.ID] = one.Name
	}
	slices.SortStableFunc(set.all, func(a, b Label) int {
		return cmp.Or(rank(a)-rank(b), strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)))
	})
	c.labels.store(set, c.now())
	return nil
}

// rank puts Gmail's own labels first.
func rank(l Label) int {
	if l.System {
		return 0
	}
	return 1
}

// Labels asks for the labels of the mailbox: Gmail's own first, then the
// user's, each by name. It costs one quota unit.
func (c *Client) Labels(ctx context.Context) ([]Label, error) {
	if err := c.read(ctx, newBudget(), labelsOp, unitsLabels, c.listLabels); err != nil {
		return nil, c.host.exists(err)
	}
	return slices.Clone(c.labels.last().all), nil
}

// RecentLabels is [Client.Labels] from memory, if they were read within the
// last ten minutes and no label without a name was seen since.
func (c *Client) RecentLabels(ctx context.Context) ([]Label, error) {
	if set, ok := c.labels.recall(c.now()); ok {
		return slices.Clone(set.all), nil
	}
	return c.Labels(ctx)
}

// LabelCount is how many mails are under a label.
type LabelCount struct{ Total, Unread int }

// LabelCounts is the answer to [Client.CountLabels].
type LabelCounts struct {
	// Counts has the labels that were counted, by id.
	Counts map[string]LabelCount
	// Failed names those that could not be, by id.
	Failed []Failed
	// RetryAfter is when counting those makes sense again.
	RetryAfter time.Duration
}

// CountLabels counts the mails under labels, which are given by their ids. Each
// costs a request and a quota unit. A label that was deleted meanwhile is
// missing in the answer. An error means that none was counted.
func (c *Client) CountLabels(ctx context.Context, ids []string) (LabelCounts, error) {
	out := LabelCounts{Counts: make(map[string]LabelCount, len(ids))}
	counts := make([]LabelCount, len(ids))
	b := newBudget()
	errs, err := c.each(ctx, b, len(ids), "labels", func(ctx context.Context, i int) error {
		return c.read(ctx, b, "count the mails under a label", unitsLabels, func(ctx context.Context) error {
			l, err := c.service.Users.Labels.Get(me, ids[i]).Fields("messagesTotal", "messagesUnread").Context(ctx).Do()
			if err == nil {
				counts[i] = LabelCount{Total: int(l.MessagesTotal), Unread: int(l.MessagesUnread)}
			}
			return err
		})
	})
	if err != nil {
		return LabelCounts{}, err
	}
	for i, id := range ids {
		switch {
		case errs[i] == nil:
			out.Counts[id] = counts[i]
		case !isGone(errs[i]):
			f, after := failedOf(id, errs[i])
			out.Failed, out.RetryAfter = append(out.Failed, f), max(out.RetryAfter, after)
		}
	}
	return out, nil
}

// readLabels learns the names of the labels. It does its best: a label whose
// name is not known is shown by its id.
func (c *Client) readLabels(ctx context.Context) {
	_ = c.once(ctx, labelsOp, unitsLabels, c.listLabels)
}

// readLabelsBeside reads them at the same time as something else, if they are
// stale.
func (c *Client) readLabelsBeside(ctx context.Context, beside *sync.WaitGroup) {
	if c.labelsStale() {
		beside.Go(func() { c.readLabels(ctx) })
	}
}

// labelsStale reports whether the names should be read with the next request.
func (c *Client) labelsStale() bool {
	_, ok := c.labels.recall(c.now())
	return !ok
}

// labelNames puts names to label ids. A label that is newer than the list has
// no name yet; the list is then read again with the next call.
func (c *Client) labelNames(ids []string) []string {
	known := c.labels.last().names
	names := make([]string, 0, len(ids))
	for _, id := range ids {
		name, ok := known[id]
		if !ok {
			name, _ = cleanLine(id)
			if known != nil && strings.HasPrefix(id, userLabel) {
				c.labels.age()
			}
		}
		names = append(names, name)
	}
	return names
}
