package mailbox

import (
	"math"
	"strings"
)

// window is the innermost element around a text that shows nothing beyond its
// edges, and how far from its upper left corner the text begins.
type window struct {
	clips         bool
	width, height float64 // pixels; infinite if they depend on what is inside
	across, down  float64 // pixels
	// rest is the share of the width that is left beside margins and paddings
	// which are shares themselves.
	rest float64
}

var noWindow = window{rest: 1, width: math.Inf(1), height: math.Inf(1)}

// hides reports whether nothing can be read of a text of that size, in pixels,
// that begins in the window, further across by indent.
func (w window) hides(fontSize, indent float64) bool {
	if !w.clips {
		return false
	}
	const least = 1.0 / 3 // of a letter's height
	return w.across+indent >= min(w.width, screenWidth) || w.down >= w.height || w.rest <= 0 || min(w.width, w.height) < least*fontSize
}

// place moves the window's corner as an element with the style st moves what is
// in it, and returns the window that it is itself, if it is one.
func (w window) place(b *box, st *style) window {
	px := func(p property) float64 {
		n, _ := lengthOf(st.value[p], b.fontSize, 0)
		return n
	}
	share := func(p property) float64 {
		n, ok := numberOf(st.value[p])
		if !ok || !strings.HasSuffix(st.value[p], "%") {
			return 0
		}
		return n
	}
	positioned := false
	switch st.value[position] {
	case "absolute", "fixed", "relative", "sticky":
		positioned = true
		w.across, w.down = w.across+px(left), w.down+px(top)
	}
	switch st.value[position] {
	case "absolute", "fixed": // from the edge of an element that is not known here
		w.across, w.down, w.rest = px(left), px(top), 1
	}
	w.across += px(marginLeft)
	aside := share(marginLeft)
	if positioned {
		aside += share(left)
	}
	block := isBlock(tagFor(b.node, b)) || positioned
	if block {
		w.down += px(marginTop)
	}
	if b.isClipping(st) && !b.isCell() && block {
		if w.hides(b.fontSize, 0) {
			b.gone = true
		}
		aside = 0
		w = noWindow
		w.clips = true
		for _, p := range [...]property{width, maxWidth} {
			if n, ok := lengthOf(st.value[p], b.fontSize, math.NaN()); ok && n > 0 {
				w.width = min(w.width, n)
			}
		}
		for _, p := range [...]property{height, maxHeight} {
			if n, ok := lengthOf(st.value[p], b.fontSize, math.NaN()); ok && n >= 0 {
				w.height = min(w.height, n)
			}
		}
		w.height = max(w.height, px(minHeight))
		below, _ := lengthOf(st.value[paddingBottom], b.fontSize, screenWidth)
		if padding := px(paddingTop) + below; st.value[boxSizing] == "border-box" {
			w.height = max(w.height, padding)
		} else {
			w.width, w.height = w.width+px(paddingLeft), w.height+padding
		}
	}
	w.across += px(paddingLeft)
	if st.value[transform] == "" && st.value[translate] == "" { // which may move it back
		w.rest *= 1 - aside - share(paddingLeft)
	}
	if block {
		w.down += px(paddingTop)
	}
	return w
}

// isClipping reports whether the element shows nothing beyond its edges.
func (b *box) isClipping(st *style) bool {
	// One direction that is visible becomes a scroll bar where the other is not.
	visible := func(p property) bool {
		return strings.Contains("  visible initial unset inherit revert ", " "+st.value[p]+" ")
	}
	return !visible(overflowX) || !visible(overflowY)
}

// isCell reports whether the element is part of a table, whose widths and
// heights are the least that it has.
func (b *box) isCell() bool {
	switch b.node.Data {
	case "table", "tbody", "thead", "tfoot", "tr", "td", "th":
		return b.display == "" || strings.HasPrefix(b.display, "table")
	}
	return false
}
