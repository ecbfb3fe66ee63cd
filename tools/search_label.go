package tools

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"linkmail/mailbox"
)

// labelTerm finds the labels that a query names, one by one.
var labelTerm = regexp.MustCompile(`(?i)(?:^|[\s({-])label:(?:"([^"]+)"|([^\s"(){}]+))`)

// labelNote says which labels of a query do not exist. To Gmail a label that
// does not exist is one without mails, which a reader would take for an answer.
func labelNote(ctx context.Context, box LabelReader, query string) string {
	var words []string
	for _, m := range labelTerm.FindAllStringSubmatch(query, -1) {
		if word := m[1] + m[2]; !strings.HasPrefix(word, "^") { // those are Gmail's own secrets
			words = append(words, word)
		}
	}
	if len(words) == 0 {
		return ""
	}
	all, err := box.RecentLabels(ctx)
	if err == nil && slices.ContainsFunc(words, func(w string) bool { return !isLabel(all, w) }) {
		all, err = box.Labels(ctx) // it may have been made a moment ago
	}
	if err != nil {
		return "" // nothing is known, so nothing is said
	}
	var notes []string
	for _, word := range words {
		if isLabel(all, word) {
			continue
		}
		note := "There is no label " + shorten(line(word), 60) + "."
		if near := nearLabels(all, word); len(near) > 0 {
			note += " Nearest: " + strings.Join(near, ", ") + "."
		}
		notes = append(notes, note)
	}
	return strings.Join(notes, " ")
}

// isLabel reports whether a query's word names a label: a query has a dash for
// what would end the word.
func isLabel(all []mailbox.Label, word string) bool {
	dashed := mailbox.Label{Name: word}.Query()
	return strings.EqualFold(word, "drafts") || slices.ContainsFunc(all, func(l mailbox.Label) bool { return l.Query() == dashed })
}
