package tools

import (
	"context"

	mcpserver "github.com/mark3labs/mcp-go/server"
)

// draftDeleter is what deleting a draft needs of the mailbox.
type draftDeleter interface {
	// DeleteDraft deletes a draft by its id or that of its message, and returns
	// its id. unclear means that the connection was lost, and the draft may
	// still be there.
	DeleteDraft(ctx context.Context, id string) (draftID string, unclear bool, err error)
}

type deleteIn struct {
	DraftID   string `json:"draftId"`
	MessageID string `json:"messageId" doc:"Instead of draftId"`
}

type deleteOut struct {
	Outcome string `json:"outcome" enum:"deleted,unknown"`
	DraftID string `json:"draftId"`
}

func deleteDraft(cfg Config) mcpserver.ServerTool {
	return define(cfg, definition{
		name:        "delete_draft",
		title:       "Delete a draft",
		description: "Deletes a draft for good; there is no trash for drafts. It cannot delete a mail that was sent or received.",
		effect:      effect{destructive: true, idempotent: true},
	}, func(ctx context.Context, in deleteIn) (*deleteOut, error) {
		if (in.DraftID == "") == (in.MessageID == "") {
			return nil, invalid("draftId", "Give the draftId or the messageId that a search for in:draft finds.", "exactly one of draftId and messageId is needed")
		}
		id, unclear, err := cfg.Mailbox.DeleteDraft(ctx, in.DraftID+in.MessageID)
		if err != nil {
			return nil, err
		}
		out := &deleteOut{Outcome: "deleted", DraftID: id}
		if unclear {
			out.Outcome = "unknown"
		}
		return out, nil
	})
}

func (o *deleteOut) summary() summary { return summary{status: OK} }

func (o *deleteOut) render(fence, string) string {
	if o.Outcome == "unknown" {
		return "The connection was lost, and it is unknown whether draft " + o.DraftID + " was deleted. Search for in:draft to see."
	}
	return "Deleted: draft " + o.DraftID + "."
}
