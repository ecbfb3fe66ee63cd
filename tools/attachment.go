package tools

import (
	"context"
	"encoding/base64"
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/mark3labs/mcp-go/mcp"
	mcpserver "github.com/mark3labs/mcp-go/server"

	"linkmail/mailbox"
)

// attachments is what get_attachment needs of a mailbox.
type attachments interface {
	// Document is the text of an attachment, and the same whenever it is asked for.
	Document(ctx context.Context, id string, ref mailbox.PartRef) (mailbox.Document, error)
	// Picture is an attached image, or the picture on a page of a scan.
	Picture(ctx context.Context, id string, ref mailbox.PartRef, page int) (mailbox.Picture, error)
	// Describe tells of an attachment what its mail says.
	Describe(ctx context.Context, id string, ref mailbox.PartRef) (mailbox.Attachment, error)
	CopyAttachment(ctx context.Context, id string, ref mailbox.PartRef, limit int64, to mailbox.Place) (mailbox.Attachment, error)
	AttachedFile(ctx context.Context, id string, ref mailbox.PartRef, limit int64) (mailbox.File, error)
}

type attachmentIn struct {
	MessageID string `json:"messageId" required:"true"`
	PartID    string `json:"partId"`
	Filename  string `json:"filename" doc:"Instead of partId"`
	As        string `json:"as" enum:"text,image,save,link" default:"\"text\"" doc:"image: look at a picture, or a page of a scanned PDF; save: to the user's folder; link: MCP resource"`
	Page      int    `json:"page" min:"1" default:"1" doc:"Page, sheet or slide to begin with"`
	Offset    int    `json:"offset" min:"0" default:"0" doc:"nextOffset, with page = nextPage"`
}

type attachmentOut struct {
	MessageID string `json:"messageId"`
	PartID    string `json:"partId"`
	Name      string `json:"name"`
	Type      string `json:"type"`
	Size      int64  `json:"size"`
	// Kind is what the file really is, whatever Name and Type say.
	Kind string `json:"kind,omitempty" schema:"-"`
	// Text is fenced; offsets count characters of one page inside the fence,
	// without the lines that say where a page begins.
	Text  string `json:"text,omitempty"`
	Page  int    `json:"page,omitempty"`
	Pages int    `json:"pages,omitempty"`
	// NextPage and NextOffset are where the text goes on.
	NextPage   int  `json:"nextPage,omitempty"`
	NextOffset int  `json:"nextOffset,omitempty"`
	Complete   bool `json:"complete"`
	// Path, Size and SHA256 are of the file that was saved.
	Path   string `json:"path,omitempty"`
	SHA256 string `json:"sha256,omitempty"`
	URI    string `json:"uri,omitempty"`

	HiddenTextRemoved int `json:"hiddenTextRemoved,omitempty" schema:"-"`
	// Notes are sentences of ours.
	Notes []string `json:"notes,omitempty" schema:"-"`
	// Attachments are those of an attached mail.
	Attachments []attachment `json:"attachments,omitempty" schema:"-"`
	Width       int          `json:"width,omitempty" schema:"-"`
	Height      int          `json:"height,omitempty" schema:"-"`

	unit  string
	extra []mcp.Content
}

// maxSaved bounds a file that is saved, in bytes: the largest that Gmail takes.
const maxSaved = 50 << 20

func getAttachment(cfg Config) mcpserver.ServerTool {
	return define(cfg, definition{
		name:  "get_attachment",
		title: "Open attachment",
		description: "Opens an attachment of a mail: text of pdf, docx, xlsx, pptx, csv, ics, eml, html, txt; pictures; the file itself. " +
			"Long text comes in parts. " + fenceNote,
		effect: reads,
	}, func(ctx context.Context, in attachmentIn) (*attachmentOut, error) {
		id := strings.TrimSpace(in.MessageID)
		ref := partRef(in.PartID, in.Filename)
		if in.As != "text" && in.Offset > 0 {
			return nil, invalid("offset", "Leave it out.", "offset continues a text, and as is not text")
		}
		switch in.As {
		case "image":
			return attachedPicture(ctx, cfg, id, ref, in.Page)
		case "save":
			return savedAttachment(ctx, cfg, id, ref)
		case "link":
			return linkedAttachment(ctx, cfg, id, ref)
		default:
			d, err := cfg.Mailbox.Document(ctx, id, ref)
			if err != nil {
				return nil, err
			}
			return documentAnswer(id, d, in.Page, in.Offset)
		}
	})
}

func attachmentAnswer(id string, a mailbox.Attachment) *attachmentOut {
	shown := shownAttachment(a)
	return &attachmentOut{MessageID: id, PartID: shown.PartID, Name: shown.Name, Type: shown.Type, Size: shown.Size}
}

// documentAnswer shows as much of a document as one call may, from offset in
// page on. It depends on nothing but the document and these two.
func documentAnswer(id string, d mailbox.Document, page, offset int) (*attachmentOut, error) {
	out := attachmentAnswer(id, d.Attachment)
	out.Kind, out.Page, out.Pages, out.unit = d.Kind, page, d.Total, d.Unit
	out.HiddenTextRemoved, out.Notes = d.HiddenChars, slices.Clone(d.Notes) // which is kept
	if d.MayHide {
		out.Notes = append(out.Notes, mayHide)
	}
	if slices.ContainsFunc(d.Inner, func(a mailbox.Attachment) bool { return a.PartID == "" }) {
		out.Notes = append(out.Notes, `Attachments without a part cannot be opened on their own; as="save" saves this mail with them.`)
	}
	for _, a := range d.Inner[:min(len(d.Inner), shownAttachments)] {
		out.Attachments = append(out.Attachments, innerAttachment(a))
	}
	switch {
	case page > d.Total:
		return nil, invalid("page", "Give a smaller number.", "page is %d, but the document has only %s", page, plural(d.Total, orPage(d.Unit)))
	case page > len(d.Pages):
		return nil, &mailbox.Error{
			Code: "too_large", Message: fmt.Sprintf("only the first %s of the document can be read here", plural(len(d.Pages), orPage(d.Unit))),
			Hint: `Save it with as="save".`,
		}
	}
	var b strings.Builder
	room := maxCallChars
	for i := page - 1; ; i++ {
		if i == len(d.Pages) {
			out.Complete = page == 1 && offset == 0 && !d.Cut
			break
		}
		text := d.Pages[i]
		if i == page-1 { // this one is begun, however long it is
			c := chunkOf(text, offset, room)
			if offset > c.total {
				return nil, invalid("offset", "Use nextOffset and nextPage of the previous part.", "offset is %d, but the page has only %d characters", offset, c.total)
			}
			text, out.NextOffset = c.text, c.next
		} else if utf8.RuneCountInString(text) > room {
			out.NextPage = i + 1
			break
		}
		room -= utf8.RuneCountInString(text) + pageMark
		if d.Unit != "" {
			fmt.Fprintf(&b, "[%s %d]\n", d.Unit, i+1)
		}
		b.WriteString(text + "\n\n")
		if out.NextOffset > 0 {
			out.NextPage = i + 1
			break
		}
	}
	out.Text = strings.TrimSpace(b.String())
	if d.Cut && out.NextPage == 0 {
		out.Notes = append(out.Notes, "The document has more text than can be read here.")
	}
	return out, nil
}

// pageMark is about what the mark of a page takes, in characters.
const pageMark = 20

func orPage(unit string) string {
	if unit == "" {
		return "page"
	}
	return unit
}

func attachedPicture(ctx context.Context, cfg Config, id string, ref mailbox.PartRef, page int) (*attachmentOut, error) {
	p, err := cfg.Mailbox.Picture(ctx, id, ref, page)
	if err != nil {
		return nil, err
	}
	out := attachmentAnswer(id, p.Attachment)
	out.Kind = p.Kind
	out.Width, out.Height, out.Page, out.Pages = p.Width, p.Height, p.Page, p.Pages
	out.Complete = p.Pages == 1
	if p.Width != p.FileWidth {
		out.Notes = append(out.Notes, fmt.Sprintf("The picture was scaled down from %d x %d pixels.", p.FileWidth, p.FileHeight))
	}
	if p.Kind == "pdf" {
		out.unit = "page"
	}
	if p.Page < p.Pages {
		out.NextPage = p.Page + 1
	}
	if !cfg.Links {
		out.Notes = append(out.Notes, `The picture cannot be shown here: this is no MCP server. as="save" writes it to the directory that LINKMAIL_DOWNLOADS names.`)
		return out, nil
	}
	out.extra = []mcp.Content{mcp.ImageContent{Type: mcp.ContentTypeImage, MIMEType: p.MediaType, Data: base64.StdEncoding.EncodeToString(p.Content)}}
	return out, nil
}

func savedAttachment(ctx context.Context, cfg Config, id string, ref mailbox.PartRef) (*attachmentOut, error) {
	f, err := cfg.Files.create("as")
	if err != nil {
		return nil, err
	}
	defer f.discard()
	a, err := cfg.Mailbox.CopyAttachment(ctx, id, ref, maxSaved, f)
	if err != nil {
		return nil, err
	}
	s, err := f.keep(a.Name)
	if err != nil {
		return nil, err
	}
	out := attachmentAnswer(id, a)
	out.Path, out.SHA256, out.Size, out.Complete = s.path, s.sha256, s.size, true
	return out, nil
}

func linkedAttachment(ctx context.Context, cfg Config, id string, ref mailbox.PartRef) (*attachmentOut, error) {
	if !cfg.Links {
		return nil, invalid("as", `Use as="text", as="image" or as="save".`, "there is nobody here to follow a link: this is no MCP server")
	}
	a, err := cfg.Mailbox.Describe(ctx, id, ref)
	if err != nil {
		return nil, err
	}
	if a.Size > maxLinked {
		return nil, &mailbox.Error{
			Code: "too_large", Message: fmt.Sprintf("the attachment has %d bytes; at most %d can be linked to", a.Size, maxLinked),
			Hint: `Read it with as="text", or save it with as="save".`,
		}
	}
	out := attachmentAnswer(id, a)
	out.URI, out.Complete = attachmentURI(id, a.PartID), true
	out.extra = []mcp.Content{mcp.NewResourceLink(out.URI, out.Name, "Attachment of a mail: data from a third party", out.Type)}
	return out, nil
}

func (o *attachmentOut) summary() summary { return summary{status: OK} }

// contents is what the answer holds beside its text.
func (o *attachmentOut) contents() []mcp.Content { return o.extra }

// render says what was opened: outside of the fence what the server knows,
// inside what the sender wrote.
func (o *attachmentOut) render(f fence, _ string) string {
	var b, inside strings.Builder
	fmt.Fprintf(&b, "Attachment of message %s: part %s, %d bytes%s\n", o.MessageID, o.PartID, o.Size, prefixed(", really ", o.surprise()))
	fmt.Fprintf(&inside, "%q, %s\n", o.Name, o.Type)
	for _, a := range o.Attachments {
		fmt.Fprintf(&inside, "Attachment of this mail: %s%q, %s, %d bytes\n", inPart(a.PartID), a.Name, a.Type, a.Size)
	}
	if o.Path != "" {
		fmt.Fprintf(&inside, "File: %q\n", o.Path)
	}
	if o.Text != "" {
		inside.WriteString("\n" + o.Text)
	}
	b.WriteString(f.around(strings.TrimSpace(inside.String())) + "\n")
	o.Text = f.around(o.Text)
	switch {
	case o.Path != "":
		fmt.Fprintf(&b, "Saved under that name in the directory that LINKMAIL_DOWNLOADS names. SHA-256: %s\n", o.SHA256)
	case o.URI != "":
		fmt.Fprintf(&b, "Link: %s (resources/read gives the file to this client)\n", o.URI)
	case o.Width > 0:
		what := "The picture follows"
		if len(o.extra) == 0 {
			what = "A picture"
		}
		fmt.Fprintf(&b, "%s: %d x %d pixels%s.\n", what, o.Width, o.Height, o.where())
	case o.Text == "":
		b.WriteString("It has no text.\n")
	}
	for _, n := range o.Notes {
		b.WriteString(n + "\n")
	}
	if o.HiddenTextRemoved > 0 {
		fmt.Fprintf(&b, "Removed: %s that a reader of the document would not see.\n", plural(o.HiddenTextRemoved, "character"))
	}
	b.WriteString(o.rest())
	return strings.TrimSpace(b.String())
}

// where is the page that is shown, of a document that has some.
func (o *attachmentOut) where() string {
	if o.unit == "" {
		return ""
	}
	return fmt.Sprintf(", %s %d of %d", o.unit, o.Page, o.Pages)
}

// rest says how much of the document this is, and how to go on.
func (o *attachmentOut) rest() string {
	switch {
	case o.NextPage > 0 && o.Width > 0:
		return fmt.Sprintf("For the next page: the same call with page %d.", o.NextPage)
	case o.NextPage > 0 && o.unit == "":
		return fmt.Sprintf("There is more: the same call with offset %d.", o.NextOffset)
	case o.NextPage > 0:
		return fmt.Sprintf("The document has %s. For more: the same call with page %d and offset %d.", plural(o.Pages, o.unit), o.NextPage, o.NextOffset)
	case o.Text == "": // a file, a picture, or nothing to say
		return ""
	case o.unit == "" && o.Complete:
		return "This is the whole text."
	case o.unit == "":
		return "There is no more text to read here."
	case o.Complete:
		return fmt.Sprintf("This is the whole document, %s.", plural(o.Pages, o.unit))
	default:
		return fmt.Sprintf("This is the end of %s.", plural(o.Pages, o.unit))
	}
}

// surprise is what the file really is, where its name says otherwise; where the
// name says nothing, its type.
func (o *attachmentOut) surprise() string {
	says := strings.TrimPrefix(strings.ToLower(path.Ext(o.Name)), ".")
	if says == "" {
		_, says, _ = strings.Cut(strings.ToLower(o.Type), "/")
	}
	switch {
	case says == o.Kind, says == "jpg" && o.Kind == "jpeg", says == "htm" && o.Kind == "html",
		o.Kind == "text" && strings.HasPrefix(o.Type, "text/"):
		return ""
	}
	return o.Kind
}

// inPart names a part that can be opened; one without an id cannot.
func inPart(id string) string {
	if id == "" {
		return ""
	}
	return "part " + id + ", "
}
