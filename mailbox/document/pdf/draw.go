package pdf

import (
	"bytes"
)

const (
	// maxForms bounds how deep drawings nest.
	maxForms = 12
	// maxOperands bounds the operands of an operator; the format has at most
	// 33. Those of TJ are one array.
	maxOperands = 64
	// maxNotes bounds the annotations of a page that are read.
	maxNotes = 5000
)

// draw writes the text of a page, and of what is filled into its form.
func (f *file) draw(p page, out *writer) {
	content := f.contents(p.dict["Contents"])
	f.run(content, f.dict(p.resources), identity, out, 0)
	notes, _ := f.resolve(p.dict["Annots"]).(array)
	for _, note := range notes[:min(len(notes), maxNotes)] {
		if f.failed != nil {
			return
		}
		f.note(f.dict(note), out)
	}
}

// contents joins the streams of a page, between which an operator may be split.
func (f *file) contents(x any) []byte {
	var all []byte
	for _, one := range f.list(x) {
		s, ok := f.resolve(one).(stream)
		if !ok || f.failed != nil {
			continue
		}
		all = append(append(all, f.decode(s)...), '\n')
		if len(all) > f.limits.Stream {
			f.failed = ErrLimit
		}
	}
	return all
}

// note draws the appearance of a form field or of text that was put onto the
// page. What is hidden is not drawn.
func (f *file) note(d dict, out *writer) {
	const hidden, noView = 2, 32
	if kind := d["Subtype"]; kind != name("Widget") && kind != name("FreeText") || int(f.number(d["F"]))&(hidden|noView) != 0 {
		return
	}
	appearance := f.resolve(f.dict(d["AP"])["N"])
	if states, ok := appearance.(dict); ok { // a box to tick has several
		chosen, _ := f.resolve(d["AS"]).(name)
		appearance = f.resolve(states[chosen])
	}
	s, ok := appearance.(stream)
	place, isBox := f.box(d["Rect"])
	if !ok || !isBox {
		return
	}
	m := matrix{1, 0, 0, 1, place.left, place.bottom}
	if b, ok := f.box(s.dict["BBox"]); ok {
		m[4], m[5] = place.left-b.left, place.bottom-b.bottom
	}
	out.apart()
	f.form(s, m, nil, out, 1)
}

// form draws a form XObject.
func (f *file) form(s stream, ctm matrix, resources dict, out *writer, depth int) {
	if a, ok := f.resolve(s.dict["Matrix"]).(array); ok && len(a) == 6 {
		var m matrix
		for i := range m {
			m[i] = f.number(a[i])
		}
		ctm = m.times(ctm)
	}
	if own := f.dict(s.dict["Resources"]); own != nil {
		resources = own
	}
	f.run(f.decode(s), resources, ctm, out, depth)
}

// run draws a content stream.
func (f *file) run(content []byte, resources dict, ctm matrix, out *writer, depth int) {
	p := &pen{f: f, out: out, resources: resources, depth: depth, tm: identity, line: identity}
	p.ctm, p.stretch = ctm, 1
	lx := lexer{data: content}
	operands := make([]any, 0, maxOperands)
	for start := 0; f.charge(lx.pos - start); {
		start = lx.pos
		x := lx.object()
		op, ok := x.(word)
		switch {
		case !ok:
			if len(operands) < maxOperands {
				operands = append(operands, x)
			}
			continue
		case op == eof:
			return
		case op == "BI":
			skipImage(&lx)
		default:
			p.do(op, operands)
		}
		operands = operands[:0]
	}
}

// skipImage skips a picture that stands in the content itself.
func skipImage(lx *lexer) {
	i := bytes.Index(lx.data[lx.pos:], []byte("ID"))
	if i < 0 {
		lx.pos = len(lx.data)
		return
	}
	lx.pos += i + 2
	for {
		i := bytes.Index(lx.data[lx.pos:], []byte("EI"))
		if i < 0 {
			lx.pos = len(lx.data)
			return
		}
		before, after := lx.pos+i-1, lx.pos+i+2
		lx.pos = after
		if isSpace(lx.data[before]) && (after >= len(lx.data) || isSpace(lx.data[after])) {
			return
		}
	}
}
