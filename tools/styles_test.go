package tools_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"linkmail/tools"
)

// TestTooManyStylesAreSaid: where it is not known what a page hides, its text is
// shown, and the reader is told.
func TestTooManyStylesAreSaid(t *testing.T) {
	const said = "too many to follow"
	page := "<style>" + strings.Repeat("@media all{", 40) + ".q{display:none}" + strings.Repeat("}", 40) + "</style><p>Hello</p><p class=q>there</p>"
	b := newInbox(t)
	cfg := tools.Config{Mailbox: b}
	id := b.deliver(fromAnn + "Subject: Page\r\nContent-Type: text/html\r\n\r\n" + page)
	for _, tool := range []struct{ name, args string }{
		{"read_email", `{"messageId":"` + id + `"}`},
		{"read_email", `{"messageId":"` + id + `","format":"html"}`},
	} {
		a := must(t, cfg, tool.name, tool.args)
		if item := a.items(t)[0]; !strings.Contains(fmt.Sprint(item["warnings"]), said) || !strings.Contains(a.text, said) || !strings.Contains(a.text, "there") {
			t.Errorf("%s %s: it is not said in both forms:\n%s", tool.name, tool.args, a.text)
		}
	}
	id = b.deliver(fromAnn + "Subject: File\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nSee the file.\r\n" +
		"--b\r\nContent-Type: text/html; name=a.html\r\nContent-Disposition: attachment; filename=a.html\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
		base64.StdEncoding.EncodeToString([]byte(page)) + "\r\n--b--\r\n")
	if a := must(t, cfg, "get_attachment", `{"messageId":"`+id+`","name":"a.html"}`); !strings.Contains(a.text, said) {
		t.Errorf("get_attachment does not say it:\n%s", a.text)
	}
}
