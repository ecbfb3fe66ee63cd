package mailbox

import (
	"bytes"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/emersion/go-message"
	gomail "github.com/emersion/go-message/mail"
)

const (
	// maxEncoded bounds a mail as it goes out, in bytes. It is what Gmail shows
	// its users as the limit, and what most others take.
	maxEncoded = 25 << 20
	// maxFileName bounds the name of an attachment, in bytes, as file systems do.
	maxFileName = 255
)

// EncodedSize is how many bytes size bytes of an attachment take in a mail:
// base64 in lines of 76 characters, and the part's header.
func EncodedSize(size int64) int64 {
	const header = 300
	characters := (size + 2) / 3 * 4
	return characters + 2*((characters+75)/76) + header
}

// checkFiles refuses an attachment whose description cannot be written, and
// attachments that are too large together.
func checkFiles(files []File) error {
	var sizes []string
	var total int64
	for i, f := range files {
		at := fmt.Sprintf("attachments[%d]", i)
		switch {
		case f.Name == "":
			return invalidFile(at, "has no name")
		case !mediaTypeForm.MatchString(f.Type) || strings.HasPrefix(strings.ToLower(f.Type), "multipart/"):
			return invalidFile(at, "has no media type such as application/pdf")
		case !contentID.MatchString(f.ContentID):
			return invalidFile(at, "has a content id that is none")
		}
		if err := checkName(at, f.Name, maxFileName); err != nil {
			return err
		}
		size := EncodedSize(int64(len(f.Content)))
		total += size
		sizes = append(sizes, at+" "+megabytes(size))
	}
	if total > maxEncoded {
		return &Error{
			Code: codeTooLarge,
			Message: fmt.Sprintf("the attachments take %s in a mail, which may have %s: %s",
				megabytes(total), megabytes(maxEncoded), strings.Join(sizes, ", ")),
			Hint: "Leave one out, or share it in another way.",
		}
	}
	return nil
}

func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/(1<<20)) }

// The grammar of RFC 6838 for types and of RFC 2392 for content ids, as far as
// anybody uses it; an id may be missing.
var (
	mediaTypeForm = regexp.MustCompile("^[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}$")
	contentID     = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+/=?^_`{|}~.@-]{0,250}$")
)

func invalidFile(at, why string) error {
	return &Error{Code: "invalid_attachment", Message: at + " " + why, Hint: "Leave it out, or attach it from a file."}
}

// part is a node of the tree that a mail is: with a body, or with parts.
type part struct {
	header message.Header
	body   []byte
	parts  []part
}

// write returns the mail.
func (m *envelope) write(text, html string, files []File) ([]byte, error) {
	root := partsOf(text, html, files)
	h := gomail.Header{Header: root.header}
	m.setHeader(&h)
	var buf bytes.Buffer
	size := 4096 + 2*(len(text)+len(html))
	for _, f := range files {
		size += int(EncodedSize(int64(len(f.Content))))
	}
	buf.Grow(size) // so that a large mail is not copied as the buffer grows
	w, err := message.CreateWriter(&buf, h.Header)
	if err == nil {
		err = root.write(w)
	}
	if err != nil {
		return nil, fmt.Errorf("mailbox: compose: %w", err)
	}
	return buf.Bytes(), nil
}

func (p part) write(w *message.Writer) error {
	if p.parts == nil {
		if _, err := w.Write(p.body); err != nil {
			return err
		}
		return w.Close()
	}
	for _, child := range p.parts {
		cw, err := w.CreatePart(child.header)
		if err != nil {
			return err
		}
		if err := child.write(cw); err != nil {
			return err
		}
	}
	return w.Close()
}

// partsOf arranges the parts of a mail. Files are shown inside the HTML, or
// attached to all of it: between the alternatives, some programs hide them.
func partsOf(text, html string, files []File) part {
	root := textPartOf("text/plain", text)
	var shown, attached []part
	for _, f := range files {
		if inline := f.ContentID != "" && strings.Contains(html, "cid:"+f.ContentID); inline {
			shown = append(shown, filePart(f, "inline"))
		} else {
			attached = append(attached, filePart(f, "attachment"))
		}
	}
	if html != "" {
		root = together("alternative", root, together("related", textPartOf("text/html", html), shown...))
	}
	return together("mixed", root, attached...)
}

// together puts parts behind the first one; without any, there is nothing to
// hold together.
func together(subtype string, first part, more ...part) part {
	if len(more) == 0 {
		return first
	}
	p := part{parts: append([]part{first}, more...)}
	p.header.SetContentType("multipart/"+subtype, nil)
	return p
}

func textPartOf(mediaType, body string) part {
	p := part{body: []byte(body)}
	p.header.Set("Content-Transfer-Encoding", "quoted-printable")
	p.header.SetContentType(mediaType, map[string]string{"charset": "utf-8"})
	return p
}

// filePart is a checked file as a part.
func filePart(f File, disposition string) part {
	p := part{body: f.Content}
	if f.ContentID != "" {
		p.header.Set("Content-Id", "<"+f.ContentID+">")
	}
	p.header.Set("Content-Disposition", disposition+"; "+fileNameParameter(f.Name))
	p.header.Set("Content-Transfer-Encoding", "base64")
	contentType := f.Type
	switch {
	case strings.HasPrefix(strings.ToLower(f.Type), "message/"):
		contentType = "application/octet-stream" // RFC 2046 forbids base64 for a message
	case strings.EqualFold(f.Charset, "utf-8"):
		// Of others the writer wants to know nothing; a reader guesses them.
		contentType += "; charset=utf-8"
	}
	p.header.Set("Content-Type", contentType)
	return p
}

// simpleName is a file name that every program reads the same way in quotes.
var simpleName = regexp.MustCompile(`^[A-Za-z0-9_.-]+( [A-Za-z0-9_.-]+)*$`)

// fileNameParameter writes a file name, by RFC 2231 where it has more than
// simple characters. There is no second, plain one beside it: two names are
// two things to see in one mail.
func fileNameParameter(name string) string {
	if len(name) <= 60 && simpleName.MatchString(name) {
		return `filename="` + name + `"`
	}
	return "filename*=UTF-8''" + strings.ReplaceAll(url.QueryEscape(name), "+", "%20")
}

// checkThread refuses ids that are none, or that cannot be written.
func checkThread(t Threading) error {
	if t.ID != "" {
		if err := checkID(t.ID); err != nil {
			return err
		}
	}
	for _, id := range append([]string{t.InReplyTo}, t.References...) {
		if id != "" && !isMessageID(id) {
			return invalidHeader("references", "has something that is no Message-ID")
		}
	}
	return nil
}

// maxMessageID leaves room in a line of 998 bytes.
const maxMessageID = 900

// isMessageID is RFC 5322 section 3.6.4, as mail programs keep to it: anything
// without spaces that does not end the brackets around it.
func isMessageID(s string) bool {
	return s != "" && len(s) <= maxMessageID && utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return r <= ' ' || r > '~' || r == '<' || r == '>'
	})
}

// maxReferences bounds a chain of them, in bytes, below what servers take of a
// header. Of a longer one the first and the latest stay, by which mail programs
// put a conversation together.
const maxReferences = 32 << 10

// references are those of the conversation, and the mail that is answered.
func (m *envelope) references() string {
	if m.thread.InReplyTo == "" {
		return ""
	}
	var ids []string
	for _, id := range m.thread.References {
		if id != "" && id != m.thread.InReplyTo {
			ids = append(ids, "<"+id+">")
		}
	}
	ids = append(ids, "<"+m.thread.InReplyTo+">")
	latest, size := len(ids), len(ids[0])
	for latest > 1 && size+len(ids[latest-1])+1 <= maxReferences {
		latest--
		size += len(ids[latest]) + 1
	}
	return strings.Join(append(ids[:1:1], ids[latest:]...), " ")
}
