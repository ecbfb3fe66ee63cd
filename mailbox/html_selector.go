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

// maxLoose is how long a value is read in whatever case, in bytes: thousands of
// selectors may ask for it.
const maxLoose = 1 << 12

type attrTest struct {
	name, value string
	op          byte // 0: is present; otherwise =, ~, |, ^, $ or *
	loose       bool // in whatever case; value is in lower case
}

// parseSelector reads one selector; ok is false if it is of no use here. spec
// is its specificity, a byte each for ids, classes and tags.
func parseSelector(text string) (sel []compound, spec weight, ok bool) {
	const maxCompounds = 12
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

// splitSelector yields the words of a selector, with ">" as a word of its own;
// what is in brackets, quotes or an escape does not split.
func splitSelector(text string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		start, bracket := -1, false
		for i := 0; i <= len(text); i++ {
			switch {
			case i == len(text) || !bracket && strings.IndexByte(" \t\n\r\f>", text[i]) >= 0:
				if start >= 0 && !yield(text[start:i]) {
					return
				}
				if i < len(text) && text[i] == '>' && !yield(">") {
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
			switch {
			case text[i] == '\\':
				i = min(i+escapeLen(text[i:]), len(text)) - 1
			case bracket && (text[i] == '"' || text[i] == '\''):
				i = min(quoteEnd(text, i), len(text)-1)
			}
		}
	}
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
	case n < len(s) && strings.IndexByte(" \t\n\r\f", s[n]) >= 0:
		return n + 1
	}
	return n
}

func parseCompound(word string) (c compound, ok bool) {
	i := 0
	name := func() string {
		start := i
		for i < len(word) && !strings.ContainsRune(".#[:+~>*|", rune(word[i])) {
			if word[i] == '\\' {
				i += escapeLen(word[i:])
			} else {
				i++
			}
		}
		i = min(i, len(word))
		return unescapeCSS(word[start:i])
	}
	if any, namespace := strings.CutPrefix(word, "*|"); namespace {
		word = any
	}
	if strings.HasPrefix(word, "*") {
		i++
	} else {
		c.tag = strings.ToLower(name())
	}
	for i < len(word) {
		kind := word[i]
		i++
		switch kind {
		case '.':
			c.classes = append(c.classes, strings.ToLower(name()))
		case '#':
			c.id = name()
		case '[':
			length := indexOutside(word[i:], "]")
			if length < 0 {
				return compound{}, false
			}
			test, valid := parseAttrTest(word[i : i+length])
			if !valid {
				return compound{}, false
			}
			i += length + 1
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

// looseAttributes are those whose values HTML compares without regard to case
// (HTML, section 4.16.2), as far as mails have them.
const looseAttributes = " align alink bgcolor checked clear color dir disabled face lang link media method nohref noshade nowrap " +
	"rel rules scope selected shape target text type valign vlink "

func parseAttrTest(s string) (attrTest, bool) {
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

func (c compound) matches(b *box) bool {
	// In whatever case, as in the pages without a document type that mails are.
	if c.tag != "" && c.tag != b.tag || c.id != "" && !strings.EqualFold(c.id, b.attr("id")) {
		return false
	}
	for _, class := range c.classes {
		if _, has := slices.BinarySearch(b.class, class); !has {
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
	if t.loose && len(v) <= maxLoose {
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
