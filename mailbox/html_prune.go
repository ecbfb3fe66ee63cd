package mailbox

import (
	"net/url"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

const (
	maxAlt  = 80 // characters of an image's description
	maxNest = 12 // lists and quotations inside each other that are shown as such
)

// pruner copies the part of a parsed mail that a reader sees. The copy has only
// elements and attributes that the renderers know: no styles, no scripts, no
// titles, no targets but those of links and images.
type pruner struct {
	format  Format
	full    bool     // link targets are left whole
	base    *url.URL // of relative links; nil if the mail has none
	hidden  int      // characters left out that the reader does not see
	unnamed int      // visible images left out for want of a description
	// misleading counts the links whose text names another site than theirs.
	misleading int
	// mayHide is set if the styles were too many to tell what they hide.
	mayHide  bool
	pictures pictures
	// nameless is the first visible picture without a description that was met
	// in the current link, of which it may be all that there is.
	nameless *html.Node

	nest   int // lists and quotations around the current element
	inline int // links and emphases around it
}

// prune returns the visible part of doc as the children of a body element.
func (p *pruner) prune(doc *html.Node) *html.Node {
	s := sheetOf(doc)
	for n := range doc.Descendants() {
		if n.DataAtom == atom.Base {
			p.setBase(attrOf(n, "href"))
		}
	}
	body := element("body")
	p.children(body, doc, newRoot(s))
	p.mayHide = s.cut
	p.unnamed += p.pictures.dropRepeated()
	mergeText(body)
	return body
}

// setBase notes what relative links are relative to; the first one counts.
func (p *pruner) setBase(href string) {
	if u, err := url.Parse(href); err == nil && u.Host != "" && p.base == nil {
		p.base = u
	}
}

// children copies what is visible inside src to the end of dst and reports
// whether there was anything to see.
func (p *pruner) children(dst, src *html.Node, b *box) bool {
	content := false
	for c := src.FirstChild; c != nil; c = c.NextSibling {
		switch c.Type {
		case html.TextNode:
			content = p.text(dst, c.Data, b) || content
		case html.ElementNode:
			content = p.element(dst, c, b) || content
		}
	}
	return content
}

func (p *pruner) text(dst *html.Node, data string, b *box) bool {
	if !b.showsText() {
		p.hidden += visibleLength(data)
		return false
	}
	data, removed := cleanText(data)
	p.hidden += removed
	data = plainSpaces(data)
	content := !isBlank(data)
	if !b.lines || dst.DataAtom == atom.Pre || p.format == HTML {
		appendText(dst, data)
		return content
	}
	for i, line := range strings.Split(data, "\n") {
		if i > 0 {
			appendBreak(dst)
		}
		appendText(dst, line)
	}
	return content
}

// plainSpaces turns the spaces that layouts are padded with into plain ones,
// which collapse.
func plainSpaces(s string) string {
	const brailleBlank = '\u2800'
	return strings.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && (unicode.IsSpace(r) || r == brailleBlank) {
			return ' '
		}
		return r
	}, s)
}

// visibleLength counts the characters of s that have a glyph.
func visibleLength(s string) int {
	s, _ = cleanText(s)
	n := 0
	for _, r := range s {
		if !unicode.IsSpace(r) {
			n++
		}
	}
	return n
}

// countHidden counts the text of n and inside of it, which is left out.
func (p *pruner) countHidden(n *html.Node) {
	own := func(n *html.Node) {
		switch n.DataAtom {
		case atom.Img:
			p.hidden += visibleLength(attrOf(n, "alt"))
		case atom.Input:
			p.hidden += visibleLength(attrOf(n, "value"))
		}
	}
	own(n)
	for c := range n.Descendants() {
		own(c)
		if c.Type == html.TextNode && !isCode(c.Parent.DataAtom) {
			p.hidden += visibleLength(c.Data)
		}
	}
}

// isCode: text that is never meant for a reader, and not hidden from one.
func isCode(a atom.Atom) bool {
	switch a {
	case atom.Head, atom.Script, atom.Style, atom.Title, atom.Meta, atom.Link, atom.Base:
		return true
	}
	return false
}

// isUnseen reports whether n is an element whose text mail clients do not show.
// What stands in a video, a sound or a picture for programs that cannot show
// those is not shown by the ones that can.
func isUnseen(n *html.Node) bool {
	switch n.Data {
	case "noscript", "noframes", "noembed", "template", "svg", "textarea", "iframe", "datalist", "rp", "frameset",
		"video", "audio", "canvas", "meter", "progress", "annotation", "annotation-xml", "mphantom":
		return true
	case "object":
		return hasAttr(n, "data")
	}
	return false
}

func (p *pruner) element(dst, src *html.Node, parent *box) bool {
	if isCode(src.DataAtom) {
		return false
	}
	b := parent.child(src)
	if b.gone || isUnseen(src) {
		p.countHidden(src)
		return false
	}
	switch src.DataAtom {
	case atom.Br:
		appendBreak(dst)
		return false
	case atom.Hr:
		dst.AppendChild(element("hr"))
		return false
	case atom.Img:
		return p.image(dst, b)
	case atom.Input:
		return p.input(dst, b)
	case atom.A:
		return p.link(dst, src, b)
	case atom.Sup:
		// $19<sup>99</sup> is not $1999.
		if t := strings.TrimSpace(textOf(src)); t != "" && unicode.IsDigit(rune(t[0])) && p.format != HTML {
			appendText(dst, "^")
		}
	}
	tag := tagFor(src, b)
	if tag == "" {
		return p.children(dst, src, b)
	}
	switch tag {
	case "ul", "ol", "blockquote":
		if p.nest++; p.nest > maxNest {
			tag = "div" // each level makes every line inside longer
		}
		defer func() { p.nest-- }()
	case "b", "strong", "em", "i", "del", "s", "strike":
		p.inline++
		defer func() { p.inline-- }()
	}
	n := element(tag)
	p.keepAttributes(n, src)
	content := p.children(n, src, b)
	switch {
	case !content && tag != "td" && tag != "th":
		if !isBlock(tag) && n.FirstChild != nil {
			appendText(dst, " ")
		}
	case tag == "table" && p.format != HTML:
		p.table(dst, n)
	default:
		dst.AppendChild(n)
	}
	return content
}

// tagFor is the element that stands for src in the copy, "" if its children do.
func tagFor(src *html.Node, b *box) string {
	switch src.DataAtom {
	case atom.Html, atom.Body:
		return ""
	case atom.Xmp, atom.Plaintext, atom.Listing, atom.Pre:
		return "pre"
	case atom.P, atom.Div, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6, atom.Ul, atom.Ol, atom.Li, atom.Blockquote,
		atom.Table, atom.Caption, atom.Thead, atom.Tbody, atom.Tfoot, atom.Tr, atom.Td, atom.Th,
		atom.B, atom.Strong, atom.Em, atom.I, atom.Code, atom.Del, atom.S, atom.Strike:
		return src.Data
	case atom.Span, atom.Font, atom.U, atom.Small, atom.Big, atom.Sub, atom.Sup, atom.Label, atom.Abbr, atom.Mark, atom.Time:
		// inline unless styled otherwise, as is everything unknown
	case atom.Center, atom.Section, atom.Article, atom.Header, atom.Footer, atom.Main, atom.Nav, atom.Aside, atom.Address,
		atom.Figure, atom.Figcaption, atom.Fieldset, atom.Legend, atom.Form, atom.Details, atom.Summary, atom.Dialog,
		atom.Dl, atom.Dt, atom.Dd, atom.Dir, atom.Menu, atom.Option, atom.Optgroup, atom.Select, atom.Hgroup, atom.Search:
		return "div"
	}
	switch b.display {
	case "block", "flex", "grid", "table", "table-row", "list-item", "flow-root", "table-cell", "inline-block", "inline-flex":
		return "div"
	}
	return ""
}

func isBlock(tag string) bool {
	switch tag {
	case "p", "div", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "blockquote", "pre", "hr",
		"table", "caption", "thead", "tbody", "tfoot", "tr", "td", "th":
		return true
	}
	return false
}

// keepAttributes copies the numbers that give a list or a table its shape.
func (p *pruner) keepAttributes(n, src *html.Node) {
	for _, key := range []string{"start", "colspan", "rowspan"} {
		if v, err := strconv.Atoi(strings.TrimSpace(attrOf(src, key))); err == nil && v > 1 && v < 1000 {
			n.Attr = append(n.Attr, html.Attribute{Key: key, Val: strconv.Itoa(v)})
		}
	}
}
