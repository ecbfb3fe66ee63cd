package main

import (
	"os"
	"strings"
	"testing"
)

// The mailbox of the demo ends with its process; whatever outlived it would
// speak of mail that is gone.
func TestTheDemoKeepsNothing(t *testing.T) {
	home := t.TempDir()
	env := []string{"HOME=" + home, "LINKMAIL_AUTH=demo", "LINKMAIL_CACHE_DIR=" + home, "LINKMAIL_SEND=direct"}
	for range 2 {
		got := run(t, env, "call", "send_email", `{"to":"nadia.haddad@example.com","subject":"s","body":"b"}`)
		if got.status != exitOK || strings.Contains(got.stdout, "duplicate") {
			t.Errorf("status %d: %s%s", got.status, got.stdout, got.stderr)
		}
	}
	files, err := os.ReadDir(home)
	if err != nil || len(files) > 0 {
		t.Errorf("left behind: %v, %v", files, err)
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
