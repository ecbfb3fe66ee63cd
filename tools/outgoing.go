package tools

import (
	"fmt"
	netmail "net/mail"
	"strings"
	"unicode"

	"linkmail/mailbox"
)

// address checks the addresses that were given, and puts them into the mail in
// one canonical spelling. The gate judges exactly what is sent: there is no
// second reading of an address by which a recipient could slip through.
func (in composed) address(mail *mailbox.Outgoing) error {
	for _, field := range []struct {
		name  string
		given []string
		to    *[]string
	}{{"to", in.To, &mail.To}, {"cc", in.Cc, &mail.Cc}, {"bcc", in.Bcc, &mail.Bcc}} {
		if field.given == nil {
			continue
		}
		*field.to = nil
		for i, s := range field.given {
			a, err := parseAddress(fmt.Sprintf("%s[%d]", field.name, i), s)
			if err != nil {
				return err
			}
			*field.to = append(*field.to, spell(a))
		}
	}
	if in.From == "" {
		return nil
	}
	a, err := parseAddress("from", in.From)
	if err != nil {
		return err
	}
	mail.From = spell(a)
	return nil
}

// bareRecipients are the addresses of all who get a mail.
func bareRecipients(mail mailbox.Outgoing) ([]string, error) {
	var bare []string
	for name, list := range map[string][]string{"to": mail.To, "cc": mail.Cc, "bcc": mail.Bcc} {
		for i, s := range list {
			a, err := parseAddress(fmt.Sprintf("%s[%d]", name, i), s)
			if err != nil {
				return nil, err
			}
			bare = append(bare, a.Address)
		}
	}
	if len(bare) == 0 {
		return nil, invalid("to", "Give at least one address in to, cc or bcc.", "the mail has no recipient")
	}
	return bare, nil
}

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
