package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestTheBenchmarksOfTheReadmeAreRunByItsCommand compares the table of what was
// measured with the benchmarks that there are.
func TestTheBenchmarksOfTheReadmeAreRunByItsCommand(t *testing.T) {
	root := filepath.Join("..", "..")
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(readme), "\n## Measured\n")
	section, _, _ = strings.Cut(section, "\n## ")
	command := regexp.MustCompile("make bench BENCH='([^']+)'").FindStringSubmatch(section)
	if command == nil {
		t.Fatal("the section names no command")
	}
	run := regexp.MustCompile(command[1])
	there := map[string]bool{}
	err = filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		for _, m := range regexp.MustCompile(`(?m)^func Benchmark(\w+)\(`).FindAllSubmatch(source, -1) {
			there[string(m[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile("(?m)`([^`|]+)` \\|$").FindAllStringSubmatch(section, -1)
	if len(rows) < 10 {
		t.Errorf("%d rows name a benchmark", len(rows))
	}
	for _, row := range rows {
		name, _, _ := strings.Cut(row[1], "/")
		if !there[name] || !run.MatchString(name) {
			t.Errorf("Benchmark%s: exists %t, and is run by the command %t", name, there[name], run.MatchString(name))
		}
	}
}
