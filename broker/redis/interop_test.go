//go:build interop

package redis_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	driver "github.com/redis/go-redis/v9"

	"linkmail/broker"
	"linkmail/broker/redis"
	"linkmail/broker/storetest"
	"linkmail/broker/wire"
	"linkmail/internal/secret"
)

// realServer is a redis-server, or whatever REDIS_SERVER names, of the test's
// own: on a free port of loopback, in a directory of its own.
type realServer struct {
	t    *testing.T
	addr string
	dir  string
	args []string
	cmd  *exec.Cmd
}

func newServer(t *testing.T, args ...string) *realServer {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	ln.Close() // for the server
	s := &realServer{t: t, addr: addr, dir: t.TempDir(), args: args}
	s.start()
	t.Cleanup(s.kill)
	return s
}

func (s *realServer) start() {
	s.t.Helper()
	s.launch()
	s.await("an answer", func(err error) bool { return err == nil })
}

// launch starts the server without waiting for it.
func (s *realServer) launch() {
	s.t.Helper()
	program := os.Getenv("REDIS_SERVER")
	if program == "" {
		program = "redis-server"
	}
	_, port, _ := net.SplitHostPort(s.addr)
	args := append([]string{"--bind", "127.0.0.1", "--port", port, "--dir", s.dir, "--save", "", "--daemonize", "no", "--loglevel", "warning"}, s.args...)
	s.cmd = exec.Command(program, args...)
	s.cmd.Stderr = os.Stderr
	if err := s.cmd.Start(); err != nil {
		s.t.Fatalf("a real Redis is needed: install redis-server, or name one in REDIS_SERVER: %v", err)
	}
}

// await pings until the answer is as wanted.
func (s *realServer) await(what string, wanted func(err error) bool) {
	s.t.Helper()
	c := s.client()
	for end := time.Now().Add(20 * time.Second); ; {
		err := c.Ping(s.t.Context()).Err()
		if wanted(err) {
			return
		}
		if time.Now().After(end) {
			s.t.Fatalf("the server does not give %s, but %v", what, err)
		}
		time.Sleep(10 * time.Millisecond) // it has no other way to say that it is there
	}
}

// kill ends the server as a power cut would.
func (s *realServer) kill() {
	if s.cmd.ProcessState == nil {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
	}
}

func (s *realServer) url() secret.Text { return secret.New("redis://" + s.addr) }

func (s *realServer) client() *driver.Client {
	c := driver.NewClient(&driver.Options{Addr: s.addr, DialerRetries: 1})
	s.t.Cleanup(func() { c.Close() })
	return c
}

func (s *realServer) set(name, value string) {
	s.t.Helper()
	if err := s.client().ConfigSet(s.t.Context(), name, value).Err(); err != nil {
		s.t.Fatalf("CONFIG SET %s: %v", name, err)
	}
}

func TestInteropStore(t *testing.T) {
	server := newServer(t)
	storetest.Run(t, realTime(server))
	keysExpire(t, server)
}

// realTime makes stores at a server. Time is that of the server, which cannot
// be set.
func realTime(server *realServer) func(t *testing.T, limit int) storetest.Env {
	n := 0
	return func(t *testing.T, limit int) storetest.Env {
		n++
		cfg := redis.Config{URL: server.url(), MaxSessions: limit, Prefix: fmt.Sprint("run-", n)}
		return storetest.Env{
			Store: opened(t, cfg), Life: time.Second,
			Advance: func(d time.Duration) { time.Sleep(d + 20*time.Millisecond) },
			Again:   func() broker.Store { return opened(t, cfg) },
		}
	}
}

// keysExpire checks that no key of the server stays for ever.
func keysExpire(t *testing.T, server *realServer) {
	t.Helper()
	c := server.client()
	keys, err := c.Keys(t.Context(), "*").Result()
	if err != nil || len(keys) == 0 {
		t.Fatalf("%d keys, %v", len(keys), err)
	}
	for _, key := range keys {
		if left, err := c.PTTL(t.Context(), key).Result(); err != nil || left == -1 {
			t.Errorf("key %.20q... does not expire: %v, %v", key, left, err)
		}
	}
}

func TestInteropLimits(t *testing.T) {
	server := newServer(t)
	t.Run("suite", func(t *testing.T) { storetest.Limits(t, realTime(server)) })
	keysExpire(t, server)
}

func TestInteropA01A04TwoProcessesSpendOneBudget(t *testing.T) {
	server := newServer(t)
	storetest.TogetherProcesses(t, opened(t, redis.Config{URL: server.url()}), server.url().Reveal())
	keysExpire(t, server)
}

func TestInteropD34TwoProcesses(t *testing.T) {
	storetest.RaceProcesses(t, newServer(t).url().Reveal())
}

func TestInteropH79KilledAtEachTransition(t *testing.T) {
	storetest.Kill(t, newServer(t).url().Reveal())
}

func TestInteropH79KilledAtEachStepOfALogin(t *testing.T) {
	storetest.KillLogin(t, newServer(t).url().Reveal())
}

func TestInteropD35NothingOfADeliveredEnvelopeIsLeft(t *testing.T) {
	server := newServer(t)
	f := frontOf(t, opened(t, redis.Config{URL: server.url()}), nil)
	flow := ready(t, f)
	sizes := func() (longest int) {
		c := server.client()
		keys, err := c.Keys(t.Context(), "*:s:*").Result()
		if err != nil || len(keys) != 1 {
			t.Fatalf("%d sessions, %v", len(keys), err)
		}
		text, err := c.HGet(t.Context(), keys[0], "b").Result()
		if err != nil {
			t.Fatal(err)
		}
		return len(text)
	}
	full, envelope := sizes(), len(storetest.Envelope("text"))
	if p, _, err := f.Poll(&flow, flow.PollToken); err != nil || p.Status != wire.Ready {
		t.Fatalf("poll: %s, %v", p.Status, err)
	}
	// What is sealed cannot be looked into, so it is weighed.
	if rest := sizes(); rest > full-envelope+100 {
		t.Errorf("the session has %d bytes, and had %d with an envelope of %d", rest, full, envelope)
	}
}

func TestInteropI86KilledAndRestarted(t *testing.T) {
	server := newServer(t, "--appendonly", "yes", "--appendfsync", "always")
	f := frontOf(t, opened(t, redis.Config{URL: server.url()}), nil)
	flow := ready(t, f)
	server.kill()
	for range 10 {
		if _, status, err := f.Poll(&flow, flow.PollToken); err != nil || status != http.StatusServiceUnavailable {
			t.Fatalf("poll without a server: %d, %v; want 503", status, err)
		}
	}
	server.start()
	got := readyAgain(t, f, &flow)
	if text, err := storetest.Opened(*got.Ciphertext); err != nil || text != "text" {
		t.Errorf("the agent got %q, %v", text, err)
	}
}

// TestInteropI86LoadingItsDataset restarts a server that takes a while to read
// what it had saved: a thousand keys, a hundredth of a second each.
func TestInteropI86LoadingItsDataset(t *testing.T) {
	server := newServer(t)
	s := opened(t, redis.Config{URL: server.url()})
	f := frontOf(t, s, nil)
	flow := ready(t, f)
	c := server.client()
	for n := range 1000 {
		if err := c.Set(t.Context(), fmt.Sprint("ballast-", n), strings.Repeat("x", 1024), time.Hour).Err(); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Save(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	server.kill()
	server.args = append(server.args, "--key-load-delay", "10000", "--loading-process-events-interval-bytes", "1024")
	server.launch()
	server.await("LOADING", func(err error) bool { return err != nil && strings.HasPrefix(err.Error(), "LOADING ") })

	one := broker.Session{ID: "x", Code: secret.New("X"), Expires: time.Now().Add(time.Minute)}
	if err := s.Create(t.Context(), one); err == nil || !strings.HasSuffix(err.Error(), "LOADING") {
		t.Errorf("Create = %v, want LOADING", err)
	}
	unavailable(t, f, &flow)
	if _, err := open(t.Context(), redis.Config{URL: server.url()}); err == nil || !strings.HasSuffix(err.Error(), "LOADING") {
		t.Errorf("Open = %v, want LOADING", err)
	}
	server.set("key-load-delay", "0")
	readyAgain(t, f, &flow)
}

func TestInteropI86WhatTheServerRefuses(t *testing.T) {
	for name, tt := range map[string]struct {
		begin, end func(server *realServer)
		cause      string
	}{
		"no memory": {
			func(s *realServer) { s.set("maxmemory", "1") },
			func(s *realServer) { s.set("maxmemory", "0") }, "OOM",
		},
		"a replica": {
			func(s *realServer) { s.client().ReplicaOf(t.Context(), "127.0.0.1", "1") },
			func(s *realServer) { s.client().ReplicaOf(t.Context(), "NO", "ONE") }, "READONLY",
		},
		"a password": {
			func(s *realServer) {
				c := s.client() // its connection stays admitted
				c.ConfigSet(t.Context(), "requirepass", "p")
				c.Do(t.Context(), "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
			},
			func(s *realServer) {
				c := driver.NewClient(&driver.Options{Addr: s.addr, Password: "p"})
				defer c.Close()
				c.ConfigSet(t.Context(), "requirepass", "")
			}, "NOAUTH",
		},
		"a script that hangs": {
			func(s *realServer) {
				s.set("busy-reply-threshold", "1")
				go s.client().Eval(context.Background(), "while true do end", nil)
				for s.client().Ping(t.Context()).Err() == nil {
					time.Sleep(time.Millisecond)
				}
			},
			func(s *realServer) { s.client().ScriptKill(t.Context()) }, "BUSY",
		},
	} {
		t.Run(name, func(t *testing.T) {
			server := newServer(t)
			s := opened(t, redis.Config{URL: server.url()})
			f := frontOf(t, s, nil)
			flow := ready(t, f)
			tt.begin(server)
			_, status, err := f.Create("", 0)
			if err != nil || status != http.StatusServiceUnavailable {
				t.Errorf("create: %d, %v; want 503", status, err)
			}
			one := broker.Session{ID: "x", Code: secret.New("X"), Expires: time.Now().Add(time.Minute)}
			if err := s.Create(t.Context(), one); err == nil || !strings.HasSuffix(err.Error(), tt.cause) {
				t.Errorf("Create = %v, want %s", err, tt.cause)
			}
			tt.end(server)
			readyAgain(t, f, &flow)
		})
	}
}

// TestInteropI88Failover shows the limit that the package states: a replica
// that takes over before it heard of a delivery delivers again, the same
// envelope for the same agent's key.
func TestInteropI88Failover(t *testing.T) {
	first, second := newServer(t), newServer(t)
	_, port, _ := net.SplitHostPort(first.addr)
	replica := second.client()
	if err := replica.ReplicaOf(t.Context(), "127.0.0.1", port).Err(); err != nil {
		t.Fatal(err)
	}
	here := frontOf(t, opened(t, redis.Config{URL: first.url()}), nil)
	flow := ready(t, here)
	if n, err := first.client().Wait(t.Context(), 1, 20*time.Second).Result(); err != nil || n != 1 {
		t.Fatalf("the replica did not follow: %d, %v", n, err)
	}
	if err := replica.ReplicaOf(t.Context(), "NO", "ONE").Err(); err != nil {
		t.Fatal(err)
	}
	there := frontOf(t, opened(t, redis.Config{URL: second.url()}), nil)
	one, _, err := here.Poll(&flow, flow.PollToken)
	if err != nil || one.Status != wire.Ready {
		t.Fatalf("poll: %s, %v", one.Status, err)
	}
	two, _, err := there.Poll(&flow, flow.PollToken)
	if err != nil {
		t.Fatal(err)
	}
	switch {
	case two.Status == wire.Consumed: // better than what is promised
	case two.Status != wire.Ready || *two.Ciphertext != *one.Ciphertext:
		t.Errorf("after the failover: %s; want the same envelope or consumed", two.Status)
	}
}

func TestInteropI89Eviction(t *testing.T) {
	server := newServer(t)
	for policy, ok := range map[string]bool{"noeviction": true, "volatile-ttl": true, "allkeys-lru": false, "volatile-lru": false} {
		server.set("maxmemory-policy", policy)
		s, err := open(t.Context(), redis.Config{URL: server.url()})
		if err == nil {
			s.Close()
		}
		if (err == nil) != ok {
			t.Errorf("policy %s: %v, want accepted: %v", policy, err, ok)
		}
	}
}

// TestInteropNothingIsReadableInTheFiles looks into what the server wrote to
// its disk.
func TestInteropNothingIsReadableInTheFiles(t *testing.T) {
	server := newServer(t, "--appendonly", "yes")
	s := opened(t, redis.Config{URL: server.url()})
	one := broker.Session{
		ID: "canary-id", Code: secret.New("CANARYCODE"), Ciphertext: "canary-envelope", Target: secret.New("canary"), Expires: time.Now().Add(time.Minute),
	}
	if err := s.Create(t.Context(), one); err != nil {
		t.Fatal(err)
	}
	c := server.client()
	if err := c.Set(t.Context(), "probe", "seen-by-the-probe", time.Minute).Err(); err != nil {
		t.Fatal(err)
	}
	if err := c.Save(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	probe := 0
	err := filepath.WalkDir(server.dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if strings.Contains(strings.ToLower(string(content)), "canary") {
			t.Errorf("%s shows what was stored", path)
		}
		if strings.Contains(string(content), "seen-by-the-probe") {
			probe++
		}
		return err
	})
	if err != nil || probe == 0 {
		t.Errorf("the probe was seen in %d files, %v; it is blind", probe, err)
	}
}
