package tools

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	mcpserver "github.com/mark3labs/mcp-go/server"

	"linkmail/mailbox"
)

// Relabeler is what it takes to change the labels of mails.
type Relabeler interface {
	Relabel(ctx context.Context, ch mailbox.Change) (mailbox.Changed, error)
}

type modifyIn struct {
	MessageIDs   []string `json:"messageIds" doc:"Up to 1000"`
	ThreadIDs    []string `json:"threadIds" doc:"Instead: up to 100, with all of their mails"`
	Action       string   `json:"action" enum:"archive,unarchive,mark_read,mark_unread,star,unstar"`
	AddLabels    []string `json:"addLabels" doc:"Names or ids"`
	RemoveLabels []string `json:"removeLabels"`
}

type changeOut struct {
	// Items has every id once, by outcome.
	Items []outcome `json:"items"`
	// Undo are the calls that take this one back, each a tool and its arguments.
	Undo []string `json:"undo,omitempty"`
	Note string   `json:"note,omitempty"`

	what       string // what was done, for the text
	back       []undo
	threads    bool
	retryAfter time.Duration
}

// outcome is what became of mails, or of threads.
type outcome struct {
	Outcome string   `json:"outcome" enum:"done,unchanged,not_found,failed,unverified"`
	IDs     []string `json:"ids"`
	Reason  string   `json:"reason,omitempty"`
}

// undo is a call of a tool.
type undo struct {
	tool         string
	MessageIDs   []string `json:"messageIds,omitempty"`
	ThreadIDs    []string `json:"threadIds,omitempty"`
	AddLabels    []string `json:"addLabels,omitempty"`
	RemoveLabels []string `json:"removeLabels,omitempty"`
	Restore      bool     `json:"restore,omitempty"`
	Spam         bool     `json:"spam,omitempty"`
}

func (u undo) String() string {
	b, _ := json.Marshal(u) // strings and booleans always encode
	return u.tool + " " + string(b)
}

// brief leaves out the ids if they are many, and the ones that were done.
func (u undo) brief(done []string) string {
	const many = 20
	for _, ids := range []*[]string{&u.MessageIDs, &u.ThreadIDs} {
		if len(*ids) > many && slices.Equal(*ids, done) {
			*ids = []string{"those done, all of them"}
		}
	}
	return u.String()
}

// actions are short for a label that is added or removed.
var actions = map[string]struct{ add, remove string }{
	"archive": {remove: "INBOX"}, "unarchive": {add: "INBOX"},
	"mark_read": {remove: "UNREAD"}, "mark_unread": {add: "UNREAD"},
	"star": {add: "STARRED"}, "unstar": {remove: "STARRED"},
}

func modifyEmails(cfg Config) mcpserver.ServerTool {
	return define(cfg, definition{
		name:        "modify_emails",
		title:       "Label, archive or mark mail",
		description: "Archives, marks, stars or labels mails. Deletes nothing. Says what became of each id, and how to undo it.",
		effect:      effect{idempotent: true},
	}, func(ctx context.Context, in modifyIn) (*changeOut, error) {
		ch, err := change(in.MessageIDs, in.ThreadIDs)
		if err != nil {
			return nil, err
		}
		what, err := labelChange(ctx, cfg.Mailbox, in, &ch)
		if err != nil {
			return nil, err
		}
		done, err := cfg.Mailbox.Relabel(ctx, ch)
		if err != nil {
			return nil, err
		}
		return changeAnswer(ctx, cfg.Mailbox, what, ch, done), nil
	})
}

// change begins a change of the mails that a call names.
func change(messages, threads []string) (mailbox.Change, error) {
	ch := mailbox.Change{Messages: trimmedIDs(messages), Threads: trimmedIDs(threads)}
	switch {
	case len(ch.Messages)+len(ch.Threads) == 0:
		return ch, invalid("messageIds", "Use the ids that search_emails finds.", "neither messageIds nor threadIds names a mail")
	case len(ch.Messages) > 0 && len(ch.Threads) > 0:
		return ch, invalid("threadIds", "Call once for each.", "messageIds and threadIds cannot be given together")
	case len(ch.Messages) > mailbox.MaxMessages:
		return ch, invalid("messageIds", "Call once for every thousand.", "messageIds has %d ids; at most %d are taken", len(ch.Messages), mailbox.MaxMessages)
	case len(ch.Threads) > mailbox.MaxThreads:
		return ch, invalid("threadIds", "Call once for every hundred.", "threadIds has %d ids; at most %d are taken", len(ch.Threads), mailbox.MaxThreads)
	}
	return ch, nil
}

func trimmedIDs(ids []string) []string {
	var out []string
	for _, id := range ids {
		if id = strings.TrimSpace(id); id != "" && !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out
}

// labelChange fills in which labels change, and says so in words.
func labelChange(ctx context.Context, box Mailbox, in modifyIn, ch *mailbox.Change) (what string, err error) {
	add, err := changeable(ctx, box, "addLabels", in.AddLabels)
	if err != nil {
		return "", err
	}
	remove, err := changeable(ctx, box, "removeLabels", in.RemoveLabels)
	if err != nil {
		return "", err
	}
	a := actions[in.Action]
	ch.Add, ch.Remove = with(idsOfLabels(add), a.add), with(idsOfLabels(remove), a.remove)
	for _, id := range ch.Add {
		if slices.Contains(ch.Remove, id) {
			return "", invalid("removeLabels", "Name it in one of the two.", "the same label is to be added and removed")
		}
	}
	if len(ch.Add)+len(ch.Remove) == 0 {
		return "", invalid("action", "Give action, addLabels or removeLabels.", "nothing is to be changed")
	}
	var parts []string
	if in.Action != "" {
		parts = append(parts, in.Action)
	}
	if len(add) > 0 {
		parts = append(parts, "add "+strings.Join(namesOfLabels(add), ", "))
	}
	if len(remove) > 0 {
		parts = append(parts, "remove "+strings.Join(namesOfLabels(remove), ", "))
	}
	return strings.Join(parts, "; "), nil
}

func with(ids []string, id string) []string {
	if id == "" || slices.Contains(ids, id) {
		return ids
	}
	return append(ids, id)
}

// changeable returns the labels that an argument names, if they may be put on
// mails and taken off here.
func changeable(ctx context.Context, box LabelReader, argument string, words []string) ([]mailbox.Label, error) {
	labels, err := labelsNamed(ctx, box, argument, words)
	if err != nil {
		return nil, err
	}
	for _, l := range labels {
		switch l.ID {
		case "TRASH", "SPAM":
			return nil, invalid(argument, "Use trash_emails, which can also restore.", "%s names %s, which is not changed here", argument, l.ID)
		case "DRAFT", "SENT", "CHAT":
			return nil, invalid(argument, "Use a label of the user's own.", "%s names %s, which Gmail alone sets", argument, l.ID)
		}
	}
	return labels, nil
}

func changeAnswer(ctx context.Context, box LabelReader, what string, ch mailbox.Change, done mailbox.Changed) *changeOut {
	out := &changeOut{what: what, threads: len(ch.Threads) > 0, retryAfter: done.RetryAfter, Items: []outcome{}}
	for _, one := range []struct {
		outcome string
		ids     []string
	}{
		{"done", done.Done},
		{"unchanged", done.Unchanged},
		{"not_found", done.Missing},
		{"unverified", done.Unverified},
	} {
		if len(one.ids) > 0 {
			out.Items = append(out.Items, outcome{Outcome: one.outcome, IDs: one.ids})
		}
	}
	for _, f := range done.Failed {
		i := slices.IndexFunc(out.Items, func(o outcome) bool { return o.Outcome == "failed" && o.Reason == f.Reason })
		if i < 0 {
			i = len(out.Items)
			out.Items = append(out.Items, outcome{Outcome: "failed", Reason: f.Reason})
		}
		out.Items[i].IDs = append(out.Items[i].IDs, f.ID)
	}
	for _, back := range done.Reverse {
		out.back = append(out.back, undoing(ctx, box, back)...)
	}
	for _, u := range out.back {
		out.Undo = append(out.Undo, u.String())
	}
	if done.Inexact {
		out.Note = "Gmail did not tell how all of the mails were before; undo may also change some that were so already."
	}
	return out
}

// undoing returns the calls that carry out a change: what goes into the trash
// and out of it has a tool of its own.
func undoing(ctx context.Context, box LabelReader, ch mailbox.Change) []undo {
	var calls []undo
	for _, place := range []string{"TRASH", "SPAM"} {
		at := func(ids []string) bool { return slices.Contains(ids, place) }
		if at(ch.Add) || at(ch.Remove) {
			calls = append(calls, undo{
				tool: "trash_emails", MessageIDs: ch.Messages, ThreadIDs: ch.Threads,
				Restore: at(ch.Remove), Spam: place == "SPAM",
			})
		}
	}
	rest := undo{tool: "modify_emails", MessageIDs: ch.Messages, ThreadIDs: ch.Threads}
	rest.AddLabels = namesOf(ctx, box, elsewhere(ch.Add))
	rest.RemoveLabels = namesOf(ctx, box, elsewhere(ch.Remove))
	if len(rest.AddLabels)+len(rest.RemoveLabels) > 0 {
		calls = append(calls, rest)
	}
	return calls
}

// elsewhere leaves out trash and spam.
func elsewhere(ids []string) []string {
	return slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return id == "TRASH" || id == "SPAM" })
}

func (o *changeOut) summary() summary {
	for _, one := range o.Items {
		if one.Outcome != "done" && one.Outcome != "unchanged" {
			return summary{status: Partial, retryAfter: o.retryAfter}
		}
	}
	return summary{status: OK}
}

// outcomeTexts say what the outcomes mean.
var outcomeTexts = map[string]string{
	"done": "Done", "unchanged": "Was so already", "not_found": "Does not exist", "failed": "Failed",
	"unverified": "Accepted by Gmail, which did not say whether they exist",
}

// render names every id under what became of it.
func (o *changeOut) render(fence, string) string {
	noun := "mail"
	if o.threads {
		noun = "thread"
	}
	var b strings.Builder
	b.WriteString(o.what + ".\n")
	var done []string
	for _, one := range o.Items {
		fmt.Fprintf(&b, "%s (%s%s): %s.\n", outcomeTexts[one.Outcome], plural(len(one.IDs), noun), prefixed(", ", one.Reason), strings.Join(one.IDs, ", "))
		if one.Outcome == "done" {
			done = one.IDs
		}
		if one.Outcome == "failed" && o.retryAfter > 0 {
			fmt.Fprintf(&b, "Try those again in %.0f s; that does no harm.\n", max(1, o.retryAfter.Seconds()))
		}
	}
	for i, u := range o.back {
		word := "To undo"
		if i > 0 {
			word = "And"
		}
		fmt.Fprintf(&b, "%s: %s\n", word, u.brief(done))
	}
	b.WriteString(o.Note)
	return strings.TrimSpace(b.String())
}
