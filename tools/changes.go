package tools

import (
	"context"
	"fmt"
	"strings"

	mcpserver "github.com/mark3labs/mcp-go/server"

	"linkmail/mailbox"
)

// ChangeReader is what list_changes needs of the mailbox beside names.
type ChangeReader interface {
	Changes(ctx context.Context, s mailbox.Since) (mailbox.Changes, error)
}

type changesIn struct {
	Cursor     string   `json:"cursor" doc:"nextCursor of the previous answer; empty: begin now"`
	Labels     []string `json:"labels" doc:"Only mail that has, or lost, one of these: names or ids"`
	MaxResults int      `json:"maxResults" min:"1" max:"500" default:"100"`
}

type changesOut struct {
	Items      []changedMail `json:"items"`
	NextCursor string        `json:"nextCursor"`
	// More: the next call has something to say at once.
	More bool   `json:"more"`
	Gap  bool   `json:"gap"`
	Note string `json:"note,omitempty"`

	begun bool // there was no cursor to say anything about
}

type changedMail struct {
	MessageID     string   `json:"messageId"`
	ThreadID      string   `json:"threadId"`
	Change        string   `json:"change" enum:"added,deleted,came_and_went,labels"`
	Labels        []string `json:"labels,omitempty"`
	LabelsAdded   []string `json:"labelsAdded,omitempty"`
	LabelsRemoved []string `json:"labelsRemoved,omitempty"`
}

func listChanges(cfg Config) mcpserver.ServerTool {
	return define(cfg, definition{
		name:  "list_changes",
		title: "List what changed",
		description: "Says which mails came, went or changed labels since a cursor, by id. Without cursor it begins one. " +
			"gap: the history since then is lost; search instead.",
		effect: effect{readOnly: true, idempotent: true},
	}, func(ctx context.Context, in changesIn) (*changesOut, error) {
		labels, err := labelsNamed(ctx, cfg.Mailbox, "labels", in.Labels)
		if err != nil {
			return nil, err
		}
		got, err := cfg.Mailbox.Changes(ctx, mailbox.Since{
			Cursor: strings.TrimSpace(in.Cursor), Labels: idsOfLabels(labels), Max: in.MaxResults,
		})
		if err != nil {
			return nil, err
		}
		out := &changesOut{Items: make([]changedMail, 0, len(got.Items)), NextCursor: got.Cursor, More: got.More, Gap: got.Gap}
		for _, m := range got.Items {
			out.Items = append(out.Items, changedOf(m))
		}
		switch {
		case strings.TrimSpace(in.Cursor) == "":
			out.begun = true
			out.Note = "The cursor begins now, and nothing is known of what was before: a call with it says what has changed since now. search_emails with after finds what came before."
		case got.Gap:
			out.Note = "Gmail no longer knows what changed since that cursor. Look for it with search_emails, for example newer_than:7d; the new cursor begins now."
		}
		return out, nil
	})
}

func changedOf(m mailbox.MailChange) changedMail {
	out := changedMail{MessageID: m.ID, ThreadID: m.ThreadID, Change: "labels", Labels: labelNames(m.Labels), LabelsAdded: labelNames(m.LabelsAdded), LabelsRemoved: labelNames(m.LabelsRemoved)}
	switch {
	case m.Added && m.Deleted:
		out.Change, out.Labels = "came_and_went", nil
	case m.Added:
		out.Change = "added"
	case m.Deleted:
		out.Change = "deleted"
	}
	return out
}

func (o *changesOut) summary() summary { return summary{status: OK} }

// render writes a line a mail.
func (o *changesOut) render(fence, string) string {
	var b strings.Builder
	if !o.begun {
		fmt.Fprintf(&b, "%s changed.\n", plural(len(o.Items), "mail"))
	}
	for _, m := range o.Items {
		fmt.Fprintf(&b, "%s | thread %s | %s", m.MessageID, m.ThreadID, m.Change)
		b.WriteString(prefixed(" | ", strings.Join(m.Labels, ",")))
		b.WriteString(prefixed(" | +", strings.Join(m.LabelsAdded, ",")))
		b.WriteString(prefixed(" | -", strings.Join(m.LabelsRemoved, ",")))
		b.WriteByte('\n')
	}
	if o.More {
		b.WriteString("There is more: call again at once with the new cursor.\n")
	}
	if o.Gap {
		b.WriteString("Gap: ")
	}
	if o.Note != "" {
		b.WriteString(o.Note + "\n")
	}
	return b.String() + "nextCursor: " + o.NextCursor
}
