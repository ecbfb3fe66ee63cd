package document

import (
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// word reads a text document (ECMA-376, WordprocessingML): the body with its
// tables, then headers and footers, notes and comments.
func (a *archive) word() (Text, error) {
	t := Text{Total: 1}
	main := a.main()
	w := &wordReader{}
	if err := a.visit(main, w.visitor()); err != nil {
		return Text{}, reason(err)
	}
	var body strings.Builder
	body.WriteString(w.take())
	relations := a.relations(main)
	for _, extra := range []struct{ kind, title string }{
		{"header", "Header"}, {"footer", "Footer"}, {"footnotes", "Footnotes"}, {"endnotes", "Endnotes"}, {"comments", "Comments"},
	} {
		said := map[string]bool{}
		for _, id := range slices.Sorted(maps.Keys(relations)) {
			r := relations[id]
			if r.kind != extra.kind || w.full() {
				continue
			}
			if err := a.visit(r.target, w.visitor()); err != nil {
				continue // the body is what counts
			}
			if s := strings.TrimSpace(w.take()); s != "" && !said[s] {
				said[s] = true
				body.WriteString("\n" + extra.title + ":\n" + s + "\n")
			}
		}
	}
	t.Cut, t.Hidden = w.full(), w.hidden
	if w.faint > 0 {
		t.note("%s in white or in letters of a point at most: text that a reader may not see.", count(w.faint, "character"))
	}
	t.page(body.String(), new(int))
	return t, nil
}

// wordReader makes text of WordprocessingML.
type wordReader struct {
	boxes      []*strings.Builder // the body, and the cells that are open
	rows       [][]string         // the rows that are open
	paragraphs []*wordParagraph   // nested where a text box stands in one
	skipping   int                // how many elements are open within one that is skipped
	shaded     []bool             // by box: whether it has a background
	properties string             // the list of properties that began last
	ink        ink                // of the present run
	inText     bool
	hidden     int
	faint      int // characters that are shown here, and hard to see there
	written    int
}

type wordParagraph struct {
	text   strings.Builder
	prefix string
	shaded bool
}

func (w *wordReader) full() bool { return w.written > maxChars }

func (w *wordReader) visitor() visitor {
	w.boxes, w.shaded = []*strings.Builder{{}}, []bool{false}
	w.rows, w.paragraphs, w.skipping, w.inText = nil, nil, 0, false
	return visitor{start: w.start, end: w.end, text: w.chars, full: w.full}
}

// take returns the text that was read, that of cells which never end too.
func (w *wordReader) take() string {
	var all strings.Builder
	for _, box := range w.boxes {
		all.WriteString(box.String())
	}
	return all.String()
}

func (w *wordReader) start(name string, attr attributes) {
	if w.skipping > 0 {
		w.skipping++
		return
	}
	switch name {
	case "Fallback", "moveFrom", "del", "tabs": // said elsewhere, no longer, or not text
		w.skipping = 1
	case "p":
		w.paragraphs = append(w.paragraphs, &wordParagraph{})
	case "pStyle":
		w.prefix(stylePrefix(attr.get("val")))
	case "ilvl":
		w.prefix(strings.Repeat("  ", min(int(integer(attr.get("val"))), 8)) + "- ")
	case "numId":
		if attr.get("val") == "0" {
			w.prefix("")
		}
	case "r":
		w.ink = ink{}
	case "rPr", "pPr", "tcPr", "tblPr":
		w.properties = name
	case "vanish", "color", "sz", "highlight":
		w.ink.of(name, attr)
	case "shd":
		w.shade(attr)
	case "t":
		w.inText = true
	case "tab", "ptab":
		w.write("\t")
	case "br", "cr":
		w.write("\n")
	case "noBreakHyphen":
		w.write("-")
	case "footnoteReference", "endnoteReference":
		w.write("[" + attr.get("id") + "]")
	case "footnote", "endnote":
		if attr.get("type") == "" {
			w.put("[" + attr.get("id") + "] ")
		}
	case "tr":
		w.rows = append(w.rows, nil)
	case "tc":
		w.boxes, w.shaded = append(w.boxes, &strings.Builder{}), append(w.shaded, false)
	}
}

func (w *wordReader) end(name string) {
	if w.skipping > 0 {
		w.skipping--
		return
	}
	switch name {
	case "t":
		w.inText = false
	case "p":
		n := len(w.paragraphs)
		if n == 0 {
			return
		}
		p := w.paragraphs[n-1]
		w.paragraphs = w.paragraphs[:n-1]
		line := strings.TrimRight(p.text.String(), " ")
		if line != "" {
			line = p.prefix + line
		}
		w.put(line + "\n")
	case "tc":
		n, rows := len(w.boxes), len(w.rows)
		if n < 2 || rows == 0 {
			return
		}
		cell := strings.Join(strings.Fields(w.boxes[n-1].String()), " ")
		w.boxes, w.shaded = w.boxes[:n-1], w.shaded[:n-1]
		w.rows[rows-1] = append(w.rows[rows-1], cell)
	case "tr":
		if n := len(w.rows); n > 0 {
			w.put(strings.Join(w.rows[n-1], " | ") + "\n")
			w.rows = w.rows[:n-1]
		}
	}
}

func (w *wordReader) chars(s string) {
	if w.skipping == 0 && w.inText {
		w.write(s)
	}
}

// write adds to the present paragraph.
func (w *wordReader) write(s string) {
	n := utf8.RuneCountInString(s)
	if w.ink.vanished {
		w.hidden += n
		return
	}
	if len(w.paragraphs) > 0 {
		if w.ink.tiny || w.ink.white && !w.onColour() {
			w.faint += glyphs(s)
		}
		w.paragraphs[len(w.paragraphs)-1].text.WriteString(s)
		w.written += n
	}
}

// shade notes a background: of the present run, paragraph or cell. That of a
// table counts for the cell that it stands in, which errs on the quiet side.
func (w *wordReader) shade(attr attributes) {
	switch n := len(w.paragraphs); w.properties {
	case "rPr":
		w.ink.of("shd", attr)
	case "pPr":
		if n > 0 {
			w.paragraphs[n-1].shaded = shades(attr)
		}
	default:
		w.shaded[len(w.shaded)-1] = w.shaded[len(w.shaded)-1] || shades(attr)
	}
}

// onColour reports whether what is written now stands on a background.
func (w *wordReader) onColour() bool {
	return w.ink.shaded || w.paragraphs[len(w.paragraphs)-1].shaded || slices.Contains(w.shaded, true)
}

func (w *wordReader) prefix(s string) {
	if n := len(w.paragraphs); n > 0 {
		w.paragraphs[n-1].prefix = s
	}
}

// put adds to the body, or to the innermost cell that is open.
func (w *wordReader) put(s string) { _, _ = w.boxes[len(w.boxes)-1].WriteString(s) }

// stylePrefix marks headings and lists as Markdown does. The names of these
// styles are the same in every language of Word.
func stylePrefix(style string) string {
	if style == "Title" {
		return "# "
	}
	if strings.HasPrefix(style, "ListBullet") || strings.HasPrefix(style, "ListNumber") {
		return "- "
	}
	level, ok := strings.CutPrefix(style, "Heading")
	if n := integer(level); ok && n >= 1 && n <= 6 {
		return strings.Repeat("#", int(n)) + " "
	}
	return ""
}
