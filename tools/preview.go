package tools

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"linkmail/mailbox"
)

// previewChars bounds what a confirmation shows of a mail's bodies, in
// characters. Nearly every mail is shown whole; of a longer one the beginning
// and the end are, because a middle that is left out is said to be.
const previewChars = 20_000

// preview is what a user has to see of a mail's bodies to agree to it.
type preview struct {
	// Text says all there is to say, the counts below included.
	Text string
	// HiddenChars counts what readers of the HTML do not see, InvisibleChars
	// the characters without a glyph in the plain text.
	HiddenChars, InvisibleChars int
	// TextPartDiffers: plain text and HTML do not say the same.
	TextPartDiffers bool
}

func previewOf(mail mailbox.Outgoing) preview {
	// Signature and quote are part of what goes out. HTML that is made of
	// Markdown says what the text says, which is shown as it was written.
	text, html := mail.Bodies()
	if mail.HTML == "" {
		html = ""
	}
	mail.Text, mail.HTML = text, html
	seen := mail.Preview()
	plain, invisible := mailbox.Reveal(mail.Text)
	p := preview{HiddenChars: seen.Hidden, InvisibleChars: invisible, TextPartDiffers: seen.TextDiffers}
	var b strings.Builder
	for _, warning := range []struct {
		count int
		what  string
	}{
		{invisible, "in the plain text, without a glyph, shown here by name"},
		{seen.Hidden, "in the HTML, not shown here, that its readers do not see"},
	} {
		if warning.count > 0 {
			fmt.Fprintf(&b, "[Warning: %s %s]\n", plural(warning.count, "character"), warning.what)
		}
	}
	if seen.Images > 0 {
		fmt.Fprintf(&b, "[Warning: %s in the HTML without a description; what they show is not known here]\n", plural(seen.Images, "picture"))
	}
	for _, w := range linkWarnings(seen.MisleadingLinks) {
		fmt.Fprintf(&b, "[Warning: %s]\n", strings.TrimSuffix(w, "."))
	}
	if seen.MayHide {
		fmt.Fprintf(&b, "[Warning: %s]\n", strings.TrimSuffix(mayHide, "."))
	}
	html = seen.Shown
	if html == "" {
		html = "[nothing that a reader sees]"
	}
	switch {
	case mail.HTML == "":
		b.WriteString(ends(plain, previewChars))
	case seen.TextDiffers:
		fmt.Fprintf(&b, "[Warning: the HTML and the plain text do not say the same]\n"+
			"[HTML, which most mail programs show:]\n%s\n\n[Plain text, which the others show:]\n%s",
			ends(html, previewChars/2), ends(plain, previewChars/2))
	case mail.Text != "":
		fmt.Fprintf(&b, "[HTML, as its readers see it; the plain text has the same words:]\n%s", ends(html, previewChars))
	default:
		fmt.Fprintf(&b, "[HTML, as its readers see it:]\n%s", ends(html, previewChars))
	}
	p.Text = b.String()
	return p
}

// ends returns s if it has at most limit characters, and otherwise its
// beginning and its end, with how much is missing in between.
func ends(s string, limit int) string {
	total := utf8.RuneCountInString(s)
	if total <= limit {
		return s
	}
	runes := []rune(s)
	half := limit / 2
	return fmt.Sprintf("%s\n[Warning: %d of %d characters, in the middle, are not shown here]\n%s",
		string(runes[:half]), total-2*half, total, string(runes[total-half:]))
}
