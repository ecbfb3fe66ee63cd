package tools

import (
	"context"
	"fmt"
	"strings"
	"time"

	mcpserver "github.com/mark3labs/mcp-go/server"

	"linkmail/mailbox"
)

// LabelCounter is what list_labels needs of the mailbox beside names.
type LabelCounter interface {
	CountLabels(ctx context.Context, ids []string) (mailbox.LabelCounts, error)
}

type listLabelsIn struct {
	Counts bool `json:"counts" default:"false" doc:"How many mails, and how many unread, are under each"`
}

type listLabelsOut struct {
	Items  []labelItem `json:"items"`
	Failed []uncounted `json:"failed,omitempty"`
	Note   string      `json:"note,omitempty"`

	retryAfter time.Duration
}

type labelItem struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Type   string `json:"type" enum:"system,user"`
	Unread *int   `json:"unread,omitempty"`
	Total  *int   `json:"total,omitempty"`
}

// uncounted names a label whose mails could not be counted.
type uncounted struct {
	ID     string `json:"id"`
	Reason string `json:"reason"`
}

// maxCounted is how many labels one call counts, a request each.
const maxCounted = 200

func listLabels(cfg Config) mcpserver.ServerTool {
	return define(cfg, definition{
		name:        "list_labels",
		title:       "List labels",
		description: "Lists the labels of the mailbox. Other tools take their names or ids.",
		effect:      effect{readOnly: true, idempotent: true},
	}, func(ctx context.Context, in listLabelsIn) (*listLabelsOut, error) {
		labels, err := cfg.Mailbox.Labels(ctx)
		if err != nil {
			return nil, err
		}
		out := labelsAnswer(labels)
		if !in.Counts || len(labels) == 0 {
			return out, nil
		}
		counted := labels[:min(len(labels), maxCounted)]
		counts, err := cfg.Mailbox.CountLabels(ctx, idsOfLabels(counted))
		if err != nil {
			return nil, err
		}
		out.count(counts, len(labels)-len(counted))
		return out, nil
	})
}

func labelsAnswer(labels []mailbox.Label) *listLabelsOut {
	out := &listLabelsOut{Items: make([]labelItem, 0, len(labels))}
	for _, l := range labels {
		item := labelItem{ID: l.ID, Name: line(l.Name), Type: "user"}
		if l.System {
			item.Type = "system"
		}
		out.Items = append(out.Items, item)
		if q := l.Query(); !l.System && (out.Note == "" || strings.Contains(l.Name, "/") && !strings.Contains(out.Note, "/")) {
			out.Note = fmt.Sprintf("In a query, %s is %s.", item.Name, line(q))
		}
	}
	return out
}

// count adds what was counted; left is how many labels were not.
func (o *listLabelsOut) count(counts mailbox.LabelCounts, left int) {
	for i := range o.Items {
		if n, ok := counts.Counts[o.Items[i].ID]; ok {
			o.Items[i].Unread, o.Items[i].Total = &n.Unread, &n.Total
		}
	}
	for _, f := range counts.Failed {
		o.Failed = append(o.Failed, uncounted{f.ID, f.Reason})
	}
	o.retryAfter = counts.RetryAfter
	if left > 0 {
		o.Note = strings.TrimSpace(fmt.Sprintf("%s The last %s were not counted: one call counts %d.", o.Note, plural(left, "label"), maxCounted))
	}
}

func (o *listLabelsOut) summary() summary {
	if len(o.Failed) > 0 {
		return summary{status: Partial, retryAfter: o.retryAfter}
	}
	return summary{status: OK}
}

// render writes a line a label, and those of Gmail's own that say nothing but
// their names on one line.
func (o *listLabelsOut) render(fence, string) string {
	var own, lines []string
	users := 0
	for _, l := range o.Items {
		s := l.ID
		if l.Name != l.ID {
			s += " | " + l.Name
		}
		if l.Total != nil {
			s += fmt.Sprintf(" | %d unread of %d", *l.Unread, *l.Total)
		}
		if l.Type == "user" {
			users++
		}
		if l.Type == "system" && s == l.ID {
			own = append(own, s)
		} else {
			lines = append(lines, s)
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %d of them the user's own: id | name.\n", plural(len(o.Items), "label"), users)
	if len(own) > 0 {
		b.WriteString(strings.Join(own, ", ") + "\n")
	}
	if len(lines) > 0 {
		b.WriteString(strings.Join(lines, "\n") + "\n")
	}
	if len(o.Failed) > 0 {
		b.WriteString("Not counted:")
		for _, f := range o.Failed {
			b.WriteString(" " + f.ID + " (" + f.Reason + ")")
		}
		b.WriteString(".\n")
	}
	b.WriteString(o.Note)
	return strings.TrimSpace(b.String())
}
