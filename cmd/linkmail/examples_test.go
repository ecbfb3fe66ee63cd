package main

import (
	"archive/zip"
	"bytes"
	"encoding/json"
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

// servers is what Claude Desktop's and mcpo's configuration have in common.
type servers struct {
	MCPServers map[string]struct {
		Command string
		Args    []string
		Env     map[string]string
	} `json:"mcpServers"`
}

func TestTheExampleEntriesWork(t *testing.T) {
	for path, entries := range map[string][]string{
		"../../examples/claude-desktop/claude_desktop_config.json": {"gmail-demo", "gmail"},
		"../../examples/openwebui/mcpo.json":                       {"gmail"},
	} {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var cfg servers
		if err := json.Unmarshal(raw, &cfg); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if len(cfg.MCPServers) != len(entries) {
			t.Errorf("%s has %d entries, want %v", path, len(cfg.MCPServers), entries)
		}
		for _, name := range entries {
			t.Run(filepath.Base(path)+" "+name, func(t *testing.T) {
				entry := cfg.MCPServers[name]
				env := []string{"LINKMAIL_CACHE_DIR=" + t.TempDir(), "LINKMAIL_KEY=" + randomKey()}
				secretFile := filepath.Join(t.TempDir(), "secret")
				if err := os.WriteFile(secretFile, []byte("example"), 0o600); err != nil {
					t.Fatal(err)
				}
				for k, v := range entry.Env {
					if strings.HasSuffix(k, "_FILE") {
						v = secretFile // the example's path is a placeholder
					}
					env = append(env, k+"="+v)
				}
				got := runWith(t, env, `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}
{"jsonrpc":"2.0","id":2,"method":"tools/list","params":{}}
`, entry.Args...)
				if got.status != exitOK || !strings.Contains(got.stdout, `"search_emails"`) {
					t.Errorf("status %d, stdout %q, stderr %q", got.status, got.stdout, got.stderr)
				}
			})
		}
	}
}

func TestTheOpenWebUIConnectionPointsAtTheServer(t *testing.T) {
	raw, err := os.ReadFile("../../examples/openwebui/connections.json")
	if err != nil {
		t.Fatal(err)
	}
	var list []struct{ Type, URL string }
	if err := json.Unmarshal(raw, &list); err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile("../../examples/openwebui/README.md")
	if err != nil {
		t.Fatal(err)
	}
	const addr = "127.0.0.1:8765"
	if len(list) != 1 || list[0].Type != "mcp" || list[0].URL != "http://"+addr+"/mcp" || !bytes.Contains(readme, []byte("serve --http "+addr)) {
		t.Errorf("connections.json says %+v, the README starts something else", list)
	}
}

func TestThePackedSkillRunsInAnEmptyHome(t *testing.T) {
	content, err := os.ReadFile(os.Args[0]) // this binary stands for the released one
	if err != nil {
		t.Fatal(err)
	}
	var list []mcp.Tool
	for _, st := range tools.Catalogue(tools.Config{}) {
		list = append(list, st.Tool)
	}
	md, err := skill.Render(list, "test")
	if err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	if err := skill.Pack(&packed, md, []skill.Binary{{OS: runtime.GOOS, Arch: runtime.GOARCH, Content: content}}); err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	unzip(t, packed.Bytes(), root)
	cacheDir := filepath.Join(root, "cache")
	d := demoFor(t, nil)
	call := func(env ...string) envelope {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), filepath.Join(root, skill.Name, "scripts", "linkmail"), "call", "search_emails", `{"maxResults":1}`)
		cmd.Env = append([]string{asLinkmail + "=1", "PATH=/usr/bin:/bin", "HOME=/proc/nowhere", "LINKMAIL_CACHE_DIR=" + cacheDir}, env...)
		var out, errs bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &errs
		if err := cmd.Run(); err != nil {
			t.Fatalf("%v\n%s\n%s", err, out.String(), errs.String())
		}
		var e envelope
		if err := json.Unmarshal(out.Bytes(), &e); err != nil {
			t.Fatal(err)
		}
		return e
	}
	if e := call("LINKMAIL_AUTH=demo"); e.Status != "ok" || len(e.Data.Items) != 1 {
		t.Errorf("in demo mode: status %q with %d mails", e.Status, len(e.Data.Items))
	}
	// The configuration file next to SKILL.md is found, and the login is
	// remembered from one process to the next although only the cache can be written.
	var config strings.Builder
	for _, kv := range d.environ() {
		if k, v, _ := strings.Cut(kv, "="); k != "LINKMAIL_CACHE_DIR" && k != "LINKMAIL_KEY" {
			config.WriteString(k + ` = "` + v + "\"\n")
		}
	}
	if err := os.WriteFile(filepath.Join(root, skill.Name, "linkmail.toml"), []byte(config.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	first, second := call(), call()
	if first.Status != "auth_required" || second.Status != "auth_required" || first.Auth.URL != second.Auth.URL {
		t.Errorf("two processes: %+v and %+v, want the same link twice", first.Auth, second.Auth)
	}
}

// unzip unpacks with the modes that the archive gives.
func unzip(t *testing.T, packed []byte, dir string) {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(packed), int64(len(packed)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range z.File {
		path := filepath.Join(dir, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, f.Mode()); err != nil {
			t.Fatal(err)
		}
	}
}
