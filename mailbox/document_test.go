package mailbox_test

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"linkmail/internal/standin"
	"linkmail/mailbox"
)

func document(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("document", filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

const oldMail = "From: =?utf-8?Q?J=C3=BCrgen?= <j@example.net>\r\nTo: Ann <ann@example.net>\r\nSubject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\r\nDate: Mon, 2 Nov 2026 10:00:00 +0100\r\n" +
	"Content-Type: multipart/mixed; boundary=i\r\n\r\n--i\r\nContent-Type: text/html; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n" +
	"<p>Sch=F6ne Gr=FC=DFe<span style=3D\"display:none\">obey</span></p>\r\n--i\r\nContent-Type: text/plain; name=n.txt\r\nContent-Disposition: attachment; filename*=utf-8''n%C3%B6te.txt\r\n\r\nnote\r\n--i--\r\n"

// TestProblem15AttachmentsThatCannotBeRead: the text of every kind of file that
// people send, without a program beside this one.
func TestProblem15AttachmentsThatCannotBeRead(t *testing.T) {
	r := newRig(t, standin.Config{})
	calendar := "BEGIN:VCALENDAR\r\nMETHOD:PUBLISH\r\nBEGIN:VEVENT\r\nSUMMARY:One\r\nDTSTART:20261124T100000Z\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nSUMMARY:Two\r\nDTSTART:20261125T100000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
	for _, c := range []struct {
		name, kind, content string
		want                mailbox.Document // without the attachment
	}{
		{"offer.docx", "application/octet-stream", document(t, "testdata/offer.docx"), mailbox.Document{Kind: "docx", Total: 1, HiddenChars: 24}},
		{"orders.xlsx", "application/pdf", document(t, "testdata/orders.xlsx"), mailbox.Document{Kind: "xlsx", Unit: "sheet", Total: 2, HiddenChars: 32, Notes: []string{"1 sheet is hidden, and left out."}}},
		{"report.pptx", "", document(t, "testdata/report.pptx"), mailbox.Document{Kind: "pptx", Unit: "slide", Total: 3, HiddenChars: 16}},
		{"invoice.pdf", "application/pdf", document(t, "pdf/testdata/aes256.pdf"), mailbox.Document{Kind: "pdf", Unit: "page", Total: 1}},
		{"a.csv", "text/csv; charset=latin1", "Stra\xDFe,1\r\nAllee\u200B,2\r\n", mailbox.Document{Kind: "text", Total: 1, Pages: []string{"Straße,1\nAlleeâ€‹,2"}}},
		{"b.txt", "text/plain; charset=utf-8", "pl\u200Bain\U000E0041", mailbox.Document{Kind: "text", Total: 1, HiddenChars: 2, Pages: []string{"plain"}}},
		{"c.txt", "text/plain", "\xFF\xFEh\x00i\x00", mailbox.Document{Kind: "text", Total: 1, Pages: []string{"hi"}}},
		{"d.html", "text/html", "<meta charset=iso-8859-1><h1>Gr\xFC\xDFe</h1><p style='display:none'>obey</p>", mailbox.Document{Kind: "html", Total: 1, HiddenChars: 4, Pages: []string{"# Grüße"}}},
		{"e.ics", "application/ics", calendar, mailbox.Document{Kind: "ics", Total: 1, Pages: []string{
			"Calendar announcement\nWhat: One\nWhen: 2026-11-24 10:00 UTC\n\nCalendar announcement\nWhat: Two\nWhen: 2026-11-25 10:00 UTC",
		}}},
		{"f.eml", "application/octet-stream", oldMail, mailbox.Document{Kind: "eml", Total: 1, HiddenChars: 4, Pages: []string{
			"From: Jürgen <j@example.net>\nTo: Ann <ann@example.net>\nDate: Mon, 2 Nov 2026 10:00:00 +0100\nSubject: Grüße\n\nSchöne Grüße",
		}, Inner: []mailbox.Attachment{{Name: "nöte.txt", Type: "text/plain", Size: 4}}}},
		{"g.zip", "application/zip", emptyZip, mailbox.Document{Kind: "zip", Total: 1, Pages: []string{"An archive of 0 entries:"}, Notes: []string{"The files in an archive are not opened here."}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			id := r.attach(file(c.name, c.kind, c.content))
			got, err := r.Document(t.Context(), id, mailbox.PartRef{Name: c.name})
			if err != nil {
				t.Fatal(err)
			}
			if got.Name != c.name || got.Size != int64(len(c.content)) {
				t.Errorf("the attachment is %+v", got.Attachment)
			}
			got.Attachment = mailbox.Attachment{}
			if c.want.Pages == nil { // package document tests what it says
				if len(got.Pages) == 0 || got.Pages[0] == "" {
					t.Error("it says nothing")
				}
				got.Pages = nil
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("document (-want +got):\n%s", diff)
			}
		})
	}
}

const emptyZip = "PK\x05\x06\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"

func TestFilesThatAreNotReadSayWhatTheyAre(t *testing.T) {
	r := newRig(t, standin.Config{})
	compound := "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"
	for _, c := range []struct{ name, content, code, says string }{
		{"old.doc", compound, "unsupported", "Office 97"},
		{"locked.docx", compound + "E\x00n\x00c\x00r\x00y\x00p\x00t\x00e\x00d\x00P\x00a\x00c\x00k\x00a\x00g\x00e\x00", "locked", "password"},
		{"locked.pdf", document(t, "pdf/testdata/locked.pdf"), "locked", "password"},
		{"scan.pdf", scannedPDF, "no_text", "1 page and no text: it is probably a scan"},
		{"broken.pdf", "%PDF-1.7", "damaged", "pdf, but is damaged"},
		{"winmail.dat", "\x78\x9F\x3E\x22", "unsupported", "winmail.dat"},
		{"a.pgp", "-----BEGIN PGP MESSAGE-----", "unsupported", "PGP"},
		{"smime.p7s", "0\x82", "unsupported", "signature"},
		{"a.svg", "<svg/>", "unsupported", "SVG"},
		{"a.png", "\x89PNG\r\n\x1a\n", "unsupported", "picture"},
		{"a.exe", "MZ\x90\x00", "unsupported", "neither text nor a document"},
		{"nothing.pdf", "", "unsupported", "empty"},
		{"a.rtf", `{\rtf1`, "unsupported", "rich text"},
	} {
		t.Run(c.name, func(t *testing.T) {
			id := r.attach(file(c.name, "application/octet-stream", c.content))
			_, err := r.Document(t.Context(), id, mailbox.PartRef{Name: c.name})
			e, ok := errors.AsType[*mailbox.Error](err)
			if !ok || e.Code != c.code || !strings.Contains(e.Message, c.says) || e.Hint == "" {
				t.Errorf("got %v", err)
			}
		})
	}
}

// scannedPDF is one page with a picture of 4 x 2 pixels.
const scannedPDF = "%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n2 0 obj\n<< /Kids [3 0 R] >>\nendobj\n" +
	"3 0 obj\n<< /Type /Page /Resources << /XObject << /X 4 0 R >> >> >>\nendobj\n" +
	"4 0 obj\n<< /Subtype /Image /Width 4 /Height 2 /ColorSpace /DeviceGray /BitsPerComponent 8 /Length 8 >>\nstream\nabcdefgh\nendstream\nendobj\ntrailer\n<< /Root 1 0 R >>\n"

func TestPicturesOfAMailAreShown(t *testing.T) {
	r := newRig(t, standin.Config{})
	var large bytes.Buffer
	if err := png.Encode(&large, image.NewGray(image.Rect(0, 0, 3136, 10))); err != nil {
		t.Fatal(err)
	}
	id := r.attach(file("a.jpg", "image/jpeg", large.String()), file("scan.pdf", "application/pdf", scannedPDF), file("b.txt", "image/png", "text"), file("c.png", "image/png", "<svg/>"))
	for _, c := range []struct {
		name string
		page int
		want mailbox.Picture // without content and attachment
		code string
	}{
		{"a.jpg", 1, mailbox.Picture{Kind: "png", MediaType: "image/jpeg", Width: 1568, Height: 5, FileWidth: 3136, FileHeight: 10, Page: 1, Pages: 1}, ""},
		{"scan.pdf", 1, mailbox.Picture{Kind: "pdf", MediaType: "image/png", Width: 4, Height: 2, FileWidth: 4, FileHeight: 2, Page: 1, Pages: 1}, ""},
		{"scan.pdf", 2, mailbox.Picture{Kind: "pdf", Page: 2, Pages: 1}, "invalid_argument"},
		{"b.txt", 1, mailbox.Picture{Kind: "text", Page: 1, Pages: 1}, "unsupported"},
		{"c.png", 1, mailbox.Picture{Kind: "svg", Page: 1, Pages: 1}, "unsupported"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := r.Picture(t.Context(), id, mailbox.PartRef{Name: c.name}, c.page)
			if codeOf(err) != c.code || (err == nil) != (c.code == "") {
				t.Fatalf("got %v, want %q", err, c.code)
			}
			if err == nil {
				if config, _, err := image.DecodeConfig(bytes.NewReader(got.Content)); err != nil || config.Width != c.want.Width {
					t.Errorf("the content is %+v, %v", config, err)
				}
			}
			got.Content, got.Attachment = nil, mailbox.Attachment{}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("picture (-want +got):\n%s", diff)
			}
		})
	}
}

func TestADocumentIsFetchedOnce(t *testing.T) {
	r := newRig(t, standin.Config{})
	r.warm(t)
	id := r.attach(file("a.txt", "text/plain", "hello"), "Content-Type: message/rfc822; name=old.eml\r\nContent-Disposition: attachment\r\n\r\n"+oldMail)
	var first mailbox.Document
	for i := range 3 {
		d, err := r.Document(t.Context(), id, mailbox.PartRef{ID: "1"})
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = d
		}
		if diff := cmp.Diff(first, d); diff != "" {
			t.Errorf("the next time it is another (-first +now):\n%s", diff)
		}
	}
	if got := r.fetches(); got != 1 {
		t.Errorf("it was fetched %d times", got)
	}
	mail, err := r.Document(t.Context(), id, mailbox.PartRef{ID: "2"})
	if err != nil {
		t.Fatal(err)
	}
	want := []mailbox.Attachment{{PartID: "2.0.1", Name: "nöte.txt", Type: "text/plain", Size: 4}}
	if diff := cmp.Diff(want, mail.Inner); diff != "" {
		t.Errorf("attachments of the mail within (-want +got):\n%s", diff)
	}
	inner, err := r.Document(t.Context(), id, mailbox.PartRef{ID: want[0].PartID})
	if err != nil || inner.Pages[0] != "note" {
		t.Errorf("got %q, %v", inner.Pages, err)
	}
}

// TestL118MailsThatWouldTakeEverything: what a file of a mail can be made of to
// cost memory, time or the stack. It is read as far as its limits go.
func TestL118MailsThatWouldTakeEverything(t *testing.T) {
	nested := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n", i, i)
		}
		return b.String() + "\r\ndeep"
	}
	for _, c := range []struct{ name, raw, want string }{
		{"ten thousand multiparts in each other", nested(10_000), "[linkmail: parts nested deeper than 40 levels are left out]"},
		{"a million header fields", "Subject: x\r\n" + strings.Repeat("X: y\r\n", 1_000_000) + "\r\nbody", "Subject: x\n\nbody"},
		{"a header without end", "Subject: x\r\n" + strings.Repeat(" folded\r\n", 1_000_000) + "\r\nbody", "\n\nbody"},
		{"ten thousand parts", "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + strings.Repeat("--b\r\n\r\nx\r\n", 10_000), "x\n\nx"},
		{"base64 that is broken", "Content-Transfer-Encoding: base64\r\n\r\naGVs*bG8\r\n=\r\n!!", "hello"},
		{"a charset that nobody knows", "Content-Type: text/plain; charset=x-none\r\n\r\ncaf\xE9", "caf\uFFFD"},
		{"a mail in a mail in a mail", strings.Repeat("Content-Type: message/rfc822\r\n\r\n", 100_000) + "body", ""},
		{"50 MB of HTML", "Content-Type: text/html\r\n\r\n" + strings.Repeat("<p>word</p>", 5<<20), "cut here"},
		{"a boundary of nothing", "Content-Type: multipart/mixed; boundary=\"\"\r\n\r\n--\r\nx", ""},
		{"no header at all", "just text", ""},
		{"nothing but line ends", strings.Repeat("\r\n", 100_000), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, err := mailbox.ReadDocument(t.Context(), mailbox.File{Attachment: mailbox.Attachment{Name: "a.eml"}, Content: []byte(c.raw)})
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(d.Pages, "\n"); !strings.Contains("\n"+got, c.want) {
				t.Errorf("got %.300q, want it to contain %q", got, c.want)
			}
		})
	}
}

func FuzzReadMail(f *testing.F) {
	f.Add([]byte(oldMail))
	f.Add([]byte("Content-Type: multipart/alternative; boundary=b\n\n--b\n\nx\n--b\nContent-Type: text/html\n\n<p>x\n--b--"))
	f.Add([]byte("Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: message/rfc822\n\nSubject: y\n\nz\n--b--"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		d, err := mailbox.ReadDocument(t.Context(), mailbox.File{Attachment: mailbox.Attachment{Type: "message/rfc822"}, Content: raw})
		if err != nil {
			if codeOf(err) == "" && len(raw) > 0 && !strings.Contains(err.Error(), "document: ") {
				t.Error(err)
			}
			return
		}
		for _, p := range d.Pages {
			if clean, n := mailbox.CleanText(p); n > 0 || clean != p {
				t.Errorf("%q is not clean", p)
			}
		}
	})
}

func BenchmarkDocument(b *testing.B) {
	for _, name := range []string{"testdata/offer.docx", "testdata/orders.xlsx", "testdata/report.pptx", "pdf/testdata/browser.pdf"} {
		b.Run(filepath.Base(name), func(b *testing.B) {
			f := mailbox.File{Content: []byte(document(b, name))}
			b.SetBytes(int64(len(f.Content)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := mailbox.ReadDocument(b.Context(), f); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
