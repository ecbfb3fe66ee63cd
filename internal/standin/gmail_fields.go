package standin

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
)

// selection says which fields of an answer were asked for; an empty one asks
// for all. The name "*" stands for every field.
type selection map[string]selection

// selectFields cuts v down to a partial response, as the fields parameter of
// every Google API does: "messages(id,threadId),nextPageToken", "payload/headers".
func selectFields(v any, fields string) (any, error) {
	p := fieldsParser{rest: fields}
	sel, ok := p.list(0)
	if !ok || p.rest != "" || !sel.fits(reflect.TypeOf(v)) {
		return nil, badParameter("fields", "Invalid field selection "+fields)
	}
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var tree any
	if err := dec.Decode(&tree); err != nil {
		return nil, err
	}
	return sel.prune(tree), nil
}

// maxFieldsDepth bounds the recursion; nothing in the API nests deeper.
const maxFieldsDepth = 50

type fieldsParser struct{ rest string }

// list parses "a,b/c,d(e,f)".
func (p *fieldsParser) list(depth int) (selection, bool) {
	if depth > maxFieldsDepth {
		return nil, false
	}
	sel := selection{}
	for {
		if !p.item(sel, depth) {
			return nil, false
		}
		if !p.take(",") {
			return sel, true
		}
	}
}

// item parses one path with its optional group into sel.
func (p *fieldsParser) item(sel selection, depth int) bool {
	at := sel
	for {
		name := p.name()
		if name == "" {
			return false
		}
		last := !p.take("/")
		sub := selection{}
		if last && p.take("(") {
			var ok bool
			if sub, ok = p.list(depth + 1); !ok || !p.take(")") {
				return false
			}
		}
		next, seen := at[name]
		switch {
		case !seen:
			at[name], next = sub, sub
		case last && len(sub) == 0:
			clear(next) // asked for whole: nothing smaller matters
		case len(next) == 0:
			if !last {
				next = selection{} // parse on, into the void: the whole is selected
			}
		default:
			next.merge(sub)
		}
		if last {
			return true
		}
		at = next
	}
}

func (s selection) merge(other selection) {
	for name, sub := range other {
		if have, ok := s[name]; ok && (len(have) == 0 || len(sub) == 0) {
			s[name] = selection{}
		} else if ok {
			have.merge(sub)
		} else {
			s[name] = sub
		}
	}
}

func (p *fieldsParser) take(token string) bool {
	rest, ok := strings.CutPrefix(p.rest, token)
	p.rest = rest
	return ok
}

func (p *fieldsParser) name() string {
	end := strings.IndexAny(p.rest, ",/()")
	if end < 0 {
		end = len(p.rest)
	}
	name := p.rest[:end]
	p.rest = p.rest[end:]
	return name
}

// fits reports whether the answer's type has every selected field.
func (s selection) fits(t reflect.Type) bool {
	if len(s) == 0 {
		return true
	}
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return false
	}
	for name, sub := range s {
		found := name == "*"
		for f := range t.Fields() {
			tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if name == "*" && len(sub) > 0 && !sub.fits(f.Type) {
				return false
			}
			if tag == name {
				found = sub.fits(f.Type)
			}
		}
		if !found {
			return false
		}
	}
	return true
}

func (s selection) prune(tree any) any {
	if len(s) == 0 {
		return tree
	}
	switch tree := tree.(type) {
	case []any:
		out := make([]any, len(tree))
		for i, e := range tree {
			out[i] = s.prune(e)
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for name, v := range tree {
			sub, ok := s[name]
			if !ok {
				sub, ok = s["*"]
			}
			if ok {
				out[name] = sub.prune(v)
			}
		}
		return out
	}
	return tree
}
