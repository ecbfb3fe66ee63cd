package standin

import (
	"archive/zip"
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"path"
	"strings"
	"time"
)

// attachment makes a small but real file of the type that its name says, about
// the given text.
func attachment(name, about string) piece {
	p := piece{encoding: "base64", disposition: "attachment", filename: name}
	switch path.Ext(name) {
	case ".pdf":
		p.mediaType, p.content = "application/pdf", pdfFile(about)
	case ".png":
		p.mediaType, p.content = "image/png", pngFile(name)
	case ".docx":
		p.mediaType = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
		p.content = docxFile(about)
	case ".zip":
		p.mediaType, p.content = "application/zip", zipFile([2]string{"README.txt", about + "\n"})
	case ".csv":
		p.mediaType, p.content = "text/csv; charset=UTF-8", csvFile(name)
	default:
		p.mediaType, p.content = "application/octet-stream", []byte(about)
	}
	return p
}

// pdfFile is one page with one line of text.
func pdfFile(text string) []byte {
	text = strings.Map(func(r rune) rune {
		if r > 126 || strings.ContainsRune(`()\`, r) {
			return ' '
		}
		return r
	}, text)
	stream := "BT /F1 14 Tf 72 770 Td (" + text + ") Tj ET"
	objects := []string{
		"<< /Type /Catalog /Pages 2 0 R >>",
		"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
		fmt.Sprintf("<< /Length %d >>\nstream\n%s\nendstream", len(stream), stream),
		"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
	}
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

func pngFile(name string) []byte {
	d := seed("picture "+name, 0)
	img := image.NewPaletted(image.Rect(0, 0, 24, 24), color.Palette{color.White, color.Black, color.RGBA{0x2b, 0x6c, 0xb0, 0xff}})
	for i := range img.Pix {
		img.Pix[i] = byte(d.next() % 3)
	}
	var out bytes.Buffer
	if err := png.Encode(&out, img); err != nil {
		panic(err) // into a buffer
	}
	return out.Bytes()
}

// zipFile packs files without compression and without a clock.
func zipFile(files ...[2]string) []byte {
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, f := range files {
		w, err := z.CreateHeader(&zip.FileHeader{Name: f[0], Modified: time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)})
		if err == nil {
			_, err = w.Write([]byte(f[1]))
		}
		if err != nil {
			panic(err) // into a buffer
		}
	}
	if err := z.Close(); err != nil {
		panic(err)
	}
	return out.Bytes()
}

func docxFile(text string) []byte {
	const head = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n"
	return zipFile(
		[2]string{"[Content_Types].xml", head + `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">` +
			`<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>` +
			`<Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>`},
		[2]string{"_rels/.rels", head + `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">` +
			`<Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>`},
		[2]string{"word/document.xml", head + `<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body><w:p><w:r><w:t>` +
			markupEscapes.Replace(text) + `</w:t></w:r></w:p></w:body></w:document>`},
	)
}

func csvFile(name string) []byte {
	d := seed("table "+name, 0)
	var out bytes.Buffer
	out.WriteString("client,quarter,amount\r\n")
	for _, client := range []string{"Kestrel Notebooks", "Bluefin Media", "Mühlbach & Söhne", "Lantern Books"} {
		for q := 1; q <= 4; q++ {
			fmt.Fprintf(&out, "%s,Q%d,%d.%02d\r\n", client, q, 2000+d.below(18000), d.below(100))
		}
	}
	return out.Bytes()
}

var markupEscapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;")

// invite is a meeting request as calendars send it: text, the request as a
// part of its own, and the same again as a file.
func invite(m *mailing, text string, start time.Time, minutes int, place string) piece {
	ics := calendarEvent(m, start, minutes, place)
	return mixed(
		alternative(
			plainText(text),
			htmlPage("<div><p>"+strings.ReplaceAll(markupEscapes.Replace(text), "\n", "<br>")+"</p></div>"),
			piece{mediaType: "text/calendar; charset=UTF-8; method=REQUEST", encoding: "quoted-printable", content: ics},
		),
		piece{mediaType: "application/ics", encoding: "base64", disposition: "attachment", filename: "invite.ics", content: ics},
	)
}

func calendarEvent(m *mailing, start time.Time, minutes int, place string) []byte {
	const layout = "20060102T150405Z"
	return []byte(crlf(strings.Join([]string{
		"BEGIN:VCALENDAR", "PRODID:-//Harbor and Pine//Calendar//EN", "VERSION:2.0", "METHOD:REQUEST", "BEGIN:VEVENT",
		"DTSTART:" + start.UTC().Format(layout),
		"DTEND:" + start.UTC().Add(time.Duration(minutes)*time.Minute).Format(layout),
		"DTSTAMP:" + m.at.UTC().Format(layout),
		"ORGANIZER;CN=" + m.from.name + ":mailto:" + m.from.address,
		"UID:" + m.key + "@example.com",
		"ATTENDEE;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=TRUE;\r\n CN=" + alex.name + ":mailto:" + alex.address,
		"LOCATION:" + strings.ReplaceAll(place, ",", `\,`), "SEQUENCE:0", "STATUS:CONFIRMED",
		"SUMMARY:" + strings.TrimPrefix(m.subject, "Invitation: "), "END:VEVENT", "END:VCALENDAR", "",
	}, "\n")))
}
