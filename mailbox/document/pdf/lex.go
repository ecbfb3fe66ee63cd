package pdf

import "bytes"

// The objects of a PDF file: nil, bool, float64 and these.
type (
	name   string
	text   string // a string, byte for byte
	array  []any
	dict   map[name]any
	ref    struct{ num uint32 } // generations are ignored: the last one counts
	stream struct {
		dict dict
		raw  []byte // encoded, and encrypted if the file is
		num  uint32
		gen  uint16
	}
	// word is what is no object: a keyword, an operator, a bracket.
	word string
)

// eof is the word behind the last one.
const eof = word("")

const (
	// maxTokens bounds one object. The longest honest ones are the widths of a
	// font for 65,536 characters.
	maxTokens = 300_000
	// maxNesting bounds how deep arrays and dictionaries nest.
	maxNesting = 40
	// maxString bounds a string, in bytes. One that never ends stops here.
	maxString = 1 << 20
)

// lexer reads objects.
type lexer struct {
	data   []byte
	pos    int
	tokens int  // how many have been read of the present object
	refs   bool // "1 0 R" is a reference, as it is not in a drawing
}

// object reads the next object, or word. An object that is too large or too
// deep ends early.
func (l *lexer) object() any {
	l.tokens = 0
	return l.nested(0)
}

func (l *lexer) nested(depth int) any {
	t := l.token()
	switch t {
	case word("<<"):
		return l.dict(depth)
	case word("["):
		return l.array(depth)
	case word("null"):
		return nil
	case word("true"):
		return true
	case word("false"):
		return false
	}
	if n, ok := t.(float64); ok && l.refs {
		if r, ok := l.reference(n); ok {
			return r
		}
	}
	return t
}

// reference reads the rest of "1 0 R" behind its first number.
func (l *lexer) reference(n float64) (r ref, ok bool) {
	if n < 0 || n > maxNumber || n != float64(uint32(n)) {
		return r, false
	}
	before := l.pos
	l.space()
	if l.pos < len(l.data) && isDigit(l.data[l.pos]) {
		if _, ok := l.token().(float64); ok && l.token() == word("R") {
			return ref{uint32(n)}, true
		}
	}
	l.pos = before
	return r, false
}

func (l *lexer) array(depth int) array {
	a := array{}
	for depth < maxNesting {
		x := l.nested(depth + 1)
		if w, ok := x.(word); ok {
			switch w {
			case eof, "]":
				return a
			case "endobj", "stream": // it was never closed
				l.pos -= len(w)
				return a
			}
			continue
		}
		a = append(a, x)
	}
	return a
}

func (l *lexer) dict(depth int) dict {
	d := dict{}
	for depth < maxNesting {
		key := l.token()
		if key == eof || key == word(">>") {
			return d
		}
		if w, ok := key.(word); ok && (w == "endobj" || w == "stream") { // it was never closed
			l.pos -= len(w)
			return d
		}
		n, ok := key.(name)
		if !ok {
			continue
		}
		before := l.pos
		value := l.nested(depth + 1)
		if value == word(">>") { // a key without a value
			l.pos = before
			continue
		}
		if _, ok := value.(word); !ok {
			d[n] = value
		}
	}
	return d
}

// keyword skips white space and the word w, if it comes next.
func (l *lexer) keyword(w string) bool {
	before := l.pos
	l.space()
	if bytes.HasPrefix(l.data[l.pos:], []byte(w)) {
		l.pos += len(w)
		return true
	}
	l.pos = before
	return false
}

// token reads a number, a string, a name or a word.
func (l *lexer) token() any {
	if l.tokens++; l.tokens > maxTokens {
		return eof
	}
	l.space()
	if l.pos >= len(l.data) {
		return eof
	}
	c := l.data[l.pos]
	l.pos++
	switch c {
	case '/':
		return l.name()
	case '(':
		return l.literal()
	case '<':
		if l.pos < len(l.data) && l.data[l.pos] == '<' {
			l.pos++
			return word("<<")
		}
		return l.hex()
	case '>':
		if l.pos < len(l.data) && l.data[l.pos] == '>' {
			l.pos++
			return word(">>")
		}
		return word(">")
	case '[', ']', '{', '}', ')':
		return word(c)
	}
	start := l.pos - 1
	for l.pos < len(l.data) && isRegular(l.data[l.pos]) {
		l.pos++
	}
	run := l.data[start:l.pos]
	if n, ok := number(run); ok {
		return n
	}
	return word(run)
}

// space skips white space and comments.
func (l *lexer) space() {
	for l.pos < len(l.data) {
		switch c := l.data[l.pos]; {
		case isSpace(c):
			l.pos++
		case c == '%':
			for l.pos < len(l.data) && l.data[l.pos] != '\n' && l.data[l.pos] != '\r' {
				l.pos++
			}
		default:
			return
		}
	}
}

func (l *lexer) name() name {
	start := l.pos
	for l.pos < len(l.data) && isRegular(l.data[l.pos]) {
		l.pos++
	}
	run := l.data[start:l.pos]
	if bytes.IndexByte(run, '#') < 0 {
		return name(run)
	}
	out := make([]byte, 0, len(run))
	for i := 0; i < len(run); i++ {
		if run[i] == '#' && i+2 < len(run) {
			if high, low := unhex(run[i+1]), unhex(run[i+2]); high >= 0 && low >= 0 {
				out = append(out, byte((high<<4|low)&0xFF))
				i += 2
				continue
			}
		}
		out = append(out, run[i])
	}
	return name(out)
}

// literal reads a string up to its closing parenthesis.
func (l *lexer) literal() text {
	var out []byte
	for open := 1; l.pos < len(l.data) && len(out) < maxString; {
		c := l.data[l.pos]
		l.pos++
		switch c {
		case '(':
			open++
		case ')':
			if open--; open == 0 {
				return text(out)
			}
		case '\\':
			out = l.escape(out)
			continue
		case '\r':
			if l.pos < len(l.data) && l.data[l.pos] == '\n' {
				l.pos++
			}
			c = '\n'
		}
		out = append(out, c)
	}
	return text(out)
}

// escape reads what follows a backslash.
func (l *lexer) escape(out []byte) []byte {
	if l.pos >= len(l.data) {
		return out
	}
	c := l.data[l.pos]
	l.pos++
	switch {
	case '0' <= c && c <= '7':
		n := int(c - '0')
		for range 2 {
			if l.pos >= len(l.data) || l.data[l.pos] < '0' || l.data[l.pos] > '7' {
				break
			}
			n = n*8 + int(l.data[l.pos]-'0')
			l.pos++
		}
		return append(out, byte(n&0xFF))
	case c == '\r':
		if l.pos < len(l.data) && l.data[l.pos] == '\n' {
			l.pos++
		}
		return out
	case c == '\n':
		return out
	}
	if i := bytes.IndexByte([]byte("nrtbf"), c); i >= 0 {
		return append(out, "\n\r\t\b\f"[i])
	}
	return append(out, c)
}

// hex reads a string in hexadecimal digits.
func (l *lexer) hex() text {
	rest := l.data[l.pos:min(len(l.data), l.pos+maxString)]
	if i := bytes.IndexByte(rest, '>'); i >= 0 {
		l.pos += i + 1
		return text(unhexed(rest[:i]))
	}
	l.pos += len(rest)
	return text(unhexed(rest))
}

// unhexed decodes hexadecimal digits. Everything else is skipped, and a digit
// that is missing at the end is 0.
func unhexed(digits []byte) []byte {
	out := make([]byte, 0, len(digits)/2+1)
	high := -1
	for _, c := range digits {
		digit := unhex(c)
		switch {
		case digit < 0:
		case high < 0:
			high = digit
		default:
			out = append(out, byte((high<<4|digit)&0xFF))
			high = -1
		}
	}
	if high >= 0 {
		out = append(out, byte(high<<4&0xFF))
	}
	return out
}

func unhex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// number reads a decimal number. There are no others, and writers get even
// these wrong: a second sign or point ends it.
func number(run []byte) (n float64, ok bool) {
	sign, i := 1.0, 0
	for ; i < len(run) && (run[i] == '+' || run[i] == '-'); i++ {
		if run[i] == '-' {
			sign = -1
		}
	}
	scale := 0.0
	for ; i < len(run); i++ {
		switch c := run[i]; {
		case isDigit(c):
			ok = true
			if scale > 0 {
				n += float64(c-'0') * scale
				scale /= 10
				continue
			}
			n = n*10 + float64(c-'0')
		case c == '.' && scale == 0:
			scale = 0.1
		case c == '-' && ok:
			return sign * n, true
		default:
			return 0, false
		}
	}
	return sign * n, ok
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isSpace(c byte) bool {
	return c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == '\f' || c == 0
}

func isRegular(c byte) bool {
	switch c {
	case '(', ')', '<', '>', '[', ']', '{', '}', '/', '%':
		return false
	}
	return !isSpace(c)
}
