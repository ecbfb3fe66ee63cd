package mailbox

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// isGone reports whether the element is not drawn, whatever is inside.
func (b *box) isGone(st *style) bool {
	b.display = st.value[display]
	switch b.display {
	case "none", "table-column", "table-column-group":
		return true
	}
	return st.value[contentVisibility] == "hidden" || b.opacity < 0.05 ||
		b.isEmptyWindow(st) || b.isOffScreen(st) || isClipped(st) || isMasked(st) || isShrunk(st) || isTurned(st) || b.isBlended(st)
}

// isEmptyWindow: the element has no area and shows nothing beyond it.
func (b *box) isEmptyWindow(st *style) bool {
	if !b.isClipping(st) {
		return false
	}
	tiny := func(p property) bool {
		px, ok := lengthOf(st.value[p], b.fontSize, math.NaN())
		return ok && px <= 1 || st.value[p] == "0%"
	}
	if below, _ := lengthOf(st.value[paddingBottom], b.fontSize, screenWidth); below > 1 {
		return !b.isCell() && (tiny(width) || tiny(maxWidth)) // the text is seen in its padding
	}
	if tiny(maxHeight) {
		return true
	}
	if b.isCell() {
		return false
	}
	return tiny(height) || tiny(width) || tiny(maxWidth)
}

func (b *box) isOffScreen(st *style) bool {
	const far = 900 // no layout of mail moves text that is seen so far
	// Half as far, only what is wider than the way has something left to see.
	near := float64(far)
	wide, ok := lengthOf(cmp.Or(st.value[width], st.value[minWidth]), b.fontSize, screenWidth)
	if !ok || wide < far/2 {
		near = far / 2
	}
	beyond := func(p property, most float64) bool {
		px, ok := lengthOf(st.value[p], b.fontSize, screenWidth)
		return ok && (px < -far || px > most)
	}
	isNear := func(p property) bool { // not as a share, which centres what is moved twice
		px, ok := lengthOf(st.value[p], b.fontSize, math.NaN())
		return ok && px < -near
	}
	if isNear(marginLeft) || beyond(marginLeft, math.Inf(1)) || beyond(marginTop, math.Inf(1)) {
		return true
	}
	switch st.value[position] {
	case "absolute", "fixed", "relative":
		return isNear(left) || isNear(top) || beyond(left, 3*far) || beyond(right, 3*far) ||
			beyond(top, math.Inf(1)) || beyond(bottom, math.Inf(1))
	}
	return false
}

func isClipped(st *style) bool {
	if st.value[position] == "absolute" || st.value[position] == "fixed" {
		if args := arguments(st.value[clip], "rect"); len(args) == 4 && (isThin(args[0], args[2]) || isThin(args[3], args[1])) {
			return true
		}
	}
	v := st.value[clipPath]
	if args := arguments(v, "inset"); len(args) > 0 {
		i := [...][4]int{{0, 0, 0, 0}, {0, 1, 0, 1}, {0, 1, 2, 1}, {0, 1, 2, 3}}[min(len(args), 4)-1]
		return meet(args[i[0]], args[i[2]]) || meet(args[i[1]], args[i[3]])
	}
	if args := arguments(v, "rect"); len(args) >= 4 {
		return isThin(args[0], args[2]) || isThin(args[3], args[1])
	}
	if args := arguments(v, "xywh"); len(args) >= 4 {
		return areTiny(args[2:3]) || areTiny(args[3:4])
	}
	for _, shape := range []string{"circle", "ellipse"} {
		if args := arguments(v, shape); len(args) > 0 {
			return areTiny(args[:1]) || shape == "ellipse" && len(args) > 1 && areTiny(args[1:2])
		}
	}
	return hasNoArea(arguments(v, "polygon"))
}

// hasNoArea reports whether the corners of a polygon stand in one line, or all
// of them beyond one edge of the box.
func hasNoArea(corners []string) bool {
	const whole = 1000 // pixels that shares are taken of; the area does not matter
	var x, y []float64
	for i, c := range corners {
		n, ok := lengthOf(c, rootSize, whole)
		switch {
		case !ok && i == 0: // the fill rule
		case !ok:
			return false
		case len(x) == len(y):
			x = append(x, n)
		default:
			y = append(y, n)
		}
	}
	if len(x) == 0 || len(x) != len(y) {
		return false
	}
	area := 0.0
	for i := range x {
		j := (i + 1) % len(x)
		area += x[i]*y[j] - x[j]*y[i]
	}
	beyond := slices.Max(x) <= 0 || slices.Max(y) <= 0 || strings.HasSuffix(corners[0], "%") && (slices.Min(x) >= whole || slices.Min(y) >= whole)
	return math.Abs(area) <= 2 || beyond || areTiny(corners)
}

// isMasked: of the element only what is painted in a mask is drawn.
func isMasked(st *style) bool {
	for word := range strings.FieldsSeq(st.value[maskSize]) {
		if px, ok := lengthOf(word, rootSize, smallestBox); ok && px <= 0 {
			return st.value[maskImage] != "" && st.value[maskImage] != "none"
		}
	}
	c, flat := flatGradient(st.value[maskImage])
	return flat && c.a < 0.05
}

// isTurned: the element shows its back, and has none.
func isTurned(st *style) bool {
	if st.value[backface] != "hidden" {
		return false
	}
	back := func(angle string) bool {
		turn, ok := turnOf(angle)
		return ok && math.Cos(2*math.Pi*turn) < 0
	}
	for _, f := range [...]string{"rotatex", "rotatey"} {
		if a := arguments(st.value[transform], f); len(a) == 1 && back(a[0]) {
			return true
		}
	}
	words := strings.Fields(st.value[rotate])
	return len(words) == 2 && (words[0] == "x" || words[0] == "y") && back(words[1])
}

// isBlended: black on white, or white on black, is mixed with what is behind
// it so that nothing is left to see, or all of the element is made one grey.
func (b *box) isBlended(st *style) bool {
	switch st.value[blendMode] {
	case "screen", "lighten", "color-dodge", "plus-lighter":
		if b.behind.like(white) {
			return true
		}
	case "multiply", "darken", "color-burn":
		if b.behind.like(black) {
			return true
		}
	}
	for _, f := range [...]string{"blur", "contrast"} {
		if args := arguments(st.value[filterProp], f); len(args) == 1 {
			n, ok := numberOf(args[0])
			px, valid := lengthOf(args[0], b.fontSize, math.NaN())
			if f == "contrast" && ok && n < 0.05 || f == "blur" && valid && px > b.fontSize {
				return true
			}
		}
	}
	return false
}

// isThin reports whether there is at most a pixel from one edge to the other.
func isThin(from, to string) bool {
	a, ok := lengthOf(from, rootSize, screenWidth)
	b, valid := lengthOf(to, rootSize, screenWidth)
	return ok && valid && b-a <= 1
}

// meet reports whether what two opposite sides cut off leaves nothing.
func meet(a, b string) bool {
	const far = 900 // pixels, as for what is out of sight
	total, pixels := 0.0, 0.0
	for _, v := range [...]string{a, b} {
		if n, ok := numberOf(v); ok && strings.HasSuffix(v, "%") {
			total += n
		} else if px, ok := lengthOf(v, rootSize, math.NaN()); ok {
			pixels += px
		}
	}
	return total >= 0.99 || pixels > far
}

// areTiny reports whether every argument is a length of at most a pixel.
func areTiny(args []string) bool {
	for _, a := range args {
		if px, ok := lengthOf(a, rootSize, screenWidth); !ok || math.Abs(px) > 1 {
			return false
		}
	}
	return true
}

// isShrunk: a transformation leaves no area, or moves it out of sight.
func isShrunk(st *style) bool {
	const smallest, far = 0.05, 900 // of its size; pixels
	for _, p := range [...]property{scale, zoom} {
		for v := range strings.FieldsSeq(st.value[p]) {
			if n, ok := numberOf(v); ok && math.Abs(n) < smallest {
				return true
			}
		}
	}
	for v := range strings.FieldsSeq(st.value[translate]) {
		if px, ok := lengthOf(v, rootSize, 0); ok && math.Abs(px) > far {
			return true
		}
	}
	v := st.value[transform]
	if words := strings.Fields(st.value[rotate]); len(words) == 2 {
		v += " rotate" + words[0] + "(" + words[1] + ")"
	}
	for _, f := range []string{"rotatex", "rotatey"} {
		for _, a := range arguments(v, f) {
			if turn, ok := turnOf(a); ok && math.Abs(math.Cos(2*math.Pi*turn)) < smallest {
				return true // seen from its edge
			}
		}
	}
	if a := arguments(v, "matrix"); len(a) == 6 && isFlat(a) {
		return true
	} else if len(a) == 6 {
		for _, move := range a[4:] {
			if px, ok := numberOf(move); ok && math.Abs(px) > far {
				return true
			}
		}
	}
	for _, f := range []string{"scale", "scalex", "scaley", "scale3d"} {
		for _, a := range arguments(v, f) {
			if n, ok := numberOf(a); ok && math.Abs(n) < smallest {
				return true
			}
		}
	}
	for _, f := range []string{"translate", "translatex", "translatey", "translate3d"} {
		for _, a := range arguments(v, f) {
			if px, ok := lengthOf(a, rootSize, smallestBox); ok && math.Abs(px) > far {
				return true
			}
			if share, ok := numberOf(a); ok && strings.HasSuffix(a, "%") && math.Abs(share) >= 5 {
				return true // so many times its own size
			}
		}
	}
	return false
}

// smallestBox is what a share of an element's own size is taken of, in pixels,
// where it is not known.
const smallestBox = 20

// turnOf reads an angle as a number of turns.
func turnOf(angle string) (float64, bool) {
	for unit, whole := range map[string]float64{"deg": 360, "grad": 400, "turn": 1, "rad": 2 * math.Pi} {
		if s, ok := strings.CutSuffix(angle, unit); ok {
			if n, ok := numberOf(s); ok {
				return n / whole, true
			}
		}
	}
	return 0, false
}

// isFlat reports whether a matrix of six numbers leaves no area.
func isFlat(args []string) bool {
	var n [6]float64
	for i, a := range args {
		var ok bool
		if n[i], ok = numberOf(a); !ok {
			return false
		}
	}
	return math.Abs(n[0]*n[3]-n[1]*n[2]) < 0.001
}
