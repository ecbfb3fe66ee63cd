package mailbox

import (
	"strings"

	"golang.org/x/net/html"
)

// strip is how a mail is read that the parser refuses, because its elements are
// nested too deep: tag by tag, without a tree. It keeps the rules of visibility
// (or nesting would be the way around them) and gives up on layout.
type strip struct {
	pruner
	w    textWriter
	open []*box
	// link is where the text of the open link begins in what is written.
	link int
	// count is the number of open elements by name, so that an end tag without
	// a start tag, of which there may be a million, costs nothing.
	count map[string]int
}

func stripTags(src string, full bool) (text string, hidden, misleading int) {
	s := strip{pruner: pruner{full: full}, open: []*box{newRoot(stylesIn(src))}, count: map[string]int{}}
	for z := html.NewTokenizer(strings.NewReader(src)); ; {
		switch z.Next() {
		case html.ErrorToken: // the end; a string has no other errors
			return s.w.String(), s.hidden, s.misleading
		case html.TextToken:
			s.text(string(z.Text()))
		case html.StartTagToken, html.SelfClosingTagToken:
			s.start(z.Token())
		case html.EndTagToken:
			s.end(z.Token().Data)
		}
	}
}

func stylesIn(src string) *sheet {
	s := &sheet{}
	inStyle := false
	for z := html.NewTokenizer(strings.NewReader(src)); ; {
		switch z.Next() {
		case html.ErrorToken:
			return s
		case html.StartTagToken:
			t := z.Token()
			inStyle = t.Data == "style" && appliesToScreen(&html.Node{Attr: t.Attr})
		case html.TextToken:
			if inStyle {
				s.add(string(z.Text()))
			}
		case html.EndTagToken:
			inStyle = false
		}
	}
}

func (s *strip) top() *box { return s.open[len(s.open)-1] }

func (s *strip) text(data string) { s.textIn(s.top(), data) }

func (s *strip) textIn(b *box, data string) {
	if !b.showsText() {
		if !isCode(atomOf(b.tag)) {
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

func (s *strip) start(t html.Token) {
	if isBlock(t.Data) && s.top().tag == "p" || s.top().tag == t.Data && closesItself(t.Data) {
		s.end(s.top().tag)
	}
	if isBlock(t.Data) || t.Data == "br" {
		s.w.gap(1)
	}
	b := s.top().child(t.Data, t.Attr)
	switch {
	case t.Data == "img":
		s.picture(b)
		return
	case t.Data == "input":
		s.input(b)
		return
	case t.Data == "base":
		s.setBase(b.attr("href"))
		return
	case isVoid(t.Data):
		return
	}
	b.gone = b.gone || isUnseen(t.Data) || isCode(atomOf(t.Data))
	if t.Data == "a" {
		s.link = s.w.b.Len()
	}
	s.open = append(s.open, b)
	s.count[t.Data]++
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

func (s *strip) end(tag string) {
	if isBlock(tag) {
		s.w.gap(1)
	}
	if s.count[tag] == 0 {
		return
	}
	for {
		b := s.top()
		s.open = s.open[:len(s.open)-1]
		s.count[b.tag]--
		if b.tag == "a" && !b.gone {
			s.target(b)
		}
		if b.tag == tag {
			return
		}
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
