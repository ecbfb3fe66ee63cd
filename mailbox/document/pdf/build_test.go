package pdf_test

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"strings"
)

// The parts of the smallest file that says something.
const (
	catalog = "<< /Type /Catalog /Pages 2 0 R >>"
	pages   = "<< /Type /Pages /Kids [3 0 R] /Count 1 >>"
	onePage = "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>"
	hello   = "BT /F1 12 Tf 72 700 Td (Hello) Tj ET"
	sans    = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"
)

// build writes a file of objects, which are numbered from 1.
func build(objects ...string) []byte {
	var b bytes.Buffer
	b.WriteString("%PDF-1.7\n")
	offsets := make([]int, len(objects))
	for i, o := range objects {
		offsets[i] = b.Len()
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	start := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
	for _, at := range offsets {
		fmt.Fprintf(&b, "%010d 00000 n \n", at)
	}
	fmt.Fprintf(&b, "trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(objects)+1, start)
	return b.Bytes()
}

// document is a file with one page of that content, whose font F1 is 5.
func document(content string, font string, more ...string) []byte {
	return build(append([]string{catalog, pages, onePage, object("", content), font}, more...)...)
}

// object is a stream.
func object(dict, content string) string {
	return fmt.Sprintf("<< %s /Length %d >>\nstream\n%s\nendstream", dict, len(content), content)
}

func deflate(content string) string {
	var b strings.Builder
	w := zlib.NewWriter(&b)
	_, _ = w.Write([]byte(content))
	_ = w.Close()
	return b.String()
}

func deflated(dict, content string) string {
	return object(dict+" /Filter /FlateDecode", deflate(content))
}
