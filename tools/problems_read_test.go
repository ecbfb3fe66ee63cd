package tools_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/text/encoding/htmlindex"

	"linkmail/internal/standin"
	"linkmail/mailbox"
	"linkmail/tools"
)

// The tests named after problems are about what users of other mail servers
// for models complain of most, by the numbers of that list.

const fromAnn = "From: Ann <ann@example.net>\r\nTo: " + standin.DefaultUser + "\r\nMIME-Version: 1.0\r\n"

// A mail, or ten of them, fill the context of the model or are cut off by its
// client.
func TestProblem08NoMailBlowsTheLimitOfAClient(t *testing.T) {
	b := newInbox(t)
	row := `<tr><td style="font-size:0"><p style="font-size:14px">A paragraph of a page that does not end.</p><a href="https://click.example.com/` + strings.Repeat("x", 400) + `">More</a></td></tr>`
	mails := []string{
		"Content-Type: text/html\r\n\r\n<table>" + strings.Repeat(row, 3000) + "</table>",
		"Content-Type: text/plain\r\n\r\n" + strings.Repeat("A line of a text that does not end.\r\n", 30_000),
		"Content-Type: text/plain\r\n\r\n" + strings.Repeat("日本語", 100_000),
		"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nSee the file.\r\n--b\r\nContent-Type: application/zip; name=a.zip\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
			base64.StdEncoding.EncodeToString([]byte(strings.Repeat("0123456789", 100_000))) + "\r\n--b--\r\n",
	}
	var ids []string
	for i := range 10 {
		ids = append(ids, b.deliver(fromAnn+"Subject: Mail "+fmt.Sprint(i)+"\r\n"+mails[i%len(mails)]))
	}
	cfg := tools.Config{Mailbox: b}
	for _, args := range []string{
		`{"messageIds":"` + strings.Join(ids, ",") + `","maxBodyChars":24000}`,
		`{"messageId":"` + ids[0] + `","maxBodyChars":24000}`,
		`{"messageId":"` + ids[1] + `"}`,
		`{"messageId":"` + ids[0] + `","format":"html","maxBodyChars":24000}`,
		`{"messageId":"` + ids[2] + `","format":"raw_headers"}`,
	} {
		a := must(t, cfg, "read_email", args)
		if n := utf8.RuneCountInString(a.text); n > 30_000 {
			t.Errorf("%.60s…: the text has %d characters", args, n)
		}
		if longWord.MatchString(a.text) {
			t.Errorf("%.60s…: there is base64 in the text", args)
		}
		for _, item := range a.items(t) {
			if item["bodyTruncated"] == true && (item["nextOffset"] == nil || a.data()["complete"] != false) {
				t.Errorf("%.60s…: a cut body does not say how to go on, complete = %v", args, a.data()["complete"])
			}
		}
	}
}

var longWord = regexp.MustCompile(`[A-Za-z0-9+/]{500}`)

// A thread is cut without a word, at its newest end, and the model reports that
// nobody has answered.
func TestProblem09TheNewestAnswersOfAThreadAreShown(t *testing.T) {
	b := newInbox(t)
	var ids []string
	for i := range 40 {
		raw := fmt.Sprintf("%sSubject: Plan\r\nMessage-ID: <plan-%d@example.net>\r\n", fromAnn, i)
		if i > 0 {
			raw += fmt.Sprintf("References: <plan-0@example.net>\r\nIn-Reply-To: <plan-%d@example.net>\r\n", i-1)
		}
		ids = append(ids, b.deliver(fmt.Sprintf("%sContent-Type: text/plain\r\n\r\nAnswer %d. %s\r\nThe end of answer %d.\r\n", raw, i, strings.Repeat("There is much to say. ", 150), i)))
	}
	cfg := tools.Config{Mailbox: b}
	for _, args := range []string{`{"threadId":"` + ids[0] + `"}`, `{"messageId":"` + ids[39] + `","order":"oldest_first"}`} {
		a := must(t, cfg, "get_thread", args)
		for _, want := range []string{"The end of answer 39.", "The end of answer 38.", "The end of answer 37.", "Answer 25."} {
			if !strings.Contains(a.text, want) {
				t.Errorf("%s: %q is not shown", args, want)
			}
		}
		if d := a.data(); d["complete"] != false || d["totalMessages"] != 40.0 || d["omitted"] != 20.0 || !strings.Contains(a.text, "Not listed: 20 other mails") {
			t.Errorf("%s: complete %v, total %v, omitted %v", args, d["complete"], d["totalMessages"], d["omitted"])
		}
		for _, id := range ids {
			if !strings.Contains(a.text, id) {
				t.Errorf("%s: there is no word of mail %s", args, id)
			}
		}
	}
	// A mail that a search found is shown, wherever it is in the thread.
	a := must(t, cfg, "get_thread", `{"messageId":"`+ids[3]+`"}`)
	if !strings.Contains(a.text, "The end of answer 3.") || !strings.Contains(a.text, "The end of answer 39.") {
		t.Errorf("the mail that was asked for is not shown:\n%s", a.text)
	}
	// Every mail that was cut to a line can be read on from there.
	for _, item := range a.items(t) {
		if next, cut := item["nextOffset"].(float64); cut {
			rest := must(t, cfg, "read_email", fmt.Sprintf(`{"messageId":%q,"bodyOffset":%d}`, item["messageId"], int(next)))
			if !strings.Contains(rest.text, "The end of answer") {
				t.Errorf("read_email does not go on with %v at %v", item["messageId"], next)
			}
		}
	}
}

// A mail in HTML has no body, or one full of tags.
func TestProblem11MailInHTMLHasABody(t *testing.T) {
	page := "<html><head><style>p{color:red}</style></head><body><h1>Neue Preise</h1><p>Ab M\xe4rz: 5 \x80.</p><table><tr><th>Tee</th><th>Preis</th></tr><tr><td>Gr\xfcn</td><td>5</td></tr></table><script>x()</script></body></html>"
	b := newInbox(t)
	for name, mail := range map[string]string{
		"HTML alone": "Content-Type: text/html; charset=windows-1252\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64.StdEncoding.EncodeToString([]byte(page)),
		"beside a placeholder": "Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nTo view this message, please use an HTML compatible email viewer.\r\n" +
			"--b\r\nContent-Type: text/html; charset=windows-1252\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + page + "\r\n--b--\r\n",
		"beside nothing": "Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n\r\n" +
			"--b\r\nContent-Type: multipart/related; boundary=c\r\n\r\n--c\r\nContent-Type: text/html; charset=windows-1252\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + page + "\r\n--c--\r\n--b--\r\n",
	} {
		id := b.deliver(fromAnn + "Subject: Preise\r\n" + mail)
		a := must(t, tools.Config{Mailbox: b}, "read_email", `{"messageId":"`+id+`"}`)
		body := inside(t, a.items(t)[0]["body"])
		if want := "# Neue Preise\n\nAb März: 5 €.\n\n| Tee | Preis |\n|---|---|\n| Grün | 5 |"; body != want {
			t.Errorf("%s: body = %q, want %q", name, body, want)
		}
	}
}

// Subjects and names come out as rubbish.
func TestProblem13SubjectsAndNamesAreReadInEveryCharset(t *testing.T) {
	b := newInbox(t)
	for charset, text := range map[string]string{
		"utf-8": "Grüße aus Köln ☕", "iso-8859-1": "Grüße aus Köln", "windows-1252": "„Grüße“ – 5 €", "iso-8859-15": "5 € für Zoë", "koi8-r": "Макет каталога",
		"iso-2022-jp": "ノートの見積もり", "shift_jis": "お見積もり", "euc-jp": "お見積もり", "gb18030": "关于图书封面", "big5": "關於圖書", "euc-kr": "안녕하세요", "windows-1255": "שלום",
	} {
		enc, err := htmlindex.Get(charset)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := enc.NewEncoder().Bytes([]byte(text))
		if err != nil {
			t.Fatalf("%s: %v", charset, err)
		}
		coded := "=?" + charset + "?B?" + base64.StdEncoding.EncodeToString(raw) + "?="
		id := b.deliver("From: " + coded + " <ann@example.net>\r\nTo: \"Doe, " + coded + "\" <me@example.net>\r\nSubject: " + coded + "\r\nMIME-Version: 1.0\r\n" +
			"Content-Type: text/plain; charset=" + charset + "\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64.StdEncoding.EncodeToString(raw))
		item := must(t, tools.Config{Mailbox: b}, "read_email", `{"messageId":"`+id+`"}`).items(t)[0]
		to, _ := item["to"].([]any)
		if item["subject"] != text || item["from"] != text+" <ann@example.net>" || len(to) != 1 || to[0] != `"Doe, `+text+`" <me@example.net>` || inside(t, item["body"]) != text {
			t.Errorf("%s: got %v, %v, %v, %q", charset, item["subject"], item["from"], to, item["body"])
		}
	}
}

// What was refused for lack of quota is swallowed, or said without a word on
// which mails are missing and when to come back; labels are shown as ids.
func TestProblem25WhatCouldNotBeReadIsNamed(t *testing.T) {
	b := newInbox(t)
	label := b.post(t, "labels", `{"name":"Kunden/Bonn"}`)
	var labelID string
	if _, err := fmt.Sscanf(label[strings.Index(label, `"Label_`):], "%q", &labelID); err != nil {
		t.Fatalf("%v in %s", err, label)
	}
	first, second := b.deliver(fromAnn+"Subject: one\r\n\r\nOne\r\n", "INBOX", labelID), b.deliver(fromAnn+"Subject: two\r\n\r\nTwo\r\n")
	b.world.SetFault(func(r *http.Request) *standin.Fault {
		if strings.HasSuffix(r.URL.Path, second) || strings.HasSuffix(r.URL.Path, "threads/"+first) {
			return standin.RateLimited(time.Now().Add(90 * time.Second))
		}
		return nil
	})
	cfg := tools.Config{Mailbox: b}
	a := must(t, cfg, "read_email", fmt.Sprintf(`{"messageIds":[%q,%q]}`, first, second))
	after, _ := a.envelope["retryAfter"].(float64)
	if a.envelope["status"] != "partial" || after < 60 || after > 91 || a.data()["complete"] != false {
		t.Errorf("envelope = %v, want partial, with a time to come back", a.envelope)
	}
	if !strings.Contains(a.text, "Could not be fetched: "+second+" (rate_limited).") || !strings.Contains(fmt.Sprint(a.data()["failed"]), second) {
		t.Errorf("the mail that is missing is not named:\n%s", a.text)
	}
	if item := a.items(t)[0]; !strings.Contains(fmt.Sprint(item["labels"]), "Kunden/Bonn") || !strings.Contains(a.text, "Labels: Kunden/Bonn") {
		t.Errorf("labels = %v", item["labels"])
	}
	_, err := run(t, cfg, "get_thread", fmt.Sprintf(`{"threadId":%q}`, first))
	e, ok := errors.AsType[*mailbox.Error](err)
	if !ok || e.Code != "rate_limited" || e.Message == "" || e.Hint == "" || e.RetryAfter < time.Minute {
		t.Errorf("got %+v, want rate_limited, with what to do and when", err)
	}
}

func TestACutLinkIsSaidToBe(t *testing.T) {
	b := newInbox(t)
	cfg := tools.Config{Mailbox: b}
	const target = "https://click.example.com/CL0/"
	id := b.deliver("From: news@example.com\r\nSubject: s\r\nMIME-Version: 1.0\r\nContent-Type: text/html\r\n\r\n" +
		`<p>Read <a href="` + target + strings.Repeat("a1", 100) + `">more</a> and <a href="https://example.com/short">less</a>.</p>`)
	plain := b.deliver("From: news@example.com\r\nSubject: s\r\nMIME-Version: 1.0\r\nContent-Type: text/html\r\n\r\n" +
		`<p>Read <a href="https://example.com/short">less</a> … (or more…)</p>`)
	const note = "Links that end in … are cut"
	if a := must(t, cfg, "read_email", `{"messageId":"`+id+`"}`); !strings.Contains(a.text, note) {
		t.Errorf("nothing is said of the cut link:\n%s", a.text)
	}
	if a := must(t, cfg, "read_email", `{"messageId":"`+id+`","format":"html"}`); strings.Contains(a.text, note) || !strings.Contains(a.text, strings.Repeat("a1", 100)) {
		t.Errorf("the HTML has not all of the link:\n%s", a.text)
	}
	if a := must(t, cfg, "read_email", `{"messageId":"`+plain+`"}`); strings.Contains(a.text, note) {
		t.Errorf("no link is cut here:\n%s", a.text)
	}
}
