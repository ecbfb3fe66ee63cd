package tools_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"linkmail/tools"
)

func openFiles(t *testing.T, path string) *tools.Directory {
	t.Helper()
	d, err := tools.OpenDirectory(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

func TestADirectoryForFilesIsMadeAndKeptToItself(t *testing.T) {
	path := filepath.Join(t.TempDir(), "files")
	if !openFiles(t, path).Made() {
		t.Error("the directory was made and does not say so")
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := info.Mode().Perm(), os.FileMode(0o700); got != want {
		t.Errorf("the directory has mode %v, want %v", got, want)
	}
	if openFiles(t, path).Made() {
		t.Error("the directory was there and says that it was made")
	}
}

func TestADirectoryThatIsWrittenWronglyIsNotMade(t *testing.T) {
	base := t.TempDir()
	file := filepath.Join(base, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, one := range []struct{ path, says string }{
		{filepath.Join(base, "nosuch", "files"), "does not exist, and neither does " + filepath.Join(base, "nosuch")},
		{file, file + " is no directory"},
		{filepath.Join(file, "files"), file + " is no directory"},
	} {
		d, err := tools.OpenDirectory(one.path)
		if d != nil || err == nil || !strings.Contains(err.Error(), one.says) {
			t.Errorf("%s: got %v, want an error that says %q", one.path, err, one.says)
		}
	}
	if _, err := os.Stat(filepath.Join(base, "nosuch")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the parent was made: %v", err)
	}
}

func TestUnfinishedFilesOfAProcessThatDiedAreRemoved(t *testing.T) {
	path := t.TempDir()
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	const id = "ABCDEFGHIJKLMNOPQRSTUVWXY2"
	old, young := now.Add(-25*time.Hour), now.Add(-23*time.Hour)
	for name, at := range map[string]time.Time{
		".linkmail-" + id + ".part":             old,
		".linkmail-" + id[1:] + "3.part":        young,
		".linkmail-notes.part":                  old,
		"linkmail-" + id + ".part":              old,
		".linkmail-" + id + ".part.pdf":         old,
		"report.pdf":                            old,
		".linkmail-" + id[1:] + "4.part/inside": old,
	} {
		file := filepath.Join(path, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(os.WriteFile(file, []byte("x"), 0o600), os.Chtimes(file, at, at)); err != nil {
			t.Fatal(err)
		}
	}
	link := ".linkmail-" + id[1:] + "5.part"
	folder := ".linkmail-" + id[1:] + "4.part"
	if err := errors.Join(os.Symlink("report.pdf", filepath.Join(path, link)), os.Chtimes(filepath.Join(path, folder), old, old)); err != nil {
		t.Fatal(err)
	}
	d := openFiles(t, path)
	if got := d.RemoveUnfinished(now); got != 1 {
		t.Errorf("%d files were removed, want 1", got)
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, e := range entries {
		left = append(left, e.Name())
	}
	want := []string{
		".linkmail-" + id + ".part.pdf", ".linkmail-" + id[1:] + "3.part", folder, link, ".linkmail-notes.part",
		"linkmail-" + id + ".part", "report.pdf",
	}
	slices.Sort(want)
	if !slices.Equal(left, want) {
		t.Errorf("left are %q, want %q", left, want)
	}
	if got := tools.NoDirectory("why").RemoveUnfinished(now); got != 0 {
		t.Errorf("where there are no files, %d were removed", got)
	}
}
