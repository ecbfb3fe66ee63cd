package mailbox

import (
	"context"
	"fmt"
	"html"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	gmail "google.golang.org/api/gmail/v1"
)

// original is a mail that is answered or passed on.
type original struct {
	id, threadID string
	date         time.Time
	// subject is exact: a reply belongs to its thread by it.
	subject string
	// messageID is without brackets, empty if the mail has none.
	messageID  string
	references []string

	from, replyTo, sender, to, cc []Address
	// reached are the addresses at which the mail arrived, most telling first.
	reached []Address
	// own are the addresses of the account.
	own []sender

	isDraft bool
	source  Provenance
	body    Passage
	payload *gmail.MessagePart
	files   []Attachment
}

// originalForm is what answering needs of a mail.
var originalForm = form{format: "full", fields: "id,threadId,labelIds,internalDate,payload"}

// original reads a mail and, beside it, the account's own addresses.
func (c *Client) original(ctx context.Context, b budget, id string) (*original, error) {
	if err := checkID(id); err != nil {
		return nil, err
	}
	var own []sender
	var beside sync.WaitGroup
	beside.Go(func() { own = c.ownSenders(ctx, b) })
	var m *gmail.Message
	err := c.read(ctx, b, "read the mail", unitsGet, func(ctx context.Context) error {
		var err error
		m, err = c.get(ctx, id, originalForm)
		return err
	})
	beside.Wait()
	if err != nil {
		return nil, err
	}
	if m.Payload == nil {
		m.Payload = &gmail.MessagePart{}
	}
	content := contentOf(m.Payload)
	for _, p := range content.apart() {
		if err := c.fetchText(ctx, b, id, p); err != nil {
			return nil, err
		}
	}
	headers, head := m.Payload.Headers, headOf(m)
	o := &original{
		id: id, threadID: m.ThreadId, date: head.Date, own: own,
		subject: exactLine(decodeWords(headerOf(headers, "Subject"))),
		from:    reachable(headerOf(headers, "From")), sender: reachable(headerOf(headers, "Sender")),
		replyTo: reachable(headerOf(headers, "Reply-To")),
		to:      reachable(headerOf(headers, "To")), cc: reachable(headerOf(headers, "Cc")),
		isDraft: slices.Contains(m.LabelIds, "DRAFT"),
		source:  provenanceOf(head.From, parseAddresses(headerOf(headers, "Reply-To")), authenticationOf(headers)),
		body:    content.passage(), payload: m.Payload, files: content.attachments,
	}
	if ids := messageIDs(headerOf(headers, "Message-ID")); len(ids) > 0 {
		o.messageID = ids[0]
	}
	// RFC 5322 section 3.6.4: without References, a single In-Reply-To does.
	if o.references = messageIDs(headerOf(headers, "References")); len(o.references) == 0 {
		if ids := messageIDs(headerOf(headers, "In-Reply-To")); len(ids) == 1 {
			o.references = ids
		}
	}
	o.reached = slices.Concat(o.to, o.cc, reachable(headerOf(headers, "Bcc")),
		reachable(headerOf(headers, "Delivered-To")), reachable(headerOf(headers, "X-Original-To")))
	return o, nil
}

// ownSenders are the account's addresses, as far as they can be found out.
func (c *Client) ownSenders(ctx context.Context, b budget) []sender {
	own, err := c.senders(ctx, b)
	if err == nil && len(own) > 0 {
		return own
	}
	if account, err := c.Account(ctx); err == nil {
		return []sender{{Address: Address{Email: account}, primary: true}}
	}
	return nil
}

// reachable reads the addresses of a header to which a mail can go. A name
// that is too long to be one, or shows an address of its own, is left out.
func reachable(header string) []Address {
	list := parseAddresses(header)
	list = slices.DeleteFunc(list, func(a Address) bool { return a.Email == "" })
	for i, a := range list {
		if len(a.Name) > maxName || strings.Contains(a.Name, "@") {
			list[i].Name = ""
		}
	}
	return list
}

var messageIDForm = regexp.MustCompile(`<([^<>\s]+)>`)

// messageIDs returns the ids in a header that can be written again.
func messageIDs(header string) []string {
	var ids []string
	for _, m := range messageIDForm.FindAllStringSubmatch(header, -1) {
		if isMessageID(m[1]) {
			ids = append(ids, m[1])
		}
	}
	return ids
}

// exactLine is a header's text in which only what cannot stand in a header is
// changed: line breaks and controls become spaces.
func exactLine(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if isLineBreak(r) || unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD")))
}

// passage is what a reader sees of a mail, in both forms and whole: unlike for
// reading, links are not cut.
func (c *content) passage() Passage {
	var texts []string
	var markup strings.Builder
	for _, s := range c.sections {
		r := s.render(HTML)
		if r.text == "" {
			continue
		}
		if r.source == sourceHTML {
			markup.WriteString(r.text)
			texts = append(texts, plainAlternative(s.html.text))
		} else {
			markup.WriteString(asItIs(r.text))
			texts = append(texts, r.text)
		}
	}
	return Passage{Text: strings.Join(texts, "\n\n"), HTML: markup.String()}
}

const (
	// maxQuote bounds what is quoted below an answer, in characters.
	maxQuote = 10_000
	// maxQuoteHTML bounds the same as HTML, in bytes; beyond, the text is shown.
	maxQuoteHTML = 200 << 10
)

// quoted is the mail as it stands below an answer.
func (o *original) quoted(zone *time.Location) Passage {
	author := "somebody"
	if len(o.from) > 0 {
		author = shownAddress(o.from[0])
	}
	line := fmt.Sprintf("On %s, %s wrote:", shownTime(o.date, zone), author)
	body := o.body
	if runes := []rune(body.Text); len(runes) > maxQuote {
		body.Text = string(runes[:maxQuote]) + "\n[...]"
		body.HTML = asItIs(body.Text)
	}
	if len(body.HTML) > maxQuoteHTML {
		body.HTML = asItIs(body.Text)
	}
	var b strings.Builder
	b.WriteString(line)
	for l := range strings.SplitSeq(strings.TrimRight(body.Text, "\n"), "\n") {
		b.WriteString("\n>")
		if l != "" && !strings.HasPrefix(l, ">") {
			b.WriteByte(' ')
		}
		b.WriteString(l)
	}
	return Passage{
		Text: b.String(),
		HTML: `<br><div class="gmail_quote"><div dir="ltr" class="gmail_attr">` + html.EscapeString(line) + `<br></div>` +
			`<blockquote class="gmail_quote" style="margin:0px 0px 0px 0.8ex;border-left:1px solid rgb(204,204,204);padding-left:1ex">` +
			body.HTML + "</blockquote></div>\n",
	}
}

// forwarded is the mail as it is passed on, whole.
func (o *original) forwarded(zone *time.Location) Passage {
	lines := []string{"---------- Forwarded message ---------"}
	for _, h := range []struct {
		name string
		list []Address
	}{{"From", o.from}, {"To", o.to}, {"Cc", o.cc}} {
		if len(h.list) > 0 {
			all := make([]string, len(h.list))
			for i, a := range h.list {
				all[i] = shownAddress(a)
			}
			lines = append(lines, h.name+": "+strings.Join(all, ", "))
		}
		if h.name == "From" {
			subject, _ := cleanLine(o.subject)
			lines = append(lines, "Date: "+shownTime(o.date, zone), "Subject: "+subject)
		}
	}
	head := strings.Join(lines, "\n")
	return Passage{
		Text: joinText(head, o.body.Text),
		HTML: `<br><div class="gmail_quote"><div dir="ltr" class="gmail_attr">` +
			strings.ReplaceAll(html.EscapeString(head), "\n", "<br>\n") + "<br></div><br>\n" + o.body.HTML + "</div>\n",
	}
}

func shownAddress(a Address) string {
	if a.Name == "" {
		return a.Email
	}
	return a.Name + " <" + a.Email + ">"
}

func shownTime(t time.Time, zone *time.Location) string {
	if zone == nil {
		zone = time.UTC
	}
	return t.In(zone).Format("Mon, 2 Jan 2006 at 15:04")
}
