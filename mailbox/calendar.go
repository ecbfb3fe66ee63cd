package mailbox

import (
	"fmt"
	"strings"
	"time"
)

const (
	// maxCalendar bounds the invitation that is looked at, in bytes.
	maxCalendar = 256 << 10
	// maxAttendees and maxCalendarText bound what is shown of it: people, and
	// characters of one field.
	maxAttendees    = 10
	maxCalendarText = 500
)

// event is what an invitation says of its first event.
type event struct {
	method    string
	fields    map[string]string // readable values by the name of the property
	attendees []string
	invited   int // all attendees
	others    int // further events
}

// summarizeCalendar says in some lines what an invitation (RFC 5545, RFC 5546)
// is about: its first event, and how many there are. It returns nothing if
// there is none. Every value is one line.
func summarizeCalendar(s string) string {
	if len(s) > maxCalendar {
		s = s[:maxCalendar]
	}
	s = strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
	s = strings.NewReplacer("\n ", "", "\n\t", "").Replace(s) // unfold
	e := event{fields: map[string]string{}}
	events, nested := 0, 0
	inEvent := false
	for line := range strings.SplitSeq(s, "\n") {
		name, params, value := contentLine(line)
		switch {
		case name == "METHOD" && !inEvent:
			e.method = value
		case name == "BEGIN" && strings.EqualFold(value, "VEVENT") && !inEvent:
			inEvent = true
			events++
		case name == "BEGIN" && inEvent:
			nested++ // an alarm has a DESCRIPTION and a TRIGGER of its own
		case name == "END" && inEvent && nested > 0:
			nested--
		case name == "END" && inEvent:
			inEvent = false
		case inEvent && nested == 0 && events == 1 && name != "":
			e.note(name, params, value)
		}
	}
	if events == 0 {
		return ""
	}
	e.others = events - 1
	return e.text()
}

// note keeps a property. Of one that is there twice the first counts.
func (e *event) note(name, params, value string) {
	if name == "ATTENDEE" {
		if e.invited++; e.invited <= maxAttendees {
			e.attendees = append(e.attendees, attendee(params, value))
		}
		return
	}
	if _, twice := e.fields[name]; !twice {
		e.fields[name] = calendarValue(name, params, value)
	}
}

// contentLine splits NAME;PARAMS:VALUE. A colon within quotes is a parameter's.
func contentLine(line string) (name, params, value string) {
	quoted := false
	for i, r := range line {
		switch {
		case r == '"':
			quoted = !quoted
		case r == ':' && !quoted:
			name, params, _ = strings.Cut(line[:i], ";")
			return strings.ToUpper(name), params, strings.TrimSpace(line[i+1:])
		}
	}
	return "", "", ""
}

// calendarValue makes a value readable.
func calendarValue(name, params, value string) string {
	switch name {
	case "DTSTART", "DTEND", "RECURRENCE-ID":
		return calendarTime(params, value)
	case "ORGANIZER":
		return calendarPerson(params, value)
	case "RRULE":
		return recurrence(value)
	}
	return strings.NewReplacer(`\n`, " ", `\N`, " ", `\,`, ",", `\;`, ";", `\\`, `\`).Replace(value)
}

// calendarPerson is a name and address.
func calendarPerson(params, value string) string {
	address := value
	if len(value) >= 7 && strings.EqualFold(value[:7], "mailto:") {
		address = value[7:]
	}
	if cn := calendarParam(params, "CN"); cn != "" && cn != address {
		return cn + " <" + address + ">"
	}
	return address
}

// attendee is a person and what they have answered.
func attendee(params, value string) string {
	person := calendarPerson(params, value)
	switch answer := strings.ToLower(calendarParam(params, "PARTSTAT")); answer {
	case "accepted", "declined", "tentative", "delegated":
		return person + " (" + answer + ")"
	}
	return person
}

func calendarParam(params, name string) string {
	for p := range strings.SplitSeq(params, ";") {
		if k, v, ok := strings.Cut(p, "="); ok && strings.EqualFold(k, name) {
			return strings.Trim(v, `"`)
		}
	}
	return ""
}

// calendarTime shows a date or a time with its zone, as the invitation has it.
func calendarTime(params, value string) string {
	for _, form := range [...]struct{ layout, shown string }{
		{"20060102T150405Z", "2006-01-02 15:04 UTC"},
		{"20060102T150405", "2006-01-02 15:04"},
		{"20060102", "2006-01-02"},
	} {
		t, err := time.Parse(form.layout, value)
		if err != nil {
			continue
		}
		shown := t.Format(form.shown)
		if form.layout == "20060102T150405" {
			if zone := calendarParam(params, "TZID"); zone != "" {
				return shown + " (" + zone + ")"
			}
			return shown + " (no zone given)"
		}
		return shown
	}
	return value
}

// recurrence says in words how an event repeats, as far as that takes no
// calendar, and gives the rest of the rule as it is.
func recurrence(rule string) string {
	every, step, rest := "", "", []string{}
	for part := range strings.SplitSeq(rule, ";") {
		key, value, _ := strings.Cut(part, "=")
		switch strings.ToUpper(key) {
		case "FREQ":
			every = strings.ToLower(value)
		case "INTERVAL":
			step = value
		case "UNTIL":
			rest = append(rest, "until "+calendarTime("TZID=local time", value))
		case "COUNT":
			rest = append(rest, value+" times")
		case "BYDAY":
			rest = append(rest, "on "+strings.ReplaceAll(value, ",", ", "))
		case "WKST", "":
		default:
			rest = append(rest, part)
		}
	}
	if step != "" && step != "1" {
		every += ", every " + step
	}
	if len(rest) == 0 {
		return every
	}
	return strings.TrimPrefix(every+", ", ", ") + strings.Join(rest, ", ")
}

// titles are what the methods of RFC 5546 are about.
var titles = map[string]string{
	"REQUEST": "Calendar invitation", "CANCEL": "Calendar cancellation", "REPLY": "Calendar reply",
	"COUNTER": "Calendar counter-proposal", "PUBLISH": "Calendar announcement", "ADD": "Calendar addition",
	"REFRESH": "Calendar request for the latest version", "DECLINECOUNTER": "Calendar refusal of a counter-proposal",
}

func (e *event) text() string {
	when := e.fields["DTSTART"]
	switch end := e.fields["DTEND"]; {
	case end != "" && end != when:
		when += " to " + end
	case end == "" && e.fields["DURATION"] != "":
		when += " for " + e.fields["DURATION"]
	}
	title := titles[strings.ToUpper(e.method)]
	if title == "" {
		title = "Calendar entry"
	}
	if strings.EqualFold(e.fields["STATUS"], "CANCELLED") && !strings.EqualFold(e.method, "CANCEL") {
		title += " (cancelled)"
	}
	attendees := strings.Join(e.attendees, ", ")
	if more := e.invited - len(e.attendees); more > 0 {
		attendees += fmt.Sprintf(" and %d more", more)
	}
	lines := []string{title}
	for _, row := range [...]struct{ name, value string }{
		{"What", e.fields["SUMMARY"]},
		{"When", when},
		{"Repeats", e.fields["RRULE"]},
		{"Only the one of", e.fields["RECURRENCE-ID"]},
		{"Where", e.fields["LOCATION"]},
		{"Organizer", e.fields["ORGANIZER"]},
		{"Attendees", attendees},
		{"Notes", e.fields["DESCRIPTION"]},
	} {
		most := maxCalendarText
		if row.name == "Attendees" { // bounded one by one
			most *= 4
		}
		if value, _ := cleanLine(row.value); strings.TrimSpace(value) != "" {
			lines = append(lines, row.name+": "+firstRunes(strings.TrimSpace(value), most))
		}
	}
	if e.others > 0 {
		lines = append(lines, fmt.Sprintf("Further entries in the same invitation: %d", e.others))
	}
	return strings.Join(lines, "\n")
}
