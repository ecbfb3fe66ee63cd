package mailbox

import "strings"

// splitOutside yields the parts of s between separators that stand outside of
// quotes and parentheses.
func splitOutside(s string, sep byte) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for s != "" {
			i := indexOutside(s, string(sep))
			if i < 0 {
				break
			}
			if !yield(s[:i]) {
				return
			}
			s = s[i+1:]
		}
		yield(s)
	}
}

// indexOutside returns where the first of chars stands in s outside of quotes,
// escapes and parentheses; -1 if none does.
func indexOutside(s, chars string) int {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\':
			i++
		case c == '"' || c == '\'':
			i = quoteEnd(s, i)
		case depth == 0 && strings.IndexByte(chars, c) >= 0:
			return i
		case c == '(' || c == '[':
			depth++
		case (c == ')' || c == ']') && depth > 0:
			depth--
		}
	}
	return -1
}

// quoteEnd returns where the string ends that begins at s[i]: at its quote, or
// at the end of the line, which it cannot pass.
func quoteEnd(s string, i int) int {
	quote := s[i]
	for i++; i < len(s) && s[i] != quote && s[i] != '\n'; i++ {
		if s[i] == '\\' {
			i++
		}
	}
	return i
}

// untilBrace cuts css at the brace that closes the block it stands in.
func untilBrace(css string) (inside, rest string) {
	depth := 0
	for i := 0; i < len(css); i++ {
		switch css[i] {
		case '\\':
			i++
		case '"', '\'':
			i = quoteEnd(css, i)
		case '{':
			depth++
		case '}':
			if depth == 0 {
				return css[:i], css[i+1:]
			}
			depth--
		}
	}
	return css, ""
}

// stripComments removes the comments of CSS. One that begins in a string or in
// an address is none.
func stripComments(css string) string {
	if !strings.Contains(css, "/*") {
		return css
	}
	var b strings.Builder
	start := 0
	for i := 0; i < len(css); i++ {
		switch c := css[i]; {
		case c == '\\':
			i++
		case c == '"' || c == '\'':
			i = quoteEnd(css, i)
		case c == '(' && isBareAddress(css, i):
			end := strings.IndexByte(css[i:], ')')
			if end < 0 {
				end = len(css) - i
			}
			i += end
		case c == '/' && i+1 < len(css) && css[i+1] == '*':
			b.WriteString(css[start:i])
			end := strings.Index(css[i+2:], "*/")
			if end < 0 {
				return b.String()
			}
			start = i + 2 + end + 2
			if i > 0 && isNameCSS(css[i-1]) && start < len(css) && isNameCSS(css[start]) {
				b.WriteByte(' ') // it ends a name
			}
			i = start - 1
		}
	}
	if start < len(css) {
		b.WriteString(css[start:])
	}
	return b.String()
}

// isBareAddress reports whether the parenthesis at css[i] opens a url(...) without
// quotes, in which nothing but the closing one means anything.
func isBareAddress(css string, i int) bool {
	if i < 3 || !strings.EqualFold(css[i-3:i], "url") {
		return false
	}
	inside := strings.TrimLeft(css[i+1:min(i+64, len(css))], " \t\n")
	return !strings.HasPrefix(inside, `"`) && !strings.HasPrefix(inside, "'")
}

func isNameCSS(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_' || c >= 0x80
}
