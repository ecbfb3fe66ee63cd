package mailbox

import (
	"math"
	"strconv"
	"strings"
)

// rootSize is the font size that browsers start from, in CSS pixels.
const rootSize = 16

var fontSizes = map[string]float64{
	"xx-small": 9, "x-small": 10, "small": 13, "medium": rootSize, "large": 18, "x-large": 24, "xx-large": 32, "xxx-large": 48,
}

// fontSizeOf computes a font-size in pixels from that of the parent. What it
// does not know (variables) is taken for the parent's.
func fontSizeOf(value string, parent float64) float64 {
	if px, ok := fontSizes[value]; ok {
		return px
	}
	switch value {
	case "smaller":
		return parent / 1.2
	case "larger":
		return parent * 1.2
	case "initial":
		return rootSize
	}
	px, ok := lengthOf(value, parent, parent)
	if _, unitless := numberOf(value); !ok || px < 0 || unitless && px != 0 && !strings.HasSuffix(value, "%") {
		return parent
	}
	return px
}

// lengthOf computes a length in pixels; a percentage is of whole, which is NaN
// where it is not known.
func lengthOf(value string, em, whole float64) (px float64, ok bool) {
	if strings.HasSuffix(value, ")") {
		return calculate(value, func(v string) (float64, bool) { return lengthOf(v, em, whole) })
	}
	i := len(value)
	for i > 0 && (value[i-1] == '%' || 'a' <= value[i-1] && value[i-1] <= 'z') {
		i--
	}
	n, err := strconv.ParseFloat(value[:i], 64)
	if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
		return 0, false
	}
	switch value[i:] {
	case "", "px": // mail leaves the unit out, and most readers take pixels
		return n, true
	case "pt":
		return n * 4 / 3, true
	case "pc":
		return n * 16, true
	case "in":
		return n * 96, true
	case "cm":
		return n * 96 / 2.54, true
	case "mm":
		return n * 96 / 25.4, true
	case "em":
		return n * em, true
	case "rem":
		return n * rootSize, true
	case "ex", "ch":
		return n * em / 2, true
	case "vw", "vh":
		return n * screenWidth / 100, true
	case "%":
		px = n * whole / 100
		return px, !math.IsNaN(px)
	case "q":
		return n * 96 / 101.6, true
	}
	return 0, n == 0 // nothing is nothing in every unit
}

// numberOf reads a number or a percentage, 1 being the whole.
func numberOf(value string) (float64, bool) {
	if strings.HasSuffix(value, ")") {
		return calculate(value, numberOf)
	}
	divisor := 1.0
	if v, ok := strings.CutSuffix(value, "%"); ok {
		value, divisor = v, 100
	}
	n, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
	return n / divisor, err == nil && !math.IsNaN(n)
}

// arguments returns what stands in the parentheses of name(...) in value,
// split at commas, slashes and spaces; nil if name does not occur.
func arguments(value, name string) []string {
	i := strings.Index(value, name+"(")
	if i < 0 || i > 0 && (value[i-1] == '-' || 'a' <= value[i-1] && value[i-1] <= 'z') {
		return nil
	}
	inside, _, ok := strings.Cut(value[i+len(name)+1:], ")")
	if !ok {
		return nil
	}
	return strings.FieldsFunc(inside, func(r rune) bool { return r == ',' || r == '/' || r == ' ' })
}
