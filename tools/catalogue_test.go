package tools_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/jsonschema-go/jsonschema"

	"linkmail/tools"
)

var update = flag.Bool("update", false, "write the golden files of testdata/tools") //nolint:forbidigo // go test parses it

// validate checks a structured answer against a tool's output schema.
func validate(t testing.TB, schema json.RawMessage, instance []byte) {
	t.Helper()
	var s jsonschema.Schema
	if err := json.Unmarshal(schema, &s); err != nil {
		t.Fatal(err)
	}
	resolved, err := s.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	var v any
	if err := json.Unmarshal(instance, &v); err != nil {
		t.Fatal(err)
	}
	if err := resolved.Validate(v); err != nil {
		t.Errorf("%s\ndoes not satisfy its schema: %v", instance, err)
	}
}

// everyToolset is all that can be offered.
var everyToolset = []tools.Toolset{tools.Compose, tools.Labels, tools.Settings, tools.Sync}

func TestToolsAreAsReviewed(t *testing.T) {
	for _, one := range tools.Catalogue(tools.Config{Toolsets: everyToolset}) {
		t.Run(one.Tool.Name, func(t *testing.T) {
			raw, err := json.Marshal(one.Tool)
			if err != nil {
				t.Fatal(err)
			}
			var b bytes.Buffer
			if err := json.Indent(&b, raw, "", "  "); err != nil {
				t.Fatal(err)
			}
			b.WriteByte('\n')
			file := filepath.Join("testdata", "tools", one.Tool.Name+".json")
			if *update {
				if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatalf("%v; go test ./tools -update writes it", err)
			}
			if diff := cmp.Diff(string(want), b.String()); diff != "" {
				t.Errorf("the tool changed (-reviewed +now); go test ./tools -update accepts it:\n%s", diff)
			}
		})
	}
}

func TestCatalogueFitsItsBudget(t *testing.T) {
	// The default catalogue may take 20 kB when it has all eleven tools.
	const each, all = 2800, 20_000
	total := 0
	for _, policy := range []string{"confirm", "draft", "direct", "allow:*@example.com"} {
		p, err := tools.ParseSendPolicy(policy)
		if err != nil {
			t.Fatal(err)
		}
		sum := 0
		for _, one := range tools.Catalogue(tools.Config{Send: p}) {
			b, err := json.Marshal(one.Tool)
			if err != nil {
				t.Fatal(err)
			}
			sum += len(b)
			if len(b) > each {
				t.Errorf("%s takes %d bytes, want at most %d", one.Tool.Name, len(b), each)
			}
		}
		total = max(total, sum)
	}
	if total > all {
		t.Errorf("the catalogue takes %d bytes, want at most %d", total, all)
	}
}

func TestReadOnlyLeavesWhatReads(t *testing.T) {
	var names []string
	for _, one := range tools.Catalogue(tools.Config{ReadOnly: true}) {
		names = append(names, one.Tool.Name)
		if !*one.Tool.Annotations.ReadOnlyHint {
			t.Errorf("%s is not read-only", one.Tool.Name)
		}
	}
	if diff := cmp.Diff([]string{"get_account", "get_attachment", "get_thread", "list_labels", "read_email", "search_emails"}, names); diff != "" {
		t.Errorf("tools (-want +got):\n%s", diff)
	}
}

func TestEffectsAreStated(t *testing.T) {
	type effect struct{ ReadOnly, Destructive, Idempotent, OpenWorld bool }
	want := map[string]effect{
		"draft_email":        {OpenWorld: true},
		"reply_email":        {Destructive: true, OpenWorld: true},
		"forward_email":      {Destructive: true, OpenWorld: true},
		"delete_draft":       {Destructive: true, Idempotent: true},
		"get_attachment":     {ReadOnly: true, Idempotent: true, OpenWorld: true},
		"get_thread":         {ReadOnly: true, Idempotent: true, OpenWorld: true},
		"get_account":        {ReadOnly: true, Idempotent: true},
		"list_changes":       {ReadOnly: true, Idempotent: true},
		"list_labels":        {ReadOnly: true, Idempotent: true},
		"manage_filter":      {Destructive: true},
		"manage_label":       {Destructive: true},
		"modify_emails":      {Idempotent: true},
		"read_email":         {ReadOnly: true, Idempotent: true, OpenWorld: true},
		"search_emails":      {ReadOnly: true, Idempotent: true, OpenWorld: true},
		"send_email":         {Destructive: true, OpenWorld: true},
		"trash_emails":       {Destructive: true, Idempotent: true},
		"vacation_responder": {Destructive: true, Idempotent: true, OpenWorld: true},
	}
	got := map[string]effect{}
	for _, one := range tools.Catalogue(tools.Config{Toolsets: everyToolset}) {
		a := one.Tool.Annotations
		got[one.Tool.Name] = effect{*a.ReadOnlyHint, *a.DestructiveHint, *a.IdempotentHint, *a.OpenWorldHint}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("effects (-want +got):\n%s", diff)
	}
}

// TestSchemasSuitEveryProvider holds the schemas to what Claude, Gemini and
// OpenAI all accept; each of them has refused a whole catalogue for one schema.
func TestSchemasSuitEveryProvider(t *testing.T) {
	name := regexp.MustCompile(`^[a-z_]{1,64}$`)
	property := regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9]{0,63}$`)
	known := map[string]bool{
		"type": true, "description": true, "enum": true, "minimum": true, "maximum": true, "default": true,
		"items": true, "properties": true, "required": true, "additionalProperties": true,
	}
	var check func(t *testing.T, at string, v any)
	check = func(t *testing.T, at string, v any) {
		s, ok := v.(map[string]any)
		if !ok {
			t.Errorf("%s is no schema object", at)
			return
		}
		for key := range s {
			if !known[key] {
				t.Errorf("%s has %q, which some provider refuses", at, key)
			}
		}
		kind, ok := s["type"].(string)
		if !ok || kind == "null" {
			t.Errorf("%s has the type %v, want one word", at, s["type"])
		}
		properties, _ := s["properties"].(map[string]any)
		switch kind {
		case "array":
			check(t, at+"[]", s["items"])
		case "object":
			if len(properties) == 0 {
				t.Errorf("%s is an object without properties", at)
			}
		}
		if values, ok := s["enum"].([]any); ok && (kind != "string" || len(values) == 0) {
			t.Errorf("%s has an enum of %s", at, kind)
		}
		if more, ok := s["additionalProperties"]; ok && more != false {
			t.Errorf("%s allows additional properties of %v", at, more)
		}
		required, _ := s["required"].([]any)
		for _, r := range required {
			if name, ok := r.(string); !ok || properties[name] == nil {
				t.Errorf("%s requires %v, which it does not have", at, r)
			}
		}
		for key, p := range properties {
			if !property.MatchString(key) {
				t.Errorf("%s has a property %q", at, key)
			}
			check(t, at+"."+key, p)
		}
	}
	for _, one := range tools.Catalogue(tools.Config{Toolsets: everyToolset}) {
		t.Run(one.Tool.Name, func(t *testing.T) {
			if !name.MatchString(one.Tool.Name) {
				t.Errorf("the name does not match %s", name)
			}
			if n := len(one.Tool.Description); n == 0 || n > 500 {
				t.Errorf("the description has %d bytes, want 1 to 500", n)
			}
			if one.Tool.Title == "" || one.Tool.Title != one.Tool.Annotations.Title {
				t.Error("the title is missing")
			}
			for kind, raw := range map[string]json.RawMessage{"input": one.Tool.RawInputSchema, "output": one.Tool.RawOutputSchema} {
				var v map[string]any
				if err := json.Unmarshal(raw, &v); err != nil {
					t.Fatal(err)
				}
				if v["type"] != "object" {
					t.Errorf("the %s is no object", kind)
				}
				if v["additionalProperties"] != false {
					t.Errorf("the %s is open at the top", kind)
				}
				check(t, kind, v)
			}
			if !strings.Contains(string(one.Tool.RawOutputSchema), `"auth_required"`) {
				t.Error("the output has no place for a challenge")
			}
		})
	}
}
