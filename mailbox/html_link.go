package mailbox

import (
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/idna"
)

// Lengths of link targets, in bytes. A target that fits longestLink is shown in
// full; of a longer one, which is nearly always a tracking redirect, about
// cutLink is left.
const (
	longestLink = 100
	cutLink     = 48
)

// link keeps a link that has something to click on and somewhere to go.
func (p *pruner) link(dst, src *html.Node, b *box) bool {
	target := linkTarget(b.attr("href"), p.base)
	n := element("a")
	p.nameless = nil
	p.inline++
	content := p.children(n, src, b)
	p.inline--
	if !content && target != "" && p.nameless != nil {
		n = element("a")
		n.AppendChild(p.nameless)
		content = true
	}
	text, _ := cleanLine(textOf(n))
	if content && target != "" && (p.format == HTML || !isLinkText(text, target)) {
		if slices.ContainsFunc(append(altsIn(n), text), func(s string) bool { return linkMisleads(s, target) }) {
			p.misleading++
		}
		shown := target
		if !p.full && p.format != HTML {
			shown = shortLink(target)
		}
		if p.format != HTML {
			p.pictures.note(n, text, target, shown)
		}
		n.Attr = []html.Attribute{{Key: "href", Val: shown}}
		dst.AppendChild(n)
		return true
	}
	if !content && n.FirstChild != nil {
		appendText(dst, " ")
		return false
	}
	moveChildren(dst, n)
	return content
}

// linkTarget returns where href leads, "" if that is nothing a reader could
// open: a script, a fragment, a path without a host. base resolves relative
// targets and may be nil. The host is always the real one: user names in front
// of it are dropped, other scripts are written in punycode.
func linkTarget(href string, base *url.URL) string {
	href = strings.Map(func(r rune) rune { // browsers skip these inside of a URL
		if r == '\t' || r == '\n' || r == '\r' {
			return -1
		}
		return r
	}, href)
	href, _ = cleanLine(href)
	scheme, rest, hasScheme := strings.Cut(href, ":")
	switch scheme = strings.ToLower(scheme); {
	case !hasScheme || strings.ContainsAny(scheme, "/?#.@"):
		return relativeTarget(href, base)
	case scheme == "mailto" || scheme == "tel" || scheme == "sms":
		rest, _, _ = strings.Cut(rest, "?")
		if plain, err := url.PathUnescape(rest); err == nil {
			rest, _ = cleanLine(plain)
		}
		return safeTarget(scheme + ":" + rest)
	case scheme != "http" && scheme != "https":
		return ""
	}
	// Browsers take any number of slashes of either kind for "//".
	authority, tail := cutAny(strings.TrimLeft(rest, `/\`), `/\?#`)
	host := authority[strings.LastIndexByte(authority, '@')+1:]
	if host == "" {
		return ""
	}
	if strings.HasPrefix(tail, `\`) {
		tail = "/" + tail[1:]
	}
	return safeTarget(scheme + "://" + asciiHost(host) + tail)
}

func relativeTarget(href string, base *url.URL) string {
	href = strings.ReplaceAll(href, `\`, "/")
	if rest, ok := strings.CutPrefix(href, "//"); ok {
		return linkTarget("https://"+rest, nil)
	}
	if base != nil && href != "" && href[0] != '#' {
		if u, err := base.Parse(href); err == nil {
			return linkTarget(u.String(), nil)
		}
	}
	if host, _ := cutAny(href, "/?#"); strings.Contains(host, ".") && isHostName(host) {
		return linkTarget("http://"+href, nil) // "www.example.com", as people write it
	}
	return ""
}

// cutAny cuts s in front of the first of chars.
func cutAny(s, chars string) (before, from string) {
	if i := strings.IndexAny(s, chars); i >= 0 {
		return s[:i], s[i:]
	}
	return s, ""
}

// asciiHost writes a host name so that look-alike letters cannot be taken for
// the ones they look like.
func asciiHost(host string) string {
	if plain, err := url.PathUnescape(host); err == nil && !strings.ContainsAny(plain, `/\@?#`) {
		host = plain
	}
	if isPlain(host, 0) {
		return strings.ToLower(host)
	}
	name, port, _ := strings.Cut(host, ":")
	ascii, err := idna.Lookup.ToASCII(name)
	if err != nil {
		if ascii, err = idna.Punycode.ToASCII(name); err != nil {
			ascii = url.PathEscape(name)
		}
	}
	if port != "" {
		return ascii + ":" + port
	}
	return ascii
}

// safeTarget escapes what could end a link in Markdown, HTML or plain text.
func safeTarget(target string) string {
	const unsafe = " <>()[]{}\"'`\\^|*_"
	var b strings.Builder
	for _, r := range target {
		switch {
		case r == '_' || r == '*': // both are common in targets and harmless there
			b.WriteRune(r)
		case r < 0x80 && strings.ContainsRune(unsafe, r):
			b.WriteString("%" + string("0123456789ABCDEF"[r>>4]) + string("0123456789ABCDEF"[r&15]))
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// shortLink shortens a target of [linkTarget] for reading. Parameters that
// follow the reader and not the link are removed; if it is still long, it is
// cut after its host and the start of its path. A target that ends in "…" has
// been cut and does not work; the others do.
func shortLink(target string) string {
	scheme, rest, ok := strings.Cut(target, "://")
	if !ok {
		if len(target) > longestLink {
			return strings.ToValidUTF8(target[:longestLink], "") + "…"
		}
		return target
	}
	target = scheme + "://" + withoutTracking(rest)
	if len(target) <= longestLink {
		return target
	}
	host, tail := cutAny(rest, "/?#")
	path, more := cutAny(tail, "?#")
	kept := scheme + "://" + host
	for segment := range strings.SplitSeq(strings.TrimPrefix(path, "/"), "/") {
		if len(kept)+1+len(segment) > cutLink {
			return kept + "/…"
		}
		kept += "/" + segment
	}
	if more == "" {
		return kept
	}
	return kept + "?…"
}

// withoutTracking removes tracking parameters from the query of a target.
func withoutTracking(target string) string {
	target, fragment := cutAny(target, "#")
	path, query, ok := strings.Cut(target, "?")
	if !ok {
		return target + fragment
	}
	var kept []string
	for param := range strings.SplitSeq(query, "&") {
		if key, _, _ := strings.Cut(param, "="); !isTracking(strings.ToLower(key)) {
			kept = append(kept, param)
		}
	}
	if len(kept) == 0 {
		return path + fragment
	}
	return path + "?" + strings.Join(kept, "&") + fragment
}

func isTracking(key string) bool {
	for _, prefix := range []string{"utm_", "mc_", "mkt_", "elq", "_hs", "vero_", "oly_", "pk_", "mtm_", "cm_", "spm", "ck_sub", "trk", "gad_"} {
		if strings.HasPrefix(key, prefix) {
			return true
		}
	}
	switch key {
	case "fbclid", "gclid", "dclid", "gbraid", "wbraid", "msclkid", "yclid", "igshid", "twclid", "ttclid", "li_fat_id",
		"wickedid", "s_cid", "hsctatracking", "spuserid", "spjobid", "spreportid", "_kx", "_bta_tid", "_ke", "rb_clickid":
		return true
	}
	return false
}

// isLinkText reports whether text, as the mail shows it, is target itself, so
// that showing both says nothing more.
func isLinkText(text, target string) bool {
	plain := func(s string) string {
		for _, scheme := range []string{"https://", "http://", "mailto:", "tel:", "sms:"} {
			s = strings.TrimPrefix(s, scheme)
		}
		return strings.TrimSuffix(s, "/")
	}
	return text != "" && plain(text) == plain(target)
}
