package main

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// builtOnce builds a program of this module as it is released.
func builtOnce(b *testing.B, pkg string) string {
	b.Helper()
	path := filepath.Join(b.TempDir(), "program")
	cmd := exec.CommandContext(b.Context(), "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", path, pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("go build %s: %v\n%s", pkg, err, out)
	}
	return path
}

// hello is what a client says until it has the list of tools.
const hello = `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"bench","version":"1"}}}
{"jsonrpc":"2.0","method":"notifications/initialized"}
{"jsonrpc":"2.0","id":2,"method":"tools/list","params":{}}
`

// listTools starts a server and returns the time until the list of tools is
// there. visit, if any, looks at the running process.
func listTools(b *testing.B, cmd *exec.Cmd, visit func(pid int)) time.Duration {
	b.Helper()
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	begin := time.Now()
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	if _, err := io.WriteString(in, hello); err != nil {
		b.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if bytes.Contains(lines.Bytes(), []byte(`"tools":[`)) {
			break
		}
	}
	took := time.Since(begin)
	if visit != nil {
		visit(cmd.Process.Pid)
	}
	_ = in.Close()
	if err := cmd.Wait(); err != nil {
		b.Fatal(err)
	}
	return took
}

// nobody is where no Gmail answers.
const nobody = "http://127.0.0.1:9"

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// BenchmarkServeStart measures spawn to the first tools/list, side by side with
// a bare server of the same MCP library.
func BenchmarkServeStart(b *testing.B) {
	ours, bare := builtOnce(b, "."), builtOnce(b, "./testdata/bare")
	dir := b.TempDir()
	start := func() *exec.Cmd {
		cmd := exec.CommandContext(b.Context(), ours, "serve")
		cmd.Env = []string{"LINKMAIL_AUTH=token", "LINKMAIL_GMAIL_TOKEN=x", "LINKMAIL_GMAIL_ENDPOINT=" + nobody, "LINKMAIL_CACHE_DIR=" + dir}
		return cmd
	}
	var mine, theirs []time.Duration
	for b.Loop() {
		mine = append(mine, listTools(b, start(), nil))
		theirs = append(theirs, listTools(b, exec.CommandContext(b.Context(), bare), nil))
	}
	b.ReportMetric(ms(median(mine)), "ms/start")
	b.ReportMetric(ms(median(theirs)), "ms/bare")
	b.ReportMetric(ms(median(mine))/ms(median(theirs)), "x-bare")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkServeMemory reports the resident memory of an idle server.
func BenchmarkServeMemory(b *testing.B) {
	ours := builtOnce(b, ".")
	dir := b.TempDir()
	rss := 0
	for b.Loop() {
		cmd := exec.CommandContext(b.Context(), ours, "serve")
		cmd.Env = []string{"LINKMAIL_AUTH=token", "LINKMAIL_GMAIL_TOKEN=x", "LINKMAIL_GMAIL_ENDPOINT=" + nobody, "LINKMAIL_CACHE_DIR=" + dir}
		listTools(b, cmd, func(pid int) {
			time.Sleep(time.Second)
			rss = statusOf(b, pid, "VmRSS")
		})
	}
	b.ReportMetric(float64(rss)/1024, "MB-rss")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkCall measures what a fresh "linkmail call" adds to the time of its
// HTTP requests: it starts, opens the sealed cache and finds the token there.
func BenchmarkCall(b *testing.B) {
	const delay = 50 * time.Millisecond
	ours := builtOnce(b, ".")
	var tr traffic
	u := newUser(b, &tr)
	u.untilMail()
	tr.slow(delay)
	var took []time.Duration
	for b.Loop() {
		cmd := exec.CommandContext(b.Context(), ours, "call", "search_emails", `{"query":"is:unread"}`)
		cmd.Env = u.env
		begin := time.Now()
		if out, err := cmd.Output(); err != nil {
			b.Fatalf("%v: %s", err, out)
		}
		took = append(took, time.Since(begin))
	}
	// One list and one batch follow each other; all else runs beside them.
	b.ReportMetric(ms(median(took)), "ms/call")
	b.ReportMetric(ms(median(took)-2*delay), "ms-added")
	b.ReportMetric(0, "ns/op")
}
