package mailbox

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	gmail "google.golang.org/api/gmail/v1"
)

// Filter is a rule that Gmail applies to mail as it arrives.
type Filter struct {
	ID string
	Criteria
	// Add and Remove are ids of labels.
	Add, Remove []string
	// Forward is where the mails are forwarded to. It is only ever read: this
	// package makes no filter that forwards.
	Forward string
}

// Criteria say which mails a filter is for; all of them have to hold.
type Criteria struct {
	From, To, Subject string
	// Query and Without are search expressions: one that a mail has to match,
	// and one that it must not.
	Query, Without string
	HasAttachment  bool
	// LargerThan and SmallerThan are in bytes; zero means any size, and Gmail
	// takes only one of the two.
	LargerThan, SmallerThan int64
}

// SearchQuery is the search expression for the mails that the criteria hold
// for. It is empty if there is none, because quotes or parentheses in a
// criterion are not paired.
func (f Criteria) SearchQuery() string {
	var terms []string
	for _, one := range []struct{ before, value string }{
		{"from:", f.From}, {"to:", f.To}, {"subject:", f.Subject}, {"", f.Query}, {"-", f.Without},
	} {
		value := strings.TrimSpace(one.value)
		switch {
		case value == "":
		case !paired(value):
			return ""
		default:
			terms = append(terms, one.before+"("+value+")")
		}
	}
	if f.HasAttachment {
		terms = append(terms, "has:attachment")
	}
	if f.LargerThan > 0 {
		terms = append(terms, fmt.Sprintf("larger:%d", f.LargerThan))
	}
	if f.SmallerThan > 0 {
		terms = append(terms, fmt.Sprintf("smaller:%d", f.SmallerThan))
	}
	return strings.Join(terms, " ")
}

// filterOf reads a filter out of Gmail's form.
func filterOf(g *gmail.Filter) Filter {
	f := Filter{ID: g.Id}
	clean := func(to *string, s string) { *to, _ = cleanLine(s) }
	if c := g.Criteria; c != nil {
		clean(&f.From, c.From)
		clean(&f.To, c.To)
		clean(&f.Subject, c.Subject)
		clean(&f.Query, c.Query)
		clean(&f.Without, c.NegatedQuery)
		f.HasAttachment = c.HasAttachment
		switch c.SizeComparison {
		case "larger":
			f.LargerThan = c.Size
		case "smaller":
			f.SmallerThan = c.Size
		}
	}
	if a := g.Action; a != nil {
		f.Add, f.Remove = slices.Clone(a.AddLabelIds), slices.Clone(a.RemoveLabelIds)
		clean(&f.Forward, a.Forward)
	}
	return f
}

// form puts the filter into Gmail's form, without a forwarding address.
func (f Filter) form() *gmail.Filter {
	c := &gmail.FilterCriteria{
		From: f.From, To: f.To, Subject: f.Subject, Query: f.Query, NegatedQuery: f.Without, HasAttachment: f.HasAttachment,
	}
	switch {
	case f.LargerThan > 0:
		c.Size, c.SizeComparison = f.LargerThan, "larger"
	case f.SmallerThan > 0:
		c.Size, c.SizeComparison = f.SmallerThan, "smaller"
	}
	return &gmail.Filter{Criteria: c, Action: &gmail.FilterAction{AddLabelIds: f.Add, RemoveLabelIds: f.Remove}}
}

// same reports whether two filters do the same to the same mails.
func (f Filter) same(g Filter) bool {
	return f.Criteria == g.Criteria && f.Forward == g.Forward && sameSet(f.Add, g.Add) && sameSet(f.Remove, g.Remove)
}

func sameSet(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// Filters returns the filters of the mailbox.
func (c *Client) Filters(ctx context.Context) ([]Filter, error) {
	var filters []Filter
	err := c.read(ctx, newBudget(), "list the filters", unitsSettings, func(ctx context.Context) error {
		list, err := c.service.Users.Settings.Filters.List(me).Context(ctx).Do()
		if err != nil {
			return err
		}
		filters = nil
		for _, g := range list.Filter {
			if g != nil && idForm.MatchString(g.Id) {
				filters = append(filters, filterOf(g))
			}
		}
		return nil
	})
	return filters, c.host.exists(err)
}

// CreateFilter makes a filter. One that forwards is refused, here and not only
// by whoever calls: a rule that sends all mail elsewhere is how an account is
// taken over. It needs the scope gmail.settings.basic.
func (c *Client) CreateFilter(ctx context.Context, f Filter) (Filter, error) {
	switch {
	case f.Forward != "":
		return Filter{}, &Error{
			Code: "forwarding_refused", Message: "filters that forward mail are not made here",
			Hint: "The user can set up forwarding in Gmail's own settings.",
		}
	case f.Criteria == Criteria{}:
		return Filter{}, invalid("the filter has no criteria, so it would be for all mail", "Name at least one.")
	case len(f.Add)+len(f.Remove) == 0:
		return Filter{}, invalid("the filter does nothing", "Name at least one label or action.")
	case f.LargerThan > 0 && f.SmallerThan > 0:
		return Filter{}, invalid("a filter cannot have two limits of size", "Name one of the two.")
	case len(slices.DeleteFunc(slices.Clone(f.Add), func(l string) bool { return !strings.HasPrefix(l, userLabel) })) > 1:
		return Filter{}, invalid("a filter can put only one of the user's own labels on a mail", "Make a filter for each of the labels.")
	}
	if err := c.quota.take(unitsSettingsEdit); err != nil {
		return Filter{}, nothing(err, "changed")
	}
	var made *gmail.Filter
	unclear, err := c.deliver(ctx, "make the filter", "changed", func(ctx context.Context) error {
		var err error
		made, err = c.service.Users.Settings.Filters.Create(me, f.form()).Context(ctx).Do()
		return err
	})
	switch {
	case unclear:
		all, err := c.Filters(ctx)
		if i := slices.IndexFunc(all, f.same); err == nil && i >= 0 {
			return all[i], nil
		}
		return Filter{}, unclearEdit("the filter was made", "manage_filter")
	case err != nil:
		return Filter{}, err
	}
	return filterOf(made), nil
}

// DeleteFilter deletes a filter. It needs the scope gmail.settings.basic.
func (c *Client) DeleteFilter(ctx context.Context, id string) error {
	err := c.read(ctx, newBudget(), "delete the filter", unitsSettingsEdit, func(ctx context.Context) error {
		return c.service.Users.Settings.Filters.Delete(me, id).Context(ctx).Do()
	})
	if e, ok := errors.AsType[*Error](err); ok && e.Code == codeNotFound {
		return &Error{Code: codeNotFound, Status: e.Status, Message: "there is no such filter", Hint: "List the filters for their ids.", Err: e}
	}
	return err
}

// Count returns how many mails a query matches now, spam and trash left out,
// counted up to 500; more says that there are others. It costs 5 units.
func (c *Client) Count(ctx context.Context, query string) (n int, more bool, err error) {
	if len(query) > maxQuery {
		return 0, false, invalid(fmt.Sprintf("the query is longer than %d bytes", maxQuery), "Search for fewer words.")
	}
	err = c.read(ctx, newBudget(), "count the mails", unitsList, func(ctx context.Context) error {
		list, err := c.listCall(Query{}, query, "messages/id", "nextPageToken").MaxResults(500).Context(ctx).Do()
		if err != nil {
			return err
		}
		n, more = len(list.Messages), list.NextPageToken != ""
		return nil
	})
	return n, more, c.host.exists(err)
}
