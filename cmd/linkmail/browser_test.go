package main

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestTheBrowserGetsTheAddressAsOneArgument runs an opener that writes down how
// it was called.
func TestTheBrowserGetsTheAddressAsOneArgument(t *testing.T) {
	if runtime.GOOS == "darwin" || runtime.GOOS == "windows" {
		t.Skip("the opener of this system cannot be replaced by one of the path")
	}
	bin := t.TempDir()
	note := filepath.Join(bin, "note")
	script := "#!/bin/sh\nprintf '%s|' \"$#\" \"$@\" >\"" + note + ".part\" && mv \"" + note + ".part\" \"" + note + "\"\n"
	if err := os.WriteFile(filepath.Join(bin, "xdg-open"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	const address = "https://tenant.example/authorize?scope=a+b&state=$(touch%20x);'\"`"
	for _, display := range []string{"DISPLAY=:0", "WAYLAND_DISPLAY=wayland-0"} {
		if err := browserFor(process{env: []string{display}})(t.Context(), address); err != nil {
			t.Fatalf("with %s: %v", display, err)
		}
		var got []byte
		for { // the opener runs by itself
			var err error
			if got, err = os.ReadFile(note); err == nil {
				break
			}
			select {
			case <-time.After(5 * time.Millisecond):
			case <-t.Context().Done():
				t.Fatal("the opener was not run")
			}
		}
		count, rest, _ := strings.Cut(strings.TrimSuffix(string(got), "|"), "|")
		if count != "1" || !strings.HasPrefix(rest, "https://tenant.example/authorize?") || !strings.Contains(rest, "touch%20x") {
			t.Errorf("the opener was called with %s arguments, %s", count, rest)
		}
		if err := os.Remove(note); err != nil {
			t.Fatal(err)
		}
	}
}

func TestWhatNoBrowserIsOpenedFor(t *testing.T) {
	desktop := []string{"DISPLAY=:0"}
	empty := t.TempDir()
	tests := []struct {
		name, address, path string
		env                 []string
	}{
		{"a file", "file:///etc/passwd", "", desktop},
		{"a program", "javascript:alert(1)", "", desktop},
		{"an option", "--help", "", desktop},
		{"no host", "https:///path", "", desktop},
		{"no address", "https://a.example/%zz", "", desktop},
		{"no opener", "https://a.example/", empty, desktop},
	}
	if runtime.GOOS != "darwin" && runtime.GOOS != "windows" {
		tests = append(tests, struct {
			name, address, path string
			env                 []string
		}{"no desktop", "https://a.example/", "", []string{"DISPLAY="}})
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.path != "" {
				t.Setenv("PATH", tt.path)
			}
			err := browserFor(process{env: tt.env})(t.Context(), tt.address)
			if !errors.Is(err, errNoBrowser) {
				t.Errorf("got %v, want that there is no browser", err)
			}
			if err != nil && strings.Contains(err.Error(), tt.address) {
				t.Error("the error repeats the address")
			}
		})
	}
}
