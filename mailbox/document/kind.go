package document

import (
	"bytes"
	"fmt"
	"path"
	"strings"
	"unicode/utf8"
)

// Kind is what a file is.
type Kind string

// The kinds of files that are told apart.
const (
	PDF    Kind = "pdf"
	Word   Kind = "docx"
	Sheet  Kind = "xlsx"
	Slides Kind = "pptx"
	Zip    Kind = "zip"

	// What mail itself has.
	Plain    Kind = "text"
	HTML     Kind = "html"
	Calendar Kind = "ics"
	Mail     Kind = "eml"

	PNG  Kind = "png"
	JPEG Kind = "jpeg"
	GIF  Kind = "gif"
	WebP Kind = "webp"

	// What is recognized but not read.
	SVG          Kind = "svg"          // a program as much as a picture
	OldOffice    Kind = "office97"     // .doc, .xls, .ppt, .msg
	LockedOffice Kind = "officeLocked" // a newer one with a password
	OpenDocument Kind = "opendocument" // .odt, .ods, .odp
	BinarySheet  Kind = "xlsb"
	RichText     Kind = "rtf"
	Tnef         Kind = "tnef" // winmail.dat
	PGP          Kind = "pgp"
	SMIME        Kind = "smime"
	Signature    Kind = "signature"
	Empty        Kind = "empty"
	Binary       Kind = "binary" // anything else
)

// Image reports whether files of this kind are pictures that [Shrink] takes.
func (k Kind) Image() bool {
	switch k {
	case PNG, JPEG, GIF, WebP:
		return true
	}
	return false
}

// signatures are the first bytes of files.
var signatures = []struct {
	first string
	kind  Kind
}{
	{"%PDF-", PDF},
	{"\x89PNG\r\n\x1a\n", PNG},
	{"\xFF\xD8\xFF", JPEG},
	{"GIF87a", GIF},
	{"GIF89a", GIF},
	{"{\\rtf", RichText},
	{"\x78\x9F\x3E\x22", Tnef},
	{"-----BEGIN PGP MESSAGE-----", PGP},
	{"-----BEGIN PGP SIGNATURE-----", Signature},
	{"-----BEGIN PKCS7-----", SMIME},
}

// oldOffice begins a compound file, the container of Office until 2003, and of
// newer files that are encrypted.
const oldOffice = "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"

// KindOf tells what a file is from its bytes. Its name and its media type only
// decide between kinds of text, and name what is encrypted.
func KindOf(content []byte, name, mediaType string) Kind {
	if len(content) == 0 {
		return Empty
	}
	for _, s := range signatures {
		if bytes.HasPrefix(content, []byte(s.first)) {
			return s.kind
		}
	}
	switch {
	case bytes.HasPrefix(content, []byte("RIFF")) && len(content) > 12 && string(content[8:12]) == "WEBP":
		return WebP
	case bytes.HasPrefix(content, []byte("PK\x03\x04")), bytes.HasPrefix(content, []byte("PK\x05\x06")):
		return kindOfArchive(content)
	case bytes.HasPrefix(content, []byte(oldOffice)):
		if bytes.Contains(content, utf16("EncryptedPackage")) {
			return LockedOffice
		}
		return OldOffice
	case bytes.Contains(content[:min(len(content), 1024)], []byte("%PDF-")):
		return PDF
	}
	return kindOfText(content, strings.ToLower(path.Ext(name)), strings.ToLower(mediaType))
}

// utf16 is how names stand in a compound file.
func utf16(s string) []byte {
	out := make([]byte, 0, 2*len(s))
	for i := range len(s) {
		out = append(out, s[i], 0)
	}
	return out
}

// kindOfText tells the kinds of text apart, and from what is none.
func kindOfText(content []byte, extension, mediaType string) Kind {
	switch {
	case mediaType == "application/pgp-encrypted", extension == ".pgp", extension == ".gpg":
		return PGP
	case mediaType == "application/pkcs7-mime", mediaType == "application/x-pkcs7-mime", extension == ".p7m":
		return SMIME
	case strings.HasSuffix(mediaType, "pkcs7-signature"), mediaType == "application/pgp-signature", extension == ".p7s":
		return Signature
	}
	head := bytes.TrimLeft(bytes.TrimPrefix(content[:min(len(content), 4096)], []byte("\uFEFF")), " \t\r\n")
	start := strings.ToLower(string(head[:min(len(head), 1024)]))
	switch {
	case strings.HasPrefix(start, "begin:vcalendar"):
		return Calendar
	case strings.HasPrefix(start, "<svg"), strings.HasPrefix(start, "<?xml") && strings.Contains(start, "<svg"),
		strings.HasPrefix(mediaType, "image/svg"), extension == ".svg":
		return SVG
	case mediaType == "message/rfc822", extension == ".eml":
		return Mail
	case strings.HasPrefix(start, "<!doctype html"), strings.HasPrefix(start, "<html"),
		mediaType == "text/html" && looksLikeText(content), extension == ".html" && looksLikeText(content), extension == ".htm" && looksLikeText(content):
		return HTML
	case strings.HasPrefix(mediaType, "text/") && !bytes.Contains(head, []byte("\x00\x00")), looksLikeText(content):
		return Plain
	}
	return Binary
}

// looksLikeText reports whether the beginning of a file is text in a usual
// encoding: one with a byte order mark, or UTF-8, or one of bytes that has
// hardly any controls.
func looksLikeText(content []byte) bool {
	head := content[:min(len(content), 8192)]
	if bytes.HasPrefix(head, []byte("\xFF\xFE")) || bytes.HasPrefix(head, []byte("\xFE\xFF")) {
		return true
	}
	controls, high := 0, 0
	for _, c := range head {
		switch {
		case c == 0:
			return false
		case c < ' ' && c != '\t' && c != '\n' && c != '\r' && c != '\f' && c != 0x1B, c == 0x7F:
			controls++
		case c >= 0x80:
			high++
		}
	}
	if controls*50 > len(head) {
		return false
	}
	for cut := 0; cut < utf8.UTFMax && cut < len(head); cut++ { // the cut may be within a character
		if utf8.Valid(head[:len(head)-cut]) {
			return true
		}
	}
	return controls == 0 && high*2 < len(head)
}

// count returns "1 page is", "2 pages are".
func count(n int, one string) string {
	if n == 1 {
		return "1 " + one + " is"
	}
	return fmt.Sprintf("%d %ss are", n, one)
}

// note adds a sentence to what is to be known.
func (t *Text) note(format string, args ...any) {
	t.Notes = append(t.Notes, fmt.Sprintf(format, args...))
}
