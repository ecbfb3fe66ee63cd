package mailbox

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

var (
	composeFrom = Address{Name: "Ann Lee", Email: "ann@example.com"}
	composeTime = time.Date(2026, 11, 24, 19, 14, 0, 0, time.FixedZone("", 3600))
)

const composeID = "Zm9v_-42"

func TestComposeWritesThePlainMailItIsAskedFor(t *testing.T) {
	raw, to, cc, bcc, err := compose(Outgoing{
		To: []string{"Bob <bob@example.org>"}, Bcc: []string{"eve@example.org"}, Subject: "Lunch", Text: "At one?\n",
	}, composeFrom, composeTime, composeID)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.ReplaceAll(`From: "Ann Lee" <ann@example.com>
To: "Bob" <bob@example.org>
Bcc: <eve@example.org>
Subject: Lunch
Date: Tue, 24 Nov 2026 19:14:00 +0100
Message-Id: <Zm9v_-42.linkmail@example.com>
X-Linkmail-Send-Id: Zm9v_-42
Mime-Version: 1.0
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

At one?
`, "\n", "\r\n")
	if diff := cmp.Diff(want, string(raw)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([][]Address{{{"Bob", "bob@example.org"}}, nil, {{"", "eve@example.org"}}}, [][]Address{to, cc, bcc}); diff != "" {
		t.Errorf("recipients (-want +got):\n%s", diff)
	}
}

func TestComposeRoundTripsSubjectsAndNames(t *testing.T) {
	texts := map[string]string{
		"ascii":                   "Hello",
		"umlauts":                 "Grüße aus Köln",
		"cjk":                     strings.Repeat("件名テスト", 40),
		"emoji":                   strings.Repeat("👩‍👩‍👧 ", 30) + "x",
		"an encoded word":         "=?utf-8?q?Boss?=",
		"spaces in and around":    "  a  b   c ",
		"a comma and quotes":      `Lee, Ann "A" \ (x) <y@z>`,
		"one long word":           strings.Repeat("x", 500),
		"long ascii text":         strings.Repeat("word and ", 50) + "end",
		"something like a header": "Bcc: eve@example.org",
		"a word of 76":            strings.Repeat("y", 76) + " z",
	}
	for name, text := range texts {
		t.Run(name, func(t *testing.T) {
			var to string
			if len(text) <= maxName {
				to = encodeWords(text) + " <bob@example.org>"
			} else {
				to = "bob@example.org"
			}
			raw, tos, _, _, err := compose(Outgoing{To: []string{to}, Subject: text}, composeFrom, composeTime, composeID)
			if err != nil {
				t.Fatal(err)
			}
			msg, err := mail.ReadMessage(bytes.NewReader(raw))
			if err != nil {
				t.Fatal(err)
			}
			subject, err := new(mime.WordDecoder).DecodeHeader(msg.Header.Get("Subject"))
			if err != nil || subject != text {
				t.Errorf("subject = %q, %v, want %q", subject, err, text)
			}
			if len(text) <= maxName && tos[0].Name != text {
				t.Errorf("name = %q, want %q", tos[0].Name, text)
			}
			for line := range strings.SplitSeq(string(raw), "\r\n") {
				if len(line) > 76 {
					t.Errorf("line of %d characters: %q", len(line), line)
				}
			}
		})
	}
}

func TestComposeSendsBodiesUnaltered(t *testing.T) {
	bodies := map[string]string{
		"leading and trailing space": "\n\n  indented \t\n\ntrail  ",
		"a backslash and an n":       `literal \n stays`,
		"a long line":                strings.Repeat("word ", 1000),
		"a long word":                strings.Repeat("x", 5000),
		"dots, from lines, equals":   ".\nFrom me\n--\n=3D =\n",
		"unicode":                    "Grüße 👍\n你好\n",
		"a boundary look-alike":      "--abc--\n\n--",
		"nothing":                    "",
	}
	for name, body := range bodies {
		t.Run(name, func(t *testing.T) {
			want := strings.ReplaceAll(body, "\n", "\r\n")
			raw, _, _, _, err := compose(Outgoing{To: []string{"b@x.org"}, Text: body}, composeFrom, composeTime, composeID)
			if err != nil {
				t.Fatal(err)
			}
			if got := bodiesOf(t, raw); !slices.Equal(got, []string{"text/plain", want}) {
				t.Errorf("plain mail = %q, want %q", got, want)
			}
			if body == "" {
				return
			}
			raw, _, _, _, err = compose(Outgoing{To: []string{"b@x.org"}, Text: body, HTML: "<p>" + body}, composeFrom, composeTime, composeID)
			if err != nil {
				t.Fatal(err)
			}
			if got := bodiesOf(t, raw); !slices.Equal(got, []string{"text/plain", want, "text/html", "<p>" + want}) {
				t.Errorf("alternatives = %q, want %q twice", got, want)
			}
		})
	}
}

func TestComposeMakesThePlainAlternativeOfHTML(t *testing.T) {
	long := "https://example.com/verify?token=" + strings.Repeat("abc", 60)
	raw, _, _, _, err := compose(Outgoing{
		To: []string{"b@x.org"}, HTML: `<p>Hello <b>Bob</b></p><p><a href="` + long + `">verify</a></p>`,
	}, composeFrom, composeTime, composeID)
	if err != nil {
		t.Fatal(err)
	}
	got := bodiesOf(t, raw)
	if want := "Hello Bob\r\n\r\nverify (" + long + ")"; got[1] != want {
		t.Errorf("plain alternative = %q, want %q", got[1], want)
	}
}

func TestComposeRefuses(t *testing.T) {
	ok := Outgoing{To: []string{"bob@example.org"}, Subject: "Hi", Text: "x"}
	with := func(change func(*Outgoing)) Outgoing {
		o := ok
		change(&o)
		return o
	}
	to := func(s ...string) Outgoing { return with(func(o *Outgoing) { o.To = s }) }
	tests := map[string]struct {
		o    Outgoing
		code string
		says string // the field and the element
	}{
		"an empty recipient":                {to("bob@example.org", " "), "invalid_recipient", "to[1]"},
		"a header in a recipient":           {to("bob@example.org\r\nBcc: eve@x.org"), "invalid_header", "to[0]"},
		"a lone line feed in cc":            {with(func(o *Outgoing) { o.Cc = []string{"a@x.org", "b@x.org\n"} }), "invalid_header", "cc[1]"},
		"a nul in bcc":                      {with(func(o *Outgoing) { o.Bcc = []string{"a\x00@x.org"} }), "invalid_header", "bcc[0]"},
		"invalid utf-8 in a name":           {to("\xff <a@x.org>"), "invalid_header", "to[0]"},
		"a line separator in a name":        {to("A\u2028B <a@x.org>"), "invalid_header", "to[0]"},
		"a line break in an encoded name":   {to("=?utf-8?b?" + "YQ0KYg==" + "?= <a@x.org>"), "invalid_header", "to[0]"},
		"a text direction in a name":        {to("\u202Egro.x@a <b@x.org>"), "invalid_header", "to[0]"},
		"a zero-width space in an address":  {to("a\u200B@x.org"), "invalid_header", "to[0]"},
		"two in one element":                {to("a@x.org, b@x.org"), "invalid_recipient", "to[0]"},
		"a group":                           {to("Team: a@x.org, b@x.org;"), "invalid_recipient", "to[0]"},
		"no at sign":                        {to("bob"), "invalid_recipient", "to[0]"},
		"a non-ascii local part":            {to("bö@x.org"), "invalid_recipient", "to[0]"},
		"a quoted local part":               {to(`"a@good.org>,<b"@x.org`), "invalid_recipient", "to[0]"},
		"a full-width at sign":              {to("a＠x.org"), "invalid_recipient", "to[0]"},
		"a full-width dot":                  {to("a@x．org"), "invalid_recipient", "to[0]"},
		"an ideographic dot":                {to("a@x。org"), "invalid_recipient", "to[0]"},
		"a full-width letter":               {to("a@ｘ.org"), "invalid_recipient", "to[0]"},
		"an address literal":                {to("a@[192.0.2.1]"), "invalid_recipient", "to[0]"},
		"a domain with a hyphen at the end": {to("a@x-.org"), "invalid_recipient", "to[0]"},
		"a broken punycode label":           {to("a@xn--a.org"), "invalid_recipient", "to[0]"},
		"a very long local part":            {to(strings.Repeat("a", 65) + "@x.org"), "invalid_recipient", "to[0]"},
		"a very long name":                  {to(`"` + strings.Repeat("a", 600) + `" <a@x.org>`), "invalid_header", "to[0]"},
		"a line break in the subject":       {with(func(o *Outgoing) { o.Subject = "a\r\nX-Evil: 1" }), "invalid_header", "subject"},
		"an escape in the subject":          {with(func(o *Outgoing) { o.Subject = "a\x1b[1m" }), "invalid_header", "subject"},
		"invalid utf-8 in the subject":      {with(func(o *Outgoing) { o.Subject = "a\xc3" }), "invalid_header", "subject"},
		"a subject of 100 kB":               {with(func(o *Outgoing) { o.Subject = strings.Repeat("a", 100_000) }), "invalid_header", "subject"},
		"501 recipients":                    {to(slices.Repeat([]string{"a@x.org"}, 501)...), "too_many_recipients", "501"},
		"invalid utf-8 in the body":         {with(func(o *Outgoing) { o.Text = "\xff" }), "invalid_body", "UTF-8"},
		"a body of 13 MB":                   {with(func(o *Outgoing) { o.Text = strings.Repeat("a", 13<<20) }), "too_large", "limit"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			raw, rto, rcc, rbcc, err := compose(tt.o, composeFrom, composeTime, composeID)
			var e *Error
			if !errors.As(err, &e) || e.Code != tt.code || !strings.Contains(e.Message, tt.says) {
				t.Fatalf("error = %v, want code %s naming %s", err, tt.code, tt.says)
			}
			if raw != nil || rto != nil || rcc != nil || rbcc != nil {
				t.Error("an error comes with a result")
			}
			if len(e.Message) > 200 || strings.ContainsAny(e.Message, "\r\n") {
				t.Errorf("message quotes the input: %q", e.Message)
			}
		})
	}
	for name, from := range map[string]Address{
		"no from":                    {},
		"a from without a domain":    {Email: "ann@"},
		"a from with two at signs":   {Email: "a@b@c"},
		"a from with a second field": {Email: "ann@example.com>\r\nBcc: <x@x.org"},
	} {
		t.Run(name, func(t *testing.T) {
			var e *Error
			if _, _, _, _, err := compose(ok, from, composeTime, composeID); !errors.As(err, &e) || e.Code != "invalid_from" {
				t.Errorf("error = %v, want invalid_from", err)
			}
		})
	}
	for _, id := range []string{"", "a b", "a\r\nb", "ü", strings.Repeat("a", 101)} {
		if _, _, _, _, err := compose(ok, composeFrom, composeTime, id); err == nil {
			t.Errorf("compose accepts the send id %q", id)
		}
	}
}

func TestComposeWritesOtherScriptsOfDomainsAsTheyAreLookedUp(t *testing.T) {
	_, to, _, _, err := compose(Outgoing{To: []string{"a@münchen.de", "b@\u0430pple.com", "C@Example.COM"}}, composeFrom, composeTime, composeID)
	if err != nil {
		t.Fatal(err)
	}
	want := []Address{{Email: "a@xn--mnchen-3ya.de"}, {Email: "b@xn--pple-43d.com"}, {Email: "C@Example.COM"}}
	if diff := cmp.Diff(want, to); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestComposeTakes500Recipients(t *testing.T) {
	many := slices.Repeat([]string{"Grüße, Ann <ann.with.a.long.name@department.example.org>"}, 500)
	for i, s := range many {
		many[i] = `"` + strings.Replace(s, " <", `" <`, 1)
	}
	raw, _, _, bcc, err := compose(Outgoing{Bcc: many, Subject: "x"}, composeFrom, composeTime, composeID)
	if err != nil {
		t.Fatal(err)
	}
	if len(bcc) != 500 {
		t.Errorf("%d recipients, want 500", len(bcc))
	}
	for line := range strings.SplitSeq(string(raw), "\r\n") {
		if len(line) > 998 {
			t.Errorf("line of %d characters", len(line))
		}
	}
}

// The message, read by a parser that did not write it, has exactly the fields
// and the recipients that were asked for.
func FuzzCompose(f *testing.F) {
	f.Add("bob@example.org", "", "", "Hi", "text", "", "Ann")
	f.Add(`"Lee, Ann" <ann@x.org>`, "b@x.org", "c@x.org", "Grüße", "a\r\nb\rc", "<p>x", "=?utf-8?q?x?=")
	f.Add("a@x.org\r\nBcc: e@x.org", "a@x.org>", "=?utf-8?b?YQ0KYg==?= <a@x.org>", "a\nX: y", "\n.\n", "", "A\u202Eb")
	f.Add("a@münchen.de", "a@x．org", "g: a@x.org;", strings.Repeat("x", 100), "=", "", "a  b")
	for _, subject := range []string{"a\r\nBcc: eve@example.com", "a\nb", "a\rb", "a\u2028b", "a\x00b", "a\u0085b", "\xff", strings.Repeat("x", maxSubject+1)} {
		f.Add("bob@example.org", "", "", subject, "text", "", "Ann")
	}
	f.Add("(c) a@x.org (d)", `"a b"@x.org`, "<@r.org:a@x.org>", " =?x?= ", "", "", "\"\\")
	f.Fuzz(func(t *testing.T, to, cc, bcc, subject, text, html, name string) {
		o := Outgoing{To: []string{to}, Subject: subject, Text: text, HTML: html}
		if cc != "" {
			o.Cc = []string{cc, to}
		}
		if bcc != "" {
			o.Bcc = []string{bcc}
		}
		from := Address{Name: name, Email: "ann@example.com"}
		raw, gotTo, gotCc, gotBcc, err := compose(o, from, composeTime, composeID)
		if err != nil {
			e, ok := errors.AsType[*Error](err)
			if !ok {
				t.Errorf("error %v is not an *Error", err)
			} else if strings.Contains(e.Message, "was not composed") {
				t.Errorf("the checks let pass what cannot be written: %v", err)
			}
			return
		}
		if len(subject) > maxSubject || !utf8.ValidString(subject) || strings.ContainsFunc(subject, func(r rune) bool { return r != '\t' && (unicode.IsControl(r) || isLineBreak(r)) }) {
			t.Errorf("the subject %.100q is accepted", subject)
		}
		msg, err := mail.ReadMessage(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		want := []string{"Content-Type", "Date", "From", "Message-Id", "Mime-Version", "Subject", "To", "X-Linkmail-Send-Id"}
		if html == "" {
			want = append(want, "Content-Transfer-Encoding")
		}
		if cc != "" {
			want = append(want, "Cc")
		}
		if bcc != "" {
			want = append(want, "Bcc")
		}
		slices.Sort(want)
		var got []string
		for field, values := range msg.Header {
			got = append(got, slices.Repeat([]string{field}, len(values))...)
		}
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("header fields (-want +got):\n%s", diff)
		}
		for field, want := range map[string][]Address{"From": {from}, "To": gotTo, "Cc": gotCc, "Bcc": gotBcc} {
			list, err := msg.Header.AddressList(field)
			if err != nil && len(want) > 0 {
				t.Errorf("%s: %v", field, err)
			}
			var got []Address
			for _, a := range list {
				got = append(got, Address{a.Name, a.Address})
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", field, diff)
			}
		}
		if got, _ := new(mime.WordDecoder).DecodeHeader(msg.Header.Get("Subject")); got != subject {
			t.Errorf("subject = %q, want %q", got, subject)
		}
		if bodies := bodiesOf(t, raw); text != "" && !strings.Contains(text, "\r") && bodies[1] != strings.ReplaceAll(text, "\n", "\r\n") {
			t.Errorf("text = %q, want %q", bodies[1], text)
		}
	})
}

// bodiesOf returns the media types and decoded bodies of a mail in turn.
func bodiesOf(t *testing.T, raw []byte) []string {
	t.Helper()
	msg, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	mediaType, params, err := mime.ParseMediaType(msg.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	if mediaType != "multipart/alternative" {
		body, err := io.ReadAll(quotedprintable.NewReader(msg.Body))
		if err != nil {
			t.Fatal(err)
		}
		return []string{mediaType, string(body)}
	}
	var bodies []string
	for r := multipart.NewReader(msg.Body, params["boundary"]); ; {
		p, err := r.NextPart() // which decodes quoted-printable
		if errors.Is(err, io.EOF) {
			return bodies
		}
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(p)
		if err != nil {
			t.Fatal(err)
		}
		partType, _, _ := mime.ParseMediaType(p.Header.Get("Content-Type"))
		bodies = append(bodies, partType, string(body))
	}
}
