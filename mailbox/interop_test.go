//go:build interop

package mailbox

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// seen is a mail as testdata/parse.py sees it.
type seen struct {
	Fields     []string
	Addresses  map[string][][2]string
	Subject    string
	InReplyTo  string
	References []string
	Tree       tree
	Defects    []string
}

type tree struct {
	Type, Name, Disposition, ID, Text, SHA256 string
	Parts                                     []tree
}

// TestInteropWithPythonsMailParser composes mails with everything that a mail
// can have, and lets a parser that nobody here wrote read them.
func TestInteropWithPythonsMailParser(t *testing.T) {
	python := os.Getenv("LINKAUTH_PYTHON")
	if python == "" {
		t.Fatal("LINKAUTH_PYTHON must name a Python; make interop sets it")
	}
	sum := func(s string) string {
		h := sha256.Sum256([]byte(s))
		return hex.EncodeToString(h[:])
	}
	text := "Grüße,\n\nbackslash \\n, dots\n.\nFrom here, " + strings.Repeat("a long line ", 50) + "\n👍 你好"
	chain := make([]string, 60)
	for i := range chain {
		chain[i] = fmt.Sprintf("%d.%s@mail.example.org", i, strings.Repeat("x", i))
	}
	var files []File
	var attached []tree
	for _, name := range []string{
		"plain.pdf", "two words.pdf", "見積書 2026.xlsx", "Grüße 'n' more.txt", `a "quoted" one.txt`, `back\slash; semi=colon, %41.txt`,
		"👩‍👩‍👧.png", strings.Repeat("長い", 40) + ".pdf", strings.Repeat("x", 250) + ".txt",
	} {
		content := name + "\x00\r\n\n.\n" + strings.Repeat("\xff", 5000)
		f := fileOf(name, "application/octet-stream", content)
		files = append(files, f)
		attached = append(attached, tree{Type: f.Type, Name: name, Disposition: "attachment", SHA256: sum(content)})
	}
	logo := fileOf("logo.png", "image/png", "PNG")
	logo.ContentID = "logo@example.com"
	// What ends a text part belongs to the boundary behind it.
	plain, html := tree{Type: "text/plain", Text: text}, tree{Type: "text/html", Text: fromMarkdown(text)}

	for name, test := range map[string]struct {
		mail Outgoing
		want tree
	}{
		"text alone": {Outgoing{Text: text}, plain},
		"both forms": {Outgoing{Text: text, Markdown: true}, tree{Type: "multipart/alternative", Parts: []tree{plain, html}}},
		"files of every name": {
			Outgoing{Text: text, Markdown: true, Attachments: files},
			tree{Type: "multipart/mixed", Parts: append([]tree{{Type: "multipart/alternative", Parts: []tree{plain, html}}}, attached...)},
		},
		"a picture in the HTML": {
			Outgoing{Text: text, HTML: `<img src="cid:logo@example.com">`, Attachments: append([]File{logo}, files[0])},
			tree{Type: "multipart/mixed", Parts: []tree{
				{Type: "multipart/alternative", Parts: []tree{plain, {Type: "multipart/related", Parts: []tree{
					{Type: "text/html", Text: `<img src="cid:logo@example.com">`},
					{Type: "image/png", Name: "logo.png", Disposition: "inline", ID: "<logo@example.com>", SHA256: sum("PNG")},
				}}}},
				attached[0],
			}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := test.mail
			o.To = []string{`"Doe, Jane (Sales)" <jane@example.org>`, "=?utf-8?b?5bGx55Sw?= <yamada@example.org>"}
			o.Cc, o.Bcc = []string{"bob@example.org"}, []string{`"Bernd \"B\" Grün" <b@example.org>`, "c@münchen.de"}
			o.Subject = "Re: 件名テスト " + strings.Repeat("Grüße 👍 ", 20) + "end"
			o.Thread = Threading{InReplyTo: "parent@example.org", References: chain}
			raw, _, _, _, err := compose(o, composeFrom, composeTime, composeID)
			if err != nil {
				t.Fatal(err)
			}
			if rest := bytes.ReplaceAll(raw, []byte("\r\n"), nil); bytes.ContainsAny(rest, "\r\n") {
				t.Error("the mail has a line end that is not CRLF")
			}
			cmd := exec.CommandContext(t.Context(), python, "testdata/parse.py")
			cmd.Stdin, cmd.Stderr = bytes.NewReader(raw), t.Output()
			out, err := cmd.Output()
			if err != nil {
				t.Fatal(err)
			}
			var got seen
			if err := json.Unmarshal(out, &got); err != nil {
				t.Fatal(err)
			}
			want := seen{
				Fields: []string{
					"Bcc", "Cc", "Content-Type", "Date", "From", "In-Reply-To", "Message-Id", "Mime-Version", "References", "Subject", "To", "X-Linkmail-Send-Id",
				},
				Addresses: map[string][][2]string{
					"From": {{"Ann Lee", "ann@example.com"}},
					"To":   {{"Doe, Jane (Sales)", "jane@example.org"}, {"山田", "yamada@example.org"}},
					"Cc":   {{"", "bob@example.org"}},
					"Bcc":  {{`Bernd "B" Grün`, "b@example.org"}, {"", "c@xn--mnchen-3ya.de"}},
				},
				Subject: o.Subject, InReplyTo: "<parent@example.org>", Tree: test.want, Defects: []string{},
			}
			if name == "text alone" {
				want.Fields = append(want.Fields[:2:2], append([]string{"Content-Transfer-Encoding"}, want.Fields[2:]...)...)
			}
			for _, id := range append(chain, "parent@example.org") {
				want.References = append(want.References, "<"+id+">")
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-written +read by Python):\n%s", diff)
			}
		})
	}
}
