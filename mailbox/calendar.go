package mailbox

import (
	"strings"
	"time"
)

// maxCalendar bounds the invitation that is looked at, in bytes.
const maxCalendar = 256 << 10

// summarizeCalendar says in some lines what an invitation (RFC 5545) invites
// to: its first event. It returns nothing if there is none.
func summarizeCalendar(s string) string {
	if len(s) > maxCalendar {
		s = s[:maxCalendar]
	}
	s = strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
	s = strings.NewReplacer("\n ", "", "\n\t", "").Replace(s) // unfold
	fields := map[string]string{}
	inEvent, nested := false, 0
	for line := range strings.SplitSeq(s, "\n") {
		name, params, value := contentLine(line)
		switch {
		case name == "METHOD" && !inEvent:
			fields[name] = value
		case name == "BEGIN" && strings.EqualFold(value, "VEVENT") && !inEvent:
			inEvent = true
		case name == "BEGIN" && inEvent:
			nested++ // an alarm has a DESCRIPTION and a TRIGGER of its own
		case name == "END" && inEvent && nested > 0:
			nested--
		case name == "END" && inEvent:
			return calendarText(fields)
		case inEvent && nested == 0:
			if _, twice := fields[name]; !twice {
				fields[name] = calendarValue(name, params, value)
			}
		}
	}
	return ""
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
	case "DTSTART", "DTEND":
		return calendarTime(params, value)
	case "ORGANIZER":
		address := value
		if len(value) >= 7 && strings.EqualFold(value[:7], "mailto:") {
			address = value[7:]
		}
		if cn := calendarParam(params, "CN"); cn != "" && cn != address {
			return cn + " <" + address + ">"
		}
		return address
	}
	return strings.NewReplacer(`\n`, " ", `\N`, " ", `\,`, ",", `\;`, ";", `\\`, `\`).Replace(value)
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
		if zone := calendarParam(params, "TZID"); zone != "" && form.layout == "20060102T150405" {
			shown += " (" + zone + ")"
		}
		return shown
	}
	return value
}

func calendarText(fields map[string]string) string {
	when := fields["DTSTART"]
	if end := fields["DTEND"]; end != "" && end != when {
		when += " to " + end
	}
	title := "Calendar entry"
	switch strings.ToUpper(fields["METHOD"]) {
	case "REQUEST":
		title = "Calendar invitation"
	case "CANCEL":
		title = "Calendar cancellation"
	case "REPLY":
		title = "Calendar reply"
	}
	lines := []string{title}
	for _, row := range [...]struct{ name, value string }{
		{"What", fields["SUMMARY"]}, {"When", when}, {"Where", fields["LOCATION"]}, {"Organizer", fields["ORGANIZER"]},
	} {
		if value, _ := cleanLine(row.value); strings.TrimSpace(value) != "" {
			lines = append(lines, row.name+": "+strings.TrimSpace(value))
		}
	}
	return strings.Join(lines, "\n")
}
