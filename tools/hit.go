package tools

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"linkmail/mailbox"
)

// maxHitTokens is what a mail may cost in a list, whatever its sender calls it.
const maxHitTokens = 80

// Shares of a hit's tokens.
const (
	// These are given before all that is left is shared out. An address has to be
	// whole, as one that is cut is none; a name has not.
	labelTokens, senderTokens, recipientTokens, subjectTokens = 8, 24, 14, 8
	// moreTokens is what it takes to say how many are not listed.
	moreTokens = 4
)

// hits are mails of a list, and what can be said of them once, in its head.
type hits struct {
	account string // empty if it is not known
	year    int
	offset  string // from UTC
}

// hitsOf takes year and offset from the first mail that has a date.
func hitsOf(items []mail, account string) hits {
	for _, m := range items {
		if t, err := time.Parse(time.RFC3339, m.Date); err == nil {
			return hits{account, t.Year(), t.Format("-07:00")}
		}
	}
	return hits{account: account}
}

// head says how to read the lines.
func (h hits) head() string {
	s := "; ids are those of mails, behind a slash that of the thread if it is another; labels of Gmail's own are in small letters, without CATEGORY_"
	if h.year != 0 {
		s += fmt.Sprintf("; dates are of %d, times %s, unless said", h.year, h.offset)
	}
	if h.account != "" {
		s += `; me is the account, which mail is to unless it says "to"`
	}
	return s
}

// line is a mail of the list:
//
//	id[/thread id] | [draft id |] date | flags and labels | labels of the user's | from | to | subject | snippet
//
// What the server knows comes first, so that a sender's text cannot shift it.
func (h hits) line(m mail) string {
	id := m.MessageID
	if m.ThreadID != m.MessageID {
		id += "/" + m.ThreadID
	}
	words, own := m.words()
	return strings.Join(slices.DeleteFunc([]string{
		id, prefixed("draft ", m.DraftID), h.date(m.Date), words, prefixed("labels ", own),
		prefixed("from ", h.sender(m)), prefixed("to ", h.recipients(m)), m.Subject, m.Snippet,
	}, func(s string) bool { return s == "" }), " | ")
}

func (h hits) date(s string) string {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return ""
	}
	s = t.Format("Jan 2")
	if t.Year() != h.year {
		s += t.Format(" 2006")
	}
	s += t.Format(" 15:04")
	if offset := t.Format("-07:00"); offset != h.offset {
		s += " " + strings.TrimSuffix(offset, ":00")
	}
	return s
}

// words returns what Gmail says of a mail, and the labels that the user made.
func (m mail) words() (words, own string) {
	gmails, users := []string{}, []string{}
	if m.Unread {
		gmails = append(gmails, "unread")
	}
	if m.HasAttachments {
		gmails = append(gmails, "attachment")
	}
	for _, l := range m.Labels {
		switch {
		case l == "UNREAD" && m.Unread, l == "DRAFT" && m.DraftID != "":
		case systemLabel.MatchString(l):
			gmails = append(gmails, strings.ToLower(strings.TrimPrefix(l, "CATEGORY_")))
		default:
			users = append(users, l)
		}
	}
	return strings.Join(gmails, " "), strings.Join(users, ", ")
}

// sender is whom a mail is from. A name that others put to the account's address
// is shown; what the account wrote itself needs none.
func (h hits) sender(m mail) string {
	wrote := slices.Contains(m.Labels, "SENT") || slices.Contains(m.Labels, "DRAFT")
	if wrote || !strings.Contains(m.From, "<") {
		return h.short(m.From)
	}
	return m.From
}

func (h hits) recipients(m mail) string {
	switch {
	case len(m.To) == 0:
		return "nobody"
	case len(m.To) == 1 && h.account != "" && isAddress(m.To[0], h.account):
		return ""
	}
	names := make([]string, len(m.To))
	for i, to := range m.To {
		names[i] = h.short(to)
	}
	return strings.Join(names, ", ")
}

// short returns an address as a line has it. Nobody else is called me.
func (h hits) short(address string) string {
	switch {
	case h.account != "" && isAddress(address, h.account):
		return "me"
	case strings.EqualFold(strings.TrimSpace(address), "me"):
		return "<me>"
	}
	return address
}

// isAddress reports whether a recipient, with a name or without, is account.
func isAddress(recipient, account string) bool {
	recipient, account = lower(recipient), lower(account)
	return recipient == account || strings.HasSuffix(recipient, " <"+account+">")
}

// fit shortens what others wrote in a mail until its line costs what a hit may:
// the snippet first, which has what the rest leaves, and then whatever is
// longest. The structured form has the same, so that both say as much.
func (h hits) fit(m mail, s mailbox.Summary) mail {
	snippet := m.Snippet
	m.Snippet = ""
	whole, target := m, maxHitTokens
	for excess := tokens(h.line(m)) - maxHitTokens; excess > 0 && target > 0; excess = tokens(h.line(m)) - maxHitTokens {
		m = h.within(whole, s, target)
		target -= max(1, tokens(h.line(m))-maxHitTokens)
	}
	m.Snippet = within(snippet, maxHitTokens-tokens(h.line(m)+" |"))
	return m
}

// within shortens the fields of a mail so that its line costs about target.
func (h hits) within(m mail, s mailbox.Summary, target int) mail {
	_, own := m.words()
	wants := []int{tokens(own), tokens(h.sender(m)), tokens(h.recipients(m)), tokens(m.Subject)}
	room := target - tokens(h.line(m))
	for _, n := range wants {
		room += n
	}
	first := []int{labelTokens, min(senderTokens, tokens(line(s.From.Email))), recipientTokens, subjectTokens}
	for i := range first {
		first[i] = min(first[i], wants[i])
	}
	share := shares(first, max(0, room))
	for i, n := range share {
		wants[i] -= n
		room -= n
	}
	for i, n := range shares(wants, max(0, room)) {
		wants[i] -= n
		share[i] += n
	}
	if wants[0] > 0 {
		m.Labels = labelsWithin(m.Labels, share[0])
	}
	if wants[1] > 0 {
		m.From = addressWithin(s.From, share[1])
	}
	if wants[2] > 0 {
		m.To = h.addressesWithin(s.To, share[2])
	}
	subject := m.Subject // what the others could not use is its own
	m.Subject = ""
	m.Subject = within(subject, target-tokens(h.line(m)+" |"))
	return m
}

// labelsWithin leaves out the user's labels that do not fit, and says how many.
func labelsWithin(labels []string, limit int) []string {
	var kept, own []string
	for _, l := range labels {
		if systemLabel.MatchString(l) {
			kept = append(kept, l)
		} else {
			own = append(own, l)
		}
	}
	n := len(own)
	for n > 0 && tokens(strings.Join(own[:n], ", ")) > limit-moreTokens*min(1, len(own)-n) {
		n--
	}
	kept = append(kept, own[:n]...)
	if n < len(own) {
		kept = append(kept, fmt.Sprintf("and %d more", len(own)-n))
	}
	return kept
}

// addressesWithin is [addresses] of those that fit, the first one shortened if
// there is room for no other.
func (h hits) addressesWithin(list []mailbox.Address, limit int) []string {
	for n := min(len(list), shownRecipients); n > 0; n-- {
		some := addresses(list, n)
		if tokens(h.recipients(mail{To: some})) <= limit {
			return some
		}
	}
	if len(list) > 1 {
		limit -= moreTokens + 1
	}
	out := addresses(list, 1)
	if out[0] = addressWithin(list[0], limit); out[0] == "" {
		return []string{fmt.Sprintf("and %d more", len(list))}
	}
	return out
}

// addressWithin shortens the name of an address, and only then the address,
// which is none any more.
func addressWithin(a mailbox.Address, limit int) string {
	if whole := address(a); tokens(whole) <= limit {
		return whole
	}
	bare := address(mailbox.Address{Email: a.Email})
	const around = 4 // quotes and brackets
	if name := within(line(a.Name), limit-tokens(bare)-around); name != "" {
		return address(mailbox.Address{Name: name, Email: a.Email})
	}
	return within(bare, limit)
}

// within shortens s to at most limit tokens; to nothing where they are too few
// to say anything.
func within(s string, limit int) string {
	if tokens(s) <= limit {
		return s
	}
	chars := sort.Search(len(s), func(n int) bool { return tokens(shorten(s, n+1)) > limit })
	for ; chars > 1; chars-- {
		if cut := shorten(s, chars); tokens(cut) <= limit {
			return cut
		}
	}
	return ""
}
