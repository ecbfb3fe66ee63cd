package mailbox

import (
	"regexp"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// emptyWord are descriptions of images that describe their place in a template,
// in the languages that templates are written in, and names of files.
var emptyWord = regexp.MustCompile(`(?i)^([^\p{L}]*|(company |brand |email |e-mail |header |footer |main )?` +
	`(logo|image|img|icon|picture|photo|pic|banner|header|footer|hero|spacer|divider|separator|line|pixel|blank|placeholder|thumbnail|bullet|arrow|bild|foto|imagen|untitled|alt|alt text)` +
	`[ _-]?\d*|\S+\.(png|jpe?g|gif|webp|svg|bmp))$`)

// saysNothing reports whether the description of an image is none. The picture
// itself may say much, which nobody can read here.
func saysNothing(alt string) bool { return emptyWord.MatchString(alt) }

// pictures are the links of a mail around a picture whose description is one
// word. Newsletters have them beside a link in words, which says more.
type pictures struct {
	words map[string]bool // targets of links with text
	links []pictureLink
	alts  map[string]int // how often each description is there
}

type pictureLink struct {
	node        *html.Node
	target, alt string
}

// note remembers a link. text is what it says without its pictures.
func (p *pictures) note(n *html.Node, text, target string) {
	if p.words == nil {
		p.words, p.alts = map[string]bool{}, map[string]int{}
	}
	if text != "" {
		p.words[target] = true
		return
	}
	word := ""
	for c := range n.Descendants() {
		if c.DataAtom == atom.Img {
			if word != "" || strings.ContainsAny(attrOf(c, "alt"), " ,.") {
				return // more than a word is a description, and stays
			}
			word = attrOf(c, "alt")
		}
	}
	p.links = append(p.links, pictureLink{n, target, word})
	p.alts[word]++
}

// dropRepeated removes the links around pictures that lead where words lead,
// and those whose description is the same as that of several others, which
// tells of the template and not of the picture. It returns how many these are.
func (p *pictures) dropRepeated() (dropped int) {
	const several = 3
	for _, l := range p.links {
		if (p.words[l.target] || p.alts[l.alt] >= several) && l.node.Parent != nil {
			l.node.Parent.RemoveChild(l.node)
			dropped++
		}
	}
	return dropped
}
