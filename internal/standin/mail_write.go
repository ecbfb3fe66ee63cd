package standin

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"fmt"
	"mime"
	"mime/quotedprintable"
	"strings"
	"time"
)

// mailing is a message of the seeded mailbox before it is written.
type mailing struct {
	// key names the message and is the seed of everything in it.
	key  string
	age  time.Duration // how long before now it arrived
	at   time.Time     // the same as a time, set by arrange
	from person
	// fromLine is the From field where it is not simply the person.
	fromLine string
	to, cc   []person
	bcc      []person
	subject  string // raw header value, encoded by the caller if need be
	thread   string // key of the message that began the thread; empty for itself
	refs     []string
	labels   []string
	smart    []string
	// extra fields, such as List-Id.
	extra []field
	// auth replaces the verdict of a passing Authentication-Results.
	auth string
	// noTrace leaves out what the receiving side adds.
	noTrace bool
	body    func(*mailing) piece
}

// piece is a MIME part to be written. Kids make it a multipart, where text is
// what stands before the first of them.
type piece struct {
	mediaType   string // with parameters other than boundary
	header      []field
	encoding    string // quoted-printable, base64 or, if empty, none
	content     []byte
	kids        []piece
	disposition string
	filename    string
}

func plainText(text string) piece {
	p := piece{mediaType: "text/plain; charset=UTF-8", content: []byte(crlf(text))}
	if !isASCII(strings.NewReplacer("\r", "", "\n", "", "\t", "").Replace(text)) || longestLine(text) > 78 {
		p.encoding = "quoted-printable"
	}
	return p
}

func htmlPage(page string) piece {
	return piece{mediaType: "text/html; charset=UTF-8", encoding: "quoted-printable", content: []byte(crlf(page))}
}

func alternative(kids ...piece) piece { return piece{mediaType: "multipart/alternative", kids: kids} }

func mixed(kids ...piece) piece { return piece{mediaType: "multipart/mixed", kids: kids} }

func crlf(text string) string {
	return strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\n", "\r\n")
}

func longestLine(text string) int {
	longest := 0
	for line := range strings.SplitSeq(text, "\n") {
		longest = max(longest, len(line))
	}
	return longest
}

// messageID is the RFC 5322 id of the message with a key.
func (m *mailing) messageID() string {
	d := seed("message-id", uint64(len(m.key)))
	d ^= seed(m.key, 1)
	if m.from.address == DefaultUser || strings.HasSuffix(m.from.address, "@example.net") {
		return "CA" + d.text(48) + "@mail.gmail.com"
	}
	return d.hex(16) + "." + m.key + "@" + m.from.domain()
}

// write returns the whole message.
func (m *mailing) write() []byte {
	var out bytes.Buffer
	out.Grow(16 << 10)
	put := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&out, "%s: %s\r\n", name, value)
		}
	}
	if !m.noTrace {
		m.writeTrace(put)
	}
	put("MIME-Version", "1.0")
	put("Date", m.at.Format("Mon, 02 Jan 2006 15:04:05 -0700"))
	put("Message-ID", "<"+m.messageID()+">")
	if n := len(m.refs); n > 0 {
		put("In-Reply-To", "<"+m.refs[n-1]+">")
		put("References", "<"+strings.Join(m.refs, ">\r\n <")+">")
	}
	put("Subject", m.subject)
	put("From", cmp.Or(m.fromLine, m.from.String()))
	put("To", people(m.to...))
	put("Cc", people(m.cc...))
	put("Bcc", people(m.bcc...))
	for _, f := range m.extra {
		put(f.name, f.value)
	}
	m.body(m).write(&out, m.key)
	return out.Bytes()
}

// writeTrace writes what the servers on the way have added.
func (m *mailing) writeTrace(put func(name, value string)) {
	d := seed("trace "+m.key, 0)
	date := m.at.Format("Mon, 02 Jan 2006 15:04:05 -0700 (MST)")
	ip := fmt.Sprintf("203.0.113.%d", 1+d.below(250)) // the range for documentation
	verdict := m.auth
	if verdict == "" {
		verdict = fmt.Sprintf("dkim=pass header.i=@%[1]s header.s=s1 header.b=%[2]s;\r\n       spf=pass (google.com: domain of %[3]s designates %[4]s"+
			" as permitted sender) smtp.mailfrom=%[3]s;\r\n       dmarc=pass (p=QUARANTINE sp=QUARANTINE dis=NONE) header.from=%[1]s",
			m.from.domain(), d.text(8), m.from.address, ip)
	}
	put("Delivered-To", DefaultUser)
	put("Received", fmt.Sprintf("by 2002:a05:6402:%s:b0:%s:%s:%s with SMTP id %s;\r\n        %s", d.hex(4), d.hex(3), d.hex(4), d.hex(4), d.hex(12), date))
	put("X-Google-Smtp-Source", "AGHT+IF"+d.text(80))
	put("X-Received", fmt.Sprintf("by 2002:a05:6000:%s:b0:%s:%s:%s with SMTP id %s;\r\n        %s", d.hex(4), d.hex(3), d.hex(4), d.hex(4), d.hex(12), date))
	put("ARC-Seal", "i=1; a=rsa-sha256; t="+fmt.Sprint(m.at.Unix())+"; cv=none;\r\n        d=google.com; s=arc-20240605;\r\n        b="+d.folded(344))
	put("ARC-Message-Signature", "i=1; a=rsa-sha256; c=relaxed/relaxed; d=google.com; s=arc-20240605;\r\n"+
		"        h=to:from:subject:date:message-id:mime-version:dkim-signature;\r\n        bh="+d.text(43)+"=;\r\n        b="+d.folded(344))
	put("ARC-Authentication-Results", "i=1; mx.google.com;\r\n       "+verdict)
	put("Return-Path", "<"+m.from.address+">")
	put("Received", fmt.Sprintf("from mail.%s (mail.%s. [%s])\r\n        by mx.google.com with ESMTPS id %s\r\n        for <%s>\r\n"+
		"        (version=TLS1_3 cipher=TLS_AES_256_GCM_SHA384 bits=256/256);\r\n        %s", m.from.domain(), m.from.domain(), ip, d.hex(24), DefaultUser, date))
	put("Authentication-Results", "mx.google.com;\r\n       "+verdict)
	put("DKIM-Signature", "v=1; a=rsa-sha256; c=relaxed/relaxed; d="+m.from.domain()+"; s=s1; t="+fmt.Sprint(m.at.Unix())+
		";\r\n        h=from:to:subject:date:message-id:mime-version;\r\n        bh="+d.text(43)+"=;\r\n        b="+d.folded(344))
}

// folded is base64 text in header lines.
func (d *dice) folded(n int) string {
	var out strings.Builder
	for ; n > 0; n -= 66 {
		out.WriteString(d.text(min(n, 66)))
		if n > 66 {
			out.WriteString("\r\n         ")
		}
	}
	return out.String()
}

// write writes a part with its header. The boundary comes from the key, which
// grows with the depth, so that no two nested ones are equal.
func (p piece) write(out *bytes.Buffer, key string) {
	contentType := p.mediaType
	boundary := ""
	if p.kids != nil {
		d := seed("boundary "+key+p.mediaType, 0)
		boundary = "000000000000" + d.hex(16)
		contentType += `; boundary="` + boundary + `"`
	}
	if p.filename != "" {
		contentType += "; " + parameter("name", p.filename)
	}
	fmt.Fprintf(out, "Content-Type: %s\r\n", contentType)
	if p.disposition != "" {
		v := p.disposition
		if p.filename != "" {
			v += "; " + parameter("filename", p.filename)
		}
		fmt.Fprintf(out, "Content-Disposition: %s\r\n", v)
	}
	if p.encoding != "" {
		fmt.Fprintf(out, "Content-Transfer-Encoding: %s\r\n", p.encoding)
	}
	for _, f := range p.header {
		fmt.Fprintf(out, "%s: %s\r\n", f.name, f.value)
	}
	out.WriteString("\r\n")
	switch p.encoding {
	case "quoted-printable":
		w := quotedprintable.NewWriter(out)
		_, _ = w.Write(p.content) // into a buffer
		_ = w.Close()
	case "base64":
		line := base64.StdEncoding.EncodeToString(p.content)
		for ; len(line) > 76; line = line[76:] {
			out.WriteString(line[:76] + "\r\n")
		}
		out.WriteString(line + "\r\n")
	default:
		out.Write(p.content)
	}
	for i, kid := range p.kids {
		fmt.Fprintf(out, "\r\n--%s\r\n", boundary)
		kid.write(out, fmt.Sprintf("%s.%d", key, i))
	}
	if p.kids != nil {
		fmt.Fprintf(out, "\r\n--%s--\r\n", boundary)
	}
}

// parameter writes a file name; what is not ASCII goes the RFC 2231 way.
func parameter(name, value string) string {
	if isASCII(value) {
		return name + `="` + value + `"`
	}
	if name == "name" {
		return name + `="` + mime.QEncoding.Encode("UTF-8", value) + `"`
	}
	var escaped strings.Builder
	for i := range len(value) {
		c := value[i]
		if c < 127 && (c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-._", c) >= 0) {
			escaped.WriteByte(c)
		} else {
			fmt.Fprintf(&escaped, "%%%02X", c)
		}
	}
	return name + "*=UTF-8''" + escaped.String()
}
