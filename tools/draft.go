package tools

import (
	"context"

	mcpserver "github.com/mark3labs/mcp-go/server"

	"linkmail/mailbox"
)

type draftIn struct {
	letterIn
	DraftID string `json:"draftId" doc:"Changes that draft, in what is given only"`
}

func draftEmail(cfg Config) mcpserver.ServerTool {
	return define(cfg, definition{
		name:        "draft_email",
		title:       "Draft a mail",
		description: "Saves a mail as a draft, or changes one. Sends nothing. Recipients may be missing.",
		effect:      effect{openWorld: true},
	}, func(ctx context.Context, in draftIn) (*sendOut, error) {
		var mail mailbox.Outgoing
		var err error
		switch {
		case in.empty():
			return nil, invalid("body", "Give what the draft is to say.", "there is nothing to save")
		case in.DraftID != "":
			mail, err = cfg.Mailbox.OpenDraft(ctx, in.DraftID)
		}
		if err == nil {
			mail, err = in.onto(ctx, cfg, mail)
		}
		if err != nil {
			return nil, err
		}
		return saveDraft(ctx, cfg, errand{tool: "draft_email", mail: mail, derived: in.DraftID != "" || in.derived()})
	})
}

// saveDraft saves a mail and shows it.
func saveDraft(ctx context.Context, cfg Config, e errand) (*sendOut, error) {
	receipt, err := cfg.Mailbox.Draft(ctx, e.mail)
	if err != nil {
		return nil, err
	}
	out := answerOf(receipt, e.mail)
	out.tool, out.derived, out.draftsOnly = e.tool, e.derived, cfg.Send.mode == draftOnly
	out.saved = true
	out.show(e.mail, nil)
	out.Preview = ends(out.Preview, draftChars)
	return out, nil
}

// draftChars bounds what is shown of a draft, in characters: whoever wrote it
// knows it, and the user sees it in Gmail.
const draftChars = 3000
