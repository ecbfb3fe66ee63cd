package mailbox

import (
	"strings"
	"testing"
)

// TestHeadersTakeTimeWithTheirLength takes minutes if a field costs time with
// the square of its length.
func TestHeadersTakeTimeWithTheirLength(t *testing.T) {
	const n = 250_000
	list := parseAddresses(strings.Repeat("a,", n) + "Ann <ann@example.com>")
	if last := list[len(list)-1]; last.Email != "ann@example.com" {
		t.Errorf("the last address is %v", last)
	}
	headers, body := rawHeader([]byte("A: x" + strings.Repeat("\r\n x", n) + "\r\nB: y\r\n z\r\n\r\nbody"))
	if len(headers) == 0 || !strings.HasPrefix(headers[0].Value, "x x x") || string(body) != "body" {
		t.Errorf("%d fields, body %q", len(headers), body)
	}
}
