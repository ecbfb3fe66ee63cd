package standin

import (
	"strconv"
	"strings"
)

// query is a parsed search query, in the language of the Gmail search box.
//
// Terms side by side must all hold; OR binds tighter than that, so "a b OR c"
// is a AND (b OR c). Braces are a list of alternatives. There is no invalid
// query: brackets that do not match are ignored, unknown operators are words.
type query struct {
	root  term
	spam  bool // the query asks for spam by name
	trash bool
}

// term is a node of a query.
type term interface {
	match(*queryEnv, *row) bool
}

type (
	allOf     []term
	anyOf     []term
	negated   struct{ term }
	predicate func(*queryEnv, *row) bool
)

func (t allOf) match(env *queryEnv, r *row) bool {
	for _, sub := range t {
		if !sub.match(env, r) {
			return false
		}
	}
	return true
}

func (t anyOf) match(env *queryEnv, r *row) bool {
	for _, sub := range t {
		if sub.match(env, r) {
			return true
		}
	}
	return false
}

func (t negated) match(env *queryEnv, r *row) bool { return !t.term.match(env, r) }

func (f predicate) match(env *queryEnv, r *row) bool { return f(env, r) }

// matches reports whether a message is what the query asks for, apart from the
// rule that spam and trash are left out.
func (q query) matches(env *queryEnv, r *row) bool { return q.root.match(env, r) }

// reaches reports whether the query names the place, so that messages there
// are not left out.
func (q query) reaches(place string) bool {
	if place == "spam" {
		return q.spam
	}
	return q.trash
}

// maxNesting is how deep brackets may nest before the rest is ignored.
const maxNesting = 64

func parseQuery(text string) query {
	p := queryParser{rest: lexQuery(text)}
	var root allOf
	for len(p.rest) > 0 {
		root = append(root, p.list("", lexClose)...)
		p.skip(1) // a closing bracket that was never opened
	}
	return query{root, p.spam, p.trash}
}

type queryParser struct {
	rest        []lexeme
	depth       int
	minus       int // how many negations we are in
	spam, trash bool
}

func (p *queryParser) at(i int) lexeme {
	if i < len(p.rest) {
		return p.rest[i]
	}
	return lexeme{lexClose, ""}
}

func (p *queryParser) skip(n int) { p.rest = p.rest[min(n, len(p.rest)):] }

func (l lexeme) keyword(word string) bool { return l.kind == lexWord && l.text == word }

func (l lexeme) closes() bool { return l.kind == lexClose || l.kind == lexCloseAny }

// list parses terms up to the closing bracket, which it leaves. With a field,
// as in subject:(a b), words are looked for in that field.
func (p *queryParser) list(field string, closer lexKind) []term {
	var out []term
	joined := false // an OR came before
	for len(p.rest) > 0 {
		next := p.at(0)
		switch {
		case next.kind == closer:
			return out
		case next.closes():
			p.skip(1)
		case next.keyword("AND"):
			p.skip(1)
		case next.keyword("OR"):
			joined = len(out) > 0
			p.skip(1)
		default:
			t := p.factor(field)
			if t == nil {
				continue
			}
			if joined {
				out[len(out)-1] = anyOf{out[len(out)-1], t}
				joined = false
			} else {
				out = append(out, t)
			}
		}
	}
	return out
}

// factor parses one term; nil if there is none.
func (p *queryParser) factor(field string) term {
	l := p.at(0)
	p.skip(1)
	switch {
	case l.kind == lexMinus, l.keyword("NOT") && !p.at(0).closes():
		if p.at(0).closes() || p.at(0).keyword("OR") || p.at(0).keyword("AND") {
			return nil
		}
		if p.depth > maxNesting {
			return nil
		}
		p.minus++
		p.depth++
		t := p.factor(field)
		p.depth--
		p.minus--
		if t == nil {
			return nil
		}
		return negated{t}
	case l.kind == lexOpen, l.kind == lexOpenAny:
		return p.group(l, field)
	case l.kind == lexOperator && field != "":
		return p.leaf(field, lexeme{lexWord, l.text})
	case l.kind == lexOperator:
		return p.operand(l.text)
	}
	if field == "" {
		if t := p.around(l); t != nil {
			return t
		}
	}
	return p.leaf(field, l)
}

// group parses what is inside a bracket that was just opened.
func (p *queryParser) group(open lexeme, field string) term {
	if p.depth > maxNesting {
		return nil
	}
	p.depth++
	defer func() { p.depth-- }()
	if open.kind == lexOpenAny {
		alternatives := p.list(field, lexCloseAny)
		p.skip(1)
		if len(alternatives) == 0 {
			return nil
		}
		return anyOf(alternatives)
	}
	terms := p.list(field, lexClose)
	p.skip(1)
	if len(terms) == 0 {
		return nil
	}
	return allOf(terms)
}

// operand parses what an operator is applied to.
func (p *queryParser) operand(operator string) term {
	next := p.at(0)
	switch {
	case len(p.rest) == 0 || next.closes() || next.kind == lexMinus || next.kind == lexOperator:
		return p.leaf("", lexeme{lexWord, operator})
	case next.kind == lexOpen, next.kind == lexOpenAny:
		p.skip(1)
		return p.group(next, operator)
	}
	p.skip(1)
	return p.leaf(operator, next)
}

// around parses "a AROUND 5 b"; nil if this is no such term.
func (p *queryParser) around(left lexeme) term {
	distance, err := strconv.Atoi(p.at(1).text)
	right := p.at(2)
	if !p.at(0).keyword("AROUND") || err != nil || right.kind != lexWord && right.kind != lexPhrase {
		return nil
	}
	p.skip(3)
	return near(tokens(left.text), tokens(right.text), distance, false)
}

// leaf makes the term that looks for one word or phrase in one field.
func (p *queryParser) leaf(field string, l lexeme) term {
	if field == "" && l.kind == lexPhrase {
		words := strings.Fields(l.text)
		for i, w := range words {
			if w == "AROUND" && i > 0 && i+2 < len(words) {
				if distance, err := strconv.Atoi(words[i+1]); err == nil {
					before, after := strings.Join(words[:i], " "), strings.Join(words[i+2:], " ")
					return near(tokens(before), tokens(after), distance, true)
				}
			}
		}
	}
	if p.minus == 0 && (field == "in" || field == "label" || field == "is") {
		switch place := strings.ToLower(l.text); place {
		case "spam":
			p.spam = true
		case "trash":
			p.trash = true
		case "anywhere":
			p.spam, p.trash = true, true
		}
	}
	return condition(field, l.text)
}
