package tools

import (
	"context"

	mcpserver "github.com/mark3labs/mcp-go/server"
)

type trashIn struct {
	MessageIDs []string `json:"messageIds" doc:"Up to 1000"`
	ThreadIDs  []string `json:"threadIds" doc:"Instead: up to 100"`
	Restore    bool     `json:"restore" default:"false" doc:"Take them out"`
	Spam       bool     `json:"spam" default:"false" doc:"Spam instead of trash"`
}

// restoredNote says where mails are that were taken out of the trash.
const restoredNote = "They are not in the inbox; modify_emails with action unarchive puts them there."

func trashEmails(cfg Config) mcpserver.ServerTool {
	return define(cfg, definition{
		name:  "trash_emails",
		title: "Trash or restore mail",
		description: "Moves mails to the trash (or spam), where Gmail deletes them after 30 days, or restores them. " +
			"To archive, use modify_emails.",
		effect: effect{destructive: true, idempotent: true},
	}, func(ctx context.Context, in trashIn) (*changeOut, error) {
		ch, err := change(in.MessageIDs, in.ThreadIDs)
		if err != nil {
			return nil, err
		}
		place, name := "TRASH", "the trash"
		if in.Spam {
			place, name = "SPAM", "spam"
		}
		what := "Move to " + name
		if in.Restore {
			what, ch.Remove = "Take out of "+name, []string{place}
		} else {
			ch.Add = []string{place}
		}
		done, err := cfg.Mailbox.Relabel(ctx, ch)
		if err != nil {
			return nil, err
		}
		out := changeAnswer(ctx, cfg.Mailbox, what, ch, done)
		if in.Restore && len(done.Done) > 0 {
			out.Note = restoredNote + prefixed(" ", out.Note)
		}
		return out, nil
	})
}
