//go:build interop

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"linkmail/internal/standin"
)

// mcpdo is the Inspector's client that shows dialogs: it runs one command per
// process and keeps its connections in a daemon of its own.
type mcpdo struct {
	t    *testing.T
	home string
	env  []string
}

func newMcpdo(t *testing.T) *mcpdo {
	t.Helper()
	home, err := os.MkdirTemp("", "mcpdo") //nolint:usetesting // the path of the daemon's socket has to be short
	if err != nil {
		t.Fatal(err)
	}
	npm := os.Getenv("npm_config_cache")
	if own, err := os.UserHomeDir(); err == nil && npm == "" {
		npm = filepath.Join(own, ".npm")
	}
	m := &mcpdo{t: t, home: home, env: append(os.Environ(), "HOME="+home, "npm_config_cache="+npm, "MCP_INSPECTOR_SECRET_STORE=memory")}
	t.Cleanup(func() {
		// The test's own context has ended by now.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
		defer cancel()
		if out, err := m.command(ctx, "daemon", "stop").CombinedOutput(); err != nil {
			t.Errorf("mcpdo daemon stop: %v\n%s", err, out)
		}
		if err := os.RemoveAll(home); err != nil {
			t.Error(err)
		}
	})
	return m
}

func (m *mcpdo) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := npx(ctx, inspectorPackage, append([]string{"mcpdo", "--plain"}, args...)...)
	cmd.Env, cmd.Dir = m.env, m.home
	return cmd
}

// run runs a command and returns what it printed. A tool that answers with an
// error is a failed command, which is an answer too.
func (m *mcpdo) run(args ...string) []byte {
	m.t.Helper()
	cmd := m.command(m.t.Context(), args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil && out.Len() == 0 {
		m.t.Fatalf("mcpdo %s: %v\n%s", strings.Join(args, " "), err, errs.String())
	}
	return out.Bytes()
}

// shown is what mcpdo prints about a call: a dialog, or the result.
type shown struct {
	ElicitationPending *struct{ ElicitationID, Message, Mode, URL string }
	StructuredContent  envelope
	IsError            bool
	Content            []struct{ Text string }
	raw                string
}

func (m *mcpdo) answer(args ...string) shown {
	m.t.Helper()
	out := m.run(append(args, "--format", "json")...)
	s := shown{raw: string(out)}
	if err := json.Unmarshal(out, &s); err != nil {
		m.t.Fatalf("mcpdo %s printed %q: %v", strings.Join(args, " "), out, err)
	}
	return s
}

// serveHTTPFor runs "linkmail serve --http" against the demo and returns the
// address of its MCP endpoint.
func serveHTTPFor(t *testing.T, env []string, args ...string) string {
	t.Helper()
	cmd := linkmail(context.WithoutCancel(t.Context()), env, append([]string{"serve", "--http", "127.0.0.1:0", "--log-format", "json"}, args...)...)
	errs, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Error(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("serve ended with %v", err)
		}
	})
	lines := bufio.NewScanner(errs)
	for lines.Scan() {
		if _, address, ok := strings.Cut(lines.Text(), "listening on "); ok {
			go func() { // what follows is not looked at, but has to go somewhere
				for lines.Scan() {
				}
			}()
			return strings.TrimSuffix(address[:strings.Index(address, `"`)], `"`)
		}
	}
	t.Fatalf("serve never said where it listens: %v", lines.Err())
	return ""
}

// TestInteropSignInDialog signs in through the dialog of a published client:
// the call shows a link and a code, the user opens it and says "done", and the
// same call goes on to the mails.
func TestInteropSignInDialog(t *testing.T) {
	for _, era := range []string{"legacy", "modern"} {
		t.Run(era, func(t *testing.T) {
			d := demoFor(t, nil)
			m := newMcpdo(t)
			m.run("connect", serveHTTPFor(t, d.environ()), "--connection", "gm", "--era", era, "--elicit", "both")
			person := standin.NewPerson()
			search := []string{"tools/call", "search_emails", "query:=is:unread", "maxResults:=3", "--connection", "gm"}
			s := m.answer(search...)
			dialogs, words := 0, 0
			opened := map[string]bool{}
			for range 20 {
				switch e := s.ElicitationPending; {
				case e != nil:
					dialogs++
					if e.Mode != "url" || opened[e.URL] {
						t.Fatalf("the client is asked a second time, or for a form: %s", s.raw)
					}
					opened[e.URL] = true
					openLink(t, person, e.URL, e.Message)
					s = m.answer("elicitation/respond", e.ElicitationID, "--done")
				case s.IsError:
					t.Fatalf("the call failed: %s", s.raw)
				case s.StructuredContent.Status == "ok":
					if n := len(s.StructuredContent.Data.Items); n != 3 {
						t.Errorf("got %d mails, want 3", n)
					}
					if dialogs != 1 || words != 0 {
						t.Errorf("%d dialogs and %d links in words, want one dialog", dialogs, words)
					}
					return
				case s.StructuredContent.Status == "auth_required":
					a := s.StructuredContent.Auth
					if !opened[a.URL] {
						words++
						opened[a.URL] = true
						openLink(t, person, a.URL, a.Code)
					}
					s = m.answer(search...)
				default:
					t.Fatalf("unexpected answer: %s", s.raw)
				}
			}
			t.Fatal("the mails never came")
		})
	}
}

// TestInteropSignInDialogCancelled presses cancel, and then shows no dialog.
func TestInteropSignInDialogCancelled(t *testing.T) {
	d := demoFor(t, nil)
	m := newMcpdo(t)
	m.run("connect", serveHTTPFor(t, d.environ()), "--connection", "gm", "--era", "modern", "--elicit", "url")
	search := []string{"tools/call", "search_emails", "query:=is:unread", "--connection", "gm"}
	s := m.answer(search...)
	if s.ElicitationPending == nil {
		t.Fatalf("no dialog: %s", s.raw)
	}
	if err := sleep(t.Context(), 2*time.Second); err != nil { // no user is faster
		t.Fatal(err)
	}
	out := string(m.run("elicitation/respond", s.ElicitationPending.ElicitationID, "--cancel", "--format", "json"))
	t.Logf("cancel ends with: %s", out)
	if strings.Contains(out, `"ok"`) {
		t.Errorf("the call went through: %s", out)
	}
	if s = m.answer(search...); s.ElicitationPending != nil || s.StructuredContent.Status != "auth_required" {
		t.Errorf("the next call shows %s, want the link in words", s.raw)
	}
}

// openLink opens a link like the user does who reads the text next to it.
func openLink(t *testing.T, person *standin.Person, link, text string) {
	t.Helper()
	u, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	code := path.Base(u.Path)
	if !strings.Contains(text, code) {
		t.Fatalf("the code of %s is not in %q", link, text)
	}
	if err := bothSteps(t.Context(), person, link, code); err != nil {
		t.Fatal(err)
	}
}
