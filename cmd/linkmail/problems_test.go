package main

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"linkmail/internal/testnames"
)

// TestEveryKnownProblemHasItsTest reads docs/known-problems.md: none of the 25
// is missing, and each names tests that exist, one of its own number at least.
func TestEveryKnownProblemHasItsTest(t *testing.T) {
	text, err := os.ReadFile("../../docs/known-problems.md")
	if err != nil {
		t.Fatal(err)
	}
	tests := testnames.In(t, "../..")
	for n := 1; n <= 25; n++ {
		row := regexp.MustCompile(fmt.Sprintf(`(?m)^\| %d \| [^|]+ \| [^|]+ \| ([^|]+) \|$`, n)).FindSubmatch(text)
		if row == nil {
			t.Errorf("problem %d has no row", n)
			continue
		}
		named := false
		for name := range strings.SplitSeq(string(row[1]), ", ") {
			name = strings.Trim(name, "`")
			if !tests[name] {
				t.Errorf("problem %d names %s, which does not exist", n, name)
			}
			named = named || strings.HasPrefix(name, fmt.Sprintf("TestProblem%02d", n))
		}
		if !named {
			t.Errorf("problem %d names no test of its number", n)
		}
	}
}
