package tools_test

import (
	"os"
	"path/filepath"
	"testing"

	"linkmail/tools"
)

func TestADirectoryForFilesIsMadeAndKeptToItself(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "files")
	d, err := tools.OpenDirectory(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := info.Mode().Perm(), os.FileMode(0o700); got != want {
		t.Errorf("the directory has mode %v, want %v", got, want)
	}
}
