package mailbox

import (
	"strconv"
	"strings"
)

// selector is what a rule demands of an element and of those around it, as
// Selectors 4 has it: compounds from the outermost to the element itself. A
// package for it would need a bound on what matching costs, and the loose case
// of pages without a document type; those there are have neither.
type selector struct {
	parts []compound
	spec  specificity
}

// compound is what a selector demands of one element.
type compound struct {
	// combinator says where the element of the compound before stands: ' ' for
	// an ancestor, '>' the parent, '+' the sibling before, '~' one before. The
	// first compound has one in what is relative to another element only.
	combinator byte
	tag, id    string // "" for any; id in lower case
	classes    []string
	attrs      []attrTest
	pseudos    []pseudo
}

// pseudo is a pseudo-class that can be answered without a reader who points,
// types or scrolls.
type pseudo struct {
	kind pseudoKind
	nth  nth
	// list is what stands in the parentheses, or the selectors of the rule
	// around the one in which the pseudo-class stands for an ampersand.
	list []selector
	word string // the language or direction
}

type pseudoKind int

const (
	pseudoNever pseudoKind = iota // until somebody does something
	pseudoAlways
	pseudoIs
	pseudoNot
	pseudoHas
	pseudoNth
	pseudoEmpty
	pseudoRoot
	pseudoLink
	pseudoChecked
	pseudoDisabled
	pseudoEnabled
	pseudoLang
	pseudoDir
)

// nth asks for every a-th element after b, counted from the first or last
// sibling on, of all siblings, those of the same tag or those that match of.
type nth struct {
	a, b         int
	last, ofType bool
	of           *[]selector // nil for all
}

// pseudoWords are the pseudo-classes without parentheses.
var pseudoWords = map[string][]pseudo{
	"hover": {{}}, "active": {{}}, "focus": {{}}, "focus-within": {{}}, "focus-visible": {{}}, "visited": {{}},
	"target": {{}}, "target-within": {{}}, "popover-open": {{}}, "fullscreen": {{}}, "modal": {{}}, "current": {{}},
	"autofill": {{}}, "read-write": {{}}, "required": {{}}, "invalid": {{}}, "user-invalid": {{}}, "placeholder-shown": {{}},
	"defined": {{kind: pseudoAlways}}, "read-only": {{kind: pseudoAlways}},
	"empty": {{kind: pseudoEmpty}}, "root": {{kind: pseudoRoot}}, "scope": {{kind: pseudoRoot}},
	"link": {{kind: pseudoLink}}, "any-link": {{kind: pseudoLink}}, "-webkit-any-link": {{kind: pseudoLink}},
	"checked": {{kind: pseudoChecked}}, "disabled": {{kind: pseudoDisabled}}, "enabled": {{kind: pseudoEnabled}},
	"first-child":   {{kind: pseudoNth, nth: nth{b: 1}}},
	"last-child":    {{kind: pseudoNth, nth: nth{b: 1, last: true}}},
	"only-child":    {{kind: pseudoNth, nth: nth{b: 1}}, {kind: pseudoNth, nth: nth{b: 1, last: true}}},
	"first-of-type": {{kind: pseudoNth, nth: nth{b: 1, ofType: true}}},
	"last-of-type":  {{kind: pseudoNth, nth: nth{b: 1, ofType: true, last: true}}},
	"only-of-type":  {{kind: pseudoNth, nth: nth{b: 1, ofType: true}}, {kind: pseudoNth, nth: nth{b: 1, ofType: true, last: true}}},
}

// specificity counts ids; classes, attributes and pseudo-classes; and tags.
type specificity [3]weight

func (s specificity) plus(t specificity) specificity {
	return specificity{s[0] + t[0], s[1] + t[1], s[2] + t[2]}
}

// weight makes one number of s, with a byte for each count.
func (s specificity) weight() weight {
	return min(s[0], 255)<<16 | min(s[1], 255)<<8 | min(s[2], 255)
}

func mostSpecific(list []selector) (most specificity) {
	for _, s := range list {
		if s.spec.weight() > most.weight() {
			most = s.spec
		}
	}
	return most
}

// Limits on a selector: what is in parentheses inside each other, and
// compounds. What exceeds them is built to.
const (
	maxParentheses = 8
	maxCompounds   = 256
)

// selectorParser reads selectors out of s, from i on.
type selectorParser struct {
	s     string
	i     int
	depth int
	// parent are the selectors of the rule around the one that is read, nil if
	// there is none; ampersand is set when one of s stood for them.
	parent    []selector
	ampersand bool
	// cut is set if a limit was reached.
	cut bool
}

// parseSelector reads one selector of a rule; ok is false if it is of no use
// here. A rule inside of others has the selectors of the one around it as its
// parent (CSS Nesting 1).
func (p *selectorParser) parseSelector(text string) (sel selector, ok bool) {
	p.s, p.i, p.depth, p.ampersand = text, 0, 0, false
	sel, ok = p.complex(p.parent != nil)
	if !ok || p.i < len(p.s) {
		return selector{}, false
	}
	if first := &sel.parts[0]; p.parent != nil && (!p.ampersand || first.combinator != 0) {
		if first.combinator == 0 {
			first.combinator = ' '
		}
		sel.parts = append([]compound{{pseudos: []pseudo{{kind: pseudoIs, list: p.parent}}}}, sel.parts...)
		sel.spec = sel.spec.plus(mostSpecific(p.parent))
	}
	return sel, true
}

// complex reads compounds up to a comma, a closing parenthesis or the end. A
// relative one may begin with a combinator.
func (p *selectorParser) complex(relative bool) (sel selector, ok bool) {
	for {
		space := p.skipSpace()
		if p.i == len(p.s) || p.s[p.i] == ',' || p.s[p.i] == ')' {
			return sel, len(sel.parts) > 0
		}
		combinator := byte(' ')
		if strings.IndexByte(">+~", p.s[p.i]) >= 0 {
			combinator = p.s[p.i]
			p.i++
			p.skipSpace()
		} else if len(sel.parts) == 0 {
			combinator = 0
		} else if !space {
			return selector{}, false
		}
		if len(sel.parts) == 0 && combinator != 0 && !relative {
			return selector{}, false
		}
		if len(sel.parts) == maxCompounds {
			p.cut = true
			return selector{}, false
		}
		c, spec, valid := p.compound()
		if !valid {
			return selector{}, false
		}
		c.combinator = combinator
		sel.parts, sel.spec = append(sel.parts, c), sel.spec.plus(spec)
	}
}

func (p *selectorParser) skipSpace() (any bool) {
	for p.i < len(p.s) && isSpaceCSS(p.s[p.i]) {
		p.i++
		any = true
	}
	return any
}

func isSpaceCSS(c byte) bool { return strings.IndexByte(" \t\n\r\f", c) >= 0 }

func (p *selectorParser) compound() (c compound, spec specificity, ok bool) {
	start := p.i
	p.accept("*|") // any namespace
	if !p.accept("*") {
		if c.tag = strings.ToLower(p.name()); c.tag != "" {
			spec[2]++
		}
	}
	for p.i < len(p.s) {
		switch p.s[p.i] {
		case '.':
			p.i++
			class := strings.ToLower(p.name())
			c.classes = append(c.classes, class)
			spec[1]++
			ok = class != ""
		case '#':
			p.i++
			c.id = strings.ToLower(p.name())
			spec[0]++
			ok = c.id != ""
		case '[':
			var test attrTest
			length := indexOutside(p.s[p.i+1:], "]")
			if length < 0 {
				return compound{}, spec, false
			}
			test, ok = parseAttrTest(p.s[p.i+1 : p.i+1+length])
			p.i += length + 2
			c.attrs = append(c.attrs, test)
			spec[1]++
		case '&':
			p.i++
			p.ampersand = true
			ok = true
			if p.parent == nil {
				c.pseudos = append(c.pseudos, pseudo{kind: pseudoRoot})
				break
			}
			c.pseudos = append(c.pseudos, pseudo{kind: pseudoIs, list: p.parent})
			spec = spec.plus(mostSpecific(p.parent))
		case ':':
			var is []pseudo
			var of specificity
			p.i++
			is, of, ok = p.pseudo()
			c.pseudos, spec = append(c.pseudos, is...), spec.plus(of)
		default:
			return c, spec, p.i > start
		}
		if !ok {
			return compound{}, spec, false
		}
	}
	return c, spec, p.i > start
}

// pseudo reads a pseudo-class. Pseudo-elements and what is not known are not
// ok: their rules say nothing of the element itself.
func (p *selectorParser) pseudo() (is []pseudo, spec specificity, ok bool) {
	name := strings.ToLower(p.name())
	if !p.accept("(") {
		is, ok = pseudoWords[name]
		return is, specificity{0, 1, 0}, ok
	}
	if p.depth++; p.depth > maxParentheses {
		p.cut = true
		return nil, spec, false
	}
	defer func() { p.depth-- }()
	one, spec := pseudo{}, specificity{0, 1, 0}
	switch name {
	case "is", "where", "matches", "-webkit-any", "-moz-any":
		one.kind, one.list, ok = pseudoIs, p.list(false, true), true
		spec = mostSpecific(one.list)
		if name == "where" {
			spec = specificity{}
		}
	case "not", "has":
		if one.kind = pseudoNot; name == "has" {
			one.kind = pseudoHas
		}
		one.list = p.list(name == "has", false)
		for _, s := range one.list {
			if name == "has" && s.parts[0].combinator == 0 {
				s.parts[0].combinator = ' '
			}
		}
		ok = len(one.list) > 0
		spec = mostSpecific(one.list)
	case "nth-child", "nth-last-child", "nth-of-type", "nth-last-of-type":
		one.kind = pseudoNth
		one.nth, ok = p.nth()
		one.nth.last, one.nth.ofType = strings.Contains(name, "last"), strings.HasSuffix(name, "type")
		if one.nth.of != nil {
			spec = spec.plus(mostSpecific(*one.nth.of))
		}
	case "lang", "dir":
		if one.kind = pseudoLang; name == "dir" {
			one.kind = pseudoDir
		}
		p.skipSpace()
		p.accept(`"`)
		one.word = strings.ToLower(p.name())
		p.accept(`"`)
		ok = one.word != ""
	}
	p.skipSpace()
	return []pseudo{one}, spec, ok && (p.accept(")") || p.i == len(p.s))
}

// list reads selectors between commas up to a closing parenthesis. A forgiving
// one leaves out those that are of no use, otherwise one such empties it.
func (p *selectorParser) list(relative, forgiving bool) (out []selector) {
	valid := true
	for {
		end := len(p.s)
		if length := indexOutside(p.s[p.i:], ",)"); length >= 0 {
			end = p.i + length
		}
		sel, ok := p.complex(relative)
		if ok = ok && p.i == end; ok {
			out = append(out, sel)
		}
		valid = valid && ok
		p.i = end
		if !p.accept(",") {
			break
		}
	}
	if !valid && !forgiving {
		return nil
	}
	return out
}

// nth reads what stands in :nth-child().
func (p *selectorParser) nth() (n nth, ok bool) {
	end := p.i
	for end < len(p.s) && p.s[end] != ')' && p.s[end] != 'o' && p.s[end] != 'O' || strings.HasPrefix(strings.ToLower(p.s[end:min(end+3, len(p.s))]), "odd") {
		end++
	}
	formula := strings.ToLower(strings.Join(strings.Fields(p.s[p.i:end]), ""))
	p.i = end
	if len(p.s)-end > 3 && strings.EqualFold(p.s[end:end+2], "of") && isSpaceCSS(p.s[end+2]) {
		p.i += 3
		list := p.list(false, false)
		if n.of = &list; len(list) == 0 {
			return n, false
		}
	}
	switch formula {
	case "odd":
		n.a, n.b = 2, 1
		return n, true
	case "even":
		n.a = 2
		return n, true
	}
	step, offset, steps := strings.Cut(formula, "n")
	if !steps {
		step, offset = "0", formula
	}
	var okA, okB bool
	n.a, okA = signedNumber(step, 1)
	n.b, okB = signedNumber(offset, 0)
	return n, okA && okB
}

// signedNumber reads an integer; a sign alone, or nothing, stands for without.
func signedNumber(s string, without int) (int, bool) {
	switch s {
	case "", "+":
		return without, true
	case "-":
		return -without, without != 0
	}
	n, err := strconv.Atoi(s)
	const most = 1 << 24 // no element has more children
	return min(max(n, -most), most), err == nil
}

func (p *selectorParser) accept(what string) bool {
	if !strings.HasPrefix(p.s[p.i:], what) {
		return false
	}
	p.i += len(what)
	return true
}

// name reads up to a character that ends a name.
func (p *selectorParser) name() string {
	start := p.i
	for p.i < len(p.s) && strings.IndexByte(".#[]:+~>*|,()&\"' \t\n\r\f", p.s[p.i]) < 0 {
		if p.s[p.i] == '\\' {
			p.i = min(p.i+escapeLen(p.s[p.i:]), len(p.s))
		} else {
			p.i++
		}
	}
	return unescapeCSS(p.s[start:p.i])
}

// escapeLen is the length of the escape that s begins with.
func escapeLen(s string) int {
	n := 1
	for n < len(s) && n <= 6 && hexDigit(s[n]) >= 0 {
		n++
	}
	switch {
	case n == 1:
		return 2
	case n < len(s) && isSpaceCSS(s[n]):
		return n + 1
	}
	return n
}

// attrTest is what a selector demands of an attribute.
type attrTest struct {
	name, value string
	op          byte // 0: is present; otherwise =, ~, |, ^, $ or *
	loose       bool // in whatever case; value is in lower case
}

// looseAttributes are those whose values HTML compares without regard to case
// (HTML, section 4.16.2), as far as mails have them.
const looseAttributes = " align alink bgcolor checked clear color dir disabled face lang link media method nohref noshade nowrap " +
	"rel rules scope selected shape target text type valign vlink "

// parseAttrTest reads what stands between brackets.
func parseAttrTest(s string) (attrTest, bool) {
	s = strings.TrimPrefix(strings.TrimSpace(s), "*|") // any namespace
	name, value, hasValue := strings.Cut(s, "=")
	t := attrTest{name: strings.TrimSpace(name)}
	if hasValue {
		t.op = '='
		if n := len(t.name); n > 0 && strings.IndexByte("~|^$*", t.name[n-1]) >= 0 {
			t.op, t.name = t.name[n-1], t.name[:n-1]
		}
		value = strings.TrimSpace(value)
		end := len(value)
		if end > 0 && (value[0] == '"' || value[0] == '\'') {
			end = min(quoteEnd(value, 0)+1, end)
		} else if i := strings.IndexByte(value, ' '); i >= 0 {
			end = i
		}
		flag := strings.TrimSpace(value[end:])
		t.value = unescapeCSS(strings.Trim(value[:end], `"'`))
		t.loose = strings.EqualFold(flag, "i")
	}
	t.name = strings.ToLower(strings.TrimSpace(unescapeCSS(t.name)))
	t.loose = t.loose || strings.Contains(looseAttributes, " "+t.name+" ")
	if t.loose {
		t.value = strings.ToLower(t.value)
	}
	return t, t.name != ""
}
