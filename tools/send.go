package tools

import (
	"context"
	"strings"

	mcpserver "github.com/mark3labs/mcp-go/server"

	"linkmail/mailbox"
)

type sendIn struct {
	composed
	ConfirmationToken string `json:"confirmationToken" doc:"From the previous answer, after the user agreed"`
}

// describe says in the tool's description what will happen to a mail.
func (p SendPolicy) describe() string {
	const (
		two = "The first call sends nothing: it answers confirmation_required with the mail as it would go out. " +
			"Show that to the user, and only when they agree repeat the call with the same arguments and the confirmationToken. "
		unknown = "If outcome is unknown, look in Sent before trying again."
	)
	switch {
	case p.mode == draftOnly:
		return "Writes a draft; sends nothing. The user sends it from Gmail. If outcome is unknown, look in the drafts before trying again."
	case p.mode == sendDirectly:
		return "Sends a mail at once. " + unknown
	case len(p.allow) > 0:
		return "Sends a mail: at once if every recipient is one of those who need no confirmation, else in two steps. " + two + unknown
	default:
		return "Sends a mail in two steps. " + two + unknown
	}
}

func sendEmail(cfg Config) mcpserver.ServerTool {
	title := "Send mail"
	if cfg.Send.mode == draftOnly {
		title = "Draft mail"
	}
	return define(cfg, definition{
		name:        "send_email",
		title:       title,
		description: cfg.Send.describe(),
		effect:      sends(cfg),
	}, func(ctx context.Context, in sendIn) (*sendOut, error) {
		if in.DraftID != "" {
			return sendDraft(ctx, cfg, in)
		}
		if err := in.complete(); err != nil {
			return nil, err
		}
		mail, err := in.write(ctx, cfg)
		if err != nil {
			return nil, err
		}
		return deliver(ctx, cfg, "send_email", mail, in.ConfirmationToken)
	})
}

// complete refuses a mail that lacks something which no schema can ask for,
// because a draft that is sent has it, and a reply too.
func (in sendIn) complete() error {
	var missing []string
	reply := in.ReplyToMessageID != ""
	for _, part := range []struct {
		name  string
		given bool
	}{
		{"to", reply || in.To != nil || in.Cc != nil || in.Bcc != nil},
		{"subject", reply || in.Subject != ""},
		{"body", in.Body+in.HTMLBody != ""},
	} {
		if !part.given {
			missing = append(missing, part.name)
		}
	}
	if missing == nil {
		return nil
	}
	return invalid(missing[0], "Call send_email again with all of them, or with the draftId of a draft alone.", "missing: %s", strings.Join(missing, ", "))
}

// sendDraft sends a draft as it is in the mailbox now.
func sendDraft(ctx context.Context, cfg Config, in sendIn) (*sendOut, error) {
	if in.written() {
		return nil, invalid("draftId", "Change the draft with draft_email, then send it with draftId alone.",
			"with draftId the draft is sent as it is, so nothing else of a mail can be given")
	}
	mail, err := cfg.Mailbox.OpenDraft(ctx, in.DraftID)
	if err != nil {
		return nil, err
	}
	if cfg.Send.mode == draftOnly {
		out := previewed(mailbox.Receipt{Outcome: mailbox.Drafted, DraftID: mail.Draft.ID, ID: mail.Draft.MessageID, ThreadID: mail.Thread.ID}, mail)
		out.Note = onlyDrafts
		return out, nil
	}
	return deliver(ctx, cfg, "send_email", mail, in.ConfirmationToken)
}

// deliver takes a mail that a tool has written through the gate.
func deliver(ctx context.Context, cfg Config, tool string, mail mailbox.Outgoing, token string) (*sendOut, error) {
	bare, err := bareRecipients(mail)
	if err != nil {
		return nil, err
	}
	out, err := dispatch(ctx, cfg, mail, bare, token)
	if err != nil {
		return nil, err
	}
	out.tool = tool
	if out.Outcome == mailbox.Drafted {
		out.Note = onlyDrafts
	}
	return out, nil
}

// onlyDrafts is the note of a mail that was to be sent.
const onlyDrafts = "This server only writes drafts. The user can send it."
