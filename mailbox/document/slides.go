package document

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxSlides bounds the slides of a presentation.
const maxSlides = 2000

// slides reads a presentation (ECMA-376, PresentationML): each slide with its
// tables, then what its speaker has noted.
func (a *archive) slides() (Text, error) {
	t := Text{Unit: "slide"}
	main := a.main()
	var order []string
	err := a.visit(main, visitor{start: func(name string, attr attributes) {
		if name == "sldId" && len(order) < maxSlides {
			order = append(order, relationID(attr))
		}
	}})
	if err != nil {
		return Text{}, reason(err)
	}
	t.Total = len(order)
	relations := a.relations(main)
	chars := 0
	for _, id := range order {
		part := relations[id].target
		s := &slideReader{}
		if err := a.visit(part, s.visitor()); err != nil {
			if err = reason(err); err != ErrDamaged { //nolint:errorlint // reason returns it bare
				return Text{}, err
			}
			s.text.WriteString("\n[this slide is damaged]")
		}
		page := strings.TrimSpace(s.text.String())
		if notes := related(a.relations(part), "notesSlide"); notes != "" {
			n := &slideReader{}
			if a.visit(notes, n.visitor()) == nil && strings.TrimSpace(n.text.String()) != "" {
				page += "\n\nNotes: " + strings.TrimSpace(n.text.String())
			}
			t.Hidden += n.hidden
		}
		t.Hidden += s.hidden
		if !t.page(page, &chars) {
			break
		}
	}
	return t, nil
}

// relationID returns the name of a relation: the attribute id of a namespace,
// and not the id without one that may stand beside it.
func relationID(attr attributes) string {
	for _, one := range attr {
		if one.Name.Local == "id" && one.Name.Space != "" {
			return one.Value
		}
	}
	return ""
}

// slideReader makes text of the DrawingML on a slide.
type slideReader struct {
	text     strings.Builder
	shapes   []bool // the shapes that are open: which are hidden
	row      []string
	cell     strings.Builder
	inCell   bool
	inText   bool
	inField  bool // the number of the slide, and the like
	skipping int
	hidden   int
}

func (s *slideReader) visitor() visitor {
	return visitor{start: s.start, end: s.end, text: s.chars}
}

func (s *slideReader) start(name string, attr attributes) {
	if s.skipping > 0 {
		s.skipping++
		return
	}
	switch name {
	case "Fallback":
		s.skipping = 1
	case "sld":
		if attr.get("show") == "0" {
			s.text.WriteString("[a slide that is left out of the presentation]\n")
		}
	case "sp", "pic", "graphicFrame", "grpSp", "cxnSp":
		s.shapes = append(s.shapes, len(s.shapes) > 0 && s.shapes[len(s.shapes)-1])
	case "cNvPr":
		if n := len(s.shapes); n > 0 && attr.get("hidden") != "" && attr.on("hidden") {
			s.shapes[n-1] = true
		}
	case "tr":
		s.row = nil
	case "tc":
		s.inCell = true
		s.cell.Reset()
	case "fld":
		s.inField = attr.get("type") == "slidenum"
	case "t":
		s.inText = true
	case "br":
		s.write("\n")
	case "tab":
		s.write("\t")
	}
}

func (s *slideReader) end(name string) {
	if s.skipping > 0 {
		s.skipping--
		return
	}
	switch name {
	case "t":
		s.inText = false
	case "fld":
		s.inField = false
	case "p":
		s.write("\n")
	case "tc":
		s.inCell = false
		s.row = append(s.row, strings.Join(strings.Fields(s.cell.String()), " "))
	case "tr":
		fmt.Fprintln(&s.text, strings.Join(s.row, " | "))
	case "sp", "pic", "graphicFrame", "grpSp", "cxnSp":
		if n := len(s.shapes); n > 0 {
			s.shapes = s.shapes[:n-1]
		}
	}
}

func (s *slideReader) chars(text string) {
	if s.skipping == 0 && s.inText && !s.inField {
		s.write(text)
	}
}

func (s *slideReader) write(text string) {
	switch n := len(s.shapes); {
	case n > 0 && s.shapes[n-1]:
		s.hidden += utf8.RuneCountInString(strings.TrimSpace(text))
	case s.inCell:
		s.cell.WriteString(text)
	default:
		s.text.WriteString(text)
	}
}
