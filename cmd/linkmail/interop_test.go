//go:build interop

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// The judges that nobody here wrote, pinned.
const (
	emulatorPackage    = "emulate@0.12.2"
	inspectorPackage   = "@modelcontextprotocol/inspector@2.12.0"
	conformancePackage = "@modelcontextprotocol/conformance@0.1.16"
	playwrightPackage  = "playwright-core@1.65.1"
	nodePackage        = "node@24"
)

// npx returns a command from a published package, run by a Node.js that the
// packages accept whatever the machine has.
func npx(ctx context.Context, pkg string, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, "npx", append([]string{"-y", "-p", nodePackage, "-p", pkg}, args...)...)
}

// start runs cmd until the test ends. The whole process group goes, because
// npx leaves children behind.
func start(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s printed:\n%s", cmd.Args[0], out.String())
		}
	})
}

// freePort returns a loopback port that was free a moment ago.
func freePort(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return strconv.Itoa(ln.Addr().(*net.TCPAddr).Port)
}

// awaitHTTP waits until the address answers anything.
func awaitHTTP(t *testing.T, address string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			resp.Body.Close()
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s never answered: %v", address, err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// longHistoryID finds the emulator's history ids, which have 21 digits and
// overflow the 64 bits that Gmail's real ids fit in.
var longHistoryID = regexp.MustCompile(`("(?:historyId|id)"\s*:\s*")(\d{6})(\d{15}")`)

// emulator starts the published Gmail emulator behind a proxy that shortens
// history ids, and makes them whole again on their way back, and returns the
// endpoint.
func emulator(t *testing.T) string {
	t.Helper()
	seed, err := filepath.Abs("testdata/emulate.yaml")
	if err != nil {
		t.Fatal(err)
	}
	port := freePort(t)
	cmd := npx(t.Context(), emulatorPackage, "emulate", "start", "--service", "google", "--port", port, "--seed", seed)
	cmd.Dir = t.TempDir()
	start(t, cmd)
	target := &url.URL{Scheme: "http", Host: "127.0.0.1:" + port}
	awaitHTTP(t, target.String())
	var cut atomic.Value // the digits that every id begins with
	proxy := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			q := r.Out.URL.Query()
			if begun, ok := cut.Load().(string); ok && q.Has("startHistoryId") {
				q.Set("startHistoryId", fmt.Sprintf("%s%015s", begun, q.Get("startHistoryId")))
				r.Out.URL.RawQuery = q.Encode()
			}
		},
		ModifyResponse: func(r *http.Response) error {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return err
			}
			if found := longHistoryID.FindSubmatch(body); found != nil {
				cut.Store(string(found[2]))
			}
			body = longHistoryID.ReplaceAll(body, []byte("$1$3"))
			r.Body = io.NopCloser(bytes.NewReader(body))
			r.ContentLength = int64(len(body))
			r.Header.Set("Content-Length", strconv.Itoa(len(body)))
			return nil
		},
	})
	t.Cleanup(proxy.Close)
	return proxy.URL + "/"
}

// binary builds the product once per test.
func binary(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "linkmail")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", path, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return path
}

// stdio is a running "linkmail serve" with a conversation on its pipes.
type stdio struct {
	t   *testing.T
	in  io.WriteCloser
	out *bufio.Scanner
	id  int
}

func serveStdio(t *testing.T, bin string, env ...string) *stdio {
	t.Helper()
	// Not the test's context: it ends before the clean-up that ends the server.
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), bin, "serve")
	cmd.Env = env
	cmd.Stderr = t.Output()
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s := &stdio{t: t, in: in, out: bufio.NewScanner(out)}
	s.out.Buffer(nil, 8<<20)
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("serve ended with %v after its input ended", err)
		}
	})
	s.ask("initialize", map[string]any{
		"protocolVersion": "2025-11-25", "capabilities": map[string]any{},
		"clientInfo": map[string]any{"name": "interop", "version": "1"},
	})
	s.write(map[string]any{"jsonrpc": "2.0", "method": "notifications/initialized"})
	return s
}

func (s *stdio) write(m map[string]any) {
	s.t.Helper()
	line, err := json.Marshal(m)
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := s.in.Write(append(line, '\n')); err != nil {
		s.t.Fatal(err)
	}
}

// ask sends one request and returns its result.
func (s *stdio) ask(method string, params map[string]any) json.RawMessage {
	s.t.Helper()
	s.id++
	s.write(map[string]any{"jsonrpc": "2.0", "id": s.id, "method": method, "params": params})
	for s.out.Scan() {
		var m struct {
			ID     int
			Result json.RawMessage
			Error  json.RawMessage
		}
		if err := json.Unmarshal(s.out.Bytes(), &m); err != nil {
			s.t.Fatalf("not JSON-RPC on standard output: %s", s.out.Bytes())
		}
		if m.ID != s.id {
			continue
		}
		if m.Error != nil {
			s.t.Fatalf("%s: %s", method, m.Error)
		}
		return m.Result
	}
	s.t.Fatalf("%s: standard output ended: %v", method, errors.Join(s.out.Err(), io.ErrUnexpectedEOF))
	return nil
}

// tool calls a tool and returns the structured answer.
func (s *stdio) tool(name string, args map[string]any) envelope {
	s.t.Helper()
	var r struct {
		IsError           bool
		StructuredContent envelope
		Content           []struct{ Text string }
	}
	raw := s.ask("tools/call", map[string]any{"name": name, "arguments": args})
	if err := json.Unmarshal(raw, &r); err != nil {
		s.t.Fatal(err)
	}
	if r.IsError {
		s.t.Fatalf("%s: %s", name, raw)
	}
	return r.StructuredContent
}

func TestInteropWithTheGmailEmulator(t *testing.T) {
	endpoint := emulator(t)
	s := serveStdio(t, binary(t),
		"LINKMAIL_AUTH=token", "LINKMAIL_GMAIL_TOKEN=interop-token", "LINKMAIL_GMAIL_ENDPOINT="+endpoint,
		"LINKMAIL_CACHE_DIR="+t.TempDir(), "LINKMAIL_SEND=direct")

	var listed struct{ Tools []struct{ Name string } }
	if err := json.Unmarshal(s.ask("tools/list", map[string]any{}), &listed); err != nil {
		t.Fatal(err)
	}
	names := ""
	for _, l := range listed.Tools {
		names += l.Name + " "
	}
	if want := "draft_email get_account get_attachment get_thread list_labels modify_emails read_email reply_email search_emails send_email trash_emails "; names != want {
		t.Errorf("tools: got %q, want %q", names, want)
	}

	e := s.tool("search_emails", map[string]any{"query": "from:billing"})
	if len(e.Data.Items) != 1 || !strings.Contains(e.Data.Items[0].Subject, "Invoice 4711") {
		t.Fatalf("search from:billing: got %+v, want the invoice", e.Data.Items)
	}
	e = s.tool("read_email", map[string]any{"messageId": e.Data.Items[0].MessageID})
	if len(e.Data.Items) != 1 || !strings.Contains(e.Data.Items[0].Body, "12.50 EUR") || strings.Contains(e.Data.Items[0].Body, "hidden words") {
		t.Errorf("read: got %+v, want the amount and no hidden words", e.Data.Items)
	}
	e = s.tool("search_emails", map[string]any{"query": "", "maxResults": 2})
	if len(e.Data.Items) != 2 {
		t.Errorf("empty query: got %d mails, want the 2 newest", len(e.Data.Items))
	}

	const subject = "Interop 8472 says hello"
	e = s.tool("send_email", map[string]any{"to": []string{"ada@example.org"}, "bcc": []string{"grace@example.org"}, "subject": subject, "body": "Sent over stdio."})
	if e.Data.Outcome != "sent" {
		t.Fatalf("send: got outcome %q, want sent", e.Data.Outcome)
	}
	e = s.tool("search_emails", map[string]any{"query": "subject:8472"})
	if len(e.Data.Items) != 1 || !strings.Contains(e.Data.Items[0].Subject, subject) {
		t.Errorf("search for the sent mail: got %+v, want it", e.Data.Items)
	}
	labelsOnTheEmulator(t, s)
}

// demoEnvironment is all that serve needs to work without any account.
func demoEnvironment() []string {
	return append(os.Environ(), "LINKMAIL_AUTH=demo")
}

func TestInteropWithTheInspector(t *testing.T) {
	bin := binary(t)
	for _, era := range []string{"legacy", "modern"} {
		t.Run(era, func(t *testing.T) {
			cmd := npx(t.Context(), inspectorPackage, "mcp-inspector", "--cli", bin, "serve", "-e", "LINKMAIL_AUTH=demo",
				"--protocol-era", era, "--method", "tools/list", "--strict")
			cmd.Dir = t.TempDir()
			var out, errs bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &errs
			if err := cmd.Run(); err != nil {
				t.Fatalf("inspector: %v\n%s\n%s", err, errs.String(), out.String())
			}
			for _, name := range []string{"read_email", "search_emails", "send_email"} {
				if !strings.Contains(out.String(), `"`+name+`"`) {
					t.Errorf("the inspector does not list %s:\n%s", name, out.String())
				}
			}
			if s := errs.String(); strings.Contains(strings.ToLower(s), "warning") {
				t.Errorf("the inspector warns about the schemas:\n%s", s)
			}
		})
	}
}

func TestInteropWithTheConformanceSuite(t *testing.T) {
	port := freePort(t)
	cmd := exec.CommandContext(t.Context(), binary(t), "serve", "--http", "127.0.0.1:"+port)
	cmd.Env = demoEnvironment()
	start(t, cmd)
	address := "http://127.0.0.1:" + port + "/mcp"
	awaitHTTP(t, address)
	passed := regexp.MustCompile(`Passed: (\d+)/(\d+)`)
	for _, scenario := range []string{
		"server-initialize", "ping", "tools-list", "logging-set-level", "server-sse-multiple-streams", "dns-rebinding-protection",
	} {
		t.Run(scenario, func(t *testing.T) {
			cmd := npx(t.Context(), conformancePackage, "conformance", "server", "--url", address, "--scenario", scenario)
			cmd.Dir = t.TempDir()
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("conformance: %v\n%s", err, out)
			}
			m := passed.FindSubmatch(out)
			if m == nil || string(m[1]) == "0" || string(m[1]) != string(m[2]) {
				t.Errorf("the suite did not pass everything:\n%s", out)
			}
		})
	}
}

func TestInteropWithMcpo(t *testing.T) {
	mcpo := os.Getenv("MCPO")
	if mcpo == "" {
		t.Fatal("MCPO must name the mcpo program; make interop sets it")
	}
	port := freePort(t)
	cmd := exec.CommandContext(t.Context(), mcpo, "--host", "127.0.0.1", "--port", port, "--", binary(t), "serve")
	cmd.Env = demoEnvironment()
	start(t, cmd)
	base := "http://127.0.0.1:" + port
	awaitHTTP(t, base+"/openapi.json")

	get := func(method, path, body string) (int, string) {
		req, err := http.NewRequestWithContext(t.Context(), method, base+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		raw, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(raw)
	}
	_, spec := get(http.MethodGet, "/openapi.json", "")
	var api struct{ Paths map[string]any }
	if err := json.Unmarshal([]byte(spec), &api); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"/read_email", "/search_emails", "/send_email"} {
		if api.Paths[name] == nil {
			t.Errorf("mcpo does not offer %s: %v", name, fmt.Sprint(api.Paths))
		}
	}
	if status, answer := get(http.MethodPost, "/search_emails", `{"query":"is:unread","maxResults":3}`); status != http.StatusOK || !strings.Contains(answer, "3 mails for the query") {
		t.Errorf("search through mcpo: got %d %s, want 200 with 3 mails", status, answer)
	}
}

// TestInteropWithARealBrowser signs in through Chromium: the broker's page, the
// login and the consent, in one tab and with one link. The screenshots are kept
// for a look.
func TestInteropWithARealBrowser(t *testing.T) {
	shots, err := filepath.Abs("../../.artifacts/browser")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(shots, 0o755); err != nil {
		t.Fatal(err)
	}
	// The module has to be found from the script's folder.
	dir := t.TempDir()
	script, err := os.ReadFile("testdata/browser.mjs")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "browser.mjs"), script, 0o600); err != nil {
		t.Fatal(err)
	}
	install := exec.CommandContext(t.Context(), "npm", "install", "--no-save", "--ignore-scripts", "--silent", playwrightPackage)
	install.Dir = dir
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("npm install: %v\n%s", err, out)
	}
	u := newUser(t, &traffic{})
	e, _ := u.call(u.search())
	if e.Auth == nil {
		t.Fatalf("status %q, want auth_required", e.Status)
	}
	cmd := exec.CommandContext(t.Context(), "npx", "-y", "-p", nodePackage, "node", "browser.mjs", e.Auth.URL, e.Auth.Code, shots, "flow")
	cmd.Dir = dir
	walked := make(chan error, 1)
	go func() {
		out, err := cmd.CombinedOutput()
		if err != nil {
			err = fmt.Errorf("%w\n%s", err, out)
		}
		walked <- err
	}()
	for {
		again, _ := u.call(u.search())
		if again.Auth == nil {
			break
		}
		if again.Auth.URL != e.Auth.URL || again.Auth.Code != e.Auth.Code {
			t.Fatalf("the assistant shows a second link, %s", again.Auth.URL)
		}
		select {
		case err := <-walked:
			if err != nil {
				t.Fatal(err)
			}
			walked = nil // the last poll is still to come
		case <-time.After(retryEvery):
		}
	}
	if walked != nil {
		if err := <-walked; err != nil {
			t.Fatal(err)
		}
	}
	u.untilMail()
}
