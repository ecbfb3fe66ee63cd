package mailbox

import (
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// strip is how a mail is read that the parser refuses, because its elements are
// nested too deep: out of a tree that is made without regard to what may stand
// in what. It keeps the rules of visibility (or nesting would be the way around
// them) and gives up on layout.
type strip struct {
	pruner
	w    textWriter
	open []*box
	// link is where the text of the open link begins in what is written.
	link int
}

// stripTags writes the text of src. What it counts is in the pruner.
func stripTags(src string, full bool) (text string, counts pruner) {
	doc := looseTree(src)
	sheet := sheetOf(doc)
	s := strip{pruner: pruner{full: full}, open: []*box{newRoot(sheet)}}
	walk(doc, s.enter, s.leave)
	s.mayHide = sheet.cut
	return s.w.String(), s.pruner
}

// looseTree makes a tree of tags, however deep.
func looseTree(src string) *html.Node {
	doc := &html.Node{Type: html.DocumentNode}
	root, head, body := element("html"), element("head"), element("body")
	doc.AppendChild(root)
	root.AppendChild(head)
	root.AppendChild(body)
	top := body
	// count is the number of open elements by name, so that an end tag without
	// a start tag, of which there may be a million, costs nothing.
	count := map[string]int{}
	end := func(tag string) {
		for count[tag] > 0 {
			count[top.Data]--
			closed := top.Data
			if top = top.Parent; closed == tag {
				return
			}
		}
	}
	for z := html.NewTokenizer(strings.NewReader(src)); ; {
		switch z.Next() {
		case html.ErrorToken: // the end; a string has no other errors
			return doc
		case html.TextToken:
			data := string(z.Text())
			if top == head && !isBlank(data) {
				top = body
			}
			top.AppendChild(&html.Node{Type: html.TextNode, Data: data})
		case html.StartTagToken, html.SelfClosingTagToken:
			t := z.Token()
			switch t.DataAtom {
			case atom.Html:
				root.Attr = append(root.Attr, t.Attr...)
				continue
			case atom.Body:
				body.Attr = append(body.Attr, t.Attr...)
				continue
			case atom.Head:
				continue
			}
			if isBlock(t.Data) && top.Data == "p" || top.Data == t.Data && closesItself(t.Data) {
				end(top.Data)
			}
			if t.DataAtom == atom.Tr && top.DataAtom == atom.Table { // which selectors may ask for
				tbody := element("tbody")
				top.AppendChild(tbody)
				top = tbody
				count[tbody.Data]++
			}
			n := &html.Node{Type: html.ElementNode, Data: t.Data, DataAtom: t.DataAtom, Attr: t.Attr}
			if top == body && body.FirstChild == nil && isCode(t.DataAtom) {
				top = head
			} else if top == head && !isCode(t.DataAtom) {
				top = body
			}
			top.AppendChild(n)
			if !isVoid(t.Data) {
				top = n
				count[t.Data]++
			}
		case html.EndTagToken:
			end(z.Token().Data)
		}
	}
}

func (s *strip) top() *box { return s.open[len(s.open)-1] }

func (s *strip) enter(n *html.Node) {
	switch n.Type {
	case html.TextNode:
		s.text(n.Data)
	case html.ElementNode:
		s.start(n)
	}
}

func (s *strip) text(data string) { s.textIn(s.top(), data) }

func (s *strip) textIn(b *box, data string) {
	if !b.showsText() {
		if !isCode(b.node.DataAtom) {
			s.hidden += visibleLength(data)
		}
		return
	}
	data, removed := cleanText(data)
	s.hidden += removed
	if b.lines {
		s.w.lines(data)
	} else {
		s.w.words(plainSpaces(data))
	}
}

func (s *strip) start(n *html.Node) {
	if isBlock(n.Data) || n.Data == "br" {
		s.w.gap(1)
	}
	b := s.top().child(n)
	switch {
	case n.Data == "img":
		s.picture(b)
	case n.Data == "input":
		s.input(b)
	case n.Data == "base":
		s.setBase(b.attr("href"))
	}
	b.gone = b.gone || isUnseen(n) || isCode(n.DataAtom)
	if n.Data == "a" {
		s.link = s.w.b.Len()
	}
	s.open = append(s.open, b)
}

// picture writes the description of an image. Of one that has none, the link
// around it stays in any case.
func (s *strip) picture(b *box) {
	if alt, _ := s.visibleAlt(b); alt != "" {
		s.w.mark(imageMark(alt))
	}
}

func (s *strip) input(b *box) {
	label, isPicture := b.buttonLabel()
	switch {
	case isPicture:
		s.picture(b)
	case label != "":
		s.w.space = true
		s.textIn(b, label)
		s.w.space = true
	default:
		s.hidden += visibleLength(b.attr("value"))
	}
}

func (s *strip) leave(n *html.Node) {
	if n.Type != html.ElementNode {
		return
	}
	b := s.top()
	s.open = s.open[:len(s.open)-1]
	if isBlock(n.Data) {
		s.w.gap(1)
	}
	if n.Data == "a" && !b.gone {
		s.target(b)
	}
}

func (s *strip) target(b *box) {
	target := linkTarget(b.attr("href"), s.base)
	if target == "" {
		return
	}
	if linkMisleads(s.w.String()[s.link:], target) {
		s.misleading++
	}
	if !s.full {
		target = shortLink(target)
	}
	s.w.space = true
	s.w.mark("(" + target + ")")
}

func closesItself(tag string) bool {
	switch tag {
	case "p", "li", "tr", "td", "th", "dt", "dd", "option":
		return true
	}
	return false
}

func isVoid(tag string) bool {
	switch tag {
	case "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr":
		return true
	}
	return false
}
