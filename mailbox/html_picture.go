package mailbox

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// emptyWord are descriptions of images that describe their place in a template,
// in the languages that templates are written in, and names of files.
var emptyWord = regexp.MustCompile(`(?i)^([^\p{L}\p{N}]*|(company |brand |email |e-mail |header |footer |main )?` +
	`(logo|image|img|icon|picture|photo|pic|banner|header|footer|hero|spacer|divider|separator|line|pixel|blank|placeholder|thumbnail|bullet|arrow|bild|foto|imagen|untitled|alt|alt text)` +
	`[ _-]?\d*|\S+\.(png|jpe?g|gif|webp|svg|bmp))$`)

// saysNothing reports whether the description of an image is none. The picture
// itself may say much, which nobody can read here.
func saysNothing(alt string) bool { return emptyWord.MatchString(alt) }

// altsIn returns the descriptions of the pictures inside n.
func altsIn(n *html.Node) (alts []string) {
	for c := range n.Descendants() {
		if alt := attrOf(c, "alt"); c.DataAtom == atom.Img && alt != "" {
			alts = append(alts, alt)
		}
	}
	return alts
}

// saysSomething reports whether a pruned mail has a word in it, if only in the
// description of a picture.
func saysSomething(tree *html.Node) bool {
	for n := range tree.Descendants() {
		if n.Type == html.TextNode && !isBlank(n.Data) || attrOf(n, "alt") != "" {
			return true
		}
	}
	return false
}

// visibleAlt returns the description of an image, "" if it has none, and
// whether the image is there to be seen.
func (p *pruner) visibleAlt(b *box) (alt string, visible bool) {
	alt, removed := cleanLine(b.attr("alt"))
	if b.gone || b.hidden || b.dot {
		p.hidden += visibleLength(alt)
		return "", false
	}
	if alt == "" || p.format != HTML && saysNothing(alt) {
		alt = ""
		p.unnamed++
	}
	short := firstRunes(alt, maxAlt)
	p.hidden += removed + max(0, utf8.RuneCountInString(alt)-maxAlt)
	return short, true
}

// image copies a picture that has a description, and reports whether it has.
func (p *pruner) image(dst *html.Node, b *box) bool {
	alt, visible := p.visibleAlt(b)
	if !visible {
		return false
	}
	n := element("img")
	n.Attr = []html.Attribute{{Key: "alt", Val: alt}}
	if src := strings.TrimSpace(b.attr("src")); p.format == HTML && !strings.HasPrefix(strings.ToLower(src), "data:") {
		if clean, _ := cleanLine(src); clean != "" {
			n.Attr = append(n.Attr, html.Attribute{Key: "src", Val: clean})
		}
	}
	if alt == "" {
		if p.nameless == nil {
			p.nameless = n
		}
		return false
	}
	dst.AppendChild(n)
	return true
}

// input copies what is written on a button. What is in the fields of a form is
// not for the reader of a mail.
func (p *pruner) input(dst *html.Node, b *box) bool {
	label, isPicture := b.buttonLabel()
	switch {
	case isPicture:
		return p.image(dst, b)
	case label == "":
		p.hidden += visibleLength(b.attr("value"))
		return false
	}
	appendText(dst, " ")
	content := p.text(dst, label, b)
	appendText(dst, " ")
	return content
}

// buttonLabel returns what is written on an input element that is a button; ""
// if it is none, or one that is a picture.
func (b *box) buttonLabel() (label string, isPicture bool) {
	switch strings.ToLower(strings.TrimSpace(b.attr("type"))) {
	case "submit", "button", "reset":
		return b.attr("value"), false
	case "image":
		return "", true
	}
	return "", false
}

// pictures are the links of a mail around a picture of which there is a word to
// say or none. Newsletters have them beside a link in words, which says more.
type pictures struct {
	said  map[string]bool // targets of links with more than a word
	links []pictureLink
}

type pictureLink struct {
	node *html.Node
	// shown is the target as it is shown, which may be cut.
	target, shown, alt string
}

// note remembers a link. text is what it says without its pictures.
func (p *pictures) note(n *html.Node, text, target, shown string) {
	if p.said == nil {
		p.said = map[string]bool{}
	}
	word := ""
	alts := altsIn(n)
	if len(alts) > 0 {
		word = alts[0]
	}
	if text != "" || len(alts) > 1 || strings.ContainsAny(word, " ,.") { // more than a word is a description
		p.said[target] = true
		return
	}
	p.links = append(p.links, pictureLink{n, target, shown, word})
}

// dropRepeated removes the links around pictures that lead where a link says
// more, and those that look like one before them. It returns how many of these
// had a description.
func (p *pictures) dropRepeated() (described int) {
	seen := map[pictureLink]bool{}
	drop := func(l pictureLink) {
		look := pictureLink{shown: l.shown, alt: l.alt}
		if !p.said[l.target] && !seen[look] {
			seen[look] = true
			return
		}
		removeCell(l.node)
		if l.alt != "" {
			described++
		}
	}
	for _, l := range p.links {
		if l.alt != "" {
			drop(l)
		}
	}
	for _, l := range p.links { // a word says more than none
		if l.alt != "" {
			p.said[l.target] = true
		}
	}
	for _, l := range p.links {
		if l.alt == "" {
			drop(l)
		}
	}
	return described
}

// removeCell removes n and, if it stands in a line of cells, one of the marks
// beside it.
func removeCell(n *html.Node) {
	if n.Parent == nil {
		return
	}
	for _, beside := range [...]*html.Node{n.PrevSibling, n.NextSibling} {
		if beside != nil && beside.Type == html.TextNode && beside.Data == cellMark {
			n.Parent.RemoveChild(beside)
			break
		}
	}
	n.Parent.RemoveChild(n)
}
