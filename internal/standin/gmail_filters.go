package standin

import (
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"
)

// filter is a rule for arriving mail, in the form of the API.
type filter struct {
	ID       string         `json:"id,omitempty"`
	Criteria filterCriteria `json:"criteria"`
	Action   filterAction   `json:"action"`
}

type filterCriteria struct {
	From           string `json:"from,omitempty"`
	To             string `json:"to,omitempty"`
	Subject        string `json:"subject,omitempty"`
	Query          string `json:"query,omitempty"`
	NegatedQuery   string `json:"negatedQuery,omitempty"`
	HasAttachment  bool   `json:"hasAttachment,omitempty"`
	ExcludeChats   bool   `json:"excludeChats,omitempty"`
	Size           int64  `json:"size,omitempty"`
	SizeComparison string `json:"sizeComparison,omitempty"`
}

type filterAction struct {
	AddLabelIDs    []string `json:"addLabelIds,omitempty"`
	RemoveLabelIDs []string `json:"removeLabelIds,omitempty"`
	Forward        string   `json:"forward,omitempty"`
}

type filterListJSON struct {
	Filter []filter `json:"filter,omitempty"`
}

func listFilters(g *gmailState, c *call) (any, error) {
	var out filterListJSON
	err := g.inside(c, func(b *inbox) error {
		out.Filter = slices.Clone(b.filters)
		return nil
	})
	return out, err
}

func getFilter(g *gmailState, c *call) (any, error) {
	var out filter
	err := g.inside(c, func(b *inbox) error {
		i := b.filter(c.vars["id"])
		if i < 0 {
			return notFound()
		}
		out = b.filters[i]
		return nil
	})
	return out, err
}

func createFilter(g *gmailState, c *call) (any, error) {
	var in filter
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	err := g.inside(c, func(b *inbox) error {
		if err := in.check(b); err != nil {
			return err
		}
		in.ID = filterID(b.tick())
		b.filters = append(b.filters, in)
		return nil
	})
	return in, err
}

func deleteFilter(g *gmailState, c *call) (any, error) {
	err := g.inside(c, func(b *inbox) error {
		i := b.filter(c.vars["id"])
		if i < 0 {
			return notFound()
		}
		b.filters = slices.Delete(slices.Clone(b.filters), i, i+1)
		return nil
	})
	return nothing{}, err
}

// filter returns the index of a filter, or -1.
func (b *inbox) filter(id string) int {
	return slices.IndexFunc(b.filters, func(f filter) bool { return f.ID == id })
}

// filterID makes an id in the form of Gmail's.
func filterID(n uint64) string {
	d := seed("filter", n)
	return fmt.Sprintf("ANe1Bmj%016x%08x", d.next(), d.next()>>32)
}

// What filters may do with Gmail's own labels: star, mark as important, put
// into a category and delete; archive, mark as read, never spam, never important.
var (
	filterAdds    = []string{"STARRED", "IMPORTANT", "TRASH"}
	filterRemoves = []string{"INBOX", "UNREAD", "SPAM", "IMPORTANT"}
)

// check refuses what Gmail refuses; the caller holds the lock.
func (f filter) check(b *inbox) error {
	switch f.Criteria.SizeComparison {
	case "", "unspecified", "larger", "smaller":
	default:
		return badRequest("Invalid value at 'filter.criteria.size_comparison' (TYPE_ENUM), %q", f.Criteria.SizeComparison)
	}
	switch {
	case f.Criteria == filterCriteria{} || f.Criteria == filterCriteria{ExcludeChats: true}:
		return badRequest("Filter criteria must not be empty")
	case len(f.Action.AddLabelIDs)+len(f.Action.RemoveLabelIDs) == 0 && f.Action.Forward == "":
		return badRequest("Filter doesn't have any actions")
	case f.Action.Forward != "": // nobody here has a verified forwarding address
		return badRequest("Unrecognized forwarding address")
	}
	own := 0
	for _, id := range f.Action.AddLabelIDs {
		l := b.label(id)
		switch {
		case l != nil && !l.system:
			own++
		case l == nil || !slices.Contains(filterAdds, id) && !strings.HasPrefix(id, "CATEGORY_"):
			return badRequest("Invalid label %s in AddLabelIds", id)
		}
	}
	for _, id := range f.Action.RemoveLabelIDs {
		if !slices.Contains(filterRemoves, id) {
			return badRequest("Invalid label %s in RemoveLabelIds", id)
		}
	}
	if own > 1 {
		return badRequest("Invalid label: more than one user label in AddLabelIds")
	}
	for _, other := range b.filters {
		other.ID = f.ID
		if reflect.DeepEqual(other, f) {
			return refuse(http.StatusBadRequest, "FAILED_PRECONDITION", "failedPrecondition", "Filter already exists")
		}
	}
	return nil
}

// query is the search expression of the criteria.
func (f filterCriteria) query() string {
	var terms []string
	for _, one := range []struct{ operator, value string }{
		{"from:", f.From}, {"to:", f.To}, {"subject:", f.Subject}, {"", f.Query}, {"-", f.NegatedQuery},
	} {
		if one.value != "" {
			terms = append(terms, one.operator+"("+one.value+")")
		}
	}
	if f.HasAttachment {
		terms = append(terms, "has:attachment")
	}
	if f.Size > 0 && f.SizeComparison != "" {
		terms = append(terms, fmt.Sprintf("%s:%d", f.SizeComparison, f.Size))
	}
	return strings.Join(terms, " ")
}

// filtered applies the filters to a message that has just arrived; the caller
// holds the lock.
func (b *inbox) filtered(r *row, now time.Time) *row {
	for _, f := range b.filters {
		env := b.queryEnv(now)
		if q := parseQuery(f.Criteria.query()); q.matches(&env, r) {
			r = b.relabel(r, f.Action.AddLabelIDs, f.Action.RemoveLabelIDs)
		}
	}
	return r
}
