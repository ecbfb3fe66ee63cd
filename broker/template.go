package broker

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"linkmail/broker/wire"
)

// builtIn is a form, or an OAuth provider with scopes.
type builtIn struct {
	fields   []wire.Field
	provider string
	scopes   []string
}

func input(name, label, kind string, required bool) wire.Field {
	return wire.Field{Name: name, Label: label, Type: kind, Required: &required}
}

// templates are the built-in ones.
var templates = map[string]builtIn{
	"api_key":   {fields: []wire.Field{input("api_key", "API key", "password", true)}},
	"openai":    {fields: []wire.Field{input("api_key", "OpenAI API key", "password", true)}},
	"anthropic": {fields: []wire.Field{input("api_key", "Anthropic API key", "password", true)}},
	"basic_auth": {fields: []wire.Field{
		input("username", "User name", "text", true),
		input("password", "Password", "password", true),
	}},
	"aws": {fields: []wire.Field{
		input("access_key_id", "Access key ID", "text", true),
		input("secret_access_key", "Secret access key", "password", true),
		input("region", "Region", "text", false),
	}},
	"google_mail":    {provider: "google", scopes: []string{"https://www.googleapis.com/auth/gmail.modify"}},
	"google_drive":   {provider: "google", scopes: []string{"https://www.googleapis.com/auth/drive.readonly"}},
	"microsoft_mail": {provider: "microsoft", scopes: []string{"offline_access", "Mail.ReadWrite", "Mail.Send"}},
	"github":         {provider: "github", scopes: []string{"repo"}},
	"slack":          {provider: "slack"},
}

// Bounds of a form that an agent describes.
const (
	maxFields      = 20
	maxLabel       = 80
	maxOptions     = 50
	maxOption      = 200
	maxDisplayName = 80
)

// fieldName keeps names that mean something else in JavaScript, such as
// __proto__, off the page.
var fieldName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]{0,63}$`)

// checkFields returns the fields as the page gets them: texts made safe to
// show, types and required spelled out.
func checkFields(fields []wire.Field) ([]wire.Field, error) {
	bad := func(i int, msg string) error { return invalid(fault("fields", fmt.Sprintf("field %d: %s", i+1, msg))) }
	if len(fields) > maxFields {
		return nil, invalid(fault("fields", fmt.Sprintf("has more than %d fields", maxFields)))
	}
	seen := make(map[string]bool)
	checked := make([]wire.Field, 0, len(fields))
	for i, f := range fields {
		f.Label = plainText(f.Label, maxLabel+1)
		if f.Type == "" {
			f.Type = "text"
		}
		if f.Required == nil {
			yes := true
			f.Required = &yes
		}
		switch {
		case !fieldName.MatchString(f.Name):
			return nil, bad(i, "the name is not a letter followed by up to 63 letters, digits, _ . -")
		case seen[f.Name]:
			return nil, bad(i, "the name is used twice")
		case utf8.RuneCountInString(f.Label) > maxLabel:
			return nil, bad(i, fmt.Sprintf("the label has more than %d characters", maxLabel))
		case f.Type != "text" && f.Type != "password" && f.Type != "textarea" && f.Type != "select":
			return nil, bad(i, "the type is not text, password, textarea or select")
		case f.Type == "select" && len(f.Options) == 0:
			return nil, bad(i, "a select has no options")
		case len(f.Options) > maxOptions:
			return nil, bad(i, fmt.Sprintf("there are more than %d options", maxOptions))
		}
		options := make([]string, 0, len(f.Options))
		for _, o := range f.Options {
			if utf8.RuneCountInString(o) > maxOption {
				return nil, bad(i, fmt.Sprintf("an option has more than %d characters", maxOption))
			}
			options = append(options, plainText(o, maxOption))
		}
		if f.Options = options; len(options) == 0 {
			f.Options = nil
		}
		if f.Label == "" {
			f.Label = f.Name
		}
		seen[f.Name] = true
		checked = append(checked, f)
	}
	return checked, nil
}

// plainText makes foreign text safe to show on one line: no control, format
// (bidirectional, invisible) or private characters, at most limit runes.
func plainText(s string, limit int) string {
	var text strings.Builder
	count := 0
	for _, c := range strings.ToValidUTF8(s, "") {
		switch {
		case unicode.IsSpace(c):
			c = ' '
		case unicode.In(c, unicode.Cc, unicode.Cf, unicode.Co, unicode.Cs):
			continue
		}
		if count++; count > limit {
			break
		}
		text.WriteRune(c)
	}
	return strings.Join(strings.Fields(text.String()), " ")
}
