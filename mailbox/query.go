package mailbox

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const (
	defaultHits = 10
	maxHits     = 50
	// maxQuery bounds the query text; Gmail's own limit is the URL's length.
	maxQuery = 4096
)

// check refuses what Gmail would misunderstand, and fills in the default.
func (q *Query) check() error {
	if q.Max == 0 {
		q.Max = defaultHits
	}
	switch {
	case q.Max < 1 || q.Max > maxHits:
		return invalid(fmt.Sprintf("a page has 1 to %d mails, not %d", maxHits, q.Max), "Ask for fewer and continue with the page token.")
	case len(q.Text) > maxQuery:
		return &Error{
			Code: codeTooLarge, Message: fmt.Sprintf("the query is longer than %d bytes", maxQuery),
			Hint: "Search for fewer words.",
		}
	case !q.After.IsZero() && !q.Before.IsZero() && !q.After.Before(q.Before):
		return invalid("the time after which to search is not earlier than the one before which", "Swap or correct them.")
	case len(q.PageToken) > maxQuery:
		return invalid("the page token is not one", "Use the page token of the previous page.")
	}
	return nil
}

func (q *Query) zone() *time.Location {
	if q.Zone == nil {
		return time.UTC
	}
	return q.Zone
}

// effective is the search expression to send. The bounds go in as seconds
// since 1970, because Gmail takes a date for midnight in California. They are
// a second wider than asked for, as it is not said whether they include their
// ends: [Query.holds] makes them exact.
func (q *Query) effective() string {
	text := strings.TrimSpace(q.Text)
	var bounds []string
	if !q.After.IsZero() {
		bounds = append(bounds, "after:"+strconv.FormatInt(max(q.After.Unix()-1, 0), 10))
	}
	if !q.Before.IsZero() {
		bounds = append(bounds, "before:"+strconv.FormatInt(max(q.Before.Unix()+2, 0), 10))
	}
	if len(bounds) == 0 {
		return q.Text
	}
	return also(text, strings.Join(bounds, " "))
}

// holds reports whether a time of arrival is within the bounds.
func (q *Query) holds(t time.Time) bool {
	return (q.After.IsZero() || !t.Before(q.After)) && (q.Before.IsZero() || t.Before(q.Before))
}

// also returns the expression for mails that match both. Where the first has
// alternatives, it is put in parentheses, provided that it has none unpaired.
func also(text, term string) string {
	if text == "" {
		return term
	}
	if alternatives.MatchString(text) && paired(text) {
		text = "(" + text + ")"
	}
	return text + " " + term
}

var (
	alternatives = regexp.MustCompile(`(^|[\s)])(OR|\|)([\s(]|$)`)
	// draftTerm finds the terms that ask for drafts.
	draftTerm = regexp.MustCompile(`(?i)(^|[\s({])(in|is|label):"?drafts?\b`)
)

// paired reports whether quotes and parentheses are closed.
func paired(text string) bool {
	depth, quoted := 0, false
	for _, r := range text {
		switch {
		case r == '"':
			quoted = !quoted
		case quoted:
		case r == '(':
			depth++
		case r == ')':
			if depth--; depth < 0 {
				return false
			}
		}
	}
	return depth == 0 && !quoted
}

// Operators returns those of Gmail's searches, without their colons.
func Operators() []string {
	return []string{
		"from", "to", "cc", "bcc", "subject", "label", "category", "has", "filename", "list", "deliveredto", "in", "is",
		"after", "before", "older", "newer", "older_than", "newer_than", "size", "larger", "smaller", "rfc822msgid",
	}
}
