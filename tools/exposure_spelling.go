package tools

import (
	"regexp"
	"strings"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

var (
	// addressText finds what is, or looks to a model like, a mail address: the
	// characters of RFC 5322 section 3.2.3, and the letters of every script.
	addressText = regexp.MustCompile("[\\p{L}\\p{M}\\p{N}.!#$%&'*+/=?^_`{|}~-]+@[\\p{L}\\p{M}\\p{N}.-]+")
	spelledAt   = regexp.MustCompile(`\s*[\[({<]\s*at\s*[\])}>]\s*|\s+at\s+|\s+@\s*|@\s+|%40|&#0*64;|&#x0*40;|&commat;`)
	spelledDot  = regexp.MustCompile(`\s*[\[({<]\s*(?:dot|punkt|point)\s*[\])}>]\s*|\s+dot\s+|。`)
	// markup is what Markdown, the plain form and HTML put around or between
	// the letters of a word, and what a reader does not take for part of it.
	markup = regexp.MustCompile("\\]\\([^()\\s]*\\)| ?\\(https?://[^()\\s]*\\)|!?\\[(?:image: )?|\\]|</?[a-z][^<>]*>|[*`\"\\\\]|~~")
)

// maxLocal is how long the part before the @ can be, in bytes (RFC 5321).
const maxLocal = 64

// addressesIn returns the addresses in a text, in one spelling. What may be
// more than one address is all of them: one too many is a question more.
func addressesIn(text string) []string {
	plain := lower(norm.NFKC.String(text))
	forms := []string{plain}
	for _, form := range []string{
		strings.ReplaceAll(plain, `\`, ""), // an address may have what Markdown escapes
		markup.ReplaceAllString(plain, ""),
	} {
		if form != plain {
			forms = append(forms, form)
		}
	}
	for _, form := range forms {
		if said := spelledDot.ReplaceAllString(spelledAt.ReplaceAllString(form, "@"), "."); said != form {
			forms = append(forms, said)
		}
	}
	var found []string
	for _, form := range forms {
		for _, address := range addressText.FindAllString(form, -1) {
			found = append(found, readings(address)...)
		}
	}
	return found
}

// readings returns an address, and those that it is when what stands before it
// is not part of it: "to=ann@example.com", "_ann@example.com_".
func readings(address string) []string {
	local, domain, _ := strings.Cut(address, "@")
	if len(local) > maxLocal {
		local = strings.ToValidUTF8(local[len(local)-maxLocal:], "")
	}
	all := []string{canonical(local + "@" + domain)}
	for i, r := range local {
		inside := i > 0 && strings.ContainsRune("_-.+'", r) // as in names
		if !inside && i+1 < len(local) && r < 0x80 && (r < '0' || r > '9') && (r < 'a' || r > 'z') {
			all = append(all, canonical(local[i+1:]+"@"+domain))
		}
	}
	return all
}

// canonical is the mailbox behind an address, as far as it shows: without a
// tag, without the dots that Gmail ignores, and with a domain in ASCII.
func canonical(address string) string {
	local, domain, _ := strings.Cut(strings.Trim(lower(address), ".-'"), "@")
	local, _, _ = strings.Cut(local, "+")
	if ascii, err := idna.Lookup.ToASCII(domain); err == nil {
		domain = ascii
	}
	if domain == "gmail.com" || domain == "googlemail.com" {
		local, domain = strings.ReplaceAll(local, ".", ""), "gmail.com"
	}
	return local + "@" + domain
}
