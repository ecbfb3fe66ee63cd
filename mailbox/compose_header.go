package mailbox

import (
	"encoding/base64"
	"fmt"
	"net/mail"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// checkRecipient parses s, one address in RFC 5322 form; field names it in errors.
func checkRecipient(field, s string) (Address, error) {
	if strings.TrimSpace(s) == "" {
		return Address{}, invalidRecipient(field, "is empty")
	}
	if err := checkName(field, s, maxElement); err != nil {
		return Address{}, err
	}
	parsed, err := mail.ParseAddress(s)
	if err != nil {
		// The parser's own words quote the input, so they are not passed on.
		return Address{}, invalidRecipient(field, "is not one e-mail address")
	}
	if err := checkName(field, parsed.Name, maxName); err != nil { // it was decoded
		return Address{}, err
	}
	email, why := checkEmail(parsed.Address)
	if why != "" {
		return Address{}, invalidRecipient(field, why)
	}
	return Address{Name: parsed.Name, Email: email}, nil
}

func invalidRecipient(field, why string) error {
	return &Error{
		Code: "invalid_recipient", Message: field + " " + why,
		Hint: "Give one address per element, like ann@example.com or Ann Lee <ann@example.com>.",
	}
}

func checkFrom(from Address) (Address, error) {
	if err := checkName("from", from.Name, maxName); err != nil {
		return Address{}, err
	}
	email, why := checkEmail(from.Email)
	if why != "" {
		return Address{}, &Error{
			Code: "invalid_from", Message: "from " + why,
			Hint: "Leave from empty, or give an address of this account.",
		}
	}
	return Address{Name: from.Name, Email: email}, nil
}

// checkEmail returns the address in the one form in which every mail system
// reads it the same way: a dot-atom of ASCII before the @, and a host name in
// ASCII after it, where other scripts become punycode. Quoted local parts,
// comments, address literals and look-alikes of @ and . are ways to make two
// parsers see two recipients. why says what is wrong with it.
func checkEmail(s string) (email, why string) {
	local, domain, ok := strings.Cut(s, "@")
	if !ok || local == "" || domain == "" {
		return "", "has no complete address"
	}
	if !isDotAtom(local) {
		return "", "has characters before the @ that are not letters, digits or one of .!#$%&'*+/=?^_`{|}~-"
	}
	host, err := idna.Lookup.ToASCII(domain)
	if err != nil || !isHostName(host) {
		return "", "has a domain that is not a host name"
	}
	if isPlain(domain, 0) {
		host = domain // as it was written; only other scripts are rewritten
	} else if back, err := idna.Lookup.ToUnicode(host); err != nil || back != strings.ToLower(domain) {
		return "", "has a domain with look-alike characters; its plain form is another one"
	}
	if len(local) > 64 || len(local)+1+len(host) > 254 {
		return "", "is longer than an address can be"
	}
	return local + "@" + host, ""
}

// isDotAtom is RFC 5322 section 3.2.3.
func isDotAtom(s string) bool {
	for word := range strings.SplitSeq(s, ".") {
		if word == "" || strings.ContainsFunc(word, func(r rune) bool {
			return r <= ' ' || r > '~' || strings.ContainsRune(`()<>[]:;@\,."`, r)
		}) {
			return false
		}
	}
	return true
}

// isHostName is RFC 1123 section 2.1.
func isHostName(s string) bool {
	if len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, "-") != label || strings.ContainsFunc(label, func(r rune) bool {
			return r != '-' && (r > 'z' || !unicode.IsLetter(r) && !unicode.IsDigit(r))
		}) {
			return false
		}
	}
	return true
}

// checkName refuses a name, or the address it came with, that a reader of the
// header would see differently from what it is.
func checkName(field, s string, limit int) error {
	if err := checkField(field, s, limit); err != nil {
		return err
	}
	if _, removed := cleanLine(s); removed > 0 {
		return invalidHeader(field, "has invisible or text-direction characters")
	}
	if strings.ContainsRune(s, '\t') {
		return invalidHeader(field, "has a tab")
	}
	return nil
}

func checkSubject(s string) error { return checkField("subject", s, maxSubject) }

// checkField refuses what cannot stand in a header field, or would end it.
func checkField(field, s string, limit int) error {
	if len(s) > limit {
		return invalidHeader(field, fmt.Sprintf("has %d bytes, the limit is %d", len(s), limit))
	}
	if !utf8.ValidString(s) {
		return invalidHeader(field, "is not valid UTF-8")
	}
	for i, r := range s {
		switch {
		case r == '\t':
		case isLineBreak(r):
			return invalidHeader(field, fmt.Sprintf("has a line break at byte %d", i))
		case unicode.IsControl(r):
			return invalidHeader(field, fmt.Sprintf("has the control character %U at byte %d", r, i))
		}
	}
	return nil
}

func invalidHeader(field, why string) error {
	return &Error{
		Code: "invalid_header", Message: field + " " + why,
		Hint: "Change " + field + ": a header field is one line of plain text.",
	}
}

func checkSendID(s string) error {
	if s == "" || len(s) > 100 || strings.ContainsFunc(s, func(r rune) bool {
		return r != '-' && r != '_' && (r > 'z' || !unicode.IsLetter(r) && !unicode.IsDigit(r))
	}) {
		return &Error{Code: "invalid_header", Message: "the send id is not 1 to 100 letters, digits, hyphens and underscores"}
	}
	return nil
}

func formatAddress(a Address) string {
	switch {
	case a.Name == "":
		return "<" + a.Email + ">"
	case needsEncoding(a.Name) || strings.ContainsAny(a.Name, `"\`):
		return encodeWords(a.Name) + " <" + a.Email + ">"
	}
	return `"` + a.Name + `" <` + a.Email + ">"
}

func encodeText(s string) string {
	if needsEncoding(s) {
		return encodeWords(s)
	}
	return s
}

// needsEncoding reports whether s would not come back as it is: not printable
// ASCII, looking like an encoded word, with spaces that folding loses, or with
// a word too long to fold.
func needsEncoding(s string) bool {
	const longestWord = 60
	return !isPlain(s, ' ') || strings.Contains(s, "=?") || strings.Contains(s, "  ") || strings.Trim(s, " ") != s ||
		longest(strings.Split(s, " ")) > longestWord
}

func longest(words []string) int {
	n := 0
	for _, w := range words {
		n = max(n, len(w))
	}
	return n
}

// encodeWords writes s as encoded words of RFC 2047, cut at runes and short
// enough for the first line of every field.
func encodeWords(s string) string {
	const most = 30 // bytes of text; 52 characters encoded
	var words []string
	for len(s) > 0 {
		n := 0
		for n < len(s) {
			_, size := utf8.DecodeRuneInString(s[n:])
			if n+size > most {
				break
			}
			n += size
		}
		words = append(words, "=?utf-8?b?"+base64.StdEncoding.EncodeToString([]byte(s[:n]))+"?=")
		s = s[n:]
	}
	return strings.Join(words, " ")
}
