package testnames_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"linkmail/internal/testnames"
)

func TestOnlyTestFunctionsInTestFilesCount(t *testing.T) {
	root := t.TempDir()
	for path, source := range map[string]string{
		"a_test.go":           "package a\n\nfunc TestOne(t *testing.T) {}\n\nfunc helper() {}\n\n// func TestSaid(t *testing.T)\n",
		"deep/er/b_test.go":   "//go:build interop\n\npackage b\n\nfunc TestTwo(t *testing.T) {}\n",
		"deep/b.go":           "package b\n\nfunc TestInNoTestFile() {}\n",
		".git/c_test.go":      "package c\n\nfunc TestInGit(t *testing.T) {}\n",
		".venv/lib/c_test.go": "package c\n\nfunc TestOfPython(t *testing.T) {}\n",
	} {
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(source), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got := slices.Sorted(maps.Keys(testnames.In(t, root)))
	if want := []string{"TestOne", "TestTwo"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
