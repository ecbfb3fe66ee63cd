package mailbox

import "strings"

// reading is content in the form asked for.
type reading struct {
	text   string
	source string
	// hidden counts the characters that a reader would not have seen.
	hidden int
	// differs: a text part says what the HTML part does not.
	differs bool
}

// render converts the sections in the form asked for, one after the other.
func (c *content) render(format Format) (reading, error) {
	all := reading{source: sourceNone}
	var pieces []string
	for _, s := range c.sections {
		one, err := s.render(format)
		if err != nil {
			return reading{}, err
		}
		all.hidden += one.hidden
		all.differs = all.differs || one.differs
		if strings.TrimSpace(one.text) == "" {
			continue
		}
		pieces = append(pieces, one.text)
		if one.source == sourceHTML || all.source == sourceNone {
			all.source = one.source
		}
	}
	all.text = strings.Join(pieces, "\n\n")
	return all, nil
}

// render shows a section in one of its forms. That is the HTML, because people
// read it, and what only the plain text says they have never seen. The plain
// text has to do where the HTML says almost nothing, and may do where it says
// the same.
func (s section) render(format Format) (reading, error) {
	plain := reading{source: sourceText}
	if s.plain != nil {
		plain.text, plain.hidden = cleanText(s.plain.text)
	}
	if s.html == nil {
		return plain, nil
	}
	if !s.html.html { // it was too large, and only says so
		return reading{text: s.html.text, source: sourceText}, nil
	}
	shown := reading{source: sourceHTML}
	var err error
	shown.text, shown.hidden, err = convertHTML(s.html.text, format)
	said, seen := wordsOf(plain.text), wordsOf(shown.text)
	if err != nil {
		if len(said) > 0 {
			return plain, nil
		}
		return reading{}, err
	}
	extra := unsaid(said, seen)
	plain.differs = isSizeable(extra, len(said))
	shown.differs = plain.differs
	same := extra == 0 && !isSizeable(unsaid(seen, said), len(seen))
	if format != HTML && len(said) > 0 && (same || len(seen) <= fewWords) {
		return plain, nil
	}
	return shown, nil
}
