package standin

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"unicode/utf8"
)

// problem is an error of the My Account API (RFC 9457).
type problem struct {
	Code   string
	Status int
	Title  string
	Detail string
	Errors []validationError
}

// validationError says what is wrong with one part of a request.
type validationError struct {
	Detail  string `json:"detail"`
	Field   string `json:"field,omitempty"`
	Pointer string `json:"pointer,omitempty"`
	Source  string `json:"source,omitempty"`
}

// MarshalJSON writes the code as the URI that Auth0 makes of it.
func (p *problem) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Type   string            `json:"type"`
		Status int               `json:"status"`
		Title  string            `json:"title"`
		Detail string            `json:"detail"`
		Errors []validationError `json:"validation_errors,omitempty"`
	}{"https://auth0.com/api-errors/" + p.Code, p.Status, p.Title, p.Detail, p.Errors})
}

func meNotFound(detail string) *problem {
	return &problem{Code: "A0E-404-0001", Status: http.StatusNotFound, Title: "Not Found", Detail: detail}
}

// jsonBody is a JSON object being checked against a schema. It collects
// everything that is wrong, so that the answer names it all.
type jsonBody struct {
	path   string // JSON pointer of the object
	fields map[string]json.RawMessage
	errors []validationError
}

// readBody reads a request body, which must be a JSON object and say so.
func readBody(r *http.Request) (*jsonBody, *problem) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return nil, &problem{Code: "A0E-415-0001", Status: http.StatusUnsupportedMediaType, Title: "Unsupported Media Type", Detail: "Content-Type must be application/json"}
	}
	b := &jsonBody{}
	if err := json.NewDecoder(r.Body).Decode(&b.fields); err != nil || b.fields == nil {
		return nil, &problem{Code: "A0E-400-0003", Status: http.StatusBadRequest, Title: "Validation Error", Detail: "The body is not a JSON object."}
	}
	return b, nil
}

func (b *jsonBody) fail(name, detail string) {
	b.errors = append(b.errors, validationError{
		Detail: name + " " + detail, Field: name, Pointer: b.path + "/" + name, Source: "body",
	})
}

// only refuses every field that is not named.
func (b *jsonBody) only(names ...string) {
	for name := range b.fields {
		if !slices.Contains(names, name) {
			b.fail(name, "is not allowed")
		}
	}
}

// text reads a string of least to most characters.
func (b *jsonBody) text(name string, required bool, least, most int) string {
	raw, ok := b.fields[name]
	if !ok {
		if required {
			b.fail(name, "is required")
		}
		return ""
	}
	var s *string
	if json.Unmarshal(raw, &s) != nil || s == nil {
		b.fail(name, "must be a string")
		return ""
	}
	if n := utf8.RuneCountInString(*s); n < least || n > most {
		b.fail(name, fmt.Sprintf("must have %d to %d characters", least, most))
		return ""
	}
	return *s
}

// list reads least to most unique strings of at most long characters; nil means
// that the field is absent.
func (b *jsonBody) list(name string, least, most, long int) []string {
	raw, ok := b.fields[name]
	if !ok {
		return nil
	}
	var items []*string
	if json.Unmarshal(raw, &items) != nil || items == nil {
		b.fail(name, "must be an array of strings")
		return nil
	}
	if len(items) < least || len(items) > most {
		b.fail(name, fmt.Sprintf("must have %d to %d items", least, most))
	}
	var out []string
	for _, item := range items {
		switch {
		case item == nil:
			b.fail(name, "must be an array of strings")
		case utf8.RuneCountInString(*item) > long:
			b.fail(name, fmt.Sprintf("must have items of at most %d characters", long))
		case slices.Contains(out, *item):
			b.fail(name, "must have unique items")
		default:
			out = append(out, *item)
		}
	}
	return out
}

// object reads a nested object; nil means that it is absent or none.
func (b *jsonBody) object(name string) *jsonBody {
	raw, ok := b.fields[name]
	if !ok {
		return nil
	}
	inner := &jsonBody{path: b.path + "/" + name}
	if json.Unmarshal(raw, &inner.fields) != nil || inner.fields == nil {
		b.fail(name, "must be an object")
		return nil
	}
	return inner
}

// adopt takes over what is wrong with a nested object.
func (b *jsonBody) adopt(inner *jsonBody) { b.errors = append(b.errors, inner.errors...) }

// problem is the answer if anything is wrong.
func (b *jsonBody) problem() *problem {
	if len(b.errors) == 0 {
		return nil
	}
	return &problem{
		Code: "A0E-400-0003", Status: http.StatusBadRequest, Title: "Validation Error",
		Detail: "Payload validation error", Errors: b.errors,
	}
}
