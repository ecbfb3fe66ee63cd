package mailbox

import (
	"mime"
	"path"
	"regexp"
	"strings"

	gmail "google.golang.org/api/gmail/v1"
)

// What a body was made of.
const (
	sourceHTML = "html"
	sourceText = "text"
	sourceNone = "none"
	// sourceHeaders: the fields of the header instead of a body.
	sourceHeaders = "headers"
)

// maxDepth bounds the MIME tree that is walked. Nobody nests this deep by hand.
const maxDepth = 40

// content is what a mail consists of: sections to read one after the other,
// each perhaps in two forms, and attachments.
type content struct {
	sections    []section
	attachments []Attachment
	// tooDeep is set if parts were left out for the depth at which they are.
	tooDeep bool
}

// section is a piece of the body. Of its forms one is shown.
type section struct {
	plain, html *textPart
}

// textPart is a text of the body.
type textPart struct {
	text string
	html bool
	// calendar is set for an invitation, of which a summary is shown.
	calendar bool
	// cut is set if text only says that the real one is not shown.
	cut bool
	// attachmentID is set for a text that Gmail keeps apart; text is then
	// empty until it is fetched, and comes in charset.
	attachmentID, charset string
	size                  int64
}

// leaveOut puts a note in the place of a text.
func (t *textPart) leaveOut(note string) {
	t.text, t.html, t.calendar, t.cut = note, false, false, true
}

// contentOf walks a payload.
func contentOf(root *gmail.MessagePart) *content {
	c := &content{}
	c.sections = c.walk(root, 0)
	return c
}

// apart returns the texts that have to be fetched on their own.
func (c *content) apart() (parts []*textPart) {
	for _, s := range c.sections {
		for _, t := range [...]*textPart{s.plain, s.html} {
			if t != nil && t.attachmentID != "" {
				parts = append(parts, t)
			}
		}
	}
	return parts
}

// walk returns the sections below p and notes the attachments.
func (c *content) walk(p *gmail.MessagePart, depth int) []section {
	switch {
	case p == nil:
		return nil
	case depth > maxDepth:
		c.tooDeep = true
		return nil
	}
	kind := strings.ToLower(p.MimeType)
	if strings.HasPrefix(kind, "multipart/") {
		return c.multipart(p, kind, depth)
	}
	attached := isAttachment(p)
	if attached {
		c.attachments = append(c.attachments, attachmentOf(p))
	}
	if p.Body == nil {
		return nil
	}
	switch {
	case kind == "text/calendar" && p.Body.Size <= maxCalendar:
		t := bodyText(p, false)
		t.calendar = true
		return []section{{plain: t}}
	case isSealed(p, kind):
		return []section{{plain: &textPart{text: sealedNote, cut: true}}}
	case attached:
	case kind == "text/html":
		return []section{{html: bodyText(p, true)}}
	case kind == "text/plain", kind == "", strings.HasPrefix(kind, "text/"):
		return []section{{plain: bodyText(p, false)}}
	}
	return nil
}

// multipart returns the sections of a part that has others in it.
func (c *content) multipart(p *gmail.MessagePart, kind string, depth int) []section {
	switch {
	case kind == "multipart/alternative":
		return c.alternative(p, depth)
	case len(p.Parts) == 0 && p.Body != nil && p.Body.Size > 0:
		return []section{{plain: &textPart{text: brokenNote, cut: true}}}
	}
	var all []section
	if kind == "multipart/encrypted" {
		all = append(all, section{plain: &textPart{text: sealedNote, cut: true}})
	}
	for _, child := range p.Parts {
		all = append(all, c.walk(child, depth+1)...)
	}
	return all
}

// What is shown in place of what cannot be.
const (
	sealedNote = "[linkmail: the mail is encrypted and cannot be read here]"
	brokenNote = "[linkmail: the mail is malformed, and Gmail does not tell its parts apart]"
	deepNote   = "[linkmail: parts nested deeper than 40 levels are left out]"
)

// isSealed reports whether a leaf is a whole mail in encrypted form (RFC 8551).
func isSealed(p *gmail.MessagePart, kind string) bool {
	if kind != "application/pkcs7-mime" && kind != "application/x-pkcs7-mime" {
		return false
	}
	return !strings.EqualFold(paramOf(headerOf(p.Headers, "Content-Type"), "smime-type"), "signed-data")
}

// alternative merges the forms of one text into a section. What else is among
// them, for example an invitation, follows as sections of its own.
func (c *content) alternative(p *gmail.MessagePart, depth int) []section {
	var merged section
	var rest []section
	for _, child := range p.Parts {
		for _, s := range c.walk(child, depth+1) {
			switch {
			case s.html != nil && s.plain == nil && merged.html == nil:
				merged.html = s.html
			case s.plain != nil && s.html == nil && merged.plain == nil && !s.plain.calendar:
				merged.plain = s.plain
			default:
				rest = append(rest, s)
			}
		}
	}
	if merged.plain == nil && merged.html == nil {
		return rest
	}
	return append([]section{merged}, rest...)
}

// bodyText reads a text part. Text in the mail itself is UTF-8, whatever its
// header says.
func bodyText(p *gmail.MessagePart, html bool) *textPart {
	t := &textPart{html: html, size: p.Body.Size}
	if p.Body.AttachmentId != "" && p.Body.Data == "" {
		t.attachmentID = p.Body.AttachmentId
		t.charset = paramOf(headerOf(p.Headers, "Content-Type"), "charset")
		return t
	}
	t.text = strings.ToValidUTF8(string(decodeBase64(p.Body.Data)), "\uFFFD")
	return t
}

// isAttachment reports whether a leaf is something to open and not to read: it
// has a name, says so, or is no text.
func isAttachment(p *gmail.MessagePart) bool {
	if p.Filename != "" || disposition(p) == "attachment" {
		return true
	}
	kind := strings.ToLower(p.MimeType)
	return kind != "" && !strings.HasPrefix(kind, "text/")
}

// attachmentOf describes an attachment. Its name is what the sender chose, and
// cleaned; a mail within the mail is named for what it is.
func attachmentOf(p *gmail.MessagePart) Attachment {
	a := Attachment{PartID: p.PartId}
	a.Name, _ = cleanLine(decodeWords(p.Filename))
	a.Type, _ = cleanLine(strings.ToLower(p.MimeType))
	if a.Name = strings.TrimSpace(a.Name); a.Name == "" {
		a.Name = unnamed(a.Type)
	}
	if p.Body != nil {
		a.Size = p.Body.Size
	}
	d := disposition(p)
	a.Inline = d == "inline" || d == "" && headerOf(p.Headers, "Content-Id") != ""
	return a
}

// unnamed names an attachment that has no name.
func unnamed(kind string) string {
	if kind == "message/rfc822" {
		return "message.eml"
	}
	sub := path.Base(kind)
	if !plainSubtype.MatchString(sub) {
		return "attachment"
	}
	return "attachment." + sub
}

var plainSubtype = regexp.MustCompile(`^[a-z0-9]{1,8}$`)

// disposition is "attachment", "inline" or what else the part says.
func disposition(p *gmail.MessagePart) string {
	d, _, _ := strings.Cut(headerOf(p.Headers, "Content-Disposition"), ";")
	return strings.ToLower(strings.TrimSpace(d))
}

// charsetParam finds a charset in a header that does not follow the grammar.
var charsetParam = regexp.MustCompile(`(?i)charset\s*=\s*"?([A-Za-z0-9._:-]+)`)

// paramOf returns a parameter of a Content-Type header.
func paramOf(header, name string) string {
	if _, params, err := mime.ParseMediaType(header); err == nil {
		return params[name]
	}
	if m := charsetParam.FindStringSubmatch(header); m != nil && name == "charset" {
		return m[1]
	}
	return ""
}
