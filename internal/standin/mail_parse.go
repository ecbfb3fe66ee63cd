package standin

import (
	"bytes"
	"encoding/base64"
	"io"
	"mime"
	"mime/quotedprintable"
	"strconv"
	"strings"

	"golang.org/x/text/encoding/htmlindex"
)

// field is one header field, unfolded but otherwise as it was written.
type field struct{ name, value string }

// node is one node of a message's MIME tree.
type node struct {
	id          string // Gmail's partId: "" for the root, "0", "0.1"
	header      []field
	mediaType   string
	charset     string
	disposition string
	filename    string
	body        []byte // transfer encoding removed, in the declared charset
	kids        []*node
}

// maxDepth is where parsing stops to look for further parts.
const maxDepth = 20

// parseMail reads a message. There is no message that cannot be read: what
// makes no sense is text.
func parseMail(raw []byte) *node { return parseNode(raw, "", 0) }

func parseNode(raw []byte, id string, depth int) *node {
	header, rest := splitHeader(raw)
	n := &node{id: id, header: header}
	contentType := first(header, "Content-Type")
	mediaType, params := parseMediaType(contentType)
	if mediaType == "" {
		mediaType = "text/plain"
	}
	n.mediaType, n.charset = mediaType, params["charset"]
	disposition, dparams := parseMediaType(first(header, "Content-Disposition"))
	n.disposition = disposition
	n.filename = decodeHeader(dparams["filename"])
	if n.filename == "" {
		n.filename = decodeHeader(params["name"])
	}
	if strings.HasPrefix(mediaType, "multipart/") && params["boundary"] != "" && depth < maxDepth {
		for i, part := range splitParts(rest, params["boundary"]) {
			n.kids = append(n.kids, parseNode(part, childID(id, i), depth+1))
		}
		return n
	}
	n.body = decodeTransfer(rest, first(header, "Content-Transfer-Encoding"))
	if mediaType == "message/rfc822" && depth < maxDepth {
		n.kids = []*node{parseNode(n.body, childID(id, 0), depth+1)}
	}
	return n
}

func childID(parent string, i int) string {
	if parent == "" {
		return strconv.Itoa(i)
	}
	return parent + "." + strconv.Itoa(i)
}

// splitHeader reads header fields up to the empty line. Lines without a colon
// are skipped, continuation lines are joined with one space.
func splitHeader(raw []byte) (header []field, body []byte) {
	for len(raw) > 0 {
		line, rest, _ := bytes.Cut(raw, []byte("\n"))
		line = bytes.TrimSuffix(line, []byte("\r"))
		raw = rest
		if len(line) == 0 {
			return header, raw
		}
		if (line[0] == ' ' || line[0] == '\t') && len(header) > 0 {
			header[len(header)-1].value += " " + string(bytes.TrimSpace(line))
			continue
		}
		name, value, ok := bytes.Cut(line, []byte(":"))
		if !ok {
			continue
		}
		header = append(header, field{string(bytes.TrimSpace(name)), string(bytes.TrimSpace(value))})
	}
	return header, nil
}

func first(header []field, name string) string {
	for _, f := range header {
		if strings.EqualFold(f.name, name) {
			return f.value
		}
	}
	return ""
}

// parseMediaType is lenient: a broken parameter loses the parameters only.
func parseMediaType(v string) (string, map[string]string) {
	mediaType, params, err := mime.ParseMediaType(v)
	if err != nil {
		mediaType, _, _ = strings.Cut(v, ";")
		mediaType = strings.ToLower(strings.TrimSpace(mediaType))
	}
	return mediaType, params
}

// splitParts cuts a multipart body at its boundary lines.
func splitParts(body []byte, boundary string) [][]byte {
	var parts [][]byte
	delimiter, last := []byte("--"+boundary), []byte("--"+boundary+"--")
	start := -1
	for pos := 0; pos < len(body); {
		end := len(body)
		if i := bytes.IndexByte(body[pos:], '\n'); i >= 0 {
			end = pos + i + 1
		}
		line := bytes.TrimRight(body[pos:end], " \t\r\n")
		if closing := bytes.Equal(line, last); closing || bytes.Equal(line, delimiter) {
			if start >= 0 {
				parts = append(parts, trimNewline(body[start:pos]))
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

// trimNewline removes the line break that belongs to the boundary.
func trimNewline(b []byte) []byte {
	b = bytes.TrimSuffix(b, []byte("\n"))
	return bytes.TrimSuffix(b, []byte("\r"))
}

func decodeTransfer(b []byte, encoding string) []byte {
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "base64":
		return decodeBase64(b)
	case "quoted-printable":
		out := bytes.NewBuffer(make([]byte, 0, len(b)+bytes.MinRead))
		if _, err := out.ReadFrom(quotedprintable.NewReader(bytes.NewReader(b))); err != nil && out.Len() == 0 {
			return b
		}
		return out.Bytes()
	}
	return b
}

// decodeBase64 takes the standard and the URL alphabet, padded or not, and
// skips everything else.
func decodeBase64(b []byte) []byte {
	clean := make([]byte, 0, len(b))
	for _, c := range b {
		switch {
		case c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '+', c == '/':
			clean = append(clean, c)
		case c == '-':
			clean = append(clean, '+')
		case c == '_':
			clean = append(clean, '/')
		}
	}
	if len(clean)%4 == 1 {
		clean = clean[:len(clean)-1]
	}
	out := make([]byte, base64.RawStdEncoding.DecodedLen(len(clean)))
	n, _ := base64.RawStdEncoding.Decode(out, clean) // only the alphabet is left
	return out[:n]
}

// utf8Text returns text in UTF-8. A charset that nobody knows leaves the bytes,
// with what is not UTF-8 replaced.
func utf8Text(b []byte, charset string) string {
	switch strings.ToLower(charset) {
	case "", "utf-8", "us-ascii":
	default:
		if enc, err := htmlindex.Get(charset); err == nil {
			if out, err := enc.NewDecoder().Bytes(b); err == nil {
				return string(out)
			}
		}
	}
	return strings.ToValidUTF8(string(b), "\uFFFD")
}

var words = mime.WordDecoder{CharsetReader: func(charset string, in io.Reader) (io.Reader, error) {
	enc, err := htmlindex.Get(charset)
	if err != nil {
		return nil, err
	}
	return enc.NewDecoder().Reader(in), nil
}}

// decodeHeader decodes RFC 2047 words. As in Gmail's answers, a word in an
// unknown charset, or inside a quoted string, stays as it is.
func decodeHeader(v string) string {
	if !strings.Contains(v, "=?") {
		return strings.ToValidUTF8(v, "\uFFFD")
	}
	var out strings.Builder
	for i, run := range strings.Split(v, `"`) {
		if i > 0 {
			out.WriteByte('"')
		}
		if i%2 == 1 {
			out.WriteString(run)
			continue
		}
		decoded, err := words.DecodeHeader(run)
		if err != nil {
			decoded = run
		}
		out.WriteString(decoded)
	}
	return strings.ToValidUTF8(out.String(), "\uFFFD")
}

// isAttachment reports whether Gmail hands a leaf out by id: it has a name, or
// it is not text.
func (n *node) isAttachment() bool {
	return n.filename != "" || !strings.HasPrefix(n.mediaType, "text/")
}

// isFile reports whether a reader would call the leaf an attachment: pictures
// that belong into the text are none.
func (n *node) isFile() bool {
	if len(n.kids) > 0 && n.mediaType != "message/rfc822" {
		return false
	}
	inline := n.disposition == "inline" || n.disposition == "" && first(n.header, "Content-Id") != ""
	return n.isAttachment() && n.filename != "" && (!inline || !strings.HasPrefix(n.mediaType, "image/"))
}

// walk calls f for a node and those below it, depth first.
func (n *node) walk(f func(*node) (descend bool)) {
	if f(n) {
		for _, kid := range n.kids {
			kid.walk(f)
		}
	}
}
