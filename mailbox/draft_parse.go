package mailbox

import (
	"bytes"
	"errors"
	"io"
	"strings"

	"github.com/emersion/go-message"
)

// maxDraftParts bounds the parts of a draft, whose number is up to whoever
// wrote it.
const maxDraftParts = 1000

// parseOutgoing reads a draft as what it would be to write it again: the first
// text and the first HTML are its body, everything else an attachment.
func parseOutgoing(raw []byte) (Outgoing, error) {
	e, err := message.Read(bytes.NewReader(raw))
	if e == nil {
		return Outgoing{}, unreadableDraft(err)
	}
	var o Outgoing
	o.Subject = exactLine(decodeWords(e.Header.Get("Subject")))
	if from := parseAddresses(e.Header.Get("From")); len(from) > 0 {
		o.From = formatAddress(from[0])
	}
	for _, list := range []struct {
		field string
		out   *[]string
	}{{"Reply-To", &o.ReplyTo}, {"To", &o.To}, {"Cc", &o.Cc}, {"Bcc", &o.Bcc}} {
		for _, value := range e.Header.Values(list.field) {
			for _, a := range parseAddresses(value) {
				*list.out = append(*list.out, formatAddress(a))
			}
		}
	}
	if ids := messageIDs(e.Header.Get("In-Reply-To")); len(ids) > 0 {
		o.Thread = Threading{InReplyTo: ids[0], References: messageIDs(e.Header.Get("References"))}
	}
	o.Draft.Mark = e.Header.Get(sendIDHeader)
	d := draftReader{mail: &o}
	if err := d.read(e, 0); err != nil {
		return Outgoing{}, unreadableDraft(err)
	}
	return o, nil
}

func unreadableDraft(err error) error {
	return &Error{
		Code: "draft_unreadable", Message: "the draft is malformed and cannot be read whole, so it is left as it is",
		Hint: "Open it in Gmail, or write a new one.", Err: err,
	}
}

// draftReader puts the parts of a draft where they belong.
type draftReader struct {
	mail          *Outgoing
	parts         int
	hasText, html bool
}

func (d *draftReader) read(e *message.Entity, depth int) error {
	if d.parts++; depth > maxDepth || d.parts > maxDraftParts {
		return errors.New("mailbox: too many parts")
	}
	if parts := e.MultipartReader(); parts != nil {
		for {
			child, err := parts.NextPart()
			switch {
			case errors.Is(err, io.EOF):
				return nil
			case child == nil:
				return err
			}
			if err := d.read(child, depth+1); err != nil {
				return err
			}
		}
	}
	return d.leaf(e)
}

// leaf reads a part without parts. Its bytes are decoded, and its characters
// too, where they are the mail's text.
func (d *draftReader) leaf(e *message.Entity) error {
	content, err := io.ReadAll(e.Body)
	if err != nil {
		return err
	}
	kind, params, _ := e.Header.ContentType()
	kind = strings.ToLower(kind)
	disposition, names, _ := e.Header.ContentDisposition()
	name := names["filename"]
	if name == "" {
		name = params["name"]
	}
	if name == "" && !strings.EqualFold(disposition, "attachment") {
		text := strings.ReplaceAll(decodeCharset(content, params["charset"]), "\r\n", "\n")
		switch {
		case kind == "text/plain" && !d.hasText:
			d.mail.Text, d.hasText = text, true
			return nil
		case kind == "text/html" && !d.html:
			d.mail.HTML, d.html = text, true
			return nil
		}
	}
	f := File{Charset: strings.ToLower(params["charset"]), Content: content}
	f.Name, _ = cleanLine(name)
	f.Size = int64(len(content))
	if f.Type = kind; !mediaTypeForm.MatchString(kind) {
		f.Type = "application/octet-stream"
	}
	if f.Name == "" {
		f.Name = unnamed(f.Type)
	}
	if id := strings.Trim(e.Header.Get("Content-Id"), "<> "); contentID.MatchString(id) {
		f.ContentID, f.Inline = id, id != ""
	}
	d.mail.Attachments = append(d.mail.Attachments, f)
	return nil
}
