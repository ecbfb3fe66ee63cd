//go:build unix

package sqlite_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"linkmail/broker"
	"linkmail/broker/sqlite"
	"linkmail/broker/storetest"
	"linkmail/internal/secret"
	"linkmail/internal/testclock"
)

func session(n int) broker.Session {
	return broker.Session{
		ID: fmt.Sprintf("id-%d", n), Code: secret.New(fmt.Sprintf("CODE%d", n)), State: broker.Ready,
		Created: time.Now(), Expires: time.Now().Add(10 * time.Minute), Ciphertext: strings.Repeat("x", 3000),
	}
}

func create(t *testing.T, s broker.Store, session broker.Session) {
	t.Helper()
	if err := s.Create(t.Context(), session); err != nil {
		t.Fatal(err)
	}
}

// consume takes the envelope out, as a poll does.
func consume(s *broker.Session) error {
	s.State, s.Ciphertext = broker.Consumed, ""
	return nil
}

// direct opens the file past the store.
func direct(t *testing.T, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func TestD34OneOf64WinsInTwoProcesses(t *testing.T) {
	storetest.RaceProcesses(t, newPath(t))
}

func TestOneOf64WinsInOneProcess(t *testing.T) {
	path := newPath(t)
	var fronts []*storetest.Front
	for range 2 {
		b, err := storetest.NewBroker("", opened(t, sqlite.Config{Path: path}), nil)
		if err != nil {
			t.Fatal(err)
		}
		fronts = append(fronts, storetest.NewFront(b.Handler()))
	}
	storetest.Race(t, fronts[0])
	storetest.Race(t, fronts...)
}

func TestA01A04TwoProcessesSpendOneBudget(t *testing.T) {
	path := newPath(t)
	storetest.TogetherProcesses(t, opened(t, sqlite.Config{Path: path}), path)
}

func TestH79KilledAtEachTransition(t *testing.T) { storetest.Kill(t, newPath(t)) }

func TestH79KilledAtEachStepOfALogin(t *testing.T) { storetest.KillLogin(t, newPath(t)) }

// TestH79KilledWhileSweeping kills a process in the middle of deliveries and of
// sweeps that empty the log behind them, wherever it is, and looks whether the
// file is whole.
func TestH79KilledWhileSweeping(t *testing.T) {
	path, envelope := newPath(t), storetest.Envelope("text")
	for range 8 {
		p := storetest.Start(t, path, "") // sweeps all the time
		front := storetest.Dial(p.URL)
		var wg sync.WaitGroup
		delivered := make(chan struct{}, 1)
		for range 4 {
			wg.Go(func() {
				for {
					if _, err := front.Deliver(envelope); err != nil {
						return
					}
					select {
					case delivered <- struct{}{}:
					default:
					}
				}
			})
		}
		<-delivered
		<-delivered
		p.Kill(t)
		wg.Wait()
		front.Close()
		s := opened(t, sqlite.Config{Path: path}) // checks that it is whole
		if err := s.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		n, err := s.Count(t.Context())
		if rows := s.Rows(t); err != nil || n != rows {
			t.Fatalf("Count = %d, %v; there are %d", n, err, rows)
		}
	}
}

// wal is the path of the log of a database.
func wal(path string) string { return path + "-wal" }

// residue is where any of the chunks of what was sealed is found in the
// directory of a database.
func residue(t *testing.T, path string, sealed []byte) []string {
	t.Helper()
	files, err := filepath.Glob(path + "*")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, name := range files {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for at := 16; at+16 <= len(sealed); at += 16 {
			if bytes.Contains(content, sealed[at:at+16]) {
				found = append(found, filepath.Base(name))
				break
			}
		}
	}
	return found
}

func TestD35NothingOfADeliveredEnvelopeIsLeft(t *testing.T) {
	for name, end := range map[string]func(t *testing.T, s *sqlite.Store, clock *testclock.Clock){
		"delivered": func(t *testing.T, s *sqlite.Store, _ *testclock.Clock) {
			if _, err := s.Update(t.Context(), "id-3", consume); err != nil {
				t.Fatal(err)
			}
		},
		"expired": func(_ *testing.T, _ *sqlite.Store, clock *testclock.Clock) { clock.Advance(time.Hour) },
	} {
		t.Run(name, func(t *testing.T) {
			path, clock := newPath(t), testclock.New()
			s := opened(t, sqlite.Config{Path: path, Now: clock.Now})
			if err := s.Sweep(t.Context()); err != nil { // the first one empties the log in any case
				t.Fatal(err)
			}
			for n := range 20 {
				one := session(n)
				one.Expires = clock.Now().Add(10 * time.Minute)
				create(t, s, one)
			}
			index, _ := sealer(t).Index(broker.Ref{ID: "id-3"})
			var sealed []byte
			if err := direct(t, path).QueryRow("SELECT sealed FROM sessions WHERE id = ?", index[:]).Scan(&sealed); err != nil {
				t.Fatal(err)
			}
			// The probe sees what is there: in the log, and in the database.
			if got := residue(t, path, sealed); len(got) != 1 || got[0] != "broker.db-wal" {
				t.Fatalf("before a sweep it is in %v, want the log; the probe is blind", got)
			}
			if _, err := direct(t, path).Exec("PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
				t.Fatal(err)
			}
			if got := residue(t, path, sealed); len(got) != 1 || got[0] != "broker.db" {
				t.Fatalf("after a checkpoint it is in %v, want the database; the probe is blind", got)
			}
			end(t, s, clock)
			if err := s.Sweep(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := residue(t, path, sealed); len(got) != 0 {
				t.Errorf("it is left in %v", got)
			}
			if info, err := os.Stat(wal(path)); err == nil && info.Size() != 0 {
				t.Errorf("the log has %d bytes after the sweep", info.Size())
			}
			if name == "delivered" {
				if got, err := s.Find(t.Context(), broker.Ref{ID: "id-3"}); err != nil || got.State != broker.Consumed {
					t.Errorf("the tombstone is %v, %v", got.State, err)
				}
			}
		})
	}
}

func TestNothingIsReadableWithoutTheKey(t *testing.T) {
	path := newPath(t)
	s := opened(t, sqlite.Config{Path: path})
	one := session(1)
	one.ID, one.Code, one.Ciphertext = "canary-id", secret.New("CANARYCODE"), "canary-envelope"
	one.Target, one.Verifier, one.DisplayName = secret.New("canary-target"), secret.New("canary-verifier"), "canary-name"
	one.StateDigest = sha256.Sum256([]byte("state"))
	create(t, s, one)
	code, state := one.CodeDigest(), one.StateDigest
	files, err := filepath.Glob(path + "*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for what, b := range map[string][]byte{
			"canary": []byte("canary"), "code": []byte("CANARYCODE"), "digest of the code": code[:],
			"digest in hex": []byte(hex.EncodeToString(code[:])), "digest of the state": state[:],
		} {
			if bytes.Contains(bytes.ToLower(content), bytes.ToLower(b)) {
				t.Errorf("%s has the %s", filepath.Base(name), what)
			}
		}
	}
}

func sealer(t testing.TB) *broker.Sealer {
	t.Helper()
	s, err := broker.NewSealer(testKey)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestH80H81DiskFull(t *testing.T) {
	s := opened(t, sqlite.Config{Path: newPath(t)})
	diskFull(t, s, func() { s.LimitPages(t, 1) }, func() { s.LimitPages(t, 1<<30) }) // no page more than there are
}

// diskFull fills the disk under a broker in the middle of a flow and makes room
// again.
func diskFull(t *testing.T, s *sqlite.Store, fill, free func()) {
	t.Helper()
	b, err := storetest.NewBroker("", s, nil)
	if err != nil {
		t.Fatal(err)
	}
	front := storetest.NewFront(b.Handler())
	flow, _, err := front.Create("", 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := front.Confirm(&flow); err != nil {
		t.Fatal(err)
	}
	if status, err := front.Ready(); err != nil || status != http.StatusOK {
		t.Errorf("/readyz before it is full: %d, %v", status, err)
	}
	fill()
	status := http.StatusCreated
	for n := 0; n < 1000 && status == http.StatusCreated; n++ {
		if _, status, err = front.Create("", 0); err != nil {
			t.Fatal(err)
		}
	}
	if status != http.StatusServiceUnavailable { // Front checks for Retry-After
		t.Fatalf("create on a full disk: %d, want 503", status)
	}
	// A session that was there is still what it was, and a change that does
	// not fit is not half done.
	long := storetest.Envelope(strings.Repeat("long", 24_000))
	if status, err = front.Complete(&flow, flow.Token, long); err != nil || status != http.StatusServiceUnavailable {
		t.Errorf("complete on a full disk: %d, %v; want 503", status, err)
	}
	if got, err := s.Find(t.Context(), broker.Ref{ID: flow.SessionID}); err != nil || got.State != broker.Confirmed || got.Ciphertext != "" {
		t.Errorf("the session is %v, %v; want it confirmed", got.State, err)
	}
	if status, err := front.Ready(); err != nil || status != http.StatusServiceUnavailable {
		t.Errorf("/readyz on a full disk: %d, %v; want 503", status, err)
	}
	free()
	if status, err = front.Complete(&flow, flow.Token, long); err != nil || status != http.StatusNoContent {
		t.Errorf("complete when there is room again: %d, %v", status, err)
	}
	if status, err := front.Ready(); err != nil || status != http.StatusOK {
		t.Errorf("/readyz when there is room again: %d, %v", status, err)
	}
	if verdict := s.Integrity(t); verdict != "ok" {
		t.Errorf("the database is damaged: %s", verdict)
	}
}

func TestH81NotReadyOnAReadOnlyStore(t *testing.T) {
	clock := testclock.New()
	s := opened(t, sqlite.Config{Path: newPath(t), Now: clock.Now})
	create(t, s, session(1))
	s.ReadOnly(t)
	err := s.Create(t.Context(), session(2))
	var fault *broker.StoreError
	if !errors.As(err, &fault) || fault.Cause != "read-only" || !errors.Is(err, broker.ErrUnavailable) {
		t.Errorf("Create = %v, want ErrUnavailable because it is read-only", err)
	}
	if _, err := s.Find(t.Context(), broker.Ref{ID: "id-1"}); err != nil {
		t.Errorf("Find = %v; what is there can be read", err)
	}
	b, err := storetest.NewBroker("", s, nil)
	if err != nil {
		t.Fatal(err)
	}
	if status, err := storetest.NewFront(b.Handler()).Ready(); err != nil || status != http.StatusServiceUnavailable {
		t.Errorf("/readyz: %d, %v; want 503", status, err)
	}
	// After a while it is asked again, and finds out by itself.
	clock.Advance(time.Minute)
	if err := s.Probe(t.Context()); !errors.As(err, &fault) || fault.Op != "probe" {
		t.Errorf("Probe = %v, want a refusal of its own", err)
	}
	s.Writable(t)
	clock.Advance(time.Minute)
	if err := s.Probe(t.Context()); err != nil {
		t.Errorf("Probe = %v when it can be written to again", err)
	}
}

func TestH82PathsThatCannotBeUsed(t *testing.T) {
	dir := filepath.Dir(newPath(t))
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	open777 := filepath.Join(dir, "open")
	if err := errors.Join(os.Mkdir(open777, 0o700), os.Chmod(open777, 0o777)); err != nil {
		t.Fatal(err)
	}
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"":                          "no file is named",
		dir:                         "it is a directory",
		filepath.Join(dir, "no/db"): "its directory is not there",
		filepath.Join(file, "db"):   "what should be its directory is a file",
		link:                        "it is a symbolic link",
		filepath.Join(open777, "d"): "other users may write to its directory",
		pipe:                        "it is not a regular file",
		file:                        "damaged",
	} {
		_, err := open(t.Context(), sqlite.Config{Path: path})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("Open(%q) = %v; want it to name the path and say %q", path, err, want)
		}
	}
}

// TestH82WithoutPermission runs itself as a user who may do nothing.
func TestH82WithoutPermission(t *testing.T) {
	const env = "LINKMAIL_TEST_NOBODY"
	if path := os.Getenv(env); path != "" {
		if err := syscall.Setuid(65534); err != nil {
			t.Skip(err)
		}
		_, err := open(t.Context(), sqlite.Config{Path: path})
		t.Log("nobody:", err)
		return
	}
	if os.Geteuid() != 0 {
		t.Skip("only root can become somebody else")
	}
	base := t.TempDir()
	mine, theirs := filepath.Join(base, "mine"), filepath.Join(base, "theirs")
	if err := errors.Join(os.Chmod(filepath.Dir(base), 0o755), os.Chmod(base, 0o755), os.Mkdir(mine, 0o755), os.Mkdir(theirs, 0o500), os.Chown(theirs, 65534, 65534),
		os.WriteFile(filepath.Join(mine, "old.db"), nil, 0o644)); err != nil {
		t.Fatal(err)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		filepath.Join(mine, "old.db"):   "it belongs to another user",
		filepath.Join(mine, "new.db"):   "it cannot be written to",
		filepath.Join(theirs, "new.db"): "it cannot be written to", // a directory that is read-only
	} {
		cmd := exec.CommandContext(t.Context(), exe, "-test.v", "-test.run", "^TestH82WithoutPermission$")
		cmd.Env = append(os.Environ(), env+"="+path)
		out, err := cmd.CombinedOutput()
		if err != nil || !bytes.Contains(out, []byte(path)) || !bytes.Contains(out, []byte(want)) {
			t.Errorf("as nobody, %s: %v\n%s\nwant %q", path, err, out, want)
		}
	}
}

func TestModesAreRepaired(t *testing.T) {
	path := newPath(t)
	if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Chmod(path, 0o664)); err != nil {
		t.Fatal(err)
	}
	s := opened(t, sqlite.Config{Path: path})
	create(t, s, session(1))
	for _, name := range []string{path, wal(path), path + "-shm"} {
		info, err := os.Stat(name)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v; want 0600", name, info, err)
		}
	}
}

// TestH83DamagedFiles flips a byte anywhere, many times. The store says no when
// it is opened or when it is asked, or the damage was harmless; it never gives
// out a session that is not the one that was stored.
func TestH83DamagedFiles(t *testing.T) {
	path := newPath(t)
	s := opened(t, sqlite.Config{Path: path})
	for n := range 10 {
		create(t, s, session(n))
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	offsets := 1000
	if testing.Short() {
		offsets = 100
	}
	refused, failed := 0, 0
	for range offsets {
		at, flip := random(t, len(whole)), byte(1+random(t, 255))
		damaged := bytes.Clone(whole)
		damaged[at] ^= flip
		r, f := look(t, damaged, fmt.Sprintf("byte %d of %d, xor %d", at, len(whole), flip))
		refused, failed = refused+r, failed+f
	}
	t.Logf("%d of %d refused at the start, %d with errors later", refused, offsets, failed)
	if refused == 0 || failed == 0 {
		t.Error("no damage was noticed; the probe is blind")
	}
	for _, length := range []int{1, 99, 4096, len(whole) / 2, len(whole) - 1} {
		look(t, whole[:length], fmt.Sprintf("cut to %d bytes", length))
	}
}

// look opens a damaged file and asks for every session. It returns whether the
// file was refused, and whether a session was.
func look(t *testing.T, content []byte, damage string) (refused, failed int) {
	t.Helper()
	path := newPath(t)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := open(t.Context(), sqlite.Config{Path: path, SweepEvery: time.Hour})
	if err != nil {
		return 1, 0
	}
	defer s.Close()
	for n := range 10 {
		want := session(n)
		for _, ref := range []broker.Ref{{ID: want.ID}, {Code: want.CodeDigest()}} {
			got, err := s.Find(t.Context(), ref)
			switch {
			case err != nil:
				failed = 1
			case got.ID != want.ID || !got.Code.Equal(want.Code) || got.Ciphertext != want.Ciphertext || got.State != want.State:
				t.Errorf("%s: asked for %s, got %s in state %s", damage, want.ID, got.ID, got.State)
			}
		}
	}
	return 0, failed
}

func random(t *testing.T, n int) int {
	t.Helper()
	i, err := rand.Int(rand.Reader, big.NewInt(int64(n)))
	if err != nil {
		t.Fatal(err)
	}
	return int(i.Int64())
}

func TestH84SchemasOfOtherVersions(t *testing.T) {
	t.Run("a newer one is refused and left alone", func(t *testing.T) {
		path := newPath(t)
		if err := opened(t, sqlite.Config{Path: path}).Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := direct(t, path).Exec("PRAGMA user_version = 1000"); err != nil {
			t.Fatal(err)
		}
		_, err := open(t.Context(), sqlite.Config{Path: path})
		if err == nil || !strings.Contains(err.Error(), "a newer version") || !strings.Contains(err.Error(), path) {
			t.Errorf("Open = %v; want it refused as newer", err)
		}
	})
	t.Run("an older one is brought up, with what is in it", func(t *testing.T) {
		path := newPath(t)
		s := opened(t, sqlite.Config{Path: path})
		create(t, s, session(1))
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		sqlite.WithMigration(t, "ALTER TABLE sessions ADD COLUMN colour TEXT")
		s = opened(t, sqlite.Config{Path: path})
		if _, err := s.Find(t.Context(), broker.Ref{ID: "id-1"}); err != nil {
			t.Error(err)
		}
		if _, err := direct(t, path).Exec("SELECT colour FROM sessions"); err != nil {
			t.Errorf("the step was not made: %v", err)
		}
	})
	t.Run("a step that fails leaves the old one", func(t *testing.T) {
		path := newPath(t)
		if err := opened(t, sqlite.Config{Path: path}).Close(); err != nil {
			t.Fatal(err)
		}
		sqlite.WithMigration(t, "ALTER TABLE sessions ADD COLUMN colour TEXT; ALTER TABLE nothing ADD COLUMN x TEXT")
		if _, err := open(t.Context(), sqlite.Config{Path: path}); err == nil {
			t.Fatal("Open succeeded")
		}
		if _, err := direct(t, path).Exec("SELECT colour FROM sessions"); err == nil {
			t.Error("half of the step was made")
		}
	})
	t.Run("another program's database is left alone", func(t *testing.T) {
		path := newPath(t)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := direct(t, path).Exec("CREATE TABLE notes (text TEXT)"); err != nil {
			t.Fatal(err)
		}
		if _, err := open(t.Context(), sqlite.Config{Path: path}); err == nil || !strings.Contains(err.Error(), "another program") {
			t.Errorf("Open = %v; want it refused", err)
		}
	})
}

func TestAnotherKeyIsRefused(t *testing.T) {
	path := newPath(t)
	opened(t, sqlite.Config{Path: path})
	other, err := broker.NewSealer(broker.NewSealKey())
	if err != nil {
		t.Fatal(err)
	}
	_, err = sqlite.Open(t.Context(), sqlite.Config{Path: path, Sealer: other})
	if err == nil || !strings.Contains(err.Error(), "another key") {
		t.Errorf("Open = %v; want the key refused", err)
	}
}

func TestKeyFiles(t *testing.T) {
	path := newPath(t)
	first, err := sqlite.Key(path)
	if err != nil {
		t.Fatal(err)
	}
	second, err := sqlite.Key(path)
	if err != nil || !first.Equal(second) {
		t.Errorf("the second key differs: %v", err)
	}
	info, err := os.Stat(path + sqlite.KeySuffix)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("key file: %v, %v; want 0600", info, err)
	}
	if left, _ := filepath.Glob(path + ".key.new*"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if err := os.WriteFile(path+sqlite.KeySuffix, []byte("canary"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = sqlite.Key(path)
	if err == nil || strings.Contains(err.Error(), "canary") || !strings.Contains(err.Error(), path+".key") {
		t.Errorf("Key of a damaged file = %v", err)
	}
}

func TestOfManyProcessesAllGetOneKey(t *testing.T) {
	path := newPath(t)
	keys := make(chan secret.Text)
	for range 16 {
		go func() {
			key, err := sqlite.Key(path)
			if err != nil {
				t.Error(err)
			}
			keys <- key
		}()
	}
	first := <-keys
	for range 15 {
		if key := <-keys; !key.Equal(first) {
			t.Error("two keys were made")
		}
	}
}

func TestTheSweepRunsByItselfAndEnds(t *testing.T) {
	path := newPath(t)
	s, err := open(context.Background(), sqlite.Config{Path: path, SweepEvery: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	gone := session(1)
	gone.Expires = time.Now().Add(-time.Second)
	create(t, s, gone)
	for n := 1; n > 0; {
		if n, err = s.Count(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Error(err)
	}
	if err := s.Create(t.Context(), session(2)); err == nil {
		t.Error("Create on a closed store succeeded")
	}
}
