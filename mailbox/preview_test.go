package mailbox_test

import (
	"strings"
	"testing"

	"linkmail/mailbox"
)

func TestAPreviewShowsWhatReadersSee(t *testing.T) {
	const deep = "<p>Dear Anna, the meeting is on Tuesday.</p>"
	for _, test := range []struct {
		name, text, html string
		want             string // in what is shown
		never            string // not in it
		hidden, images   int
		misleading       int
		differs          bool
	}{
		{name: "no HTML", text: "visible"},
		{name: "the same in both", text: "Dear Anna, the meeting is on Tuesday.", html: deep, want: "the meeting is on Tuesday"},
		{name: "something else in the HTML", text: "visible text", html: "<p>WIRE MONEY</p>", want: "WIRE MONEY", differs: true},
		{name: "the same words in another order", text: "pay Bob, not Al", html: "<p>pay Al, not Bob</p>", want: "pay Al", differs: true},
		{name: "more in the text", text: "Dear Anna, the meeting is on Tuesday. Bring cash.", html: deep, differs: true},
		{name: "HTML alone", html: deep, want: "Dear Anna"},
		{name: "hidden text", html: `<p>Hi</p><p style="display:none">secret</p>`, want: "Hi", never: "secret", hidden: 6},
		{name: "invisible characters", html: "<p>a\u202eb\u200b</p>", want: "ab", hidden: 2},
		{name: "a picture", html: `<p>Hi</p><img src="https://example.com/pay.png">`, want: "Hi", images: 1},
		{name: "a link in full", html: `<a href="https://example.com/` + strings.Repeat("a", 500) + `">click</a>`, want: strings.Repeat("a", 500) + ")"},
		{name: "marks that Markdown would escape", html: "<p>1 &lt; 2 &amp; 3 * 4 by ann@example.com</p>", want: "1 < 2 & 3 * 4 by ann@example.com"},
		{name: "a link that leads elsewhere", html: `<a href="https://evil.example">https://bank.example</a>`, want: "https://bank.example (https://evil.example)", misleading: 1},
		{name: "nothing that is seen", html: `<p style="display:none">x</p>`, hidden: 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := mailbox.Outgoing{Text: test.text, HTML: test.html}.Preview()
			if !strings.Contains(p.Shown, test.want) || test.never != "" && strings.Contains(p.Shown, test.never) {
				t.Errorf("got %q, want %q in it and no %q", p.Shown, test.want, test.never)
			}
			if p.Hidden != test.hidden || p.Images != test.images || p.TextDiffers != test.differs || p.MisleadingLinks != test.misleading {
				t.Errorf("got %+v; want %d hidden, %d images, differs %v, %d misleading", p, test.hidden, test.images, test.differs, test.misleading)
			}
		})
	}
}

func TestInvisibleCharactersAreRevealed(t *testing.T) {
	for in, want := range map[string]string{
		"plain":                  "plain",
		"a\u202eb\u200bc":        "a[U+202E]b[U+200B]c",
		"tag \U000E0041":         "tag [U+E0041]",
		"bell \a, esc \x1b":      "bell [U+0007], esc [U+001B]",
		"line\r\nbreak":          "line\nbreak",
		"👨\u200d👩 می\u200cخواهم": "👨\u200d👩 می\u200cخواهم",
	} {
		got, n := mailbox.Reveal(in)
		if got != want || n != strings.Count(want, "[U+") || mailbox.Invisible(in) != n {
			t.Errorf("%q: got %q, %d, %d; want %q", in, got, n, mailbox.Invisible(in), want)
		}
	}
}
