// Package skill renders the agent skill from the tool catalogue and packs it.
//
// A skill is a folder with a SKILL.md that an agent reads and programs that it
// runs. Ours holds the linkmail binaries: the agent runs "linkmail call" in a
// fresh process for each tool call, and the sealed cache carries the login
// from one to the next. Everything that SKILL.md says about the tools is
// rendered from the catalogue, so it cannot fall behind.
package skill

import (
	"archive/zip"
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"slices"
	"strings"
	"text/template"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
)

// Name is the skill's name and the only top-level folder of its zip.
const Name = "linkmail"

// description is what an agent sees of the skill before it opens it.
const description = "Search, read and send the user's Gmail. Use when the user asks about their mail, " +
	"wants a mail found, summarised, answered or sent. Works without a browser; the first call answers with a link and a code for the user."

//go:embed SKILL.md.tmpl
var page string

//go:embed linkmail.example.toml
var exampleConfig []byte

//go:embed linkmail.sh
var launcher []byte

// Binary is one program of the skill.
type Binary struct {
	// OS and Arch are Go's names, for example "linux" and "amd64".
	OS, Arch string
	Content  []byte
}

func (b Binary) file() string {
	name := "linkmail-" + b.OS + "-" + b.Arch
	if b.OS == "windows" {
		name += ".exe"
	}
	return name
}

// parameter is one argument of a tool, as SKILL.md lists it.
type parameter struct {
	Name string
	// Facts are its type, whether it is required, its range and its default.
	Facts string
	Text  string

	required bool
}

// property is the part of a JSON Schema by which a tool describes an argument.
type property struct {
	Type        string
	Description string
	Enum        []string
	Minimum     *int
	Maximum     *int
	Default     json.RawMessage
	Items       *property
}

// facts says what the schema says besides the description, in words.
func (p property) facts(required bool) string {
	kind := p.Type
	if p.Items != nil {
		kind += " of " + p.Items.Type + "s"
	}
	facts := []string{kind}
	if required {
		facts = append(facts, "required")
	}
	if len(p.Enum) > 0 {
		facts = append(facts, "one of "+strings.Join(p.Enum, ", "))
	}
	switch {
	case p.Minimum != nil && p.Maximum != nil:
		facts = append(facts, fmt.Sprintf("%d to %d", *p.Minimum, *p.Maximum))
	case p.Minimum != nil:
		facts = append(facts, fmt.Sprintf("at least %d", *p.Minimum))
	case p.Maximum != nil:
		facts = append(facts, fmt.Sprintf("at most %d", *p.Maximum))
	}
	if len(p.Default) > 0 {
		facts = append(facts, "default "+strings.Trim(string(p.Default), `"`))
	}
	return strings.Join(facts, "; ")
}

type tool struct {
	Name, Text string
	Parameters []parameter
}

// Render returns SKILL.md for a catalogue.
func Render(tools []mcp.Tool, version string) ([]byte, error) {
	t, err := template.New("SKILL.md").Parse(page)
	if err != nil {
		return nil, err
	}
	data := struct {
		Name, Description, Version string
		Tools                      []tool
	}{Name, description, version, nil}
	for _, m := range tools {
		params, err := parameters(m)
		if err != nil {
			return nil, fmt.Errorf("skill: schema of %s: %w", m.Name, err)
		}
		data.Tools = append(data.Tools, tool{m.Name, strings.TrimSpace(m.Description), params})
	}
	var b bytes.Buffer
	if err := t.Execute(&b, data); err != nil {
		return nil, err
	}
	return b.Bytes(), check(b.Bytes())
}

// parameters reads a tool's input schema: required ones first, then by name.
func parameters(m mcp.Tool) ([]parameter, error) {
	var schema struct {
		Properties map[string]property
		Required   []string
	}
	if err := json.Unmarshal(m.RawInputSchema, &schema); err != nil {
		return nil, err
	}
	var list []parameter
	for name, p := range schema.Properties {
		required := slices.Contains(schema.Required, name)
		list = append(list, parameter{name, p.facts(required), p.Description, required})
	}
	slices.SortFunc(list, func(a, b parameter) int {
		if a.required != b.required {
			if a.required {
				return -1
			}
			return 1
		}
		return strings.Compare(a.Name, b.Name)
	})
	return list, nil
}

// The rules of the Agent Skills format for the front matter.
var (
	validName = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	keys      = []string{"name", "description", "license", "compatibility", "metadata", "allowed-tools"}
)

// check holds the rendered page against the rules that skill loaders enforce.
func check(md []byte) error {
	head, ok := bytes.CutPrefix(md, []byte("---\n"))
	head, body, found := bytes.Cut(head, []byte("\n---\n"))
	if !ok || !found {
		return errors.New("skill: SKILL.md does not begin with front matter")
	}
	for line := range strings.Lines(string(head)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		if strings.HasPrefix(line, " ") {
			continue // inside metadata
		}
		limit := map[string]int{"name": 64, "description": 1024, "compatibility": 500}[key]
		switch {
		case !slices.Contains(keys, strings.TrimSuffix(key, ":")):
			return fmt.Errorf("skill: front matter has the unknown key %q", key)
		case key == "name" && (value != Name || !validName.MatchString(value)):
			return fmt.Errorf("skill: the name %q is not the folder's", value)
		case strings.Contains(value, ": ") || strings.Contains(value, " #"):
			return fmt.Errorf("skill: %s is not a plain YAML text", key)
		case limit > 0 && len(value) > limit:
			return fmt.Errorf("skill: %s has %d characters, %d are allowed", key, len(value), limit)
		case key == "description" && strings.ContainsAny(value, "<>"):
			return errors.New("skill: the description holds < or >")
		}
	}
	if n := bytes.Count(body, []byte("\n")); n > 500 {
		return fmt.Errorf("skill: SKILL.md has %d lines, 500 are allowed", n)
	}
	return nil
}

// Pack writes the skill's zip: one folder with SKILL.md, an example
// configuration, the launcher and the binaries. Equal input gives equal bytes.
func Pack(w io.Writer, md []byte, binaries []Binary) error {
	if len(binaries) == 0 {
		return errors.New("skill: there is no binary to pack")
	}
	z := zip.NewWriter(w)
	add := func(name string, mode uint32, content []byte) error {
		h := &zip.FileHeader{Name: path.Join(Name, name), Method: zip.Deflate, Modified: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
		h.ExternalAttrs = (0o100000 | mode) << 16 // a regular file, as Unix zips say it
		h.CreatorVersion = 3 << 8                 // made on Unix, so that the mode counts
		f, err := z.CreateHeader(h)
		if err != nil {
			return err
		}
		_, err = f.Write(content)
		return err
	}
	err := errors.Join(
		add("SKILL.md", 0o644, md),
		add("linkmail.example.toml", 0o644, exampleConfig),
		add("scripts/linkmail", 0o755, launcher),
	)
	for _, b := range binaries {
		err = errors.Join(err, add("scripts/"+b.file(), 0o755, b.Content))
	}
	return errors.Join(err, z.Close())
}
