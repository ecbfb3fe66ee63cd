package pdf

import "math"

// maxSaved bounds how many graphics states, and marked contents, are open.
const maxSaved = 256

// state is the part of the graphics state that text depends on.
type state struct {
	ctm  matrix // from the drawing's own space to the page's
	font *font
	size float64
	// charGap and wordGap are added behind each character and each space.
	charGap, wordGap float64
	// stretch is the width of text, 1 being normal; leading the distance of
	// lines, rise that from the line.
	stretch, leading, rise float64
	// inkless text leaves no mark; white text shows on a dark ground only.
	inkless, white bool
}

// pen draws a content stream.
type pen struct {
	f         *file
	out       *writer
	resources dict
	depth     int

	state
	saved    []state
	tm, line matrix // of text, and of the beginning of its line
	// spans are the marked-content sequences that are open; one may say which
	// text it really is.
	spans []*span
}

type span struct {
	actual   string
	replaced bool // characters are replaced by actual
	said     bool // actual was written
}

// numbers returns the operands as numbers, or false if there are not n.
func numbers(operands []any, n int) (v [6]float64, ok bool) {
	if len(operands) < n {
		return v, false
	}
	for i, x := range operands[len(operands)-n:] {
		if v[i], ok = x.(float64); !ok || math.IsInf(v[i], 0) {
			return v, false
		}
	}
	return v, true
}

// do performs an operator (ISO 32000-1, annex A). Those that draw no text do
// nothing.
func (p *pen) do(op word, operands []any) {
	switch op {
	case "q":
		if len(p.saved) < maxSaved {
			p.saved = append(p.saved, p.state)
		}
	case "Q":
		if n := len(p.saved); n > 0 {
			p.state, p.saved = p.saved[n-1], p.saved[:n-1]
		}
	case "cm":
		if m, ok := numbers(operands, 6); ok {
			p.ctm = matrix(m).times(p.ctm)
		}
	case "Do":
		p.object(operands)
	case "BDC":
		p.open(operands)
	case "BMC":
		p.open(nil)
	case "EMC":
		if n := len(p.spans); n > 0 {
			p.spans = p.spans[:n-1]
		}
	case "BT":
		p.tm, p.line = identity, identity
	case "Tf":
		p.choose(operands)
	case "g", "rg", "k", "sc", "scn":
		p.white = isWhite(operands)
	default:
		if !p.adjust(op, operands) && !p.move(op, operands) {
			p.text(op, operands)
		}
	}
}

// isWhite reports whether a color is white, in whichever of the usual color
// spaces: that of inks has it where the others have black.
func isWhite(color []any) bool {
	want := 1.0
	if len(color) == 4 {
		want = 0
	}
	for _, x := range color {
		if x != want {
			return false
		}
	}
	return len(color) > 0
}

// adjust sets a number of the text state.
func (p *pen) adjust(op word, operands []any) bool {
	v, ok := numbers(operands, 1)
	n := v[0]
	switch op {
	case "Tc":
		p.charGap = n
	case "Tw":
		p.wordGap = n
	case "Tz":
		if n = n / 100; n != 0 {
			p.stretch = n
		}
	case "TL":
		p.leading = n
	case "Ts":
		p.rise = n
	case "Tr":
		if ok {
			p.inkless = n == 3
		}
	default:
		return false
	}
	return true
}

// move sets where text goes.
func (p *pen) move(op word, operands []any) bool {
	switch op {
	case "Td", "TD":
		if v, ok := numbers(operands, 2); ok {
			p.next(v[0], v[1])
			if op == "TD" {
				p.leading = -v[1]
			}
		}
	case "Tm":
		if m, ok := numbers(operands, 6); ok {
			p.tm, p.line = m, m
		}
	case "T*":
		p.next(0, -p.leading)
	default:
		return false
	}
	return true
}

func (p *pen) next(x, y float64) {
	p.line = matrix{1, 0, 0, 1, x, y}.times(p.line)
	p.tm = p.line
}

// text draws.
func (p *pen) text(op word, operands []any) {
	if len(operands) == 0 {
		return
	}
	last := operands[len(operands)-1]
	switch op {
	case "\"":
		if v, ok := numbers(operands[:len(operands)-1], 2); ok {
			p.wordGap, p.charGap = v[0], v[1]
		}
		fallthrough
	case "'":
		p.next(0, -p.leading)
		fallthrough
	case "Tj":
		if s, ok := last.(text); ok {
			p.show(s)
		}
	case "TJ":
		list, _ := last.(array)
		for _, item := range list {
			switch v := item.(type) {
			case text:
				p.show(v)
			case float64:
				p.advance(-v / 1000 * p.size)
			}
		}
	}
}

// advance moves along the line, by a distance in units of text space.
func (p *pen) advance(by float64) {
	if p.font != nil && p.font.vertical {
		p.tm = matrix{1, 0, 0, 1, 0, by}.times(p.tm)
		return
	}
	p.tm = matrix{1, 0, 0, 1, by * p.stretch, 0}.times(p.tm)
}

// show draws a string.
func (p *pen) show(s text) {
	if !p.f.charge(4 * len(s)) {
		return
	}
	if p.font == nil {
		p.font = p.f.font(dict{})
	}
	for len(s) > 0 {
		g, n := p.font.next(s)
		s = s[n:]
		place := matrix{1, 0, 0, 1, 0, p.rise}.times(p.tm).times(p.ctm)
		start := place.apply(point{})
		width := g.width / 1000 * p.size
		if p.font.vertical {
			width = -p.size
		}
		p.advance(width)
		end := matrix{1, 0, 0, 1, 0, p.rise}.times(p.tm).times(p.ctm).apply(point{})
		gap := p.charGap
		if g.space {
			gap += p.wordGap
		}
		p.advance(gap)
		if said, ok := p.actual(); ok {
			if g.text = said; said == "" {
				continue
			}
		}
		p.out.add(drawn{
			text: g.text, start: start, end: end,
			size:      p.font.height(math.Abs(p.size) * math.Hypot(place[2], place[3])),
			invisible: p.inkless || p.white,
		})
	}
}

// choose sets the font.
func (p *pen) choose(operands []any) {
	if len(operands) < 2 {
		return
	}
	n, _ := operands[len(operands)-2].(name)
	p.size, _ = operands[len(operands)-1].(float64)
	p.font = p.f.font(p.f.dict(p.resources["Font"])[n])
}

// object draws a form that is named; pictures are not drawn.
func (p *pen) object(operands []any) {
	if len(operands) == 0 || p.depth >= maxForms {
		return
	}
	n, _ := operands[len(operands)-1].(name)
	s, ok := p.f.resolve(p.f.dict(p.resources["XObject"])[n]).(stream)
	if ok && s.dict["Subtype"] == name("Form") {
		p.f.form(s, p.ctm, p.resources, p.out, p.depth+1)
	}
}

// open begins marked content, which may say what its text is (ISO 32000-1,
// 14.9.4).
func (p *pen) open(operands []any) {
	if len(p.spans) >= maxSaved {
		return
	}
	s := &span{}
	if len(p.spans) > 0 {
		s = p.spans[len(p.spans)-1]
	}
	if len(operands) >= 2 {
		properties := operands[len(operands)-1]
		if n, ok := properties.(name); ok {
			properties = p.f.dict(p.resources["Properties"])[n]
		}
		if actual, ok := p.f.resolve(p.f.dict(properties)["ActualText"]).(text); ok && p.f.cipher == nil {
			s = &span{actual: plain(actual), replaced: true}
		}
	}
	p.spans = append(p.spans, s)
}

// actual returns what to write instead of a character, once for all of a span.
func (p *pen) actual() (s string, replaced bool) {
	if len(p.spans) == 0 {
		return "", false
	}
	top := p.spans[len(p.spans)-1]
	if !top.replaced || top.said {
		return "", top.replaced
	}
	top.said = true
	return top.actual, true
}

// plain reads a string that is text for people (ISO 32000-1, 7.9.2.2).
func plain(t text) string {
	if len(t) >= 2 && t[0] == 0xFE && t[1] == 0xFF {
		var out []byte
		for t = t[2:]; len(t) > 0; t = t[min(2*maxExpansion, len(t)):] {
			out = append(out, utf16Text(t[:min(2*maxExpansion, len(t))])...)
		}
		return string(out)
	}
	out := make([]rune, 0, len(t))
	for i := range len(t) {
		if r := winAnsi[t[i]]; r != 0 {
			out = append(out, r)
		}
	}
	return string(out)
}
