package mailbox

import (
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// sheet holds the style rules of a mail that concern visibility, by the name
// that an element has to have for them: the last id, class, tag or attribute of
// their selector.
//
// What styles can make us compute is bounded, and what is beyond does not
// count: cut is set then, and the reader is told that text may be shown which
// the mail hides. A mail needs no such styles unless it is built to.
type sheet struct {
	matcher
	rules map[name][]*rule
	cut   bool

	names  map[name]bool    // of the mail; rules that ask for others are left out
	known  map[string]*rule // rules outside of others, by their selector
	count  int              // of rules
	order  weight           // of the last rule
	layers map[string]weight
	layer  weight // of the rules that are read, 0 outside of layers
	// initial are the values of custom properties where none is declared.
	initial map[string]string
}

// name is what elements and selectors have in common, in lower case.
type name struct {
	kind byte // '#', '.', '<' for a tag, '[' for an attribute, 0 for any element
	text string
}

type rule struct {
	selector selector
	blocks   []weighedBlock
}

type weighedBlock struct {
	*block
	weight weight
}

// block is what stands between the braces of a rule.
type block struct {
	decls []declaration
	sets  [2]uint64 // the properties that are declared, without and with importance
	// open is set if there is more than properties with their values: custom
	// ones, and values that depend on such.
	open bool
}

func newBlock(decls []declaration) *block {
	b := &block{decls: decls}
	for _, d := range decls {
		important := 0
		if d.important {
			important = 1
		}
		b.open = b.open || d.name != ""
		b.sets[important] |= 1 << d.prop
	}
	return b
}

// Limits on the rules of a mail.
const (
	maxRules  = 200_000
	maxBlocks = 32 // inside each other
)

// sheetOf reads the style elements of a mail, whose root is doc.
func sheetOf(doc *html.Node) *sheet {
	s := &sheet{rules: map[name][]*rule{}, names: map[name]bool{}, known: map[string]*rule{}}
	var styles []*html.Node
	walk(doc, func(n *html.Node) {
		if n.Type != html.ElementNode {
			return
		}
		s.names[name{'<', n.Data}] = true
		for key := range namesOf(n) {
			s.names[key] = true
		}
		if n.DataAtom == atom.Style && appliesToScreen(n) {
			styles = append(styles, n)
		}
	}, nil)
	for _, n := range styles {
		s.add(textOf(n))
	}
	s.names, s.known = nil, nil
	return s
}

// namesOf yields the id, the classes and the attributes of an element.
func namesOf(n *html.Node) func(yield func(name) bool) {
	return func(yield func(name) bool) {
		for _, a := range n.Attr {
			if !yield(name{'[', a.Key}) {
				return
			}
			switch a.Key {
			case "id":
				if !yield(name{'#', strings.ToLower(strings.TrimSpace(a.Val))}) {
					return
				}
			case "class":
				for class := range strings.FieldsSeq(a.Val) {
					if !yield(name{'.', strings.ToLower(class)}) {
						return
					}
				}
			}
		}
	}
}

// appliesToScreen reports whether a style element is meant for screens.
func appliesToScreen(n *html.Node) bool {
	media := attrOf(n, "media")
	return media == "" || mediaMatches(strings.ToLower(stripComments(media)))
}

// add reads the text of a style element.
func (s *sheet) add(css string) {
	css = strings.NewReplacer("<!--", " ", "-->", " ").Replace(css)
	s.block(stripComments(css), nil, 0)
}

// block reads rules. Those inside of another have its selectors as parent.
func (s *sheet) block(css string, parent []selector, depth int) {
	if depth > maxBlocks {
		s.cut = true
		return
	}
	for {
		i := indexOutside(css, "{;")
		if i < 0 {
			return
		}
		prelude := strings.TrimSpace(css[:i])
		if css[i] == ';' { // @import, @charset, or rubbish
			s.statement(prelude)
			css = css[i+1:]
			continue
		}
		inside, rest := untilBrace(css[i+1:])
		css = rest
		if strings.HasPrefix(prelude, "@") {
			s.atRule(prelude, inside, parent, depth)
		} else {
			s.rule(prelude, inside, parent, depth)
		}
	}
}

// statement reads an at-rule without a block: layers are named so, the weakest
// first.
func (s *sheet) statement(prelude string) {
	if at, names := cutAny(prelude, " \t\n\r\f"); strings.EqualFold(at, "@layer") {
		for name := range strings.SplitSeq(names, ",") {
			s.layerOf(strings.TrimSpace(name))
		}
	}
}

// layerOf returns the number of a layer, later ones having greater numbers.
func (s *sheet) layerOf(name string) weight {
	const most = 255
	if s.layers == nil {
		s.layers = map[string]weight{}
	}
	n, known := s.layers[name]
	if !known || name == "" {
		n = min(weight(len(s.layers))+1, most)
		s.layers[name] = n
	}
	return n
}

func (s *sheet) atRule(prelude, inside string, parent []selector, depth int) {
	at, about := cutAny(unescapeCSS(prelude), " \t\n\r\f(")
	switch at = strings.ToLower(at); {
	case at == "@property":
		for _, d := range parseDeclarations(strings.ReplaceAll(inside, "initial-value", "--initial-value")) {
			if d.name == "--initial-value" {
				if s.initial == nil {
					s.initial = map[string]string{}
				}
				s.initial[strings.TrimSpace(about)] = d.value
			}
		}
		return
	case at == "@scope":
		if scope, limited := strings.CutPrefix(strings.TrimSpace(about), "("); limited {
			end := indexOutside(scope, ")")
			if parent = s.selectors(scope[:max(0, end)], parent); len(parent) == 0 {
				return
			}
		}
	case at == "@layer":
		outer := s.layer
		defer func() { s.layer = outer }()
		s.layer = s.layerOf(strings.TrimSpace(about))
	case !atRuleApplies(prelude):
		return
	}
	if parent == nil {
		s.block(inside, nil, depth+1)
	} else {
		s.nested(parent, inside, depth)
	}
}

// rule reads a rule, and those that are nested in it (CSS Nesting 1).
func (s *sheet) rule(selectors, inside string, parent []selector, depth int) {
	if !strings.Contains(inside, "{") {
		s.declare(selectors, parseDeclarations(inside), parent)
		return
	}
	if list := s.selectors(selectors, parent); len(list) > 0 {
		s.nested(list, inside, depth)
	}
}

// nested adds what stands inside of a rule: rules and declarations.
func (s *sheet) nested(selectors []selector, inside string, depth int) {
	var own strings.Builder
	if depth >= maxBlocks {
		s.cut = true
		return
	}
	for {
		i := indexOutside(inside, "{;")
		if i < 0 {
			break
		}
		if inside[i] == ';' {
			own.WriteString(inside[:i+1])
			inside = inside[i+1:]
			continue
		}
		prelude := strings.TrimSpace(inside[:i])
		body, rest := untilBrace(inside[i+1:])
		inside = rest
		if strings.HasPrefix(prelude, "@") {
			s.atRule(prelude, body, selectors, depth+1)
		} else {
			s.rule(prelude, body, selectors, depth+1)
		}
	}
	if decls := parseDeclarations(own.String() + inside); len(decls) > 0 {
		b := newBlock(decls)
		for _, sel := range selectors {
			s.index(sel, b)
		}
	}
}

// selectors reads a list of selectors.
func (s *sheet) selectors(text string, parent []selector) (list []selector) {
	p := selectorParser{parent: parent}
	for one := range splitOutside(text, ',') {
		if sel, ok := p.parseSelector(strings.TrimSpace(one)); ok && s.mayFit(sel) {
			list = append(list, sel)
		}
	}
	s.cut = s.cut || p.cut
	return list
}

// declare adds a rule for each selector of a list. One that was there before
// gets another block, so that repeating it costs nothing.
func (s *sheet) declare(selectors string, decls []declaration, parent []selector) {
	if len(decls) == 0 {
		return
	}
	b := newBlock(decls)
	if parent != nil {
		for _, sel := range s.selectors(selectors, parent) {
			s.index(sel, b)
		}
		return
	}
	for text := range splitOutside(selectors, ',') {
		text = strings.TrimSpace(text)
		if r, known := s.known[text]; known {
			if r != nil {
				r.add(b, s.weigh(r.selector))
			}
			continue
		}
		var r *rule
		if list := s.selectors(text, nil); len(list) == 1 {
			r = s.index(list[0], b)
		}
		s.known[text] = r
	}
}

// mayFit reports whether the mail has every name that a selector demands.
func (s *sheet) mayFit(sel selector) bool {
	for i := range sel.parts {
		c := &sel.parts[i]
		if c.tag != "" && !s.names[name{'<', c.tag}] || c.id != "" && !s.names[name{'#', c.id}] {
			return false
		}
		for _, class := range c.classes {
			if !s.names[name{'.', class}] {
				return false
			}
		}
		for _, a := range c.attrs {
			if !s.names[name{'[', a.name}] {
				return false
			}
		}
	}
	return true
}

// index adds a rule where elements look for it.
func (s *sheet) index(sel selector, b *block) *rule {
	if s.count++; s.count > maxRules {
		s.cut = true
		return nil
	}
	r := &rule{selector: sel}
	r.add(b, s.weigh(sel))
	for _, key := range keysOf(sel, 0) {
		s.rules[key] = append(s.rules[key], r)
	}
	return r
}

// keysOf returns the names one of which an element needs for a selector to fit.
func keysOf(sel selector, depth int) (keys []name) {
	const deepest, most = 3, 16
	last := &sel.parts[len(sel.parts)-1]
	switch {
	case last.id != "":
		return []name{{'#', last.id}}
	case len(last.classes) > 0:
		return []name{{'.', last.classes[0]}}
	case len(last.attrs) > 0:
		return []name{{'[', last.attrs[0].name}}
	case last.tag != "":
		return []name{{'<', last.tag}}
	}
	for _, p := range last.pseudos {
		if p.kind != pseudoIs || len(p.list) > most || depth == deepest {
			continue
		}
		for _, one := range p.list {
			keys = append(keys, keysOf(one, depth+1)...)
		}
		return keys
	}
	return []name{{}}
}

// weigh returns the weight of the rule that is read. Layers weigh less than
// what is in none, whatever their selectors.
func (s *sheet) weigh(sel selector) weight {
	s.order++
	layer := s.layer
	if layer == 0 {
		layer = noLayer
	}
	return layer<<weightLayer | sel.spec.weight()<<weightSpecificity | s.order
}

// add adds a block and removes those that it overrides.
func (r *rule) add(b *block, w weight) {
	kept := r.blocks[:0]
	for _, old := range r.blocks {
		otherLayer := old.weight>>weightLayer != w>>weightLayer
		if old.open || otherLayer || w < old.weight || old.sets[0]&^b.sets[0] != 0 || old.sets[1]&^b.sets[1] != 0 {
			kept = append(kept, old)
		}
	}
	r.blocks = append(kept, weighedBlock{b, w})
}

// blocksFor returns what the rules say of an element: nothing once matching has
// cost what it may.
func (s *sheet) blocksFor(n *html.Node) (out []weighedBlock) {
	if len(s.rules) == 0 || s.cut && s.exhausted() {
		return nil
	}
	defer func() { s.cut = s.cut || s.exhausted() }()
	look := func(key name) {
		for _, r := range s.rules[key] {
			if s.match(r.selector.parts, n) == fits {
				out = append(out, r.blocks...)
			}
			if s.exhausted() {
				return
			}
		}
	}
	look(name{})
	look(name{'<', n.Data})
	for key := range namesOf(n) {
		s.steps++
		look(key)
	}
	return out
}
