package mailbox

import (
	"net/url"
	"regexp"
	"strings"

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

// linkMisleads reports whether the text of a link names another site than the
// one it leads to, which is target as [linkTarget] returns it. Text that names
// none does not mislead.
func linkMisleads(text, target string) bool {
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
	for _, shown := range shownURL.FindAllString(text, -1) {
		if isMail || siteOf(hostOf(shown)) != siteOf(leads) {
			return true
		}
	}
	text = strings.Trim(atSigns.Replace(text), " \n.,:;()<>[]")
	if addressIn.FindString(text) == text && text != "" {
		return siteOf(domainOf(text)) != siteOf(leads)
	}
	host := hostOf(text)
	return looksLikeHost(host, text) && siteOf(host) != siteOf(leads)
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

// looksLikeHost reports whether a whole text that begins with host, and has no
// scheme, is the address of a site to a reader. Its last label has to be a
// top-level domain, and the whole no file name: some extensions are both.
func looksLikeHost(host, text string) bool {
	if strings.ContainsAny(text, " \t\n") || !strings.Contains(host, ".") || strings.HasPrefix(host, ".") {
		return false
	}
	suffix, managed := publicsuffix.PublicSuffix(host)
	if !managed || suffix == host {
		return false
	}
	switch host[strings.LastIndexByte(host, '.')+1:] {
	case "zip", "mov", "md", "sh", "py", "rs", "pl", "ps", "so", "ai", "cab":
		return len(text) > len(host)
	}
	return true
}
