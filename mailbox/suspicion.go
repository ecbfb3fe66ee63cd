package mailbox

import (
	"net/url"
	"regexp"
	"strings"
	"unicode"

	"golang.org/x/net/publicsuffix"
)

// siteOf returns the domain that somebody registered for host: example.co.uk
// for www.example.co.uk. Hosts of one site belong to one owner. An IP address
// and what has no registered domain is its own site.
func siteOf(host string) string {
	host = strings.TrimSuffix(asciiHost(host), ".")
	if site, err := publicsuffix.EffectiveTLDPlusOne(host); err == nil && !isIP.MatchString(host) {
		return site
	}
	return host
}

var isIP = regexp.MustCompile(`^[0-9.]+$|:`)

// domainOf returns what follows the last @ of an address.
func domainOf(email string) string {
	return strings.ToLower(email[strings.LastIndexByte(email, '@')+1:])
}

// provenanceOf compares what a mail shows of its sender with what is behind it.
func provenanceOf(from Address, replyTo []Address, verdict Authentication) Provenance {
	return Provenance{Authentication: verdict, AnswersElsewhere: answersElsewhere(from, replyTo), NameMisleads: nameMisleads(from)}
}

// answersElsewhere reports whether an answer to the mail goes to another site
// than the one that the mail says it is from.
func answersElsewhere(from Address, replyTo []Address) bool {
	for _, a := range replyTo {
		if strings.Contains(a.Email, "@") && siteOf(domainOf(a.Email)) != siteOf(domainOf(from.Email)) {
			return true
		}
	}
	return false
}

// addressIn finds what a reader takes for a mail address.
var addressIn = regexp.MustCompile(`[^\s<>()\[\]"',;:]+@[^\s<>()\[\]"',;:@]+\.[^\s<>()\[\]"',;:@]+`)

// atSigns are what looks like the one in an address.
var atSigns = strings.NewReplacer("＠", "@", "﹫", "@")

// nameMisleads reports whether a display name shows a mail address other than
// the one that the mail is from.
func nameMisleads(a Address) bool {
	for _, shown := range addressIn.FindAllString(atSigns.Replace(a.Name), -1) {
		if !strings.EqualFold(strings.Trim(shown, "."), a.Email) {
			return true
		}
	}
	return false
}

// shownURL finds a target that the text of a link spells out.
var shownURL = regexp.MustCompile(`(?i)\b(?:https?://|www\.)[^\s<>"')\]]+`)

// maxLinkText is how much of a link's text is looked at for a target, in bytes.
const maxLinkText = 500

// linkMisleads reports whether the text of a link, or the description of a
// picture in it, names another site than the one it leads to, which is target as
// [linkTarget] returns it. Text that names none does not mislead.
func linkMisleads(text, target string) bool {
	text = text[:min(len(text), maxLinkText)]
	leads, isMail := strings.CutPrefix(target, "mailto:")
	if isMail {
		leads = domainOf(leads)
	} else {
		u, err := url.Parse(target)
		if err != nil || u.Hostname() == "" {
			return false
		}
		leads = u.Hostname()
	}
	site := siteOf(leads)
	for _, shown := range shownURL.FindAllString(text, -1) {
		if isMail || siteOf(hostOf(shown)) != site {
			return true
		}
	}
	text = strings.Trim(atSigns.Replace(text), " \n.,:;()<>[]")
	if addressIn.FindString(text) == text && text != "" {
		return siteOf(domainOf(text)) != site
	}
	for word := range strings.FieldsSeq(text) {
		shown := strings.Trim(word, ".,:;()<>[]!?\"'")
		host, alone := hostOf(shown), word == text
		names := looksLikeHost(host, shown) && (alone || !isCapitalized(host, shown)) || alone && isReserved(host)
		if names && !strings.Contains(shown, "@") && siteOf(host) != site {
			return true
		}
	}
	return false
}

// hostOf returns the host of a target as people write it.
func hostOf(s string) string {
	if _, rest, ok := strings.Cut(s, "://"); ok {
		s = rest
	}
	authority, _ := cutAny(s, `/\?#`)
	authority = authority[strings.LastIndexByte(authority, '@')+1:]
	host, _, _ := strings.Cut(authority, ":")
	return strings.ToLower(host)
}

// looksLikeHost reports whether a word that begins with host, and has no scheme,
// is the address of a site to a reader. Its last label has to be a top-level
// domain, and the whole no file name: some extensions are both.
func looksLikeHost(host, word string) bool {
	if !strings.Contains(host, ".") || strings.HasPrefix(host, ".") || isFramework.MatchString(word) {
		return false
	}
	suffix, managed := publicsuffix.PublicSuffix(host)
	if !managed || suffix == host {
		return false
	}
	switch lastLabel(host) {
	case "zip", "mov", "md", "sh", "py", "rs", "pl", "ps", "so", "ai", "cab":
		return len(word) > len(host)
	}
	return true
}

func lastLabel(host string) string { return host[strings.LastIndexByte(host, '.')+1:] }

// isFramework finds names that end in a top-level domain as they are spelled.
var isFramework = regexp.MustCompile(`^(ASP|ADO|VB|ML)\.NET$`)

// isCapitalized reports whether the last label of the host that a word begins
// with is written like the first word of a sentence, as it is where the space
// between two sentences is missing.
func isCapitalized(host, word string) bool {
	if len(word) < len(host) {
		return false
	}
	last := lastLabel(word[:len(host)])
	return len(last) > 1 && unicode.IsUpper(rune(last[0])) && last[1:] == strings.ToLower(last[1:])
}

// isReserved reports whether host is below a top-level domain that the public
// list does not have: those of RFC 2606 and RFC 6761, and those that firms use
// within. Any other word with a point in it may be a file, a function or a user.
func isReserved(host string) bool {
	name, ok := strings.CutSuffix(host, "."+lastLabel(host))
	if !ok || name == "" {
		return false
	}
	switch lastLabel(host) {
	case "example", "test", "invalid", "localhost", "local", "internal", "intranet", "corp", "lan", "onion":
		return isHostName(host)
	}
	return false
}
