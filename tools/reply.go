package tools

import (
	"context"
	"strings"
	"time"

	mcpserver "github.com/mark3labs/mcp-go/server"

	"linkmail/mailbox"
)

// forwarder is what the tools need of the mailbox to pass mail on, and to
// delete drafts.
type forwarder interface {
	Forward(ctx context.Context, id string, attachments bool, zone *time.Location) (mailbox.Outgoing, error)
	// DeleteDraft takes the id of a draft or of its message. unclear: the
	// connection was lost, and the draft may still be there.
	DeleteDraft(ctx context.Context, id string) (draftID string, unclear bool, err error)
}

type replyIn struct {
	MessageID         string     `json:"messageId" required:"true"`
	Body              string     `json:"body" required:"true" doc:"Text or Markdown, without the mail that is answered"`
	ReplyAll          bool       `json:"replyAll" default:"false"`
	From              string     `json:"from"`
	Quote             bool       `json:"quote" default:"true"`
	Attachments       []enclosed `json:"attachments"`
	Signature         bool       `json:"signature" default:"true"`
	AsDraft           bool       `json:"asDraft" default:"true" doc:"false: send it, as send_email does"`
	ConfirmationToken string     `json:"confirmationToken"`
	AllowDuplicate    bool       `json:"allowDuplicate" default:"false"`
}

func replyEmail(cfg Config) mcpserver.ServerTool {
	return define(cfg, definition{
		name:  "reply_email",
		title: "Reply to a mail",
		description: "Answers a mail in its thread, as a draft unless asDraft is false. " +
			"Recipients, subject and sender come from the mail: Reply-To, else From; with replyAll everybody but the user.",
		effect: effect{destructive: cfg.Send.mode != draftOnly, openWorld: true},
	}, func(ctx context.Context, in replyIn) (*sendOut, error) {
		if strings.TrimSpace(in.Body) == "" {
			return nil, invalid("body", "Give what the answer is to say.", "body is empty")
		}
		letter := letterIn{Body: in.Body, From: in.From, Attachments: in.Attachments, Signature: in.Signature}
		mail, err := cfg.Mailbox.Reply(ctx, in.MessageID, mailbox.Answering{All: in.ReplyAll, Quote: in.Quote, Zone: cfg.zone()})
		if err == nil {
			// A mail names whom an answer goes to, whether it was read or not.
			cfg.exposure.note(ctx, bareAddresses(mail))
			mail, err = letter.onto(ctx, cfg, mail)
		}
		if err != nil {
			return nil, err
		}
		return onItsWay(ctx, cfg, in.AsDraft, errand{
			tool: "reply_email", mail: mail, derived: true, token: in.ConfirmationToken, repeat: in.AllowDuplicate,
		})
	})
}

// onItsWay saves a mail, or sends it through the gate.
func onItsWay(ctx context.Context, cfg Config, asDraft bool, e errand) (*sendOut, error) {
	if asDraft {
		return saveDraft(ctx, cfg, e)
	}
	return dispatch(ctx, cfg, e)
}

type forwardIn struct {
	MessageID          string   `json:"messageId" required:"true"`
	To                 []string `json:"to" required:"true"`
	Cc                 []string `json:"cc"`
	Note               string   `json:"note" doc:"Text or Markdown above the mail"`
	From               string   `json:"from"`
	IncludeAttachments bool     `json:"includeAttachments" default:"true"`
	Signature          bool     `json:"signature" default:"true"`
	AsDraft            bool     `json:"asDraft" default:"true" doc:"false: send it, as send_email does"`
	ConfirmationToken  string   `json:"confirmationToken"`
	AllowDuplicate     bool     `json:"allowDuplicate" default:"false"`
}

func forwardEmail(cfg Config) mcpserver.ServerTool {
	return define(cfg, definition{
		name:        "forward_email",
		title:       "Forward a mail",
		description: "Passes a mail on, with all of its attachments, as a draft unless asDraft is false.",
		effect:      effect{destructive: cfg.Send.mode != draftOnly, openWorld: true},
	}, func(ctx context.Context, in forwardIn) (*sendOut, error) {
		letter := letterIn{To: in.To, Cc: in.Cc, Body: in.Note, From: in.From, Signature: in.Signature}
		var probe mailbox.Outgoing
		if err := letter.head(&probe); err != nil { // before anything is fetched
			return nil, err
		}
		mail, err := cfg.Mailbox.Forward(ctx, in.MessageID, in.IncludeAttachments, cfg.zone())
		if err == nil {
			mail.Markdown = true
			mail, err = letter.onto(ctx, cfg, mail)
		}
		if err != nil {
			return nil, err
		}
		return onItsWay(ctx, cfg, in.AsDraft, errand{
			tool: "forward_email", mail: mail, derived: true, token: in.ConfirmationToken, repeat: in.AllowDuplicate,
		})
	})
}

type deleteDraftIn struct {
	DraftID   string `json:"draftId"`
	MessageID string `json:"messageId" doc:"Instead of draftId: its message"`
}

type deleteDraftOut struct {
	DraftID string `json:"draftId"`
	Outcome string `json:"outcome" enum:"deleted,unknown"`
}

func deleteDraft(cfg Config) mcpserver.ServerTool {
	return define(cfg, definition{
		name:        "delete_draft",
		title:       "Delete a draft",
		description: "Deletes a draft for good: Gmail has no trash for drafts.",
		effect:      effect{destructive: true, idempotent: true},
	}, func(ctx context.Context, in deleteDraftIn) (*deleteDraftOut, error) {
		id := in.DraftID
		if id == "" {
			id = in.MessageID
		}
		if id == "" || in.DraftID != "" && in.MessageID != "" {
			return nil, invalid("draftId", "A search for in:draft names both.", "give draftId or messageId")
		}
		draftID, unclear, err := cfg.Mailbox.DeleteDraft(ctx, id)
		if err != nil {
			return nil, err
		}
		out := &deleteDraftOut{DraftID: line(draftID), Outcome: "deleted"}
		if unclear {
			out.Outcome = "unknown"
		}
		return out, nil
	})
}

func (o *deleteDraftOut) summary() summary { return summary{status: OK} }

func (o *deleteDraftOut) render(fence, string) string {
	if o.Outcome == "unknown" {
		return "It is unknown whether draft " + o.DraftID + " was deleted: look in the drafts."
	}
	return "Deleted: draft " + o.DraftID + "."
}
