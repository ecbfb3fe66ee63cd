package mailbox

import (
	"cmp"
	"strings"

	"golang.org/x/net/html"
)

// box is what is known of how an element is drawn. Most of it is inherited, and
// whether text can be seen is judged at the text: newsletters set font-size:0
// on their containers and a size on the paragraphs, so a verdict on a container
// would delete all of them.
type box struct {
	sheet *sheet
	node  *html.Node
	vars  *variables

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
	lines      bool    // line breaks in the text are drawn
	dot        bool    // an image that is there to be fetched, not seen
	spacing    float64 // between letters, in pixels
	masked     bool    // letters are drawn as dots
	nowrap     bool
	window     window
}

// newRoot returns the box of the window a mail is shown in.
func newRoot(s *sheet) *box {
	return &box{sheet: s, node: &html.Node{}, opacity: 1, fontSize: rootSize, color: black, behind: white, window: noWindow}
}

// child returns the box of the element n inside b.
func (b *box) child(n *html.Node) *box {
	c := *b
	c.node, c.display, c.dot = n, "", false
	if b.gone {
		return &c
	}
	blocks := c.sheet.blocksFor(n)
	if inline := c.attr("style"); inline != "" {
		blocks = append(blocks, weighedBlock{newBlock(parseDeclarations(inline)), weightInline})
	}
	var st style
	c.compute(&st, blocks)
	c.hints(&st)
	c.inherit(&st)
	c.gone = c.isGone(&st)
	c.window = c.window.place(&c, &st)
	c.dot = n.Data == "img" && c.isDot(&st)
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

func (b *box) attr(name string) string { return attrOf(b.node, name) }

func (b *box) has(name string) bool { return hasAttr(b.node, name) }

// hints are the attributes that style, and the browser's own style sheet as far
// as it matters here.
func (b *box) hints(st *style) {
	st.hint(backgroundColor, attributeColor(b.attr("bgcolor")))
	if url := b.attr("background"); url != "" {
		st.hint(backgroundImage, "url("+url+")")
	}
	if strings.EqualFold(b.attr("hidden"), "until-found") {
		st.hint(contentVisibility, "hidden")
	} else if b.has("hidden") || b.has("popover") || b.node.Data == "dialog" && !b.has("open") {
		st.hint(display, "none")
	}
	switch b.node.Data {
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
	for _, p := range [...]property{whiteSpace, textWrap} {
		switch v := st.value[p]; v {
		case "nowrap", "pre":
			b.nowrap = true
		case "", "inherit", "unset":
		default:
			b.nowrap = false
		}
	}
	if v := st.value[letterSpacing]; v == "normal" || v == "initial" {
		b.spacing = 0
	} else if px, ok := lengthOf(v, b.fontSize, b.fontSize); ok {
		b.spacing = px
	}
	switch v := st.value[textSecurity]; v {
	case "", "inherit", "unset":
	default:
		b.masked = v == "disc" || v == "circle" || v == "square"
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

// indent is how far a line begins from the edge that hides it: one that may be
// broken goes on at the edge.
func (b *box) indent() float64 {
	if !b.nowrap {
		return 0
	}
	return max(b.textIndent, 0)
}

// showsText reports whether a reader can see text directly inside b.
func (b *box) showsText() bool {
	const smallest = 2 // pixels
	if b.gone || b.hidden || b.masked || b.fontSize < smallest || b.textIndent < -500 ||
		b.spacing < -0.45*b.fontSize || // the letters stand on one another
		b.window.hides(b.fontSize, b.indent()) {
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
