package pdf_test

import (
	"compress/lzw"
	"encoding/ascii85"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"linkmail/mailbox/document/pdf"
)

func read(t testing.TB, content []byte) pdf.Text {
	t.Helper()
	got, err := pdf.Read(t.Context(), content, pdf.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func sample(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const invoice = `Invoice 2026-118
Harbor & Pine, Mühlbach GmbH — the amount is due within 14 days. Harbor & Pine, Mühlbach
GmbH — the amount is due within 14 days. Harbor & Pine, Mühlbach GmbH — the amount is due
within 14 days. Harbor & Pine, Mühlbach GmbH — the amount is due within 14 days.

Item  Qty  Price
Notebook Kestrel 1 – größer  1  3.50 €
Notebook Kestrel 2 – größer  2  7.00 €
Notebook Kestrel 3 – größer  3  10.50 €
Notebook Kestrel 4 – größer  4  14.00 €
Notebook Kestrel 5 – größer  5  17.50 €`

// TestFilesOfOtherPrograms reads what ReportLab, qpdf and Chromium wrote.
func TestFilesOfOtherPrograms(t *testing.T) {
	for _, c := range []struct{ file, want string }{
		{"invoice.pdf", invoice},
		{"packed.pdf", invoice},
		{"rc4-40.pdf", invoice},
		{"rc4.pdf", invoice},
		{"aes128.pdf", invoice},
		{"aes256.pdf", invoice},
		{"cjk.pdf", "日本語のテキスト\n\n中文文本"},
		{"form.pdf", "Name:\nAlex Example"},
		{"browser.pdf", `Quarterly report
The office fits fluffy affairs — “quotes” and €1.234,50. Ελληνικά, Русский.

Client  Q1  Q2
Kestrel Notebooks 12,000 13,500
Bluefin Media  9,100  8,700

Left column text goes on and on for some lines,
so that there is something to read in it and the
second column begins somewhere.

Second paragraph of the text that should come
afterwards in reading order, in the right column
perhaps.

one
two

white text`},
	} {
		t.Run(c.file, func(t *testing.T) {
			got := read(t, sample(t, c.file))
			if diff := cmp.Diff([]string{c.want}, got.Pages); diff != "" {
				t.Errorf("pages (-want +got):\n%s", diff)
			}
			if got.Total != 1 || got.Hidden != 0 || got.Unreadable != 0 {
				t.Errorf("got %d pages, %d characters hidden, %d unreadable", got.Total, got.Hidden, got.Unreadable)
			}
		})
	}
}

func TestWhatNoReaderSeesIsLeftOutAndCounted(t *testing.T) {
	got := read(t, sample(t, "hidden.pdf"))
	want := pdf.Text{Pages: []string{"visible\n\nocr layer"}, Total: 1, Hidden: len("OFFPAGE secret" + "tiny instruction"), Invisible: len("ocr layer")}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("text (-want +got):\n%s", diff)
	}
	if got := read(t, sample(t, "browser.pdf")).Invisible; got != len("white text") {
		t.Errorf("%d characters are counted as white", got)
	}
}

func TestAPasswordIsAskedFor(t *testing.T) {
	if _, err := pdf.Read(t.Context(), sample(t, "locked.pdf"), pdf.Limits{}); !errors.Is(err, pdf.ErrLocked) {
		t.Errorf("got %v, want %v", err, pdf.ErrLocked)
	}
	certified := strings.Replace(string(document(hello, sans, "<< /Filter /Adobe.PubSec /V 4 >>")), "/Root 1 0 R", "/Root 1 0 R /Encrypt 6 0 R", 1)
	if _, err := pdf.Read(t.Context(), []byte(certified), pdf.Limits{}); !errors.Is(err, pdf.ErrCipher) {
		t.Errorf("got %v, want %v", err, pdf.ErrCipher)
	}
}

func TestDrawing(t *testing.T) {
	toUnicode := object("", "1 begincodespacerange <00> <FF> endcodespacerange 2 beginbfchar <01> <0041> <02> <00660069> endbfchar "+
		"2 beginbfrange <10> <12> <0061> <20> <21> [<03B1> <D83DDE00>] endbfrange")
	for _, c := range []struct {
		name, content, font string
		more                []string
		want                string
	}{
		{name: "words apart are words", content: "BT /F1 10 Tf 10 700 Td [(Hel) -20 (lo) -300 (World)] TJ ET", want: "Hello World"},
		{name: "a word drawn in pieces is one", content: "BT /F1 10 Tf 10 700 Td (Hel) Tj (lo) Tj ET", want: "Hello"},
		{name: "lines by every operator", content: "BT /F1 10 Tf 12 TL 10 700 Td (a) Tj T* (b) Tj (c) ' 1 2 (d) \" 0 -12 TD (e) Tj ET", want: "a\nb\nc\nd\ne"},
		{name: "a paragraph", content: "BT /F1 10 Tf 10 700 Td (a) Tj 0 -30 Td (b) Tj ET", want: "a\n\nb"},
		{name: "raised is on the line", content: "BT /F1 10 Tf 10 700 Td (x) Tj 4 Ts (2) Tj ET", want: "x2"},
		{name: "drawn twice to be bold", content: "BT /F1 10 Tf 10 700 Td (b) Tj 1 0 0 1 10.2 700 Tm (b) Tj ET", want: "b"},
		{name: "turned by 90 degrees", content: "BT /F1 10 Tf 0 1 -1 0 100 100 Tm (up) Tj ( and on) Tj ET", want: "up and on"},
		{name: "escapes", content: `BT /F1 10 Tf 10 700 Td (\(a\)\101\
b\q) Tj <636> Tj ET`, want: "(a)Abqc‘"},
		{name: "a state that is restored", content: "q 2 0 0 2 0 0 cm Q BT /F1 10 Tf 10 700 Td (ok) Tj ET Q Q", want: "ok"},
		{name: "a picture in the content", content: "BI /W 1 /H 1 ID (x) Tj\x00EI EIx EI BT /F1 10 Tf 10 700 Td (ok) Tj ET", want: "ok"},
		{name: "text that says what it is", content: "/Span << /ActualText (real) >> BDC BT /F1 10 Tf 10 700 Td (fake) Tj ET EMC", want: "real"},
		{name: "no font", content: "BT /None 10 Tf 10 700 Td (ok) Tj ET", want: "ok"},
		{
			name: "glyphs by name", content: "BT /F1 10 Tf 10 700 Td <0102030405060708> Tj ET", want: "Äfi€Ωёő-�",
			font: "<< /Type /Font /Subtype /Type1 /BaseFont /X /Encoding << /Differences [1 /Adieresis /f_i /Euro /Omega /uni0451 /ohungarumlaut /hyphen.case /g17] >> >>",
		},
		{
			name: "a map to Unicode", content: "BT /F1 10 Tf 10 700 Td <0102101112202122> Tj ET", want: "Afiabcα😀�",
			font: "<< /Type /Font /Subtype /Type1 /BaseFont /X /ToUnicode 6 0 R /Encoding << /Differences [34 /g1] >> >>", more: []string{toUnicode},
		},
		{
			name: "the encoding of a font program", content: "BT /F1 10 Tf 10 700 Td <0C21> Tj ET", want: "fi!",
			font: "<< /Type /Font /Subtype /Type1 /BaseFont /X /FontDescriptor << /FontFile 6 0 R >> >>",
			more: []string{object("", "%!PS-AdobeFont\n/Encoding 256 array\ndup 12 /fi put\nreadonly def\n")},
		},
		{
			name: "two bytes a character", content: "BT /F1 10 Tf 10 700 Td <00410042> Tj ET", want: "AB",
			font: "<< /Type /Font /Subtype /Type0 /Encoding /UniGB-UTF16-H /DescendantFonts [<< /W [65 66 500] >>] >>",
		},
		{
			name: "one or two bytes a character", content: "BT /F1 10 Tf 10 700 Td <41" + hex.EncodeToString([]byte("\x93\xfa\xb1")) + "> Tj ET", want: "A日ｱ",
			font: "<< /Type /Font /Subtype /Type0 /Encoding /90ms-RKSJ-H /DescendantFonts [<< >>] >>",
		},
		{
			name: "characters that nobody knows", content: "BT /F1 10 Tf 10 700 Td <00010002> Tj ET", want: "��",
			font: "<< /Type /Font /Subtype /Type0 /Encoding /Identity-H /DescendantFonts [<< >>] >>",
		},
		{name: "the font Symbol", content: "BT /F1 10 Tf 10 700 Td <B762> Tj ET", want: "•β", font: "<< /Subtype /Type1 /BaseFont /Symbol >>"},
	} {
		t.Run(c.name, func(t *testing.T) {
			font := c.font
			if font == "" {
				font = sans
			}
			got := read(t, document(c.content, font, c.more...))
			if diff := cmp.Diff([]string{c.want}, got.Pages); diff != "" {
				t.Errorf("pages (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFilters(t *testing.T) {
	var base85 strings.Builder
	w := ascii85.NewEncoder(&base85)
	_, _ = w.Write([]byte(hello))
	_ = w.Close()
	var packed strings.Builder
	p := lzw.NewWriter(&packed, lzw.MSB, 8) // the same while it is short
	_, _ = p.Write([]byte(hello))
	_ = p.Close()
	for _, c := range []struct{ name, dict, content, want string }{
		{"none", "", hello, "Hello"},
		{"deflate", "/Filter /FlateDecode", deflate(hello), "Hello"},
		{"deflate that is cut off", "/Filter /FlateDecode", deflate(hello)[:len(deflate(hello))-6], "Hello"},
		{"hexadecimal", "/Filter [/ASCIIHexDecode]", strings.ToUpper(hex.EncodeToString([]byte(hello))) + ">", "Hello"},
		{"base 85", "/Filter /ASCII85Decode", "<~" + base85.String() + "~>", "Hello"},
		{"LZW", "/Filter /LZWDecode", packed.String(), "Hello"},
		{"runs", "/Filter /RunLengthDecode", string(rune(len(hello)-1)) + hello + "\x80", "Hello"},
		{"two in a row", "/Filter [/AHx /Fl] /DecodeParms [null null]", hex.EncodeToString([]byte(deflate(hello))) + ">", "Hello"},
		{"the predictors of PNG", "/Filter /FlateDecode /DecodeParms << /Predictor 15 /Columns 9 >>", deflate(predicted(hello, 9)), "Hello"},
		{"the predictor of TIFF", "/Filter /FlateDecode /DecodeParms << /Predictor 2 /Columns 36 >>", deflate(differences(hello)), "Hello"},
		{"a picture", "/Filter /DCTDecode", hello, ""},
		{"unknown", "/Filter /Nope", hello, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := read(t, build(catalog, pages, onePage, object(c.dict, c.content), sans))
			if got.Pages[0] != c.want {
				t.Errorf("got %q, want %q", got.Pages[0], c.want)
			}
		})
	}
}

// predicted writes rows of s, each with another of the five predictors of PNG.
func predicted(s string, columns int) string {
	var out []byte
	before := make([]byte, columns)
	for i := 0; i*columns < len(s); i++ {
		row := []byte(s[i*columns : min(len(s), (i+1)*columns)])
		out = append(out, byte(i%5))
		for j, c := range row {
			var left, corner byte
			if j > 0 {
				left, corner = row[j-1], before[j-1]
			}
			guess := [5]int{0, int(left), int(before[j]), (int(left) + int(before[j])) / 2}
			p := int(left) + int(before[j]) - int(corner)
			guess[4] = int(left)
			if abs(p-int(before[j])) < abs(p-guess[4]) {
				guess[4] = int(before[j])
			}
			if abs(p-int(corner)) < abs(p-guess[4]) {
				guess[4] = int(corner)
			}
			out = append(out, c-byte(guess[i%5]))
		}
		before = row
	}
	return string(out)
}

func abs(n int) int { return max(n, -n) }

func differences(s string) string {
	out := []byte(s)
	for i := len(out) - 1; i > 0; i-- {
		out[i] -= out[i-1]
	}
	return string(out)
}

func TestDamagedFilesAreReadAsFarAsTheyGo(t *testing.T) {
	whole := string(document(hello, sans))
	for _, c := range []struct{ name, content string }{
		{"bytes before the beginning", "HTTP/1.1 200 OK\r\n\r\n" + whole},
		{"no table", whole[:strings.Index(whole, "xref")]},
		{"a table that is wrong", strings.ReplaceAll(whole, "00000 n", "00007 n")},
		{"a length that is wrong", strings.Replace(whole, "/Length 36", "/Length 3", 1)},
		{"a length that refers to itself", strings.Replace(whole, "/Length 36", "/Length 4 0 R", 1)},
		{"a changed object at the end", strings.Replace(whole, "(Hello)", "(Hallo)", 1) + "\n4 0 obj\n" + object("", hello) + "\nendobj\n"},
		{"a version of the future", strings.Replace(whole, "%PDF-1.7", "%PDF-2.9", 1)},
		{"dictionaries that do not end", strings.Replace(whole, "/Helvetica >>", "/Helvetica", 1)},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := read(t, []byte(c.content)).Pages[0]; got != "Hello" {
				t.Errorf("got %q", got)
			}
		})
	}
}

func TestPagesThatShareAndInherit(t *testing.T) {
	got := read(t, build(catalog,
		"<< /Type /Pages /Kids [3 0 R 6 0 R 3 0 R 2 0 R] /Resources << /Font << /F1 5 0 R >> >> /MediaBox [0 0 600 800] >>",
		"<< /Type /Page /Contents [4 0 R 7 0 R] >>",
		object("", "BT /F1 12 Tf 72 700 Td (one)"), sans,
		"<< /Type /Page /Contents 8 0 R /Resources << /XObject << /X 9 0 R >> >> >>",
		object("", "Tj ET"),
		object("", "/X Do"),
		object("/Subtype /Form /Matrix [1 0 0 1 0 50] /Resources << /Font << /F1 5 0 R >> /XObject << /X 9 0 R >> >>", "BT /F1 12 Tf 72 600 Td (two) Tj ET"),
	))
	want := []string{"one", "two"}
	if diff := cmp.Diff(want, got.Pages); diff != "" {
		t.Errorf("pages (-want +got):\n%s", diff)
	}
}

func TestLimitsEndAtAPageOrRefuse(t *testing.T) {
	two := build(catalog, "<< /Kids [3 0 R 6 0 R] >>", onePage, object("", hello), sans, onePage)
	for _, c := range []struct {
		name   string
		limits pdf.Limits
		pages  int
		err    error
	}{
		{"none", pdf.Limits{}, 2, nil},
		{"pages", pdf.Limits{Pages: 1}, 1, nil},
		{"characters", pdf.Limits{Chars: 7}, 1, nil},
		{"fewer characters than the first page has", pdf.Limits{Chars: 1}, 1, nil},
		{"work", pdf.Limits{Work: 100}, 0, pdf.ErrLimit},
		{"a stream", pdf.Limits{Stream: 10}, 0, pdf.ErrLimit},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := pdf.Read(t.Context(), two, c.limits)
			if !errors.Is(err, c.err) || len(got.Pages) != c.pages || err == nil && got.Total != 2 {
				t.Errorf("got %d of %d pages and %v", len(got.Pages), got.Total, err)
			}
		})
	}
}
