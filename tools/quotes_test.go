package tools_test

import (
	"strings"
	"testing"

	"linkmail/tools"
)

// TestHeadersWithoutEndAreNoQuote: lines that only look like the beginning of a
// quote's header are given up on, and stay.
func TestHeadersWithoutEndAreNoQuote(t *testing.T) {
	body := "Hello\n" + strings.Repeat("From: Ann\nTo: Bob\n", 100_000)
	if kept, omitted := tools.Collapse(body); kept != body || omitted != 0 {
		t.Errorf("%d characters are left out", omitted)
	}
}
