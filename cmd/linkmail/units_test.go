package main

import (
	"strings"
	"testing"
)

func TestTheQuotaIsWhatItIsSetTo(t *testing.T) {
	for _, test := range []struct {
		units    string
		ok, warn bool
	}{
		{"", true, false},
		{"15000", true, false},
		{"450", true, true},
		{"300", false, false},
	} {
		args := []string{"call", "search_emails", `{"maxResults":20}`, "--text"}
		if test.units != "" {
			args = append(args, "--gmail-units", test.units)
		}
		got := run(t, []string{"LINKMAIL_AUTH=demo"}, args...)
		if complete := !strings.Contains(got.stdout, "localQuota"); complete != test.ok {
			t.Errorf("with %q units: %s", test.units, got.stdout)
		}
		if warned := strings.Contains(got.stderr, "quota"); warned != test.warn {
			t.Errorf("with %q units: the log is %s", test.units, got.stderr)
		}
	}
}
