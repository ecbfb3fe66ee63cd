package tools

import (
	"context"

	mcpserver "github.com/mark3labs/mcp-go/server"

	"linkmail/mailbox"
)

// writes is the effect of a tool that saves drafts and sends nothing.
var writes = effect{openWorld: true}

func draftEmail(cfg Config) mcpserver.ServerTool {
	return define(cfg, definition{
		name:  "draft_email",
		title: "Write a draft",
		description: "Saves a draft; with draftId, changes what is given of one and keeps the rest. " +
			"send_email with the draftId alone sends it. " + fenceNote,
		effect: writes,
	}, func(ctx context.Context, in composed) (*briefOut, error) {
		mail, err := in.draft(ctx, cfg)
		if err != nil {
			return nil, err
		}
		return saveDraft(ctx, cfg, mail)
	})
}

// draft puts together what the draft is to hold.
func (in composed) draft(ctx context.Context, cfg Config) (mailbox.Outgoing, error) {
	if !in.written() {
		return mailbox.Outgoing{}, invalid("body", "Give what the draft is to hold.", "nothing of a mail is given")
	}
	if in.DraftID == "" {
		return in.write(ctx, cfg)
	}
	mail, err := cfg.Mailbox.OpenDraft(ctx, in.DraftID)
	if err != nil {
		return mail, err
	}
	if in.ReplyToMessageID != "" {
		reply, err := cfg.Mailbox.Reply(ctx, in.ReplyToMessageID, mailbox.Answering{})
		if err != nil {
			return mail, err
		}
		mail.Thread, mail.Subject = reply.Thread, reply.Subject
	}
	return in.change(ctx, cfg, mail)
}

// saveDraft saves a mail as a draft, and shows it.
func saveDraft(ctx context.Context, cfg Config, mail mailbox.Outgoing) (*briefOut, error) {
	receipt, err := cfg.Mailbox.Draft(ctx, mail)
	if err != nil {
		return nil, err
	}
	out := previewed(receipt, mail)
	out.tool = "draft_email"
	if receipt.Outcome == mailbox.Drafted {
		out.Note = "send_email with this draftId sends it."
	}
	return &briefOut{out}, nil
}
