package mailbox

import (
	"context"
	"errors"
	"slices"
)

// The trash is a label. To put it on is a quarter of the price of Gmail's own
// method for that, and goes for many mails at once. Gmail takes it, but nowhere
// promises to, for any mail. Where it refuses the label, its own methods move
// the mail.

// labelRefused is what an [Error] says of a label that Gmail did not take.
const labelRefused = "Gmail does not know this label, or it cannot be changed"

// byTrash carries out a change of one mail or thread with Gmail's own method for
// the trash, if it is one and err says that Gmail does not take it for a label.
// Otherwise it returns err.
func (c *Client) byTrash(ctx context.Context, b budget, r *relabeling, id string, err error) error {
	e, ok := errors.AsType[*Error](err)
	trash := []string{"TRASH"}
	in, out := slices.Equal(r.Add, trash) && len(r.Remove) == 0, slices.Equal(r.Remove, trash) && len(r.Add) == 0
	if !ok || e.Message != labelRefused || !in && !out {
		return err
	}
	op, units := "move to the trash", unitsTrash
	if out {
		if op, units = "take out of the trash", unitsModify; len(r.Threads) > 0 {
			units = unitsModifyThread
		}
	}
	return c.read(ctx, b, op, units, func(ctx context.Context) error {
		var err error
		switch users := c.service.Users; {
		case len(r.Threads) > 0 && in:
			_, err = users.Threads.Trash(me, id).Fields("id").Context(ctx).Do()
		case len(r.Threads) > 0:
			_, err = users.Threads.Untrash(me, id).Fields("id").Context(ctx).Do()
		case in:
			_, err = users.Messages.Trash(me, id).Fields("id").Context(ctx).Do()
		default:
			_, err = users.Messages.Untrash(me, id).Fields("id").Context(ctx).Do()
		}
		return err
	})
}
