package tools

import (
	"context"

	mcpserver "github.com/mark3labs/mcp-go/server"

	"linkmail/mailbox"
)

type replyIn struct {
	MessageID         string      `json:"messageId" required:"true"`
	Body              string      `json:"body" doc:"Markdown or plain text"`
	HTMLBody          string      `json:"htmlBody"`
	ReplyAll          bool        `json:"replyAll"`
	Quote             bool        `json:"quote" default:"true"`
	From              string      `json:"from"`
	Attachments       []enclosure `json:"attachments"`
	Signature         bool        `json:"signature" default:"true"`
	AsDraft           bool        `json:"asDraft" default:"true" doc:"false: send it"`
	ConfirmationToken string      `json:"confirmationToken"`
}

func replyEmail(cfg Config) mcpserver.ServerTool {
	return define(cfg, definition{
		name:  "reply_email",
		title: "Reply to mail",
		description: "Answers a mail in its thread; recipients, subject and sender follow from it. " +
			"Saves a draft; asDraft false sends, as send_email does. " + fenceNote,
		effect: sends(cfg),
	}, func(ctx context.Context, in replyIn) (*briefOut, error) {
		mail, err := in.write(ctx, cfg)
		if err != nil {
			return nil, err
		}
		if in.AsDraft {
			return saveDraft(ctx, cfg, mail)
		}
		return brief(deliver(ctx, cfg, "reply_email", mail, in.ConfirmationToken))
	})
}

// sends is the effect of a tool that may send mail.
func sends(cfg Config) effect {
	return effect{destructive: cfg.Send.mode != draftOnly, openWorld: true}
}

func (in replyIn) write(ctx context.Context, cfg Config) (mailbox.Outgoing, error) {
	if in.Body == "" && in.HTMLBody == "" {
		return mailbox.Outgoing{}, invalid("body", "Give body, or htmlBody, or both.", "the answer has no body")
	}
	mail, err := cfg.Mailbox.Reply(ctx, in.MessageID, mailbox.Answering{All: in.ReplyAll, Quote: in.Quote, Zone: cfg.zone()})
	if err != nil {
		return mail, err
	}
	return composed{
		Body: in.Body, HTMLBody: in.HTMLBody, From: in.From, Attachments: in.Attachments, Signature: in.Signature,
	}.change(ctx, cfg, mail)
}

func brief(out *sendOut, err error) (*briefOut, error) {
	if err != nil {
		return nil, err
	}
	return &briefOut{out}, nil
}
