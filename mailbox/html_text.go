package mailbox

import (
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// textWriter writes plain text: words with single spaces, lines with the prefix
// of the quotations and lists around them.
type textWriter struct {
	b      strings.Builder
	prefix string
	last   string // the prefix of the last line
	breaks int    // line breaks due before the next word
	space  bool   // a space is due before the next word
}

// gap asks for at least n line breaks before what follows.
func (w *textWriter) gap(n int) { w.breaks = max(w.breaks, n) }

// mark writes s as it is, after what is due.
func (w *textWriter) mark(s string) {
	switch {
	case w.b.Len() == 0:
		w.b.WriteString(w.prefix)
	case w.breaks > 0:
		for range w.breaks - 1 {
			w.b.WriteString("\n" + strings.TrimRight(commonPrefix(w.last, w.prefix), " "))
		}
		w.b.WriteString("\n" + w.prefix)
	case w.space:
		w.b.WriteByte(' ')
	}
	w.breaks, w.space, w.last = 0, false, w.prefix
	w.b.WriteString(s)
}

func commonPrefix(a, b string) string {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return a[:n]
}

// words writes s with its white space collapsed.
func (w *textWriter) words(s string) {
	for s != "" {
		i := strings.IndexFunc(s, unicode.IsSpace)
		if i != 0 {
			word := s
			if i > 0 {
				word = s[:i]
			}
			w.mark(word)
			if s = s[len(word):]; s == "" {
				return
			}
		}
		w.space = true
		s = strings.TrimLeftFunc(s, unicode.IsSpace)
	}
}

// lines writes s with its white space as it is.
func (w *textWriter) lines(s string) {
	for i, line := range strings.Split(s, "\n") {
		if i > 0 {
			w.breaks++
		}
		if line != "" {
			w.mark(line)
		}
	}
}

func (w *textWriter) String() string { return w.b.String() }

// indented writes what f writes with s in front of each line but the first.
func (w *textWriter) indented(s string, f func()) {
	old := w.prefix
	w.prefix += s
	f()
	w.prefix = old
}

// node writes a pruned element.
func (w *textWriter) node(n *html.Node) {
	if n.Type == html.TextNode {
		w.words(n.Data)
		return
	}
	switch n.DataAtom {
	case atom.Br:
		w.breaks = min(w.breaks+1, 2)
	case atom.Hr:
		w.gap(2)
	case atom.Img:
		w.mark(imageMark(attrOf(n, "alt")))
	case atom.A:
		w.children(n)
		w.space = true
		w.mark("(" + attrOf(n, "href") + ")")
	case atom.Pre:
		w.gap(2)
		w.lines(textOf(n))
		w.gap(2)
	case atom.Blockquote:
		w.gap(2)
		w.indented("> ", func() { w.children(n) })
		w.gap(2)
	case atom.Ul, atom.Ol:
		w.list(n)
	case atom.Tr:
		w.row(n)
	case atom.P, atom.Table, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6:
		w.gap(2)
		w.children(n)
		w.gap(2)
	case atom.Div, atom.Caption, atom.Li, atom.Td, atom.Th:
		w.gap(1)
		w.children(n)
		w.gap(1)
	default:
		w.children(n)
	}
}

// imageMark stands for an image in plain text.
func imageMark(alt string) string {
	if alt == "" {
		return "[image]"
	}
	return "[image: " + alt + "]"
}

func (w *textWriter) children(n *html.Node) {
	for c := range n.ChildNodes() {
		w.node(c)
	}
}

func (w *textWriter) list(n *html.Node) {
	w.gap(1)
	number, err := strconv.Atoi(attrOf(n, "start"))
	if err != nil {
		number = 1
	}
	for c := range n.ChildNodes() {
		if c.DataAtom != atom.Li {
			w.node(c)
			continue
		}
		bullet := "- "
		if n.DataAtom == atom.Ol {
			bullet = strconv.Itoa(number) + ". "
			number++
		}
		w.gap(1)
		w.mark(bullet)
		w.indented(strings.Repeat(" ", len(bullet)), func() { w.children(c) })
		w.gap(1)
	}
}

func (w *textWriter) row(n *html.Node) {
	w.gap(1)
	cells := 0
	for c := range n.ChildNodes() {
		if c.DataAtom != atom.Td && c.DataAtom != atom.Th {
			w.node(c)
			continue
		}
		if cells++; cells > 1 {
			w.space = true
			w.mark("| ")
		}
		w.children(c)
	}
	w.gap(1)
}
