package mailbox

import (
	"bytes"
	"encoding/base64"
	"io"
	"mime"
	"mime/quotedprintable"
	"strconv"
	"strings"
	"unicode/utf8"

	gmail "google.golang.org/api/gmail/v1"
)

// Limits of a mail that is read from its raw form.
const (
	maxRawParts  = 1000
	maxRawHeader = 256 << 10 // bytes of one part's header
	maxRawFields = 1000
)

// parseRaw reads a mail in its raw form (RFC 5322) into the form in which Gmail
// tells of one, so that both are read by the same rules. There is no mail that
// it refuses: what makes no sense is text. A mail within the mail is a part
// without parts of its own.
func parseRaw(raw []byte) *gmail.MessagePart {
	p := rawParser{left: maxRawParts}
	return p.part(raw, "", 0)
}

type rawParser struct{ left int } // how many parts may still be read

func (r *rawParser) part(raw []byte, id string, depth int) *gmail.MessagePart {
	headers, body := rawHeader(raw)
	p := &gmail.MessagePart{PartId: id, Headers: headers, Body: &gmail.MessagePartBody{}}
	contentType := headerOf(headers, "Content-Type")
	kind, params := mediaType(contentType)
	if kind == "" {
		kind = "text/plain"
	}
	p.MimeType = kind
	_, disposed := mediaType(headerOf(headers, "Content-Disposition"))
	if p.Filename = disposed["filename"]; p.Filename == "" {
		p.Filename = params["name"]
	}
	if strings.HasPrefix(kind, "multipart/") && params["boundary"] != "" && depth <= maxDepth {
		for i, one := range splitParts(body, params["boundary"]) {
			if r.left--; r.left < 0 {
				break
			}
			p.Parts = append(p.Parts, r.part(one, childID(id, i), depth+1))
		}
		return p
	}
	content := transferred(body, headerOf(headers, "Content-Transfer-Encoding"))
	p.Body.Size = int64(len(content))
	if !isAttachment(p) || kind == "text/calendar" {
		// Like Gmail's, text is UTF-8. A little more is kept than is read, by
		// which the rest is missed.
		text := decodeCharset(content, params["charset"])
		text = strings.ToValidUTF8(text[:min(len(text), maxConverted+utf8.UTFMax)], "")
		p.Body.Data = base64.RawURLEncoding.EncodeToString([]byte(text))
	}
	return p
}

func childID(parent string, i int) string {
	if parent == "" {
		return strconv.Itoa(i)
	}
	return parent + "." + strconv.Itoa(i)
}

// mediaType reads a value with parameters. Of broken ones the value is left.
func mediaType(header string) (string, map[string]string) {
	kind, params, err := mime.ParseMediaType(header)
	if err != nil && kind == "" {
		kind, _, _ = strings.Cut(header, ";")
		kind = strings.ToLower(strings.TrimSpace(kind))
	}
	if params == nil {
		params = map[string]string{}
	}
	if params["charset"] == "" {
		params["charset"] = paramOf(header, "charset")
	}
	return kind, params
}

// rawHeader reads the header fields up to the first empty line. What is no
// field is skipped, as is what is beyond the limits.
func rawHeader(raw []byte) (headers []*gmail.MessagePartHeader, body []byte) {
	var folded []string // the lines of the last field
	unfold := func() {
		if len(folded) > 1 {
			headers[len(headers)-1].Value = strings.Join(folded, " ")
		}
	}
	for start := len(raw); len(raw) > 0; {
		line, rest, _ := bytes.Cut(raw, []byte("\n"))
		line = bytes.TrimSuffix(line, []byte("\r"))
		raw = rest
		if len(line) == 0 {
			unfold()
			return headers, raw
		}
		if start-len(raw) > maxRawHeader || len(headers) > maxRawFields {
			continue
		}
		if n := len(headers); (line[0] == ' ' || line[0] == '\t') && n > 0 {
			folded = append(folded, string(bytes.TrimSpace(line)))
			continue
		}
		if name, value, ok := bytes.Cut(line, []byte(":")); ok {
			unfold()
			folded = []string{strings.ToValidUTF8(string(bytes.TrimSpace(value)), "\uFFFD")}
			headers = append(headers, &gmail.MessagePartHeader{Name: string(bytes.TrimSpace(name)), Value: folded[0]})
		}
	}
	unfold()
	return headers, nil
}

// splitParts cuts a multipart body at the lines of its boundary.
func splitParts(body []byte, boundary string) (parts [][]byte) {
	delimiter, last := []byte("--"+boundary), []byte("--"+boundary+"--")
	start := -1
	for pos := 0; pos < len(body); {
		end := len(body)
		if i := bytes.IndexByte(body[pos:], '\n'); i >= 0 {
			end = pos + i + 1
		}
		line := bytes.TrimRight(body[pos:end], " \t\r\n")
		closing := bytes.Equal(line, last)
		if closing || bytes.Equal(line, delimiter) {
			if start >= 0 {
				// The line break before it belongs to the boundary.
				parts = append(parts, bytes.TrimSuffix(bytes.TrimSuffix(body[start:pos], []byte("\n")), []byte("\r")))
			}
			if start = end; closing {
				return parts
			}
		}
		pos = end
	}
	if start >= 0 && start < len(body) {
		parts = append(parts, body[start:])
	}
	return parts
}

// transferred undoes a transfer encoding, up to the first fault.
func transferred(body []byte, encoding string) []byte {
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "base64":
		clean := bytes.Map(func(r rune) rune {
			switch {
			case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '-', r == '_':
				return r
			case r == '+':
				return '-'
			case r == '/':
				return '_'
			}
			return -1
		}, body)
		return decodeBase64(string(clean))
	case "quoted-printable":
		out, _ := io.ReadAll(quotedprintable.NewReader(bytes.NewReader(body)))
		return out
	}
	return body
}
