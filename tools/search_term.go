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
	value := func(s string) {
		t := within()
		if t.value = s; t.operator != "" && s != "" && s != "OR" && s != "AND" {
			terms = append(terms, t)
		}
	}
	for query != "" {
		switch c := query[0]; c {
		case ' ', '\t', '\r', '\n':
			next, query = queryTerm{}, query[1:]
		case '(', '{':
			around = append(around, within())
			query = query[1:]
		case ')', '}':
			around = around[:max(0, len(around)-1)]
			next, query = queryTerm{}, query[1:]
		case '"':
			phrase, rest, _ := strings.Cut(query[1:], `"`)
			value(phrase)
			query = rest
		default:
			end := strings.IndexAny(query, " \t\r\n\"(){}")
			if end < 0 {
				end = len(query)
			}
			word := query[:end]
			query = query[end:]
			if next.operator == "" {
				rest := strings.TrimLeft(word, "-+")
				next.negated = strings.Contains(word[:len(word)-len(rest)], "-")
				word = rest
			}
			if m := operatorForm.FindStringSubmatch(word); m != nil && next.operator == "" && group().operator == "" {
				next.operator, word = m[1], word[len(m[0]):]
			}
			if word == "" {
				continue // in quotes or brackets, if there is one
			}
			value(word)
		}
	}
	return terms
}
