package mailbox

import "time"

// FirstInstant returns the first instant at which the clocks in zone show what
// wall shows, whatever zone wall is in. Where they are put forward over that,
// it is the instant at which they are: a day whose midnight is skipped begins
// at one o'clock. Where they are put back, they show it twice.
func FirstInstant(wall time.Time, zone *time.Location) time.Time {
	year, month, day := wall.Date()
	t := time.Date(year, month, day, wall.Hour(), wall.Minute(), wall.Second(), wall.Nanosecond(), zone)
	start, end := t.ZoneBounds()
	// What is skipped may be given as an instant on either side of the gap.
	switch shown(t).Compare(shown(wall)) {
	case -1:
		return end
	case 1:
		return start
	}
	if start.IsZero() {
		return t
	}
	_, now := t.Zone()
	_, before := start.Add(-time.Nanosecond).Zone()
	if earlier := t.Add(time.Duration(now-before) * time.Second); earlier.Before(start) {
		return earlier
	}
	return t
}

// shown is what a clock shows, as if it stood in Greenwich.
func shown(t time.Time) time.Time {
	_, offset := t.Zone()
	return t.UTC().Add(time.Duration(offset) * time.Second)
}
