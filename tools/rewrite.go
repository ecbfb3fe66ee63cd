package tools

import (
	"regexp"
	"strings"

	"linkmail/mailbox"
)

// rewritten is a mail with another body. The mail that a draft quotes stays
// below the new body, unless that quotes something itself: who changes what
// they say in an answer does not take back what they answer.
func rewritten(mail mailbox.Outgoing, text, html string) mailbox.Outgoing {
	if kept := quoteOf(mail.Text, mail.HTML); kept.Text != "" && quoteOf(text, html).Text == "" {
		mail.Quoted = kept
	}
	mail.Text, mail.HTML, mail.Markdown = text, html, html == ""
	return mail
}

var (
	// quoteMark is what Gmail, and this server, puts around a quote in HTML.
	quoteMark = regexp.MustCompile(`(?i)(<br>\s*)?<div class="gmail_quote[ "]`)
	// forwardMark is the line above a mail that is passed on.
	forwardMark = regexp.MustCompile(`^-{8,} ?\S.{0,60}\S ?-{8,}\s*$`)
)

// quoteOf returns the mail that is quoted at the end of a body; nothing if
// there is none, or if only one of its forms is known to have it.
func quoteOf(text, html string) (p mailbox.Passage) {
	lines := strings.SplitAfter(text, "\n")
	start := min(markedQuote(lines, nil), headedQuote(lines, nil))
	for i, l := range lines {
		if forwardMark.MatchString(l) {
			start = min(start, i)
			break
		}
	}
	if html != "" {
		at := quoteMark.FindStringIndex(html)
		if at == nil {
			return p
		}
		p.HTML = html[at[0]:]
	}
	if p.Text = strings.Join(lines[start:], ""); p.Text == "" {
		p.HTML = ""
	}
	return p
}
