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
// does not know (calc, variables) is taken for the parent's.
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
	}
	return 0, false
}

// numberOf reads a number or a percentage, 1 being the whole.
func numberOf(value string) (float64, bool) {
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

// rgba is a colour; components go from 0 to 255, alpha from 0 to 1. A colour
// that cannot be computed has a name instead, and equals only itself.
type rgba struct {
	r, g, b, a float64
	name       string
}

var (
	black = rgba{a: 1}
	white = rgba{255, 255, 255, 1, ""}
	blue  = rgba{0, 0, 238, 1, ""} // of links
)

// over is c painted on what is behind it.
func (c rgba) over(behind rgba) rgba {
	if c.name != "" || c.a >= 1 {
		return c
	}
	if behind.name != "" {
		if c.a <= 0 {
			return behind
		}
		return rgba{name: "a mix"}
	}
	mix := func(x, y float64) float64 { return x*c.a + y*(1-c.a) }
	return rgba{mix(c.r, behind.r), mix(c.g, behind.g), mix(c.b, behind.b), 1, ""}
}

// like reports whether nobody can tell the two opaque colours apart.
func (c rgba) like(d rgba) bool {
	if c.name != "" || d.name != "" {
		return c.name == d.name
	}
	const difference = 16 // of 255; pale footers in mail differ by 30 and more
	return math.Abs(c.r-d.r) <= difference && math.Abs(c.g-d.g) <= difference && math.Abs(c.b-d.b) <= difference
}

// colorOf reads a colour. Every value is one: what cannot be computed is named.
func colorOf(value string) rgba {
	if hex, ok := namedColors[value]; ok {
		value = "#" + hex
	}
	hex, ok := strings.CutPrefix(value, "#")
	if !ok && (len(value) == 6 || len(value) == 3) { // bgcolor=ffffff
		ok, hex = true, value
	}
	if c, valid := hexColor(hex); ok && valid {
		return c
	}
	if value == "transparent" {
		return rgba{}
	}
	for _, f := range []string{"rgb", "rgba"} {
		if c, ok := rgbColor(arguments(value, f)); ok {
			return c
		}
	}
	for _, f := range []string{"hsl", "hsla"} {
		if c, ok := hslColor(arguments(value, f)); ok {
			return c
		}
	}
	return rgba{name: value}
}

func hexColor(hex string) (rgba, bool) {
	var d [8]float64
	if len(hex) > len(d) {
		return rgba{}, false
	}
	for i := range len(hex) {
		n := hexDigit(hex[i])
		if n < 0 {
			return rgba{}, false
		}
		d[i] = float64(n)
	}
	switch len(hex) {
	case 3:
		return rgba{d[0] * 17, d[1] * 17, d[2] * 17, 1, ""}, true
	case 4:
		return rgba{d[0] * 17, d[1] * 17, d[2] * 17, d[3] / 15, ""}, true
	case 6:
		return rgba{d[0]*16 + d[1], d[2]*16 + d[3], d[4]*16 + d[5], 1, ""}, true
	case 8:
		return rgba{d[0]*16 + d[1], d[2]*16 + d[3], d[4]*16 + d[5], (d[6]*16 + d[7]) / 255, ""}, true
	}
	return rgba{}, false
}

func rgbColor(args []string) (rgba, bool) {
	if len(args) != 3 && len(args) != 4 {
		return rgba{}, false
	}
	var n [3]float64
	for i := range n {
		v, ok := numberOf(args[i])
		if !ok {
			return rgba{}, false
		}
		if strings.HasSuffix(args[i], "%") {
			v *= 255
		}
		n[i] = min(max(v, 0), 255)
	}
	return rgba{n[0], n[1], n[2], alphaOf(args), ""}, true
}

func alphaOf(args []string) float64 {
	if len(args) < 4 {
		return 1
	}
	a, ok := numberOf(args[3])
	if !ok {
		return 1
	}
	return min(max(a, 0), 1)
}

func hslColor(args []string) (rgba, bool) {
	if len(args) != 3 && len(args) != 4 {
		return rgba{}, false
	}
	h, ok1 := numberOf(strings.TrimSuffix(args[0], "deg"))
	s, ok2 := numberOf(args[1])
	l, ok3 := numberOf(args[2])
	if !ok1 || !ok2 || !ok3 || math.IsInf(h, 0) {
		return rgba{}, false
	}
	s, l = min(max(s, 0), 1), min(max(l, 0), 1)
	// CSS Color 4, section 7.1.
	f := func(n float64) float64 {
		k := math.Mod(math.Mod(n+h/30, 12)+12, 12)
		return 255 * (l - s*min(l, 1-l)*max(-1, min(k-3, 9-k, 1)))
	}
	return rgba{f(0), f(8), f(4), alphaOf(args), ""}, true
}

// namedColors are those that text is hidden with: near white, near black, and
// the basic ones. The others are compared by name.
var namedColors = map[string]string{
	"black": "000", "white": "fff", "red": "f00", "green": "008000", "lime": "0f0", "blue": "00f", "navy": "000080",
	"yellow": "ff0", "orange": "ffa500", "purple": "800080", "fuchsia": "f0f", "magenta": "f0f", "aqua": "0ff", "cyan": "0ff",
	"teal": "008080", "maroon": "800000", "olive": "808000", "silver": "c0c0c0", "gray": "808080", "grey": "808080",
	"snow": "fffafa", "ghostwhite": "f8f8ff", "whitesmoke": "f5f5f5", "floralwhite": "fffaf0", "ivory": "fffff0",
	"mintcream": "f5fffa", "azure": "f0ffff", "aliceblue": "f0f8ff", "honeydew": "f0fff0", "seashell": "fff5ee",
	"lavenderblush": "fff0f5", "oldlace": "fdf5e6", "linen": "faf0e6", "lightyellow": "ffffe0", "beige": "f5f5dc",
	"cornsilk": "fff8dc", "lavender": "e6e6fa", "lightcyan": "e0ffff", "gainsboro": "dcdcdc",
	"lightgray": "d3d3d3", "lightgrey": "d3d3d3", "darkgray": "a9a9a9", "darkgrey": "a9a9a9",
	"dimgray": "696969", "dimgrey": "696969", "darkslategray": "2f4f4f", "midnightblue": "191970",
}
