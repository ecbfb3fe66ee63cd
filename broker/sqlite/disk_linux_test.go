package sqlite_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"linkmail/broker/sqlite"
)

// envDisk tells the test binary to be the process in which the disk is full.
const envDisk = "LINKMAIL_TEST_DISK"

// TestH81ADiskOfOneMegabyte fills a file system of its own, which only the
// process that this test starts can see.
func TestH81ADiskOfOneMegabyte(t *testing.T) {
	if dir := os.Getenv(envDisk); dir != "" {
		if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=1m,mode=0700"); err != nil {
			t.Fatal(err)
		}
		s := opened(t, sqlite.Config{Path: filepath.Join(dir, "broker.db")})
		ballast := filepath.Join(dir, "ballast")
		diskFull(t, s, func() {
			err := os.WriteFile(ballast, make([]byte, 1<<20), 0o600)
			if !errors.Is(err, syscall.ENOSPC) {
				t.Fatalf("the disk takes everything: %v", err)
			}
		}, func() {
			if err := os.Remove(ballast); err != nil {
				t.Fatal(err)
			}
		})
		return
	}
	out, err := again(t, &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
	})
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) || errors.Is(err, syscall.ENOSPC) || bytes.Contains(out, []byte("not permitted")) {
		t.Skipf("this machine lets nobody have a file system of their own: %v", err)
	}
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestH81AFileThatMayNotGrow meets a limit of the system on the size of files.
func TestH81AFileThatMayNotGrow(t *testing.T) {
	if dir := os.Getenv(envDisk); dir != "" {
		signal.Ignore(syscall.SIGXFSZ) // otherwise the process ends instead
		s := opened(t, sqlite.Config{Path: filepath.Join(dir, "broker.db")})
		var limit syscall.Rlimit
		if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
			t.Fatal(err)
		}
		set := func(size uint64) {
			if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: size, Max: limit.Max}); err != nil {
				t.Fatal(err)
			}
		}
		diskFull(t, s, func() { set(128 << 10) }, func() { set(limit.Cur) })
		return
	}
	if out, err := again(t, nil); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// again runs the calling test in another process, with a directory for its
// disk.
func again(t *testing.T, attr *syscall.SysProcAttr) ([]byte, error) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe, "-test.run", "^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), envDisk+"="+dir)
	cmd.SysProcAttr = attr
	return cmd.CombinedOutput()
}
