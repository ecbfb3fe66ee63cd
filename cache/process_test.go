package cache_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"linkmail/cache"
	"linkmail/internal/secret"
)

// The test binary plays the other processes: with a role in its environment it
// does that instead of the tests.
const (
	envRole = "LINKMAIL_TEST_ROLE"
	envDir  = "LINKMAIL_TEST_DIR"
	envKey  = "LINKMAIL_TEST_KEY"
)

// roles are what a process can be told to do. What it writes to out the test
// reads.
var roles = map[string]func(ctx context.Context, out io.Writer) error{
	"write for ever": writeForEver,
	"increment":      incrementOften,
	"hold the lock":  holdTheLock,
	"find a key":     findAKey,
	"open":           openOnly,
}

func TestMain(m *testing.M) {
	role := os.Getenv(envRole)
	if role == "" {
		os.Exit(m.Run())
	}
	if err := roles[role](context.Background(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// child is a process with a role.
type child struct {
	*exec.Cmd
	in    io.WriteCloser
	lines *bufio.Scanner
}

// start starts a process with a role in dir.
func start(t *testing.T, role, dir string, key cache.Key) *child {
	t.Helper()
	c := command(t, role, dir, key)
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	return &child{Cmd: c, in: in, lines: bufio.NewScanner(out)}
}

func command(t *testing.T, role, dir string, key cache.Key) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), exe)
	c.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0", envRole+"="+role, envDir+"="+dir, envKey+"="+key.Text().Reveal())
	c.Stderr = os.Stderr
	return c
}

// line returns the next line that the process writes.
func (c *child) line(t *testing.T) string {
	t.Helper()
	if !c.lines.Scan() {
		t.Fatalf("the process wrote nothing more: %v", c.lines.Err())
	}
	return c.lines.Text()
}

// kill kills the process as a power cut would, and waits for its end.
func (c *child) kill(t *testing.T) {
	t.Helper()
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait() // "signal: killed"
}

// openAsChild opens the cache that the test named.
func openAsChild() (*cache.File, error) {
	key, err := cache.ParseKey(secret.New(os.Getenv(envKey)))
	if err != nil {
		return nil, err
	}
	return cache.OpenFile(cache.FileConfig{Dir: os.Getenv(envDir), Key: key})
}

func openOnly(context.Context, io.Writer) error {
	_, err := openAsChild()
	return err
}

// stamped is a value that shows whether it is whole: a number, repeated. It is
// large so that writing it takes a while.
func stamped(n int) []byte {
	return []byte(strings.Repeat(fmt.Sprintf("%08d", n), cache.MaxValue/8))
}

// stampOf returns the number of a value of stamped.
func stampOf(value []byte) (int, error) {
	if len(value) < 8 {
		return 0, fmt.Errorf("a value of %d bytes", len(value))
	}
	n, err := strconv.Atoi(string(value[:8]))
	if err != nil {
		return 0, err
	}
	if string(value) != string(stamped(n)) {
		return 0, fmt.Errorf("value %d of %d bytes is torn", n, len(value))
	}
	return n, nil
}

// writeForEver writes 1, 2, 3 ... and says each number before it is written.
func writeForEver(ctx context.Context, out io.Writer) error {
	f, err := openAsChild()
	if err != nil {
		return err
	}
	for n := 1; ; n++ {
		value := stamped(n)
		if _, err := fmt.Fprintln(out, n); err != nil {
			return err
		}
		if err := f.Put(ctx, "key", value, 0); err != nil {
			return err
		}
	}
}

func TestK101AKillInTheMiddleOfAWriteLeavesTheOldValueOrTheNewOne(t *testing.T) {
	const rounds = 60 // 500 were as good, and are a minute with the race detector
	dir := t.TempDir()
	key := newKey(t)
	leftOver := 0
	for round := range rounds {
		if err := os.RemoveAll(filepath.Join(dir, "cache")); err != nil {
			t.Fatal(err)
		}
		c := start(t, "write for ever", filepath.Join(dir, "cache"), key)
		said := 0
		for range 1 + round%4 {
			n, err := strconv.Atoi(c.line(t))
			if err != nil {
				t.Fatal(err)
			}
			said = n
		}
		// Half of the kills come as soon as a write is seen, the others about
		// when it starts.
		for range 100_000 {
			if round%2 == 1 || len(temporaries(t, dir)) > 0 {
				break
			}
			runtime.Gosched()
		}
		c.kill(t)
		leftOver += len(temporaries(t, dir))
		f := openFile(t, cache.FileConfig{
			Dir: filepath.Join(dir, "cache"), Key: key,
			Damaged: func(d cache.Damage) { t.Errorf("round %d: damaged: %+v", round, d) },
		})
		value, err := f.Get(t.Context(), "key")
		switch {
		case errors.Is(err, cache.ErrNotFound) && said == 1:
			wantFiles(t, filepath.Join(dir, "cache"), "store.lock")
			continue
		case err != nil:
			t.Errorf("round %d: Get: %v", round, err)
			continue
		}
		if n, err := stampOf(value); err != nil || n < said-1 {
			t.Errorf("round %d: killed in write %d and found value %d, %v", round, said, n, err)
		}
		wantFiles(t, filepath.Join(dir, "cache"), filepath.Base(f.Path("key")), "store.lock")
	}
	if leftOver == 0 {
		t.Errorf("none of %d kills came in the middle of a write", rounds)
	}
	t.Logf("%d of %d kills left a temporary file, which the next process removed", leftOver, rounds)
}

// temporaries returns the files in the cache below dir that are being written.
func temporaries(t *testing.T, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "cache", ".*.sealed*"))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// increments is how often each process changes the counter.
const increments = 200

func incrementOften(ctx context.Context, _ io.Writer) error {
	f, err := openAsChild()
	if err != nil {
		return err
	}
	for range increments {
		if err := incrementOnce(ctx, f); err != nil {
			return err
		}
	}
	return nil
}

func incrementOnce(ctx context.Context, f *cache.File) error {
	unlock, err := f.Lock(ctx, "counter")
	if err != nil {
		return err
	}
	defer unlock()
	value, err := f.Get(ctx, "counter")
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(string(value))
	if err != nil {
		return err
	}
	return f.Put(ctx, "counter", []byte(strconv.Itoa(n+1)), time.Hour)
}

func TestK100EightProcessesLoseNoUpdate(t *testing.T) {
	const processes = 8
	dir := t.TempDir()
	key := newKey(t)
	f := openFile(t, cache.FileConfig{Dir: dir, Key: key})
	if err := f.Put(t.Context(), "counter", []byte("0"), time.Hour); err != nil {
		t.Fatal(err)
	}
	var running []*exec.Cmd
	for range processes {
		c := command(t, "increment", dir, key)
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		running = append(running, c)
	}
	for _, c := range running {
		if err := c.Wait(); err != nil {
			t.Errorf("a process ended with %v", err)
		}
	}
	got, err := f.Get(t.Context(), "counter")
	if want := strconv.Itoa(processes * increments); err != nil || string(got) != want {
		t.Errorf("the counter is %s, %v, want %s", got, err, want)
	}
	wantFiles(t, dir, filepath.Base(f.Path("counter")), "store.lock")
}

// holdTheLock takes the lock and keeps it until its input ends.
func holdTheLock(ctx context.Context, out io.Writer) error {
	f, err := openAsChild()
	if err != nil {
		return err
	}
	unlock, err := f.Lock(ctx, "key")
	if err != nil {
		return err
	}
	defer unlock()
	if _, err := fmt.Fprintln(out, "locked"); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

func TestALockOfAnotherProcess(t *testing.T) {
	dir := t.TempDir()
	key := newKey(t)
	f := openFile(t, cache.FileConfig{Dir: dir, Key: key, LockWait: 30 * time.Millisecond})

	t.Run("names its holder when it does not come", func(t *testing.T) {
		c := start(t, "hold the lock", dir, key)
		defer c.kill(t)
		c.line(t)
		_, err := f.Lock(t.Context(), "key")
		var locked *cache.LockedError
		if !errors.As(err, &locked) || locked.PID != c.Process.Pid || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Lock: %v, want a LockedError that names process %d", err, c.Process.Pid)
		}
		if pid := strconv.Itoa(c.Process.Pid); err != nil && !strings.Contains(err.Error(), "process "+pid) {
			t.Errorf("Lock: %q does not name process %s", err, pid)
		}
	})
	t.Run("is free as soon as its holder was killed", func(t *testing.T) {
		c := start(t, "hold the lock", dir, key)
		c.line(t)
		c.kill(t)
		// The first try has to succeed: nothing is waited out.
		unlock, err := f.Lock(t.Context(), "key")
		if err != nil {
			t.Fatalf("Lock: %v", err)
		}
		unlock()
	})
	t.Run("is free when its holder ends", func(t *testing.T) {
		c := start(t, "hold the lock", dir, key)
		c.line(t)
		_ = c.in.Close()
		if err := c.Wait(); err != nil {
			t.Fatal(err)
		}
		unlock, err := f.Lock(t.Context(), "key")
		if err != nil {
			t.Fatalf("Lock: %v", err)
		}
		unlock()
	})
}

func findAKey(ctx context.Context, out io.Writer) error {
	key, source, err := cache.FindKey(ctx, cache.KeyConfig{ConfigDir: os.Getenv(envDir)})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, source.Made, key.Text().Reveal())
	return err
}

func TestProcessesThatRaceForAKeyGetOne(t *testing.T) {
	for range 5 {
		dir := filepath.Join(t.TempDir(), "config")
		var running []*child
		for range 6 {
			running = append(running, start(t, "find a key", dir, cache.Key{}))
		}
		made, keys := 0, map[string]bool{}
		for _, c := range running {
			var isNew bool
			var text string
			if _, err := fmt.Sscan(c.line(t), &isNew, &text); err != nil {
				t.Fatal(err)
			}
			if isNew {
				made++
			}
			keys[text] = true
			if err := c.Wait(); err != nil {
				t.Error(err)
			}
		}
		if made != 1 || len(keys) != 1 {
			t.Errorf("%d processes made a key and %d keys are in use, want one", made, len(keys))
		}
		wantFiles(t, dir, "cache.key")
	}
}
