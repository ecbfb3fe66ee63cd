package standin

import (
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"golang.org/x/text/encoding/htmlindex"
)

// oddities are messages that trip up mail programs, and some that are meant to.
func oddities() []*mailing {
	out := append(charsets(), structures()...)
	return append(append(out, encodings()...), traps()...)
}

// inCharset is text in an encoding of the last century.
func inCharset(text, charset string) []byte {
	enc, err := htmlindex.Get(charset)
	if err != nil {
		panic(err) // the charsets are named below
	}
	b, err := enc.NewEncoder().Bytes([]byte(text))
	if err != nil {
		panic("standin: " + charset + ": " + err.Error())
	}
	return b
}

// encodedWord writes a header value in a charset.
func encodedWord(text, charset string) string {
	return "=?" + charset + "?B?" + base64.StdEncoding.EncodeToString(inCharset(text, charset)) + "?="
}

func charsets() []*mailing {
	var out []*mailing
	for i, c := range []struct {
		charset, encoding string
		name, address     string
		subject, text     string
		days              int
		label             string
	}{
		{"iso-8859-1", "quoted-printable", "Jürgen Groß", "juergen.gross@muehlbach.example", "Rückfrage zum Angebot für Köln", "Guten Tag Frau Rivera,\n\nim Angebot für die Kölner Filiale fehlt die Größe der Schaufenster. Bitte ergänzen Sie das bis übermorgen.\n\nMit freundlichen Grüßen\nJürgen Groß\nMühlbach & Söhne\n", 13, "Kunden/Köln"},
		{"windows-1252", "8bit", "Jürgen Groß", "juergen.gross@muehlbach.example", "Bestätigung – 1.250 € für die „Fassade“", "Guten Tag,\n\nwir bestätigen 1.250 € für die „Fassade“ – wie besprochen.\n\nJürgen Groß\n", 9, "Kunden/Köln"},
		{"iso-2022-jp", "7bit", "佐藤 花", "hana.sato@aoba.example", "ノートの見積もりについて", "リベラ様\n\nいつもお世話になっております。青葉文具の佐藤です。\nノート五百冊の見積もりをお送りします。ご確認をお願いいたします。\n\n佐藤 花\n", 21, ""},
		{"iso-2022-jp", "base64", "佐藤 花", "hana.sato@aoba.example", "Re: ノートの見積もりについて", "リベラ様\n\nご注文ありがとうございます。来週の火曜日に発送いたします。\n\n佐藤 花\n", 18, ""},
		{"gb18030", "base64", "张伟", "wei.zhang@lantern.example", "关于图书封面的合作", "您好 Alex，\n\n我们看了您的作品，非常喜欢。灯笼书店想请您设计三本书的封面。\n预算是四千五百欧元。期待您的回复。\n\n张伟\n", 31, ""},
		{"gb18030", "8bit", "张伟", "wei.zhang@lantern.example", "封面尺寸", "尺寸是 148 × 210 毫米，书脊 17 毫米。\n\n张伟\n", 25, ""},
		{"utf-8", "8bit", "Zoë Ångström", "zoe@angstrom.example", "Möte på onsdag? ☕️", "Hej Alex!\n\nSka vi ta en fika på onsdag klockan tre? Jag är på Café Gråsparv.\n\n/Zoë 🌿\n", 15, ""},
		{"koi8-r", "base64", "Ольга Морозова", "olga@severpress.example", "Макет каталога", "Здравствуйте, Алекс!\n\nМакет каталога готов. Жду ваших замечаний до пятницы.\n\nОльга\n", 56, ""},
	} {
		m := &mailing{
			key: fmt.Sprintf("charset-%d", i), age: time.Duration(c.days)*day + 5*time.Hour, from: person{c.name, c.address}, to: []person{alex},
			subject: encodedWord(c.subject, c.charset), labels: []string{"INBOX", "CATEGORY_PERSONAL"},
		}
		if c.label != "" {
			m.labels = append(m.labels, c.label)
		}
		m.body = func(*mailing) piece {
			encoding := c.encoding
			if encoding == "7bit" {
				encoding = ""
			}
			p := piece{mediaType: "text/plain; charset=" + c.charset, content: inCharset(crlf(c.text), c.charset)}
			if encoding == "8bit" {
				p.header = []field{{"Content-Transfer-Encoding", "8bit"}}
			} else {
				p.encoding = encoding
			}
			return p
		}
		out = append(out, m)
	}
	return out
}

// structures are shapes of the MIME tree.
func structures() []*mailing {
	one := func(key string, days int, who, subject string, labels []string, body func(*mailing) piece) *mailing {
		return &mailing{
			key: key, age: time.Duration(days)*day + 6*time.Hour, from: cast[who], to: []person{alex}, subject: encodeSubject(subject),
			labels: append([]string{"INBOX", "CATEGORY_PERSONAL"}, labels...), body: body,
		}
	}
	picture := func(id string) piece {
		p := attachment("diagram.png", "")
		p.disposition, p.header = "inline", []field{{"Content-ID", "<" + id + ">"}}
		return p
	}
	return []*mailing{
		one("nested", 7, "tomas", "Sketches with comments", nil, func(m *mailing) piece {
			page := htmlPage(`<html><body><p>Hi Alex,</p><p>the sketch is below, the files are attached.</p><p><img src="cid:sketch1@example.com" alt="sketch of the cover"></p><p>Tomás</p></body></html>`)
			return mixed(
				alternative(plainText("Hi Alex,\n\nthe sketch is below, the files are attached.\n\n[image]\n\nTomás\n"),
					piece{mediaType: "multipart/related", kids: []piece{page, picture("sketch1@example.com")}}),
				attachment("sketches.pdf", "Sketches"), attachment("Maße und Größen.csv", ""))
		}),
		one("forward", 22, "dana", "Fwd: Complaint about delivery", []string{"To do"}, func(m *mailing) piece {
			inner := "From: Bram Visser <bram@visser.example>\r\nTo: office@harborandpine.example\r\nSubject: Complaint about delivery\r\nDate: " +
				m.at.Add(-5*time.Hour).Format(time.RFC1123Z) + "\r\nMessage-ID: <complaint-1@visser.example>\r\nMIME-Version: 1.0\r\n" +
				"Content-Type: multipart/mixed; boundary=inner\r\n\r\n--inner\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nDear Sir or Madam,\r\n\r\nthe parcel was open and two of six notebooks were wet.\r\n" +
				"I would like to have new ones.\r\n\r\nBram Visser\r\n--inner\r\nContent-Type: text/plain; name=photo-list.txt\r\nContent-Disposition: attachment; filename=photo-list.txt\r\n\r\nwet-1.jpg\r\nwet-2.jpg\r\n--inner--\r\n"
			return mixed(plainText("Alex, could you answer this one? The original is attached.\n\nDana\n"),
				piece{mediaType: "message/rfc822", disposition: "attachment", filename: "Complaint about delivery.eml", content: []byte(inner)})
		}),
		one("digest", 95, "priya", "Two mails from the monitoring", nil, func(m *mailing) piece {
			alarm := func(n int, text string) piece {
				return piece{mediaType: "message/rfc822", content: fmt.Appendf(nil, "From: monitor@example.com\r\nTo: ops@example.com\r\nSubject: Alarm %d\r\nContent-Type: text/plain\r\n\r\n%s\r\n", n, text)}
			}
			return mixed(plainText("Both alarms were false, see below.\n\nPriya\n"), alarm(1, "disk at 91 percent"), alarm(2, "disk at 92 percent"))
		}),
		one("protocol", 53, "jonas", "Full text of the tender", nil, func(m *mailing) piece {
			return mixed(longText(), attachment("tender-summary.pdf", "Tender 2026/118, summary"))
		}),
		one("signed", 102, "nora", "Signed: non-disclosure agreement", []string{"Clients/Kestrel"}, func(m *mailing) piece {
			signature := piece{mediaType: "application/pkcs7-signature", encoding: "base64", disposition: "attachment", filename: "smime.p7s", content: []byte(strings.Repeat("signature ", 40))}
			return piece{mediaType: "multipart/signed; protocol=\"application/pkcs7-signature\"; micalg=sha-256", kids: []piece{
				mixed(plainText("Dear Alex,\n\nthe signed agreement is attached.\n\nNora\n"), attachment("nda-signed.pdf", "Non-disclosure agreement")), signature,
			}}
		}),
		one("empty", 12, "leo", "", nil, func(m *mailing) piece { return piece{mediaType: "text/plain; charset=us-ascii"} }),
		one("pictures", 160, "rosa", "Garden", []string{"Family"}, func(m *mailing) piece {
			return mixed(piece{mediaType: "text/plain; charset=us-ascii"}, attachment("IMG_2041.png", ""), attachment("IMG_2042.png", ""))
		}),
	}
}

// longText is a text body so large that Gmail hands it out by id. It is in
// windows-1252, as only then the difference between the two ways shows.
func longText() piece {
	var text strings.Builder
	for i := 1; text.Len() < inlineLimit+60_000; i++ {
		fmt.Fprintf(&text, "§ %d. The contractor delivers the items of lot %d within %d working days – at a price of %d,00 € per item – to the place named in annex %d.\r\n\r\n", i, i%17+1, i%9+2, i%700+40, i%5+1)
	}
	return piece{
		mediaType: "text/plain; charset=windows-1252", content: inCharset(text.String(), "windows-1252"),
		header: []field{{"Content-Transfer-Encoding", "8bit"}},
	}
}

// encodings are headers that do not come out clean.
func encodings() []*mailing {
	body := func(text string) func(*mailing) piece {
		return func(*mailing) piece { return plainText(text) }
	}
	return []*mailing{
		{
			key: "unknown-charset", age: 24 * day, from: person{"Archive Bot", "bot@archive.example"}, to: []person{alex}, labels: []string{"INBOX", "CATEGORY_UPDATES"},
			subject: "=?x-unknown?B?5e3o6uA=?= weekly report", body: body("The weekly report has 3 entries.\n"),
		},
		{
			key: "quoted-word", age: 26 * day, from: person{"Café Gråsparv", "bord@grasparv.example"}, to: []person{alex}, labels: []string{"INBOX", "CATEGORY_PERSONAL"},
			fromLine: `"=?UTF-8?Q?Caf=C3=A9_Gr=C3=A5sparv?=" <bord@grasparv.example>`,
			subject:  encodeSubject("Bordsbokning bekräftad"), body: body("Bord för två, onsdag 15.00.\n"),
		},
		{
			key: "split-word", age: 72 * day, from: cast["mei"], to: []person{alex}, labels: []string{"CATEGORY_PERSONAL"},
			subject: "=?UTF-8?B?8J+OiSBFaW4gbGFuZ2VyIEJldHJlZmYgw7xiZXIgendlaSBa?=\r\n =?UTF-8?B?ZWlsZW4g4oCTIG1pdCBVbWxhdXRlbiDDpMO2w7w=?=", body: body("Only a test of the mail program, please ignore.\n"),
		},
		{
			key: "no-boundary", age: 83 * day, from: person{"Old Printer", "scan@printer.example.com"}, to: []person{alex}, labels: []string{"CATEGORY_UPDATES"},
			subject: "Scan from the second floor", body: func(*mailing) piece {
				return piece{mediaType: "multipart/mixed", content: []byte("--x\r\nContent-Type: text/plain\r\n\r\nScanned page 1 of 1\r\n--x--\r\n")}
			},
		},
	}
}
