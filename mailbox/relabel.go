package mailbox

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	gmail "google.golang.org/api/gmail/v1"
)

// How many mails or threads one [Change] may name: as many mails as Gmail takes
// at once, and as many threads as fit into the time of one call.
const (
	MaxMessages = 1000
	MaxThreads  = 100
)

const (
	// singly is up to how many mails changing them one by one is cheaper than
	// at once, which costs as much as ten and does not say what exists.
	singly = unitsBatchModify / unitsModify
	// maxProbes is how many mails are asked about one by one after all.
	maxProbes = 100
	// changePages is how many pages of history a change may have caused.
	changePages = 6
)

// Change puts labels on mails and takes labels off.
type Change struct {
	// Messages are ids of mails, or else Threads are ids of threads, each of
	// which stands for all of its mails.
	Messages, Threads []string
	// Add and Remove are ids of labels.
	Add, Remove []string
}

// Changed is the answer to a [Change]. Every id that was asked for is in one of
// its lists.
type Changed struct {
	// Done are those that Gmail changed; Unchanged were as wanted before;
	// Missing do not exist.
	Done, Unchanged, Missing []string
	// Unverified are among many that Gmail accepted at once, which does not
	// tell whether they exist.
	Unverified []string
	// Failed are not known to be changed. To ask again does no harm.
	Failed []Failed
	// RetryAfter is when asking for the failed ones makes sense again.
	RetryAfter time.Duration
	// Reverse are the changes that take this one back.
	Reverse []Change
	// Inexact: for some mails Gmail did not tell what they were like before.
	// Reverse takes them for changed, though they may have been so already.
	Inexact bool
}

// Relabel carries out a change. It is harmless to repeat.
//
// It costs 5 units a mail up to ten mails and 50 beyond, 10 a thread, and two
// reads of the history around it: these tell what really changed, which makes
// the reverse exact and keeps the labels of known mails right. An error means
// that nothing was changed, as far as is known.
func (c *Client) Relabel(ctx context.Context, ch Change) (Changed, error) {
	ch, err := ch.checked()
	if err != nil {
		return Changed{}, err
	}
	b := newBudget()
	r := relabeling{Change: ch, answers: map[string]error{}, moves: map[string]*move{}}
	if c.catchUp(ctx) { // without it, the reverse is inexact
		r.at = c.known.position()
		r.before = c.known.recall(ch.Messages)
	}
	if err := c.carryOut(ctx, b, &r); err != nil {
		return Changed{}, err
	}
	if r.at != 0 {
		past, _ := c.replay(ctx, r.at, changePages) // without it, likewise
		r.follow(past)
	}
	c.probe(ctx, b, &r)
	return r.result()
}

// checked returns the change without repetitions, or refuses it.
func (ch Change) checked() (Change, error) {
	ch.Messages, ch.Threads = unique(ch.Messages), unique(ch.Threads)
	n := len(ch.Messages) + len(ch.Threads)
	switch {
	case n == 0:
		return ch, invalid("no mail is named", "Name mails by the ids that a search returned.")
	case len(ch.Messages) > 0 && len(ch.Threads) > 0:
		return ch, invalid("mails and threads are named together", "Name one of the two.")
	case len(ch.Messages) > MaxMessages:
		return ch, invalid(fmt.Sprintf("%d mails are named; at most %d can be changed at once", n, MaxMessages), "Name fewer, and call again for the rest.")
	case len(ch.Threads) > MaxThreads:
		return ch, invalid(fmt.Sprintf("%d threads are named; at most %d can be changed at once", n, MaxThreads), "Name fewer, and call again for the rest.")
	case len(ch.Add)+len(ch.Remove) == 0:
		return ch, invalid("no label is to be added or removed", "Name at least one.")
	}
	for i, id := range slices.Concat(ch.Messages, ch.Threads) {
		if !idForm.MatchString(id) {
			return ch, invalid(fmt.Sprintf("number %d of the ids is not in the form of one; nothing was changed", i+1), "Use ids exactly as a search returned them.")
		}
	}
	return ch, nil
}

func unique(list []string) []string {
	var out []string
	seen := make(map[string]bool, len(list))
	for _, s := range list {
		if !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	return out
}

// relabeling is a change under way.
type relabeling struct {
	Change
	// answers has what Gmail said to each id: nil for yes. Of those that were
	// changed all at once, it has none.
	answers map[string]error
	at      uint64           // the position in the history before; 0 is unknown
	before  map[string]head  // what was known of the mails before
	moves   map[string]*move // what the history says was done, by the mail's id
	told    bool             // the history had something to say
}

// carryOut does the change in the cheapest way.
func (c *Client) carryOut(ctx context.Context, b budget, r *relabeling) error {
	if len(r.Threads) > 0 || len(r.Messages) <= singly {
		return c.oneByOne(ctx, b, r, slices.Concat(r.Messages, r.Threads))
	}
	err := c.read(ctx, b, "change the labels", unitsBatchModify, func(ctx context.Context) error {
		return c.service.Users.Messages.BatchModify(me, &gmail.BatchModifyMessagesRequest{
			Ids: r.Messages, AddLabelIds: r.Add, RemoveLabelIds: r.Remove,
		}).Context(ctx).Do()
	})
	e, ok := errors.AsType[*Error](err)
	switch {
	case err == nil:
		return nil
	case ok && e.Status == http.StatusBadRequest:
		// One id in a form that Gmail does not use spoils it for all.
		return c.oneByOne(ctx, b, r, r.Messages)
	case ok && e.Code == codeUnavailable:
		for _, id := range r.Messages {
			r.answers[id] = err // unless the history says otherwise
		}
		return nil
	}
	return nothing(c.host.exists(err), "changed")
}

// oneByOne changes mails, or threads, with a request each.
func (c *Client) oneByOne(ctx context.Context, b budget, r *relabeling, ids []string) error {
	what := "mails"
	if len(r.Threads) > 0 {
		what = "threads"
	}
	errs, err := c.each(ctx, b, len(ids), what, func(ctx context.Context, i int) error {
		return c.byTrash(ctx, b, r, ids[i], c.modify(ctx, b, r, ids[i]))
	})
	if err != nil {
		return nothing(err, "changed")
	}
	for i, err := range errs {
		r.answers[ids[i]] = err
	}
	return nil
}

// modify changes one mail or thread.
func (c *Client) modify(ctx context.Context, b budget, r *relabeling, id string) error {
	const op = "change the labels"
	users := c.service.Users
	if len(r.Threads) > 0 {
		return c.read(ctx, b, op, unitsModifyThread, func(ctx context.Context) error {
			_, err := users.Threads.Modify(me, id, &gmail.ModifyThreadRequest{AddLabelIds: r.Add, RemoveLabelIds: r.Remove}).
				Fields("id").Context(ctx).Do()
			return err
		})
	}
	return c.read(ctx, b, op, unitsModify, func(ctx context.Context) error {
		_, err := users.Messages.Modify(me, id, &gmail.ModifyMessageRequest{AddLabelIds: r.Add, RemoveLabelIds: r.Remove}).
			Fields("id").Context(ctx).Do()
		return err
	})
}

// probe asks one by one about mails that were changed all at once and of which
// nothing shows that they exist. To change them again does no harm.
func (c *Client) probe(ctx context.Context, b budget, r *relabeling) {
	var open []string
	for _, id := range r.Messages {
		_, answered := r.answers[id]
		_, known := r.before[id]
		if !answered && !known && r.moves[id] == nil && len(open) < maxProbes {
			open = append(open, id)
		}
	}
	_ = c.oneByOne(ctx, b, r, open) // otherwise they stay unverified
}
