package mailbox

import "strings"

// variables are the custom properties in force at an element (CSS Variables 1):
// its own, and those of the elements around it.
type variables struct {
	own map[string]variable
	up  *variables
}

// variable is the value of a custom property, whose own references are to be
// looked up where it was declared.
type variable struct {
	value  string
	weight weight
}

// maxSubstituted bounds a value that others were put into, in bytes; maxInside
// bounds values inside of each other. What exceeds them is built to.
const (
	maxSubstituted = 4096
	maxInside      = 32
)

// dependsOnOthers reports whether a value is not known until others are.
func dependsOnOthers(value string) bool {
	_, _, found := nextReference(value)
	return found
}

// nextReference returns where the next var() or env() stands in a value, and
// which of them it is.
func nextReference(value string) (at int, function string, ok bool) {
	for from := 0; from < len(value); {
		open := strings.IndexByte(value[from:], '(')
		if open < 0 {
			break
		}
		open += from
		for _, f := range [...]string{"var", "env"} {
			at := open - len(f)
			if at >= 0 && strings.EqualFold(value[at:open], f) && (at == 0 || !isNameCSS(value[at-1])) {
				return at, f, true
			}
		}
		from = open + 1
	}
	return 0, "", false
}

// substitute resolves the references in value; ok is false if one of them has
// no value, which makes the whole of no value.
func (s *sheet) substitute(value string, in *variables, depth int) (_ string, ok bool) {
	if depth > maxInside { // perhaps a circle, which has no value
		return "", false
	}
	var b strings.Builder
	for {
		at, function, found := nextReference(value)
		if !found {
			break
		}
		if s.steps += 8; s.exhausted() || b.Len()+at > maxSubstituted {
			s.cut = true
			return "", false
		}
		b.WriteString(value[:at])
		inside := value[at+len(function)+1:]
		end := indexOutside(inside, ")")
		if value = ""; end >= 0 {
			inside, value = inside[:end], inside[end+1:]
		}
		resolved, ok := s.reference(function, inside, in, depth)
		if !ok {
			return "", false
		}
		b.WriteString(resolved)
	}
	if b.Len()+len(value) > maxSubstituted {
		s.cut = true
		return "", false
	}
	return b.String() + value, true
}

// reference resolves what stands in the parentheses of a reference: a name and
// perhaps what to take instead.
func (s *sheet) reference(function, inside string, in *variables, depth int) (string, bool) {
	name, fallback, hasFallback := inside, "", false
	if i := indexOutside(inside, ","); i >= 0 {
		name, fallback, hasFallback = inside[:i], inside[i+1:], true
	}
	name = strings.TrimSpace(name)
	if function == "env" && strings.HasPrefix(name, "safe-area-inset-") {
		return "0px", true
	}
	for scope := in; scope != nil && function == "var"; scope = scope.up {
		s.steps++
		v, declared := scope.own[name]
		if !declared {
			continue
		}
		switch word := strings.ToLower(v.value); {
		case word == "inherit" || word == "unset" || word == "revert":
			continue
		case word != "initial":
			if resolved, ok := s.substitute(v.value, scope, depth+1); ok {
				return resolved, true
			}
		}
		return s.fallback(fallback, hasFallback, in, depth)
	}
	if initial, registered := s.initial[name]; registered && function == "var" {
		return initial, true
	}
	return s.fallback(fallback, hasFallback, in, depth)
}

func (s *sheet) fallback(value string, has bool, in *variables, depth int) (string, bool) {
	if !has {
		return "", false
	}
	return s.substitute(value, in, depth+1)
}

// compute applies what rules and the style attribute say of an element.
func (b *box) compute(st *style, blocks []weighedBlock) {
	custom, open := map[string]variable(nil), false
	for _, block := range blocks {
		if !block.open {
			continue
		}
		open = true
		b.sheet.steps += len(block.decls)
		for _, d := range block.decls {
			w := d.weight(block.weight)
			if !strings.HasPrefix(d.name, "--") || w < custom[d.name].weight {
				continue
			}
			if custom == nil {
				custom = map[string]variable{}
			}
			custom[d.name] = variable{d.value, w}
		}
	}
	if custom != nil {
		b.vars = &variables{custom, b.vars}
	}
	for _, block := range blocks {
		b.sheet.steps++
		st.apply(block.decls, block.weight)
	}
	if !open {
		return
	}
	for _, block := range blocks {
		for _, d := range block.decls {
			if d.name == "" || strings.HasPrefix(d.name, "--") {
				continue
			}
			st.apply(b.resolve(d), block.weight)
		}
	}
}

// resolve returns what a declaration says once the values that it depends on
// are known. What is not valid then is as if unset, not as if not there.
func (b *box) resolve(d declaration) []declaration {
	if value, ok := b.sheet.substitute(d.value, b.vars, 0); ok {
		if out := expand(d.name, strings.ToLower(strings.TrimSpace(value)), d.important); len(out) > 0 {
			return out
		}
	}
	return expand(d.name, "unset", d.important)
}
