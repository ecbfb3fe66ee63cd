package tools

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// maxArguments bounds the arguments of one call, in bytes of JSON. No honest
// mail comes near it without attachments, and those are not arguments.
const maxArguments = 1 << 20

// bind reads the arguments of a call.
//
// It is strict about names and lenient about spelling: an unknown argument is
// an error, while known synonyms, numbers and booleans in quotes, a list as
// one comma-separated string and a list as JSON inside a string are read as
// what was meant, because models and the bridges they speak through send all
// of these.
func bind[In any](tool string, params []parameter, raw json.RawMessage) (call[In], error) {
	var in call[In]
	args, err := object(raw)
	if err == nil {
		err = fill(reflect.ValueOf(&in).Elem(), tool, params, args)
	}
	if err != nil {
		err.Tool = tool
		return in, err
	}
	return in, nil
}

// object splits a JSON object into its members.
func object(raw json.RawMessage) (map[string]json.RawMessage, *ArgumentError) {
	if len(raw) > maxArguments {
		return nil, &ArgumentError{
			Code:    "too_large",
			Message: fmt.Sprintf("the arguments take %d bytes; at most %d are accepted", len(raw), maxArguments),
			Hint:    "Shorten the longest argument.",
		}
	}
	raw = bytes.TrimSpace(raw)
	var inner string
	if len(raw) > 0 && raw[0] == '"' && json.Unmarshal(raw, &inner) == nil {
		raw = bytes.TrimSpace([]byte(inner))
	}
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	var args map[string]json.RawMessage
	if err := json.Unmarshal(raw, &args); err != nil {
		got := typeOf(raw)
		if got == "an object" {
			got = "something that is not valid JSON"
		}
		return nil, invalid("", "Pass the arguments by name, in one JSON object.", "the arguments must be a JSON object, got %s", got)
	}
	return args, nil
}

// fill puts args and defaults into the fields of the struct v.
func fill(v reflect.Value, tool string, params []parameter, args map[string]json.RawMessage) *ArgumentError {
	given := make(map[string]string, len(args)) // parameter -> the name it came under
	for _, key := range slices.Sorted(maps.Keys(args)) {
		p := find(params, key)
		if p == nil {
			return unknown(tool, params, key)
		}
		if string(args[key]) == "null" {
			continue // an optional argument that the client spelled out
		}
		if first, twice := given[p.name]; twice {
			return invalid(p.name, "Pass only "+p.name+".", "%s and %s are the same argument", first, key)
		}
		given[p.name] = key
		if err := noDraft(params, p, args[key]); err != nil {
			return err
		}
		if err := set(v.FieldByIndex(p.path), p, args[key]); err != nil {
			return err
		}
	}
	var missing []string
	for i := range params {
		p := &params[i]
		if _, ok := given[p.name]; ok {
			continue
		}
		if p.required {
			missing = append(missing, p.name)
		}
		if p.byDefault != "" {
			if err := set(v.FieldByIndex(p.path), p, json.RawMessage(p.byDefault)); err != nil {
				return err
			}
		}
	}
	if len(missing) > 0 {
		return invalid(missing[0], "Add "+itOrThem(len(missing))+" and call "+tool+" again.", "missing: %s", strings.Join(missing, ", "))
	}
	return nil
}

func itOrThem(n int) string {
	if n == 1 {
		return "it"
	}
	return "them"
}

// find returns the parameter that key names, by its name or a synonym.
func find(params []parameter, key string) *parameter {
	for i := range params {
		if params[i].name == key {
			return &params[i]
		}
	}
	key = folded(key)
	for i := range params {
		if name := params[i].name; folded(name) == key || slices.Contains(synonyms[name], key) {
			return &params[i]
		}
	}
	return nil
}

func unknown(tool string, params []parameter, key string) *ArgumentError {
	names := make([]string, len(params))
	for i, p := range params {
		names[i] = p.name
	}
	return invalid("", instead(tool, params, key), "unknown argument %q; %s takes %s", shorten(key, 40), tool, strings.Join(names, ", "))
}

// set puts one JSON value into a field.
func set(field reflect.Value, p *parameter, raw json.RawMessage) *ArgumentError {
	ok := false
	switch p.kind {
	case aString:
		var s string
		if s, ok = textFrom(raw); ok {
			if p.enum != nil && s != "" {
				i := slices.IndexFunc(p.enum, func(word string) bool { return alike(word) == alike(s) })
				if i < 0 {
					return invalid(p.name, "Give one of these.", "%s must be one of %s", p.name, strings.Join(p.enum, ", "))
				}
				s = p.enum[i]
			}
			field.SetString(s)
		}
	case anInteger:
		var n int
		if n, ok = integerFrom(raw); ok {
			if p.min != nil && n < *p.min || p.max != nil && n > *p.max {
				return invalid(p.name, "Give a number in this range.", "%s must be %s, and %d was given", p.name, p.bounds(), n)
			}
			field.SetInt(int64(n))
		}
	case aBoolean:
		var b bool
		if b, ok = booleanFrom(raw); ok {
			field.SetBool(b)
		}
	case aList:
		var items []string
		var wrong *element
		if items, wrong, ok = listFrom(raw); wrong != nil {
			return invalid(p.name, "Give one string per element.", "%s[%d] must be a string, got %s", p.name, wrong.index, typeOf(wrong.value))
		}
		if ok {
			field.Set(reflect.ValueOf(append([]string{}, items...))) // an empty list is given, too
		}
	case aRecords:
		var elements []json.RawMessage
		if elements, ok = elementsFrom(raw); ok {
			return setRecords(field, p, elements)
		}
	}
	if !ok {
		return invalid(p.name, "Give "+p.kind.String()+".", "%s must be %s, got %s", p.name, p.kind, typeOf(raw))
	}
	return nil
}

// elementsFrom takes a list, a list as JSON inside a string, and one element
// alone.
func elementsFrom(raw json.RawMessage) (elements []json.RawMessage, ok bool) {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		if s = strings.TrimSpace(s); !strings.HasPrefix(s, "[") && !strings.HasPrefix(s, "{") {
			return []json.RawMessage{raw}, s != ""
		}
		raw = json.RawMessage(s)
	}
	if json.Unmarshal(raw, &elements) == nil {
		return elements, true
	}
	return []json.RawMessage{raw}, bytes.HasPrefix(bytes.TrimSpace(raw), []byte("{"))
}

// setRecords puts objects into a slice of structs. A bare string stands for an
// object that has only the first field.
func setRecords(field reflect.Value, p *parameter, elements []json.RawMessage) *ArgumentError {
	list := reflect.MakeSlice(field.Type(), len(elements), len(elements))
	for i, raw := range elements {
		at := fmt.Sprintf("%s[%d]", p.name, i)
		var s string
		if json.Unmarshal(raw, &s) == nil {
			list.Index(i).FieldByIndex(p.fields[0].path).SetString(s)
			continue
		}
		var args map[string]json.RawMessage
		if json.Unmarshal(raw, &args) != nil {
			return invalid(p.name, "Give "+p.kind.String()+".", "%s must be an object, got %s", at, typeOf(raw))
		}
		if err := fill(list.Index(i), at, p.fields, args); err != nil {
			err.Argument = p.name
			if !strings.Contains(err.Message, at) {
				err.Message = at + ": " + err.Message
			}
			return err
		}
	}
	field.Set(list)
	return nil
}

func (p *parameter) bounds() string {
	switch {
	case p.max == nil:
		return fmt.Sprintf("at least %d", *p.min)
	case p.min == nil:
		return fmt.Sprintf("at most %d", *p.max)
	default:
		return fmt.Sprintf("%d to %d", *p.min, *p.max)
	}
}

// textFrom also takes a list of one, which is how some clients send a value
// that they have seen as a list elsewhere, and a whole number for its digits:
// a part id is often nothing else.
func textFrom(raw json.RawMessage) (string, bool) {
	var s *string
	if json.Unmarshal(raw, &s) == nil && s != nil {
		return *s, true
	}
	var one []json.RawMessage
	if json.Unmarshal(raw, &one) == nil && len(one) == 1 {
		raw = one[0]
		if json.Unmarshal(raw, &s) == nil && s != nil {
			return *s, true
		}
	}
	if digits := string(raw); wholeNumber.MatchString(digits) {
		return digits, true
	}
	return "", false
}

// wholeNumber has as many digits as every client keeps: with more, those that
// count in floating point have changed the last ones.
var wholeNumber = regexp.MustCompile(`^(0|[1-9][0-9]{0,14})$`)

// alike is a word of an enum without its spelling habits.
func alike(word string) string {
	return folded(strings.ReplaceAll(strings.TrimSpace(word), " ", ""))
}

// draftForm is how Gmail writes the id of a draft. Those of mails are
// hexadecimal.
var draftForm = regexp.MustCompile(`^r-?[0-9]{6,}$`)

// noDraft refuses the id of a draft where that of a mail or a thread belongs.
// A tool that takes either has a draftId beside its messageId.
func noDraft(params []parameter, p *parameter, raw json.RawMessage) *ArgumentError {
	switch p.name {
	case "messageId":
		if find(params, "draftId") != nil {
			return nil
		}
	case "messageIds", "threadId", "threadIds", "fromMessageId", "replyToMessageId":
	default:
		return nil
	}
	ids, _, _ := listFrom(raw)
	if !slices.ContainsFunc(ids, draftForm.MatchString) {
		return nil
	}
	return invalid(p.name, "A search for in:draft names the messageId, the threadId and the draftId of every draft. draft_email changes a draft by its draftId, send_email sends it.",
		"%s has a draftId, which names no mail", p.name)
}

func integerFrom(raw json.RawMessage) (int, bool) {
	literal := string(raw)
	var s string
	if json.Unmarshal(raw, &s) == nil {
		literal = strings.TrimSpace(s)
	}
	f, err := strconv.ParseFloat(literal, 64)
	if err != nil || f != math.Trunc(f) || math.Abs(f) > 1<<31 {
		return 0, false
	}
	return int(f), true
}

func booleanFrom(raw json.RawMessage) (value, ok bool) {
	literal := string(raw)
	var s string
	if json.Unmarshal(raw, &s) == nil {
		literal = strings.ToLower(strings.TrimSpace(s))
	}
	return literal == "true", literal == "true" || literal == "false"
}

// listFrom takes ["a", "b"], "a, b" and "[\"a\", \"b\"]". wrong is the first
// element of a list that is no string, if there is one.
func listFrom(raw json.RawMessage) (items []string, wrong *element, ok bool) {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		trimmed := strings.TrimSpace(s)
		if !strings.HasPrefix(trimmed, "[") {
			return split(s), nil, true
		}
		raw = json.RawMessage(trimmed)
	}
	var elements []json.RawMessage
	if json.Unmarshal(raw, &elements) != nil {
		return nil, nil, false
	}
	for i, e := range elements {
		item, ok := textFrom(e)
		if !ok {
			return nil, &element{i, e}, false
		}
		items = append(items, split(item)...)
	}
	return items, nil, true
}

// element is one of a list.
type element struct {
	index int
	value json.RawMessage
}

// split cuts a list at its commas, but not inside quotes, angle brackets or
// comments: `"Doe, Jane" <jane@example.com>, joe@example.com` has two items.
// Spaces and tabs around an item go. A line break stays, for the check of the
// item to find.
func split(s string) []string {
	var items []string
	start, depth, quoted := 0, 0, false
	add := func(end int) {
		if item := strings.Trim(s[start:end], " \t"); item != "" {
			items = append(items, item)
		}
	}
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && (quoted || depth > 0):
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '<' || c == '(':
			depth++
		case (c == '>' || c == ')') && depth > 0:
			depth--
		case c == ',' && depth == 0:
			add(i)
			start = i + 1
		}
	}
	add(len(s))
	return items
}

// typeOf names the JSON type of a value for an error message.
func typeOf(raw json.RawMessage) string {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 {
		return "nothing"
	}
	switch raw[0] {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "a string"
	case 't', 'f':
		return "a boolean"
	case 'n':
		return "null"
	default:
		return "a number"
	}
}
