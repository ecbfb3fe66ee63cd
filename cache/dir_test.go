//go:build unix

package cache_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"linkmail/cache"
)

func TestTheDirectory(t *testing.T) {
	mkdir := func(mode os.FileMode) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) {
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(dir, mode); err != nil { // past the umask
				t.Fatal(err)
			}
		}
	}
	for name, tc := range map[string]struct {
		make    func(t *testing.T, dir string)
		sub     string // of dir, to open
		wantErr string // in the message; empty: opens with mode 0700
	}{
		"is made, with its parents":                 {func(*testing.T, string) {}, "a/b", ""},
		"is made for us alone":                      {func(*testing.T, string) {}, "", ""},
		"is left as it is at 0700":                  {mkdir(0o700), "", ""},
		"is repaired if others may read it":         {mkdir(0o755), "", ""},
		"is repaired if the group may write to it":  {mkdir(0o770), "", ""},
		"is refused if everyone may write to it":    {mkdir(0o777), "", "every user may write to it"},
		"is refused if it is sticky like /tmp":      {mkdir(0o777 | os.ModeSticky), "", "every user may write to it"},
		"may be below one that everyone writes to":  {mkdir(0o777 | os.ModeSticky), "mine", ""},
		"is refused if it is a file":                {touch, "", "not a directory"},
		"is refused if it is below a file":          {touch, "sub", "not a directory"},
		"is refused if it is a link to a directory": {link(t.TempDir()), "", "symbolic link"},
		"is refused if it is a link to nowhere":     {link("/nonexistent/linkmail"), "", ""},
		"is refused if it is another user's":        {foreign, "", "another user"},
	} {
		t.Run(name, func(t *testing.T) {
			base := filepath.Join(t.TempDir(), "cache")
			tc.make(t, base)
			dir := filepath.Join(base, tc.sub)
			_, err := cache.OpenFile(cache.FileConfig{Dir: dir, Key: newKey(t)})
			if strings.Contains(name, "refused") {
				wantDirError(t, err, dir, tc.wantErr)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			info, err := os.Stat(dir)
			if err != nil {
				t.Fatal(err)
			}
			if got := info.Mode(); got != os.ModeDir|0o700 {
				t.Errorf("the directory has mode %v, want %v", got, os.ModeDir|0o700)
			}
		})
	}
	t.Run("has to be named", func(t *testing.T) {
		_, err := cache.OpenFile(cache.FileConfig{Key: newKey(t)})
		wantDirError(t, err, `""`, "no directory was named")
	})
	t.Run("is kept when the working directory changes", func(t *testing.T) {
		t.Chdir(t.TempDir())
		f := openFile(t, cache.FileConfig{Dir: "cache", Key: newKey(t)})
		t.Chdir(t.TempDir())
		if err := f.Put(t.Context(), "key", []byte("value"), 0); err != nil {
			t.Error(err)
		}
	})
}

func touch(t *testing.T, path string) {
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
}

func link(target string) func(*testing.T, string) {
	return func(t *testing.T, path string) {
		if err := os.Symlink(target, path); err != nil {
			t.Fatal(err)
		}
	}
}

func foreign(t *testing.T, dir string) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give a directory away")
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(dir, 65534, 65534); err != nil {
		t.Fatal(err)
	}
}

// wantDirError fails the test if err does not name the directory and the
// reason.
func wantDirError(t *testing.T, err error, dir, reason string) {
	t.Helper()
	var bad *cache.DirError
	if !errors.As(err, &bad) {
		t.Fatalf("got %v, want a DirError", err)
	}
	if bad.Dir != dir {
		t.Errorf("the error names directory %s, want %s", bad.Dir, dir)
	}
	if !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), reason) {
		t.Errorf("the message is %q, want it to say %q and %q", err, dir, reason)
	}
}

// asNobody makes a command run as a user who is not root, for whom the bits of
// a mode count. It skips the test where that cannot be done.
func asNobody(t *testing.T, c *exec.Cmd) {
	t.Helper()
	if os.Geteuid() != 0 {
		return
	}
	if _, err := os.Stat("/proc/self/exe"); err != nil {
		t.Skip("the test binary cannot be run as another user without /proc")
	}
	// The path of the binary may be closed to nobody, the file is not.
	c.Path = "/proc/self/exe"
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
}

func TestADirectoryThatCannotBeWrittenToFailsAtOnce(t *testing.T) {
	dir, err := os.MkdirTemp("", "linkmail-readonly-*") //nolint:usetesting // t.TempDir is below a directory that nobody may not enter
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = os.Chmod(dir, 0o700)
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if os.Geteuid() == 0 {
		if err := os.Chown(dir, 65534, 65534); err != nil {
			t.Skip(err)
		}
	}
	run := func(sub string) string {
		t.Helper()
		c := command(t, "open", filepath.Join(dir, sub), newKey(t))
		asNobody(t, c)
		var stderr bytes.Buffer
		c.Stderr = &stderr
		err := c.Run()
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			t.Skipf("cannot run as another user: %v", err)
		}
		return stderr.String()
	}
	if got := run(""); got != "" {
		t.Fatalf("a directory that can be written to: %s", got)
	}
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	for sub, want := range map[string]string{
		"":     "cannot write to directory " + dir + ": permission denied",
		"made": "cannot create directory " + dir + "/made: permission denied",
	} {
		if got := run(sub); !strings.Contains(got, want) {
			t.Errorf("the message is %q, want %q", got, want)
		}
	}
}

func TestADirectoryThatIsGoneIsNamed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	f := openFile(t, cache.FileConfig{Dir: dir, Key: newKey(t)})
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	wantDirError(t, f.Put(t.Context(), "key", []byte("value"), 0), dir, "no such file or directory")
	_, err := f.Lock(t.Context(), "key")
	wantDirError(t, err, dir, "no such file or directory")
	if _, err := f.Get(t.Context(), "key"); !errors.Is(err, cache.ErrNotFound) {
		t.Errorf("Get: %v, want %v", err, cache.ErrNotFound)
	}
}

func TestWhatIsNotAFileOfOursIsRefused(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "outside")
	for name, plant := range map[string]func(t *testing.T, path string){
		"a link to another file": link(outside),
		"a link to nowhere":      link("/nonexistent/linkmail"),
		"a directory": func(t *testing.T, path string) {
			if err := os.Mkdir(path, 0o700); err != nil {
				t.Fatal(err)
			}
		},
		"a pipe": func(t *testing.T, path string) {
			if err := syscall.Mkfifo(path, 0o600); err != nil {
				t.Fatal(err)
			}
		},
		"a file of another user": func(t *testing.T, path string) {
			if os.Geteuid() != 0 {
				t.Skip("only root can give a file away")
			}
			touch(t, path)
			if err := os.Chown(path, 65534, 65534); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(outside, []byte("outside"), 0o600); err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			f := openFile(t, cache.FileConfig{Dir: dir, Key: newKey(t)})
			plant(t, f.Path("key"))
			before, err := os.Lstat(f.Path("key"))
			if err != nil {
				t.Fatal(err)
			}
			got, err := f.Get(t.Context(), "key")
			if err == nil || errors.Is(err, cache.ErrNotFound) {
				t.Fatalf("Get = %q, %v, want a refusal", got, err)
			}
			wantDirError(t, err, dir, filepath.Base(f.Path("key")))
			after, err := os.Lstat(f.Path("key"))
			if err != nil || !os.SameFile(before, after) {
				t.Errorf("what was there is gone: %v", err)
			}
			if name != "a directory" {
				if err := f.Put(t.Context(), "key", []byte("value"), 0); err != nil {
					t.Errorf("Put: %v", err)
				}
			}
			if text, err := os.ReadFile(outside); err != nil || string(text) != "outside" {
				t.Errorf("the file outside holds %q, %v", text, err)
			}
		})
	}
}

func TestALockFileThatIsALinkIsRefused(t *testing.T) {
	dir := t.TempDir()
	outside := filepath.Join(t.TempDir(), "outside")
	f := openFile(t, cache.FileConfig{Dir: dir, Key: newKey(t)})
	link(outside)(t, f.LockPath("key"))
	if _, err := f.Lock(t.Context(), "key"); err == nil {
		t.Error("the lock came")
	}
	if _, err := os.Lstat(outside); err == nil {
		t.Error("a file was made outside of the directory")
	}
}

func TestAFileThatOthersMayReadIsRepaired(t *testing.T) {
	f := openFile(t, cache.FileConfig{Dir: t.TempDir(), Key: newKey(t)})
	if err := f.Put(t.Context(), "key", []byte("value"), 0); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(f.Path("key"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got, err := f.Get(t.Context(), "key"); err != nil || string(got) != "value" {
		t.Errorf("Get = %q, %v", got, err)
	}
	info, err := os.Stat(f.Path("key"))
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode(); got != 0o600 {
		t.Errorf("the file has mode %v, want 0600", got)
	}
}

func TestTheModesDoNotDependOnTheUmask(t *testing.T) {
	for _, umask := range []int{0, 0o077} {
		dir := filepath.Join(t.TempDir(), "cache")
		old := syscall.Umask(umask)
		f, err := cache.OpenFile(cache.FileConfig{Dir: dir, Key: newKey(t)})
		if err == nil {
			err = f.Put(t.Context(), "key", []byte("value"), 0)
		}
		syscall.Umask(old)
		if err != nil {
			t.Errorf("umask %03o: %v", umask, err)
			continue
		}
		info, err := os.Stat(f.Path("key"))
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode(); got != 0o600 {
			t.Errorf("umask %03o: the file has mode %v, want 0600", umask, got)
		}
	}
}
