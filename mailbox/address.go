package mailbox

import (
	"regexp"
	"strings"
)

// parseAddresses reads an address list as a header shows it: RFC 5322 where it
// is kept to, and the best reading where it is not, because Gmail hands out
// decoded display names without the quotes that they need. The address is
// always taken from the last <...> of an element, so a display name that looks
// like an address stays a name. Groups are dissolved. An element without an
// address keeps its text as the name.
func parseAddresses(header string) []Address {
	var (
		list    []Address
		pending string // text before a comma that may belong to the next name
	)
	entries, balanced := splitAddresses(header, true)
	if !balanced {
		// A lone quote or bracket would swallow the addresses behind it.
		entries, _ = splitAddresses(header, false)
	}
	for _, e := range entries {
		a, hasAddress := e.address()
		switch {
		case hasAddress:
			// "Doe, John <j@example.com>" with its quotes lost.
			if pending != "" && e.angle {
				a.Name = joinNonEmpty(pending, a.Name)
			} else if pending != "" {
				list = append(list, Address{Name: pending})
			}
			pending = ""
			list = append(list, a)
		case e.end == ',' && len(pending) < longestName:
			pending = joinNonEmpty(pending, a.Name)
		default:
			if name := joinNonEmpty(pending, a.Name); name != "" {
				list = append(list, Address{Name: name})
			}
			pending = ""
		}
	}
	return list
}

// longestName bounds, in bytes, a name that is put together of what stood
// between commas. A header that is nothing but commas would make one of all.
const longestName = 1000

func joinNonEmpty(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + ", " + b
}

// entry is one element of an address list, taken apart but not yet cleaned.
type entry struct {
	phrase  string // outside of brackets and comments, quotes removed
	addr    string // inside the last <...>
	comment string // inside (...), where names stood before 1982
	angle   bool
	end     byte // what ended the element: ',', ';' or 0
}

func (e entry) address() (_ Address, hasAddress bool) {
	name, _ := cleanLine(decodeWords(e.phrase))
	email, _ := cleanLine(e.addr)
	if e.angle {
		return Address{Name: name, Email: email}, true
	}
	if name == "" {
		return Address{}, false
	}
	words := strings.Fields(name)
	last := len(words) - 1
	if strings.Index(words[last], "@") < 1 {
		return Address{Name: name}, false
	}
	if comment, _ := cleanLine(decodeWords(e.comment)); comment != "" {
		words = append([]string{comment}, words...)
		last++
	}
	return Address{Name: strings.Join(words[:last], " "), Email: words[last]}, true
}

// encodedWord is RFC 2047 section 2, at the start of a string. Nothing inside
// it separates addresses, though careless senders leave commas there.
var encodedWord = regexp.MustCompile(`^=\?[^?\s]+\?[bBqQ]\?[^?\s]*\?=`)

// splitAddresses takes header apart in one pass, and reports whether every
// quote and bracket was closed. Without strict, quotes and comments are text.
func splitAddresses(header string, strict bool) (_ []entry, balanced bool) {
	var (
		out                   []entry
		cur                   entry
		phrase, addr, comment strings.Builder
		quoted, inAngle       bool
		depth                 int // of comments
	)
	flush := func(end byte) {
		cur.phrase, cur.addr, cur.comment, cur.end = phrase.String(), addr.String(), comment.String(), end
		out = append(out, cur)
		cur = entry{}
		phrase.Reset()
		addr.Reset()
		comment.Reset()
	}
	lastSemicolon := strings.LastIndexByte(header, ';')
	for i := 0; i < len(header); i++ {
		c := header[i]
		to := &phrase
		switch {
		case depth > 0:
			to = &comment
		case inAngle:
			to = &addr
		}
		switch {
		case c == '\\' && (quoted || depth > 0) && i+1 < len(header):
			i++
			to.WriteByte(header[i])
		case c == '"' && depth == 0 && strict:
			quoted = !quoted
			if inAngle { // a quoted local part keeps its quotes
				to.WriteByte(c)
			}
		case quoted:
			to.WriteByte(c)
		case c == '(' && !inAngle && strict:
			if depth > 0 {
				to.WriteByte(c)
			}
			depth++
		case c == ')' && depth > 0:
			if depth--; depth > 0 {
				to.WriteByte(c)
			}
		case depth > 0:
			to.WriteByte(c)
		case c == '<':
			// Only the last bracket is the address; earlier ones are name.
			if cur.angle {
				phrase.WriteString("<" + addr.String() + ">")
				addr.Reset()
			}
			cur.angle, inAngle = true, true
		case c == '>' && inAngle:
			inAngle = false
		case (c == ',' || c == ';') && !inAngle:
			flush(c)
		case c == ':' && !inAngle && i < lastSemicolon:
			phrase.Reset() // the name of a group, which ends with a semicolon
		case c == '=' && encodedWord.MatchString(header[i:]):
			word := encodedWord.FindString(header[i:])
			to.WriteString(word)
			i += len(word) - 1
		default:
			to.WriteByte(c)
		}
	}
	balanced = !quoted && !inAngle && depth == 0
	flush(0)
	return out, balanced
}
