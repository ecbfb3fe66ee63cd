package tools

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"linkmail/mailbox"
)

// Gmail takes every string for a query. An operator that it does not have is
// words to look for, a value that it does not have matches nothing, and neither
// is an error: a reader would take the silence for an answer. What Gmail has is
// on its help page 7190, "Refine searches in Gmail", and in the guide to the
// API, "Searching for messages".

// operators are those of Gmail.
var operators = mailbox.Operators()

// operatorsMeant are what those mean that other mail programs have.
var operatorsMeant = map[string]string{
	"sender": "from:", "author": "from:", "recipient": "to:", "recipients": "to:", "title": "subject:",
	"folder": "in:", "mailbox": "in:", "tag": "label:", "date": "after: and before:", "since": "after:", "until": "before:",
	"attachment": "has:attachment or filename:", "attachments": "has:attachment or filename:", "file": "filename:", "type": "filename:",
	"body": "the words alone", "text": "the words alone", "content": "the words alone",
	"unread": "is:unread", "read": "is:read", "starred": "is:starred", "important": "is:important", "flagged": "is:starred",
	"larger_than": "larger:", "smaller_than": "smaller:", "messageid": "rfc822msgid:", "message-id": "rfc822msgid:", "msgid": "rfc822msgid:",
}

// operatorValues are the values of the operators that take no others.
var operatorValues = map[string][]string{
	"is": {"unread", "read", "starred", "important", "snoozed", "muted", "sent", "spam", "trash", "chat"},
	"has": {
		"attachment", "drive", "document", "spreadsheet", "presentation", "youtube", "userlabels", "nouserlabels",
		"yellow-star", "orange-star", "red-star", "purple-star", "blue-star", "green-star", "red-bang", "yellow-bang",
		"orange-guillemet", "green-check", "blue-info", "purple-question",
	},
	"category": {"primary", "social", "promotions", "updates", "forums", "reservations", "purchases"},
}

// termsMeant are what such a value means that Gmail calls otherwise.
var termsMeant = map[string]string{
	"is:unseen": "is:unread", "is:new": "is:unread", "is:seen": "is:read", "is:flagged": "is:starred", "is:favorite": "is:starred",
	"is:inbox": "in:inbox", "is:draft": "in:draft", "is:drafts": "in:draft", "is:archived": "in:archive", "is:deleted": "in:trash",
	"has:file": "has:attachment", "has:files": "has:attachment", "has:image": "filename:jpg", "has:pdf": "filename:pdf",
	"has:star": "is:starred", "has:label": "has:userlabels", "has:labels": "has:userlabels", "category:personal": "category:primary",
}

// maxDoubts is how many terms of a query are explained.
const maxDoubts = 3

// operatorNote says which terms of a query Gmail does not have, and which it
// may be that were meant.
func operatorNote(query string) string {
	var notes []string
	for _, t := range queryTerms(query) {
		if note := t.doubt(); note != "" && !slices.Contains(notes, note) && len(notes) < maxDoubts {
			notes = append(notes, note)
		}
	}
	return strings.Join(notes, " ")
}

// doubt says what is wrong with a term; nothing if nothing is known to be.
func (t queryTerm) doubt() string {
	operator, value := strings.ToLower(t.operator), strings.ToLower(t.value)
	switch known := operatorValues[operator]; {
	case !slices.Contains(operators, operator):
		return t.unknown(operator)
	case known != nil && !slices.Contains(known, value):
		return t.otherThan(operator, value, known)
	}
	switch operator {
	case "after", "before", "older", "newer":
		return t.noDate(operator, value)
	case "older_than", "newer_than":
		return t.noAge(operator, value)
	case "size", "larger", "smaller":
		if !sizeForm.MatchString(value) {
			return fmt.Sprintf("%s is no size to Gmail, which takes bytes, or a number with K or M, e.g. %s:10M.", t, operator)
		}
	}
	return ""
}

// String is the term on one line and of bounded length.
func (t queryTerm) String() string {
	return shorten(line(t.operator), 40) + ":" + shorten(line(t.value), 60)
}

// wordValue begins the values of what was meant as a term, in contrast to times
// of the day, ports and addresses on the web.
var wordValue = regexp.MustCompile(`^[\pL"]`)

func (t queryTerm) unknown(operator string) string {
	meant := operatorsMeant[operator]
	if meant == "" {
		if meant = nearest(operator, operators); meant != "" {
			meant += ":"
		}
	}
	switch {
	case strings.HasPrefix(t.value, "//"):
		return ""
	case meant != "":
		return fmt.Sprintf("Gmail has no operator %s: and looks for the words. Did you mean %s?", shorten(line(t.operator), 40), meant)
	case wordValue.MatchString(t.value):
		return fmt.Sprintf("Gmail has no operator %s: and looks for the words.", shorten(line(t.operator), 40))
	}
	return ""
}

func (t queryTerm) otherThan(operator, value string, known []string) string {
	meant := termsMeant[operator+":"+value]
	if near := nearest(value, known); meant == "" && near != "" {
		meant = operator + ":" + near
	}
	if meant != "" {
		return fmt.Sprintf("%s is not a term of Gmail's. Did you mean %s?", t, meant)
	}
	return fmt.Sprintf("%s is not a term of Gmail's; %s: takes %s.", t, operator, strings.Join(known[:min(len(known), 8)], ", "))
}

var (
	sizeForm = regexp.MustCompile(`^\d+(k|m|kb|mb)?$`) // that the b is right is nowhere said, nor that it is wrong
	ageForm  = regexp.MustCompile(`^(\d+)([a-z]*)$`)
	year     = regexp.MustCompile(`^(19|20)\d\d$`)
	seconds  = regexp.MustCompile(`^\d{1,12}$`)
)

// queryDates are how Gmail takes a date.
var queryDates = []string{"2006/1/2", "1/2/2006"}

func (t queryTerm) noDate(operator, value string) string {
	relative := operator == "older" || operator == "newer"
	if m := ageForm.FindStringSubmatch(value); m != nil && relative && len(m[1]) < 4 {
		return fmt.Sprintf("%s is no date to Gmail. For an age, did you mean %s_than:%s?", t, operator, age(m[1], m[2]))
	}
	if seconds.MatchString(value) && !year.MatchString(value) {
		return ""
	}
	for _, layout := range queryDates {
		if _, err := time.Parse(layout, strings.ReplaceAll(value, "-", "/")); err == nil {
			return ""
		}
	}
	return fmt.Sprintf("%s is no date to Gmail, which takes 2026/11/24; the arguments after and before take times, too.", t)
}

func (t queryTerm) noAge(operator, value string) string {
	m := ageForm.FindStringSubmatch(value)
	switch {
	case m == nil:
		return fmt.Sprintf("%s is no age to Gmail, which takes a number with d, m (months) or y; a date goes with %s:.", t, strings.TrimSuffix(operator, "_than"))
	case len(m[2]) == 1 && strings.Contains("hdmy", m[2]): // that it takes hours is nowhere said, but so
		return ""
	}
	return fmt.Sprintf("%s is no age to Gmail, which takes a number with d, m (months) or y. Did you mean %s:%s?", t, operator, age(m[1], m[2]))
}

// age is a number of some unit in a unit that Gmail has.
func age(number, unit string) string {
	number = shorten(number, 6)
	switch n, err := strconv.Atoi(number); {
	case strings.HasPrefix(unit, "w") && err == nil:
		return fmt.Sprintf("%dd", 7*n)
	case strings.HasPrefix(unit, "mo"):
		return number + "m"
	case unit != "" && strings.Contains("hdmy", unit[:1]) && !strings.HasPrefix(unit, "mi"):
		return number + unit[:1]
	}
	return number + "d"
}
