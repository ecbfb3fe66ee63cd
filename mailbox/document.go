package mailbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/net/html/charset"
	gmail "google.golang.org/api/gmail/v1"

	"linkmail/mailbox/document"
)

// Document is the text of an attachment.
type Document struct {
	Attachment
	// Kind is what the file is, told from its bytes: "pdf", "docx", "text" and
	// the other words of package document.
	Kind string
	// Pages are its pages, sheets or slides, in order, cleaned. A document that
	// has none of them is one page.
	Pages []string
	// Unit is what a page is called: "page", "sheet", "slide", or empty.
	Unit string
	// Total is how many pages there are; more than len(Pages) if Cut.
	Total int
	// Cut is set if the document has more text than is ever read.
	Cut bool
	// HiddenChars counts the characters that were removed because a reader of
	// the document would not have seen them.
	HiddenChars int
	// MayHide is set if the styles of HTML are too many to tell what they hide.
	MayHide bool
	// Notes are what is to be known about the text, in sentences that quote
	// nothing of it.
	Notes []string
	// Inner are the attachments of an attached mail. They have part ids where
	// Gmail knows them.
	Inner []Attachment
}

func (d Document) size() int {
	n := 1024
	for _, p := range d.Pages {
		n += 16 + len(p)
	}
	return n
}

// Picture is an attached image of a size that a model takes.
type Picture struct {
	Attachment
	// Kind is what the file is: "png", "jpeg", "gif", "webp" or "pdf".
	Kind string
	// Content is the image in the format that MediaType names.
	Content   []byte
	MediaType string
	// Width and Height are in pixels. FileWidth and FileHeight are those of
	// the file, which are larger if the picture was scaled down.
	Width, Height, FileWidth, FileHeight int
	// Page is the page of a PDF that it is on, of Pages; 1 of 1 for an image.
	Page, Pages int
}

const (
	// maxDocument bounds a file that is read for its text or shown, in bytes.
	maxDocument = 25 << 20
	// readingTime bounds the reading of a document that was fetched.
	readingTime = 20 * time.Second
)

// Document returns the text of an attachment. A document is fetched and read
// once, and remembered: continuing to read it costs a fraction of a round trip's
// quota. Only one is fetched and read at a time, for the memory that it takes.
func (c *Client) Document(ctx context.Context, id string, ref PartRef) (Document, error) {
	if err := checkID(id); err != nil {
		return Document{}, err
	}
	key := id + " " + ref.ID + " " + ref.Name
	if _, ok := c.known.recallDocument(key); ok && c.catchUp(ctx) {
		if d, ok := c.known.recallDocument(key); ok {
			return d, nil
		}
	}
	done, err := c.oneDocument(ctx)
	if err != nil {
		return Document{}, err
	}
	defer done()
	f, p, err := c.attached(ctx, id, ref, maxDocument)
	if err != nil {
		return Document{Attachment: f.Attachment}, err
	}
	limited, cancel := context.WithTimeout(ctx, readingTime)
	defer cancel()
	d, err := readDocument(limited, f)
	if err != nil {
		if ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
			err = document.ErrLimit
		}
		return d, unread(document.Kind(d.Kind), err)
	}
	if known := innerOf(p); known != nil { // Gmail gives them ids
		d.Inner = known
	}
	c.known.storeDocument(key, d)
	return d, nil
}

// Picture returns an attached image, scaled down if it is large. Of a PDF it is
// the largest picture on a page, counted from 1, as which a scan is stored.
func (c *Client) Picture(ctx context.Context, id string, ref PartRef, page int) (Picture, error) {
	done, err := c.oneDocument(ctx)
	if err != nil {
		return Picture{}, err
	}
	defer done()
	f, err := c.AttachedFile(ctx, id, ref, maxDocument)
	out := Picture{Attachment: f.Attachment, Page: 1, Pages: 1}
	if err != nil {
		return out, err
	}
	kind, content := document.KindOf(f.Content, f.Name, f.Type), f.Content
	out.Kind = string(kind)
	if kind == document.PDF {
		limited, cancel := context.WithTimeout(ctx, readingTime)
		defer cancel()
		kind, content, out.Pages, err = document.Scan(limited, content, page)
		if out.Page = page; err != nil {
			return out, unseen(err, page, out.Pages)
		}
	}
	if !kind.Image() {
		return out, notAnImage(kind)
	}
	p, err := document.Shrink(kind, content)
	out.Content, out.MediaType = p.Content, p.Type
	out.Width, out.Height, out.FileWidth, out.FileHeight = p.Width, p.Height, p.FileWidth, p.FileHeight
	switch {
	case errors.Is(err, document.ErrLimit):
		return out, &Error{
			Code: codeTooLarge, Message: fmt.Sprintf("the picture has %d x %d pixels, which is too much to scale it down here", p.FileWidth, p.FileHeight),
			Hint: "Save it instead, or open it in Gmail.",
		}
	case err != nil:
		return out, unread(kind, err)
	}
	return out, nil
}

// oneDocument waits until no other document is being read.
func (c *Client) oneDocument(ctx context.Context) (done func(), err error) {
	select {
	case c.reading <- struct{}{}:
		return func() { <-c.reading }, nil
	case <-ctx.Done():
		return nil, wrap("read the attachment", ctx.Err())
	}
}

// innerOf lists the attachments of an attached mail.
func innerOf(p *gmail.MessagePart) (list []Attachment) {
	for _, child := range p.Parts {
		own, _ := leavesOf(child)
		for _, one := range own {
			list = append(list, attachmentOf(one))
		}
	}
	return list
}

// readDocument makes text of a file. In a document that could not be read only
// Attachment and Kind are set.
func readDocument(ctx context.Context, f File) (Document, error) {
	kind := document.KindOf(f.Content, f.Name, f.Type)
	d := Document{Attachment: f.Attachment, Kind: string(kind), Total: 1}
	var text string
	switch {
	case kind.Readable():
		read, err := document.Read(ctx, kind, f.Content)
		if err != nil {
			return d, err
		}
		if kind == document.PDF && read.Blank() {
			return d, &Error{
				Code: "no_text", Message: fmt.Sprintf("the PDF has %s and no text: it is probably a scan", pagesOf(read.Total)),
				Hint: `Look at its pages with as="image" and page, or save it with as="save".`,
			}
		}
		d.Unit, d.Total, d.Cut, d.HiddenChars, d.Notes = read.Unit, read.Total, read.Cut, read.Hidden, read.Notes
		d.Pages = read.Pages
	case kind == document.Plain:
		content := f.Content[:min(len(f.Content), utf8.UTFMax*maxDocumentChars)]
		text, d.Cut = decodeMarked(content, f.Charset), len(content) < len(f.Content)
	case kind == document.HTML:
		page := render(decodePage(f), Markdown, false)
		text, d.HiddenChars, d.Cut, d.MayHide = page.body, page.hidden, page.cut, page.mayHide
	case kind == document.Calendar:
		text = summarizeEvents(decodeMarked(f.Content, f.Charset))
	case kind == document.Mail:
		text = readMail(f.Content, &d)
	default:
		return d, document.ErrKind
	}
	if d.Pages == nil {
		d.Pages = []string{text}
	}
	for i, page := range d.Pages {
		page, cut := firstChars(page, maxDocumentChars)
		clean, removed := cleanText(page)
		d.Pages[i] = strings.TrimSpace(clean)
		d.HiddenChars += removed
		d.Cut = d.Cut || cut
	}
	return d, nil
}

func pagesOf(n int) string {
	if n == 1 {
		return "1 page"
	}
	return fmt.Sprintf("%d pages", n)
}

// maxDocumentChars bounds the text of a page, in characters.
const maxDocumentChars = 4_000_000

func firstChars(s string, n int) (_ string, cut bool) {
	for i := range s {
		if n == 0 {
			return s[:i], true
		}
		n--
	}
	return s, false
}

// decodeMarked decodes text. A byte order mark counts more than what the mail
// says.
func decodeMarked(b []byte, name string) string {
	if bytes.HasPrefix(b, []byte("\xFF\xFE")) || bytes.HasPrefix(b, []byte("\xFE\xFF")) {
		name = "utf-16"
	}
	return decodeCharset(b, name)
}

// decodePage decodes a page of HTML, which may say itself what it is in.
func decodePage(f File) string {
	if f.Charset != "" {
		return decodeCharset(f.Content, f.Charset)
	}
	_, name, certain := charset.DetermineEncoding(f.Content, f.Type)
	if !certain && utf8.Valid(f.Content) {
		name = "utf-8"
	}
	return decodeCharset(f.Content, name)
}

// maxEvents bounds the events of a calendar that are shown.
const maxEvents = 200

// summarizeEvents summarizes each event of a calendar. One without events, for
// example with tasks, is shown as it is.
func summarizeEvents(s string) string {
	const begin, end = "BEGIN:VEVENT", "END:VEVENT"
	upper := strings.ToUpper(s)
	if len(upper) != len(s) { // there are letters that grow
		upper = s
	}
	head, _, ok := strings.Cut(upper, begin)
	if !ok {
		return s
	}
	var summaries []string
	rest, upperRest := s[len(head):], upper[len(head):]
	for len(summaries) < maxEvents {
		from, to := strings.Index(upperRest, begin), strings.Index(upperRest, end)
		if from < 0 || to < from {
			break
		}
		to += len(end)
		if one := summarizeCalendar(head + rest[from:to] + "\n"); one != "" {
			summaries = append(summaries, one)
		}
		rest, upperRest = rest[to:], upperRest[to:]
	}
	if more := strings.Count(upperRest, begin); more > 0 {
		summaries = append(summaries, fmt.Sprintf("[linkmail: %d more entries are left out]", more))
	}
	if len(summaries) == 0 {
		return s
	}
	return strings.Join(summaries, "\n\n")
}

// readMail shows a mail that is a file: who, when, what, and its text.
func readMail(raw []byte, d *Document) string {
	root := parseRaw(raw)
	var b strings.Builder
	for _, name := range [...]string{"From", "To", "Cc", "Date", "Subject"} {
		value, _ := cleanLine(decodeWords(headerOf(root.Headers, name)))
		if value != "" {
			fmt.Fprintf(&b, "%s: %s\n", name, firstRunes(value, maxHeaderLine))
		}
	}
	c := contentOf(root)
	for _, a := range c.attachments {
		a.PartID = "" // its ids are not those of the mail that it came with
		d.Inner = append(d.Inner, a)
	}
	r := c.render(Markdown)
	d.HiddenChars, d.Cut, d.MayHide = r.hidden, r.cut, r.mayHide
	return b.String() + "\n" + r.text
}
