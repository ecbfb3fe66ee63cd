package mailbox

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var composeOK = Outgoing{To: []string{"bob@example.org"}, Subject: "Hi", Text: "**x**"}

func fileOf(name, kind, content string) File {
	return File{Attachment: Attachment{Name: name, Type: kind}, Content: []byte(content)}
}

// outline shows the tree of a mail: a type a line, with its file name and
// content id, indented by depth. Every part must be readable.
func outline(t testing.TB, header map[string][]string, body io.Reader, indent string) string {
	t.Helper()
	get := func(name string) string { return strings.Join(header[name], "|") }
	kind, params, err := mime.ParseMediaType(get("Content-Type"))
	if err != nil {
		t.Fatalf("Content-Type %q: %v", get("Content-Type"), err)
	}
	line := indent + kind
	if disposition := get("Content-Disposition"); disposition != "" {
		d, names, err := mime.ParseMediaType(disposition)
		if err != nil {
			t.Fatalf("Content-Disposition %q: %v", disposition, err)
		}
		line += " " + d + " " + names["filename"]
	}
	if id := get("Content-Id"); id != "" {
		line += " " + id
	}
	if !strings.HasPrefix(kind, "multipart/") {
		content, err := io.ReadAll(body)
		if err != nil {
			t.Fatal(err)
		}
		if get("Content-Transfer-Encoding") == "base64" {
			if content, err = base64.StdEncoding.DecodeString(string(content)); err != nil {
				t.Fatal(err)
			}
		}
		if len(content) < 40 && kind != "text/html" {
			line += " " + strings.TrimSpace(string(content))
		}
		return line + "\n"
	}
	out := line + "\n"
	for r := multipart.NewReader(body, params["boundary"]); ; {
		p, err := r.NextPart()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		out += outline(t, p.Header, p, indent+"  ")
	}
}

func outlineOf(t testing.TB, o Outgoing) string {
	t.Helper()
	raw, _, _, _, err := compose(o, composeFrom, composeTime, composeID)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(raw)) {
		if strings.Contains(line, "\n") != strings.HasSuffix(line, "\r\n") || len(line) > 1000 {
			t.Errorf("the mail has the line %.100q", line)
		}
	}
	msg, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return outline(t, msg.Header, msg.Body, "")
}

// TestProblem17AttachmentsStandBesideTheTextAndNotAmongItsForms is about mails
// whose attachments some readers never saw.
func TestProblem17AttachmentsStandBesideTheTextAndNotAmongItsForms(t *testing.T) {
	pdf, logo := fileOf("a.pdf", "application/pdf", "PDF"), fileOf("logo.png", "image/png", "PNG")
	logo.ContentID = "logo@example.com"
	for name, test := range map[string]struct {
		change func(*Outgoing)
		want   string
	}{
		"plain text": {func(*Outgoing) {}, "text/plain **x**\n"},
		"Markdown":   {func(o *Outgoing) { o.Markdown = true }, "multipart/alternative\n  text/plain **x**\n  text/html\n"},
		"plain text and a file": {
			func(o *Outgoing) { o.Attachments = []File{pdf} },
			"multipart/mixed\n  text/plain **x**\n  application/pdf attachment a.pdf PDF\n",
		},
		"Markdown and files": {
			func(o *Outgoing) { o.Markdown, o.Attachments = true, []File{pdf, fileOf("b.csv", "text/csv", "1;2")} },
			"multipart/mixed\n  multipart/alternative\n    text/plain **x**\n    text/html\n" +
				"  application/pdf attachment a.pdf PDF\n  text/csv attachment b.csv 1;2\n",
		},
		"HTML with a picture, and a file": {
			func(o *Outgoing) {
				o.HTML, o.Attachments = `<img src="cid:logo@example.com">`, []File{logo, pdf}
			},
			"multipart/mixed\n  multipart/alternative\n    text/plain **x**\n    multipart/related\n      text/html\n" +
				"      image/png inline logo.png <logo@example.com> PNG\n  application/pdf attachment a.pdf PDF\n",
		},
		"a picture that no HTML shows": {
			func(o *Outgoing) { o.Attachments = []File{logo} },
			"multipart/mixed\n  text/plain **x**\n  image/png attachment logo.png <logo@example.com> PNG\n",
		},
		"a mail as a file": {
			func(o *Outgoing) { o.Attachments = []File{fileOf("m.eml", "message/rfc822", "From: x")} },
			"multipart/mixed\n  text/plain **x**\n  application/octet-stream attachment m.eml From: x\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := composeOK
			test.change(&o)
			if diff := cmp.Diff(test.want, outlineOf(t, o)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestProblem13NamesOfFilesArriveAsTheyAre is about names of every kind; those
// of people and subjects are in TestComposeRoundTripsSubjectsAndNames.
func TestProblem13NamesOfFilesArriveAsTheyAre(t *testing.T) {
	for _, name := range []string{
		"a.pdf", "Quarterly report v2.pdf", "Grüße.pdf", "見積書.xlsx", "👍.png", `a "quoted" name.txt`, `back\slash.txt`,
		"semi;colon=equals.txt", "per%cent.txt", "two  spaces.txt", "it's.txt", strings.Repeat("長", 80) + ".pdf", strings.Repeat("x", 255),
	} {
		o := composeOK
		o.Attachments = []File{fileOf(name, "application/pdf", "x")}
		if got := outlineOf(t, o); !strings.Contains(got, " attachment "+name+" x\n") {
			t.Errorf("%q arrives as\n%s", name, got)
		}
	}
}

func TestNothingUntrustedBecomesAHeader(t *testing.T) {
	const evil = "\r\nX-Evil: 1"
	with := func(change func(*File)) Outgoing {
		o, f := composeOK, fileOf("a.pdf", "application/pdf", "x")
		change(&f)
		o.HTML, o.Attachments = `<img src="cid:x">`, []File{f}
		return o
	}
	change := func(f func(*Outgoing)) Outgoing {
		o := composeOK
		f(&o)
		return o
	}
	for name, o := range map[string]Outgoing{
		"the address of a recipient":   change(func(o *Outgoing) { o.To = []string{"a@example.com>" + evil} }),
		"the name of a recipient":      change(func(o *Outgoing) { o.Cc = []string{"A" + evil + " <a@example.com>"} }),
		"a blind recipient":            change(func(o *Outgoing) { o.Bcc = []string{"a@example.com" + evil} }),
		"the subject":                  change(func(o *Outgoing) { o.Subject = "Hi" + evil }),
		"a lone line feed":             change(func(o *Outgoing) { o.Subject = "Hi\nX-Evil: 1" }),
		"the mail that is answered":    change(func(o *Outgoing) { o.Thread.InReplyTo = "a@b" + evil }),
		"the references":               change(func(o *Outgoing) { o.Thread = Threading{InReplyTo: "a@b", References: []string{"a@b>" + evil}} }),
		"the name of a file":           with(func(f *File) { f.Name = "a.pdf" + evil }),
		"the name of a file in quotes": with(func(f *File) { f.Name = "a.pdf\"" + evil }),
		"the type of a file":           with(func(f *File) { f.Type = "application/pdf" + evil }),
		"a parameter of the type":      with(func(f *File) { f.Type = "application/pdf; name=x" }),
		"the content id":               with(func(f *File) { f.ContentID = "x>" + evil }),
	} {
		t.Run(name, func(t *testing.T) {
			raw, _, _, _, err := compose(o, composeFrom, composeTime, composeID)
			e, ok := errors.AsType[*Error](err)
			if !ok || raw != nil {
				t.Fatalf("got %v and %d bytes, want a refusal", err, len(raw))
			}
			if strings.Contains(e.Message+e.Hint, "Evil") {
				t.Errorf("the refusal quotes the input: %v", e)
			}
		})
	}
	// A charset that was not checked is not written.
	o := with(func(f *File) { f.Charset = "utf-8" + evil })
	if raw, _, _, _, err := compose(o, composeFrom, composeTime, composeID); err != nil || bytes.Contains(raw, []byte("X-Evil")) {
		t.Errorf("a charset becomes a header: %v", err)
	}
}

// No part gains a header field, whatever an attachment or a thread is called.
func FuzzComposeParts(f *testing.F) {
	f.Add("a.pdf", "application/pdf", "", "p@example.com", "")
	f.Add("a\r\nX-Evil: 1", "a/b\r\nX-Evil: 1", "x>\r\nX-Evil: 1", "p>\r\nX-Evil: 1", "r> <s")
	f.Add(`"; filename="b"; x="`, "a/b", "x", " p", "r")
	f.Add(strings.Repeat("長 ", 60), "A/B+c.d", "!#$%&'*+/=?^_`{|}~.@-", strings.Repeat("p", 900), "<r>")
	f.Fuzz(func(t *testing.T, name, kind, id, parent, reference string) {
		file := fileOf(name, kind, "x")
		file.ContentID = id
		o := Outgoing{
			To: []string{"bob@example.org"}, Text: "t", HTML: "<p>cid:" + id, Attachments: []File{file},
			Thread: Threading{InReplyTo: parent, References: []string{reference}},
		}
		raw, _, _, _, err := compose(o, composeFrom, composeTime, composeID)
		if err != nil {
			if e, ok := errors.AsType[*Error](err); !ok || strings.Contains(e.Message, "was not composed") {
				t.Errorf("the checks let pass what cannot be written: %v", err)
			}
			return
		}
		msg, err := mail.ReadMessage(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		if got := outline(t, msg.Header, msg.Body, ""); !strings.Contains(got, " "+name) {
			t.Errorf("the file %q is not in\n%s", name, got)
		}
		_, params, err := mime.ParseMediaType(msg.Header.Get("Content-Type"))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.SplitSeq(string(raw), "\r\n") {
			field, _, ok := strings.Cut(line, ": ")
			if ok && !slices.Contains([]string{
				"From", "To", "Subject", "In-Reply-To", "References", "Date", "Message-Id", "X-Linkmail-Send-Id", "Mime-Version",
				"Content-Type", "Content-Transfer-Encoding", "Content-Disposition", "Content-Id",
			}, field) && !strings.HasPrefix(line, " ") && !strings.Contains(line, params["boundary"]) && !strings.HasPrefix(line, "<p>") {
				t.Errorf("the mail has the line %q", line)
			}
		}
	})
}

func TestAttachmentsThatCannotBeSentAreRefused(t *testing.T) {
	for name, test := range map[string]struct {
		files []File
		code  string
		says  []string
	}{
		"a type that is none":           {[]File{fileOf("a", "pdf", "x")}, "invalid_attachment", []string{"attachments[0]"}},
		"a type that has parts":         {[]File{fileOf("a", "multipart/mixed", "x")}, "invalid_attachment", []string{"attachments[0]"}},
		"no name":                       {[]File{fileOf("a", "a/b", ""), fileOf("", "a/b", "x")}, "invalid_attachment", []string{"attachments[1]"}},
		"a name with a text direction":  {[]File{fileOf("fdp\u202Eexe", "a/b", "x")}, "invalid_header", []string{"attachments[0]"}},
		"a name that is too long":       {[]File{fileOf(strings.Repeat("x", 256), "a/b", "x")}, "invalid_header", []string{"attachments[0]"}},
		"a name that is not valid text": {[]File{fileOf("\xff", "a/b", "x")}, "invalid_header", []string{"attachments[0]"}},
		"too much together": {
			[]File{fileOf("a", "a/b", strings.Repeat("x", 10<<20)), fileOf("b", "a/b", strings.Repeat("x", 9<<20))},
			"too_large",
			[]string{"26.0 MB", "25.0 MB", "attachments[0] 13.7 MB", "attachments[1] 12.3 MB"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := composeOK
			o.Attachments = test.files
			_, _, _, _, err := compose(o, composeFrom, composeTime, composeID)
			e, ok := errors.AsType[*Error](err)
			if !ok || e.Code != test.code {
				t.Fatalf("got %v, want %s", err, test.code)
			}
			for _, want := range test.says {
				if !strings.Contains(e.Message, want) {
					t.Errorf("message %q lacks %q", e.Message, want)
				}
			}
		})
	}
}

func TestEncodedSizeIsWhatAnAttachmentTakes(t *testing.T) {
	base, _, _, _, err := compose(composeOK, composeFrom, composeTime, composeID)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 1, 56, 57, 58, 1000, 1 << 20} {
		o := composeOK
		o.Attachments = []File{fileOf(strings.Repeat("長", 20), "application/pdf", strings.Repeat("x", n))}
		raw, _, _, _, err := compose(o, composeFrom, composeTime, composeID)
		if err != nil {
			t.Fatal(err)
		}
		if got, said := len(raw)-len(base), int(EncodedSize(int64(n))); got < said-400 || got > said+700 {
			t.Errorf("%d bytes take %d, said were %d", n, got, said)
		}
	}
}

func TestReferencesKeepTheFirstAndTheLatest(t *testing.T) {
	for name, n := range map[string]int{"none": 0, "one": 1, "a long conversation": 300, "more than servers take": 3000} {
		t.Run(name, func(t *testing.T) {
			chain := make([]string, n)
			for i := range chain {
				chain[i] = fmt.Sprintf("%d%s@example.com", i, strings.Repeat("x", i%50))
			}
			o := composeOK
			o.Thread = Threading{InReplyTo: "parent@example.com", References: chain}
			raw, _, _, _, err := compose(o, composeFrom, composeTime, composeID)
			if err != nil {
				t.Fatal(err)
			}
			msg, err := mail.ReadMessage(bytes.NewReader(raw))
			if err != nil {
				t.Fatal(err)
			}
			header := msg.Header.Get("References")
			got, want := messageIDs(header), append(slices.Clone(chain), "parent@example.com")
			if len(got) < len(want) {
				if n <= 300 || len(header) > 32<<10 || len(header) < 32<<10-100 {
					t.Errorf("%d of %d are kept, %d bytes", len(got), len(want), len(header))
				}
				want = slices.Concat(want[:1], want[len(want)-len(got)+1:])
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("references (-want +got):\n%s", diff)
			}
			if got := msg.Header.Get("In-Reply-To"); got != "<parent@example.com>" {
				t.Errorf("In-Reply-To = %q", got)
			}
		})
	}
}

func TestSignatureAndQuoteFollowTheBodyInBothForms(t *testing.T) {
	signature := signatureOf("<b>Ann</b><div>Sales &amp; more</div>")
	quoted := Passage{Text: "Bob wrote:\n> hi", HTML: "<blockquote>hi</blockquote>"}
	for name, test := range map[string]struct {
		o          Outgoing
		text, html string
	}{
		"Markdown": {
			Outgoing{Text: "Dear Bob\n\n", Markdown: true},
			"Dear Bob\n\n-- \nAnn\nSales & more\n\nBob wrote:\n> hi",
			"<div dir=\"auto\">\n<p>Dear Bob</p>\n</div>\n" + signature.HTML + quoted.HTML,
		},
		"a document": {
			Outgoing{HTML: "<html><body><p>Dear Bob</p></body></html>"},
			"Dear Bob\n\n-- \nAnn\nSales & more\n\nBob wrote:\n> hi",
			"<html><body><p>Dear Bob</p>" + signature.HTML + quoted.HTML + "</body></html>",
		},
		"no body": {
			Outgoing{Markdown: true},
			"-- \nAnn\nSales & more\n\nBob wrote:\n> hi",
			signature.HTML + quoted.HTML,
		},
	} {
		test.o.Signature, test.o.Quoted = signature, quoted
		text, html := test.o.Bodies()
		if diff := cmp.Diff([]string{test.text, test.html}, []string{text, html}); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestAReadDraftIsWrittenAgainAsItWas composes, reads, composes, and compares.
func TestAReadDraftIsWrittenAgainAsItWas(t *testing.T) {
	logo := fileOf("logo.png", "image/png", "PNG\x00\r\n")
	logo.ContentID, logo.Inline, logo.Size = "logo@example.com", true, 6
	csv := fileOf(`Grüße "1".csv`, "text/csv", "ä\n")
	csv.Charset, csv.Size = "utf-8", 3
	want := Outgoing{
		To: []string{`"Bo" <bo@example.org>`, "=?utf-8?b?R3LDvMOfZSwgQQ==?= <a@example.org>"}, Cc: []string{"<cy@example.org>"}, Bcc: []string{"<di@example.org>"},
		From: `"Ann Lee" <ann@example.com>`, Subject: "Grüße: a  b", Text: "Hello\n\n  indented\n", HTML: "<p>Hello</p><img src=\"cid:logo@example.com\">\n",
		Attachments: []File{logo, csv},
		Thread:      Threading{InReplyTo: "p@example.org", References: []string{"a@example.org", "b@example.org"}},
	}
	raw, _, _, _, err := compose(want, composeFrom, composeTime, composeID)
	if err != nil {
		t.Fatal(err)
	}
	got, err := parseOutgoing(raw)
	if err != nil {
		t.Fatal(err)
	}
	want.Draft.Mark = composeID
	want.Thread.References = append(want.Thread.References, "p@example.org")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-written +read):\n%s", diff)
	}
}

func TestOtherPeoplesDraftsAreReadToo(t *testing.T) {
	for name, test := range map[string]struct {
		raw  string
		want Outgoing
	}{
		"Latin-1, and a second header": {
			"From: Ann <ann@example.com>\nTo: a@example.org\nTo: b@example.org\nSubject: =?iso-8859-1?q?Gr=FC=DFe?=\nContent-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\nGr=FC=DFe\n",
			Outgoing{From: `"Ann" <ann@example.com>`, To: []string{"<a@example.org>", "<b@example.org>"}, Subject: "Grüße", Text: "Grüße\n"},
		},
		"no content": {"Subject: x\n\n", Outgoing{Subject: "x"}},
	} {
		got, err := parseOutgoing([]byte(test.raw))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	_, err := parseOutgoing([]byte("Content-Type: multipart/mixed; boundary=x\n\n--x\n\nhalf"))
	if e, ok := errors.AsType[*Error](err); !ok || e.Code != "draft_unreadable" {
		t.Errorf("a draft that is cut short: got %v, want draft_unreadable", err)
	}
}

// What a draft says is read, or the draft is refused; and what was read can be
// written, or is refused by name.
func FuzzDraft(f *testing.F) {
	o := composeOK
	o.Markdown, o.Attachments = true, []File{fileOf("Grüße.csv", "text/csv", "a")}
	raw, _, _, _, err := compose(o, composeFrom, composeTime, composeID)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add([]byte("To: a@example.org\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\na\r\n--x\r\nContent-Type: image/png\r\nContent-Id: <y>\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA\r\n--x--\r\n"))
	f.Add([]byte("References: <a> <b>\nIn-Reply-To: <c>\nContent-Disposition: attachment; filename*=utf-8''%0d%0a\n\nx"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		o, err := parseOutgoing(raw)
		if err == nil {
			_, _, _, _, err = compose(o, composeFrom, composeTime, composeID)
		}
		if _, ok := errors.AsType[*Error](err); err != nil && !ok {
			t.Errorf("error %v is not an *Error", err)
		}
	})
}
