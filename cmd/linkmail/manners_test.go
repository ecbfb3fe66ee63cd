package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
)

// The mailbox of the demo ends with its process; whatever outlived it would
// speak of mail that is gone.
func TestAServerOfTheDemoKeepsNothing(t *testing.T) {
	home := t.TempDir()
	const mail = `{"to":["nadia.haddad@example.com"],"subject":"s","body":"b"}`
	talk := strings.Join([]string{
		`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}`,
		`{"jsonrpc":"2.0","method":"notifications/initialized"}`,
		`{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"send_email","arguments":` + mail + `}}`,
	}, "\n") + "\n"
	for range 2 {
		got := runWith(t, []string{"HOME=" + home, "LINKMAIL_AUTH=demo", "LINKMAIL_SEND=direct"}, talk, "serve")
		if got.status != exitOK || !strings.Contains(got.stdout, `"outcome":"sent"`) {
			t.Errorf("status %d: %s%s", got.status, got.stdout, got.stderr)
		}
	}
	files, err := os.ReadDir(home)
	if err != nil || len(files) > 0 {
		t.Errorf("left behind: %v, %v", files, err)
	}
}

func TestAConfirmationOfTheDemoLivesFromOneCallToTheNext(t *testing.T) {
	env := []string{"HOME=" + t.TempDir(), "LINKMAIL_AUTH=demo"}
	const mail = `{"to":["nadia.haddad@example.com"],"subject":"s","body":"b"%s}`
	first := run(t, env, "call", "send_email", fmt.Sprintf(mail, ""))
	var asked struct {
		Data struct{ ConfirmationToken string }
	}
	if err := json.Unmarshal([]byte(first.stdout), &asked); err != nil || asked.Data.ConfirmationToken == "" {
		t.Fatalf("no token: %s%s", first.stdout, first.stderr)
	}
	second := run(t, env, "call", "send_email", fmt.Sprintf(mail, `,"confirmationToken":"`+asked.Data.ConfirmationToken+`"`))
	if !strings.Contains(second.stdout, `"outcome":"sent"`) {
		t.Errorf("status %d: %s%s", second.status, second.stdout, second.stderr)
	}
}

func TestTheDemoIsOneAccount(t *testing.T) {
	got := run(t, []string{"LINKMAIL_AUTH=demo", "LINKMAIL_ACCOUNT=other@example.com"}, "call", "list_labels", "{}")
	if got.status != exitUsage || !strings.Contains(got.stderr, "the mailbox of the demo is alex.rivera@example.com") {
		t.Errorf("status %d: %s%s", got.status, got.stdout, got.stderr)
	}
	if got := run(t, []string{"LINKMAIL_AUTH=demo"}, "status"); !strings.Contains(got.stdout, "alex.rivera@example.com") {
		t.Errorf("status names no account: %s", got.stdout)
	}
}

func TestSwitchesTakeTheUsualWords(t *testing.T) {
	for word, want := range map[string]bool{"yes": true, "On": true, "1": true, "TRUE": true, "no": false, "off": false} {
		got := run(t, []string{"LINKMAIL_READ_ONLY=" + word}, "tools")
		if got.status != exitOK || strings.Contains(got.stdout, "send_email") == want {
			t.Errorf("%s: status %d, send_email in the list: %v", word, got.status, !want)
		}
	}
	if got := run(t, []string{"LINKMAIL_READ_ONLY=perhaps"}, "tools"); got.status != exitUsage {
		t.Errorf("perhaps: status %d", got.status)
	}
}

func TestASlipOfTheCommandIsNamed(t *testing.T) {
	for _, test := range []struct{ line, want string }{
		{"search_emails {}", "search_emails is a tool: linkmail call search_emails"},
		{"broker kyes", "did you mean keys?"},
		{"broker keys revoke nobody", "linkmail: /"},
	} {
		got := run(t, []string{"HOME=" + t.TempDir()}, strings.Fields(test.line)...)
		if got.status != exitUsage || !strings.Contains(got.stderr, test.want) {
			t.Errorf("%s: status %d, %s; want %q", test.line, got.status, got.stderr, test.want)
		}
	}
}
