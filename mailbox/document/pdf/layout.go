package pdf

import (
	"math"
	"strings"
	"unicode"
	"unicode/utf8"
)

type point struct{ x, y float64 }

// matrix is a transformation [a b c d e f] as ISO 32000-1, 8.3.3, has it.
type matrix [6]float64

var identity = matrix{1, 0, 0, 1, 0, 0}

// times returns the transformation m followed by n.
func (m matrix) times(n matrix) matrix {
	return matrix{
		m[0]*n[0] + m[1]*n[2], m[0]*n[1] + m[1]*n[3],
		m[2]*n[0] + m[3]*n[2], m[2]*n[1] + m[3]*n[3],
		m[4]*n[0] + m[5]*n[2] + n[4], m[4]*n[1] + m[5]*n[3] + n[5],
	}
}

func (m matrix) apply(p point) point {
	return point{m[0]*p.x + m[2]*p.y + m[4], m[1]*p.x + m[3]*p.y + m[5]}
}

// writer makes text of characters at places. It keeps the order in which they
// are drawn, which nearly every program makes the order of reading; columns
// stay apart. A space or a line break is where the distance says so, whether
// or not one was drawn.
type writer struct {
	text              strings.Builder
	box               box
	hidden, invisible int

	begun bool
	last  string // the character before
	start point  // where it begins
	end   point  // where the next one would begin
	along point  // the direction of its line, of length 1
	size  float64
}

// The distances that count, in font sizes.
const (
	wordGap   = 0.16 // between words
	columnGap = 0.9  // between columns of a table
	sameLine  = 0.6  // up to which a character is raised or lowered, and not on another line
	paragraph = 1.9  // between the lines of two paragraphs
	stroke    = 0.08 // within which the same character again only makes it bold
)

// tiny is the size in points below which nobody reads.
const tiny = 1

// drawn is a character at its place on the page.
type drawn struct {
	text       string
	start, end point
	size       float64
	invisible  bool
}

// apart begins something that is placed on its own.
func (w *writer) apart() {
	w.text.WriteString("\n")
	w.begun = false
}

func (w *writer) add(d drawn) {
	n := utf8.RuneCountInString(d.text)
	if d.size < tiny || !w.box.holds(d.start) {
		w.hidden += n
		return
	}
	if d.invisible {
		w.invisible += n
	}
	along := w.along
	if length := math.Hypot(d.end.x-d.start.x, d.end.y-d.start.y); length > 0 {
		along = point{(d.end.x - d.start.x) / length, (d.end.y - d.start.y) / length}
	}
	if w.begun && !w.join(d) {
		return
	}
	w.text.WriteString(d.text)
	w.begun, w.last, w.start, w.end, w.along, w.size = true, d.text, d.start, d.end, along, d.size
}

// join writes what belongs between the last character and d, and reports
// whether d is to be written at all.
func (w *writer) join(d drawn) bool {
	size := max(w.size, d.size)
	dx, dy := d.start.x-w.end.x, d.start.y-w.end.y
	ahead := (dx*w.along.x + dy*w.along.y) / size
	aside := math.Abs(dx*w.along.y-dy*w.along.x) / size
	if d.text == w.last && math.Hypot(d.start.x-w.start.x, d.start.y-w.start.y) < stroke*size {
		return false
	}
	first, _ := utf8.DecodeRuneInString(d.text)
	last, _ := utf8.DecodeLastRuneInString(w.last)
	spaced := unicode.IsSpace(first) || unicode.IsSpace(last)
	switch {
	case aside > paragraph:
		w.text.WriteString("\n\n")
	case aside > sameLine, ahead < -1.5:
		w.text.WriteString("\n")
	case ahead > columnGap:
		w.text.WriteString("  ")
	case ahead > wordGap && !spaced:
		w.text.WriteString(" ")
	}
	return true
}
