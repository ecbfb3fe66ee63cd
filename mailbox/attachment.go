package mailbox

import (
	"context"
	"fmt"
	"strings"

	gmail "google.golang.org/api/gmail/v1"
)

// File is an attachment with its content.
type File struct {
	Attachment
	// Charset is what a text attachment declares; empty if nothing.
	Charset string
	// ContentID is by what the HTML of its mail shows it, without brackets;
	// empty for most.
	ContentID string
	// Content is decoded from its transfer encoding, byte for byte.
	Content []byte
}

// Attachment returns a part of a mail by the part id that [Client.Read] names.
// Gmail's own attachment ids are good for one fetch only, so the mail's
// structure is read first; the content costs another round trip where Gmail
// keeps it apart. A part of more than limit bytes is refused before it is
// fetched, with the code "too_large".
func (c *Client) Attachment(ctx context.Context, id, partID string, limit int64) (File, error) {
	if err := checkID(id); err != nil {
		return File{}, err
	}
	b := newBudget()
	var m *gmail.Message
	err := c.read(ctx, b, "read the mail", unitsGet, func(ctx context.Context) error {
		var err error
		m, err = c.get(ctx, id, form{format: "full", fields: "id,payload"})
		return err
	})
	if err != nil {
		return File{}, err
	}
	return c.fileOf(ctx, b, id, partOf(m.Payload, partID, 0), limit)
}

// fileOf returns a part of the mail id with its content.
func (c *Client) fileOf(ctx context.Context, b budget, id string, p *gmail.MessagePart, limit int64) (File, error) {
	if p == nil || p.Body == nil || strings.HasPrefix(strings.ToLower(p.MimeType), "multipart/") {
		return File{}, &Error{
			Code: codeNotFound, Message: "the mail has no part with this id",
			Hint: "Use a partId exactly as read_email lists it for this messageId.",
		}
	}
	f := File{Attachment: attachmentOf(p), Charset: paramOf(headerOf(p.Headers, "Content-Type"), "charset")}
	if p.Body.Size > limit {
		return f, &Error{
			Code:    codeTooLarge,
			Message: fmt.Sprintf("the attachment has %d bytes; at most %d are fetched for this", p.Body.Size, limit),
			Hint:    "Save it instead, or open it in Gmail.",
		}
	}
	if p.Body.AttachmentId == "" || p.Body.Data != "" {
		f.Content = decodeBase64(p.Body.Data)
		if f.Charset != "" {
			f.Charset = "utf-8" // as every text in the mail itself, whatever it says
		}
		return f, nil
	}
	err := c.read(ctx, b, "fetch the attachment", unitsAttachment, func(ctx context.Context) error {
		part, err := c.service.Users.Messages.Attachments.Get(me, id, p.Body.AttachmentId).Fields("data").Context(ctx).Do()
		if err != nil {
			return err
		}
		f.Content = decodeBase64(part.Data)
		return nil
	})
	return f, err
}

// partOf finds a part below p.
func partOf(p *gmail.MessagePart, id string, depth int) *gmail.MessagePart {
	if p == nil || depth > maxDepth {
		return nil
	}
	if p.PartId == id {
		return p
	}
	for _, child := range p.Parts {
		if found := partOf(child, id, depth+1); found != nil {
			return found
		}
	}
	return nil
}
