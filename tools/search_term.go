package tools

import (
	"regexp"
	"strings"
)

// queryTerm is an operator of a query with one value of it. Of is:(a b) there
// are two.
type queryTerm struct {
	operator string // as written, without the colon
	value    string // without quotes
	negated  bool   // asked for is what it does not find
	// The value, with its quotes, is query[start:end].
	start, end int
}

// operatorForm finds an operator at the beginning of a word.
var operatorForm = regexp.MustCompile(`^([A-Za-z][A-Za-z_-]*):`)

// queryTerms returns the operators of a query that stand directly before a
// value. What is in quotes has none, and neither have the values themselves.
// Every string is a query.
func queryTerms(query string) []queryTerm {
	var terms []queryTerm
	var around []queryTerm // what stands before the brackets that are open
	var next queryTerm     // what was read last, if its value comes next
	group := func() queryTerm {
		if len(around) == 0 {
			return queryTerm{}
		}
		return around[len(around)-1]
	}
	within := func() queryTerm {
		t := group()
		t.negated = t.negated != next.negated
		if next.operator != "" {
			t.operator = next.operator
		}
		next = queryTerm{}
		return t
	}
	rest := query
	value := func(s string, start int) {
		t := within()
		t.start, t.end = start, len(query)-len(rest)
		if t.value = s; t.operator != "" && s != "" && s != "OR" && s != "AND" {
			terms = append(terms, t)
		}
	}
	for rest != "" {
		start := len(query) - len(rest)
		switch rest[0] {
		case ' ', '\t', '\r', '\n':
			next, rest = queryTerm{}, rest[1:]
		case '(', '{':
			around = append(around, within())
			rest = rest[1:]
		case ')', '}':
			around = around[:max(0, len(around)-1)]
			next, rest = queryTerm{}, rest[1:]
		case '"':
			phrase, after, _ := strings.Cut(rest[1:], `"`)
			rest = after
			value(phrase, start)
		default:
			end := strings.IndexAny(rest, " \t\r\n\"(){}")
			if end < 0 {
				end = len(rest)
			}
			word := rest[:end]
			rest = rest[end:]
			if next.operator == "" {
				bare := strings.TrimLeft(word, "-+")
				next.negated = strings.Contains(word[:len(word)-len(bare)], "-")
				word = bare
			}
			if m := operatorForm.FindStringSubmatch(word); m != nil && next.operator == "" && group().operator == "" {
				next.operator, word = m[1], word[len(m[0]):]
			}
			if word == "" {
				continue // in quotes or brackets, if there is one
			}
			value(word, len(query)-len(rest)-len(word))
		}
	}
	return terms
}
