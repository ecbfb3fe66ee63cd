package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"
	"time"

	"linkmail/internal/standin"
)

// mailWith is a mail with one attachment.
func mailWith(name, kind string, content []byte) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "From: Ann <ann@example.net>\r\nTo: %s\r\nSubject: Files\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=outer\r\n\r\n"+
		"--outer\r\nContent-Type: %s\r\nContent-Disposition: attachment; filename=%s\r\nContent-Transfer-Encoding: base64\r\n\r\n", standin.DefaultUser, kind, name)
	line := make([]byte, 76)
	for ; len(content) > 57; content = content[57:] {
		base64.StdEncoding.Encode(line, content[:57])
		b.Write(line)
		b.WriteString("\r\n")
	}
	b.WriteString(base64.StdEncoding.EncodeToString(content) + "\r\n--outer--\r\n")
	return b.Bytes()
}

// BenchmarkAttachmentMemory reports the highest resident memory of a server, in
// a process of its own, that saves the attachment of a mail of 50 MB and reads
// the largest text that it reads at all.
func BenchmarkAttachmentMemory(b *testing.B) {
	ours := builtOnce(b, ".")
	world := standin.NewWorld(standin.Config{})
	gmail := httptest.NewServer(world.Gmail())
	b.Cleanup(gmail.Close)
	token := world.IssueToken(standin.DefaultUser, []string{"https://www.googleapis.com/auth/gmail.modify"}, time.Hour)
	deliver := func(name, kind string, content []byte) string {
		return world.Deliver(standin.DefaultUser, mailWith(name, kind, content))
	}
	file := deliver("Everything.bin", "application/octet-stream", bytes.Repeat([]byte("0123456789abcdef"), 36<<16))
	text := deliver("Everything.csv", "text/csv", []byte(strings.Repeat("Mühlbach & Söhne,Q1,12664.54\r\n", (25<<20-100)/32)))
	calls := []string{
		fmt.Sprintf(`{"name":"get_attachment","arguments":{"messageId":%q,"as":"save"}}`, file),
		fmt.Sprintf(`{"name":"get_attachment","arguments":{"messageId":%q}}`, text),
		fmt.Sprintf(`{"name":"get_attachment","arguments":{"messageId":%q,"offset":3800000}}`, text),
	}
	peak := 0
	for b.Loop() {
		cmd := exec.CommandContext(b.Context(), ours, "serve")
		cmd.Env = []string{
			"LINKMAIL_AUTH=token", "LINKMAIL_GMAIL_TOKEN=" + token, "LINKMAIL_GMAIL_ENDPOINT=" + gmail.URL,
			"LINKMAIL_CACHE_DIR=" + b.TempDir(), "LINKMAIL_DOWNLOADS=" + b.TempDir(),
		}
		callInTurn(b, cmd, calls, func(pid int) { peak = max(peak, statusOf(b, pid, "VmHWM")) })
	}
	const most = 150 // MB
	if peak > most<<10 {
		b.Errorf("attachments of a mail of 50 MB take %d MB, want at most %d", peak>>10, most)
	}
	b.ReportMetric(float64(peak)/1024, "MB-peak-rss")
	b.ReportMetric(50, "MB-mail")
	b.ReportMetric(0, "ns/op")
}
