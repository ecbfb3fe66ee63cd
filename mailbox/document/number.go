package document

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// numberFormat is how a cell shows a number: plain, or as a date, a time or a
// percentage. Everything else that a format says is decoration.
type numberFormat string

const (
	asDate    numberFormat = "date"
	asTime    numberFormat = "time"
	asBoth    numberFormat = "date and time"
	asPercent numberFormat = "percentage"
)

// styles reads which styles show which format.
func (a *archive) styles(part string, b *book) error {
	codes := map[int64]string{}
	inCells := false
	err := a.visit(part, visitor{
		start: func(name string, attr attributes) {
			switch name {
			case "numFmt":
				if len(codes) < maxEntries {
					codes[integer(attr.get("numFmtId"))] = attr.get("formatCode")
				}
			case "cellXfs":
				inCells = true
			case "xf":
				if inCells && len(b.formats) < 1<<16 {
					id := integer(attr.get("numFmtId"))
					b.formats = append(b.formats, formatOf(id, codes[id]))
				}
			}
		},
		end: func(name string) {
			if name == "cellXfs" {
				inCells = false
			}
		},
	})
	if err != nil {
		return reason(err)
	}
	return nil
}

// formatOf tells what a format shows: one of those that have only a number
// (ECMA-376, 18.8.30), or one that is written out.
func formatOf(id int64, code string) numberFormat {
	switch {
	case code == "" && (id >= 14 && id <= 17 || id >= 27 && id <= 31 || id >= 50 && id <= 54 || id >= 57 && id <= 58):
		return asDate
	case code == "" && (id >= 18 && id <= 21 || id >= 32 && id <= 35 || id >= 45 && id <= 47):
		return asTime
	case code == "" && id == 22:
		return asBoth
	case code == "" && (id == 9 || id == 10):
		return asPercent
	}
	code, _, _ = strings.Cut(bare(code), ";")
	date := strings.ContainsAny(code, "yd")
	clock := strings.ContainsAny(code, "hs")
	switch {
	case date && clock:
		return asBoth
	case date:
		return asDate
	case clock:
		return asTime
	case strings.Contains(code, "m"):
		return asDate
	case strings.Contains(code, "%"):
		return asPercent
	}
	return ""
}

// bare removes from a format what is shown as it stands, and its conditions.
func bare(code string) string {
	var b strings.Builder
	code = strings.ToLower(strings.ReplaceAll(code, "General", ""))
	for i := 0; i < len(code); i++ {
		switch code[i] {
		case '\\', '_', '*':
			i++
		case '"', '[':
			end := byte('"')
			if code[i] == '[' {
				end = ']'
			}
			n := strings.IndexByte(code[i+1:], end)
			if n < 0 {
				return b.String()
			}
			// [h] and [mm] count hours and minutes beyond a day.
			if inner := code[i+1 : i+1+n]; end == ']' && strings.Trim(inner, "hms") == "" {
				b.WriteString(inner)
			}
			i += n + 1
		default:
			b.WriteByte(code[i])
		}
	}
	return b.String()
}

// show returns a number in its format.
func (f numberFormat) show(n float64, mac bool) string {
	const lastDay = 2_958_466 // the last day of 9999
	switch {
	case f == asPercent:
		return plainNumber(n*100) + "%"
	case f == "" || n < 0 || n >= lastDay:
		return plainNumber(n)
	}
	day := time.Date(1899, time.December, 30, 0, 0, 0, 0, time.UTC)
	if mac {
		day = time.Date(1904, time.January, 1, 0, 0, 0, 0, time.UTC)
	}
	whole, fraction := math.Modf(n)
	at := day.AddDate(0, 0, int(whole)).Add(time.Duration(math.Round(fraction*86_400)) * time.Second)
	clock := "15:04"
	if at.Second() != 0 {
		clock = "15:04:05"
	}
	switch {
	case f == asTime && whole == 0:
		return at.Format(clock)
	case f == asDate && fraction == 0:
		return at.Format(time.DateOnly)
	case f == asTime:
		return plainNumber(math.Round(n*24*100)/100) + " hours"
	}
	return at.Format(time.DateOnly + " " + clock)
}

// plainNumber writes a number without the last digits, in which calculations
// leave their rounding.
func plainNumber(n float64) string {
	s := strconv.FormatFloat(n, 'g', 15, 64)
	rounded, err := strconv.ParseFloat(s, 64)
	if err != nil || math.Abs(rounded) >= 1e15 || rounded != 0 && math.Abs(rounded) < 1e-6 {
		return s
	}
	return strconv.FormatFloat(rounded, 'f', -1, 64)
}
