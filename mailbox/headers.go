package mailbox

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	gmail "google.golang.org/api/gmail/v1"
)

// Limits of what is shown of headers, in characters. The longest honest fields
// are signatures and lists of references.
const (
	maxHeaderLine  = 2000
	maxHeaderLines = 200_000
)

// headerLines writes every header field on a line of its own, as it was sent
// but for what has no glyph, of which hidden is the number. cut reports
// whether something was left out for its length.
func headerLines(headers []*gmail.MessagePartHeader) (text string, hidden int, cut bool) {
	var b strings.Builder
	for i, h := range headers {
		line, removed := cleanLine(h.Name + ": " + h.Value)
		hidden += removed
		if utf8.RuneCountInString(line) > maxHeaderLine {
			line, cut = firstRunes(line, maxHeaderLine), true
		}
		if b.Len()+len(line) > maxHeaderLines {
			fmt.Fprintf(&b, "[linkmail: %d more header fields are left out]\n", len(headers)-i)
			return b.String(), hidden, true
		}
		b.WriteString(line + "\n")
	}
	return b.String(), hidden, cut
}

// Limits of what is taken from List-Unsubscribe.
const (
	maxUnsubscribe       = 4
	maxUnsubscribeLength = 1000 // bytes; a target that is cut is of no use
)

// inBrackets finds the targets of a List-Unsubscribe field (RFC 2369).
var inBrackets = regexp.MustCompile(`<([^<>]*)>`)

// unsubscribeOf returns the ways out of a mailing list that the mail names, in
// its order: https, http and mailto targets. Nothing here follows one.
func unsubscribeOf(headers []*gmail.MessagePartHeader) []string {
	var targets []string
	for _, m := range inBrackets.FindAllStringSubmatch(headerOf(headers, "List-Unsubscribe"), -1) {
		target, _ := cleanLine(m[1])
		target = strings.ReplaceAll(target, " ", "") // a long target may have been folded
		scheme, _, _ := strings.Cut(strings.ToLower(target), ":")
		switch scheme {
		case "https", "http", "mailto":
			if len(target) <= maxUnsubscribeLength && len(targets) < maxUnsubscribe {
				targets = append(targets, target)
			}
		}
	}
	return targets
}
