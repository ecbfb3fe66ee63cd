package linkauth_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"

	"linkmail/auth"
	"linkmail/auth/linkauth"
	"linkmail/cache"
	"linkmail/internal/secret"
)

// wireless lets a client speak to a handler without a network, so that time
// stands still for both of them (testing/synctest).
type wireless struct{ h http.Handler }

func (w wireless) RoundTrip(req *http.Request) (*http.Response, error) {
	read, write := io.Pipe()
	out := &piped{PipeWriter: write, header: http.Header{}, begun: make(chan struct{})}
	ctx := req.Context()
	stop := context.AfterFunc(ctx, func() { _ = read.CloseWithError(ctx.Err()) })
	go func() {
		defer stop()
		defer func() {
			if recover() != nil { // http.ErrAbortHandler: it hangs up
				_ = write.CloseWithError(io.ErrUnexpectedEOF)
			}
			out.WriteHeader(http.StatusOK)
			_ = write.Close()
		}()
		w.h.ServeHTTP(out, req)
	}()
	select {
	case <-out.begun:
		return &http.Response{
			StatusCode: out.status, Header: out.header, Body: read, Request: req,
			Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, ContentLength: -1,
		}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// piped is the handler's end.
type piped struct {
	*io.PipeWriter
	header http.Header
	status int
	begun  chan struct{}
	once   sync.Once
}

func (p *piped) Header() http.Header { return p.header }
func (p *piped) WriteHeader(status int) {
	p.once.Do(func() {
		p.status = status
		close(p.begun)
	})
}

func (p *piped) Write(b []byte) (int, error) {
	p.WriteHeader(http.StatusOK)
	return p.PipeWriter.Write(b)
}

// signIn is the provider that a connector's login is behind, as far as it waits.
type signIn struct{ c *linkauth.Connector }

func (s signIn) Token(ctx context.Context, req auth.Request) (*oauth2.Token, error) {
	one := login("one")
	one.Principal = req.Principal
	return s.c.Login(ctx, one)
}

func (s signIn) Wait(ctx context.Context, c *auth.Challenge) error { return s.c.Wait(ctx, c) }

var anyone = auth.Request{Principal: auth.Principal{Subject: "local"}, Scope: "gmail"}

// vigil is a broker, a person who is done when the test says so, and a watcher
// that was answered with a link.
type vigil struct {
	b       *scripted
	c       *linkauth.Connector
	watcher *auth.Watcher
	link    *auth.Challenge
	begun   time.Time
	store   cache.Store
}

const pendingPoll = `{"status":"pending","interval":5,"ciphertext":null,"algorithm":null}`

// keepVigil begins one. The stream is nil for a broker that has none.
func keepVigil(t *testing.T, stream http.HandlerFunc) *vigil {
	t.Helper()
	v := &vigil{b: &scripted{create: opened, events: stream}, store: cache.NewMemory(nil), begun: time.Now()}
	v.b.says(ok(pendingPoll))
	var err error
	v.c, err = linkauth.New(linkauth.Config{
		BrokerURL: "https://broker.example", APIKey: secret.New(apiKeyCanary), Store: v.store,
		HTTP: &http.Client{Transport: wireless{v.b}, Timeout: 15 * time.Second},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { time.Sleep(10 * time.Second) }) // a handler that sleeps wakes, and sees that its client is gone
	v.watcher = auth.NewWatcher(auth.WatcherConfig{Provider: signIn{v.c}})
	t.Cleanup(v.watcher.Close)
	_, err = v.watcher.Token(t.Context(), anyone)
	c := link(t, err)
	v.link = &c
	return v
}

// until waits for the watch and returns how long it took.
func (v *vigil) until(t *testing.T) (time.Duration, error) {
	t.Helper()
	err := v.watcher.Wait(t.Context(), anyone.Principal, v.link)
	return time.Since(v.begun), err
}

// seen returns how many polls and streams there were. The polls keep to the
// interval, but for one that a stream invited, and there are no more streams
// than polls.
func (v *vigil) seen(t *testing.T) (polls, streams int) {
	t.Helper()
	v.b.mu.Lock()
	defer v.b.mu.Unlock()
	var last time.Time
	early := 0
	for _, r := range v.b.asked {
		if r.stream {
			streams++
			continue
		}
		if polls++; !last.IsZero() && r.at.Sub(last) < 5*time.Second {
			early++
		}
		last = r.at
	}
	if early > 1 {
		t.Errorf("%d polls came before the interval of 5 s had passed", early)
	}
	if streams > polls+1 {
		t.Errorf("%d streams for %d polls", streams, polls)
	}
	return polls, streams
}

func event(status string) string {
	return "event: status\ndata: {\"status\":\"" + status + "\",\"expires_at\":\"2026-11-23T15:48:18Z\"}\n\n"
}

// tells is a broker's stream: it says how the session stands, then that the
// connection lives, and at the given moment the last word.
func tells(after time.Duration, last string) http.HandlerFunc {
	ready := time.Now().Add(after)
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
		_, _ = io.WriteString(w, "retry: 1000\n\n"+event("pending"))
		beat := time.NewTicker(15 * time.Second)
		defer beat.Stop()
		for {
			select {
			case <-time.After(time.Until(ready)):
				_, _ = io.WriteString(w, event(last))
				return
			case <-beat.C:
				if _, err := io.WriteString(w, ": still here\n\n"); err != nil {
					return
				}
			case <-r.Context().Done():
				return
			}
		}
	}
}

func TestTheAnswerIsTakenUpAtOnceWhereTheBrokerTellsEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const done = 93*time.Second + 400*time.Millisecond
		v := keepVigil(t, tells(done, "ready"))
		v.b.says(v.b.sealed(t, tokens))
		if took, err := v.until(t); err != nil || took != done {
			t.Errorf("the watch ended with %v after %v, want nil after %v", err, took, done)
		}
		if polls, streams := v.seen(t); polls != 1 || streams != 1 {
			t.Errorf("%d polls and %d streams, want one of each", polls, streams)
		}
		token, err := v.watcher.Token(t.Context(), anyone)
		if err != nil || token.RefreshToken != refreshCanary {
			t.Errorf("the token is not the one that the broker delivered: %v", err)
		}
	})
}

// TestPollingGoesOnWithoutAStream: whatever stands in for a stream of events,
// the answer is there with one of the next polls.
func TestPollingGoesOnWithoutAStream(t *testing.T) {
	answer := func(status int, kind, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.Header().Set("Location", "https://elsewhere.example/")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	}
	sending := func(text string, then func(io.Writer)) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			w.WriteHeader(http.StatusOK)
			_, _ = io.WriteString(w, text)
			if then != nil {
				then(w)
				<-r.Context().Done()
			}
		}
	}
	silent := func(io.Writer) {}
	const done = 90 * time.Second
	tests := []struct {
		name    string
		stream  http.HandlerFunc
		streams int // the most there may be; 0 for as many as polls
		late    time.Duration
	}{
		{"a broker without events", nil, 1, 5 * time.Second},
		{"another method is wanted", answer(405, "application/json", `{"detail":"Method Not Allowed"}`), 1, 5 * time.Second},
		{"a page of the network", answer(200, "text/html", "<html>event: status"), 1, 5 * time.Second},
		{"JSON", answer(200, "application/json", pendingPoll), 1, 5 * time.Second},
		{"a redirect", answer(302, "text/event-stream", ""), 1, 5 * time.Second},
		{"a refusal", answer(403, "application/problem+json", `{"status":403}`), 1, 5 * time.Second},
		{"too many streams", answer(429, "application/problem+json", `{"status":429}`), 3, 5 * time.Second},
		{"a broker that is away", answer(503, "text/html", ""), 3, 5 * time.Second},
		{"a proxy that holds the answer back", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, 3, 5 * time.Second},
		{"a stream that never says anything", sending("", silent), 3, 5 * time.Second},
		{"comments without end", sending("", func(w io.Writer) {
			for _, err := io.WriteString(w, ": x\n"); err == nil; _, err = io.WriteString(w, ": x\n") {
				time.Sleep(time.Second)
			}
		}), 3, 5 * time.Second},
		{"a line without end", sending("data: "+strings.Repeat("x", 1<<20), silent), 3, 5 * time.Second},
		{"other events", sending("event: note\ndata: {\"status\":\"ready\"}\n\n", silent), 3, 5 * time.Second},
		{"words that are no status", sending("event: status\ndata: ready\n\n", nil), 3, 5 * time.Second},
		{"a stream that breaks off at once", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, 3, 5 * time.Second},
		{"a stream that breaks off after a word", sending(event("pending"), nil), 0, 5 * time.Second},
		{"a stream that goes silent after a word", sending(event("pending"), silent), 0, 26 * time.Second},
		{"a stream that says ready when nothing is", sending(event("ready"), nil), 0, 5 * time.Second},
		{"a stream that says the same without end", sending("", func(w io.Writer) {
			for _, err := io.WriteString(w, event("pending")); err == nil; _, err = io.WriteString(w, event("pending")) {
				time.Sleep(time.Millisecond)
			}
		}), 0, 26 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := keepVigil(t, tt.stream)
				ready := v.b.sealed(t, tokens)
				time.AfterFunc(done, func() { v.b.says(ready) })
				took, err := v.until(t)
				if err != nil || took < done || took > done+tt.late {
					t.Errorf("the watch ended with %v after %v, want nil at most %v after the person was done", err, took-done, tt.late)
				}
				polls, streams := v.seen(t)
				if tt.streams > 0 && streams > tt.streams {
					t.Errorf("%d streams, want at most %d", streams, tt.streams)
				}
				if tt.streams > 0 && polls < 15 {
					t.Errorf("%d polls in %v at an interval of 5 s", polls, took)
				}
			})
		})
	}
}

func TestAStreamThatBreaksIsTakenUpAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rest := tells(60*time.Second, "ready")
		broken := false
		v := keepVigil(t, func(w http.ResponseWriter, r *http.Request) {
			if !broken {
				broken = true
				ctx, cancel := context.WithTimeout(r.Context(), 20*time.Second)
				defer cancel()
				r = r.WithContext(ctx) // the broker is restarted after 20 seconds
			}
			rest(w, r)
		})
		ready := v.b.sealed(t, tokens)
		time.AfterFunc(59*time.Second, func() { v.b.says(ready) })
		if took, err := v.until(t); err != nil || took != 60*time.Second {
			t.Errorf("the watch ended with %v after %v, want nil after a minute", err, took)
		}
		if polls, streams := v.seen(t); polls != 2 || streams != 2 {
			t.Errorf("%d polls and %d streams, want two of each", polls, streams)
		}
	})
}

// TestACallDoesNotPollWhatTheStreamTells: not even one that comes when a poll
// would be due, and what the stream said before counts.
func TestACallDoesNotPollWhatTheStreamTells(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := keepVigil(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = io.WriteString(w, event("pending"))
			time.Sleep(7 * time.Second)
			_, _ = io.WriteString(w, event("confirmed"))
			tells(time.Hour, "expired")(w, r)
		})
		again := func() auth.Challenge {
			_, err := v.watcher.Token(t.Context(), anyone)
			return link(t, err)
		}
		time.Sleep(6 * time.Second)
		if c := again(); c.Code != v.link.Code || !c.Renews.IsZero() {
			t.Errorf("before anybody opened it: %+v", c)
		}
		time.Sleep(6 * time.Second)
		if c := again(); c.Code != v.link.Code || c.Renews.Sub(v.begun) != 7*time.Second+4*time.Minute {
			t.Errorf("after it was opened: %+v", c)
		}
		if polls, _ := v.seen(t); polls != 0 {
			t.Errorf("%d polls beside a stream that lives", polls)
		}
		time.Sleep(4 * time.Minute)
		fresh := again()
		if fresh.Code == v.link.Code || fresh.Previous != auth.Abandoned {
			t.Errorf("four minutes later: %+v, want a fresh link", fresh)
		}
		// The fresh link was handed out, so it is the one that is watched now.
		time.Sleep(time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := v.watcher.Wait(ctx, anyone.Principal, &fresh); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the fresh link: Wait = %v, want that it is watched", err)
		}
	})
}

func TestAStreamThatEndsBadly(t *testing.T) {
	t.Run("the session has run out at the broker", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			v := keepVigil(t, tells(time.Minute, "expired"))
			if took, err := v.until(t); !errors.Is(err, auth.ErrUnfinished) || took != time.Minute {
				t.Errorf("the watch ended with %v after %v", err, took)
			}
			if created, _ := v.b.counts(); created != 1 {
				t.Errorf("%d sessions, want that nobody asks for a link that nobody sees", created)
			}
		})
	})
	t.Run("the person said no", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			v := keepVigil(t, tells(time.Minute, "failed"))
			v.b.says(ok(`{"status":"failed","error":"access_denied"}`))
			if took, err := v.until(t); err != nil || took != time.Minute {
				t.Errorf("the watch ended with %v after %v", err, took)
			}
			_, err := v.watcher.Token(t.Context(), anyone)
			if got := failure(t, err); got.Kind != auth.Denied {
				t.Errorf("the next call is told %+v", got)
			}
		})
	})
	t.Run("a ready session has no result yet", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			v := keepVigil(t, tells(time.Minute, "ready"))
			v.b.says(ok(`{"status":"ready","ciphertext":null}`), v.b.sealed(t, tokens))
			if took, err := v.until(t); err != nil || took != 65*time.Second {
				t.Errorf("the watch ended with %v after %v, want nil with the next poll", err, took)
			}
			v.seen(t)
		})
	})
}

func TestManyWaitOverOneStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := keepVigil(t, tells(time.Minute, "ready"))
		v.b.says(v.b.sealed(t, tokens))
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				time.Sleep(time.Duration(i) * time.Second)
				if err := v.c.Wait(t.Context(), v.link); err != nil {
					t.Errorf("Wait = %v", err)
				}
			})
		}
		all.Wait()
		if _, streams := v.seen(t); streams != 1 {
			t.Errorf("%d streams, want one", streams)
		}
	})
}

func TestAWaitEndsWithItsContextAndKnowsItsLinks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := keepVigil(t, tells(time.Hour, "ready"))
		v.watcher.Close()
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		if err := v.c.Wait(ctx, v.link); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Wait = %v, want the error of its context", err)
		}
		if err := v.c.Wait(t.Context(), &auth.Challenge{URL: "https://broker.example/connect/OTHER"}); !errors.Is(err, auth.ErrNoWait) {
			t.Errorf("another link: Wait = %v, want ErrNoWait", err)
		}
		// Nothing of it says a secret.
		if said := fmt.Sprintf("%v %+v", v.c, v.c); strings.Contains(said, pollTokenCanary) || strings.Contains(said, apiKeyCanary) {
			t.Error("the connector prints a secret")
		}
	})
}
