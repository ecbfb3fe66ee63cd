package skill_test

import (
	"archive/zip"
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
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
	for _, want := range []string{
		"### search_emails", "### read_email", "### get_thread", "### send_email", "- `query`", "- `to` (array of strings)", "- `confirmationToken` (string)",
		"- `format` (string; one of markdown, text, html, raw_headers; default markdown)", "- `quotes` (string; one of keep, collapse; default keep)",
		"- `maxResults` (integer; 1 to 50; default 10)", "- `maxBodyChars` (integer; 1 to 24000; default 6000)", "- `bodyOffset` (integer; at least 0; default 0)",
		"- `includeSpamTrash` (boolean; default false)", `version: "v1.2.3"`,
	} {
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

// TestTheLauncherFindsItsBinaryThroughLinks runs it as people install it: linked
// to from a directory of the path, with and without a readlink there.
func TestTheLauncherFindsItsBinaryThroughLinks(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the launcher is a shell script")
	}
	root := t.TempDir()
	scripts := filepath.Join(root, "my skills", "linkmail", "scripts")
	elsewhere := filepath.Join(root, "bin")
	bare := filepath.Join(root, "bare") // a path without readlink
	for _, dir := range []string{scripts, elsewhere, bare} {
		if err := os.MkdirAll(dir, 0o750); err != nil {
			t.Fatal(err)
		}
	}
	launcher, err := os.ReadFile("linkmail.sh")
	if err != nil {
		t.Fatal(err)
	}
	target := filepath.Join(scripts, "linkmail")
	binary := filepath.Join(scripts, "linkmail-"+runtime.GOOS+"-"+runtime.GOARCH)
	for name, content := range map[string][]byte{target: launcher, binary: []byte("#!/bin/sh\necho ran \"$@\"\n")} {
		if err := os.WriteFile(name, content, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	links := map[string]string{
		"absolute": target,
		"relative": "../my skills/linkmail/scripts/linkmail",
		"chain":    "relative",
		"loop":     "loop",
	}
	for name, to := range links {
		if err := os.Symlink(to, filepath.Join(elsewhere, name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, tool := range []string{"sh", "uname", "tr", "dirname", "ls"} {
		at, err := exec.LookPath(tool)
		if err != nil {
			t.Skip("this machine has no " + tool)
		}
		if err := os.Symlink(at, filepath.Join(bare, tool)); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{os.Getenv("PATH"), bare} {
		for _, name := range []string{target, filepath.Join(elsewhere, "absolute"), filepath.Join(elsewhere, "relative"), filepath.Join(elsewhere, "chain")} {
			cmd := exec.CommandContext(t.Context(), "/bin/sh", name, "a b")
			cmd.Env = []string{"PATH=" + path}
			if out, err := cmd.CombinedOutput(); err != nil || string(out) != "ran a b\n" {
				t.Errorf("%s with PATH=%s: got %q, %v", name, path, out, err)
			}
		}
	}
	cmd := exec.CommandContext(t.Context(), "/bin/sh", filepath.Join(elsewhere, "loop"))
	if out, err := cmd.CombinedOutput(); err == nil {
		t.Errorf("a link to itself: got %q, want an error", out)
	}
}
