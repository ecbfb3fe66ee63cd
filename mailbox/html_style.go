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
	textWrap
	minHeight
	paddingBottom
	minWidth
	paddingLeft
	paddingTop
	boxSizing
	letterSpacing
	textSecurity
	backface
	maskImage
	maskSize
	blendMode
	rotate
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
	"white-space": whiteSpace, "text-wrap": textWrap, "text-wrap-mode": textWrap, "min-height": minHeight, "min-width": minWidth, "min-inline-size": minWidth, "min-block-size": minHeight,
	"padding-left": paddingLeft, "padding-inline-start": paddingLeft, "padding-bottom": paddingBottom, "padding-block-end": paddingBottom, "padding-top": paddingTop, "padding-block-start": paddingTop,
	"box-sizing": boxSizing, "letter-spacing": letterSpacing, "-webkit-text-security": textSecurity,
	"backface-visibility": backface, "-webkit-backface-visibility": backface,
	"mask-image": maskImage, "-webkit-mask-image": maskImage, "mask-size": maskSize, "-webkit-mask-size": maskSize,
	"mix-blend-mode": blendMode, "rotate": rotate,
}

// shorthands are the properties that set several others.
var shorthands = map[string][]property{
	"background": {backgroundColor, backgroundImage}, "font": {fontSize}, "inset": {top, right, bottom, left},
	"margin": {marginTop, marginLeft}, "padding": {paddingTop, paddingBottom, paddingLeft}, "overflow": {overflowX, overflowY},
	"mask": {maskImage}, "-webkit-mask": {maskImage},
}

// declaration is one property and its value, in lower case.
type declaration struct {
	prop      property
	value     string
	important bool
	// name is set, and prop is not, if the value is not known before that of
	// custom properties is: it is one itself, or depends on some. The value is
	// in the case it was written in, then.
	name string
}

// parseDeclarations reads the inside of a rule or of a style attribute, keeping
// what [property] knows, and custom properties. Shorthands are taken apart.
func parseDeclarations(s string) []declaration {
	var out []declaration
	for part := range splitOutside(stripComments(s), ';') {
		name, value, ok := strings.Cut(part, ":")
		if !ok {
			continue
		}
		name = strings.TrimSpace(unescapeCSS(name))
		value, important := cutImportant(strings.TrimSpace(unescapeCSS(value)))
		switch custom := strings.HasPrefix(name, "--"); {
		case custom:
			out = append(out, declaration{name: name, prop: properties, value: value, important: important})
		case value == "":
		case dependsOnOthers(value):
			if name = strings.ToLower(name); len(longhands(name)) > 0 {
				out = append(out, declaration{name: name, prop: properties, value: value, important: important})
			}
		default:
			out = append(out, expand(strings.ToLower(name), strings.ToLower(value), important)...)
		}
	}
	return out
}

func cutImportant(value string) (before string, important bool) {
	const word = "important"
	if len(value) < len(word) || !strings.EqualFold(value[len(value)-len(word):], word) {
		return value, false
	}
	v, bang := strings.CutSuffix(strings.TrimSpace(value[:len(value)-len(word)]), "!")
	if !bang {
		return value, false
	}
	return strings.TrimSpace(v), true
}

// longhands are the properties that one of that name sets; none if it is not
// known.
func longhands(name string) []property {
	if p, known := propertyNames[name]; known {
		return []property{p}
	}
	return shorthands[name]
}

// expand returns the declarations that a property stands for; none if the value
// is not valid.
func expand(name, value string, important bool) []declaration {
	each := func(values ...string) (out []declaration) {
		for i, p := range longhands(name) {
			if !isValid(p, values[i]) {
				return nil
			}
			out = append(out, declaration{prop: p, value: values[i], important: important})
		}
		return out
	}
	switch {
	case isGlobal(value):
		return each(value, value, value, value)
	case name == "background":
		return each(splitBackground(value))
	case name == "font":
		return each(fontShorthandSize(value))
	case name == "inset":
		return sides(value, important, top, right, bottom, left)
	case name == "margin":
		return sides(value, important, marginTop, properties, properties, marginLeft)
	case name == "padding":
		return sides(value, important, paddingTop, properties, paddingBottom, paddingLeft)
	case name == "mask", name == "-webkit-mask":
		_, image := splitBackground(value)
		return each(image)
	case name == "overflow":
		x, y, two := strings.Cut(value, " ")
		if !two {
			y = x
		}
		return each(x, strings.TrimSpace(y))
	}
	if len(longhands(name)) == 0 {
		return nil
	}
	return each(value)
}

// isGlobal: what every property may be.
func isGlobal(value string) bool {
	switch value {
	case "inherit", "initial", "unset", "revert", "revert-layer":
		return true
	}
	return false
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
		out = append(out, declaration{prop: p, value: v, important: important})
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
	textWrap:          " wrap nowrap balance pretty stable ",
	boxSizing:         " content-box border-box ",
	textSecurity:      " none disc circle square ",
	backface:          " visible hidden ",
	blendMode: " normal multiply screen overlay darken lighten color-dodge color-burn hard-light soft-light difference exclusion " +
		"hue saturation color luminosity plus-darker plus-lighter ",
}

// isValid reports whether a browser would take value for p. What it would not
// take leaves the declaration before it in force, so that
// "display:none;display:bogus" hides.
func isValid(p property, value string) bool {
	if isGlobal(value) {
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
	case width, height, maxWidth, maxHeight, left, right, top, bottom, marginLeft, marginTop, textIndent, minHeight, minWidth, paddingLeft, paddingTop, paddingBottom:
		_, ok := lengthOf(value, rootSize, screenWidth)
		return ok || value == "auto" || value == "none"
	case letterSpacing:
		_, ok := lengthOf(value, rootSize, rootSize)
		return ok || value == "normal"
	case translate, rotate, maskSize:
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
// top: important, style attribute, layer, specificity, order.
type weight uint64

const (
	weightImportant weight = 1 << 62
	weightInline    weight = 1 << 61

	weightLayer       = 48 // bits to the right of it
	weightSpecificity = 24
	noLayer           = 256 // later than each of them
	maskLayer         = weight(511) << weightLayer
)

// style is the winning value of each property; "" where none was declared.
type style struct {
	value  [properties]string
	weight [properties]weight
}

func (s *style) apply(decls []declaration, w weight) {
	for _, d := range decls {
		if d.prop == properties {
			continue // it is substituted, and comes again
		}
		if dw := d.weight(w); dw >= s.weight[d.prop] {
			s.value[d.prop], s.weight[d.prop] = d.value, dw
		}
	}
}

// weight is that of a declaration in a block that weighs w. What is important
// weighs more in an earlier layer.
func (d declaration) weight(w weight) weight {
	if !d.important {
		return w
	}
	layer := noLayer - w&maskLayer>>weightLayer
	return w&^maskLayer | layer<<weightLayer | weightImportant
}

// hint sets what an HTML attribute says, which every declaration overrides.
func (s *style) hint(p property, value string) {
	if value != "" {
		s.apply([]declaration{{prop: p, value: strings.ToLower(strings.TrimSpace(value))}}, 0)
	}
}
