package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestEveryKnownProblemHasItsTest reads docs/known-problems.md: none of the 25
// is missing, and each names tests of its own number that exist.
func TestEveryKnownProblemHasItsTest(t *testing.T) {
	text, err := os.ReadFile("../../docs/known-problems.md")
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]bool{}
	declared := regexp.MustCompile(`(?m)^func (TestProblem\w+)\(`)
	err = filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			if err == nil && (d.Name() == ".venv" || d.Name() == ".git" || d.Name() == "node_modules") {
				return filepath.SkipDir
			}
			return err
		}
		if !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		source, err := os.ReadFile(path)
		for _, match := range declared.FindAllStringSubmatch(string(source), -1) {
			tests[match[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for n := 1; n <= 25; n++ {
		row := regexp.MustCompile(fmt.Sprintf(`(?m)^\| %d \| [^|]+ \| [^|]+ \| ([^|]+) \|$`, n)).FindSubmatch(text)
		if row == nil {
			t.Errorf("problem %d has no row", n)
			continue
		}
		for name := range strings.SplitSeq(string(row[1]), ", ") {
			name = strings.Trim(name, "`")
			if !tests[name] || !strings.HasPrefix(name, fmt.Sprintf("TestProblem%02d", n)) {
				t.Errorf("problem %d names %s, which is no test of it", n, name)
			}
		}
	}
}
