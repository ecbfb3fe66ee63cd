package storetest

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"linkmail/broker"
)

// The test binary plays the other brokers: with an address of a store in its
// environment it is one instead of running the tests.
const (
	envStore = "LINKMAIL_TEST_STORE"
	envKill  = "LINKMAIL_TEST_KILL"
	// The address that it goes by, if it is not its own.
	envBase = "LINKMAIL_TEST_BASE"
	// The address of its OAuth provider, if it has one.
	envProvider = "LINKMAIL_TEST_PROVIDER"
	// By how much its clock is ahead.
	envAhead = "LINKMAIL_TEST_AHEAD"
	// Whether it limits how many sessions are opened.
	envLimited = "LINKMAIL_TEST_LIMITED"
)

// Serve is called first thing by the TestMain of a store. In a process that
// [Start] started it opens the store at the address, serves a broker over it
// and does not return.
func Serve(open func(ctx context.Context, address string) (broker.Store, error)) {
	address := os.Getenv(envStore)
	if address == "" {
		return
	}
	if err := serve(context.Background(), address, open); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// serve runs until its standard input ends, which it does when the test does.
func serve(ctx context.Context, address string, open func(ctx context.Context, address string) (broker.Store, error)) error {
	store, err := open(ctx, address)
	if err != nil {
		return err
	}
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	at := "http://" + ln.Addr().String()
	cfg := config(cmp.Or(os.Getenv(envBase), at), &fatal{Store: store, at: os.Getenv(envKill)})
	if provider := os.Getenv(envProvider); provider != "" {
		cfg.Providers = map[string]broker.Provider{providerName: client(provider)}
	}
	if ahead, err := time.ParseDuration(os.Getenv(envAhead)); err == nil {
		cfg.Now = func() time.Time { return time.Now().Add(ahead) }
	}
	if os.Getenv(envLimited) != "" {
		cfg.SessionsPerMinute = perMinute
	}
	b, err := broker.New(cfg)
	if err != nil {
		return err
	}
	hs := b.Server()
	go func() { _ = hs.Serve(ln) }()
	if _, err := fmt.Fprintln(os.Stdout, at); err != nil {
		return err
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
	return hs.Close()
}

// Process is a broker in a process of its own.
type Process struct {
	URL string
	cmd *exec.Cmd
	in  io.Closer
}

// Start starts a broker over the store at an address. kill, if it is not
// empty, is the step at which the process is killed, see [Steps].
func Start(t *testing.T, address, kill string) *Process {
	t.Helper()
	return start(t, address, envKill+"="+kill)
}

// startLimited starts a broker as [NewLimited] makes it.
func startLimited(t *testing.T, address string) *Process {
	t.Helper()
	return start(t, address, envLimited+"=1")
}

// RaceProcesses is [Race] for two processes on the store at address.
func RaceProcesses(t *testing.T, address string) {
	t.Helper()
	one, two := Dial(Start(t, address, "").URL), Dial(Start(t, address, "").URL)
	defer one.Close()
	defer two.Close()
	Race(t, one, two)
}

// TogetherProcesses is [Together] for two processes on the store at address.
func TogetherProcesses(t *testing.T, store broker.Store, address string) {
	t.Helper()
	one, two := Dial(startLimited(t, address).URL), Dial(startLimited(t, address).URL)
	defer one.Close()
	defer two.Close()
	Together(t, store, one, two)
}

// start is Start with more settings.
func start(t *testing.T, address string, env ...string) *Process {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe)
	cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0", envStore+"="+address)
	cmd.Env = append(cmd.Env, env...)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &Process{cmd: cmd, in: in}
	t.Cleanup(p.Stop)
	url, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the broker said nothing: %v", err)
	}
	p.URL = strings.TrimSpace(url)
	return p
}

// Stop ends the process and waits for it. It may be called twice.
func (p *Process) Stop() {
	_ = p.in.Close()
	_ = p.cmd.Wait() // killed, perhaps
}

// Kill ends the process as a power cut would, and waits for it.
func (p *Process) Kill(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	p.Stop()
}

// fatal is a store that kills its process at a step.
type fatal struct {
	broker.Store
	at      string
	updates int
}

// Steps are the points at which a process is killed: before a change of the
// store, and after it was stored but before anybody was told.
var Steps = []string{
	"before create", "after create",
	"before update 1", "after update 1", // confirm
	"before update 2", "after update 2", // complete
	"before update 3", "after update 3", // consume
}

func (f *fatal) die(step string) {
	if step != f.at {
		return
	}
	if self, err := os.FindProcess(os.Getpid()); err == nil {
		_ = self.Kill()
	}
	select {} // the signal is on its way
}

// Create implements [broker.Store].
func (f *fatal) Create(ctx context.Context, s broker.Session) error {
	f.die("before create")
	err := f.Store.Create(ctx, s)
	f.die("after create")
	return err
}

// Update implements [broker.Store].
func (f *fatal) Update(ctx context.Context, id string, change func(*broker.Session) error) (broker.Session, error) {
	if f.at != "" { // otherwise there are racers
		f.updates++
		f.die(fmt.Sprintf("before update %d", f.updates))
	}
	s, err := f.Store.Update(ctx, id, change)
	if f.at != "" {
		f.die(fmt.Sprintf("after update %d", f.updates))
	}
	return s, err
}

// Kill runs a flow against a broker that is killed at each of [Steps] in turn,
// and goes on with another one on the same store. The session has to be in the
// state before the step or after it, never in between; the envelope is
// delivered at most once, and the agent of a lost one is told so.
func Kill(t *testing.T, address string) {
	t.Helper()
	for _, step := range Steps {
		t.Run(step, func(t *testing.T) {
			t.Parallel() // each waits for the poll interval
			killAt(t, address, step)
		})
	}
}

func killAt(t *testing.T, address, step string) {
	t.Helper()
	front := Dial(Start(t, address, step).URL)
	defer front.Close()
	delivered := 0

	flow, status, err := front.Create("", 0)
	if err != nil { // nobody was told of a session, so nobody misses it
		front = front.At(Start(t, address, "").URL)
		flow, status, err = front.Create("", 0)
	}
	if err != nil || status != http.StatusCreated {
		t.Fatalf("create: %d, %v", status, err)
	}
	// Each step is tried again with another broker if the first one died in it.
	again := func(step func() (int, error)) int {
		t.Helper()
		status, err := step()
		if err != nil {
			front = front.At(Start(t, address, "").URL)
			status, err = step()
		}
		if err != nil {
			t.Fatal(err)
		}
		return status
	}
	switch status := again(func() (int, error) { return front.Confirm(&flow) }); {
	case status == http.StatusConflict && step == "after update 1":
		return // the token died with the process: the person asks for a new link
	case status != http.StatusOK:
		t.Fatalf("confirm: %d", status)
	}
	switch status := again(func() (int, error) { return front.Complete(&flow, flow.Token, Envelope("text")) }); {
	case status == http.StatusNoContent:
	case status == http.StatusConflict && step == "after update 2": // it was stored
	default:
		t.Fatalf("complete: %d", status)
	}
	var last string
	poll := func() (int, error) {
		p, status, err := front.Poll(&flow, flow.PollToken)
		if err != nil {
			return 0, err
		}
		if last = string(p.Status); p.Ciphertext != nil {
			delivered++
		}
		return status, nil
	}
	// The poll that died may have begun an interval, and so does every answer.
	for end := time.Now().Add(20 * time.Second); last != "consumed"; {
		if status := again(poll); status != http.StatusOK && status != http.StatusTooManyRequests || time.Now().After(end) {
			t.Fatalf("poll: %d, last %q", status, last)
		}
		time.Sleep(pollInterval / 10) // the broker's clock is the real one
	}
	if want := map[bool]int{true: 0, false: 1}[step == "after update 3"]; delivered != want {
		t.Errorf("%d deliveries, want %d", delivered, want)
	}
}
