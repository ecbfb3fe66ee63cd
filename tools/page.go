package tools

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// chunk is a part of a body. Offsets count characters of the whole body, so
// the chunks that follow each other's next make up the body without loss.
type chunk struct {
	text string
	// next is where the following chunk begins; zero after the last one.
	next int
	// total is the length of the whole body in characters.
	total int
}

// chunkOf returns at most limit characters of body from offset on. The cut is
// behind a paragraph, a line or a word, whichever leaves at least half of the
// limit; it depends on nothing but the arguments. An offset behind the end
// gives an empty chunk.
func chunkOf(body string, offset, limit int) chunk {
	c := chunk{total: utf8.RuneCountInString(body)}
	rest := afterRunes(body, offset)
	window := rest[:len(rest)-len(afterRunes(rest, limit))]
	if len(window) == len(rest) {
		c.text = rest
		return c
	}
	c.text = window[:cut(window)]
	c.next = offset + utf8.RuneCountInString(c.text)
	return c
}

// afterRunes returns what of s follows its first n characters.
func afterRunes(s string, n int) string {
	for i := range s {
		if n <= 0 {
			return s[i:]
		}
		n--
	}
	return ""
}

// cut returns where a window ends best.
func cut(window string) int {
	for _, separator := range []string{"\n\n", "\n", " "} {
		if i := strings.LastIndex(window, separator); i >= len(window)/2 {
			return i + len(separator)
		}
	}
	return len(window)
}

// shares divides total among wants: nobody gets more than wanted, and nobody
// gets less than another who wanted no more.
func shares(wants []int, total int) []int {
	sorted := slices.Sorted(slices.Values(wants))
	level, left := 0, total
	for i, want := range sorted {
		level = left / (len(sorted) - i)
		if want > level {
			break
		}
		left -= want
		level = want
	}
	out := make([]int, len(wants))
	for i, want := range wants {
		out[i] = min(want, level)
	}
	return out
}
