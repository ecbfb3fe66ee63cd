package mailbox

import (
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// compound is what a selector demands of one element.
type compound struct {
	tag, id string
	classes []string
	attrs   []attrTest
	child   bool // the element must be a child of the one before, not a descendant
}

type attrTest struct {
	name, value string
	op          byte // 0: is present; otherwise =, ~, |, ^, $ or *
}

// parseSelector reads one selector; ok is false if it is of no use here. spec
// is its specificity, a byte each for ids, classes and tags.
func parseSelector(text string) (sel []compound, spec weight, ok bool) {
	const maxCompounds = 6
	text = strings.NewReplacer(">", " > ", "\n", " ", "\t", " ", "\r", " ", "\f", " ").Replace(text)
	var ids, classes, tags weight
	child := false
	for word := range splitSelector(text) {
		if word == ">" {
			child = true
			continue
		}
		c, valid := parseCompound(word)
		if !valid || len(sel) == maxCompounds {
			return nil, 0, false
		}
		c.child, child = child, false
		sel = append(sel, c)
		if c.id != "" {
			ids++
		}
		if c.tag != "" {
			tags++
		}
		for range len(c.classes) + len(c.attrs) {
			classes++
		}
	}
	return sel, min(ids, 255)<<16 | min(classes, 255)<<8 | min(tags, 255), len(sel) > 0 && !child && !sel[0].child
}

// splitSelector yields the words of a selector; spaces in brackets do not split.
func splitSelector(text string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		start, bracket := -1, false
		for i := 0; i <= len(text); i++ {
			switch {
			case i == len(text) || text[i] == ' ' && !bracket:
				if start >= 0 && !yield(text[start:i]) {
					return
				}
				start = -1
				continue
			case text[i] == '[':
				bracket = true
			case text[i] == ']':
				bracket = false
			}
			if start < 0 {
				start = i
			}
		}
	}
}

func parseCompound(word string) (c compound, ok bool) {
	i := 0
	name := func() string {
		start := i
		for i < len(word) && !strings.ContainsRune(".#[:+~>*", rune(word[i])) {
			if word[i] == '\\' {
				i++
			}
			i++
		}
		i = min(i, len(word))
		return unescapeCSS(word[start:i])
	}
	if word[0] == '*' {
		i++
	} else {
		c.tag = strings.ToLower(name())
	}
	for i < len(word) {
		kind := word[i]
		i++
		switch kind {
		case '.':
			c.classes = append(c.classes, name())
		case '#':
			c.id = name()
		case '[':
			inside, _, closed := strings.Cut(word[i:], "]")
			test, valid := parseAttrTest(inside)
			if !closed || !valid {
				return compound{}, false
			}
			i += len(inside) + 1
			c.attrs = append(c.attrs, test)
		case ':':
			if pseudo := name(); pseudo != "link" && pseudo != "any-link" {
				return compound{}, false
			}
		default:
			return compound{}, false
		}
	}
	return c, !slices.Contains(c.classes, "") && word != ""
}

func parseAttrTest(s string) (attrTest, bool) {
	name, value, hasValue := strings.Cut(s, "=")
	t := attrTest{name: strings.ToLower(strings.TrimSpace(name))}
	if hasValue {
		t.op = '='
		if n := len(t.name); n > 0 && strings.IndexByte("~|^$*", t.name[n-1]) >= 0 {
			t.op, t.name = t.name[n-1], t.name[:n-1]
		}
		value = strings.TrimSpace(value)
		value = strings.TrimSpace(strings.TrimSuffix(strings.TrimSuffix(value, " i"), " s"))
		t.value = strings.Trim(value, `"'`)
	}
	return t, t.name != ""
}

func (c compound) matches(b *box) bool {
	if c.tag != "" && c.tag != b.tag || c.id != "" && c.id != b.attr("id") {
		return false
	}
	for _, class := range c.classes {
		if !slices.Contains(b.class, class) {
			return false
		}
	}
	for _, t := range c.attrs {
		if !t.matches(b.attrs) {
			return false
		}
	}
	return true
}

func (t attrTest) matches(attrs []html.Attribute) bool {
	i := slices.IndexFunc(attrs, func(a html.Attribute) bool { return a.Key == t.name })
	if i < 0 {
		return false
	}
	v := attrs[i].Val
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
