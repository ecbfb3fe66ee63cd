package mailbox_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	gmail "google.golang.org/api/gmail/v1"

	"linkmail/internal/standin"
	"linkmail/mailbox"
)

// TestMailsOfEveryBrokenKindAreReadAsFarAsTheyGo delivers what trips up mail
// programs. Nothing here may fail, nor lose what Gmail still tells.
func TestMailsOfEveryBrokenKindAreReadAsFarAsTheyGo(t *testing.T) {
	const top = "From: Ann <ann@example.net>\r\nTo: " + standin.DefaultUser + "\r\nSubject: Plan\r\nMIME-Version: 1.0\r\n"
	b64 := base64.StdEncoding.EncodeToString
	nested := func(depth int) string {
		var open, end strings.Builder
		for i := range depth {
			fmt.Fprintf(&open, "Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n", i, i)
			fmt.Fprintf(&end, "\r\n--b%d--\r\n", depth-1-i)
		}
		return open.String() + part(plainType, "At the bottom") + end.String()
	}
	for _, test := range []struct {
		name, raw string
		subject   string // "Plan" if empty
		has       []string
		attached  []string
		cut       bool
	}{
		{name: "latin1 that is windows-1252", raw: top + "Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=93Gr=FC=DFe=94 =80 5\r\n", has: []string{"“Grüße” € 5"}},
		{name: "a charset that nobody knows", raw: top + "Content-Type: text/plain; charset=x-klingon\r\n\r\nHello \xff world\r\n", has: []string{"Hello", "world"}},
		{name: "a charset with a quote that does not end", raw: top + "Content-Type: text/plain; charset=\"utf-8\r\n\r\nGrüße\r\n", has: []string{"Grüße"}},
		{name: "iso-2022-jp", raw: top + "Content-Type: text/plain; charset=iso-2022-jp\r\n\r\n\x1b$B$3$s$K$A$O\x1b(B\r\n", has: []string{"こんにちは"}},
		{name: "gb18030", raw: top + "Content-Type: text/plain; charset=gb18030\r\nContent-Transfer-Encoding: base64\r\n\r\nxOO6ww==\r\n", has: []string{"你好"}},
		{name: "base64 with rubbish in it", raw: top + "Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n" + b64([]byte("Hello wor"))[:6] + "!!\r\n**" + b64([]byte("Hello wor"))[6:] + "\r\n", has: []string{"Hello wor"}},
		{name: "base64 that was cut short", raw: top + "Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\nSGVsbG8gd29ybGQ", has: []string{"Hello world"}},
		{name: "quoted-printable with a wrong escape", raw: top + "Content-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nHello =XY world\r\n", has: []string{"Hello"}},
		{name: "a transfer encoding that nobody knows", raw: top + "Content-Type: text/plain\r\nContent-Transfer-Encoding: x-rot13\r\n\r\nHello\r\n", has: []string{"Hello"}},
		{name: "a multipart without a boundary", raw: top + "Content-Type: multipart/mixed\r\n\r\n--x\r\nContent-Type: text/plain\r\n\r\nHello\r\n--x--\r\n", has: []string{"malformed"}, cut: true},
		{name: "a multipart that does not end", raw: top + "Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n" + part(plainType, "Hello") + "--x\r\n" + part(plainType, "World"), has: []string{"Hello", "World"}},
		{name: "an encoded word in an unknown charset", raw: strings.Replace(top, "Plan", "=?x-unknown?B?5e3o6uA=?= report", 1) + "\r\nHello\r\n", subject: "\uFFFD report", has: []string{"Hello"}},
		{name: "an encoded word that splits a character", raw: strings.Replace(top, "Plan", "=?utf-8?B?R3LD?= =?utf-8?B?vMOfZQ==?=", 1) + "\r\nHello\r\n", has: []string{"Hello"}, subject: "*"},
		{name: "a header line without a colon", raw: "From nobody Mon\r\n" + top + "This is no header\r\n\r\nHello\r\n", has: []string{"Hello"}},
		{name: "bytes that are no UTF-8 in the subject", raw: strings.Replace(top, "Plan", "Gr\xfc\xdfe", 1) + "\r\nHello\r\n", has: []string{"Hello"}, subject: "*"},
		{name: "a NUL in subject and text", raw: strings.Replace(top, "Plan", "Pl\x00an", 1) + "\r\nHel\x00lo\r\n", has: []string{"Hello"}},
		{name: "no header at all", raw: "\r\nHello\r\n", has: []string{"Hello"}, subject: "*"},
		{name: "nothing at all", raw: "", subject: "*"},
		{name: "a header alone", raw: top},
		{
			name: "a file name in RFC 2231 pieces", attached: []string{"Maße und Größen.pdf"},
			raw: top + "Content-Type: application/pdf\r\nContent-Disposition: attachment; filename*0*=utf-8''Ma%C3%9Fe%20und%20; filename*1*=Gr%C3%B6%C3%9Fen.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\nJVBERg==\r\n",
		},
		{
			name: "a file name in an encoded word", attached: []string{"Größe.pdf"},
			raw: top + "Content-Type: application/pdf; name=\"=?utf-8?q?Gr=C3=B6=C3=9Fe=2Epdf?=\"\r\nContent-Disposition: attachment\r\nContent-Transfer-Encoding: base64\r\n\r\nJVBERg==\r\n",
		},
		{
			name: "a forwarded mail inside a forwarded mail", attached: []string{"message.eml"}, has: []string{"See below"},
			raw: top + multi("mixed", part(plainType, "See below"), "Content-Type: message/rfc822\r\n\r\nSubject: a\r\n"+multi("report", part(plainType, "inner"), "Content-Type: message/rfc822\r\n\r\nSubject: b\r\n\r\ninnermost")),
		},
		{name: "a signed mail", raw: top + multi("signed", part(plainType, "Hello"), "Content-Type: application/pgp-signature; name=signature.asc\r\n\r\n-----BEGIN PGP SIGNATURE-----\r\n"), has: []string{"Hello"}, attached: []string{"signature.asc"}},
		{
			name: "an encrypted mail", raw: top + multi("encrypted", "Content-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n", "Content-Type: application/octet-stream; name=encrypted.asc\r\n\r\n-----BEGIN PGP MESSAGE-----\r\n"),
			has: []string{"encrypted"}, attached: []string{"attachment", "encrypted.asc"}, cut: true,
		},
		{
			name: "a mail in an S/MIME envelope", raw: top + "Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m\r\nContent-Disposition: attachment; filename=smime.p7m\r\nContent-Transfer-Encoding: base64\r\n\r\nMIAG\r\n",
			has: []string{"encrypted"}, attached: []string{"smime.p7m"}, cut: true,
		},
		{name: "Outlook's own form", raw: top + multi("mixed", part(plainType, "Hello"), "Content-Type: application/ms-tnef; name=winmail.dat\r\n\r\nx\x9f\x3e\x22\r\n"), has: []string{"Hello"}, attached: []string{"winmail.dat"}},
		{name: "parts nested a little", raw: top + nested(12), has: []string{"At the bottom"}},
		{name: "HTML that is no HTML", raw: top + "Content-Type: text/html\r\n\r\n<<p <b>>Hello</ <!-- <![CDATA[ </p", has: []string{"Hello"}},
		{name: "HTML that is nested deep", raw: top + "Content-Type: text/html\r\n\r\n" + strings.Repeat("<div>", 5000) + "Hello", has: []string{"Hello"}},
		{name: "a huge part beside a text", raw: top + multi("mixed", part(plainType, "Hello"), part("Content-Type: application/zip; name=a.zip", strings.Repeat("0123456789abcdef", 1<<16))), has: []string{"Hello"}, attached: []string{"a.zip"}},
		{name: "five hundred parts", raw: top + multi("mixed", slices.Repeat([]string{part("Content-Type: application/pdf; name=a.pdf", "x")}, 500)...), attached: slices.Repeat([]string{"a.pdf"}, 500)},
		{name: "ten thousand header fields", raw: top + strings.Repeat("X-Padding: yes\r\n", 10_000) + "\r\nHello\r\n", has: []string{"Hello"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRig(t, standin.Config{})
			id := r.deliver(test.raw)
			for _, format := range []mailbox.Format{mailbox.Markdown, mailbox.Text, mailbox.HTML, mailbox.Headers} {
				m := r.read(t, id, format)
				if want := test.subject; want != "*" && m.Subject != want && (want != "" || m.Subject != "Plan") {
					t.Errorf("got subject %q, want %q", m.Subject, want)
				}
				if !utf8.ValidString(m.Body+m.Subject) || strings.ContainsAny(m.Body+m.Subject, "\x00\x1b\r") {
					t.Errorf("%s: got %q, %.200q, which is not clean", format, m.Subject, m.Body)
				}
				var names []string
				for _, a := range m.Attachments {
					names = append(names, a.Name)
				}
				if !slices.Equal(names, test.attached) {
					t.Errorf("got attachments %.200q, want %.200q", names, test.attached)
				}
				if format == mailbox.Headers {
					continue
				}
				for _, want := range test.has {
					if !strings.Contains(m.Body, want) {
						t.Errorf("%s: got %.200q, want %q in it", format, m.Body, want)
					}
				}
				if m.Cut != test.cut {
					t.Errorf("%s: got cut %v, want %v", format, m.Cut, test.cut)
				}
			}
		})
	}
}

// Gmail itself decides how deep it goes; what is beyond our own limit is said.
func TestPartsThatAreTooDeepAreSaidToBeLeftOut(t *testing.T) {
	p := &gmail.MessagePart{MimeType: "text/plain", Body: &gmail.MessagePartBody{Data: base64.URLEncoding.EncodeToString([]byte("bottom")), Size: 6}}
	for range 60 {
		p = &gmail.MessagePart{MimeType: "multipart/mixed", Parts: []*gmail.MessagePart{nil, p}}
	}
	p.Parts = append(p.Parts, &gmail.MessagePart{MimeType: "text/plain", Body: &gmail.MessagePartBody{Data: base64.URLEncoding.EncodeToString([]byte("top")), Size: 3}})
	payload, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	text, _, _, err := mailbox.RenderPayload(payload, mailbox.Markdown)
	if err != nil || !strings.Contains(text, "top") || strings.Contains(text, "bottom") || !strings.Contains(text, "nested deeper than 40 levels are left out") {
		t.Errorf("got %q, %v", text, err)
	}
}

func TestIDsThatLeadNowhereAreExplained(t *testing.T) {
	r := newRig(t, standin.Config{})
	gone := r.deliver("From: a@example.com\r\nSubject: s\r\n\r\nHello\r\n")
	page := r.search(t, mailbox.Query{Max: 1})
	r.world.Remove(standin.DefaultUser, gone)
	for name, id := range map[string]string{
		"one that was never there":              "18a0000000000001",
		"one that was deleted after the search": page.Items[0].ID,
	} {
		_, err := r.Read(t.Context(), id, mailbox.Markdown)
		if e, ok := errors.AsType[*mailbox.Error](err); !ok || e.Code != "not_found" || e.Hint == "" || strings.Contains(e.Error(), id) {
			t.Errorf("%s: got %v, want not_found with a hint", name, err)
		}
	}
}
