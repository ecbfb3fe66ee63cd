package tools

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"linkmail/mailbox"
)

// enclosed names a file to attach: one of the directory for files, or a part
// of a mail. Nothing of its content passes through the model.
type enclosed struct {
	Path          string `json:"path"`
	FromMessageID string `json:"fromMessageId"`
	PartID        string `json:"partId"`
}

const (
	// maxEnclosures is how many attachments a mail has.
	maxEnclosures = 50
	// maxMail is how large a mail may be as it goes out, in bytes.
	maxMail = 25 << 20
)

// files reads what is to be attached. One that fails fails the call, and what is
// too large is refused before anything is read or fetched, as far as that can be
// known then.
func (in letterIn) files(ctx context.Context, cfg Config) ([]mailbox.File, error) {
	list := in.Attachments
	if len(list) > maxEnclosures {
		return nil, invalid("attachments", "Send them in several mails.", "%d attachments were given; at most %d are accepted", len(list), maxEnclosures)
	}
	sizes := make([]int64, len(list))
	for i, e := range list {
		at := fmt.Sprintf("attachments[%d]", i)
		switch {
		case e.Path == "" && e.FromMessageID == "" && e.PartID == "":
			return nil, invalid("attachments", "Give path, or fromMessageId and partId.", "%s names nothing", at)
		case e.Path != "" && e.FromMessageID+e.PartID != "":
			return nil, invalid("attachments", "Make two attachments of it.", "%s names a file and a part of a mail", at)
		case e.Path == "" && (e.FromMessageID == "" || e.PartID == ""):
			return nil, invalid("attachments", "Give both, as read_email lists them.", "%s needs fromMessageId and partId", at)
		case e.Path != "":
			size, err := cfg.Files.size(at, e.Path)
			if err != nil {
				return nil, err
			}
			sizes[i] = size
		}
	}
	if err := weigh(list, sizes); err != nil {
		return nil, err
	}
	files := make([]mailbox.File, len(list))
	for i, e := range list {
		f, err := e.open(ctx, cfg, fmt.Sprintf("attachments[%d]", i))
		if err != nil {
			return nil, err
		}
		files[i], sizes[i] = f, int64(len(f.Content))
		if err := weigh(list, sizes); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// weigh refuses attachments that are too large together. Sizes that are not
// known yet are zero.
func weigh(list []enclosed, sizes []int64) error {
	var total int64
	var named []string
	for i, size := range sizes {
		encoded := mailbox.EncodedSize(size)
		total += encoded
		if size > 0 {
			named = append(named, fmt.Sprintf("%s %s", list[i].name(), megabytes(encoded)))
		}
	}
	if total <= maxMail {
		return nil
	}
	return &ArgumentError{
		Argument: "attachments", Code: "too_large",
		Message: fmt.Sprintf("a mail may have %s, but the attachments take %s in it: %s", megabytes(maxMail), megabytes(total), strings.Join(named, ", ")),
		Hint:    "Leave one out, or share it in another way.",
	}
}

// name is what to call it in an error. The name of a part is its sender's text.
func (e enclosed) name() string {
	if e.Path != "" {
		return fmt.Sprintf("%q", filepath.Base(filepath.FromSlash(e.Path)))
	}
	return fmt.Sprintf("part %q of message %q", shorten(e.PartID, 20), shorten(e.FromMessageID, 64))
}

func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/(1<<20)) }

// open reads the file or fetches the part.
func (e enclosed) open(ctx context.Context, cfg Config, at string) (mailbox.File, error) {
	if e.Path == "" {
		f, err := cfg.Mailbox.AttachedFile(ctx, e.FromMessageID, partRef(e.PartID, ""), maxMail)
		if err != nil {
			return f, atArgument(err, at)
		}
		f.ContentID, f.Inline = "", false // nothing in this mail shows it
		return f, nil
	}
	content, err := cfg.Files.read(at, e.Path, maxMail)
	if err != nil {
		return mailbox.File{}, err
	}
	f := mailbox.File{Content: content}
	f.Name, f.Size = filepath.Base(filepath.FromSlash(e.Path)), int64(len(content))
	f.Type, f.Charset = typeOfFile(f.Name, content)
	return f, nil
}

// atArgument says which of several attachments an error is about.
func atArgument(err error, at string) error {
	e, ok := errors.AsType[*mailbox.Error](err)
	if !ok {
		return err
	}
	which := *e
	which.Message = at + ": " + e.Message
	return &which
}

// mediaTypes are of files whose content does not tell. They are listed here,
// because what the system knows differs from one machine to the next.
var mediaTypes = map[string]string{
	".csv": "text/csv", ".htm": "text/html", ".html": "text/html", ".ics": "text/calendar", ".md": "text/markdown", ".txt": "text/plain",
	".vcf": "text/vcard", ".json": "application/json", ".xml": "application/xml", ".eml": "message/rfc822", ".svg": "image/svg+xml",
	".doc": "application/msword", ".xls": "application/vnd.ms-excel", ".ppt": "application/vnd.ms-powerpoint",
	".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
	".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
	".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
	".odt":  "application/vnd.oasis.opendocument.text", ".ods": "application/vnd.oasis.opendocument.spreadsheet",
	".epub": "application/epub+zip", ".heic": "image/heic", ".m4a": "audio/mp4", ".mov": "video/quicktime", ".zip": "application/zip",
}

// typeOfFile tells the type of a file by its name, or else by its content, and
// the charset of a text that is UTF-8.
func typeOfFile(name string, content []byte) (kind, charset string) {
	kind = mediaTypes[strings.ToLower(filepath.Ext(name))]
	if kind == "" {
		kind, _, _ = strings.Cut(http.DetectContentType(content), ";")
	}
	if strings.HasPrefix(kind, "text/") && utf8.Valid(content) {
		charset = "utf-8"
	}
	return kind, charset
}
