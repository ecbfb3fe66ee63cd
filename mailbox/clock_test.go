package mailbox_test

import (
	"testing"
	"time"
	_ "time/tzdata" // the same zones everywhere

	"linkmail/mailbox"
)

func TestADayBeginsAtItsFirstInstant(t *testing.T) {
	for _, one := range []struct{ zone, wall, want string }{
		{"America/Havana", "2026-03-08T00:00:00", "2026-03-08T01:00:00-04:00"}, // midnight is skipped
		{"America/Havana", "2026-03-08T00:30:00", "2026-03-08T01:00:00-04:00"},
		{"America/Havana", "2026-03-08T01:00:00", "2026-03-08T01:00:00-04:00"},
		{"America/Havana", "2026-03-07T23:59:59", "2026-03-07T23:59:59-05:00"},
		{"America/Havana", "2026-11-01T00:00:00", "2026-11-01T00:00:00-04:00"}, // midnight comes twice
		{"America/Havana", "2026-11-01T00:59:59", "2026-11-01T00:59:59-04:00"},
		{"America/Havana", "2026-11-01T01:00:00", "2026-11-01T01:00:00-05:00"},
		{"America/Santiago", "2026-09-06T00:00:00", "2026-09-06T01:00:00-03:00"},
		{"America/Santiago", "2026-04-05T00:00:00", "2026-04-05T00:00:00-04:00"}, // after 23 o'clock came twice
		{"America/Santiago", "2026-04-04T23:00:00", "2026-04-04T23:00:00-03:00"},
		{"Africa/Cairo", "2026-04-24T00:00:00", "2026-04-24T01:00:00+03:00"},
		{"Africa/Cairo", "2026-10-30T00:00:00", "2026-10-30T00:00:00+02:00"},
		{"Asia/Beirut", "2026-03-29T00:00:00", "2026-03-29T01:00:00+03:00"},
		{"Asia/Beirut", "2026-10-25T00:00:00", "2026-10-25T00:00:00+02:00"},
		{"Europe/Berlin", "2026-03-29T00:00:00", "2026-03-29T00:00:00+01:00"},
		{"Europe/Berlin", "2026-03-29T02:30:00", "2026-03-29T03:00:00+02:00"},
		{"Europe/Berlin", "2026-10-25T02:30:00", "2026-10-25T02:30:00+02:00"},
		{"Pacific/Apia", "2011-12-30T00:00:00", "2011-12-31T00:00:00+14:00"}, // a day that was not
		{"America/St_Johns", "2006-10-29T00:00:00", "2006-10-29T00:00:00-02:30"},
		{"UTC", "2026-03-08T00:00:00", "2026-03-08T00:00:00Z"},
	} {
		zone, err := time.LoadLocation(one.zone)
		if err != nil {
			t.Fatal(err)
		}
		wall, err := time.Parse("2006-01-02T15:04:05", one.wall)
		if err != nil {
			t.Fatal(err)
		}
		if got := mailbox.FirstInstant(wall, zone).Format(time.RFC3339); got != one.want {
			t.Errorf("%s in %s: got %s, want %s", one.wall, one.zone, got, one.want)
		}
	}
}
