package tools

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"linkmail/mailbox"
)

// letter is a mail with its body.
type letter struct {
	mail
	Cc      []string `json:"cc,omitempty"`
	Bcc     []string `json:"bcc,omitempty"`
	ReplyTo []string `json:"replyTo,omitempty"`
	// Body is fenced; offsets count characters inside the fence.
	Body          string `json:"body"`
	BodyTruncated bool   `json:"bodyTruncated"`
	// NextOffset is where the body goes on, for read_email's bodyOffset.
	NextOffset         int          `json:"nextOffset,omitempty"`
	TotalChars         int          `json:"totalChars"`
	QuotedCharsOmitted int          `json:"quotedCharsOmitted,omitempty"`
	HiddenTextRemoved  int          `json:"hiddenTextRemoved"`
	TextPartDiffers    bool         `json:"textPartDiffers,omitempty"`
	Attachments        []attachment `json:"attachments"`
	// Auth is Gmail's verdict on the sender, where it gave one.
	Auth *senderCheck `json:"auth,omitempty"`
	// Warnings are sentences of ours about what a deceiver would do.
	Warnings        []string `json:"warnings,omitempty"`
	ListUnsubscribe []string `json:"listUnsubscribe,omitempty"`

	offset   int  // of the part of the body that Body is
	fromText bool // the body is the plain text part
	cut      bool // the body is not all of the mail's text
	skipped  bool // the text of the mail was not looked at
}

type attachment struct {
	// PartID is what get_attachment opens it by. There is none for a file that
	// goes out, and for one within an attached mail that Gmail has not opened.
	PartID string `json:"partId,omitempty"`
	Name   string `json:"name"`
	Type   string `json:"type"`
	// Size is in bytes.
	Size   int64 `json:"size"`
	Inline bool  `json:"inline,omitempty"`
}

// shownAttachment is an attachment of a mail that can be opened.
func shownAttachment(a mailbox.Attachment) attachment {
	shown := innerAttachment(a)
	shown.PartID = orWhole(shown.PartID)
	return shown
}

// innerAttachment is one of a mail that is itself attached.
func innerAttachment(a mailbox.Attachment) attachment {
	return attachment{a.PartID, shorten(line(a.Name), maxSubject), shorten(line(a.Type), maxName), a.Size, a.Inline}
}

// senderCheck is what Gmail found out about a sender: pass, fail, none and the
// other results of RFC 8601.
type senderCheck struct {
	SPF   string `json:"spf,omitempty"`
	DKIM  string `json:"dkim,omitempty"`
	DMARC string `json:"dmarc,omitempty"`
}

const (
	// maxCallChars bounds the bodies of one call together, in characters, and
	// maxAnswerChars them and what is said about them. It keeps an answer below
	// what clients cut off or hide from the model. What is said about a mail is
	// bounded as well, so minCallChars are always left for the bodies.
	maxCallChars   = 24000
	maxAnswerChars = 30000
	minCallChars   = 4000
	// readRecipients is how many recipients of a mail are listed in a field,
	// and shownAttachments how many attachments of one.
	readRecipients   = 20
	shownAttachments = 25
)

func letterOf(m mailbox.Message, zone *time.Location) letter {
	l := letter{
		mail:              mailOf(m.Summary, zone, readRecipients),
		Cc:                addresses(m.Cc, readRecipients),
		Bcc:               addresses(m.Bcc, readRecipients),
		ReplyTo:           addresses(m.ReplyTo, readRecipients),
		HiddenTextRemoved: m.HiddenChars,
		TextPartDiffers:   m.TextDiffers,
		Attachments:       []attachment{},
		Warnings:          warningsOf(m),
		fromText:          m.Source == "text",
		cut:               m.Cut,
		skipped:           m.Skipped,
	}
	if a := m.Authentication; a != (mailbox.Authentication{}) {
		l.Auth = &senderCheck{a.SPF, a.DKIM, a.DMARC}
	}
	for _, u := range m.Unsubscribe {
		l.ListUnsubscribe = append(l.ListUnsubscribe, line(u))
	}
	for _, a := range m.Attachments[:min(len(m.Attachments), shownAttachments)] {
		l.Attachments = append(l.Attachments, shownAttachment(a))
	}
	if more := len(m.Attachments) - shownAttachments; more > 0 {
		l.Warnings = append(l.Warnings, plural(more, "more attachment")+" of this mail "+isOrAre(more)+" not listed.")
	}
	return l
}

// warningsOf says what of a mail is as a deceiver would have it. It quotes
// nothing of the mail.
func warningsOf(m mailbox.Message) []string {
	w := append(doubts(m.Provenance), linkWarnings(m.MisleadingLinks)...)
	if m.MayHide {
		w = append(w, mayHide)
	}
	return w
}

// mayHide warns of text that could not be told apart from hidden text.
const mayHide = "The styles of the HTML are too many to follow: some of the text may be hidden from its readers."

func doubts(p mailbox.Provenance) []string {
	var w []string
	if p.Authentication.DMARC == "fail" {
		w = append(w, "The sender is probably not who the mail says: its domain disowns it (DMARC fail).")
	}
	if p.NameMisleads {
		w = append(w, "The sender's name shows another mail address than the one the mail is from.")
	}
	if p.AnswersElsewhere {
		w = append(w, "Answers go to another domain than the sender's (Reply-To).")
	}
	return w
}

func linkWarnings(misleading int) []string {
	switch misleading {
	case 0:
		return nil
	case 1:
		return []string{"1 link leads to another site than its text names."}
	}
	return []string{fmt.Sprintf("%d links lead to another site than their text names.", misleading)}
}

func isOrAre(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

// show puts a part of body into the letter, at most limit characters from
// offset on.
func (l *letter) show(body string, offset, limit int) {
	c := chunkOf(body, offset, limit)
	l.Body, l.offset = c.text, offset
	l.BodyTruncated, l.NextOffset, l.TotalChars = c.next > 0, c.next, c.total
}

// whole reports whether nothing of the mail's text is missing.
func (l *letter) whole() bool { return !l.BodyTruncated && l.offset == 0 && !l.cut && !l.skipped }

// fenceChars is what a fence around a body takes.
const fenceChars = 80

// bare is how many characters a letter takes without its body.
func (l *letter) bare() int {
	without := *l
	without.Body = ""
	b, err := json.Marshal(&without)
	if err != nil {
		return 0 // strings and numbers always encode
	}
	return len(b) + fenceChars
}

// bodyBudget is how many characters the bodies of letters may take together.
// Where mails have so many recipients and attachments that these would fill the
// answer, they are counted instead of listed.
func bodyBudget(letters []letter) int {
	const most = maxAnswerChars - minCallChars
	total := 0
	for i := range letters {
		total += letters[i].bare()
	}
	if total > most {
		total = 0
		for i := range letters {
			if letters[i].bare() > most/len(letters) {
				letters[i].count()
			}
			total += letters[i].bare()
		}
	}
	return min(max(maxAnswerChars-total, minCallChars), maxCallChars)
}

// count replaces the lists of a letter by how much is in them.
func (l *letter) count() {
	for _, list := range []*[]string{&l.To, &l.Cc, &l.Bcc, &l.ReplyTo, &l.Labels} {
		if n := len(*list); n > 1 {
			*list = []string{fmt.Sprintf("%d, not listed", n)}
		}
	}
	l.Subject, l.ListUnsubscribe = shorten(l.Subject, snippetChars), nil
	l.Attachments = []attachment{}
	l.Warnings = append(l.Warnings, "Recipients, labels and attachments are not listed, because they would fill the answer; read this mail alone for more of them.")
}

// render writes a mail: what the server knows outside of the fence, what the
// sender wrote inside. tool is the call that goes on with a truncated body.
func (l *letter) render(f fence, tool string) string {
	var b, inside strings.Builder
	fmt.Fprintf(&b, "Message %s, thread %s", l.MessageID, l.ThreadID)
	var system, own []string // the names of others are what the user, or somebody else, has chosen
	for _, name := range l.Labels {
		if systemLabel.MatchString(name) {
			system = append(system, name)
		} else {
			own = append(own, name)
		}
	}
	for _, s := range []string{l.Date, l.flags(), strings.Join(system, ","), prefixed("draft ", l.DraftID)} {
		b.WriteString(prefixed(", ", s))
	}
	b.WriteByte('\n')
	for _, h := range []struct{ name, value string }{
		{"From", l.From},
		{"To", strings.Join(l.To, ", ")},
		{"Cc", strings.Join(l.Cc, ", ")},
		{"Bcc", strings.Join(l.Bcc, ", ")},
		{"Reply-To", strings.Join(l.ReplyTo, ", ")},
		{"Subject", l.Subject},
		{"Labels", strings.Join(own, ", ")},
		{"List-Unsubscribe", strings.Join(l.ListUnsubscribe, ", ")},
	} {
		if h.value != "" {
			fmt.Fprintf(&inside, "%s: %s\n", h.name, h.value)
		}
	}
	for _, a := range l.Attachments {
		kind := "Attachment"
		if a.Inline {
			kind = "Inline attachment"
		}
		fmt.Fprintf(&inside, "%s: part %s, %q, %s, %d bytes\n", kind, a.PartID, a.Name, a.Type, a.Size)
	}
	inside.WriteString("\n" + l.Body)
	b.WriteString(f.around(inside.String()) + "\n")
	b.WriteString(l.about(tool))
	return b.String()
}

// cutLink finds the target of a link that was shortened for reading.
var cutLink = regexp.MustCompile(`https?://[^\s()]*…\)`)

// about says what of the body is missing, and how far the sender can be
// believed.
func (l *letter) about(tool string) string {
	var b strings.Builder
	if l.TotalChars == 0 {
		b.WriteString("The mail has no text.\n")
	}
	if l.BodyTruncated || l.offset > 0 {
		end := l.TotalChars
		if l.BodyTruncated {
			end = l.NextOffset
		}
		fmt.Fprintf(&b, "Characters %d to %d of %d.", l.offset, end, l.TotalChars)
		if l.BodyTruncated {
			fmt.Fprintf(&b, " For more: %s with messageId %q and bodyOffset %d.", tool, l.MessageID, l.NextOffset)
		}
		b.WriteByte('\n')
	}
	if cutLink.MatchString(l.Body) {
		b.WriteString("Links that end in … are cut; read_email with format html has them in full.\n")
	}
	if l.QuotedCharsOmitted > 0 {
		fmt.Fprintf(&b, "Left out: %s of quoted mail; quotes:\"keep\" shows them.\n", plural(l.QuotedCharsOmitted, "character"))
	}
	if l.HiddenTextRemoved > 0 {
		fmt.Fprintf(&b, "Removed: %s that a reader of the mail would not see.\n", plural(l.HiddenTextRemoved, "character"))
	}
	switch {
	case l.TextPartDiffers && l.fromText:
		b.WriteString("This is the plain text part; most readers see the HTML, which says almost nothing of it.\n")
	case l.TextPartDiffers:
		b.WriteString("This is the HTML, which most readers see; the plain text part says other things and is left out.\n")
	}
	b.WriteString(l.authenticity())
	for _, w := range l.Warnings {
		b.WriteString("Warning: " + w + "\n")
	}
	return b.String()
}

// authenticity is Gmail's verdict in words. Of what was written here there is
// none to expect.
func (l *letter) authenticity() string {
	switch {
	case l.Auth == nil && (slices.Contains(l.Labels, "SENT") || slices.Contains(l.Labels, "DRAFT")):
		return ""
	case l.Auth == nil:
		return "Sender check by Gmail: none.\n"
	case *l.Auth == senderCheck{"pass", "pass", "pass"}:
		return "Sender check by Gmail: SPF, DKIM, DMARC pass.\n"
	}
	var parts []string
	for _, p := range []struct{ name, result string }{{"SPF", l.Auth.SPF}, {"DKIM", l.Auth.DKIM}, {"DMARC", l.Auth.DMARC}} {
		if p.result == "" {
			p.result = "not stated"
		}
		parts = append(parts, p.name+" "+p.result)
	}
	return "Sender check by Gmail: " + strings.Join(parts, ", ") + ".\n"
}

func prefixed(prefix, s string) string {
	if s == "" {
		return ""
	}
	return prefix + s
}
