package redis_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	driver "github.com/redis/go-redis/v9"

	"linkmail/broker"
	"linkmail/broker/redis"
	"linkmail/broker/storetest"
	"linkmail/broker/wire"
	"linkmail/internal/secret"
	"linkmail/internal/testclock"
)

// frontOf is a broker over a store.
func frontOf(t *testing.T, s broker.Store, now func() time.Time) *storetest.Front {
	t.Helper()
	b, err := storetest.NewBroker("", s, now)
	if err != nil {
		t.Fatal(err)
	}
	return storetest.NewFront(b.Handler())
}

// ready makes a session that waits to be fetched.
func ready(t *testing.T, f *storetest.Front) storetest.Flow {
	t.Helper()
	flow, status, err := f.Create("", 0)
	if err != nil || status != http.StatusCreated {
		t.Fatalf("create: %d, %v", status, err)
	}
	if _, err := f.Confirm(&flow); err != nil {
		t.Fatal(err)
	}
	if status, err := f.Complete(&flow, flow.Token, storetest.Envelope("text")); err != nil || status != http.StatusNoContent {
		t.Fatalf("complete: %d, %v", status, err)
	}
	return flow
}

func TestD34OneOf64WinsInTwoProcesses(t *testing.T) {
	storetest.RaceProcesses(t, url(newMini(t)).Reveal())
}

func TestA01A04TwoProcessesSpendOneBudget(t *testing.T) {
	m := newMini(t)
	storetest.TogetherProcesses(t, opened(t, redis.Config{URL: url(m)}), url(m).Reveal())
	everythingExpires(t, m)
}

func TestH79KilledAtEachTransition(t *testing.T) { storetest.Kill(t, url(newMini(t)).Reveal()) }

// eventually repeats a step until it has a status, as a client that was told
// to try again does.
func eventually(t *testing.T, want int, step func() (int, error)) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); ; {
		status, err := step()
		if err != nil {
			t.Fatal(err)
		}
		if status == want {
			return
		}
		if status != http.StatusServiceUnavailable || time.Now().After(end) {
			t.Fatalf("status %d, want %d", status, want)
		}
		time.Sleep(20 * time.Millisecond) // the rest of the fuse is by the real clock
	}
}

// readyAgain polls until the server is back, and returns the envelope that has
// waited.
func readyAgain(t *testing.T, f *storetest.Front, flow *storetest.Flow) wire.Poll {
	t.Helper()
	var got wire.Poll
	eventually(t, http.StatusOK, func() (status int, err error) {
		got, status, err = f.Poll(flow, flow.PollToken)
		return status, err
	})
	if got.Status != wire.Ready {
		t.Fatalf("poll when it is back: %s", got.Status)
	}
	return got
}

// unavailable checks that a broker says of everything that it can be tried
// again later; Front looks for the Retry-After.
func unavailable(t *testing.T, f *storetest.Front, flow *storetest.Flow) {
	t.Helper()
	for what, step := range map[string]func() (int, error){
		"create": func() (int, error) { _, status, err := f.Create("", 0); return status, err },
		"look":   func() (int, error) { return f.Look(flow) },
		"poll":   func() (int, error) { _, status, err := f.Poll(flow, flow.PollToken); return status, err },
		"readyz": f.Ready,
	} {
		if status, err := step(); err != nil || status != http.StatusServiceUnavailable {
			t.Errorf("%s: %d, %v; want 503", what, status, err)
		}
	}
}

func TestI86ErrorsOfTheServer(t *testing.T) {
	for word, text := range map[string]string{
		"LOADING":  "LOADING Redis is loading the dataset in memory",
		"READONLY": "READONLY You can't write against a read only replica.",
		"OOM":      "OOM command not allowed when used memory > 'maxmemory'.",
		"NOAUTH":   "NOAUTH Authentication required.",
		"refused":  "ERR canary of the server",
	} {
		t.Run(word, func(t *testing.T) {
			m := newMini(t)
			s := opened(t, redis.Config{URL: url(m)})
			f := frontOf(t, s, nil)
			flow := ready(t, f)
			m.SetError(text)
			unavailable(t, f, &flow)
			_, err := s.Count(t.Context())
			var fault *broker.StoreError
			if !errors.As(err, &fault) || fault.Cause != word || strings.Contains(err.Error(), "canary") {
				t.Errorf("Count = %v, want the cause %s", err, word)
			}
			m.SetError("")
			p, status, err := f.Poll(&flow, flow.PollToken)
			if err != nil || status != http.StatusOK || p.Status != wire.Ready {
				t.Errorf("poll afterwards: %s, %d, %v", p.Status, status, err)
			}
		})
	}
}

func TestI86ScriptsAreLoadedAgain(t *testing.T) {
	m := newMini(t)
	f := frontOf(t, opened(t, redis.Config{URL: url(m)}), nil)
	flow := ready(t, f)
	c := driver.NewClient(&driver.Options{Addr: m.Addr()})
	defer c.Close()
	if err := c.ScriptFlush(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	if p, status, err := f.Poll(&flow, flow.PollToken); err != nil || status != http.StatusOK || p.Status != wire.Ready {
		t.Errorf("poll: %s, %d, %v", p.Status, status, err)
	}
}

func TestI86TheServerDiesAndComesBack(t *testing.T) {
	m := newMini(t)
	f := frontOf(t, opened(t, redis.Config{URL: url(m)}), nil)
	flow := ready(t, f)
	m.Close()
	for range 20 { // the fuse blows meanwhile
		if _, status, err := f.Poll(&flow, flow.PollToken); err != nil || status != http.StatusServiceUnavailable {
			t.Fatalf("poll without a server: %d, %v; want 503", status, err)
		}
	}
	if err := m.Restart(); err != nil {
		t.Fatal(err)
	}
	readyAgain(t, f, &flow)
}

func TestI86NoServerAtTheStart(t *testing.T) {
	_, err := open(t.Context(), redis.Config{URL: secret.New("redis://user:canary@" + storetest.Nobody(t))})
	if err == nil || !strings.Contains(err.Error(), "unreachable") || strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), "user") {
		t.Errorf("Open = %v", err)
	}
}

// lossy stands between a client and a server and loses the answers to what it
// is told to. It never loses a question.
type lossy struct {
	net.Listener
	lose   atomic.Pointer[string] // answers to a question with this text
	lost   atomic.Int32
	asked  atomic.Int32 // questions with this text
	server string
	wg     sync.WaitGroup
}

func newLossy(t *testing.T, server string) *lossy {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &lossy{Listener: ln, server: server}
	l.wg.Go(func() {
		for {
			client, err := ln.Accept()
			if err != nil {
				return
			}
			l.wg.Go(func() { l.pass(client) })
		}
	})
	t.Cleanup(l.wg.Wait)
	t.Cleanup(func() { ln.Close() })
	return l
}

// pass copies questions and answers. One connection has one question at a
// time, so the answer that comes after a question belongs to it.
func (l *lossy) pass(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", l.server)
	if err != nil {
		return
	}
	defer server.Close()
	var losing atomic.Bool
	l.wg.Go(func() {
		defer client.Close()
		buf := make([]byte, 64<<10)
		for {
			n, err := server.Read(buf)
			if n > 0 && losing.Load() {
				l.lost.Add(1)
				return
			}
			if _, werr := client.Write(buf[:n]); err != nil || werr != nil {
				return
			}
		}
	})
	buf := make([]byte, 64<<10)
	for {
		n, err := client.Read(buf)
		if text := l.lose.Load(); text != nil && strings.Contains(string(buf[:n]), *text) {
			l.asked.Add(1)
			losing.Store(true)
		}
		if _, werr := server.Write(buf[:n]); err != nil || werr != nil {
			return
		}
	}
}

func TestI87ALostReplyIsNotAskedForAgain(t *testing.T) {
	m := newMini(t)
	l := newLossy(t, m.Addr())
	clock := testclock.New()
	m.SetTime(clock.Now())
	f := frontOf(t, opened(t, redis.Config{URL: secret.New("redis://" + l.Addr().String()), Now: clock.Now}), clock.Now)
	flow := ready(t, f)
	hash := redis.ReplaceHash
	l.lose.Store(&hash)
	if _, status, err := f.Poll(&flow, flow.PollToken); err != nil || status != http.StatusServiceUnavailable {
		t.Errorf("poll whose reply was lost: %d, %v; want 503", status, err)
	}
	if asked, lost := l.asked.Load(), l.lost.Load(); asked != 1 || lost != 1 {
		t.Errorf("the script was sent %d times and %d replies were lost, want 1 and 1", asked, lost)
	}
	l.lose.Store(nil)
	clock.Advance(5 * time.Second)
	m.SetTime(clock.Now())
	p, status, err := f.Poll(&flow, flow.PollToken)
	if err != nil || status != http.StatusOK || p.Status != wire.Consumed {
		t.Errorf("the next poll: %s, %d, %v; want consumed", p.Status, status, err)
	}
}

func TestI87ALostReplyToAQuestionIsAskedForAgain(t *testing.T) {
	m := newMini(t)
	l := newLossy(t, m.Addr())
	s := opened(t, redis.Config{URL: secret.New("redis://" + l.Addr().String())})
	flow := ready(t, frontOf(t, s, nil))
	hash := redis.FindHash
	l.lose.Store(&hash)
	done := make(chan struct{})
	go func() { // the first answer is lost, the others are not
		defer close(done)
		for l.lost.Load() == 0 {
			time.Sleep(time.Millisecond)
		}
		l.lose.Store(nil)
	}()
	_, err := s.Find(t.Context(), broker.Ref{ID: flow.SessionID})
	<-done
	if err != nil {
		t.Errorf("Find = %v", err)
	}
}

func TestI89ServersThatDropSessions(t *testing.T) {
	for policy, ok := range map[string]bool{
		"noeviction": true, "volatile-ttl": true, "allkeys-lru": false, "volatile-lru": false, "allkeys-random": false, "": false,
	} {
		m := miniredis.RunT(t)
		evicts(t, m, policy)
		s, err := open(t.Context(), redis.Config{URL: url(m)})
		if err == nil {
			s.Close()
		}
		if (err == nil) != ok || !ok && !strings.Contains(err.Error(), "maxmemory") {
			t.Errorf("policy %q: %v, want accepted: %v", policy, err, ok)
		}
	}
}

func TestI89EveryKeyExpires(t *testing.T) {
	m := newMini(t)
	f := frontOf(t, opened(t, redis.Config{URL: url(m)}), nil)
	check := func() { t.Helper(); everythingExpires(t, m) }
	flow, _, err := f.Create("state-0123456789abcdef", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	check()
	left := m.TTL("{linkauth}:live")
	for _, step := range []func() error{
		func() error { _, err := f.Confirm(&flow); return err },
		func() error { _, err := f.Leave(&flow, flow.Token); return err },
		func() error { _, err := f.Return(&flow, "cc"); return err },
		func() error { _, _, err := f.Poll(&flow, flow.PollToken); return err },
	} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
		check()
	}
	sessions := 0
	for _, key := range m.Keys() {
		kind := strings.TrimPrefix(key, "{linkauth}:")[:2]
		if kind != "s:" && kind != "c:" && kind != "t:" {
			continue
		}
		if sessions++; m.TTL(key) > left {
			t.Errorf("key %.20q... lives %v, longer than at first", key, m.TTL(key))
		}
	}
	if sessions == 0 {
		t.Error("there is no session; the probe is blind")
	}
	m.FastForward(2 * time.Hour)
	if keys := m.Keys(); len(keys) > 0 {
		t.Errorf("%d keys are left when everything has expired", len(keys))
	}
}

func TestI90BrokersWhoseClocksDiffer(t *testing.T) {
	for name, ahead := range map[string]time.Duration{"ahead": time.Minute, "behind": -time.Minute, "an hour ahead": time.Hour, "a little ahead": 900 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			m, clock := newMini(t), testclock.New()
			m.SetTime(clock.Now())
			here := opened(t, redis.Config{URL: url(m), Now: clock.Now})
			theirs := func() time.Time { return clock.Now().Add(ahead) }
			there := opened(t, redis.Config{URL: url(m), Now: theirs})
			one, two := frontOf(t, here, clock.Now), frontOf(t, there, theirs)

			flow, _, err := one.Create("", time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			session, err := there.Find(t.Context(), broker.Ref{ID: flow.SessionID})
			if err != nil {
				t.Fatal(err)
			}
			if left := session.Expires.Sub(theirs()); (left - time.Minute).Abs() > time.Second {
				t.Errorf("by the other clock %v are left, want a minute", left)
			}
			pass := func(d time.Duration) {
				clock.Advance(d)
				m.SetTime(clock.Now())
				m.FastForward(d)
			}
			pass(58 * time.Second)
			if _, err := two.Confirm(&flow); err != nil || flow.Token == "" {
				t.Errorf("confirm at the other broker, 58 s into a minute: token %q, %v", flow.Token, err)
			}
			// What the other broker wrote is still by the clock of the first.
			if session, err = here.Find(t.Context(), broker.Ref{ID: flow.SessionID}); err != nil || !session.Expires.Equal(flow.ExpiresAt) {
				t.Errorf("the session ends at %v, %v; was to end at %v", session.Expires, err, flow.ExpiresAt)
			}
			pass(2 * time.Second)
			for _, f := range []*storetest.Front{one, two} {
				if _, status, err := f.Poll(&flow, flow.PollToken); err != nil || status != http.StatusNotFound {
					t.Errorf("poll after a minute: %d, %v; want 404", status, err)
				}
			}
		})
	}
}

func TestBrokersWithDifferentKeysDoNotShare(t *testing.T) {
	m := newMini(t)
	s := opened(t, redis.Config{URL: url(m)})
	ready(t, frontOf(t, s, nil))
	other, err := broker.NewSealer(broker.NewSealKey())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := open(t.Context(), redis.Config{URL: url(m), Sealer: other}); err == nil || !strings.Contains(err.Error(), "another key") {
		t.Errorf("Open with another key = %v", err)
	}
	apart := opened(t, redis.Config{URL: url(m), Sealer: other, Prefix: "other"})
	if n, err := apart.Count(t.Context()); err != nil || n != 0 {
		t.Errorf("Count under another prefix = %d, %v; want 0", n, err)
	}
}

func TestNothingIsReadableWithoutTheKey(t *testing.T) {
	m := newMini(t)
	s := opened(t, redis.Config{URL: url(m)})
	one := broker.Session{
		ID: "canary-id", Code: secret.New("CANARYCODE"), Ciphertext: "canary-envelope", DisplayName: "canary", Target: secret.New("canary"),
		Expires: time.Now().Add(time.Minute),
	}
	if err := s.Create(t.Context(), one); err != nil {
		t.Fatal(err)
	}
	dump := m.Dump()
	code := one.CodeDigest()
	if strings.Contains(strings.ToLower(dump), "canary") || strings.Contains(dump, string(code[:])) {
		t.Error("the dump shows what was stored")
	}
	if len(dump) < 200 {
		t.Errorf("the dump has %d bytes; the probe is blind", len(dump))
	}
}

func TestACallWithoutADeadlineEnds(t *testing.T) {
	// A server that takes connections and says nothing.
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	defer ln.Close()
	wg.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { _, _ = io.Copy(io.Discard, c); c.Close() })
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, err = open(ctx, redis.Config{URL: secret.New("redis://" + ln.Addr().String())})
	if err == nil || !strings.Contains(err.Error(), "timeout") || ctx.Err() != nil {
		t.Errorf("Open = %v, want a timeout", err)
	}
}
