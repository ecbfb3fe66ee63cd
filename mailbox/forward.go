package mailbox

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// Forward returns a mail, still without recipients and body, that passes
// another one on: its text, as a reader sees it, and, if wanted, all of its
// attachments. They come along all, or the call fails. zone is that of the date
// in it; nil means UTC.
func (c *Client) Forward(ctx context.Context, id string, attachments bool, zone *time.Location) (Outgoing, error) {
	b := newBudget()
	o, err := c.original(ctx, b, id)
	if err != nil {
		return Outgoing{}, err
	}
	subject, _ := cleanLine(o.subject)
	mail := Outgoing{Subject: prefixedSubject("Fwd: ", subject), Quoted: o.forwarded(zone), Source: o.source}
	if !attachments {
		return mail, nil
	}
	var sizes []string
	var total int64
	for _, a := range o.files {
		size := EncodedSize(a.Size)
		total += size
		sizes = append(sizes, "part "+a.PartID+" "+megabytes(size))
	}
	if total > maxEncoded {
		return Outgoing{}, &Error{
			Code: codeTooLarge,
			Message: fmt.Sprintf("the attachments of the mail take %s in another one, which may have %s: %s",
				megabytes(total), megabytes(maxEncoded), strings.Join(sizes, ", ")),
			Hint: "Forward it with includeAttachments false; single parts can be attached to a mail by fromMessageId and partId.",
		}
	}
	for _, a := range o.files {
		f, err := c.fileOf(ctx, b, id, partOf(o.payload, a.PartID, 0), maxEncoded)
		if err != nil {
			return Outgoing{}, err
		}
		mail.Attachments = append(mail.Attachments, f)
	}
	return mail, nil
}
