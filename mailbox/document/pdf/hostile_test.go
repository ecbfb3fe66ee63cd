package pdf_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"

	"linkmail/mailbox/document/pdf"
)

// hostile are small files that cost other readers their time, their memory or
// their life. Each has a page that says Hello, or is refused.
func hostile() map[string][]byte {
	files := map[string][]byte{
		"a page tree that contains itself":  build(catalog, "<< /Type /Pages /Kids [2 0 R 3 0 R] /Count 100000000 >>", onePage, object("", hello), sans),
		"a page that is its own parent":     build(catalog, pages, strings.Replace(onePage, "2 0 R", "3 0 R", 1), object("", hello), sans),
		"a reference to itself":             build(catalog, pages, strings.Replace(onePage, "/MediaBox [0 0 600 800]", "/MediaBox 6 0 R", 1), object("", hello), sans, "6 0 R"),
		"a length in its own object stream": build(catalog, pages, onePage, object("", hello), sans, "<< /Type /ObjStm /N 1 /First 5 /Length 7 0 R >>\nstream\n7 0  36\nendstream"),
		"a form that draws itself": build(catalog, pages, strings.Replace(onePage, "/Font", "/XObject << /X 6 0 R >> /Font", 1), object("", hello), sans,
			object("/Subtype /Form /Resources << /XObject << /X 6 0 R >> >>", strings.Repeat("/X Do ", 1000))),
		"arrays without end":       document(hello, strings.Repeat("[", 2_000_000)),
		"dictionaries without end": document(hello, sans, strings.Repeat("<</X ", 500_000)),
		"strings without end":      document(hello, sans, strings.Repeat("9 0 obj (", 20_000)),
		"a stream of bombs":        document(hello, sans, deflated("", strings.Repeat(" ", 40<<20))),
		"a page that is a bomb":    build(catalog, pages, onePage, deflated("", strings.Repeat("(", 20<<20)), sans),
		"a bomb within a bomb": build(catalog, pages, onePage,
			object("/Filter [/FlateDecode /FlateDecode]", deflate(deflate(strings.Repeat("0 ", 10<<20)))), sans),
		"many pages of one content": build(catalog, "<< /Kids ["+strings.Repeat("<< /Contents 4 0 R >> ", 50_000)+"] >>", "null",
			deflated("", strings.Repeat(hello, 10_000)), sans),
		"a font of many maps": document(hello, "<< /Subtype /Type1 /ToUnicode 6 0 R >>",
			deflated("", strings.Repeat("100 beginbfrange <0000> <FFFF> <0000> endbfrange ", 200_000))),
		"widths of many": document(hello, "<< /Subtype /Type0 /Encoding /Identity-H /DescendantFonts [<< /W ["+strings.Repeat("0 65535 500 ", 90_000)+"] >>] >>"),
		"numbers that are none": document("1e309 99999999999999999999999999999999999999 Tf /F1 "+strings.Repeat("9", 400)+" Tf 1 0 0 1 "+
			strings.Repeat("9", 400)+" -.-5 Tm -- + . Td (x) Tj "+hello, sans),
		"an object stream of object streams": build(catalog, pages, onePage, object("", hello), sans, object("/Type /ObjStm /N 2 /First 10", "6 0 5 20   << /Type /ObjStm /First 1 >>")),
		"nothing":                            []byte("%PDF-1.7"),
		"a header and a keyword":             []byte("%PDF-1.7 obj"),
		"objects without content":            []byte("%PDF-1.7\n" + strings.Repeat("1 0 obj ", 100_000)),
		"many objects":                       manyObjects(500_000),
		"trailers":                           []byte("%PDF-1.7\n" + strings.Repeat("trailer <<", 300_000)),
		"a table of a thousand million":      hugeTable(),
	}
	files["object streams of many objects"] = objectStreams(100, 100_000)
	return files
}

func manyObjects(n int) []byte {
	var b strings.Builder
	b.WriteString("%PDF-1.7\n")
	for i := range n {
		fmt.Fprintf(&b, "%d 0 obj 1 endobj ", i)
	}
	return []byte(b.String())
}

// hugeTable claims a cross-reference table that would not fit into memory.
func hugeTable() []byte {
	whole := string(document(hello, sans))
	whole = whole[:strings.Index(whole, "xref")]
	return []byte(whole + "9 0 obj\n" + object("/Type /XRef /Size 2000000000 /Index [0 2000000000] /W [1 4 2] /Root 1 0 R", string(binary.BigEndian.AppendUint32(nil, 1))) + "\nendobj\n")
}

// objectStreams has n object streams of many objects each, compressed to
// nearly nothing.
func objectStreams(n, objects int) []byte {
	index := strings.Repeat("9 0 ", objects)
	one := deflated(fmt.Sprintf("/Type /ObjStm /N %d /First %d", objects, len(index)), index+"null")
	list := []string{catalog, pages, onePage, object("", hello), sans}
	for range n {
		list = append(list, one)
	}
	return build(list...)
}

// unreadable are those of the hostile files that can be read but say nothing.
var unreadable = map[string]bool{"a page that is a bomb": true, "widths of many": true}

func TestHostileFilesAreReadOrRefused(t *testing.T) {
	limits := pdf.Limits{Work: 64 << 20} // a quarter, to be done sooner
	for name, content := range hostile() {
		t.Run(name, func(t *testing.T) {
			got, err := pdf.Read(t.Context(), content, limits)
			switch {
			case errors.Is(err, pdf.ErrLimit), errors.Is(err, pdf.ErrNot):
			case err != nil:
				t.Errorf("got the error %v", err)
			case !strings.Contains(strings.Join(got.Pages, "\n"), "Hello") && !unreadable[name]:
				t.Errorf("got %.100q", got.Pages)
			}
		})
	}
}

func TestReadingEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := pdf.Read(ctx, objectStreams(500, 100_000), pdf.Limits{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}

func FuzzRead(f *testing.F) {
	for _, name := range []string{"invoice.pdf", "packed.pdf", "rc4-40.pdf", "rc4.pdf", "aes128.pdf", "aes256.pdf", "locked.pdf", "cjk.pdf", "form.pdf", "hidden.pdf"} {
		f.Add(sample(f, name))
	}
	for _, content := range hostile() {
		if len(content) < 20_000 {
			f.Add(content)
		}
	}
	limits := pdf.Limits{Work: 4 << 20, Stream: 1 << 20}
	f.Fuzz(func(t *testing.T, content []byte) {
		first, err := pdf.Read(t.Context(), content, limits)
		if err != nil {
			return
		}
		if first.Total < len(first.Pages) {
			t.Errorf("%d pages of %d", len(first.Pages), first.Total)
		}
		again, err := pdf.Read(t.Context(), content, limits)
		if err != nil || strings.Join(first.Pages, "\f") != strings.Join(again.Pages, "\f") {
			t.Errorf("the second time it says something else")
		}
	})
}

// FuzzDraw fuzzes content streams, which hardly ever survive in a whole file.
func FuzzDraw(f *testing.F) {
	for _, s := range []string{
		hello, "BT /F1 10 Tf 12 TL 10 700 Td (a) Tj T* (b) ' 1 2 (d) \" [(a) -300 <62>] TJ ET", "q 1 0 0 1 2 3 cm /X Do Q",
		"BI /W 1 ID x EI", "/Span << /ActualText <FEFF0041> >> BDC (x) Tj EMC",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, content string) {
		if _, err := pdf.Read(t.Context(), document(content, sans), pdf.Limits{Work: 4 << 20}); err != nil && !errors.Is(err, pdf.ErrLimit) && !errors.Is(err, pdf.ErrNot) {
			t.Error(err)
		}
	})
}

// FuzzMap fuzzes the maps of fonts to Unicode.
func FuzzMap(f *testing.F) {
	f.Add("1 begincodespacerange <00> <FF> endcodespacerange 1 beginbfchar <01> <0041> endbfchar 1 beginbfrange <10> <12> <0061> endbfrange")
	f.Add("2 beginbfrange <20> <21> [<03B1> <D83DDE00>] <00> <FFFFFFFF> <10FFFF> endbfrange")
	f.Fuzz(func(t *testing.T, m string) {
		for _, font := range []string{
			"<< /Subtype /Type1 /ToUnicode 6 0 R >>",
			"<< /Subtype /Type0 /Encoding 6 0 R /ToUnicode 6 0 R /DescendantFonts [<< /W [0 [1 2] 3 4 5] >>] >>",
		} {
			content := document("BT /F1 12 Tf (\\001\\020\\041\\377abc) Tj ET", font, object("", m))
			if _, err := pdf.Read(t.Context(), content, pdf.Limits{Work: 4 << 20}); err != nil && !errors.Is(err, pdf.ErrLimit) && !errors.Is(err, pdf.ErrNot) {
				t.Error(err)
			}
		}
	})
}

func BenchmarkRead(b *testing.B) {
	for _, name := range []string{"invoice.pdf", "aes256.pdf", "browser.pdf"} {
		b.Run(name, func(b *testing.B) {
			content := sample(b, name)
			b.SetBytes(int64(len(content)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := pdf.Read(b.Context(), content, pdf.Limits{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
