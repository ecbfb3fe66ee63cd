package mailbox

import (
	"bufio"
	"encoding/base64"
	"errors"
	"io"
)

// dataReader reads the member "data" of a JSON object, a string of base64, and
// gives out what it decodes to. Neither the object nor the string is ever in
// memory as a whole. An object that ends early is an error, one without data is
// empty.
type dataReader struct {
	r       *bufio.Reader
	decoded io.Reader
	done    bool // the string has ended
}

func newDataReader(r io.Reader) *dataReader {
	return &dataReader{r: bufio.NewReaderSize(r, 32<<10)}
}

func (d *dataReader) Read(p []byte) (int, error) {
	if d.decoded == nil {
		found, err := d.seek()
		switch {
		case err != nil:
			return 0, unexpected(err)
		case !found:
			return 0, io.EOF
		}
		// Its padding is left out by digits, and so needs none.
		d.decoded = base64.NewDecoder(base64.RawURLEncoding, digits{d})
	}
	n, err := d.decoded.Read(p)
	if _, corrupt := errors.AsType[base64.CorruptInputError](err); corrupt {
		err = errNotGmail
	}
	return n, err
}

// unexpected is an end where there should be none.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// seek reads up to the first character of the string.
func (d *dataReader) seek() (found bool, err error) {
	if c, err := d.next(); err != nil || c != '{' {
		return false, orNotGmail(err)
	}
	for {
		c, err := d.next()
		if err != nil {
			return false, err
		}
		switch c {
		case '}':
			return false, nil
		case ',':
			continue
		case '"':
		default:
			return false, errNotGmail
		}
		key, err := d.key()
		if err != nil {
			return false, err
		}
		if c, err := d.next(); err != nil || c != ':' {
			return false, orNotGmail(err)
		}
		if c, err = d.next(); err != nil {
			return false, err
		}
		if key == "data" {
			if c != '"' {
				return false, errNotGmail
			}
			return true, nil
		}
		if err := d.skip(c); err != nil {
			return false, err
		}
	}
}

func orNotGmail(err error) error {
	if err != nil {
		return err
	}
	return errNotGmail
}

// next returns the next character that is no white space.
func (d *dataReader) next() (byte, error) {
	for {
		c, err := d.r.ReadByte()
		if err != nil || c != ' ' && c != '\n' && c != '\r' && c != '\t' {
			return c, err
		}
	}
}

// key reads the rest of a member's name.
func (d *dataReader) key() (string, error) {
	const longest = 64
	var name []byte
	for len(name) < longest {
		c, err := d.r.ReadByte()
		switch {
		case err != nil:
			return "", err
		case c == '"':
			return string(name), nil
		case c == '\\':
			return "", errNotGmail
		}
		name = append(name, c)
	}
	return "", errNotGmail
}

// skip reads the rest of a value that begins with c.
func (d *dataReader) skip(c byte) error {
	depth := 0
	for {
		switch c {
		case '"':
			for escaped := false; ; {
				s, err := d.r.ReadByte()
				if err != nil {
					return err
				}
				if s == '"' && !escaped {
					break
				}
				escaped = s == '\\' && !escaped
			}
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		if depth <= 0 {
			after, err := d.r.Peek(1)
			if err != nil {
				return err
			}
			if c == '"' || c == '}' || c == ']' || after[0] == ',' || after[0] == '}' {
				return nil
			}
		}
		var err error
		if c, err = d.r.ReadByte(); err != nil {
			return err
		}
	}
}

// digits reads the digits of base64url out of a JSON string: without padding,
// and with the letters of plain base64 replaced.
type digits struct{ d *dataReader }

func (g digits) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		if g.d.done {
			return n, io.EOF
		}
		c, err := g.d.r.ReadByte()
		if err == nil && c == '\\' {
			c, err = g.escaped()
		}
		if err != nil {
			return n, unexpected(err)
		}
		switch c {
		case '"':
			g.d.done = true
			continue
		case '=', '\n', '\r':
			continue
		case '+':
			c = '-'
		case '/':
			c = '_'
		}
		p[n] = c
		n++
	}
	return n, nil
}

// escaped reads what follows a backslash. Of all that may, only a slash and the
// padding, as \u003d, occur in base64.
func (g digits) escaped() (byte, error) {
	c, err := g.d.r.ReadByte()
	switch {
	case err != nil:
		return 0, err
	case c == '/':
		return c, nil
	case c == 'n' || c == 'r':
		return '\n', nil
	case c != 'u':
		return 0, errNotGmail
	}
	n := 0
	for range 4 {
		c, err := g.d.r.ReadByte()
		if err != nil {
			return 0, err
		}
		switch {
		case '0' <= c && c <= '9':
			n = n<<4 | int(c-'0')
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			n = n<<4 | int(c|0x20-'a'+10)
		default:
			return 0, errNotGmail
		}
	}
	if n == '"' || n >= 0x80 {
		return 0, errNotGmail
	}
	return byte(n), nil
}
