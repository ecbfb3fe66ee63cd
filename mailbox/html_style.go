package mailbox

import (
	"strings"
)

// property is one of the CSS properties that decide whether text can be seen.
type property int

const (
	display property = iota
	visibility
	opacity
	contentVisibility
	filterProp
	fontSize
	color
	textFill
	backgroundColor
	backgroundImage
	backgroundClip
	overflowX
	overflowY
	width
	height
	maxWidth
	maxHeight
	position
	left
	right
	top
	bottom
	marginLeft
	marginTop
	textIndent
	clip
	clipPath
	transform
	scale
	translate
	zoom
	whiteSpace
	properties // their number
)

var propertyNames = map[string]property{
	"display": display, "visibility": visibility, "opacity": opacity, "-webkit-opacity": opacity, "content-visibility": contentVisibility,
	"filter": filterProp, "-webkit-filter": filterProp, "font-size": fontSize, "color": color, "-webkit-text-fill-color": textFill,
	"background-color": backgroundColor, "background-image": backgroundImage,
	"background-clip": backgroundClip, "-webkit-background-clip": backgroundClip,
	"overflow-x": overflowX, "overflow-y": overflowY, "overflow-inline": overflowX, "overflow-block": overflowY,
	"width": width, "height": height, "max-width": maxWidth, "max-height": maxHeight,
	"inline-size": width, "block-size": height, "max-inline-size": maxWidth, "max-block-size": maxHeight,
	"position": position, "left": left, "right": right, "top": top, "bottom": bottom,
	"inset-inline-start": left, "inset-inline-end": right, "inset-block-start": top, "inset-block-end": bottom,
	"margin-left": marginLeft, "margin-top": marginTop, "text-indent": textIndent,
	"margin-inline-start": marginLeft, "margin-block-start": marginTop,
	"clip": clip, "clip-path": clipPath, "-webkit-clip-path": clipPath,
	"transform": transform, "-webkit-transform": transform, "scale": scale, "translate": translate, "zoom": zoom,
	"white-space": whiteSpace,
}

// declaration is one property and its value, in lower case.
type declaration struct {
	prop      property
	value     string
	important bool
}

// parseDeclarations reads the inside of a rule or of a style attribute, keeping
// what [property] knows. Shorthands are taken apart.
func parseDeclarations(s string) []declaration {
	var out []declaration
	for part := range splitOutside(stripComments(s), ';') {
		name, value, ok := strings.Cut(part, ":")
		if !ok {
			continue
		}
		name = strings.ToLower(strings.TrimSpace(unescapeCSS(name)))
		value = strings.ToLower(strings.TrimSpace(unescapeCSS(value)))
		important := false
		if before, found := strings.CutSuffix(value, "important"); found {
			if v, bang := strings.CutSuffix(strings.TrimSpace(before), "!"); bang {
				value, important = strings.TrimSpace(v), true
			}
		}
		if value == "" {
			continue
		}
		switch name {
		case "background":
			if c, image := splitBackground(value); isValid(backgroundColor, c) {
				out = append(out, declaration{backgroundColor, c, important}, declaration{backgroundImage, image, important})
			}
		case "font":
			if size := fontShorthandSize(value); size != "" && isValid(fontSize, size) {
				out = append(out, declaration{fontSize, size, important})
			}
		case "inset":
			out = append(out, sides(value, important, top, right, bottom, left)...)
		case "margin":
			out = append(out, sides(value, important, marginTop, properties, properties, marginLeft)...)
		case "overflow":
			x, y, two := strings.Cut(value, " ")
			if !two {
				y = x
			}
			if y = strings.TrimSpace(y); isValid(overflowX, x) && isValid(overflowY, y) {
				out = append(out, declaration{overflowX, x, important}, declaration{overflowY, y, important})
			}
		default:
			if p, known := propertyNames[name]; known && isValid(p, value) {
				out = append(out, declaration{p, value, important})
			}
		}
	}
	return out
}

// sides takes the shorthand of the four sides of a box apart, which are given in
// the order of the clock; properties stands for one of no interest.
func sides(value string, important bool, each ...property) (out []declaration) {
	var values []string
	for v := range splitOutside(value, ' ') {
		if v != "" {
			values = append(values, v)
		}
	}
	if len(values) == 0 || len(values) > 4 {
		return nil
	}
	for i, p := range each {
		if p == properties {
			continue
		}
		v := values[[...][4]int{{0, 0, 0, 0}, {0, 1, 0, 1}, {0, 1, 2, 1}, {0, 1, 2, 3}}[len(values)-1][i]]
		if !isValid(p, v) {
			return nil
		}
		out = append(out, declaration{p, v, important})
	}
	return out
}

// keywords are the valid values of the properties that have only keywords.
var keywords = map[property]string{
	display: " none block inline inline-block flex inline-flex grid inline-grid contents flow-root list-item table inline-table " +
		"table-row table-cell table-caption table-column table-column-group table-row-group table-header-group table-footer-group " +
		"run-in ruby ruby-base ruby-text -webkit-box -webkit-inline-box -webkit-flex -ms-flexbox ",
	visibility:        " visible hidden collapse ",
	contentVisibility: " visible hidden auto ",
	overflowX:         " visible hidden clip scroll auto overlay -moz-hidden-unscrollable ",
	overflowY:         " visible hidden clip scroll auto overlay -moz-hidden-unscrollable ",
	position:          " static relative absolute fixed sticky -webkit-sticky ",
	backgroundClip:    " border-box padding-box content-box text ",
	whiteSpace:        " normal nowrap pre pre-wrap pre-line break-spaces ",
}

// isValid reports whether a browser would take value for p. What it would not
// take leaves the declaration before it in force, so that
// "display:none;display:bogus" hides.
func isValid(p property, value string) bool {
	switch value {
	case "inherit", "initial", "unset", "revert":
		return true
	}
	if list, ok := keywords[p]; ok {
		return strings.Contains(list, " "+value+" ")
	}
	if strings.HasSuffix(value, ")") { // a function, of which we know some
		return true
	}
	switch p {
	case color, textFill, backgroundColor:
		return value == "currentcolor" || colorOf(value).name == ""
	case opacity, zoom:
		_, ok := numberOf(value)
		return ok
	case scale:
		n := 0
		for v := range strings.FieldsSeq(value) {
			if _, ok := numberOf(v); !ok {
				return false
			}
			n++
		}
		return n <= 3
	case fontSize:
		if _, ok := fontSizes[value]; ok || value == "smaller" || value == "larger" {
			return true
		}
		_, ok := lengthOf(value, rootSize, rootSize)
		return ok
	case width, height, maxWidth, maxHeight, left, right, top, bottom, marginLeft, marginTop, textIndent:
		_, ok := lengthOf(value, rootSize, screenWidth)
		return ok || value == "auto" || value == "none"
	case translate:
		return true // lengths that cannot be computed move nothing out of sight
	}
	return value == "none" || strings.Contains(value, "(")
}

// unescapeCSS resolves \68 and \h, with which "display:none" can be written
// so that only a browser knows it again.
func unescapeCSS(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		var r rune
		n := 0
		for n < 6 && i+n < len(s) {
			d := hexDigit(s[i+n])
			if d < 0 {
				break
			}
			r = r<<4 | d
			n++
		}
		if n == 0 {
			b.WriteByte(s[i])
			continue
		}
		b.WriteRune(r)
		i += n - 1
		if i+1 < len(s) && strings.IndexByte(" \t\n\r\f", s[i+1]) >= 0 { // one space ends the escape
			i++
		}
	}
	return b.String()
}

func hexDigit(c byte) rune {
	switch {
	case '0' <= c && c <= '9':
		return rune(c - '0')
	case 'a' <= c && c <= 'f':
		return rune(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return rune(c-'A') + 10
	}
	return -1
}

// splitBackground finds the colour and the image in a background shorthand.
func splitBackground(value string) (color, image string) {
	color, image = "transparent", "none"
	for word := range splitOutside(withSpaces(value), ' ') {
		switch {
		case word == "" || backgroundKeywords[word] || strings.ContainsRune("0123456789.-+/,", rune(word[0])):
		case word == "url()":
		case strings.HasPrefix(word, "url(") || strings.Contains(word, "gradient(") || strings.HasPrefix(word, "image"):
			image = word
		default: // a colour, even if it is one we cannot compute
			color = word
		}
	}
	return color, image
}

// withSpaces writes the layers of a background, which commas separate, as words.
func withSpaces(value string) string {
	var layers []string
	for layer := range splitOutside(value, ',') {
		layers = append(layers, layer)
	}
	return strings.Join(layers, " ")
}

var backgroundKeywords = map[string]bool{
	"none": true, "repeat": true, "no-repeat": true, "repeat-x": true, "repeat-y": true, "round": true, "space": true,
	"scroll": true, "fixed": true, "local": true, "left": true, "right": true, "top": true, "bottom": true, "center": true,
	"cover": true, "contain": true, "auto": true, "border-box": true, "padding-box": true, "content-box": true,
}

// fontShorthandSize finds the size, the last word of a font shorthand that
// starts like a number; a weight does too, but comes before it.
func fontShorthandSize(value string) string {
	value = aroundSlash.Replace(value) // so that a line height is no word of its own
	size := ""
	for word := range splitOutside(value, ' ') {
		word, _, _ = strings.Cut(word, "/")
		if word == "" {
			continue
		}
		if _, isKeyword := fontSizes[word]; isKeyword || word[0] == '.' || '0' <= word[0] && word[0] <= '9' {
			size = word
		}
	}
	return size
}

var aroundSlash = strings.NewReplacer(" / ", "/", " /", "/", "/ ", "/")

// weight orders declarations for one property; the greatest wins. From the
// top: important, style attribute, specificity, order.
type weight uint64

const (
	weightImportant weight = 1 << 62
	weightInline    weight = 1 << 61
)

// style is the winning value of each property; "" where none was declared.
type style struct {
	value  [properties]string
	weight [properties]weight
}

func (s *style) apply(decls []declaration, w weight) {
	for _, d := range decls {
		dw := w
		if d.important {
			dw |= weightImportant
		}
		if dw >= s.weight[d.prop] {
			s.value[d.prop], s.weight[d.prop] = d.value, dw
		}
	}
}

// hint sets what an HTML attribute says, which every declaration overrides.
func (s *style) hint(p property, value string) {
	if value != "" {
		s.apply([]declaration{{prop: p, value: strings.ToLower(strings.TrimSpace(value))}}, 0)
	}
}
