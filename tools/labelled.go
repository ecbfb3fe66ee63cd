package tools

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"linkmail/mailbox"
)

// LabelReader is what it takes to call labels by their names.
type LabelReader interface {
	// Labels asks for the labels; RecentLabels takes them from memory if they
	// are at hand.
	Labels(ctx context.Context) ([]mailbox.Label, error)
	RecentLabels(ctx context.Context) ([]mailbox.Label, error)
}

// everyday are words for labels of Gmail's own whose ids nobody would guess.
var everyday = map[string]string{
	"promotions": "CATEGORY_PROMOTIONS", "social": "CATEGORY_SOCIAL", "updates": "CATEGORY_UPDATES",
	"forums": "CATEGORY_FORUMS", "primary": "CATEGORY_PERSONAL", "personal": "CATEGORY_PERSONAL",
	"drafts": "DRAFT", "bin": "TRASH", "junk": "SPAM",
}

// labelsNamed returns the labels that an argument names, by name or by id.
func labelsNamed(ctx context.Context, box LabelReader, argument string, words []string) ([]mailbox.Label, error) {
	if len(words) == 0 {
		return nil, nil
	}
	all, err := box.RecentLabels(ctx)
	if err != nil {
		return nil, err
	}
	found, missing := findLabels(all, words)
	if missing >= 0 {
		// It may be newer than what is remembered.
		if all, err = box.Labels(ctx); err != nil {
			return nil, err
		}
		found, missing = findLabels(all, words)
	}
	if missing >= 0 {
		return nil, noLabel(fmt.Sprintf("%s[%d]", argument, missing), all, words[missing])
	}
	return found, nil
}

// findLabels returns the labels that words name, and the index of the first one
// that names none, or -1.
func findLabels(all []mailbox.Label, words []string) (found []mailbox.Label, missing int) {
	for i, word := range words {
		l, ok := findLabel(all, word)
		if !ok {
			return nil, i
		}
		if !slices.ContainsFunc(found, func(f mailbox.Label) bool { return f.ID == l.ID }) {
			found = append(found, l)
		}
	}
	return found, -1
}

// findLabel finds a label by its id, its name in whatever case and spacing, the
// form that queries use, or an everyday word. The first of these that fits
// counts.
func findLabel(all []mailbox.Label, word string) (mailbox.Label, bool) {
	word = strings.TrimSpace(word)
	if len(word) > 1 && word[0] == '"' && word[len(word)-1] == '"' {
		word = word[1 : len(word)-1] // a comma in a name takes quotes
	}
	for _, same := range []func(mailbox.Label) bool{
		func(l mailbox.Label) bool { return l.ID == word },
		func(l mailbox.Label) bool { return l.Name == word },
		func(l mailbox.Label) bool { return strings.EqualFold(l.Name, spaced(word)) },
		func(l mailbox.Label) bool {
			return strings.EqualFold(l.Query(), "label:"+word) || strings.EqualFold(l.Query(), word)
		},
		func(l mailbox.Label) bool { return l.System && l.ID == everyday[strings.ToLower(word)] },
	} {
		if i := slices.IndexFunc(all, same); i >= 0 && word != "" {
			return all[i], true
		}
	}
	return mailbox.Label{}, false
}

// spaced writes a nested name without spaces around its slashes.
func spaced(name string) string {
	parts := strings.Split(name, "/")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return strings.Join(parts, "/")
}

// maxNearest is how many labels an error offers.
const maxNearest = 5

// noLabel is the error for a word that names no label; at says where it stands.
func noLabel(at string, all []mailbox.Label, word string) *ArgumentError {
	argument, _, _ := strings.Cut(at, "[")
	hint := "list_labels names all. manage_label, in the toolset labels, makes new ones."
	if near := nearLabels(all, word); len(near) > 0 {
		hint = "Nearest: " + strings.Join(near, ", ") + ". " + hint
	}
	return invalid(argument, hint, "%s is no label of this mailbox", at)
}

// nearLabels returns the names of labels that word may have meant, the nearest
// first.
func nearLabels(all []mailbox.Label, word string) []string {
	type candidate struct {
		name     string
		distance int
	}
	var near []candidate
	word = folded(spaced(word))
	last := word[strings.LastIndexByte(word, '/')+1:]
	for _, l := range all {
		whole := folded(l.Name)
		leaf := whole[strings.LastIndexByte(whole, '/')+1:]
		d := min(edits(word, whole), edits(word, leaf))
		switch {
		case len(last) >= 3 && strings.Contains(whole, last):
			d = min(d, 1)
		case d > 3 || d > len(word)/2:
			continue
		}
		near = append(near, candidate{line(l.Name), d})
	}
	slices.SortStableFunc(near, func(a, b candidate) int { return a.distance - b.distance })
	var names []string
	for _, c := range near[:min(len(near), maxNearest)] {
		names = append(names, c.name)
	}
	return names
}

// idsOfLabels and namesOfLabels return one side of labels.
func idsOfLabels(labels []mailbox.Label) []string {
	var ids []string
	for _, l := range labels {
		ids = append(ids, l.ID)
	}
	return ids
}

func namesOfLabels(labels []mailbox.Label) []string {
	var names []string
	for _, l := range labels {
		names = append(names, line(l.Name))
	}
	return names
}

// namesOf puts names to ids of labels, as far as they are known and can be
// given back: a comma separates names where a list is one string.
func namesOf(ctx context.Context, box LabelReader, ids []string) []string {
	all, _ := box.RecentLabels(ctx) // without them, ids have to do
	names := make([]string, 0, len(ids))
	for _, id := range ids {
		name := line(id)
		if i := slices.IndexFunc(all, func(l mailbox.Label) bool { return l.ID == id }); i >= 0 && !strings.Contains(all[i].Name, ",") {
			name = line(all[i].Name)
		}
		names = append(names, name)
	}
	return names
}
