package mailbox

import (
	"regexp"
	"slices"
	"strings"
)

// imapToken is a word of an expression. A quoted one is never a keyword, and
// neither is a term of Gmail's.
type imapToken struct {
	text          string
	quoted, gmail bool
}

func (t imapToken) is(text string) bool { return !t.quoted && t.text == text }

func imapTokens(s string) []imapToken {
	var tokens []imapToken
	for s = strings.TrimSpace(s); s != ""; s = strings.TrimSpace(s) {
		if n := gmailTerm(s); n > 0 {
			tokens = append(tokens, imapToken{text: s[:n], gmail: true})
			s = s[n:]
			continue
		}
		switch s[0] {
		case ',': // IMAP has none, but who lists has
			s = s[1:]
		case '(', ')':
			tokens = append(tokens, imapToken{text: s[:1]})
			s = s[1:]
		case '"':
			text, rest := unquoteIMAP(s[1:])
			tokens = append(tokens, imapToken{text: text, quoted: true})
			s = rest
		default:
			end := strings.IndexAny(s, " \t\r\n()")
			if end < 0 {
				end = len(s)
			}
			tokens = append(tokens, imapToken{text: strings.TrimRight(s[:end], ",")})
			s = s[end:]
		}
	}
	return tokens
}

// unquoteIMAP reads a quoted string after its opening quote. One that is not
// closed reaches to the end.
func unquoteIMAP(s string) (text, rest string) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			return b.String(), s[i+1:]
		case c == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), ""
}

// gmailOperator finds an operator of Gmail's form at the beginning.
var gmailOperator = regexp.MustCompile(`^[-+]?([A-Za-z][A-Za-z0-9_]*):`)

// gmailTerm returns how many bytes of a term of Gmail's, or of alternatives in
// braces, s begins with.
func gmailTerm(s string) int {
	value := 0
	if m := gmailOperator.FindStringSubmatch(s); m != nil && slices.Contains(Operators(), strings.ToLower(m[1])) {
		value = len(m[0])
	} else if s[0] != '{' {
		return 0
	}
	closing := map[byte]string{'"': `"`, '(': ")", '{': "}"}
	if value < len(s) && closing[s[value]] != "" {
		if end := strings.Index(s[value+1:], closing[s[value]]); end >= 0 {
			return value + 1 + end + 1
		}
		return 0
	}
	if end := strings.IndexAny(s[value:], " \t\r\n()"); end >= 0 {
		return value + end
	}
	return len(s)
}
