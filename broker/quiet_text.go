package broker

import (
	"strconv"
	"unicode"
)

// quietText is a JSON text, such as a token, in memory of its own that can be
// overwritten, which a string's cannot. What is not text is empty.
type quietText []byte

// UnmarshalJSON copies the text, without its quotes and escapes. Package json
// hands in a part of the document itself, so no other copy is made. What has no
// place in a token becomes a NUL, which is not visible.
func (t *quietText) UnmarshalJSON(raw []byte) error {
	clear(*t) // a member that is there twice
	*t = nil
	if len(raw) < len(`""`) || raw[0] != '"' {
		return nil
	}
	raw = raw[1 : len(raw)-1] // package json has checked the syntax
	text := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		if c == '\\' {
			i++
			switch c = raw[i]; c {
			case '"', '\\', '/':
			case 'u':
				c = ascii(raw[i+1 : i+5])
				i += 4
			default: // a control character
				c = 0
			}
		}
		text = append(text, c)
	}
	*t = text
	return nil
}

// ascii is the character of four hexadecimal digits, and NUL if it is none of
// ASCII.
func ascii(digits []byte) byte {
	n, err := strconv.ParseUint(string(digits), 16, 16)
	if err != nil || n > unicode.MaxASCII {
		return 0
	}
	return byte(n)
}

// clear overwrites the text.
func (t quietText) clear() { clear(t) }
