package standin

import (
	"bytes"
	"fmt"
	"image"
	"image/draw"
	"strings"

	"golang.org/x/image/font"
	"golang.org/x/image/font/basicfont"
	"golang.org/x/image/math/fixed"
)

// pdfFile has the text on its first page and a table on its second.
func pdfFile(name, about string) []byte {
	table := []string{"Figures"}
	for _, r := range figures(name) {
		table = append(table, fmt.Sprintf("%s  Q%d  EUR %s", r.client, r.quarter, r.amount))
	}
	pages := [][]string{{about, "Harbor and Pine, Hamburg", "The figures are on the next page."}, table}
	objects := []string{
		"<< /Type /Catalog /Pages 2 0 R >>", "", "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
	}
	var kids strings.Builder
	for _, lines := range pages {
		var stream strings.Builder
		stream.WriteString("BT /F1 12 Tf 16 TL 72 770 Td")
		for _, line := range lines {
			stream.WriteString(" (" + pdfText(line) + ") Tj T*")
		}
		stream.WriteString(" ET")
		n := len(objects) + 1
		fmt.Fprintf(&kids, "%d 0 R ", n)
		objects = append(objects,
			fmt.Sprintf("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents %d 0 R /Resources << /Font << /F1 3 0 R >> >> >>", n+1),
			pdfStream("", stream.String()))
	}
	objects[1] = fmt.Sprintf("<< /Type /Pages /Kids [%s] /Count %d >>", kids.String(), len(pages))
	return pdfObjects(objects)
}

// pdfText is a string of a PDF file in windows-1252.
func pdfText(s string) string {
	b := inCharset(s, "windows-1252")
	return strings.NewReplacer(`\`, `\\`, "(", `\(`, ")", `\)`).Replace(string(b))
}

func pdfStream(dict, content string) string {
	return fmt.Sprintf("<< %s /Length %d >>\nstream\n%s\nendstream", dict, len(content), content)
}

// pdfObjects writes a file of objects that are numbered from 1.
func pdfObjects(objects []string) []byte {
	var out bytes.Buffer
	out.WriteString("%PDF-1.4\n")
	offsets := make([]int, len(objects))
	for i, o := range objects {
		offsets[i] = out.Len()
		fmt.Fprintf(&out, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	start := out.Len()
	fmt.Fprintf(&out, "xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
	for _, at := range offsets {
		fmt.Fprintf(&out, "%010d 00000 n \n", at)
	}
	fmt.Fprintf(&out, "trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(objects)+1, start)
	return out.Bytes()
}

// scanFile is a PDF whose only page is a picture of the text.
func scanFile(text string) []byte {
	const width, height = 560, 200
	img := image.NewGray(image.Rect(0, 0, width, height))
	draw.Draw(img, img.Bounds(), image.White, image.Point{}, draw.Src)
	pen := font.Drawer{Dst: img, Src: image.Black, Face: basicfont.Face7x13}
	for i, line := range []string{text, "", "Signed in Hamburg", "for Harbor and Pine: Alex Rivera"} {
		pen.Dot = fixed.P(20, 40+20*i)
		pen.DrawString(line)
	}
	return pdfObjects([]string{
		"<< /Type /Catalog /Pages 2 0 R >>",
		"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 560 200] /Contents 4 0 R /Resources << /XObject << /Scan 5 0 R >> >> >>",
		pdfStream("", "560 0 0 200 0 0 cm /Scan Do"),
		pdfStream(fmt.Sprintf("/Type /XObject /Subtype /Image /Width %d /Height %d /ColorSpace /DeviceGray /BitsPerComponent 8 /Filter /RunLengthDecode", width, height), runs(img.Pix)),
	})
}

// runs encodes bytes as runs of equal ones.
func runs(b []byte) string {
	var out []byte
	for len(b) > 0 {
		n := 1
		for n < 128 && n < len(b) && b[n] == b[0] {
			n++
		}
		if n == 1 {
			out = append(out, 0, b[0])
		} else {
			out = append(out, byte((257-n)&0xFF), b[0])
		}
		b = b[n:]
	}
	return string(append(out, 128))
}
