package standin

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// lexeme is one token of a search query.
type lexeme struct {
	kind lexKind
	text string // the word, the phrase without its quotes, the operator's name in lower case
}

type lexKind int

const (
	lexWord lexKind = iota
	lexPhrase
	lexOperator // "from:", the value follows
	lexMinus    // "-" right before something
	lexOpen
	lexClose
	lexOpenAny
	lexCloseAny
)

// operators are the words that mean something before a colon. Anything else
// before a colon is a word like any other.
var operators = map[string]bool{
	"from": true, "to": true, "cc": true, "bcc": true, "subject": true, "label": true, "category": true, "has": true,
	"filename": true, "list": true, "deliveredto": true, "in": true, "is": true, "after": true, "before": true,
	"older": true, "newer": true, "older_than": true, "newer_than": true, "size": true, "larger": true, "smaller": true,
	"rfc822msgid": true,
}

// lexQuery cuts a query into tokens. Every string is a query.
func lexQuery(s string) []lexeme {
	var out []lexeme
	for s != "" {
		r := rune(s[0])
		switch {
		case unicode.IsSpace(r):
			s = s[1:]
		case r == '"':
			phrase, rest, _ := strings.Cut(s[1:], `"`)
			out = append(out, lexeme{lexPhrase, phrase})
			s = rest
		case strings.ContainsRune("(){}", r):
			kinds := map[rune]lexKind{'(': lexOpen, ')': lexClose, '{': lexOpenAny, '}': lexCloseAny}
			out = append(out, lexeme{kinds[r], string(r)})
			s = s[1:]
		case (r == '-' || r == '+') && len(s) > 1 && !unicode.IsSpace(rune(s[1])):
			// A plus asks for the word as it is written, which is how words
			// are compared here anyway.
			if r == '-' {
				out = append(out, lexeme{lexMinus, "-"})
			}
			s = s[1:]
		default:
			var l lexeme
			l, s = lexBare(s)
			out = append(out, l)
		}
	}
	return out
}

// lexBare reads a word, or an operator up to its colon.
func lexBare(s string) (lexeme, string) {
	end := strings.IndexAny(s, " \t\r\n\"(){}")
	if end < 0 {
		end = len(s)
	}
	if name, _, ok := strings.Cut(s[:end], ":"); ok && operators[strings.ToLower(name)] {
		return lexeme{lexOperator, strings.ToLower(name)}, s[len(name)+1:]
	}
	return lexeme{lexWord, s[:end]}, s[end:]
}

// tokens cuts text into the words that are compared: whole words in lower
// case. A dot or comma between digits belongs to the number; a dash, like
// everything else that is no letter or digit, separates. Scripts without
// spaces have one word per character.
func tokens(text string) []string {
	var out []string
	text = strings.ToLower(text)
	start := -1
	flush := func(end int) {
		if start >= 0 {
			out = append(out, text[start:end])
			start = -1
		}
	}
	for i, r := range text {
		switch {
		case r > 0xE00 && unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai):
			flush(i)
			out = append(out, text[i:i+utf8.RuneLen(r)])
		case unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) || r == '_':
			if start < 0 {
				start = i
			}
		case (r == '.' || r == ',') && start >= 0 && isDigit(text, i-1) && isDigit(text, i+1):
		default:
			flush(i)
		}
	}
	flush(len(text))
	return out
}

func isDigit(s string, i int) bool { return i >= 0 && i < len(s) && s[i] >= '0' && s[i] <= '9' }
