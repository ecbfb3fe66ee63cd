package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"linkmail/internal/standin"
)

// largeMail is a mail of 50 MB as Gmail takes it: pages and texts of the size
// up to which linkmail reads them, one that is larger, and a file.
func largeMail() []byte {
	var b bytes.Buffer
	b.WriteString("From: Ann <ann@example.net>\r\nTo: " + standin.DefaultUser + "\r\nSubject: Everything\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=outer\r\n\r\n")
	row := `<tr><td style="color:#333">The contractor delivers the items – at a price of <b>12,00 €</b> per item.</td></tr>`
	page := "<table>" + strings.Repeat(row, (4<<20-1000)/len(row)) + "</table>"
	line := "The contractor delivers the items – at a price of 12,00 € per item.\r\n"
	text := strings.Repeat(line, (4<<20-1000)/len(line))
	for _, p := range []struct{ kind, body string }{
		{"text/html; charset=utf-8", page}, {"text/plain; charset=utf-8", text}, {"text/plain; charset=utf-8", text + text},
	} {
		b.WriteString("--outer\r\nContent-Type: " + p.kind + "\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + p.body + "\r\n")
	}
	b.WriteString("--outer\r\nContent-Type: application/zip; name=all.zip\r\nContent-Disposition: attachment; filename=all.zip\r\nContent-Transfer-Encoding: base64\r\n\r\n")
	file := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("0123456789abcdef"), 1<<12))
	for b.Len() < 50<<20 {
		b.WriteString(file + "\r\n")
	}
	b.WriteString("--outer--\r\n")
	return b.Bytes()
}

// statusOf returns a field of a process's status, in kB.
func statusOf(b *testing.B, pid int, field string) (kB int) {
	b.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(raw)) {
		if rest, ok := strings.CutPrefix(line, field+":"); ok {
			if _, err := fmt.Sscanf(rest, "%d kB", &kB); err != nil {
				b.Fatal(err)
			}
		}
	}
	return kB
}

// BenchmarkReadLargeMailMemory reports the highest resident memory of a server,
// in a process of its own, that reads a mail of 50 MB in every way there is.
func BenchmarkReadLargeMailMemory(b *testing.B) {
	ours := builtOnce(b, ".")
	world := standin.NewWorld(standin.Config{})
	gmail := httptest.NewServer(world.Gmail())
	b.Cleanup(gmail.Close)
	token := world.IssueToken(standin.DefaultUser, []string{"https://www.googleapis.com/auth/gmail.modify"}, time.Hour)
	id := world.Deliver(standin.DefaultUser, largeMail())
	calls := []string{
		fmt.Sprintf(`{"name":"read_email","arguments":{"messageId":%q}}`, id),
		fmt.Sprintf(`{"name":"read_email","arguments":{"messageId":%q,"format":"text","bodyOffset":2000000}}`, id),
		fmt.Sprintf(`{"name":"read_email","arguments":{"messageId":%q,"format":"html"}}`, id),
		fmt.Sprintf(`{"name":"read_email","arguments":{"messageId":%q,"format":"raw_headers"}}`, id),
		fmt.Sprintf(`{"name":"get_thread","arguments":{"messageId":%q}}`, id),
	}
	peak := 0
	for b.Loop() {
		cmd := exec.CommandContext(b.Context(), ours, "serve")
		cmd.Env = []string{"LINKMAIL_AUTH=token", "LINKMAIL_GMAIL_TOKEN=" + token, "LINKMAIL_GMAIL_ENDPOINT=" + gmail.URL, "LINKMAIL_CACHE_DIR=" + b.TempDir()}
		callInTurn(b, cmd, calls, func(pid int) { peak = max(peak, statusOf(b, pid, "VmHWM")) })
	}
	const most = 150 // MB
	if peak > most<<10 {
		b.Errorf("a mail of 50 MB takes %d MB, want at most %d", peak>>10, most)
	}
	b.ReportMetric(float64(peak)/1024, "MB-peak-rss")
	b.ReportMetric(50, "MB-mail")
	b.ReportMetric(0, "ns/op")
}

// callInTurn starts a server, makes the calls one after the other, and lets
// visit look at the process before it ends. Every call has to be answered.
func callInTurn(b *testing.B, cmd *exec.Cmd, calls []string, visit func(pid int)) {
	b.Helper()
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	lines := bufio.NewReader(out)
	if _, err := io.WriteString(in, hello); err != nil {
		b.Fatal(err)
	}
	for range 2 { // to initialize and to the list of tools
		if _, err := lines.ReadBytes('\n'); err != nil {
			b.Fatal(err)
		}
	}
	for i, call := range calls {
		if _, err := fmt.Fprintf(in, `{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":%s}`+"\n", i+3, call); err != nil {
			b.Fatal(err)
		}
		line, err := lines.ReadBytes('\n')
		if err != nil {
			b.Fatal(err)
		}
		var answer struct {
			Result struct {
				IsError bool `json:"isError"`
			} `json:"result"`
		}
		if err := json.Unmarshal(line, &answer); err != nil || answer.Result.IsError || !bytes.Contains(line, []byte("Everything")) {
			b.Fatalf("%s: %v, %.300s", call, err, line)
		}
	}
	visit(cmd.Process.Pid)
	_ = in.Close()
	if err := cmd.Wait(); err != nil {
		b.Fatal(err)
	}
}
