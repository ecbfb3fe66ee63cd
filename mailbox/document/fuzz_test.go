package document_test

import (
	"context"
	"errors"
	"testing"
	"unicode/utf8"

	"linkmail/mailbox/document"
)

// expected are the errors that a file can cause.
func expected(err error) bool {
	for _, e := range []error{nil, document.ErrDamaged, document.ErrLocked, document.ErrCipher, document.ErrLimit, document.ErrKind, context.Canceled} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

func FuzzRead(f *testing.F) {
	for _, name := range []string{"offer.docx", "orders.xlsx", "report.pptx", "../pdf/testdata/invoice.pdf"} {
		f.Add(sample(f, name))
	}
	f.Add(pack(entry{"a", "b"}))
	f.Fuzz(func(t *testing.T, content []byte) {
		if _, err := read(t, content); !expected(err) {
			t.Error(err)
		}
	})
}

// FuzzParts fuzzes the XML in a document, which hardly survives in an archive.
func FuzzParts(f *testing.F) {
	f.Add(`<w:document><w:body><w:p><w:pPr><w:pStyle w:val="Heading1"/></w:pPr><w:r><w:t>a</w:t></w:r></w:p><w:tbl><w:tr><w:tc><w:p/></w:tc></w:tr></w:tbl></w:body></w:document>`)
	f.Add(`<worksheet><cols><col min="2" max="3" hidden="1"/></cols><row><c r="B2" t="s" s="0"><v>0</v></c><c><f>1+1</f></c></row></worksheet>`)
	f.Add(`<sst><si><r><t>a</t></r><rPh><t>b</t></rPh></si></sst>`)
	f.Add(`<styleSheet><numFmts><numFmt numFmtId="164" formatCode="[h]:mm"/></numFmts><cellXfs><xf numFmtId="164"/></cellXfs></styleSheet>`)
	f.Add(`<p:sld show="0"><p:sp><p:cNvPr hidden="1"/><a:p><a:r><a:t>x</a:t></a:r></a:p></p:sp><a:tbl><a:tr><a:tc/></a:tr></a:tbl></p:sld>`)
	f.Fuzz(func(t *testing.T, part string) {
		relations := entry{"xl/_rels/workbook.xml.rels", `<R><Relationship Id="r2" Type="x/worksheet" Target="s.xml"/><Relationship Id="r3" Type="x/styles" Target="s.xml"/><Relationship Id="r4" Type="x/sharedStrings" Target="s.xml"/></R>`}
		for _, content := range [][]byte{
			office("word/document.xml", entry{"word/document.xml", part}),
			office("xl/workbook.xml", relations, entry{"xl/s.xml", part}, entry{"xl/workbook.xml", `<workbook><sheet name="S" r:id="r2"/></workbook>`}),
			office("xl/workbook.xml", entry{"xl/workbook.xml", part}),
			office("ppt/presentation.xml", entry{"ppt/presentation.xml", `<p><sldId id="256" r:id="r1"/></p>`}, entry{"ppt/s.xml", part},
				entry{"ppt/_rels/presentation.xml.rels", `<R><Relationship Id="r1" Type="x/slide" Target="s.xml"/></R>`}),
		} {
			got, err := read(t, content)
			if !expected(err) {
				t.Error(err)
			}
			for _, p := range got.Pages {
				if !utf8.ValidString(p) && utf8.ValidString(part) {
					t.Errorf("%q is no text", p)
				}
			}
		}
	})
}

func FuzzKindOf(f *testing.F) {
	f.Add([]byte("%PDF-1.4"), "a.pdf", "application/pdf")
	f.Add(sample(f, "orders.xlsx"), "", "")
	f.Add([]byte("<svg/>"), "a.svg", "image/svg+xml")
	f.Fuzz(func(t *testing.T, content []byte, name, mediaType string) {
		if document.KindOf(content, name, mediaType) == "" {
			t.Error("it has no kind")
		}
	})
}

func FuzzShrink(f *testing.F) {
	f.Add(picture(f, document.PNG, 3, 3))
	f.Add(picture(f, document.JPEG, 3, 3))
	f.Add(picture(f, document.GIF, 3, 3))
	f.Add([]byte(webpDot))
	f.Fuzz(func(t *testing.T, content []byte) {
		kind := document.KindOf(content, "", "")
		if _, err := document.Shrink(kind, content); !expected(err) {
			t.Error(err)
		}
	})
}

func BenchmarkRead(b *testing.B) {
	for _, name := range []string{"offer.docx", "orders.xlsx", "report.pptx"} {
		b.Run(name, func(b *testing.B) {
			content := sample(b, name)
			b.SetBytes(int64(len(content)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := read(b, content); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkShrink(b *testing.B) {
	content := picture(b, document.JPEG, 4000, 3000)
	b.SetBytes(int64(len(content)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := document.Shrink(document.JPEG, content); err != nil {
			b.Fatal(err)
		}
	}
}
