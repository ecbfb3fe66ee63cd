package mailbox

import (
	"bytes"
	"fmt"
	"net/mail"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	gomail "github.com/emersion/go-message/mail"
)

// What a mail may have. Gmail takes 500 recipients a message and 36,700,160
// bytes of it; the subject and the names have no limit there, only readers.
const (
	maxRecipients = 500
	maxSubject    = 2048     // bytes
	maxName       = 512      // bytes
	maxElement    = 4096     // bytes of one element: a name, perhaps encoded, and an address
	maxBody       = 12 << 20 // bytes; quoted-printable can triple them
)

// compose writes o as an RFC 5322 message that has exactly these header fields:
// From, Reply-To, To, Cc and Bcc where they have any, Subject, In-Reply-To and
// References where it answers, Date, Message-ID, X-Linkmail-Send-Id,
// MIME-Version, Content-Type and, for one part, Content-Transfer-Encoding. Bcc
// is among them because Gmail reads the recipients from the message, and takes
// it out on delivery. sendID is 1 to 100 letters, digits, hyphens and
// underscores; it finds the mail again after a send whose outcome is unknown.
//
// Bodies are sent as they are, quoted-printable, with CRLF line ends. If only
// HTML is given, the plain alternative is made of it. The structure is
//
//	mixed(alternative(text, related(html, pictures)), attachments)
//
// without the levels that would have one part.
//
// Nothing is repaired: whatever could change a recipient or add a header field
// is refused with an [*Error] that names the field and the element.
func compose(o Outgoing, from Address, now time.Time, sendID string) (raw []byte, to, cc, bcc []Address, err error) {
	m, err := checkOutgoing(o, from, now, sendID)
	if err != nil {
		return nil, nil, nil, nil, err
	}
	text, html := o.Bodies()
	if err := checkBody(text, html); err != nil {
		return nil, nil, nil, nil, err
	}
	raw, err = m.write(text, html, o.Attachments)
	if err != nil {
		return nil, nil, nil, nil, err
	}
	if err := m.verify(raw); err != nil {
		return nil, nil, nil, nil, err
	}
	return raw, m.to, m.cc, m.bcc, nil
}

// envelope is a checked header.
type envelope struct {
	from        Address
	to, cc, bcc []Address
	replyTo     []Address
	subject     string
	date        time.Time
	sendID      string
	thread      Threading
}

func checkOutgoing(o Outgoing, from Address, now time.Time, sendID string) (*envelope, error) {
	m := &envelope{subject: o.Subject, date: now, sendID: sendID, thread: o.Thread}
	var err error
	if m.from, err = checkFrom(from); err != nil {
		return nil, err
	}
	if m.to, m.cc, m.bcc, err = o.recipients(); err != nil {
		return nil, err
	}
	if m.replyTo, err = checkList("replyTo", o.ReplyTo); err != nil {
		return nil, err
	}
	if n := len(m.to) + len(m.cc) + len(m.bcc); n > maxRecipients {
		return nil, &Error{
			Code:    "too_many_recipients",
			Message: fmt.Sprintf("the mail has %d recipients, Gmail takes %d", n, maxRecipients),
			Hint:    "Send it in several mails.",
		}
	}
	if err := checkSubject(o.Subject); err != nil {
		return nil, err
	}
	if err := checkSendID(sendID); err != nil {
		return nil, err
	}
	if err := checkBody(o.Text, o.HTML); err != nil {
		return nil, err
	}
	if err := checkThread(o.Thread); err != nil {
		return nil, err
	}
	return m, checkFiles(o.Attachments)
}

// recipients returns those of each field, checked.
func (o Outgoing) recipients() (to, cc, bcc []Address, err error) {
	if to, err = checkList("to", o.To); err == nil {
		if cc, err = checkList("cc", o.Cc); err == nil {
			bcc, err = checkList("bcc", o.Bcc)
		}
	}
	return to, cc, bcc, err
}

func checkList(field string, in []string) (out []Address, err error) {
	for i, s := range in {
		a, err := checkRecipient(fmt.Sprintf("%s[%d]", field, i), s)
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, nil
}

func checkBody(text, html string) error {
	if !utf8.ValidString(text) || !utf8.ValidString(html) {
		return &Error{
			Code: "invalid_body", Message: "the body is not valid UTF-8",
			Hint: "Send text as UTF-8; other data belongs in an attachment.",
		}
	}
	if n := len(text) + len(html); n > maxBody {
		return &Error{
			Code:    "too_large",
			Message: fmt.Sprintf("the body has %d bytes, the limit is %d", n, maxBody),
			Hint:    "Shorten the body, or send it as an attachment.",
		}
	}
	return nil
}

// setHeader adds the fields of m, all that do not depend on the body. The last
// one set is the first one written.
func (m *envelope) setHeader(h *gomail.Header) {
	h.Set("MIME-Version", "1.0")
	h.Set("X-Linkmail-Send-Id", m.sendID)
	h.SetMessageID(m.messageID())
	h.SetDate(m.date)
	if references := m.references(); references != "" {
		h.Set("References", references)
		h.Set("In-Reply-To", "<"+m.thread.InReplyTo+">")
	}
	h.Set("Subject", encodeText(m.subject))
	for _, list := range []struct {
		field string
		addrs []Address
	}{{"Bcc", m.bcc}, {"Cc", m.cc}, {"To", m.to}, {"Reply-To", m.replyTo}, {"From", []Address{m.from}}} {
		if len(list.addrs) == 0 {
			continue
		}
		formatted := make([]string, len(list.addrs))
		for i, a := range list.addrs {
			formatted[i] = formatAddress(a)
		}
		h.Set(list.field, strings.Join(formatted, ", "))
	}
}

// messageID is unique because sendID is. Gmail replaces it when it sends.
func (m *envelope) messageID() string {
	_, domain, _ := strings.Cut(m.from.Email, "@")
	return m.sendID + ".linkmail@" + domain
}

// verify reads raw back with a parser that did not write it, and refuses it if
// it says anything else than m. No input is known for which it does; a mail to
// the wrong person is bad enough to look twice.
func (m *envelope) verify(raw []byte) error {
	refuse := func(field string) error {
		return &Error{
			Code:    "invalid_header",
			Message: "the mail was not composed: " + field + " cannot be written so that it is read back unchanged",
			Hint:    "Simplify the names in " + field + ".",
		}
	}
	msg, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return refuse("the header")
	}
	var written gomail.Header
	m.setHeader(&written)
	for field, values := range msg.Header {
		body := field == "Content-Type" || field == "Content-Transfer-Encoding"
		if len(values) != 1 || !written.Has(field) && !body {
			return refuse(field)
		}
	}
	for field, want := range map[string][]Address{"From": {m.from}, "Reply-To": m.replyTo, "To": m.to, "Cc": m.cc, "Bcc": m.bcc} {
		if len(want) == 0 {
			continue
		}
		list, err := msg.Header.AddressList(field)
		if err != nil {
			return refuse(field)
		}
		if !slices.EqualFunc(list, want, func(got *mail.Address, want Address) bool {
			return got.Address == want.Email && got.Name == want.Name
		}) {
			return refuse(field)
		}
	}
	if decodeWords(msg.Header.Get("Subject")) != m.subject {
		return refuse("Subject")
	}
	if strings.Join(strings.Fields(msg.Header.Get("References")), " ") != m.references() {
		return refuse("References")
	}
	return nil
}
