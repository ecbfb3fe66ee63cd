package mailbox

import "strings"

// Outgoing is a mail to send. Addresses are in RFC 5322 form, one an element.
type Outgoing struct {
	To, Cc, Bcc []string
	// From is one of the addresses that the account may send from; empty for
	// the one that the user has set to write from.
	From string
	// ReplyTo is where answers go; empty for where the user wants those to
	// mails from that address.
	ReplyTo []string
	Subject string
	// Text is the plain body. HTML is optional; both are sent as alternatives.
	Text, HTML string
	// Markdown lets HTML be made of Text, where it is empty.
	Markdown bool
	// Signature and Quoted follow the body, in this order.
	Signature, Quoted Passage
	// Attachments are sent behind the body; those with a ContentID that the
	// HTML shows, inside it.
	Attachments []File
	Thread      Threading
	Draft       Draft
	// Source is where the mail comes from that this one answers or passes on;
	// zero for others. It does not go out.
	Source Provenance
}

// Passage is a piece of a body in both of its forms. One that is empty is made
// of the other, where a mail has both.
type Passage struct{ Text, HTML string }

// Threading is where a mail belongs; zero for a mail of its own. Gmail wants all
// three of a reply, and the subject to match.
type Threading struct {
	// ID is Gmail's.
	ID string
	// InReplyTo is the Message-ID of the mail that is answered, References are
	// those of the conversation before, all without angle brackets.
	InReplyTo  string
	References []string
}

// Draft is the draft in which a mail is kept; zero if it is in none. [Client.Send]
// then sends that draft, which must not have changed, and [Client.Draft] gives
// it this content.
type Draft struct {
	// ID stays, MessageID is another one after every change.
	ID, MessageID string
	// Mark is the X-Linkmail-Send-Id of a draft that was written here.
	Mark string
}

// Bodies returns both forms of the body as they go out, signature and quote
// included; html is empty for a mail that has none.
func (o Outgoing) Bodies() (text, html string) {
	text, html = o.Text, o.HTML
	if html == "" && o.Markdown {
		html = fromMarkdown(text)
	}
	if text == "" && html != "" {
		text = plainAlternative(html)
	}
	hasHTML := html != "" || o.Markdown
	for _, p := range [...]Passage{o.Signature, o.Quoted} {
		switch {
		case p.Text == "" && p.HTML != "":
			p.Text = plainAlternative(p.HTML)
		case p.HTML == "" && p.Text != "":
			p.HTML = asItIs(p.Text)
		}
		text = joinText(text, p.Text)
		if hasHTML {
			html = joinHTML(html, p.HTML)
		}
	}
	return text, html
}

// joinText puts an empty line between two passages.
func joinText(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return strings.TrimRight(a, "\n") + "\n\n" + b
}

// joinHTML puts b at the end of what a shows, which may be a whole document.
func joinHTML(a, b string) string {
	end := strings.LastIndex(a, "</body>")
	if end < 0 {
		end = strings.LastIndex(a, "</BODY>")
	}
	if end < 0 || b == "" {
		return a + b
	}
	return a[:end] + b + a[end:]
}
