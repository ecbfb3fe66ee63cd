package mailbox

import (
	"errors"
	"fmt"

	"linkmail/mailbox/document"
)

const (
	codeUnsupported = "unsupported"
	codeLocked      = "locked"
	codeDamaged     = "damaged"
)

// refusals say of each kind of file that is not read what it is and what to do.
var refusals = map[document.Kind]struct{ message, hint string }{
	document.PNG:          {"the attachment is a picture", `Look at it with as="image".`},
	document.JPEG:         {"the attachment is a picture", `Look at it with as="image".`},
	document.GIF:          {"the attachment is a picture", `Look at it with as="image".`},
	document.WebP:         {"the attachment is a picture", `Look at it with as="image".`},
	document.SVG:          {"the attachment is a drawing in SVG, which may hold programs and is not shown here", `Save it with as="save".`},
	document.OldOffice:    {"the attachment is a file of Office 97 to 2003 (.doc, .xls, .ppt, .msg), which is not read here", `Save it with as="save", or ask the sender for a newer format or a PDF.`},
	document.OpenDocument: {"the attachment is an OpenDocument file (.odt, .ods, .odp), which is not read here", `Save it with as="save", or ask the sender for a PDF.`},
	document.BinarySheet:  {"the attachment is a binary workbook (.xlsb), which is not read here", `Save it with as="save", or ask the sender for an .xlsx.`},
	document.RichText:     {"the attachment is a rich text file (.rtf), which is not read here", `Save it with as="save", or ask the sender for a PDF.`},
	document.Tnef:         {"the attachment is a winmail.dat, in which Outlook hides what it sent", "Ask the sender to send it as plain text or HTML."},
	document.PGP:          {"the attachment is encrypted with PGP, and only the recipient's key opens it", `Save it with as="save", and have the user decrypt it.`},
	document.SMIME:        {"the attachment is a signed or encrypted mail (S/MIME), which is not opened here", "Have the user open the mail in a program that has the key."},
	document.Signature:    {"the attachment is a digital signature, and has no text", "There is nothing to read in it."},
	document.Empty:        {"the attachment is empty", "There is nothing to read in it."},
	document.Binary:       {"the attachment is neither text nor a document that is read here (pdf, docx, xlsx, pptx, csv, ics, eml, html, txt)", `Save it with as="save".`},
}

// unread explains why a file could not be read. Errors that are no matter of
// the file are passed on.
func unread(kind document.Kind, err error) error {
	switch {
	case kind == document.LockedOffice:
		return locked()
	case errors.Is(err, document.ErrKind):
		r := refusals[kind]
		return &Error{Code: codeUnsupported, Message: r.message, Hint: r.hint}
	case errors.Is(err, document.ErrLocked):
		return locked()
	case errors.Is(err, document.ErrCipher):
		return &Error{
			Code: codeLocked, Message: "the attachment is encrypted in a way that is not read here",
			Hint: `Save it with as="save", and have the user open it.`,
		}
	case errors.Is(err, document.ErrDamaged):
		return &Error{
			Code: codeDamaged, Message: fmt.Sprintf("the attachment looks like %s, but is damaged", kind),
			Hint: `Save it with as="save", or ask the sender to send it again.`,
		}
	case errors.Is(err, document.ErrLimit):
		return &Error{
			Code: codeTooLarge, Message: "the attachment is too large or too complex to be read here",
			Hint: `Save it with as="save".`,
		}
	}
	return err
}

func locked() *Error {
	return &Error{
		Code: codeLocked, Message: "the attachment is protected with a password",
		Hint: `Save it with as="save", and have the user open it with the password. Do not ask for it here.`,
	}
}

// unseen explains why a page of a PDF cannot be shown as a picture.
func unseen(err error, page, pages int) error {
	switch {
	case !errors.Is(err, document.ErrKind):
		return unread(document.PDF, err)
	case pages > 0 && (page < 1 || page > pages):
		return invalid(fmt.Sprintf("the document has no page %d, but %s", page, pagesOf(pages)), "Give the number of one of its pages.")
	}
	return &Error{
		Code: codeUnsupported, Message: fmt.Sprintf("page %d of the PDF has no picture that can be shown here", page),
		Hint: `Read it with as="text", or save it with as="save".`,
	}
}

// notAnImage explains that a file cannot be shown as a picture.
func notAnImage(kind document.Kind) *Error {
	e := &Error{Code: codeUnsupported, Message: "the attachment is no picture (png, jpeg, gif or webp)", Hint: `Read it with as="text".`}
	switch kind {
	case document.LockedOffice:
		return locked()
	case document.PDF, document.Word, document.Sheet, document.Slides, document.Zip, document.Plain, document.HTML, document.Calendar, document.Mail:
	default:
		r := refusals[kind]
		e.Message, e.Hint = r.message, r.hint
	}
	return e
}
