package mailbox

import (
	"regexp"
	"slices"
	"strings"
)

// reading is content in the form asked for.
type reading struct {
	text   string
	source string
	// hidden counts the characters that a reader would not have seen.
	hidden int
	// differs: a text part says what the HTML part does not.
	differs bool
	// cut: there is more text than this.
	cut bool
	// misleading counts the links of the HTML that do not lead where they say.
	misleading int
	// mayHide: text may have text that its reader does not see.
	mayHide bool
}

// render converts the sections in the form asked for, one after the other.
func (c *content) render(format Format) reading {
	all := reading{source: sourceNone, cut: c.tooDeep}
	var pieces []string
	size := 0
	for _, s := range c.sections {
		if size > maxConverted { // the first texts of a mail of many
			pieces, all.cut = append(pieces, cutNote), true
			break
		}
		one := s.render(format)
		size += len(one.text)
		all.hidden += one.hidden
		all.misleading += one.misleading
		all.mayHide = all.mayHide || one.mayHide
		all.differs = all.differs || one.differs
		all.cut = all.cut || one.cut
		if strings.TrimSpace(one.text) == "" || s.isCalendar() && slices.Contains(pieces, one.text) {
			continue // an invitation often comes twice
		}
		pieces = append(pieces, one.text)
		if one.source == sourceHTML || all.source == sourceNone {
			all.source = one.source
		}
	}
	if c.tooDeep {
		pieces = append(pieces, deepNote)
	}
	all.text = strings.Join(pieces, "\n\n")
	return all
}

func (s section) isCalendar() bool { return s.plain != nil && s.plain.calendar }

// render shows a section in one of its forms. That is the HTML, because people
// read it, and what only the plain text says they have never seen. The plain
// text has to do where the HTML says almost nothing, and may do where it says
// the same.
func (s section) render(format Format) reading {
	plain := reading{source: sourceText}
	if s.plain != nil {
		text, cut := limit(s.plain.text)
		plain.text, plain.hidden = cleanText(text)
		if s.plain.calendar {
			plain.text = summarizeCalendar(plain.text)
		} else if cut {
			plain.text += "\n\n" + cutNote
		}
		plain.cut = cut || s.plain.cut
	}
	if s.html == nil {
		return plain
	}
	if !s.html.html { // it was too large, and only says so
		return reading{text: s.html.text, source: sourceText, cut: s.html.cut}
	}
	page := render(s.html.text, format, false)
	shown := reading{text: page.body, source: sourceHTML, hidden: page.hidden, cut: page.cut, misleading: page.misleading, mayHide: page.mayHide}
	said, seen := wordsOf(plain.text), wordsOf(shown.text)
	extra := unsaid(said, seen)
	shown.differs = !isPlaceholder(plain.text) && differs(plain.text, seen)
	same := extra == 0 && !isSizeable(unsaid(seen, said), len(seen))
	if format == HTML || len(said) == 0 || !same && len(seen) > fewWords {
		return shown
	}
	// The HTML goes unread, but what it hides, and where it leads those who
	// read it, says something of the mail.
	plain.hidden += shown.hidden
	plain.misleading, plain.mayHide, plain.differs = shown.misleading, shown.mayHide, shown.differs
	return plain
}

// differs reports whether a sizeable share of the words of a plain text are not
// among those seen. Of a quotation there is often more in one of the two.
func differs(text string, seen []string) bool {
	said := wordsOf(quotedLine.ReplaceAllString(text, ""))
	return isSizeable(unsaid(said, seen), len(said))
}

// quotedLine finds a line of a quotation, and the one above that introduces it.
var quotedLine = regexp.MustCompile(`(?m)^.*:[ \t]*\n{1,2}>.*$|^>.*$`)

// isPlaceholder reports whether a plain text only says that the mail is in HTML.
func isPlaceholder(text string) bool {
	const longest = 60 // words; beyond, it says something of its own
	return placeholder.MatchString(text) && len(wordsOf(text)) <= longest
}

var placeholder = regexp.MustCompile(`(?i)\b(view|read|see|open)\b.{0,40}\b(browser|online|web ?page|web version)\b` +
	`|\bhtml[ -]?(e-?mails?|mails?|messages?|version|format|capable|compatible|enabled)\b|\b(support|display|show|view)s? html\b` +
	`|\bim browser (ansehen|anzeigen|[oö]ffnen)\b|\bhtml-(darstellung|format|ansicht)\b`)
