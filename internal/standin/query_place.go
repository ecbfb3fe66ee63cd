package standin

import (
	"slices"
	"strings"
)

// place is the term for the operators that ask where a message is or what
// Gmail knows about it. A name that does not exist matches nothing.
func place(operator, value string) term {
	labelled := func(id string) term {
		return predicate(func(_ *queryEnv, r *row) bool { return r.has(id) })
	}
	switch operator {
	case "category":
		return predicate(func(_ *queryEnv, r *row) bool { return r.inCategory(value) })
	case "has":
		return possession(value)
	case "is":
		switch value {
		case "unread", "starred", "important", "sent", "spam", "trash":
			return labelled(strings.ToUpper(value))
		case "read":
			return negated{labelled("UNREAD")}
		case "chat":
			return labelled("CHAT")
		}
		return anyOf{} // snoozed, muted: nothing here is
	case "in":
		switch value {
		case "anywhere":
			return allOf{}
		case "archive":
			return predicate(func(_ *queryEnv, r *row) bool {
				return !slices.ContainsFunc([]string{"INBOX", "TRASH", "SPAM", "SENT", "DRAFT", "CHAT"}, r.has)
			})
		case "draft", "drafts":
			return labelled("DRAFT")
		case "chats":
			return labelled("CHAT")
		case "snoozed":
			return anyOf{}
		}
	case "label":
		if value == "drafts" {
			return labelled("DRAFT")
		}
	}
	name := dashed(value)
	return predicate(func(env *queryEnv, r *row) bool { return slices.ContainsFunc(env.labels[name], r.has) })
}

// categories maps the names that queries use to the labels behind them.
var categories = map[string]string{
	"primary": "CATEGORY_PERSONAL", "social": "CATEGORY_SOCIAL", "promotions": "CATEGORY_PROMOTIONS",
	"updates": "CATEGORY_UPDATES", "forums": "CATEGORY_FORUMS",
}

func (r *row) inCategory(name string) bool {
	if id, ok := categories[name]; ok {
		return r.has(id)
	}
	return slices.Contains(r.smart, name) // reservations, purchases
}

// links are the addresses that make a message "have" something.
var links = map[string][]string{
	"drive":        {"drive.google.com/", "docs.google.com/"},
	"document":     {"docs.google.com/document/"},
	"spreadsheet":  {"docs.google.com/spreadsheets/"},
	"presentation": {"docs.google.com/presentation/"},
	"youtube":      {"www.youtube.com/watch", "youtu.be/"},
}

func possession(value string) term {
	if links[value] != nil {
		return predicate(func(_ *queryEnv, r *row) bool { return slices.Contains(r.open().words.links, value) })
	}
	switch value {
	case "attachment":
		return predicate(func(_ *queryEnv, r *row) bool { return r.open().words.hasFile })
	case "userlabels":
		return predicate(func(env *queryEnv, r *row) bool { return slices.ContainsFunc(env.user, r.has) })
	case "nouserlabels":
		return predicate(func(env *queryEnv, r *row) bool { return !slices.ContainsFunc(env.user, r.has) })
	case "yellow-star":
		return predicate(func(_ *queryEnv, r *row) bool { return r.has("STARRED") })
	}
	return anyOf{} // stars of another color, and whatever does not exist
}
