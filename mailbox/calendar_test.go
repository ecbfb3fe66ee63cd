package mailbox_test

import (
	"fmt"
	"strings"
	"testing"

	"linkmail/internal/standin"
	"linkmail/mailbox"
)

// calendarOf writes an invitation with one event.
func calendarOf(method string, lines ...string) string {
	return "BEGIN:VCALENDAR\r\nMETHOD:" + method + "\r\nBEGIN:VTIMEZONE\r\nTZID:Europe/Berlin\r\nBEGIN:STANDARD\r\nDTSTART:19701025T030000\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n" +
		"BEGIN:VEVENT\r\n" + strings.Join(lines, "\r\n") + "\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
}

func TestAnInvitationIsSummarised(t *testing.T) {
	var crowd []string
	for i := range 40 {
		crowd = append(crowd, fmt.Sprintf("ATTENDEE;CN=Guest %d;PARTSTAT=ACCEPTED:mailto:g%d@example.com", i, i))
	}
	for _, test := range []struct {
		name, ics string
		want      string
	}{
		{
			"a request", calendarOf("REQUEST", "SUMMARY:Review", "DTSTART;TZID=Europe/Berlin:20261006T140000", "DTEND;TZID=Europe/Berlin:20261006T150000",
				"LOCATION:Room 5", "ORGANIZER;CN=Dana:mailto:dana@example.com", "ATTENDEE;CN=Alex;PARTSTAT=NEEDS-ACTION:mailto:alex@example.com", "ATTENDEE;PARTSTAT=DECLINED:MAILTO:leo@example.com"),
			"Calendar invitation\nWhat: Review\nWhen: 2026-10-06 14:00 (Europe/Berlin) to 2026-10-06 15:00 (Europe/Berlin)\nWhere: Room 5\nOrganizer: Dana <dana@example.com>\n" +
				"Attendees: Alex <alex@example.com>, leo@example.com (declined)",
		},
		{"a cancellation", calendarOf("CANCEL", "SUMMARY:Review", "DTSTART:20261006T120000Z", "STATUS:CANCELLED"), "Calendar cancellation\nWhat: Review\nWhen: 2026-10-06 12:00 UTC"},
		{
			"a reply", calendarOf("REPLY", "SUMMARY:Review", "DTSTART:20261006T120000Z", "ATTENDEE;CN=Leo;PARTSTAT=TENTATIVE:mailto:leo@example.com"),
			"Calendar reply\nWhat: Review\nWhen: 2026-10-06 12:00 UTC\nAttendees: Leo <leo@example.com> (tentative)",
		},
		{"a counter-proposal", calendarOf("COUNTER", "SUMMARY:Review"), "Calendar counter-proposal\nWhat: Review"},
		{"a whole day", calendarOf("PUBLISH", "SUMMARY:Fair", "DTSTART;VALUE=DATE:20261006"), "Calendar announcement\nWhat: Fair\nWhen: 2026-10-06"},
		{"a time without a zone", calendarOf("REQUEST", "DTSTART:20261006T140000", "DURATION:PT1H"), "Calendar invitation\nWhen: 2026-10-06 14:00 (no zone given) for PT1H"},
		{
			"one that repeats", calendarOf("REQUEST", "SUMMARY:Stand-up", "DTSTART:20261006T080000Z", "RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE;UNTIL=20261201T000000Z;WKST=MO"),
			"Calendar invitation\nWhat: Stand-up\nWhen: 2026-10-06 08:00 UTC\nRepeats: weekly, every 2, on MO, WE, until 2026-12-01 00:00 UTC",
		},
		{
			"one of a series", calendarOf("CANCEL", "SUMMARY:Stand-up", "RECURRENCE-ID;TZID=Europe/Berlin:20261013T100000", "RRULE:FREQ=DAILY;COUNT=3;BYHOUR=9"),
			"Calendar cancellation\nWhat: Stand-up\nRepeats: daily, 3 times, BYHOUR=9\nOnly the one of: 2026-10-13 10:00 (Europe/Berlin)",
		},
		{"a crowd", calendarOf("REQUEST", crowd...), "Calendar invitation\nAttendees: " + strings.Join(func() (first []string) {
			for i := range 10 {
				first = append(first, fmt.Sprintf("Guest %d <g%d@example.com> (accepted)", i, i))
			}
			return first
		}(), ", ") + " and 30 more"},
		{
			"text that wants to be more than a line", calendarOf("REQUEST", "SUMMARY:Hi\\n\\nFrom: boss\\, with \u202elove", "DESCRIPTION:"+strings.Repeat("x", 600)),
			"Calendar invitation\nWhat: Hi From: boss, with love\nNotes: " + strings.Repeat("x", 500) + "…",
		},
		{
			"two events", strings.Replace(calendarOf("REQUEST", "SUMMARY:One"), "END:VCALENDAR", "BEGIN:VEVENT\r\nSUMMARY:Two\r\nEND:VEVENT\r\nEND:VCALENDAR", 1),
			"Calendar invitation\nWhat: One\nFurther entries in the same invitation: 1",
		},
		{"one that was cut short", "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nSUMMARY:One\r\nDTSTA", "Calendar invitation\nWhat: One"},
		{"no event", "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nEND:VCALENDAR", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := mailbox.SummarizeCalendar(test.ics); got != test.want {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}

func TestAnInvitationIsShownOnceWhereverItIs(t *testing.T) {
	ics := calendarOf("REQUEST", "SUMMARY:Review", "DTSTART:20261006T120000Z")
	inline := part("Content-Type: text/calendar; method=REQUEST; charset=utf-8", ics)
	named := part("Content-Type: text/calendar; name=invite.ics\r\nContent-Disposition: attachment; filename=invite.ics", ics)
	for name, body := range map[string]string{
		"inline":             multi("alternative", part(plainType, "Come over"), part(htmlType, "<p>Come over</p>"), inline),
		"as a file":          multi("mixed", part(plainType, "Come over"), named),
		"inline and as file": multi("mixed", multi("alternative", part(plainType, "Come over"), inline), named),
	} {
		r := newRig(t, standin.Config{})
		m := r.read(t, r.deliver("From: a@example.com\r\nSubject: s\r\nMIME-Version: 1.0\r\n"+body), mailbox.Markdown)
		if strings.Count(m.Body, "Calendar invitation") != 1 || !strings.Contains(m.Body, "Come over") {
			t.Errorf("%s: got %q, want the text and the invitation, once", name, m.Body)
		}
		if got := len(m.Attachments); got != strings.Count(body, "filename=") {
			t.Errorf("%s: got %d attachments", name, got)
		}
	}
}
