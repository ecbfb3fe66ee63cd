package tools

import (
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"

	"linkmail/mailbox"
)

// mail is what every answer says of a mail.
type mail struct {
	MessageID string   `json:"messageId"`
	ThreadID  string   `json:"threadId"`
	From      string   `json:"from"`
	To        []string `json:"to"`
	Subject   string   `json:"subject"`
	// Date is RFC 3339 in the zone of the answer; empty if the mail has none.
	Date           string   `json:"date"`
	Snippet        string   `json:"snippet,omitempty"`
	Labels         []string `json:"labels"`
	Unread         bool     `json:"unread"`
	HasAttachments bool     `json:"hasAttachments"`
	DraftID        string   `json:"draftId,omitempty"`
}

// Bounds of fields of one line, in characters: a sender must not be able to
// crowd out everything else with a subject or a name. An address that is longer
// than RFC 5321 allows is none.
const (
	maxSubject = 250
	maxName    = 100
	maxEmail   = 254
)

// snippetChars is how much of a mail's beginning a list shows at most.
const snippetChars = 100

func mailOf(s mailbox.Summary, zone *time.Location, recipients int) mail {
	m := mail{
		MessageID:      s.ID,
		ThreadID:       s.ThreadID,
		From:           address(s.From),
		To:             addresses(s.To, recipients),
		Subject:        shorten(line(s.Subject), maxSubject),
		Labels:         labelNames(s.Labels),
		Unread:         s.Unread,
		HasAttachments: s.HasAttachments,
		DraftID:        s.DraftID,
	}
	if !s.Date.IsZero() {
		m.Date = s.Date.In(zone).Format(time.RFC3339)
	}
	return m
}

// shownLabels is how many labels of a mail are named.
const shownLabels = 20

// labelNames are the names of labels, which anybody with access to the mailbox
// may have chosen.
func labelNames(labels []string) []string {
	names := make([]string, 0, min(len(labels), shownLabels+1))
	for i, l := range labels {
		if i == shownLabels {
			return append(names, fmt.Sprintf("and %d more", len(labels)-i))
		}
		names = append(names, line(l))
	}
	return names
}

// systemLabel is the form of the labels that Gmail makes; users cannot make
// such a one.
var systemLabel = regexp.MustCompile(`^(INBOX|UNREAD|STARRED|IMPORTANT|SENT|DRAFT|SPAM|TRASH|CHAT|CATEGORY_[A-Z]{1,20})$`)

// flags says in words what a hit's booleans say.
func (m mail) flags() string {
	var flags []string
	if m.Unread {
		flags = append(flags, "unread")
	}
	if m.HasAttachments {
		flags = append(flags, "attachment")
	}
	return strings.Join(flags, "+")
}

// address formats an address so that it can be given back to send_email.
func address(a mailbox.Address) string {
	name, email := shorten(line(a.Name), maxName), shorten(line(a.Email), maxEmail)
	if name == "" {
		return email
	}
	if strings.ContainsAny(name, `",;:<>()[]@\`) {
		name = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name) + `"`
	}
	if !plainAddress.MatchString(email) { // nobody can answer to it, but it may look like a marker
		return line(name + " <" + email + ">")
	}
	return name + " <" + email + ">"
}

var plainAddress = regexp.MustCompile(`^[^\s<>/]+@[^\s<>]+$`)

// addresses formats at most limit addresses, and says how many more there are:
// a mail to hundreds must not crowd out what it says.
func addresses(list []mailbox.Address, limit int) []string {
	out := make([]string, 0, min(len(list), limit+1))
	for i, a := range list {
		if i == limit {
			return append(out, fmt.Sprintf("and %d more", len(list)-limit))
		}
		out = append(out, address(a))
	}
	return out
}

// line makes one line of s, of the same number of characters: a sender must not
// be able to start a new one in a list where every line is a mail, nor to end
// the fence around it.
func line(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, s)
	return marker.ReplaceAllString(s, "‹$1")
}

// shorten cuts s to at most limit characters, at a space if one is near.
func shorten(s string, limit int) string {
	runes := []rune(s)
	if len(runes) <= limit {
		return s
	}
	cut := string(runes[:limit-1])
	if i := strings.LastIndexByte(cut, ' '); i > len(cut)/2 {
		cut = cut[:i]
	}
	return cut + "…"
}

// plural returns "1 mail", "2 mails".
func plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}
