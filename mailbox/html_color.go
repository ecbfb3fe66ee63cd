package mailbox

import (
	"math"
	"slices"
	"strings"
)

// rgba is a colour; components go from 0 to 255, alpha from 0 to 1. A colour
// that cannot be computed has a name instead, and equals only itself.
type rgba struct {
	r, g, b, a float64
	name       string
}

var (
	black = rgba{a: 1}
	white = rgba{255, 255, 255, 1, ""}
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
	if c, ok := functionColor(value); ok {
		return c
	}
	return rgba{name: value}
}

// functionColor reads the newer functions of CSS Color 4 and 5, as far as they
// are without a hue: what hides text is white, black, a grey or transparent.
func functionColor(value string) (rgba, bool) {
	switch value {
	case "canvas", "field", "window":
		return white, true
	case "canvastext", "fieldtext", "buttontext", "windowtext":
		return black, true
	}
	if inside, ok := strings.CutPrefix(value, "color-mix("); ok {
		return mixedColor(strings.TrimSuffix(inside, ")"))
	}
	if words := strings.Fields(value); len(words) == 5 && strings.HasSuffix(words[0], "(from") {
		unchanged := map[string]string{"rgb": "r g b)", "hsl": "h s l)", "hwb": "h w b)", "lab": "l a b)", "lch": "l c h)", "oklab": "l a b)", "oklch": "l c h)"}
		if unchanged[strings.TrimSuffix(words[0], "(from")] == strings.Join(words[2:], " ") {
			return colorOf(words[1]), true
		}
	}
	if inside, ok := strings.CutPrefix(value, "light-dark("); ok {
		if i := indexOutside(inside, ",)"); i >= 0 {
			return colorOf(strings.TrimSpace(inside[:i])), true
		}
	}
	if args := arguments(value, "color"); len(args) >= 4 && args[0] == "srgb" {
		return channels(args[1:], func(n [3]float64) (rgb [3]float64, ok bool) { return n, true })
	}
	if args := arguments(value, "hwb"); len(args) >= 3 {
		return channels(args, func(n [3]float64) (rgb [3]float64, ok bool) {
			grey := n[1] / max(n[1]+n[2], 1)
			return [3]float64{grey, grey, grey}, n[1]+n[2] > 0.97
		})
	}
	for _, f := range [...]struct {
		name  string
		whole float64 // of the lightness, as a number
	}{{"lab", 100}, {"lch", 100}, {"oklab", 1}, {"oklch", 1}} {
		if args := arguments(value, f.name); len(args) >= 3 {
			return channels(args, func(n [3]float64) (rgb [3]float64, ok bool) {
				light, chroma := n[0], math.Abs(n[1])
				if !strings.HasSuffix(args[0], "%") {
					light /= f.whole
				}
				if strings.HasSuffix(f.name, "lab") {
					chroma += math.Abs(n[2])
				}
				return [3]float64{light, light, light}, chroma < 0.03*f.whole || light > 0.98
			})
		}
	}
	return rgba{}, false
}

// mixedColor reads what stands in color-mix(): two colours, perhaps with their
// shares. Whatever space they are mixed in, what hides text is near one of them.
func mixedColor(inside string) (rgba, bool) {
	const deepest = 200 // bytes; mixes of mixes are seldom longer
	parts := slices.Collect(splitOutside(inside, ','))
	if len(parts) != 3 || len(inside) > deepest {
		return rgba{}, false
	}
	var mixed [2]rgba
	shares := [2]float64{-1, -1}
	for i, part := range parts[1:] {
		for word := range splitOutside(strings.TrimSpace(part), ' ') {
			if n, ok := numberOf(word); ok && strings.HasSuffix(word, "%") {
				shares[i] = min(max(n, 0), 1)
			} else if word != "" {
				mixed[i] = colorOf(word)
			}
		}
	}
	switch {
	case mixed[0].name != "" || mixed[1].name != "":
		return rgba{}, false
	case shares[0] < 0 && shares[1] < 0:
		shares = [2]float64{0.5, 0.5}
	case shares[0] < 0:
		shares[0] = 1 - shares[1]
	case shares[1] < 0:
		shares[1] = 1 - shares[0]
	}
	total := shares[0] + shares[1]
	if total == 0 {
		return rgba{}, false
	}
	a, b := mixed[0], mixed[1]
	p, q := shares[0]/total, shares[1]/total
	alpha := p*a.a + q*b.a
	channel := func(x, y float64) float64 { // of colours as much as there is of each
		if alpha == 0 {
			return 0
		}
		return (x*a.a*p + y*b.a*q) / alpha
	}
	return rgba{channel(a.r, b.r), channel(a.g, b.g), channel(a.b, b.b), alpha * min(total, 1), ""}, true
}

// channels makes a colour of three numbers and perhaps an alpha. convert makes
// red, green and blue from 0 to 1 of them.
func channels(args []string, convert func([3]float64) (rgb [3]float64, ok bool)) (rgba, bool) {
	var n [3]float64
	for i := range n {
		v, ok := numberOf(strings.TrimSuffix(args[i], "deg"))
		if !ok && args[i] != "none" {
			return rgba{}, false
		}
		n[i] = v
	}
	rgb, ok := convert(n)
	alpha := alphaOf(args)
	byteOf := func(v float64) float64 { return min(max(v, 0), 1) * 255 }
	return rgba{byteOf(rgb[0]), byteOf(rgb[1]), byteOf(rgb[2]), alpha, ""}, ok || alpha == 0
}

// flatGradient returns the colour of a gradient that has only one.
func flatGradient(value string) (rgba, bool) {
	_, inside, ok := strings.Cut(value, "-gradient(")
	if !ok {
		return rgba{}, false
	}
	var first *rgba
	for stop := range splitOutside(strings.TrimSuffix(inside, ")"), ',') {
		word := strings.TrimSpace(stop)
		if i := indexOutside(word, " "); i >= 0 {
			word = word[:i]
		}
		c := colorOf(word)
		switch {
		case c.name != "" && first == nil: // the direction
		case first == nil:
			first = &c
		case c.name != "" || c.a != first.a || !c.like(*first):
			return rgba{}, false
		}
	}
	if first == nil {
		return rgba{}, false
	}
	return *first, true
}

// attributeColor reads a colour as attributes of HTML give it (HTML, section
// 2.4.6): whatever the value is, a browser makes a colour of it.
func attributeColor(value string) string {
	value = strings.ToLower(strings.TrimSpace(value))
	if value == "" || value == "transparent" || namedColors[value] != "" {
		return value
	}
	digits := []byte(strings.TrimPrefix(value, "#"))
	if len(digits) == 3 && hexDigit(digits[0]) >= 0 && hexDigit(digits[1]) >= 0 && hexDigit(digits[2]) >= 0 {
		return "#" + string(digits)
	}
	digits = digits[:min(len(digits), 128)]
	for i, c := range digits {
		if hexDigit(c) < 0 {
			digits[i] = '0'
		}
	}
	for len(digits) == 0 || len(digits)%3 != 0 {
		digits = append(digits, '0')
	}
	third := len(digits) / 3
	parts := [3][]byte{digits[:third], digits[third : 2*third], digits[2*third:]}
	for i := range parts {
		parts[i] = parts[i][max(0, third-8):]
	}
	for len(parts[0]) > 2 && parts[0][0] == '0' && parts[1][0] == '0' && parts[2][0] == '0' {
		parts[0], parts[1], parts[2] = parts[0][1:], parts[1][1:], parts[2][1:]
	}
	for i, p := range parts {
		if len(p) == 1 {
			p = []byte{'0', p[0]}
		}
		parts[i] = p[:2]
	}
	return "#" + string(slices.Concat(parts[:]...))
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

// namedColors are the names of CSS Color 4, section 6.1, with their hexadecimal
// form. All of them are here because a word that is none of them is no colour.
var namedColors = func() map[string]string {
	words := strings.Fields(`
aliceblue f0f8ff antiquewhite faebd7 aqua 00ffff aquamarine 7fffd4 azure f0ffff beige f5f5dc bisque ffe4c4 black 000000
blanchedalmond ffebcd blue 0000ff blueviolet 8a2be2 brown a52a2a burlywood deb887 cadetblue 5f9ea0 chartreuse 7fff00
chocolate d2691e coral ff7f50 cornflowerblue 6495ed cornsilk fff8dc crimson dc143c cyan 00ffff darkblue 00008b darkcyan 008b8b
darkgoldenrod b8860b darkgray a9a9a9 darkgreen 006400 darkgrey a9a9a9 darkkhaki bdb76b darkmagenta 8b008b darkolivegreen 556b2f
darkorange ff8c00 darkorchid 9932cc darkred 8b0000 darksalmon e9967a darkseagreen 8fbc8f darkslateblue 483d8b
darkslategray 2f4f4f darkslategrey 2f4f4f darkturquoise 00ced1 darkviolet 9400d3 deeppink ff1493 deepskyblue 00bfff
dimgray 696969 dimgrey 696969 dodgerblue 1e90ff firebrick b22222 floralwhite fffaf0 forestgreen 228b22 fuchsia ff00ff
gainsboro dcdcdc ghostwhite f8f8ff gold ffd700 goldenrod daa520 gray 808080 green 008000 greenyellow adff2f grey 808080
honeydew f0fff0 hotpink ff69b4 indianred cd5c5c indigo 4b0082 ivory fffff0 khaki f0e68c lavender e6e6fa lavenderblush fff0f5
lawngreen 7cfc00 lemonchiffon fffacd lightblue add8e6 lightcoral f08080 lightcyan e0ffff lightgoldenrodyellow fafad2
lightgray d3d3d3 lightgreen 90ee90 lightgrey d3d3d3 lightpink ffb6c1 lightsalmon ffa07a lightseagreen 20b2aa
lightskyblue 87cefa lightslategray 778899 lightslategrey 778899 lightsteelblue b0c4de lightyellow ffffe0 lime 00ff00
limegreen 32cd32 linen faf0e6 magenta ff00ff maroon 800000 mediumaquamarine 66cdaa mediumblue 0000cd mediumorchid ba55d3
mediumpurple 9370db mediumseagreen 3cb371 mediumslateblue 7b68ee mediumspringgreen 00fa9a mediumturquoise 48d1cc
mediumvioletred c71585 midnightblue 191970 mintcream f5fffa mistyrose ffe4e1 moccasin ffe4b5 navajowhite ffdead navy 000080
oldlace fdf5e6 olive 808000 olivedrab 6b8e23 orange ffa500 orangered ff4500 orchid da70d6 palegoldenrod eee8aa palegreen 98fb98
paleturquoise afeeee palevioletred db7093 papayawhip ffefd5 peachpuff ffdab9 peru cd853f pink ffc0cb plum dda0dd
powderblue b0e0e6 purple 800080 rebeccapurple 663399 red ff0000 rosybrown bc8f8f royalblue 4169e1 saddlebrown 8b4513
salmon fa8072 sandybrown f4a460 seagreen 2e8b57 seashell fff5ee sienna a0522d silver c0c0c0 skyblue 87ceeb slateblue 6a5acd
slategray 708090 slategrey 708090 snow fffafa springgreen 00ff7f steelblue 4682b4 tan d2b48c teal 008080 thistle d8bfd8
tomato ff6347 turquoise 40e0d0 violet ee82ee wheat f5deb3 white ffffff whitesmoke f5f5f5 yellow ffff00 yellowgreen 9acd32`)
	colors := make(map[string]string, len(words)/2)
	for i := 0; i < len(words); i += 2 {
		colors[words[i]] = words[i+1]
	}
	return colors
}()
