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
}

// operatorForm finds an operator at the beginning of a word.
var operatorForm = regexp.MustCompile(`^([A-Za-z][A-Za-z_-]*):`)

// queryTerms returns the operators of a query that stand directly before a
// value. What is in quotes has none, and neither have the values themselves.
// Every string is a query.
func queryTerms(query string) []queryTerm {
	var terms []queryTerm
	var around []string // the operators of the brackets that are open
	operator := ""      // the one that was read last, if its value comes next
	group := func() string {
		if len(around) == 0 {
			return ""
		}
		return around[len(around)-1]
	}
	value := func(s string) {
		if operator == "" {
			operator = group()
		}
		if operator != "" && s != "" && s != "OR" && s != "AND" {
			terms = append(terms, queryTerm{operator, s})
		}
		operator = ""
	}
	for query != "" {
		switch c := query[0]; c {
		case ' ', '\t', '\r', '\n':
			operator, query = "", query[1:]
		case '(', '{':
			if operator == "" {
				operator = group()
			}
			around = append(around, operator)
			operator, query = "", query[1:]
		case ')', '}':
			around = around[:max(0, len(around)-1)]
			operator, query = "", query[1:]
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
			if operator == "" {
				word = strings.TrimLeft(word, "-+")
			}
			if m := operatorForm.FindStringSubmatch(word); m != nil && operator == "" && group() == "" {
				operator, word = m[1], word[len(m[0]):]
				if word == "" {
					continue // in quotes or brackets, if there is one
				}
			}
			value(word)
		}
	}
	return terms
}
