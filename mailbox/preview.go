package mailbox

import (
	"fmt"
	"slices"
	"strings"
)

// Preview is what the readers of an outgoing mail will see of its HTML version,
// for somebody who has to agree to it.
type Preview struct {
	// Shown is what the HTML shows, as plain text with link targets in full;
	// empty if it shows nothing or there is none.
	Shown string
	// Hidden counts the characters in the HTML that readers do not see, Images
	// the pictures without a description, which say nothing here, and
	// MisleadingLinks the links whose text names another site than theirs.
	Hidden, Images, MisleadingLinks int
	// MayHide is set if the styles are too many to tell what they hide: some of
	// Shown may be text that readers do not see.
	MayHide bool
	// TextDiffers is set if the plain text has other words than the HTML, or
	// has them in another order. Which of the two a reader sees is up to the
	// reader's mail program; most show the HTML.
	TextDiffers bool
}

// Preview converts the HTML version by the rules by which a received mail is
// converted for reading. It is the zero Preview for a mail without HTML.
func (o Outgoing) Preview() Preview {
	if o.HTML == "" {
		return Preview{}
	}
	shown := render(o.HTML, Text, true)
	p := Preview{Shown: shown.body, Hidden: shown.hidden, Images: shown.images, MisleadingLinks: shown.misleading, MayHide: shown.mayHide}
	if o.Text != "" { // otherwise it is made of the HTML
		p.TextDiffers = !slices.Equal(wordsOf(o.Text), wordsOf(shown.body))
	}
	return p
}

// Invisible counts the characters of s that have no glyph, and with which a text
// says something else to a program than to a person: zero-width and text
// direction characters, tags, controls. The joiners of scripts and emoji that
// need them do not count, nor do line breaks.
func Invisible(s string) int {
	_, n := cleanText(s)
	return n
}

// Reveal replaces each character that [Invisible] counts by its name in
// brackets, such as [U+202E], and returns how many there were.
func Reveal(s string) (string, int) {
	return filter(s, func(b *strings.Builder, r rune) { fmt.Fprintf(b, "[%U]", r) })
}
