package tools

import (
	netmail "net/mail"
	"strings"
	"unicode"

	"linkmail/mailbox"
)

func parseAddress(name, s string) (*netmail.Address, error) {
	if err := checkLine(name, s); err != nil {
		return nil, err
	}
	a, err := netmail.ParseAddress(s)
	if err != nil {
		return nil, invalid(name, "Give one address per element, as user@example.com or Name <user@example.com>.", "%s is not a mail address", name)
	}
	if err := checkLine(name, a.Name); err != nil { // it may have been encoded
		return nil, err
	}
	return a, nil
}

// checkLine refuses a header field that would not be one line, or that a person
// would not see as it is.
func checkLine(name, s string) error {
	if strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' }) {
		return invalid(name, "Write it on one line.", "%s contains a line break or another control character", name)
	}
	if n := mailbox.Invisible(s); n > 0 {
		return invalid(name, "Write it without them.", "%s contains %s without a glyph, such as a zero-width or text-direction character", name, plural(n, "character"))
	}
	return nil
}

// spell writes an address in RFC 5322 form, readable for people: a name that
// is not ASCII stays as it is, for the mailbox to encode.
func spell(a *netmail.Address) string {
	bare := strings.Trim((&netmail.Address{Address: a.Address}).String(), "<>")
	return address(mailbox.Address{Name: a.Name, Email: bare})
}
