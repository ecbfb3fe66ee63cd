package mailbox

import (
	"strconv"
	"unicode/utf8"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// Limits on what is taken for a table of data.
const (
	maxCells    = 10_000 // counting cells that others span
	maxCellText = 200    // characters
)

// table adds t, whose content has been pruned, to dst: as a table of one header
// row and plain rows if it holds data, and as paragraphs if it is there for the
// layout, as nearly all tables in mail are.
func (p *pruner) table(dst, t *html.Node) {
	rows, others := rowsOf(t)
	if p.inline > 0 || !isData(rows) {
		flatten(dst, rows, others)
		return
	}
	for _, o := range others {
		moveInto(dst, "div", o)
	}
	plain := element("table")
	for i, r := range rows {
		r.Parent.RemoveChild(r)
		for c := range r.ChildNodes() {
			unwrapOnly(c)
			if c.DataAtom == atom.Th && i > 0 {
				c.DataAtom, c.Data = atom.Td, "td" // a header in a later row would move it to the top
			}
		}
		plain.AppendChild(r)
	}
	dst.AppendChild(plain)
}

// rowsOf returns the rows of t, and what else it holds, which is its caption.
func rowsOf(t *html.Node) (rows, others []*html.Node) {
	for c := range t.ChildNodes() {
		switch {
		case c.DataAtom == atom.Tr:
			rows = append(rows, c)
		case c.DataAtom == atom.Thead || c.DataAtom == atom.Tbody || c.DataAtom == atom.Tfoot:
			r, o := rowsOf(c)
			rows, others = append(rows, r...), append(others, o...)
		case c.Type == html.ElementNode || !isBlank(c.Data):
			others = append(others, c)
		}
	}
	return rows, others
}

// isData: at least two rows have at least two cells with something short in
// them, and nothing in the table needs more than lines of text.
func isData(rows []*html.Node) bool {
	full, cells, columns := 0, 0, 0
	for _, r := range rows {
		inRow, width := 0, 0
		for c := range r.ChildNodes() {
			if c.DataAtom != atom.Td && c.DataAtom != atom.Th {
				if c.Type == html.ElementNode || !isBlank(c.Data) {
					return false
				}
				continue
			}
			if !isShort(c) {
				return false
			}
			if saysSomething(c) {
				inRow++
			}
			width += span(c, "colspan")
			cells += span(c, "colspan") * span(c, "rowspan")
		}
		columns = max(columns, width)
		if inRow > 1 {
			full++
		}
	}
	return full > 1 && cells <= maxCells && len(rows)*columns <= maxCells
}

func span(cell *html.Node, key string) int {
	if n, err := strconv.Atoi(attrOf(cell, key)); err == nil {
		return n
	}
	return 1
}

func isShort(cell *html.Node) bool {
	for c := range cell.Descendants() {
		if isBlock(c.Data) && c.Type == html.ElementNode && c.DataAtom != atom.P && c.DataAtom != atom.Div {
			return false
		}
	}
	return utf8.RuneCountInString(textOf(cell)) <= maxCellText
}

// cellMark stands between cells that share a line.
const cellMark = " | "

// flatten adds the cells of a layout one after the other. Cells of one row that
// hold no more than a phrase share a line.
func flatten(dst *html.Node, rows, others []*html.Node) {
	for _, o := range others {
		moveInto(dst, "div", o)
	}
	for _, r := range rows {
		var cells []*html.Node
		inline := true
		for c := range r.ChildNodes() {
			if c.FirstChild == nil {
				continue // white space, or an empty cell
			}
			unwrapOnly(c)
			cells = append(cells, c)
			inline = inline && isPhrase(c)
		}
		if !inline {
			for _, c := range cells {
				moveInto(dst, "div", c)
			}
			continue
		}
		line := element("div")
		for i, c := range cells {
			if i > 0 {
				appendText(line, cellMark)
			}
			moveChildren(line, c)
		}
		if line.FirstChild != nil {
			dst.AppendChild(line)
		}
	}
}

// moveInto adds what n holds to dst in a new element.
func moveInto(dst *html.Node, tag string, n *html.Node) {
	e := element(tag)
	if n.Type == html.TextNode {
		appendText(e, n.Data)
	} else {
		moveChildren(e, n)
	}
	dst.AppendChild(e)
}

// unwrapOnly replaces a paragraph that is all a cell holds by its content.
func unwrapOnly(cell *html.Node) {
	for {
		var only *html.Node
		for c := range cell.ChildNodes() {
			if c.Type == html.TextNode && isBlank(c.Data) {
				continue
			}
			if only != nil || c.DataAtom != atom.Div && c.DataAtom != atom.P {
				return
			}
			only = c
		}
		if only == nil {
			return
		}
		cell.RemoveChild(only)
		for cell.FirstChild != nil {
			cell.RemoveChild(cell.FirstChild)
		}
		moveChildren(cell, only)
	}
}

func isPhrase(cell *html.Node) bool {
	for c := range cell.Descendants() {
		if c.DataAtom == atom.Br || c.Type == html.ElementNode && isBlock(c.Data) {
			return false
		}
	}
	return true
}
