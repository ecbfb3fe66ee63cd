package skill_test

import (
	"archive/zip"
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/mark3labs/mcp-go/mcp"

	"linkmail/skill"
	"linkmail/tools"
)

func catalogue() []mcp.Tool {
	var list []mcp.Tool
	for _, t := range tools.Catalogue(tools.Config{}) {
		list = append(list, t.Tool)
	}
	return list
}

func TestThePageNamesEveryToolAndParameter(t *testing.T) {
	md, err := skill.Render(catalogue(), "v1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"### search_emails", "### read_email", "### send_email", "- `query`", "- `to` (array, required)", "- `confirmationToken`", `version: "v1.2.3"`} {
		if !strings.Contains(string(md), want) {
			t.Errorf("SKILL.md lacks %q:\n%s", want, md)
		}
	}
}

func TestThePackageHasOneFolderAndKeepsModes(t *testing.T) {
	bins := []skill.Binary{{OS: "linux", Arch: "amd64", Content: []byte("elf")}, {OS: "windows", Arch: "amd64", Content: []byte("pe")}}
	var first, second bytes.Buffer
	for _, w := range []*bytes.Buffer{&first, &second} {
		if err := skill.Pack(w, []byte("---\n"), bins); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("packing twice gives different bytes")
	}
	z, err := zip.NewReader(bytes.NewReader(first.Bytes()), int64(first.Len()))
	if err != nil {
		t.Fatal(err)
	}
	modes := map[string]string{}
	for _, f := range z.File {
		modes[f.Name] = f.Mode().String()
		if f.Name == "linkmail/scripts/linkmail-linux-amd64" {
			r, err := f.Open()
			if err != nil {
				t.Fatal(err)
			}
			if got, _ := io.ReadAll(r); string(got) != "elf" {
				t.Errorf("the binary reads %q", got)
			}
		}
	}
	want := map[string]string{
		"linkmail/SKILL.md":                           "-rw-r--r--",
		"linkmail/linkmail.example.toml":              "-rw-r--r--",
		"linkmail/scripts/linkmail":                   "-rwxr-xr-x",
		"linkmail/scripts/linkmail-linux-amd64":       "-rwxr-xr-x",
		"linkmail/scripts/linkmail-windows-amd64.exe": "-rwxr-xr-x",
	}
	for name, mode := range want {
		if modes[name] != mode {
			t.Errorf("%s: got mode %q, want %q", name, modes[name], mode)
		}
	}
	if len(modes) != len(want) {
		t.Errorf("the zip holds %v, want %d files", modes, len(want))
	}
}

func TestPackingNothingIsRefused(t *testing.T) {
	if err := skill.Pack(io.Discard, []byte("---\n"), nil); err == nil {
		t.Error("a skill without a binary was packed")
	}
}
