package mailbox_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"linkmail/internal/standin"
	"linkmail/mailbox"
)

func TestAReplyToAnotherSiteIsNoticed(t *testing.T) {
	for _, test := range []struct {
		name, from, replyTo string
		want                bool
	}{
		{"none", "a@example.com", "", false},
		{"the same address", "a@example.com", "A@Example.com", false},
		{"another address of the domain", "a@example.com", "b@example.com", false},
		{"a domain below the sender's", "a@example.com", "x@reply.example.com", false},
		{"a domain beside the sender's", "a@news.example.co.uk", "x@mail.example.co.uk", false},
		{"another domain", "a@example.com", "a@example.com.evil.example", true},
		{"another owner under the same suffix", "a@one.co.uk", "a@two.co.uk", true},
		{"the second of two", "a@example.com", "a@example.com, b@evil.example", true},
		{"letters that look alike", "a@apple.example", "a@\u0430pple.example", true},
		{"a group of nobody", "a@example.com", "undisclosed:;", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRig(t, standin.Config{})
			header := "From: Anna <" + test.from + ">\r\n"
			if test.replyTo != "" {
				header += "Reply-To: " + test.replyTo + "\r\n"
			}
			if m := r.read(t, r.deliver(header+"Subject: s\r\n\r\nHello\r\n"), mailbox.Text); m.AnswersElsewhere != test.want {
				t.Errorf("got %v, want %v; reply to %v", m.AnswersElsewhere, test.want, m.ReplyTo)
			}
		})
	}
}

func TestASenderWhoseNameIsAnotherAddressIsNoticed(t *testing.T) {
	for _, test := range []struct {
		from string
		want bool
	}{
		{"Anna <a@example.com>", false},
		{"a@example.com", false},
		{`"a@example.com" <a@example.com>`, false},
		{`"A@EXAMPLE.COM" <a@example.com>`, false},
		{`"Support (24@7)" <a@example.com>`, false},
		{`"boss@example.com" <a@evil.example>`, true},
		{`"The Boss boss@example.com" <a@evil.example>`, true},
		{`"<boss@example.com>" <a@evil.example>`, true},
		{"=?utf-8?q?boss=EF=BC=A0example=2Ecom?= <a@evil.example>", true},
		{"\"bo\u200bss@exam\u00adple.com\" <a@evil.example>", true},
		{`"a@example.com, boss@example.com" <a@example.com>`, true},
	} {
		r := newRig(t, standin.Config{})
		if m := r.read(t, r.deliver("From: "+test.from+"\r\nSubject: s\r\n\r\nHello\r\n"), mailbox.Text); m.NameMisleads != test.want {
			t.Errorf("%s: got %v, want %v (%+v)", test.from, m.NameMisleads, test.want, m.From)
		}
	}
}

func TestLinksThatLeadElsewhereAreCounted(t *testing.T) {
	for _, test := range []struct {
		name, html string
		want       int
	}{
		{"a word", `<a href="https://evil.example/">click here</a>`, 0},
		{"the target itself", `<a href="https://bank.example/a?b=1">https://bank.example/a</a>`, 0},
		{"another host of the site", `<a href="https://login.bank.example/">www.bank.example</a>`, 0},
		{"another site", `<a href="https://evil.example/">https://bank.example/login</a>`, 1},
		{"another site, within words", `<a href="https://evil.example/">Go to www.bank.com now</a>`, 1},
		{"another site, without a scheme", `<a href="https://evil.example/">bank.com/login</a>`, 1},
		{"another site, across elements", `<a href="https://evil.example/"><b>bank</b>.<i>com</i></a>`, 1},
		{"another site, in the user name", `<a href="https://bank.com@evil.example/">https://bank.com/</a>`, 1},
		{"a look-alike letter", "<a href=\"https://\u0430pple.com/\">https://apple.com/</a>", 1},
		{"a mail address of another site", `<a href="mailto:a@evil.example">support@bank.com</a>`, 1},
		{"a mail address", `<a href="mailto:support@bank.com">support@bank.com</a>`, 0},
		{"a page behind a mail address of its site", `<a href="https://www.bank.com/contact">support@bank.com</a>`, 0},
		{"the name of a file", `<a href="https://git.example/x">README.md</a>`, 0},
		{"a number with points", `<a href="https://x.example/">1.2.3</a>`, 0},
		{"an abbreviation", `<a href="https://x.example/">e.g. this</a>`, 0},
		{"the host alone, of a domain for tests", `<a href="http://evil.example">bank.example</a>`, 1},
		{"the host alone, of a domain inside a firm", `<a href="http://evil.example">wiki.corp</a>`, 1},
		{"the host alone, in capitals", `<a href="http://evil.example">BANK.COM</a>`, 1},
		{"the same host, of a domain for tests", `<a href="http://www.bank.example/x">bank.example</a>`, 0},
		{"a host within words", `<a href="http://evil.com">Go to paypal.com now</a>`, 1},
		{"a host within words, in brackets", `<a href="http://evil.com">Your bank (Bank.co.uk), today</a>`, 1},
		{"the same host within words", `<a href="http://www.paypal.com/x">Go to paypal.com now</a>`, 0},
		{"sentences without a space between them", `<a href="http://x.example">That is done.In May it will be us.To be sure</a>`, 0},
		{"a document", `<a href="http://x.example">report.pdf</a>`, 0},
		{"a document within words", `<a href="http://x.example">See README.md, main.rs and archive.zip</a>`, 0},
		{"a library", `<a href="http://x.example">Node.js</a>`, 0},
		{"a version", `<a href="http://x.example">v1.2.3</a>`, 0},
		{"a framework", `<a href="http://x.example">ASP.NET</a><a href="http://x.example">ASP.NET Core, VB.NET and .NET</a>`, 0},
		{"an abbreviation alone", `<a href="http://x.example">e.g.</a>`, 0},
		{"a function", `<a href="http://x.example">strings.Cut</a>`, 0},
		{"a person", `<a href="http://x.example">anna.smith</a>`, 0},
		{"the description of a picture", `<a href="http://evil.com"><img src="p" alt="https://bank.com"></a>`, 1},
		{"the description of a picture, without a scheme", `<a href="http://evil.com"><img src="p" alt="Go to bank.com"></a>`, 1},
		{"the description of a picture beside words", `<a href="http://evil.com"><img src="p" alt="bank.com"> Hello</a>`, 1},
		{"the description of a picture that leads there", `<a href="http://bank.com/x"><img src="p" alt="https://bank.com"></a>`, 0},
		{"one that nobody sees", `<div style="display:none"><a href="https://evil.example/">https://bank.com/</a></div>Hello`, 0},
		{"three", strings.Repeat(`<p><a href="https://evil.example/">https://bank.com/</a></p>`, 3), 3},
		{"a script", `<a href="javascript:x()">https://bank.com/</a>`, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRig(t, standin.Config{})
			for _, html := range []string{test.html, strings.Repeat("<div>", 600) + test.html} {
				mail := "From: a@example.com\r\nSubject: s\r\nMIME-Version: 1.0\r\n"
				for _, raw := range []string{
					mail + part(htmlType, html),
					// Where the plain text is shown, what the page does still counts.
					mail + multi("alternative", part(plainType, "Hello"), part(htmlType, "<p>Hello</p>"+html)),
				} {
					if m := r.read(t, r.deliver(raw), mailbox.Markdown); m.MisleadingLinks != test.want {
						t.Errorf("got %d, want %d; body %q", m.MisleadingLinks, test.want, m.Body)
					}
				}
			}
		})
	}
}

func TestWaysOutOfAListAreShownAsTheyAre(t *testing.T) {
	for _, test := range []struct {
		header string
		want   []string
	}{
		{"<mailto:leave@example.com?subject=leave>, <https://example.com/u/1>", []string{"mailto:leave@example.com?subject=leave", "https://example.com/u/1"}},
		{"<https://example.com/u/\r\n 1>", []string{"https://example.com/u/1"}},
		{"(comment) <HTTPS://example.com/u?a=b,c>", []string{"HTTPS://example.com/u?a=b,c"}},
		{"<javascript:x()>, <ftp://example.com/>, <file:///etc/passwd>", nil},
		{"https://example.com/u", nil},
		{"<https://example.com/" + strings.Repeat("x", 2000) + ">", nil},
		{strings.Repeat("<mailto:a@example.com>,", 9), slices.Repeat([]string{"mailto:a@example.com"}, 4)},
		{"<https://exam\u202eple.com/\u200bu>", []string{"https://example.com/u"}},
	} {
		r := newRig(t, standin.Config{})
		m := r.read(t, r.deliver("From: a@example.com\r\nList-Unsubscribe: "+test.header+"\r\nSubject: s\r\n\r\nHello\r\n"), mailbox.Text)
		if !slices.Equal(m.Unsubscribe, test.want) {
			t.Errorf("%.80q: got %q, want %q", test.header, m.Unsubscribe, test.want)
		}
		for _, s := range r.world.Seen() {
			if !strings.HasPrefix(s.Path, "/gmail/") {
				t.Errorf("something was asked of %s", s.Path)
			}
		}
	}
}

func TestRawHeadersAreWholeCleanAndBounded(t *testing.T) {
	r := newRig(t, standin.Config{})
	id := r.deliver("Received: from a\r\n by b\r\nX-Odd: a\u202eb\U000E0041\u200b\r\nFrom: =?utf-8?q?J=C3=BCrgen?= <j@example.com>\r\nSubject: s\r\n\r\nX-Body: none\r\n")
	m := r.read(t, id, mailbox.Headers)
	want := "Received: from a by b\nX-Odd: ab\nFrom: Jürgen <j@example.com>\nSubject: s\n"
	if m.Body != want || m.Source != "headers" || m.Cut || m.HiddenChars != 3 {
		t.Errorf("got %q, source %s, cut %v, %d hidden; want %q, 3 hidden", m.Body, m.Source, m.Cut, m.HiddenChars, want)
	}
	var many strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&many, "X-%d: %s\r\n", i, strings.Repeat("y", 200))
	}
	m = r.read(t, r.deliver(many.String()+"From: a@example.com\r\n\r\nHello\r\n"), mailbox.Headers)
	if len(m.Body) > 201_000 || !m.Cut || !strings.Contains(m.Body, "more header fields are left out]") {
		t.Errorf("got %d bytes that end %q, want at most 200,000 and a word about the rest", len(m.Body), m.Body[max(0, len(m.Body)-80):])
	}
	m = r.read(t, r.deliver("X-Long: "+strings.Repeat("y", 50_000)+"\r\nFrom: a@example.com\r\n\r\nHello\r\n"), mailbox.Headers)
	if len(m.Body) > 3000 || !m.Cut {
		t.Errorf("got %d bytes of a long field, cut %v; want it to be cut", len(m.Body), m.Cut)
	}
}
