package mailbox

import (
	"slices"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// maxMatchSteps bounds what matching the selectors of one mail may cost, in
// looks at an element or its attributes; it takes about half a second. Rules
// are found by the name that they end in, so that only a mail that is built to
// needs as many.
const maxMatchSteps = 10_000_000

// matcher answers whether selectors fit elements of one parsed mail.
type matcher struct {
	steps int
	scope *html.Node // what the relative selectors of the open :has() begin at
	// places are the numbers of the siblings that were counted so far.
	places map[nth]map[*html.Node]int
}

// verdict is whether selectors fit, and if not, how far the search is over: the
// usual way to keep it from trying every combination of ancestors.
type verdict int

const (
	fits        verdict = iota
	fails               // here; an element further up or before may fit
	failsInRow          // no sibling before will
	failsForall         // no ancestor will either
)

// exhausted reports whether the mail has used up what matching may cost. The
// answers are no from then on.
func (m *matcher) exhausted() bool { return m.steps >= maxMatchSteps }

// any reports whether one of the selectors fits n.
func (m *matcher) any(list []selector, n *html.Node) bool {
	for _, s := range list {
		if m.match(s.parts, n) == fits {
			return true
		}
	}
	return false
}

// match reads a selector from its end.
func (m *matcher) match(parts []compound, n *html.Node) verdict {
	last := &parts[len(parts)-1]
	rest := parts[:len(parts)-1]
	if m.exhausted() {
		return failsForall
	}
	if !m.fits(last, n) {
		return fails
	}
	if len(rest) == 0 {
		if last.combinator == 0 || m.isRelated(last.combinator, n) {
			return fits
		}
		return fails
	}
	switch last.combinator {
	case '>':
		if up := parentOf(n); up != nil {
			return m.match(rest, up)
		}
		return failsForall
	case '+':
		if before := m.before(n); before != nil {
			return m.match(rest, before)
		}
		return failsInRow
	case '~':
		for n = m.before(n); n != nil; n = m.before(n) {
			if v := m.match(rest, n); v != fails {
				return v
			}
		}
		return failsInRow
	}
	for n = parentOf(n); n != nil; n = parentOf(n) {
		if v := m.match(rest, n); v == fits || v == failsForall {
			return v
		}
	}
	return failsForall
}

// isRelated reports whether n stands to the scope of a :has() as its relative
// selector demands.
func (m *matcher) isRelated(combinator byte, n *html.Node) bool {
	switch combinator {
	case '>':
		return n.Parent == m.scope
	case '+':
		return m.before(n) == m.scope
	case '~':
		for n = m.before(n); n != nil && n != m.scope; n = m.before(n) {
			m.steps++
		}
	default:
		for n = n.Parent; n != nil && n != m.scope; n = n.Parent {
			m.steps++
		}
	}
	return n != nil
}

func parentOf(n *html.Node) *html.Node {
	if n.Parent == nil || n.Parent.Type != html.ElementNode {
		return nil
	}
	return n.Parent
}

// before returns the element before n among its siblings.
func (m *matcher) before(n *html.Node) *html.Node {
	for n = n.PrevSibling; n != nil && n.Type != html.ElementNode; n = n.PrevSibling {
		m.steps++
	}
	return n
}

func (m *matcher) fits(c *compound, n *html.Node) bool {
	m.steps++
	if c.tag != "" && c.tag != n.Data {
		return false
	}
	// In whatever case, as in the pages without a document type that mails are.
	if c.id != "" && !strings.EqualFold(c.id, strings.TrimSpace(attrOf(n, "id"))) {
		return false
	}
	if len(c.classes) > 0 {
		has := attrOf(n, "class")
		for _, class := range c.classes {
			m.steps += len(has) / 32
			if !hasWord(has, class) {
				return false
			}
		}
	}
	for i := range c.attrs {
		m.steps += len(n.Attr)/8 + 1
		if !m.attribute(&c.attrs[i], n) {
			return false
		}
	}
	for i := range c.pseudos {
		if !m.pseudo(&c.pseudos[i], n) {
			return false
		}
	}
	return true
}

// hasWord reports whether a list has a word, in whatever case.
func hasWord(list, word string) bool {
	for w := range strings.FieldsSeq(list) {
		if strings.EqualFold(w, word) {
			return true
		}
	}
	return false
}

func (m *matcher) attribute(t *attrTest, n *html.Node) bool {
	i := slices.IndexFunc(n.Attr, func(a html.Attribute) bool { return a.Key == t.name })
	if i < 0 {
		return false
	}
	v := n.Attr[i].Val
	m.steps += len(v) / 32
	if t.loose {
		v = strings.ToLower(v)
	}
	switch t.op {
	case '=':
		return v == t.value
	case '~':
		return slices.Contains(strings.Fields(v), t.value)
	case '|':
		return v == t.value || strings.HasPrefix(v, t.value+"-")
	case '^':
		return t.value != "" && strings.HasPrefix(v, t.value)
	case '$':
		return t.value != "" && strings.HasSuffix(v, t.value)
	case '*':
		return t.value != "" && strings.Contains(v, t.value)
	}
	return true
}

func (m *matcher) pseudo(p *pseudo, n *html.Node) bool {
	switch p.kind {
	case pseudoAlways:
		return true
	case pseudoIs:
		return m.any(p.list, n)
	case pseudoNot:
		return !m.any(p.list, n) && !m.exhausted()
	case pseudoHas:
		return m.has(p.list, n)
	case pseudoNth:
		place := m.place(&p.nth, n)
		if place == 0 {
			return false
		}
		if p.nth.a == 0 {
			return place == p.nth.b
		}
		return (place-p.nth.b)%p.nth.a == 0 && (place-p.nth.b)/p.nth.a >= 0
	case pseudoEmpty:
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			if m.steps++; c.Type == html.ElementNode || c.Type == html.TextNode && c.Data != "" {
				return false
			}
		}
		return true
	case pseudoRoot:
		return parentOf(n) == nil
	case pseudoLink:
		return (n.DataAtom == atom.A || n.DataAtom == atom.Area) && hasAttr(n, "href")
	case pseudoChecked:
		return n.DataAtom == atom.Input && hasAttr(n, "checked") || n.DataAtom == atom.Option && hasAttr(n, "selected")
	case pseudoDisabled, pseudoEnabled:
		switch n.DataAtom {
		case atom.Button, atom.Input, atom.Select, atom.Textarea, atom.Option, atom.Optgroup, atom.Fieldset:
			return hasAttr(n, "disabled") == (p.kind == pseudoDisabled)
		}
	case pseudoLang:
		v := strings.ToLower(m.inherited(n, "lang"))
		return v == p.word || strings.HasPrefix(v, p.word+"-")
	case pseudoDir:
		return strings.EqualFold(m.inherited(n, "dir"), p.word) || p.word == "ltr" && m.inherited(n, "dir") == ""
	}
	return false
}

func hasAttr(n *html.Node, key string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == key })
}

// inherited returns an attribute of n, or of the nearest element around that
// has it.
func (m *matcher) inherited(n *html.Node, key string) string {
	for ; n != nil; n = parentOf(n) {
		m.steps++
		if v := attrOf(n, key); v != "" {
			return v
		}
	}
	return ""
}

// has reports whether one of the relative selectors fits an element inside of
// n or, if it begins with a sibling's combinator, behind it.
func (m *matcher) has(list []selector, n *html.Node) bool {
	outer := m.scope
	m.scope = n
	defer func() { m.scope = outer }()
	for _, s := range list {
		switch s.parts[0].combinator {
		case '+', '~':
			for c := n.NextSibling; c != nil; c = c.NextSibling {
				if m.inside(s.parts, c) {
					return true
				}
			}
		default:
			for c := n.FirstChild; c != nil; c = c.NextSibling {
				if m.inside(s.parts, c) {
					return true
				}
			}
		}
	}
	return false
}

// inside reports whether a selector fits n or what is inside of it.
func (m *matcher) inside(parts []compound, n *html.Node) bool {
	for at := n; ; {
		if m.steps++; m.exhausted() {
			return false
		}
		if at.Type == html.ElementNode && m.match(parts, at) == fits {
			return true
		}
		if at.FirstChild != nil {
			at = at.FirstChild
			continue
		}
		for at != n && at.NextSibling == nil {
			at = at.Parent
		}
		if at == n {
			return false
		}
		at = at.NextSibling
	}
}

// place returns the number of n among the siblings that are counted, from one
// on; 0 if it is none of them.
func (m *matcher) place(by *nth, n *html.Node) int {
	kind := nth{last: by.last, ofType: by.ofType, of: by.of}
	if place, known := m.places[kind][n]; known || n.Parent == nil {
		return place
	}
	if m.places == nil {
		m.places = map[nth]map[*html.Node]int{}
	}
	if m.places[kind] == nil {
		m.places[kind] = map[*html.Node]int{}
	}
	places := m.places[kind]
	first, next := n.Parent.FirstChild, func(n *html.Node) *html.Node { return n.NextSibling }
	if by.last {
		first, next = n.Parent.LastChild, func(n *html.Node) *html.Node { return n.PrevSibling }
	}
	counts := map[string]int{}
	for c := first; c != nil && !m.exhausted(); c = next(c) {
		if m.steps++; c.Type != html.ElementNode {
			continue
		}
		m.steps += 8 // for what is remembered
		if by.of != nil && !m.any(*by.of, c) {
			places[c] = 0
			continue
		}
		tag := ""
		if by.ofType {
			tag = c.Data
		}
		counts[tag]++
		places[c] = counts[tag]
	}
	return places[n]
}
