package standin

import (
	"strconv"
	"strings"
	"time"
)

// pst is the zone in which Gmail's API reads dates.
var pst = time.FixedZone("PST", -8*60*60)

// measure is the term for the operators that compare a date or a size; nil if
// the value is neither.
func measure(operator, value string) term {
	switch operator {
	case "after", "newer", "before", "older":
		at, epoch, ok := parseDate(value)
		if !ok {
			return nil
		}
		return predicate(func(_ *queryEnv, r *row) bool {
			if operator == "before" || operator == "older" {
				return r.at.Before(at)
			}
			if epoch { // both ends of a range in seconds are open
				return r.at.Unix() > at.Unix()
			}
			return !r.at.Before(at)
		})
	case "older_than", "newer_than":
		if _, ok := ago(time.Time{}, value); !ok {
			return nil
		}
		return predicate(func(env *queryEnv, r *row) bool {
			limit, _ := ago(env.now, value)
			return r.at.Before(limit) == (operator == "older_than")
		})
	case "size", "larger", "smaller":
		size, ok := parseSize(value)
		if !ok {
			return nil
		}
		return predicate(func(_ *queryEnv, r *row) bool {
			if operator == "smaller" {
				return len(r.raw()) < size
			}
			return len(r.raw()) > size
		})
	}
	return nil
}

func parseDate(value string) (at time.Time, epoch, ok bool) {
	if n, err := strconv.ParseInt(value, 10, 64); err == nil && len(value) > 4 {
		return time.Unix(n, 0), true, true
	}
	value = strings.ReplaceAll(value, "-", "/")
	for _, layout := range []string{"2006/1/2", "1/2/2006"} {
		if t, err := time.ParseInLocation(layout, value, pst); err == nil {
			return t, false, true
		}
	}
	return time.Time{}, false, false
}

// ago is how long before now "2d", "3m", "1y" or "12h" is.
func ago(now time.Time, value string) (time.Time, bool) {
	if value == "" {
		return time.Time{}, false
	}
	n, err := strconv.Atoi(value[:len(value)-1])
	if err != nil || n < 0 || n > 100_000 {
		return time.Time{}, false
	}
	switch value[len(value)-1] {
	case 'h':
		return now.Add(-time.Duration(n) * time.Hour), true
	case 'd':
		return now.AddDate(0, 0, -n), true
	case 'm':
		return now.AddDate(0, -n, 0), true
	case 'y':
		return now.AddDate(-n, 0, 0), true
	}
	return time.Time{}, false
}

func parseSize(value string) (int, bool) {
	value = strings.ToLower(value)
	factor := 1
	for suffix, f := range map[string]int{"k": 1 << 10, "m": 1 << 20} {
		if rest, ok := strings.CutSuffix(value, suffix); ok {
			value, factor = rest, f
		}
	}
	n, err := strconv.ParseInt(value, 10, 32)
	return int(n) * factor, err == nil && n >= 0
}
