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
// the given text. What was signed was signed on paper, and scanned.
func attachment(name, about string) piece {
	const office = "application/vnd.openxmlformats-officedocument."
	p := piece{encoding: "base64", disposition: "attachment", filename: name}
	switch kind := path.Ext(name); {
	case kind == ".pdf" && strings.Contains(name, "-signed"):
		p.mediaType, p.content = "application/pdf", scanFile(about)
	case kind == ".pdf":
		p.mediaType, p.content = "application/pdf", pdfFile(name, about)
	case kind == ".png":
		p.mediaType, p.content = "image/png", pngFile(name)
	case kind == ".docx":
		p.mediaType, p.content = office+"wordprocessingml.document", docxFile(about)
	case kind == ".xlsx":
		p.mediaType, p.content = office+"spreadsheetml.sheet", xlsxFile(name)
	case kind == ".pptx":
		p.mediaType, p.content = office+"presentationml.presentation", pptxFile(about)
	case kind == ".zip":
		p.mediaType, p.content = "application/zip", zipFile([2]string{"README.txt", about + "\n"})
	case kind == ".csv":
		p.mediaType, p.content = "text/csv; charset=UTF-8", csvFile(name)
	default:
		p.mediaType, p.content = "application/octet-stream", []byte(about)
	}
	return p
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

// figure is what a client paid in a quarter.
type figure struct {
	client  string
	quarter int
	amount  string
}

// figures are the same whenever a file of that name is made.
func figures(name string) (all []figure) {
	d := seed("table "+name, 0)
	for _, client := range []string{"Kestrel Notebooks", "Bluefin Media", "Mühlbach & Söhne", "Lantern Books"} {
		for q := 1; q <= 4; q++ {
			all = append(all, figure{client, q, fmt.Sprintf("%d.%02d", 2000+d.below(18000), d.below(100))})
		}
	}
	return all
}

func csvFile(name string) []byte {
	var out bytes.Buffer
	out.WriteString("client,quarter,amount\r\n")
	for _, f := range figures(name) {
		fmt.Fprintf(&out, "%s,Q%d,%s\r\n", f.client, f.quarter, f.amount)
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
