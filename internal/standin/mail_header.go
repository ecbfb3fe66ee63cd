package standin

import (
	"bytes"
	"fmt"
	"net/mail"
	"slices"
	"strings"
)

// rawMail is a message split at its header fields, so that single fields can
// be changed while every other byte stays as it was.
type rawMail struct {
	fields [][]byte // with their continuation lines and line ends
	rest   []byte   // the empty line and the body
}

func splitRaw(raw []byte) *rawMail {
	m := &rawMail{}
	for len(raw) > 0 {
		end := bytes.IndexByte(raw, '\n') + 1
		if end == 0 {
			end = len(raw)
		}
		line := raw[:end]
		if len(bytes.TrimRight(line, "\r\n")) == 0 {
			break
		}
		if n := len(m.fields); n > 0 && (line[0] == ' ' || line[0] == '\t') {
			m.fields[n-1] = slices.Concat(m.fields[n-1], line)
		} else {
			m.fields = append(m.fields, line)
		}
		raw = raw[end:]
	}
	m.rest = raw
	return m
}

func (m *rawMail) bytes() []byte {
	return slices.Concat(append(slices.Clone(m.fields), m.rest)...)
}

func isField(line []byte, name string) bool {
	before, _, ok := bytes.Cut(line, []byte(":"))
	return ok && strings.EqualFold(string(bytes.TrimSpace(before)), name)
}

// values returns the unfolded values of a field.
func (m *rawMail) values(name string) []string {
	var out []string
	header, _ := splitHeader(m.bytes())
	for _, f := range header {
		if strings.EqualFold(f.name, name) {
			out = append(out, f.value)
		}
	}
	return out
}

func (m *rawMail) value(name string) string {
	if v := m.values(name); len(v) > 0 {
		return v[0]
	}
	return ""
}

func (m *rawMail) drop(name string) {
	m.fields = slices.DeleteFunc(m.fields, func(line []byte) bool { return isField(line, name) })
}

// set puts a field where the first of its name was, or at the end.
func (m *rawMail) set(name, value string) {
	line := []byte(name + ": " + value + "\r\n")
	i := slices.IndexFunc(m.fields, func(l []byte) bool { return isField(l, name) })
	m.drop(name)
	if i < 0 || i > len(m.fields) {
		i = len(m.fields)
	}
	m.fields = slices.Insert(m.fields, i, line)
	if len(m.rest) == 0 {
		m.rest = []byte("\r\n")
	}
}

// prepend puts trace fields on top.
func (m *rawMail) prepend(fields ...field) {
	var lines [][]byte
	for _, f := range fields {
		lines = append(lines, fmt.Appendf(nil, "%s: %s\r\n", f.name, f.value))
	}
	m.fields = append(lines, m.fields...)
}

// recipients returns everyone the message names, in lower case, each once.
func (m *rawMail) recipients() ([]string, error) {
	var out []string
	for _, name := range []string{"To", "Cc", "Bcc"} {
		for _, v := range m.values(name) {
			if v = strings.TrimSpace(v); v == "" || isEmptyGroup(v) {
				continue
			}
			list, err := (&mail.AddressParser{WordDecoder: &words}).ParseList(v)
			if err != nil {
				return nil, badRequest("Invalid %s header", name)
			}
			for _, a := range list {
				if at := strings.ToLower(a.Address); !slices.Contains(out, at) {
					out = append(out, at)
				}
			}
		}
	}
	if len(out) == 0 {
		return nil, badRequest("Recipient address required")
	}
	return out, nil
}

// isEmptyGroup recognizes "undisclosed-recipients:;".
func isEmptyGroup(v string) bool {
	name, rest, ok := strings.Cut(v, ":")
	return ok && !strings.ContainsAny(name, `"<@`) && strings.TrimSpace(rest) == ";"
}

// references returns the message ids that a message answers to.
func (m *rawMail) references() []string {
	return strings.FieldsFunc(m.value("References")+" "+m.value("In-Reply-To"), func(r rune) bool {
		return strings.ContainsRune(" \t,<>", r)
	})
}

// baseSubject is a subject without the marks that answering and forwarding add.
func baseSubject(subject string) string {
	s := strings.ToLower(strings.Join(strings.Fields(decodeHeader(subject)), " "))
	for {
		prefix, rest, ok := strings.Cut(s, ":")
		if !ok || !slices.Contains([]string{"re", "fw", "fwd", "aw", "wg", "sv"}, prefix) {
			return s
		}
		s = strings.TrimSpace(rest)
	}
}
