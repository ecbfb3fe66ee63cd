package mailbox

import (
	"bytes"
	"io"
	"mime"
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
)

// decodeCharset turns b, text in the named charset, into UTF-8. It never fails:
// what the charset does not define, and every non-UTF-8 byte under a name
// nobody knows, becomes U+FFFD. Names mean what browsers take them for, so
// iso-8859-1 is windows-1252, which is what senders mean by it.
func decodeCharset(b []byte, charset string) string {
	name := strings.ToLower(strings.Trim(charset, " \t\"'"))
	switch name {
	case "", "utf-8", "utf8", "us-ascii", "ascii":
		// Mail that claims ASCII and is valid UTF-8 was UTF-8.
		if utf8.Valid(b) {
			return string(bytes.TrimPrefix(b, []byte("\uFEFF")))
		}
		if name == "utf-8" || name == "utf8" {
			return validUTF8(b)
		}
		name = "windows-1252"
	}
	enc := encodingOf(name)
	if enc == nil {
		return validUTF8(b)
	}
	out, err := enc.NewDecoder().Bytes(b)
	if err != nil {
		return validUTF8(b)
	}
	return validUTF8(out)
}

func validUTF8(b []byte) string {
	return strings.ToValidUTF8(string(bytes.TrimPrefix(b, []byte("\uFEFF"))), "\uFFFD")
}

// encodingOf returns the encoding of that (lower-case) name, nil if unknown.
func encodingOf(name string) encoding.Encoding {
	switch name {
	case "utf-16", "utf-16be":
		// RFC 2781: big-endian unless a byte order mark says otherwise.
		return unicode.UTF16(unicode.BigEndian, unicode.UseBOM)
	case "utf-16le":
		return unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)
	case "hz-gb-2312": // browsers refuse it, mail still has it
		return simplifiedchinese.HZGB2312
	}
	// Names that mail clients of one vendor write for code pages.
	if page, ok := map[string]string{
		"cp932": "shift_jis", "cp936": "gbk", "cp949": "euc-kr", "cp950": "big5",
	}[name]; ok {
		name = page
	}
	if enc, err := htmlindex.Get(name); err == nil && enc != encoding.Replacement {
		return enc
	}
	if enc, err := ianaindex.MIME.Encoding(name); err == nil {
		return enc // nil for names that are registered but not supported
	}
	return nil
}

// wordStart is the start of an encoded word up to its text, with the language
// tag of RFC 2231. It is rewritten because package mime knows no tags and has
// its own, narrower idea of iso-8859-1.
var wordStart = regexp.MustCompile(`=\?[^?\s]+\?[bBqQ]\?`)

// decodeWords decodes what is left of RFC 2047 encoded words in a header value.
// What it cannot decode stays as it is.
func decodeWords(s string) string {
	if !strings.Contains(s, "=?") {
		return s
	}
	dec := mime.WordDecoder{CharsetReader: func(charset string, r io.Reader) (io.Reader, error) {
		b, err := io.ReadAll(r)
		return strings.NewReader(decodeCharset(b, charset)), err
	}}
	out, err := dec.DecodeHeader(wordStart.ReplaceAllStringFunc(s, func(start string) string {
		charset, _, _ := strings.Cut(start[2:len(start)-3], "*")
		if latin1 := strings.ToLower(charset); latin1 == "iso-8859-1" || latin1 == "us-ascii" {
			charset = "windows-1252"
		}
		return "=?" + charset + start[len(start)-3:]
	}))
	if err != nil {
		return s
	}
	return out
}
