package standin

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"slices"
	"strings"
	"time"
)

// content reads a request that carries a message: as JSON alone, or under
// /upload as the bare message or as JSON and message in a multipart/related.
func (c *call) content(meta any) (media []byte, err error) {
	b, err := c.body()
	if err != nil {
		return nil, err
	}
	if !c.isUpload {
		return nil, decodeJSON(b, meta)
	}
	mediaType, params := parseMediaType(c.Header.Get("Content-Type"))
	switch kind := c.query.Get("uploadType"); kind {
	case "media":
		if !strings.HasPrefix(mediaType, "message/") {
			return nil, badRequest("Media type '%s' is not supported. Valid media types: [message/*]", mediaType)
		}
		return b, nil
	case "multipart":
		if mediaType != "multipart/related" {
			return nil, badRequest("Invalid multipart request: Content-Type '%s', expected multipart/related", mediaType)
		}
		return readRelated(b, params["boundary"], meta)
	default:
		return nil, badRequest("Invalid upload request: uploadType %q", kind)
	}
}

func readRelated(b []byte, boundary string, meta any) (media []byte, err error) {
	if boundary == "" {
		return nil, badRequest("Missing multipart boundary")
	}
	mr := multipart.NewReader(bytes.NewReader(b), boundary)
	for i := 0; ; i++ {
		part, err := mr.NextRawPart()
		if errors.Is(err, io.EOF) && i == 2 {
			return media, nil
		}
		if err != nil || i > 1 {
			return nil, badRequest("Invalid multipart request: two parts are expected, metadata and media")
		}
		content, err := io.ReadAll(part)
		if err != nil {
			return nil, badRequest("Invalid multipart request")
		}
		if i == 0 {
			if t, _, _ := mime.ParseMediaType(part.Header.Get("Content-Type")); t != "application/json" {
				return nil, badRequest("Invalid multipart request: metadata of type '%s', expected application/json", t)
			}
			if err := decodeJSON(content, meta); err != nil {
				return nil, err
			}
			continue
		}
		if t, _, _ := mime.ParseMediaType(part.Header.Get("Content-Type")); !strings.HasPrefix(t, "message/") {
			return nil, badRequest("Media type '%s' is not supported. Valid media types: [message/*]", t)
		}
		media = decodeTransfer(content, part.Header.Get("Content-Transfer-Encoding"))
	}
}

// rawOf returns the message that a request carries.
func rawOf(in messageJSON, media []byte) ([]byte, error) {
	if media == nil && in.Raw != "" {
		clean := strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(in.Raw, "="))
		raw, err := base64.RawStdEncoding.DecodeString(clean)
		if err != nil {
			shown := in.Raw
			if len(shown) > 60 {
				shown = shown[:60] + "..."
			}
			return nil, badRequest("Invalid value at 'message.raw' (TYPE_BYTES), Base64 decoding failed for %q", shown)
		}
		media = raw
	}
	if len(bytes.TrimSpace(media)) == 0 {
		return nil, badRequest("'raw' RFC822 payload message string or uploading message via /upload/* URL required")
	}
	return media, nil
}

func sendMessage(g *gmailState, c *call) (any, error) {
	var in messageJSON
	media, err := c.content(&in)
	if err != nil {
		return nil, err
	}
	raw, err := rawOf(in, media)
	if err != nil {
		return nil, err
	}
	var sent *row
	err = g.inside(c, func(b *inbox) error {
		thread, err := b.joinable(in.ThreadID, splitRaw(raw))
		if err != nil {
			return err
		}
		sent, err = g.send(b, raw, thread, c.now)
		return err
	})
	if err != nil {
		return nil, err
	}
	return brief(sent), nil
}

// joinable returns the thread that a new message goes into: the one it asks
// for, if the message answers to it in its headers and its subject, else none.
func (b *inbox) joinable(threadID string, m *rawMail) (string, error) {
	if threadID == "" {
		return "", nil
	}
	if !isID(threadID) {
		return "", badRequest("Invalid id value")
	}
	rows := b.thread(threadID)
	if len(rows) == 0 {
		return "", notFound()
	}
	if slices.ContainsFunc(rows, func(r *row) bool { return r.answeredBy(m) }) {
		return threadID, nil
	}
	return "", nil
}

// answeredBy reports whether m is an answer to a message, which is more than
// its saying so: the subject must be the same.
func (l *letter) answeredBy(m *rawMail) bool {
	return l.messageID != "" && slices.Contains(m.references(), l.messageID) &&
		baseSubject(m.value("Subject")) == baseSubject(l.subject)
}

// send files a message under Sent and delivers it; the caller holds the lock.
func (g *gmailState) send(b *inbox, raw []byte, thread string, now time.Time) (*row, error) {
	m := splitRaw(raw)
	recipients, err := m.recipients()
	if err != nil {
		return nil, err
	}
	id := b.newID()
	if thread == "" {
		thread = id
	}
	b.correctFrom(m)
	d := seed(b.user, b.serial)
	m.set("Message-ID", "<CA"+d.text(48)+"@mail.gmail.com>")
	if m.value("Date") == "" {
		m.set("Date", now.Format(time.RFC1123Z))
	}
	if m.value("MIME-Version") == "" {
		m.set("MIME-Version", "1.0")
	}
	m.prepend(field{"Received", "from 284563177931 named unknown by gmailapi.google.com with HTTPREST; " + now.Format(time.RFC1123Z)})
	labels := []string{"SENT"}
	if slices.ContainsFunc(recipients, b.own) {
		labels = []string{"UNREAD", "SENT", "INBOX"}
	}
	r := b.add(letterOf(id, now, m.bytes()), thread, labels...)
	b.sent = append(b.sent, RawMessage{ID: id, ThreadID: thread, Raw: bytes.Clone(raw), Recipients: recipients, At: now})
	m.drop("Bcc")
	for _, to := range recipients {
		if !b.own(to) {
			g.deliver(g.box(to), withTrace(m, to, now), now, "UNREAD", "INBOX")
		}
	}
	return r, nil
}

// correctFrom makes a message come from one of the user's own addresses: any
// other is replaced by the primary one, without a word.
func (b *inbox) correctFrom(m *rawMail) {
	from, err := (&mail.AddressParser{WordDecoder: &words}).Parse(m.value("From"))
	if err == nil && b.own(from.Address) {
		return
	}
	primary := b.senders[0]
	m.set("From", (&mail.Address{Name: primary.DisplayName, Address: primary.Address}).String())
}

// withTrace returns the copy of a message that arrives in a mailbox.
func withTrace(m *rawMail, to string, now time.Time) []byte {
	from := ""
	if a := addresses(m.value("From")); len(a) > 0 {
		from = a[0]
	}
	_, domain, _ := strings.Cut(from, "@")
	arrived := &rawMail{fields: slices.Clone(m.fields), rest: m.rest}
	arrived.prepend(
		field{"Delivered-To", to},
		field{"Received", "by 2002:a05:6402:3489:b0:5c8:93a2:11f0 with SMTP id v9csp1187422edc; " + now.Format(time.RFC1123Z)},
		field{"Return-Path", "<" + from + ">"},
		field{"Authentication-Results", "mx.google.com; dkim=pass header.i=@" + domain + " header.s=20230601; spf=pass (google.com: domain of " +
			from + " designates 209.85.220.41 as permitted sender) smtp.mailfrom=" + from + "; dmarc=pass (p=NONE sp=QUARANTINE dis=NONE) header.from=" + domain},
	)
	return arrived.bytes()
}

// deliver files a message that arrives, with the messages it answers to.
func (g *gmailState) deliver(b *inbox, raw []byte, now time.Time, labels ...string) *row {
	m := splitRaw(raw)
	id := b.newID()
	thread := id
	if len(m.references()) > 0 {
		for _, r := range b.newest() {
			if r.answeredBy(m) {
				thread = r.threadID
				break
			}
		}
	}
	return b.filtered(b.add(letterOf(id, now, raw), thread, labels...), now)
}

// letterOf returns a letter that is written already.
func letterOf(id string, at time.Time, raw []byte) *letter {
	header, _ := splitHeader(raw)
	l := newLetter(id, at, func() []byte { return raw })
	l.messageID = strings.Trim(first(header, "Message-ID"), "<> ")
	l.subject = first(header, "Subject")
	return l
}
