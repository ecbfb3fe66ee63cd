package tools

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"linkmail/mailbox"
)

// queryPlaces are the values of in: that are no labels. The last four are not
// on Gmail's page, but not known to be wrong either.
var queryPlaces = []string{"anywhere", "archive", "draft", "drafts", "chats", "snoozed", "scheduled", "muted", "all", "outbox"}

// byLabelNames returns a query with the names of labels for their ids, which
// list_labels gives and every other tool takes, but no query of Gmail's does.
func byLabelNames(ctx context.Context, box LabelReader, query string) string {
	terms := slices.DeleteFunc(queryTerms(query), func(t queryTerm) bool {
		return !labelID.MatchString(t.value) || !slices.Contains([]string{"label", "in"}, strings.ToLower(t.operator))
	})
	if len(terms) == 0 {
		return query
	}
	all, err := box.RecentLabels(ctx)
	if err != nil {
		return query // the search will say what is wrong
	}
	for _, t := range slices.Backward(terms) {
		i := slices.IndexFunc(all, func(l mailbox.Label) bool { return strings.EqualFold(l.ID, t.value) })
		if i >= 0 && !isLabel(all, t.value) {
			query = query[:t.start] + strings.TrimPrefix(all[i].Query(), "label:") + query[t.end:]
		}
	}
	return query
}

// labelID is the form of the ids of the user's labels.
var labelID = regexp.MustCompile(`(?i)^Label_[0-9A-Za-z_-]{1,58}$`)

// labelNote says which labels and places of a query do not exist. To Gmail a
// label that does not exist is one without mails, which a reader would take for
// an answer.
func labelNote(ctx context.Context, box LabelReader, query string) string {
	var named []queryTerm
	for _, t := range queryTerms(query) {
		t.operator = strings.ToLower(t.operator)
		switch {
		case strings.HasPrefix(t.value, "^"): // those are Gmail's own secrets
		case t.operator == "label", t.operator == "in" && !slices.Contains(queryPlaces, strings.ToLower(t.value)):
			named = append(named, t)
		}
	}
	if len(named) == 0 {
		return ""
	}
	all, err := box.RecentLabels(ctx)
	if err == nil && slices.ContainsFunc(named, func(t queryTerm) bool { return !isLabel(all, t.value) }) {
		all, err = box.Labels(ctx) // it may have been made a moment ago
	}
	if err != nil {
		return "" // nothing is known, so nothing is said
	}
	var notes []string
	for _, t := range named {
		if isLabel(all, t.value) {
			continue
		}
		note, near := "There is no label ", nearLabels(all, t.value)
		if place := nearest(t.value, queryPlaces); t.operator == "in" {
			note = "There is no place or label "
			if place != "" && len(near) == 0 {
				near = []string{place}
			}
		}
		if category := everyday[strings.ToLower(t.value)]; strings.HasPrefix(category, "CATEGORY_") {
			near = []string{"category:" + strings.ToLower(t.value)}
		}
		note += shorten(line(t.value), 60) + "."
		if len(near) > 0 {
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
