package mailbox

import (
	"slices"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

func element(tag string) *html.Node {
	return &html.Node{Type: html.ElementNode, Data: tag, DataAtom: atom.Lookup([]byte(tag))}
}

func attrOf(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func textOf(n *html.Node) string {
	var b strings.Builder
	for c := range n.Descendants() {
		if c.Type == html.TextNode {
			b.WriteString(c.Data)
		}
	}
	return b.String()
}

// appendText adds text to dst as a node of its own; [mergeText] joins them in
// the end, because joining one by one takes quadratic time. Only of white space
// no long row is kept.
func appendText(dst *html.Node, data string) {
	const mostSpace = 64
	last := dst.LastChild
	switch {
	case data == "":
	case last != nil && last.Type == html.TextNode && isBlank(last.Data) && isBlank(data):
		if len(last.Data) < mostSpace {
			last.Data += data
		}
	default:
		dst.AppendChild(&html.Node{Type: html.TextNode, Data: data})
	}
}

func isBlank(s string) bool { return strings.TrimSpace(s) == "" }

// mergeText joins adjacent text nodes below n.
func mergeText(n *html.Node) {
	var run strings.Builder
	for c := n.FirstChild; c != nil; {
		next := c.NextSibling
		if c.Type != html.TextNode {
			mergeText(c)
			c = next
			continue
		}
		run.Reset()
		for run.WriteString(c.Data); next != nil && next.Type == html.TextNode; next = c.NextSibling {
			run.WriteString(next.Data)
			n.RemoveChild(next)
		}
		c.Data = run.String()
		c = next
	}
}

// appendBreak adds a line break, but no third in a row.
func appendBreak(dst *html.Node) {
	breaks := 0
	for n := dst.LastChild; n != nil; n = n.PrevSibling {
		if n.DataAtom == atom.Br {
			if breaks++; breaks == 2 {
				return
			}
		} else if n.Type != html.TextNode || !isBlank(n.Data) {
			break
		}
	}
	dst.AppendChild(element("br"))
}

func moveChildren(dst, src *html.Node) {
	for _, c := range slices.Collect(src.ChildNodes()) {
		src.RemoveChild(c)
		if c.Type == html.TextNode {
			appendText(dst, c.Data)
		} else {
			dst.AppendChild(c)
		}
	}
}

// walk calls enter for root and every node below it, and leave, if there is
// one, for each once what is inside has been entered. It does not recurse:
// nodes may be nested as deep as a mail is long.
func walk(root *html.Node, enter, leave func(*html.Node)) {
	for n := root; ; {
		enter(n)
		if n.FirstChild != nil {
			n = n.FirstChild
			continue
		}
		for ; ; n = n.Parent {
			if leave != nil {
				leave(n)
			}
			if n == root {
				return
			}
			if n.NextSibling != nil {
				n = n.NextSibling
				break
			}
		}
	}
}
