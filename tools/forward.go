package tools

import (
	"context"
	"time"

	mcpserver "github.com/mark3labs/mcp-go/server"

	"linkmail/mailbox"
)

// forwarder is what passing a mail on needs of the mailbox.
type forwarder interface {
	// Forward returns a mail without recipients that passes another one on, with
	// all of its attachments or, if they are not wanted, with none.
	Forward(ctx context.Context, id string, attachments bool, zone *time.Location) (mailbox.Outgoing, error)
}

type forwardIn struct {
	MessageID          string   `json:"messageId" required:"true"`
	To                 []string `json:"to" required:"true" doc:"Addresses, plain or as Name <address>"`
	Cc                 []string `json:"cc"`
	Note               string   `json:"note" doc:"Stands above the mail"`
	From               string   `json:"from"`
	IncludeAttachments bool     `json:"includeAttachments" default:"true"`
	Signature          bool     `json:"signature" default:"true"`
	AsDraft            bool     `json:"asDraft" default:"true" doc:"false: send it"`
	ConfirmationToken  string   `json:"confirmationToken"`
}

func forwardEmail(cfg Config) mcpserver.ServerTool {
	return define(cfg, definition{
		name:  "forward_email",
		title: "Forward mail",
		description: "Passes a mail on, whole and with its attachments, as a new mail. " +
			"Saves a draft; asDraft false sends, as send_email does. " + fenceNote,
		effect: sends(cfg),
	}, func(ctx context.Context, in forwardIn) (*briefOut, error) {
		mail, err := in.write(ctx, cfg)
		if err != nil {
			return nil, err
		}
		if in.AsDraft {
			return saveDraft(ctx, cfg, mail)
		}
		return brief(deliver(ctx, cfg, "forward_email", mail, in.ConfirmationToken))
	})
}

func (in forwardIn) write(ctx context.Context, cfg Config) (mailbox.Outgoing, error) {
	mail, err := cfg.Mailbox.Forward(ctx, in.MessageID, in.IncludeAttachments, cfg.zone())
	if err != nil {
		return mail, err
	}
	if err := (composed{To: in.To, Cc: in.Cc, From: in.From}).address(&mail); err != nil {
		return mail, err
	}
	mail.Text, mail.Markdown = withoutBlankStart(in.Note), true
	if !in.Signature {
		return mail, nil
	}
	return cfg.Mailbox.WithSignature(ctx, mail)
}
