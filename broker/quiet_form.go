package broker

import "strings"

// upperHex are the digits of an escape (RFC 3986 section 2.1).
const upperHex = "0123456789ABCDEF"

// form is a body of type application/x-www-form-urlencoded (WHATWG URL section
// 5.2) that may hold secrets. Unlike url.Values it is one piece of memory, in
// which every copy that it leaves behind by growing is overwritten, and which
// clear overwrites in the end. The zero value is an empty form.
type form struct{ text []byte }

// put adds a parameter. The value is copied; clearing the original is the
// caller's.
func put[T ~string | ~[]byte](f *form, name string, value T) {
	// A byte takes three characters at most.
	f.grow(len("&=") + 3*(len(name)+len(value)))
	if len(f.text) > 0 {
		f.text = append(f.text, '&')
	}
	f.text = escape(f.text, name)
	f.text = append(f.text, '=')
	f.text = escape(f.text, value)
}

// grow makes room for n more bytes.
func (f *form) grow(n int) {
	if cap(f.text)-len(f.text) >= n {
		return
	}
	larger := append(make([]byte, 0, 2*cap(f.text)+n), f.text...)
	clear(f.text)
	f.text = larger
}

// clear overwrites the form.
func (f *form) clear() {
	clear(f.text)
	f.text = nil
}

// escape appends value as it stands in a form. There is room for it.
func escape[T ~string | ~[]byte](to []byte, value T) []byte {
	for i := range len(value) {
		switch c := value[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-_.~", c) >= 0:
			to = append(to, c)
		case c == ' ':
			to = append(to, '+')
		default:
			to = append(to, '%', upperHex[c>>4], upperHex[c&0xf])
		}
	}
	return to
}
