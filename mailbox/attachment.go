package mailbox

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	gmail "google.golang.org/api/gmail/v1"
	"google.golang.org/api/googleapi"
)

// File is an attachment with its content.
type File struct {
	Attachment
	// Charset is what a text attachment is in, as it declares; empty if it
	// does not say.
	Charset string
	// ContentID is by what the HTML of its mail shows it, without brackets;
	// empty for most.
	ContentID string
	// Content is decoded from its transfer encoding, byte for byte.
	Content []byte
}

// PartRef names a part of a mail: by its id, or else by its file name. With
// neither it is the only attachment that the mail has.
type PartRef struct{ ID, Name string }

// Place is where the content of an attachment goes. Reset makes it empty
// again: what was written belongs to an attempt that failed.
type Place interface {
	io.Writer
	Reset() error
}

// Attachment returns a part of a mail by the part id that [Client.Read] names.
// Gmail's own attachment ids are good for one fetch only, so the mail's
// structure is read first; the content costs another round trip where Gmail
// keeps it apart. A part of more than limit bytes is refused before it is
// fetched, with the code "too_large".
func (c *Client) Attachment(ctx context.Context, id, partID string, limit int64) (File, error) {
	return c.AttachedFile(ctx, id, PartRef{ID: partID}, limit)
}

// AttachedFile is [Client.Attachment] for a part that may be named otherwise.
func (c *Client) AttachedFile(ctx context.Context, id string, ref PartRef, limit int64) (File, error) {
	f, _, err := c.attached(ctx, id, ref, limit)
	return f, err
}

// attached returns a part as a file, and as Gmail describes it.
func (c *Client) attached(ctx context.Context, id string, ref PartRef, limit int64) (File, *gmail.MessagePart, error) {
	b := newBudget()
	p, err := c.locate(ctx, b, id, ref)
	if err != nil {
		return File{}, nil, err
	}
	f, err := c.fileOf(ctx, b, id, p, limit)
	return f, p, err
}

// fileOf returns a part of the mail id with its content.
func (c *Client) fileOf(ctx context.Context, b budget, id string, p *gmail.MessagePart, limit int64) (File, error) {
	if p == nil || p.Body == nil || strings.HasPrefix(strings.ToLower(p.MimeType), "multipart/") {
		return File{}, noPart()
	}
	f := File{Attachment: attachmentOf(p), Charset: charsetOf(p), ContentID: strings.Trim(headerOf(p.Headers, "Content-Id"), "<> ")}
	var content memory
	content.Grow(int(min(p.Body.Size, limit))) // and no more on the way
	if err := c.transfer(ctx, b, id, p, limit, &content); err != nil {
		return f, err
	}
	f.Content = content.Bytes()
	return f, nil
}

func noPart() *Error {
	return &Error{
		Code: codeNotFound, Message: "the mail has no such attachment",
		Hint: "Use a partId exactly as read_email lists it for this messageId.",
	}
}

// CopyAttachment writes a part of a mail to a place without holding it in
// memory, and describes it. A part of more than limit bytes is refused before
// it is fetched, with the code "too_large". After an error the place holds
// nothing of use.
func (c *Client) CopyAttachment(ctx context.Context, id string, ref PartRef, limit int64, to Place) (Attachment, error) {
	b := newBudget()
	p, err := c.locate(ctx, b, id, ref)
	if err != nil {
		return Attachment{}, err
	}
	return attachmentOf(p), c.transfer(ctx, b, id, p, limit, to)
}

// Describe returns what a mail says of one of its parts, without its content.
func (c *Client) Describe(ctx context.Context, id string, ref PartRef) (Attachment, error) {
	p, err := c.locate(ctx, newBudget(), id, ref)
	if err != nil {
		return Attachment{}, err
	}
	return attachmentOf(p), nil
}

// memory is a place in memory.
type memory struct{ bytes.Buffer }

func (m *memory) Reset() error {
	m.Buffer.Reset()
	return nil
}

// charsetOf is the charset of a part's content. Text in the mail itself comes
// in UTF-8, whatever its header says.
func charsetOf(p *gmail.MessagePart) string {
	if p.Body.Data != "" && strings.HasPrefix(strings.ToLower(p.MimeType), "text/") {
		return "utf-8"
	}
	return paramOf(headerOf(p.Headers, "Content-Type"), "charset")
}

// locate reads the structure of a mail and finds the part that ref names.
func (c *Client) locate(ctx context.Context, b budget, id string, ref PartRef) (*gmail.MessagePart, error) {
	if err := checkID(id); err != nil {
		return nil, err
	}
	var m *gmail.Message
	err := c.read(ctx, b, "read the mail", unitsGet, func(ctx context.Context) error {
		var err error
		m, err = c.get(ctx, id, form{format: "full", fields: "id,payload"})
		return err
	})
	if err != nil {
		return nil, err
	}
	p, err := find(m.Payload, ref)
	switch {
	case err != nil:
		return nil, err
	case p == nil || p.Body == nil || strings.HasPrefix(strings.ToLower(p.MimeType), "multipart/"):
		return nil, noPart()
	}
	return p, nil
}

// find returns the part below root that ref names; nil if there is none.
func find(root *gmail.MessagePart, ref PartRef) (*gmail.MessagePart, error) {
	if ref.ID != "" {
		return partOf(root, ref.ID, 0), nil
	}
	own, inner := leavesOf(root)
	if len(own)+len(inner) == 0 {
		return nil, &Error{
			Code: codeNotFound, Message: "the mail has no attachments",
			Hint: "To see the text of the mail, use read_email.",
		}
	}
	for _, list := range [...][]*gmail.MessagePart{own, inner} {
		for _, same := range [...]func(*gmail.MessagePart) bool{
			func(p *gmail.MessagePart) bool { return ref.Name == "" && !attachmentOf(p).Inline },
			func(p *gmail.MessagePart) bool { return ref.Name != "" && attachmentOf(p).Name == ref.Name },
			func(p *gmail.MessagePart) bool {
				return ref.Name != "" && strings.EqualFold(attachmentOf(p).Name, ref.Name)
			},
		} {
			var found []*gmail.MessagePart
			for _, p := range list {
				if same(p) {
					found = append(found, p)
				}
			}
			switch len(found) {
			case 0:
			case 1:
				return found[0], nil
			default:
				return nil, ambiguous(found)
			}
		}
	}
	return nil, &Error{
		Code:    codeNotFound,
		Message: "the mail has no such attachment; it has " + partsNamed(slices.Concat(own, inner)),
		Hint:    "Call again with one of these as partId. read_email shows their names.",
	}
}

// maxNamed is how many parts an error names.
const maxNamed = 20

// ambiguous refuses to guess which of several parts is meant.
func ambiguous(parts []*gmail.MessagePart) *Error {
	return &Error{
		Code:    "ambiguous",
		Message: fmt.Sprintf("%d attachments of the mail are meant by this: %s", len(parts), partsNamed(parts)),
		Hint:    "Call again with one of these as partId.",
	}
}

// partsNamed names parts without a word of their sender's: by their ids and by
// the first halves of their types.
func partsNamed(parts []*gmail.MessagePart) string {
	var list []string
	for _, p := range parts[:min(len(parts), maxNamed)] {
		kind, _, _ := strings.Cut(strings.ToLower(p.MimeType), "/")
		switch {
		case p.PartId == "":
			list = append(list, "the mail itself, without a partId")
			continue
		case !idForm.MatchString(strings.ReplaceAll(p.PartId, ".", "")):
			continue
		case slices.Contains([]string{"text", "image", "audio", "video", "message"}, kind):
		default:
			kind = "file"
		}
		list = append(list, p.PartId+" ("+kind+")")
	}
	return "the parts " + strings.Join(list, ", ")
}

// leavesOf returns the attachments of a mail, and those of mails within it.
func leavesOf(root *gmail.MessagePart) (own, inner []*gmail.MessagePart) {
	var walk func(p *gmail.MessagePart, depth int, list *[]*gmail.MessagePart)
	walk = func(p *gmail.MessagePart, depth int, list *[]*gmail.MessagePart) {
		if p == nil || depth > maxDepth {
			return
		}
		below := list
		if kind := strings.ToLower(p.MimeType); !strings.HasPrefix(kind, "multipart/") {
			if isAttachment(p) {
				*list = append(*list, p)
			}
			below = &inner
		}
		for _, child := range p.Parts {
			walk(child, depth+1, below)
		}
	}
	walk(root, 0, &own)
	return own, inner
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

// transferTime bounds one attempt to fetch the content of an attachment. It is
// within the patience of MCP clients, which is a minute for most.
const transferTime = 50 * time.Second

// transfer writes the content of a part to a place.
func (c *Client) transfer(ctx context.Context, b budget, id string, p *gmail.MessagePart, limit int64, to Place) error {
	if p.Body.Size > limit {
		return tooLarge(p.Body.Size, limit)
	}
	if p.Body.AttachmentId == "" || p.Body.Data != "" {
		_, err := to.Write(decodeBase64(p.Body.Data))
		return err
	}
	const op = "fetch the attachment"
	for try := 0; ; try++ {
		pace, err := c.attempt(ctx, budgetOf(transferTime), op, unitsAttachment, func(ctx context.Context) error {
			if err := to.Reset(); err != nil {
				return err
			}
			return c.download(ctx, id, p.Body.AttachmentId, limit, io.MultiWriter(to, newMeter(ctx, p.Body.Size)))
		})
		if err == nil || !b.wait(ctx, pace, try, retryAfter(err)) {
			return err
		}
	}
}

func tooLarge(size, limit int64) *Error {
	return &Error{
		Code:    codeTooLarge,
		Message: fmt.Sprintf("the attachment has %d bytes; at most %d are fetched for this", size, limit),
		Hint:    "Save it instead, or open it in Gmail.",
	}
}

// download streams one attachment. Gmail sends it as base64 in a string of
// JSON, of which nothing is kept.
func (c *Client) download(ctx context.Context, id, attachmentID string, limit int64, to io.Writer) error {
	u := c.root.JoinPath("gmail/v1/users", me, "messages", id, "attachments", attachmentID)
	u.RawQuery = "alt=json&fields=data&prettyPrint=false"
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), http.NoBody)
	if err != nil {
		return fmt.Errorf("mailbox: form the request: %w", err)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if err := googleapi.CheckResponse(resp); err != nil {
		return err
	}
	content := newDataReader(resp.Body)
	n, err := io.Copy(to, io.LimitReader(content, limit+1))
	switch {
	case err != nil:
		return err
	case n > limit:
		return tooLarge(n, limit)
	}
	return nil
}
