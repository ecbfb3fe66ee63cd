package mailbox

import (
	"regexp"
	"strings"
	"time"
)

func (p *imapParser) header() (string, bool) {
	name, ok := p.argument()
	if !ok || p.folded {
		return "", false
	}
	value, ok := p.argument()
	if !ok {
		return "", false
	}
	switch strings.ToLower(name) {
	case "message-id":
		return "rfc822msgid:" + gmailValue(strings.Trim(value, "<> "), false), true
	case "list-id":
		return "list:" + gmailValue(strings.Trim(value, "<> "), false), true
	case "delivered-to":
		return "deliveredto:" + gmailValue(value, false), true
	case "from", "to", "cc", "bcc", "subject":
		return strings.ToLower(name) + ":" + gmailValue(value, false), true
	}
	p.err = &Error{
		Code: "invalid_query", Message: "the query is an IMAP search for a header field that Gmail does not search by",
		Hint: "It searches by from:, to:, cc:, bcc:, subject:, list:, deliveredto: and rfc822msgid:.",
	}
	return "", false
}

// imapLayouts are how a day is written: as RFC 3501 has it, and as models do.
var imapLayouts = []string{"2-Jan-2006", time.DateOnly, "2006/01/02", "2-January-2006"}

// likeADay is what can only have been meant as one. BEFORE sunrise may be words
// to look for, and so may ON 24/7.
var likeADay = regexp.MustCompile(`^\p{Nd}{1,4}[-/.][\p{L}\p{Nd}]{1,9}[-/.]\p{Nd}{1,4}$`)

// noDay is the refusal of a day that is none, or that is written in a way in
// which it may be one of two.
func noDay(word string) error {
	form := map[string]string{"SINCE": "after:2026/11/24", "BEFORE": "before:2026/11/24", "ON": "after:2026/11/24 before:2026/11/25"}
	return &Error{
		Code: "invalid_query", Message: "the query is an IMAP search with a date after " + word + " that is none",
		Hint: "Use Gmail's form, " + form[strings.TrimPrefix(word, "SENT")] + ", or the arguments after and before; in IMAP's the date is 24-Nov-2026.",
	}
}

func (p *imapParser) day(word string) (string, bool) {
	value, ok := p.argument()
	if !ok {
		return "", false
	}
	for _, layout := range imapLayouts {
		wall, err := time.Parse(layout, value)
		if err != nil || wall.Unix() < 2*24*60*60 {
			continue
		}
		p.evident = true
		return p.within(word, FirstInstant(wall, p.zone), FirstInstant(wall.AddDate(0, 0, 1), p.zone)), true
	}
	if likeADay.MatchString(value) {
		p.err = noDay(word)
	}
	return "", false
}

// within notes that every mail has to be of such a day, or returns the term for
// those that are. No mail that the search is for may be lost to it, so it is a
// second wider like [Query.effective], or that much narrower where it is negated.
func (p *imapParser) within(word string, begin, end time.Time) string {
	var days Query
	switch strings.TrimPrefix(word, "SENT") {
	case "SINCE":
		days.After = begin
	case "BEFORE":
		days.Before = begin
	default:
		days.After, days.Before = begin, end
	}
	if !p.everywhere {
		if p.negated && !days.After.IsZero() {
			days.After = days.After.Add(time.Second)
		}
		if p.negated && !days.Before.IsZero() {
			days.Before = days.Before.Add(-3 * time.Second)
		}
		return joined(strings.Fields(days.effective()))
	}
	if days.After.After(p.after) {
		p.after = days.After
	}
	p.before = earlier(p.before, days.Before)
	return ""
}

func negate(term string) string {
	switch {
	case term == "":
		return "-in:anywhere"
	case strings.HasPrefix(term, "-"):
		return term[1:]
	}
	return "-" + term
}

var plainValue = regexp.MustCompile(`^[\p{L}\p{N}@._+]+$`)

// gmailValue writes a value so that Gmail takes it for one. Gmail has no way
// to write a quote inside of quotes, and does not search for them either.
func gmailValue(s string, quote bool) string {
	s = strings.Join(strings.Fields(strings.ReplaceAll(s, `"`, " ")), " ")
	if !quote && plainValue.MatchString(s) {
		return s
	}
	return `"` + s + `"`
}
