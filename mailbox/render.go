package mailbox

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// render converts the sections in the form asked for, one after the other.
func (c *content) render(format Format) (text, source string, hidden int, err error) {
	source = sourceNone
	var pieces []string
	for _, s := range c.sections {
		piece, from, n, err := s.render(format)
		if err != nil {
			return "", "", 0, err
		}
		hidden += n
		if strings.TrimSpace(piece) == "" {
			continue
		}
		pieces = append(pieces, piece)
		if from == sourceHTML || source == sourceNone {
			source = from
		}
	}
	return strings.Join(pieces, "\n\n"), source, hidden, nil
}

// render shows a section in one of its forms: HTML where HTML is asked for,
// the plain text where it is a real alternative to the HTML, else the HTML.
func (s section) render(format Format) (text, source string, hidden int, err error) {
	var plain string
	var plainHidden int
	if s.plain != nil {
		plain, plainHidden = cleanText(s.plain.text)
	}
	if s.html == nil {
		return plain, sourceText, plainHidden, nil
	}
	if !s.html.html { // it was too large, and only says so
		return s.html.text, sourceText, 0, nil
	}
	converted, hidden, err := convertHTML(s.html.text, format)
	if err != nil {
		if strings.TrimSpace(plain) != "" {
			return plain, sourceText, plainHidden, nil
		}
		return "", "", 0, err
	}
	if format != HTML && standsFor(plain, converted) {
		return plain, sourceText, plainHidden, nil
	}
	return converted, sourceHTML, hidden, nil
}

// stub is a plain text that only says where the mail can be read.
var stub = regexp.MustCompile(`(?i)(view|read|open|see|display)\b.{0,60}\b(browser|online|web|html)\b|(not|n't|cannot) (support|display|show|read|view)\b.{0,30}\bhtml`)

// maxStub is how long such a text is at most, without its links.
const maxStub = 300

var link = regexp.MustCompile(`https?://\S+`)

// standsFor reports whether a plain text says what the HTML does. Senders of
// newsletters often put in a stub, or a fraction.
func standsFor(plain, html string) bool {
	plain = strings.TrimSpace(plain)
	if plain == "" {
		return false
	}
	bare := link.ReplaceAllString(plain, "")
	if utf8.RuneCountInString(bare) <= maxStub && stub.MatchString(bare) {
		return false
	}
	return utf8.RuneCountInString(plain)*100 >= utf8.RuneCountInString(html)*15
}
