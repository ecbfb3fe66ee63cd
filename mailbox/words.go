package mailbox

import (
	"regexp"
	"strings"
	"unicode"
)

// link is left out of comparisons: one form of a mail spells out what the other
// hides behind a word.
var link = regexp.MustCompile(`https?://\S+`)

// wordsOf returns the words of a text in their order, in lower case and without
// punctuation, markup and links.
func wordsOf(text string) []string {
	text = strings.ToLower(link.ReplaceAllString(text, " "))
	return strings.FieldsFunc(text, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r)
	})
}

// unsaid counts the words that other does not have.
func unsaid(words, other []string) int {
	has := make(map[string]bool, len(other))
	for _, w := range other {
		has[w] = true
	}
	n := 0
	for _, w := range words {
		if !has[w] {
			n++
		}
	}
	return n
}

const (
	// fewWords is up to how many words say almost nothing.
	fewWords = 2
	// The share of words, in percent, that is too large to be put down to how
	// two programs write one text.
	sizeable = 20
)

// isSizeable reports whether n of total words are more than a matter of form.
func isSizeable(n, total int) bool { return n > fewWords && n*100 >= total*sizeable }
