package mailbox

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"sync"
	"unicode/utf8"

	gmail "google.golang.org/api/gmail/v1"
)

// fullForm is what reading needs of a mail. The payload is asked for whole: a
// fields selector cannot recurse, and would cut a deep MIME tree without a word.
var fullForm = form{format: "full", fields: "id,threadId,labelIds,snippet,internalDate,historyId,payload"}

const (
	// maxTextPart bounds a text part that is fetched on its own, in bytes, and
	// maxApart how many of them are.
	maxTextPart = 4 << 20
	maxApart    = 8
)

// body is what a mail's content was converted to. It is immutable for an id
// and a format.
type body struct {
	text         string
	source       string
	hidden       int
	differs      bool
	cut          bool
	misleading   int // links
	mayHide      bool
	bcc, replyTo []Address
	unsubscribe  []string
	verdict      Authentication
	attachments  []Attachment
	apart        bool // a text of it was fetched on its own
}

func (b body) size() int {
	n := 512 + len(b.text)
	for _, a := range b.attachments {
		n += 64 + len(a.Name) + len(a.Type)
	}
	for _, u := range b.unsubscribe {
		n += 16 + len(u)
	}
	return n
}

// Read returns a mail, its body converted to format and whole. It costs one
// round trip, and another where Gmail keeps a large text apart.
func (c *Client) Read(ctx context.Context, id string, format Format) (Message, error) {
	if err := checkID(id); err != nil {
		return Message{}, err
	}
	switch format {
	case "":
		format = Markdown
	case Markdown, Text, HTML, Headers:
	default:
		return Message{}, invalid("there is no such body format", "Use markdown, text, html or raw_headers.")
	}
	b := newBudget()
	var beside sync.WaitGroup
	defer beside.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c.readLabelsBeside(ctx, &beside)
	if _, _, ok := c.known.recallMessage(id, format); ok && c.catchUp(ctx) {
		if h, converted, ok := c.known.recallMessage(id, format); ok {
			beside.Wait()
			return c.message(h, converted), nil
		}
	}
	at := c.known.position()
	var m *gmail.Message
	err := c.read(ctx, b, "read the mail", unitsGet, func(ctx context.Context) error {
		var err error
		m, err = c.get(ctx, id, fullForm)
		return err
	})
	if err != nil {
		return Message{}, err
	}
	converted, err := c.convert(ctx, b, m, format)
	if err != nil {
		return Message{}, err
	}
	if at == 0 {
		// The mail's own history id is a position from which its labels are
		// right, and the only one at hand.
		at = m.HistoryId
		c.known.startAt(at)
	}
	h := headOf(m)
	c.known.store(at, map[string]head{id: h})
	c.known.storeBody(id, format, converted)
	beside.Wait()
	return c.message(h, converted), nil
}

// message puts a mail together.
func (c *Client) message(h head, b body) Message {
	attached := false
	for _, a := range b.attachments {
		attached = attached || !a.Inline
	}
	return Message{
		Summary: c.summary(h, attached),
		Bcc:     b.bcc, ReplyTo: b.replyTo,
		Body: b.text, Source: b.source, HiddenChars: b.hidden, TextDiffers: b.differs, Cut: b.cut,
		Attachments:     b.attachments,
		Provenance:      provenanceOf(h.From, b.replyTo, b.verdict),
		MisleadingLinks: b.misleading,
		MayHide:         b.mayHide,
		Unsubscribe:     b.unsubscribe,
	}
}

// convert makes the body of a mail readable.
func (c *Client) convert(ctx context.Context, b budget, m *gmail.Message, format Format) (body, error) {
	if m.Payload == nil {
		return body{source: sourceNone}, nil
	}
	content := contentOf(m.Payload)
	headers := m.Payload.Headers
	out := body{
		bcc:         parseAddresses(headerOf(headers, "Bcc")),
		replyTo:     parseAddresses(headerOf(headers, "Reply-To")),
		unsubscribe: unsubscribeOf(headers),
		verdict:     authenticationOf(headers),
		attachments: content.attachments,
	}
	if format == Headers {
		out.source = sourceHeaders
		out.text, out.hidden, out.cut = headerLines(headers)
		return out, nil
	}
	for i, p := range content.apart() {
		if i >= maxApart {
			p.leaveOut("[linkmail: a further text of the mail is left out here]")
			continue
		}
		if err := c.fetchText(ctx, b, m.Id, p); err != nil {
			return body{}, err
		}
		out.apart = true
	}
	r := content.render(format)
	out.text, out.source, out.hidden = r.text, r.source, r.hidden
	out.differs, out.cut, out.misleading, out.mayHide = r.differs, r.cut, r.misleading, r.mayHide
	return out, nil
}

// fetchText gets a text that Gmail keeps apart from its mail. Other than a
// text in the mail itself, which is always UTF-8, it comes in the charset that
// the part declares. What is kept of it is as much as is read, and a little
// more, by which the rest is missed.
func (c *Client) fetchText(ctx context.Context, b budget, id string, t *textPart) error {
	if t.size > maxTextPart {
		t.leaveOut(fmt.Sprintf("[linkmail: a text of %d MB is left out here: it is too large to read]", t.size>>20))
		return nil
	}
	return c.read(ctx, b, "read the text of the mail", unitsAttachment, func(ctx context.Context) error {
		part, err := c.service.Users.Messages.Attachments.Get(me, id, t.attachmentID).Fields("data").Context(ctx).Do()
		if err != nil {
			return err
		}
		data := decodeBase64(part.Data)
		part.Data = "" // it may be as large as everything else together
		text := decodeCharset(data, t.charset)
		t.text = strings.Clone(strings.ToValidUTF8(text[:min(len(text), maxConverted+utf8.UTFMax)], ""))
		return nil
	})
}

// decodeBase64 decodes base64url, padded or not, up to the first fault: a
// mail that was cut short is better than none.
func decodeBase64(s string) []byte {
	s = strings.TrimRight(s, "=")
	out := make([]byte, base64.RawURLEncoding.DecodedLen(len(s)))
	n, _ := base64.RawURLEncoding.Decode(out, []byte(s)) // n is right for a fault too
	return out[:n]
}
