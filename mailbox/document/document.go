// Package document reads the files that come with mail: what a file is, the
// text that it says, and pictures of a size that a model takes.
//
// A file is what its bytes are, whatever its name and the sender say. It comes
// from a stranger, so nothing that it claims is believed and everything that it
// costs is bounded: entries and inflated bytes of an archive, the depth and the
// size of its XML, pixels of a picture, characters of the text. An archive is
// never unpacked to disk, and none within another is opened.
//
// What a reader of the document would not see (hidden rows, columns, sheets,
// shapes and runs of text, text outside of the page) is left out and counted,
// as in a mail. The text is not cleaned of invisible characters; who shows it
// does that.
//
// Formats that mail itself has (plain text, HTML, calendars, mails) are only
// told apart here; package mailbox reads them.
package document

import (
	"context"
	"errors"
	"strings"

	"linkmail/mailbox/document/pdf"
)

// Text is what a document says.
type Text struct {
	// Pages are its pages, sheets or slides, in order. A document that has none
	// of them is one page.
	Pages []string
	// Unit is what a page is called: "page", "sheet" or "slide"; empty if the
	// document has no pages.
	Unit string
	// Total is how many pages there are; more than len(Pages) if not all could
	// be read.
	Total int
	// Cut is set if a limit ended the text before its end.
	Cut bool
	// Hidden counts the characters that were left out because a reader of the
	// document does not see them.
	Hidden int
	// Notes are what is to be known about the text, in full sentences. They
	// quote nothing of it.
	Notes []string
}

// The errors of [Read] and [Shrink].
var (
	// ErrDamaged: the file is not in the form that it seems to have.
	ErrDamaged = errors.New("document: the file is damaged")
	// ErrLocked: it needs a password.
	ErrLocked = errors.New("document: the file needs a password")
	// ErrCipher: it is encrypted in a way that is not supported.
	ErrCipher = errors.New("document: the encryption is not supported")
	// ErrLimit: reading it would cost too much.
	ErrLimit = errors.New("document: the file is too large or too complex to be read")
	// ErrKind: files of this kind are not read.
	ErrKind = errors.New("document: files of this kind are not read")
)

// maxChars bounds the text of a document, in characters. It is a hundred times
// what a model reads at once.
const maxChars = 4_000_000

// Read returns the text of a document of a kind that [Kind.Readable] reports.
// It is the same text whenever the file is read.
func Read(ctx context.Context, kind Kind, content []byte) (Text, error) {
	switch kind {
	case PDF:
		return readPDF(ctx, content)
	case Word, Sheet, Slides, Zip:
		a, err := openArchive(content, ctx.Err)
		if err != nil {
			return Text{}, err
		}
		switch kind {
		case Word:
			return a.word()
		case Sheet:
			return a.workbook()
		case Slides:
			return a.slides()
		default:
			return a.list(), nil
		}
	}
	return Text{}, ErrKind
}

// Readable reports whether [Read] reads files of this kind.
func (k Kind) Readable() bool {
	switch k {
	case PDF, Word, Sheet, Slides, Zip:
		return true
	}
	return false
}

func readPDF(ctx context.Context, content []byte) (Text, error) {
	read, err := pdf.Read(ctx, content, pdf.Limits{Chars: maxChars})
	if err != nil {
		return Text{}, pdfError(err)
	}
	t := Text{Pages: read.Pages, Unit: "page", Total: read.Total, Cut: read.Total > len(read.Pages), Hidden: read.Hidden}
	blank := 0
	for _, p := range read.Pages {
		if p == "" {
			blank++
		}
	}
	if blank > 0 && blank < len(read.Pages) {
		t.note("%s without text; they may be pictures.", count(blank, "page"))
	}
	if read.Invisible > 0 {
		t.note("%s drawn without ink or in white: in a scan the text that a program recognized, elsewhere text that a reader may not see.", count(read.Invisible, "character"))
	}
	if read.Unreadable > 0 {
		t.note("%s of which the file does not say what letters they are, shown as \uFFFD.", count(read.Unreadable, "character"))
	}
	return t, nil
}

// pdfError is what an error of package pdf is called here.
func pdfError(err error) error {
	switch {
	case errors.Is(err, pdf.ErrLocked):
		return ErrLocked
	case errors.Is(err, pdf.ErrCipher):
		return ErrCipher
	case errors.Is(err, pdf.ErrLimit):
		return ErrLimit
	case errors.Is(err, pdf.ErrNot):
		return ErrDamaged
	case errors.Is(err, pdf.ErrPicture):
		return ErrKind
	}
	return err
}

// Blank reports whether the document has no text at all.
func (t *Text) Blank() bool {
	for _, p := range t.Pages {
		if strings.TrimSpace(p) != "" {
			return false
		}
	}
	return true
}

// page adds a page, as far as there is room, and reports whether there is more.
// chars counts what was added so far.
func (t *Text) page(s string, chars *int) bool {
	s = strings.TrimSpace(s)
	for i := range s {
		if *chars == maxChars {
			t.Cut = true
			t.Pages = append(t.Pages, s[:i])
			return false
		}
		*chars++
	}
	t.Pages = append(t.Pages, s)
	return true
}
