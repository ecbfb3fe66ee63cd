package tools

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	mcpserver "github.com/mark3labs/mcp-go/server"

	"linkmail/mailbox"
)

// FilterEditor is what manage_filter needs of the mailbox beside names.
type FilterEditor interface {
	Filters(ctx context.Context) ([]mailbox.Filter, error)
	CreateFilter(ctx context.Context, f mailbox.Filter) (mailbox.Filter, error)
	DeleteFilter(ctx context.Context, id string) error
	Count(ctx context.Context, query string) (n int, more bool, err error)
}

type filterIn struct {
	Action        string   `json:"action" required:"true" enum:"list,preview,create,delete" doc:"preview: as create, but only counts what matches"`
	FilterID      string   `json:"filterId" doc:"delete: as list shows it"`
	From          string   `json:"from"`
	To            string   `json:"to"`
	Subject       string   `json:"subject"`
	Query         string   `json:"query" doc:"Gmail search the mail has to match"`
	ExcludeQuery  string   `json:"excludeQuery" doc:"Gmail search it must not match"`
	HasAttachment bool     `json:"hasAttachment" default:"false"`
	LargerThan    int      `json:"largerThan" min:"1" doc:"Bytes"`
	SmallerThan   int      `json:"smallerThan" min:"1" doc:"Bytes"`
	Do            []string `json:"do" doc:"archive, mark_read, star, mark_important, never_important, never_spam, trash"`
	AddLabels     []string `json:"addLabels" doc:"Names or ids; at most one of the user's own"`
}

type filterOut struct {
	Items []filterItem `json:"items"`
	// Outcome is what was done to the filter.
	Outcome string `json:"outcome" enum:"listed,previewed,created,deleted"`
	// Matches is how many mails match now, which the filter leaves alone.
	Matches     *int   `json:"matches,omitempty"`
	MoreMatches bool   `json:"moreMatches,omitempty"`
	Note        string `json:"note,omitempty"`
}

type filterItem struct {
	FilterID      string   `json:"filterId,omitempty"`
	From          string   `json:"from,omitempty"`
	To            string   `json:"to,omitempty"`
	Subject       string   `json:"subject,omitempty"`
	Query         string   `json:"query,omitempty"`
	ExcludeQuery  string   `json:"excludeQuery,omitempty"`
	HasAttachment bool     `json:"hasAttachment,omitempty"`
	LargerThan    int64    `json:"largerThan,omitempty"`
	SmallerThan   int64    `json:"smallerThan,omitempty"`
	Do            []string `json:"do,omitzero"`
	AddLabels     []string `json:"addLabels,omitzero"`
	// Forwards is where a filter that somebody else made forwards to.
	Forwards string `json:"forwards,omitempty"`
}

// filterDoes are the words for what a filter does with Gmail's own labels, in
// the order in which they are told.
var filterDoes = []struct{ word, add, remove string }{
	{word: "archive", remove: "INBOX"},
	{word: "mark_read", remove: "UNREAD"},
	{word: "star", add: "STARRED"},
	{word: "mark_important", add: "IMPORTANT"},
	{word: "never_important", remove: "IMPORTANT"},
	{word: "never_spam", remove: "SPAM"},
	{word: "trash", add: "TRASH"},
}

func manageFilter(cfg Config) mcpserver.ServerTool {
	return define(cfg, definition{
		name:  "manage_filter",
		title: "List, make or delete filters",
		description: "Filters act on mail as it arrives. Lists them, makes one (after preview), or deletes one. " +
			"A filter here never forwards mail. Changing them needs the scope gmail.settings.basic.",
		effect: effect{destructive: true},
	}, func(ctx context.Context, in filterIn) (*filterOut, error) {
		switch in.Action {
		case "list":
			return listFilters(ctx, cfg.Mailbox)
		case "delete":
			return deleteFilter(ctx, cfg.Mailbox, strings.TrimSpace(in.FilterID))
		}
		return makeFilter(ctx, cfg.Mailbox, in)
	})
}

func listFilters(ctx context.Context, box Mailbox) (*filterOut, error) {
	filters, err := box.Filters(ctx)
	if err != nil {
		return nil, err
	}
	out := &filterOut{Outcome: "listed", Items: make([]filterItem, 0, len(filters))}
	for _, f := range filters {
		out.Items = append(out.Items, filterItemOf(ctx, box, f))
	}
	return out, nil
}

func deleteFilter(ctx context.Context, box Mailbox, id string) (*filterOut, error) {
	filters, err := box.Filters(ctx)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(filters, func(f mailbox.Filter) bool { return f.ID == id })
	if id == "" || i < 0 {
		return nil, invalid("filterId", "Use one of those that action list shows.", "filterId names no filter of this mailbox")
	}
	if err := box.DeleteFilter(ctx, id); err != nil {
		return nil, err
	}
	return &filterOut{
		Outcome: "deleted", Items: []filterItem{filterItemOf(ctx, box, filters[i])},
		Note: filterItemOf(ctx, box, filters[i]).again(),
	}, nil
}

// makeFilter makes a filter, or says what one would be for.
func makeFilter(ctx context.Context, box Mailbox, in filterIn) (*filterOut, error) {
	f := mailbox.Filter{Criteria: mailbox.Criteria{
		From: strings.TrimSpace(in.From), To: strings.TrimSpace(in.To), Subject: strings.TrimSpace(in.Subject),
		Query: strings.TrimSpace(in.Query), Without: strings.TrimSpace(in.ExcludeQuery), HasAttachment: in.HasAttachment,
		LargerThan: int64(in.LargerThan), SmallerThan: int64(in.SmallerThan),
	}}
	if f.Criteria == (mailbox.Criteria{}) {
		return nil, invalid("from", "Give at least one of from, to, subject, query, excludeQuery, hasAttachment, largerThan and smallerThan.", "the filter has no criteria")
	}
	if err := filterActions(ctx, box, in, &f); err != nil {
		return nil, err
	}
	out := &filterOut{Outcome: "previewed"}
	if q := f.SearchQuery(); q != "" {
		n, more, err := box.Count(ctx, q)
		if err != nil {
			return nil, err
		}
		out.Matches, out.MoreMatches = &n, more
	} else {
		out.Note = "What matches now was not counted: quotes or parentheses of the criteria are not paired."
	}
	if in.Action == "create" {
		made, err := box.CreateFilter(ctx, f)
		if err != nil {
			return nil, err
		}
		f, out.Outcome = made, "created"
		out.Note = strings.TrimSpace(out.Note + " To undo: " + filterCall("delete", filterItem{FilterID: made.ID}))
	}
	out.Items = []filterItem{filterItemOf(ctx, box, f)}
	return out, nil
}

// filterActions fills in what the filter does.
func filterActions(ctx context.Context, box LabelReader, in filterIn, f *mailbox.Filter) error {
	for i, word := range in.Do {
		word = strings.ToLower(strings.TrimSpace(word))
		if strings.HasPrefix(word, "forward") {
			return &ArgumentError{
				Argument: "do", Code: "forwarding_refused",
				Message: "filters that forward mail are not made here",
				Hint:    "Tell the user that forwarding is set up in Gmail's own settings.",
			}
		}
		known := slices.IndexFunc(filterDoes, func(d struct{ word, add, remove string }) bool { return d.word == word })
		if known < 0 {
			return invalid("do", "Labels go into addLabels.", "do[%d] must be one of archive, mark_read, star, mark_important, never_important, never_spam, trash", i)
		}
		f.Add, f.Remove = with(f.Add, filterDoes[known].add), with(f.Remove, filterDoes[known].remove)
	}
	labels, err := labelsNamed(ctx, box, "addLabels", in.AddLabels)
	if err != nil {
		return err
	}
	for _, l := range labels {
		if l.System && !strings.HasPrefix(l.ID, "CATEGORY_") {
			return invalid("addLabels", "Use do for what Gmail's own labels stand for.", "addLabels names %s, which no filter puts on a mail", l.ID)
		}
		f.Add = with(f.Add, l.ID)
	}
	switch {
	case len(f.Add)+len(f.Remove) == 0:
		return invalid("do", "Give do or addLabels.", "the filter does nothing")
	case slices.Contains(f.Add, "IMPORTANT") && slices.Contains(f.Remove, "IMPORTANT"):
		return invalid("do", "Give one of the two.", "mark_important and never_important contradict each other")
	}
	return nil
}

func filterItemOf(ctx context.Context, box LabelReader, f mailbox.Filter) filterItem {
	item := filterItem{
		FilterID: f.ID, From: line(f.From), To: line(f.To), Subject: line(f.Subject), Query: line(f.Query), ExcludeQuery: line(f.Without),
		HasAttachment: f.HasAttachment, LargerThan: f.LargerThan, SmallerThan: f.SmallerThan,
		Do: []string{}, AddLabels: []string{}, Forwards: line(f.Forward),
	}
	add := slices.Clone(f.Add)
	for _, d := range filterDoes {
		if d.add != "" && slices.Contains(add, d.add) || d.remove != "" && slices.Contains(f.Remove, d.remove) {
			item.Do = append(item.Do, d.word)
			add = slices.DeleteFunc(add, func(l string) bool { return l == d.add })
		}
	}
	item.AddLabels = append(item.AddLabels, namesOf(ctx, box, add)...)
	return item
}

// filterCall is a call of manage_filter that takes back what was done to f.
func filterCall(action string, f filterItem) string {
	b, _ := json.Marshal(struct {
		Action string `json:"action"`
		filterItem
	}{action, f}) // strings, numbers and booleans always encode
	return "manage_filter " + string(b)
}

// again says how a filter that was deleted is made again.
func (f filterItem) again() string {
	if f.Forwards != "" {
		return "It cannot be made again here, because it forwarded mail."
	}
	f.FilterID = ""
	return "To undo: " + filterCall("create", f)
}

func (o *filterOut) summary() summary { return summary{status: OK} }

func (o *filterOut) render(fence, string) string {
	var b strings.Builder
	switch o.Outcome {
	case "listed":
		b.WriteString(plural(len(o.Items), "filter") + ".\n")
	case "previewed":
		b.WriteString("Nothing was made. The filter would be:\n")
	default:
		b.WriteString("The filter was " + o.Outcome + ":\n")
	}
	for _, f := range o.Items {
		b.WriteString(f.text() + "\n")
	}
	if o.Matches != nil {
		more := ""
		if o.MoreMatches {
			more = "More than "
		}
		fmt.Fprintf(&b, "%s%s match now. A filter acts on mail that arrives from now on; these stay as they are.\n", more, plural(*o.Matches, "mail"))
	}
	b.WriteString(o.Note)
	return strings.TrimSpace(b.String())
}

// text is a filter on one line, in the words of the arguments.
func (f filterItem) text() string {
	var parts []string
	add := func(name, value string) {
		if value != "" {
			parts = append(parts, name+": "+value)
		}
	}
	add("filterId", f.FilterID)
	add("from", f.From)
	add("to", f.To)
	add("subject", f.Subject)
	add("query", f.Query)
	add("excludeQuery", f.ExcludeQuery)
	if f.HasAttachment {
		parts = append(parts, "hasAttachment")
	}
	if f.LargerThan > 0 {
		parts = append(parts, fmt.Sprintf("largerThan: %d", f.LargerThan))
	}
	if f.SmallerThan > 0 {
		parts = append(parts, fmt.Sprintf("smallerThan: %d", f.SmallerThan))
	}
	add("do", strings.Join(f.Do, ", "))
	add("addLabels", strings.Join(f.AddLabels, ", "))
	add("FORWARDS ALL OF IT to", f.Forwards)
	return strings.Join(parts, " | ")
}
