package mailbox

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// box is what is known of how an element is drawn. Most of it is inherited, and
// whether text can be seen is judged at the text: newsletters set font-size:0
// on their containers and a size on the paragraphs, so a verdict on a container
// would delete all of them.
type box struct {
	parent *box
	sheet  *sheet
	tag    string
	attrs  []html.Attribute
	class  []string // in lower case, sorted

	display    string
	gone       bool // neither it nor anything inside is drawn
	hidden     bool // by visibility, which descendants can turn on again
	opacity    float64
	fontSize   float64 // pixels
	color      rgba
	link       string // the colour of links, if the body sets it
	fill       *rgba  // overrides color
	behind     rgba   // the colour text stands on; named if it is an image
	textIndent float64
	lines      bool // line breaks in the text are drawn
	dot        bool // an image that is there to be fetched, not seen
}

// newRoot returns the box of the window a mail is shown in.
func newRoot(s *sheet) *box {
	return &box{sheet: s, opacity: 1, fontSize: rootSize, color: black, behind: white}
}

// child returns the box of an element inside b.
func (b *box) child(tag string, attrs []html.Attribute) *box {
	c := *b
	c.parent, c.tag, c.attrs, c.display = b, tag, attrs, ""
	c.class = strings.Fields(strings.ToLower(c.attr("class")))
	slices.Sort(c.class)
	if b.gone {
		return &c
	}
	st := c.sheet.styleOf(&c)
	c.hints(&st)
	st.apply(parseDeclarations(c.attr("style")), weightInline)
	c.inherit(&st)
	c.gone = c.isGone(&st)
	c.dot = tag == "img" && c.isDot(&st)
	return &c
}

// isDot reports whether an image is so small, by attribute or style, that
// nobody sees it.
func (b *box) isDot(st *style) bool {
	const size = 2 // pixels
	for _, v := range [...]string{st.value[width], st.value[height], st.value[maxWidth], st.value[maxHeight], b.attr("width"), b.attr("height")} {
		if px, ok := lengthOf(strings.ToLower(strings.TrimSpace(v)), b.fontSize, screenWidth); ok && px <= size {
			return true
		}
	}
	return false
}

func (b *box) attr(name string) string {
	for _, a := range b.attrs {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func (b *box) has(name string) bool {
	for _, a := range b.attrs {
		if a.Key == name {
			return true
		}
	}
	return false
}

// hints are the attributes that style, and the browser's own style sheet as far
// as it matters here.
func (b *box) hints(st *style) {
	st.hint(backgroundColor, attributeColor(b.attr("bgcolor")))
	if url := b.attr("background"); url != "" {
		st.hint(backgroundImage, "url("+url+")")
	}
	if b.has("hidden") || b.tag == "dialog" && !b.has("open") {
		st.hint(display, "none")
	}
	switch b.tag {
	case "body":
		st.hint(color, attributeColor(b.attr("text")))
		b.link = attributeColor(b.attr("link"))
	case "font":
		st.hint(color, attributeColor(b.attr("color")))
		st.hint(fontSize, fontAttrSize(b.attr("size")))
	case "a":
		if b.has("href") { // a link does not take the colour of its parent
			st.hint(color, cmp.Or(b.link, "#0000ee"))
		}
	case "mark":
		st.hint(backgroundColor, "yellow")
		st.hint(color, "black")
	case "small", "sub", "sup":
		st.hint(fontSize, "smaller")
	case "big":
		st.hint(fontSize, "larger")
	case "h1":
		st.hint(fontSize, "2em")
	case "h2":
		st.hint(fontSize, "1.5em")
	case "pre", "textarea", "listing", "xmp":
		st.hint(whiteSpace, "pre")
	}
}

func fontAttrSize(size string) string {
	switch {
	case size == "":
		return ""
	case size[0] == '+':
		return "larger"
	case size[0] == '-':
		return "smaller"
	case '1' <= size[0] && size[0] <= '7':
		return [...]string{"x-small", "small", "medium", "large", "x-large", "xx-large", "xxx-large"}[size[0]-'1']
	}
	return ""
}

// inherit computes the properties that text inside b will be judged by.
func (b *box) inherit(st *style) {
	switch st.value[visibility] {
	case "hidden", "collapse":
		b.hidden = true
	case "visible", "initial":
		b.hidden = false
	}
	if o, ok := numberOf(st.value[opacity]); ok {
		b.opacity *= min(max(o, 0), 1)
	}
	if args := arguments(st.value[filterProp], "opacity"); len(args) == 1 {
		if o, ok := numberOf(args[0]); ok {
			b.opacity *= min(max(o, 0), 1)
		}
	}
	if v := st.value[fontSize]; v != "" {
		b.fontSize = fontSizeOf(v, b.fontSize)
	}
	if v := st.value[color]; v != "" {
		b.color = b.colorOf(v, b.color)
	}
	if v := st.value[textFill]; v != "" {
		fill := b.colorOf(v, b.color)
		b.fill = &fill
	}
	b.paint(st)
	if px, ok := lengthOf(st.value[textIndent], b.fontSize, screenWidth); ok {
		b.textIndent = px
	}
	switch st.value[whiteSpace] {
	case "pre", "pre-wrap", "pre-line", "break-spaces":
		b.lines = true
	case "normal", "nowrap", "initial":
		b.lines = false
	}
}

// colorOf reads a colour of the element; the inherited one is parent.
func (b *box) colorOf(v string, parent rgba) rgba {
	switch v {
	case "inherit", "currentcolor", "unset":
		return parent
	case "initial", "revert":
		return black
	}
	return colorOf(v)
}

// paint computes the colour behind the text.
func (b *box) paint(st *style) {
	switch v := st.value[backgroundColor]; v {
	case "", "initial", "unset", "revert", "inherit": // inherited, it is what is behind already
	case "currentcolor":
		b.behind = b.color.over(b.behind)
	default:
		b.behind = colorOf(v).over(b.behind)
	}
	switch v := st.value[backgroundImage]; v {
	case "", "none", "initial", "unset", "url()", "url('')", `url("")`:
	default:
		if c, ok := flatGradient(v); ok {
			b.behind = c.over(b.behind)
		} else {
			b.behind = rgba{name: "an image"}
		}
	}
	if st.value[backgroundClip] == "text" {
		// The background is seen through the letters, which are transparent.
		b.fill = &rgba{name: "a background"}
	}
}

// isGone reports whether the element is not drawn, whatever is inside.
func (b *box) isGone(st *style) bool {
	b.display = st.value[display]
	switch b.display {
	case "none", "table-column", "table-column-group":
		return true
	}
	return st.value[contentVisibility] == "hidden" || b.opacity < 0.05 ||
		b.isEmptyWindow(st) || b.isOffScreen(st) || isClipped(st) || isShrunk(st)
}

// isEmptyWindow: the element has no area and shows nothing beyond it.
func (b *box) isEmptyWindow(st *style) bool {
	// One that is visible becomes a scroll bar where the other one is not.
	visible := func(p property) bool {
		return strings.Contains("  visible initial unset inherit revert ", " "+st.value[p]+" ")
	}
	if visible(overflowX) && visible(overflowY) {
		return false
	}
	tiny := func(p property) bool {
		px, ok := lengthOf(st.value[p], b.fontSize, math.NaN())
		return ok && px <= 1 || st.value[p] == "0%"
	}
	if tiny(maxHeight) {
		return true
	}
	switch b.tag {
	case "table", "tbody", "thead", "tfoot", "tr", "td", "th":
		if b.display == "" || strings.HasPrefix(b.display, "table") {
			return false // widths and heights are minimums there
		}
	}
	return tiny(height) || tiny(width) || tiny(maxWidth)
}

func (b *box) isOffScreen(st *style) bool {
	const far = 900 // no layout of mail moves text that is seen so far
	beyond := func(p property, most float64) bool {
		px, ok := lengthOf(st.value[p], b.fontSize, screenWidth)
		return ok && (px < -far || px > most)
	}
	if beyond(marginLeft, math.Inf(1)) || beyond(marginTop, math.Inf(1)) {
		return true
	}
	switch st.value[position] {
	case "absolute", "fixed", "relative":
		return beyond(left, 3*far) || beyond(right, 3*far) ||
			beyond(top, math.Inf(1)) || beyond(bottom, math.Inf(1))
	}
	return false
}

func isClipped(st *style) bool {
	if st.value[position] == "absolute" || st.value[position] == "fixed" {
		if args := arguments(st.value[clip], "rect"); len(args) == 4 && (isThin(args[0], args[2]) || isThin(args[3], args[1])) {
			return true
		}
	}
	v := st.value[clipPath]
	if args := arguments(v, "inset"); len(args) > 0 {
		i := [...][4]int{{0, 0, 0, 0}, {0, 1, 0, 1}, {0, 1, 2, 1}, {0, 1, 2, 3}}[min(len(args), 4)-1]
		return meet(args[i[0]], args[i[2]]) || meet(args[i[1]], args[i[3]])
	}
	if args := arguments(v, "rect"); len(args) >= 4 {
		return isThin(args[0], args[2]) || isThin(args[3], args[1])
	}
	if args := arguments(v, "xywh"); len(args) >= 4 {
		return areTiny(args[2:3]) || areTiny(args[3:4])
	}
	for _, shape := range []string{"circle", "ellipse"} {
		if args := arguments(v, shape); len(args) > 0 {
			return areTiny(args[:1]) || shape == "ellipse" && len(args) > 1 && areTiny(args[1:2])
		}
	}
	args := arguments(v, "polygon")
	return len(args) > 0 && areTiny(args)
}

// isThin reports whether there is at most a pixel from one edge to the other.
func isThin(from, to string) bool {
	a, ok := lengthOf(from, rootSize, screenWidth)
	b, valid := lengthOf(to, rootSize, screenWidth)
	return ok && valid && b-a <= 1
}

// meet reports whether what two opposite sides cut off leaves nothing.
func meet(a, b string) bool {
	const far = 900 // pixels, as for what is out of sight
	total, pixels := 0.0, 0.0
	for _, v := range [...]string{a, b} {
		if n, ok := numberOf(v); ok && strings.HasSuffix(v, "%") {
			total += n
		} else if px, ok := lengthOf(v, rootSize, math.NaN()); ok {
			pixels += px
		}
	}
	return total >= 0.99 || pixels > far
}

// areTiny reports whether every argument is a length of at most a pixel.
func areTiny(args []string) bool {
	for _, a := range args {
		if px, ok := lengthOf(a, rootSize, screenWidth); !ok || math.Abs(px) > 1 {
			return false
		}
	}
	return true
}

// isShrunk: a transformation leaves no area, or moves it out of sight.
func isShrunk(st *style) bool {
	const smallest, far = 0.05, 900 // of its size; pixels
	for _, p := range [...]property{scale, zoom} {
		for v := range strings.FieldsSeq(st.value[p]) {
			if n, ok := numberOf(v); ok && math.Abs(n) < smallest {
				return true
			}
		}
	}
	for v := range strings.FieldsSeq(st.value[translate]) {
		if px, ok := lengthOf(v, rootSize, 0); ok && math.Abs(px) > far {
			return true
		}
	}
	v := st.value[transform]
	for _, f := range []string{"rotatex", "rotatey"} {
		for _, a := range arguments(v, f) {
			if turn, ok := turnOf(a); ok && math.Abs(math.Cos(2*math.Pi*turn)) < smallest {
				return true // seen from its edge
			}
		}
	}
	if a := arguments(v, "matrix"); len(a) == 6 && isFlat(a) {
		return true
	} else if len(a) == 6 {
		for _, move := range a[4:] {
			if px, ok := numberOf(move); ok && math.Abs(px) > far {
				return true
			}
		}
	}
	for _, f := range []string{"scale", "scalex", "scaley", "scale3d"} {
		for _, a := range arguments(v, f) {
			if n, ok := numberOf(a); ok && math.Abs(n) < smallest {
				return true
			}
		}
	}
	for _, f := range []string{"translate", "translatex", "translatey", "translate3d"} {
		for _, a := range arguments(v, f) {
			if px, ok := lengthOf(a, rootSize, smallestBox); ok && math.Abs(px) > far {
				return true
			}
		}
	}
	return false
}

// smallestBox is what a share of an element's own size is taken of, in pixels,
// where it is not known.
const smallestBox = 20

// turnOf reads an angle as a number of turns.
func turnOf(angle string) (float64, bool) {
	for unit, whole := range map[string]float64{"deg": 360, "grad": 400, "turn": 1, "rad": 2 * math.Pi} {
		if s, ok := strings.CutSuffix(angle, unit); ok {
			if n, ok := numberOf(s); ok {
				return n / whole, true
			}
		}
	}
	return 0, false
}

// isFlat reports whether a matrix of six numbers leaves no area.
func isFlat(args []string) bool {
	var n [6]float64
	for i, a := range args {
		var ok bool
		if n[i], ok = numberOf(a); !ok {
			return false
		}
	}
	return math.Abs(n[0]*n[3]-n[1]*n[2]) < 0.001
}

// showsText reports whether a reader can see text directly inside b.
func (b *box) showsText() bool {
	const smallest = 2 // pixels
	if b.gone || b.hidden || b.fontSize < smallest || b.textIndent < -500 {
		return false
	}
	ink := b.color
	if b.fill != nil {
		ink = *b.fill
	}
	if ink.name == "" {
		if ink.a *= b.opacity; ink.a < 0.05 {
			return false
		}
	}
	return !ink.over(b.behind).like(b.behind)
}
