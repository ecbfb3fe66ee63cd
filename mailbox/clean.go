package mailbox

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Everything that comes out of a mail passes one of the two functions here
// before a model sees it. A person reads glyphs; a model reads code points. The
// characters removed are those that have no glyph and can therefore carry text
// that the reader of the mail would not have seen: Unicode tags, bidirectional
// controls, zero-width characters, fillers, variation selectors, controls.

// cleanText returns multi-line mail text without invisible characters, and how
// many were removed. Line ends become \n, which is not counted. It is
// idempotent, and what is not valid UTF-8 becomes U+FFFD.
func cleanText(s string) (string, int) {
	return filter(s, func(*strings.Builder, rune) {})
}

// cleanLine is [cleanText] for a field of one line (a subject, a name, a
// snippet): every run of white space becomes one space, none stays at the ends.
func cleanLine(s string) (string, int) {
	s, n := cleanText(s)
	if strings.IndexFunc(s, func(r rune) bool { return r != ' ' && unicode.IsSpace(r) }) < 0 &&
		!strings.Contains(s, "  ") && strings.Trim(s, " ") == s {
		return s, n
	}
	return strings.Join(strings.Fields(s), " "), n
}

// isPlain reports whether s is printable ASCII and extra, the usual case, which
// needs no copy.
func isPlain(s string, extra byte) bool {
	for i := range len(s) {
		if c := s[i]; (c < ' ' || c > '~') && c != extra {
			return false
		}
	}
	return true
}

// filter makes every line end of s a \n, calls drop for every rune that does not
// stay, and counts these.
func filter(s string, drop func(*strings.Builder, rune)) (string, int) {
	if isPlain(s, '\n') {
		return s, 0
	}
	s = strings.ToValidUTF8(s, "\uFFFD")
	s = strings.ReplaceAll(s, "\r\n", "\n")
	var (
		b       strings.Builder
		removed int
		prev    rune // the last rune that stayed
	)
	b.Grow(len(s))
	for i, r := range s {
		if isInvisible(r) {
			next, _ := utf8.DecodeRuneInString(s[i+utf8.RuneLen(r):])
			if !isNeeded(prev, r, next) {
				removed++
				drop(&b, r)
				continue
			}
		}
		if isLineBreak(r) {
			r = '\n'
		}
		b.WriteRune(r)
		prev = r
	}
	return b.String(), removed
}

func isLineBreak(r rune) bool {
	switch r {
	case '\n', '\v', '\f', '\r', '\u0085', '\u2028', '\u2029':
		return true
	}
	return false
}

// isInvisible reports whether r has no glyph and is no white space either.
func isInvisible(r rune) bool {
	switch {
	case r < 0x80:
		return r < ' ' && r != '\t' && !isLineBreak(r) || r == 0x7F
	case isLineBreak(r):
		return false
	case 0xE0000 <= r && r <= 0xE0FFF: // tags, selectors, and the block's unassigned rest
		return true
	}
	return unicode.Is(unicode.Cc, r) ||
		unicode.Is(unicode.Cf, r) && !unicode.Is(unicode.Prepended_Concatenation_Mark, r) ||
		unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r) ||
		unicode.Is(unicode.Variation_Selector, r)
}

// isNeeded reports whether the invisible rune r changes what a reader sees
// between prev, which stays, and next, which has not been judged: joiners in
// scripts that need them and in emoji, the presentation of an emoji, Mongolian
// vowel separators.
func isNeeded(prev, r, next rune) bool {
	const zwnj, zwj, text, emoji = 0x200C, 0x200D, 0xFE0E, 0xFE0F
	switch {
	case r == zwj && (isEmoji(prev) || prev == emoji):
		return isEmoji(next)
	case r == zwj:
		// At the end of a word too: Malayalam writes its final consonants so.
		return unicode.In(prev, joining...) && next != zwj && next != zwnj
	case r == zwnj:
		return unicode.In(prev, joining...) && unicode.In(next, joining...)
	case r == emoji || r == text:
		const keycap = 0x20E3
		return isEmoji(prev) || next == keycap && strings.ContainsRune("0123456789#*", prev)
	case 0x180B <= r && r <= 0x180F:
		return unicode.Is(unicode.Mongolian, prev) && !isInvisible(prev)
	}
	return false
}

// isEmoji reports whether r can be part of an emoji. It errs on the side of
// symbols: what it lets pass is one selector that changes nothing.
func isEmoji(r rune) bool {
	switch {
	case r == 0xA9, r == 0xAE, r == 0x203C, r == 0x2049, r == 0x2122, r == 0x2139,
		r == 0x3030, r == 0x303D, r == 0x3297, r == 0x3299,
		0x2190 <= r && r <= 0x21FF, 0x2300 <= r && r <= 0x23FF, 0x2460 <= r && r <= 0x27BF,
		0x2900 <= r && r <= 0x2BFF, 0x1F000 <= r && r <= 0x1FAFF:
		return true
	}
	return false
}

// joining lists the scripts whose letters change shape with a joiner.
var joining = []*unicode.RangeTable{
	unicode.Arabic, unicode.Syriac, unicode.Nko, unicode.Mongolian, unicode.Mandaic,
	unicode.Devanagari, unicode.Bengali, unicode.Gurmukhi, unicode.Gujarati, unicode.Oriya,
	unicode.Tamil, unicode.Telugu, unicode.Kannada, unicode.Malayalam, unicode.Sinhala,
	unicode.Khmer, unicode.Myanmar, unicode.Tibetan, unicode.Balinese, unicode.Javanese,
}
