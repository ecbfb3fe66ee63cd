package tools

import (
	"encoding/json"
	"iter"
	"reflect"
	"slices"
	"strings"
)

// A schema is the part of JSON Schema that every model provider accepts: one
// type everywhere, no unions, no null, no references. Optional means omitted.
type schema struct {
	Type        string          `json:"type"`
	Description string          `json:"description,omitempty"`
	Enum        []string        `json:"enum,omitempty"`
	Minimum     *int            `json:"minimum,omitempty"`
	Maximum     *int            `json:"maximum,omitempty"`
	Default     json.RawMessage `json:"default,omitempty"`
	Items       *schema         `json:"items,omitempty"`
	Properties  properties      `json:"properties,omitempty"`
	Required    []string        `json:"required,omitempty"`
	// Closed objects have no other properties than those named.
	Closed *bool `json:"additionalProperties,omitempty"`
}

// properties are written in the order of the struct's fields, which is the
// order in which a reader wants to learn of them.
type properties []property

type property struct {
	name   string
	schema *schema
}

// MarshalJSON writes an object.
func (p properties) MarshalJSON() ([]byte, error) {
	var b strings.Builder
	b.WriteByte('{')
	for i, one := range p {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(one.name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(one.schema)
		if err != nil {
			return nil, err
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return []byte(b.String()), nil
}

// closed is false: no additional properties.
var closed = new(bool)

// inputSchema describes the arguments of a tool.
func inputSchema(params []parameter) *schema {
	s := &schema{Type: "object", Properties: properties{}, Closed: closed}
	for _, p := range params {
		one := &schema{
			Type:        [...]string{"string", "integer", "boolean", "array", "array"}[p.kind],
			Description: p.doc,
			Enum:        p.enum,
			Minimum:     p.min,
			Maximum:     p.max,
			Default:     json.RawMessage(p.byDefault),
		}
		switch p.kind {
		case aList:
			one.Items = &schema{Type: "string"}
		case aRecords:
			one.Items = inputSchema(p.fields)
			one.Items.Closed = nil // what is unknown is refused all the same
		default:
		}
		s.Properties = append(s.Properties, property{p.name, one})
		if p.required {
			s.Required = append(s.Required, p.name)
		}
	}
	return s
}

// omit takes properties out of the description of an object, by the tag of that
// name on a list: those that are rarely there, and those that another tool of
// the catalogue describes.
func (s *schema) omit(names []string) {
	s.Properties = slices.DeleteFunc(s.Properties, func(p property) bool { return slices.Contains(names, p.name) })
}

// outputSchema describes a type of an answer, as briefly as a type can be
// described: every model pays for the whole catalogue, so what a field is
// called has to say what it is, and answers stay open for fields to come. It
// panics on a type that has no place in an answer.
func outputSchema(t reflect.Type) *schema {
	switch t.Kind() {
	case reflect.Pointer:
		return outputSchema(t.Elem())
	case reflect.String:
		return &schema{Type: "string"}
	case reflect.Bool:
		return &schema{Type: "boolean"}
	case reflect.Int, reflect.Int64:
		return &schema{Type: "integer"}
	case reflect.Slice:
		return &schema{Type: "array", Items: outputSchema(t.Elem())}
	case reflect.Struct:
		s := &schema{Type: "object", Properties: properties{}}
		for f := range fieldsOf(t) {
			if f.Tag.Get("schema") == "-" { // rarely there, and said in words
				continue
			}
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			one := outputSchema(f.Type)
			if names := f.Tag.Get("omit"); names != "" {
				one.Items.omit(strings.Split(names, ","))
			}
			if values := f.Tag.Get("enum"); values != "" {
				one.Enum = strings.Split(values, ",")
			}
			s.Properties = append(s.Properties, property{name, one})
		}
		return s
	default:
		panic("tools: no answer can hold a " + t.String())
	}
}

// fieldsOf yields the fields that JSON sees, those of embedded structs in place.
func fieldsOf(t reflect.Type) iter.Seq[reflect.StructField] {
	return func(yield func(reflect.StructField) bool) {
		for f := range t.Fields() {
			if f.Anonymous {
				for inner := range fieldsOf(f.Type) {
					inner.Index = append(slices.Clone(f.Index), inner.Index...)
					if !yield(inner) {
						return
					}
				}
				continue
			}
			if f.Tag.Get("json") == "" {
				continue
			}
			if !yield(f) {
				return
			}
		}
	}
}
