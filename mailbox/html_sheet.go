package mailbox

import "strings"

// screenWidth is the width, in pixels, of the window that media queries are
// asked about: a mail is judged as a reader at a desk sees it.
const screenWidth = 1024

// Limits on what a mail can make us compute. A mail that exceeds them is
// built to; the rules beyond do not count.
const (
	maxRules      = 4096
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
}

type rule struct {
	selector []compound // from the outermost element to the one that is styled
	decls    []declaration
	weight   weight
}

// add reads the text of a style element.
func (s *sheet) add(css string) {
	known := len(s.rules)
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

func stripComments(css string) string {
	css = strings.NewReplacer("<!--", " ", "-->", " ").Replace(css)
	var b strings.Builder
	for {
		before, after, found := strings.Cut(css, "/*")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		if _, css, found = strings.Cut(after, "*/"); !found {
			return b.String()
		}
	}
}

func (s *sheet) block(css string, depth int) {
	for len(s.rules) < maxRules {
		i := strings.IndexAny(css, "{;")
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
		if !strings.HasPrefix(prelude, "@") {
			s.rule(prelude, inside)
			continue
		}
		if query, ok := strings.CutPrefix(strings.ToLower(prelude), "@media"); ok && depth < 4 && mediaMatches(query) {
			s.block(inside, depth+1)
		}
	}
}

// untilBrace cuts css at the brace that closes the block it stands in.
func untilBrace(css string) (inside, rest string) {
	depth := 0
	for i := range len(css) {
		switch css[i] {
		case '{':
			depth++
		case '}':
			if depth == 0 {
				return css[:i], css[i+1:]
			}
			depth--
		}
	}
	return css, ""
}

// mediaMatches answers a list of media queries for a screen of screenWidth.
// A feature it does not know is one that is not there.
func mediaMatches(list string) bool {
	for query := range strings.SplitSeq(list, ",") {
		ok := true
		for word := range strings.SplitSeq(query, " and ") {
			word = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(word), "only "))
			ok = ok && mediaTermMatches(word)
		}
		if ok {
			return true
		}
	}
	return false
}

func mediaTermMatches(term string) bool {
	if term == "" || term == "all" || term == "screen" {
		return true
	}
	name, value, ok := strings.Cut(strings.Trim(term, "() \t\n"), ":")
	px, valid := lengthOf(strings.TrimSpace(value), rootSize, screenWidth)
	if !ok || !valid {
		return false
	}
	switch strings.TrimSpace(name) {
	case "min-width", "min-device-width":
		return screenWidth >= px
	case "max-width", "max-device-width":
		return screenWidth <= px
	}
	return false
}

func (s *sheet) rule(selectors, inside string) {
	decls := parseDeclarations(inside)
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
