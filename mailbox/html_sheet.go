package mailbox

import "strings"

// Limits on what a mail can make us compute. A mail that exceeds them is
// built to; the rules beyond do not count.
const (
	maxRules      = 4096
	maxStyleText  = 8 << 20 // bytes
	maxStyles     = 1024
	maxMatchSteps = 20_000_000
)

// sheet holds the style rules of a mail that concern visibility. Selectors may
// have tags, classes, ids, attributes, descendants and children. Rules with
// siblings and pseudo-classes are left out: they depend on more than the
// element, and the mail clients that honour them are few.
type sheet struct {
	rules []*rule
	order weight // of the last rule
	// simple are the rules whose selector is about the element alone, its tag,
	// id and classes; their outcome is remembered in styles.
	simple, complex []*rule
	styles          map[string]*style
	steps           int
	read            int // bytes of rules
}

type rule struct {
	selector []compound // from the outermost element to the one that is styled
	decls    []declaration
	weight   weight
}

// add reads the text of a style element.
func (s *sheet) add(css string) {
	known := len(s.rules)
	css = strings.NewReplacer("<!--", " ", "-->", " ").Replace(css)
	s.block(stripComments(css), 0)
	s.styles = make(map[string]*style)
	for _, r := range s.rules[known:] {
		if len(r.selector) == 1 && len(r.selector[0].attrs) == 0 {
			s.simple = append(s.simple, r)
		} else {
			s.complex = append(s.complex, r)
		}
	}
}

// maxBlocks bounds blocks inside each other.
const maxBlocks = 16

func (s *sheet) block(css string, depth int) {
	for len(s.rules) < maxRules {
		i := indexOutside(css, "{;")
		if i < 0 {
			return
		}
		prelude := strings.TrimSpace(css[:i])
		if css[i] == ';' { // @import, @charset, or rubbish
			css = css[i+1:]
			continue
		}
		inside, rest := untilBrace(css[i+1:])
		css = rest
		switch {
		case depth >= maxBlocks:
		case !strings.HasPrefix(prelude, "@"):
			s.rule(prelude, inside, depth)
		case atRuleApplies(prelude):
			s.block(inside, depth+1)
		}
	}
}

// rule adds a rule, and those that are nested in it (CSS Nesting 1).
func (s *sheet) rule(selectors, inside string, depth int) {
	// Rules in rules are read once for every selector of those around them.
	if s.read += len(selectors) + len(inside); s.read > maxStyleText {
		return
	}
	own := inside
	if strings.Contains(inside, "{") {
		own = s.nested(selectors, inside, depth)
	}
	decls := parseDeclarations(own)
	if len(decls) == 0 {
		return
	}
	for text := range splitOutside(selectors, ',') {
		sel, spec, ok := parseSelector(text)
		if ok && len(s.rules) < maxRules {
			s.order++
			s.rules = append(s.rules, &rule{sel, decls, spec<<16 | s.order})
		}
	}
}

// nested adds the rules inside of another and returns what is left: its own
// declarations.
func (s *sheet) nested(selectors, inside string, depth int) (own string) {
	var b strings.Builder
	for depth < maxBlocks && len(s.rules) < maxRules {
		i := indexOutside(inside, "{;")
		if i < 0 {
			break
		}
		if inside[i] == ';' {
			b.WriteString(inside[:i+1])
			inside = inside[i+1:]
			continue
		}
		prelude := strings.TrimSpace(inside[:i])
		body, rest := untilBrace(inside[i+1:])
		inside = rest
		if strings.HasPrefix(prelude, "@") {
			if atRuleApplies(prelude) {
				s.rule(selectors, body, depth+1)
			}
			continue
		}
		for child := range splitOutside(prelude, ',') {
			for parent := range splitOutside(selectors, ',') {
				if len(parent)+len(child) > maxSelector {
					continue
				}
				joined := parent + " " + child
				if strings.Contains(child, "&") {
					joined = strings.Replace(child, "&", strings.TrimSpace(parent), 1)
				}
				s.rule(joined, body, depth+1)
			}
		}
	}
	return b.String() + inside
}

// maxSelector bounds a selector that is put together of two, in bytes.
const maxSelector = 1024

// styleOf returns what the rules say of the element that b is about.
func (s *sheet) styleOf(b *box) style {
	var out style
	if len(s.rules) == 0 || s.steps >= maxMatchSteps {
		return out
	}
	key := b.tag + "\x00" + b.attr("id") + "\x00" + b.attr("class")
	if known, ok := s.styles[key]; ok {
		out = *known
	} else {
		for _, r := range s.simple {
			if s.steps++; r.selector[0].matches(b) {
				out.apply(r.decls, r.weight)
			}
		}
		if len(s.styles) < maxStyles {
			remembered := out
			s.styles[key] = &remembered
		}
	}
	for _, r := range s.complex {
		if s.matches(r.selector, b) {
			out.apply(r.decls, r.weight)
		}
	}
	return out
}

// matches reports whether the selector, read from its end, fits b.
func (s *sheet) matches(sel []compound, b *box) bool {
	last := sel[len(sel)-1]
	if s.steps++; s.steps >= maxMatchSteps || !last.matches(b) {
		return false
	}
	rest := sel[:len(sel)-1]
	if len(rest) == 0 {
		return true
	}
	for up := b.parent; up != nil && s.steps < maxMatchSteps; up = up.parent {
		if s.matches(rest, up) {
			return true
		}
		if last.child {
			break
		}
	}
	return false
}
