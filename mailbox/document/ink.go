package document

import (
	"strconv"
	"unicode"
)

// ink is what a run of text in a Word document is drawn with, as far as it can
// hide the run.
type ink struct {
	vanished bool // not drawn
	white    bool // or nearly
	tiny     bool // letters of a point at most
	shaded   bool // drawn on a colour of its own
}

// of notes a property of the run.
func (k *ink) of(name string, attr attributes) {
	const tiny = 2 // half points
	switch name {
	case "vanish":
		k.vanished = attr.on("val")
	case "color":
		k.white = isWhite(attr.get("val"))
	case "sz":
		n, err := strconv.ParseFloat(attr.get("val"), 64)
		k.tiny = err == nil && n <= tiny
	case "shd", "highlight":
		k.shaded = shades(attr)
	}
}

// isWhite reports whether a colour in hexadecimal form is hard to see on paper.
func isWhite(hex string) bool {
	const darkest = 0xF0 // of each part
	n, err := strconv.ParseUint(hex, 16, 32)
	return err == nil && len(hex) == 6 && n>>16 >= darkest && n>>8&0xFF >= darkest && n&0xFF >= darkest
}

// shades reports whether shd or highlight gives a background other than white.
func shades(attr attributes) bool {
	switch fill := attr.get("fill"); {
	case attr.get("themeFill") != "":
		return true
	case fill != "":
		return fill != "auto" && !isWhite(fill)
	}
	// highlight, or a shading by pattern alone
	switch attr.get("val") {
	case "", "none", "nil", "clear", "white":
		return false
	}
	return true
}

// glyphs counts the characters of s that leave a mark.
func glyphs(s string) int {
	n := 0
	for _, r := range s {
		if !unicode.IsSpace(r) {
			n++
		}
	}
	return n
}
