package auth_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"

	"linkmail/auth"
)

// tenant is a provider whose person acts when the test says so.
type tenant struct {
	mu     sync.Mutex
	asked  []time.Time
	answer error // nil: a token
}

func (p *tenant) Token(context.Context, auth.Request) (*oauth2.Token, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, time.Now())
	if p.answer != nil {
		return nil, p.answer
	}
	return &oauth2.Token{AccessToken: "token"}, nil
}

func (p *tenant) set(answer error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answer = answer
}

func (p *tenant) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.asked)
}

var gmailOfAda = auth.Request{Principal: auth.Principal{Subject: "ada"}, Scope: "gmail"}

func link(url string, life time.Duration) *auth.Challenge {
	return &auth.Challenge{URL: url, Code: "ABCD-1234", Scope: "gmail", Expires: time.Now().Add(life)}
}

// watching returns a watcher whose first request was answered with c.
func watching(t *testing.T, p *tenant, c *auth.Challenge) *auth.Watcher {
	t.Helper()
	w := auth.NewWatcher(auth.WatcherConfig{Provider: p})
	t.Cleanup(w.Close)
	p.set(c)
	if _, err := w.Token(t.Context(), gmailOfAda); !errors.Is(err, c) {
		t.Fatalf("Token = %v, want the challenge", err)
	}
	return w
}

func TestAWatchEndsWhenThePersonIsDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &tenant{}
		c := link("https://broker.example/1", 10*time.Minute)
		w := watching(t, p, c)
		time.AfterFunc(90*time.Second-time.Millisecond, func() { p.set(nil) })
		if err := w.Wait(t.Context(), gmailOfAda.Principal, c); err != nil {
			t.Errorf("Wait = %v, want nil", err)
		}
		asked := p.count()
		if asked != 91 {
			t.Errorf("the provider was asked %d times in 90 s, want once and then every second", asked)
		}
		time.Sleep(time.Hour)
		if got := p.count(); got != asked {
			t.Errorf("the provider was asked %d times more after the token came", got-asked)
		}
	})
}

func TestAWatchNeverAsksForANewLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &tenant{}
		c := link("https://broker.example/1", 10*time.Minute)
		w := watching(t, p, c)
		if err := w.Wait(t.Context(), gmailOfAda.Principal, c); !errors.Is(err, auth.ErrUnfinished) {
			t.Errorf("Wait = %v, want ErrUnfinished", err)
		}
		time.Sleep(time.Hour)
		if last := p.asked[len(p.asked)-1]; !last.Before(c.Expires) {
			t.Errorf("the provider was asked %v after the link ran out", last.Sub(c.Expires))
		}
	})
}

func TestAWatchIsBoundedWhateverTheChallengeSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, life := range []time.Duration{0, 1000 * time.Hour} {
			p := &tenant{}
			c := link("https://broker.example/1", life)
			if life == 0 {
				c.Expires = time.Time{}
			}
			w := watching(t, p, c)
			started := time.Now()
			if err := w.Wait(t.Context(), gmailOfAda.Principal, c); !errors.Is(err, auth.ErrUnfinished) {
				t.Errorf("Wait = %v, want ErrUnfinished", err)
			}
			if took := time.Since(started); took > 16*time.Minute {
				t.Errorf("a link of life %v was watched for %v", life, took)
			}
		}
	})
}

func TestAFailureThatEndsAWatchIsSaidOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &tenant{}
		c := link("https://broker.example/1", 10*time.Minute)
		w := watching(t, p, c)
		denied := &auth.Failure{Kind: auth.Denied, Code: "access_denied", Message: "the person said no"}
		p.set(denied)
		if err := w.Wait(t.Context(), gmailOfAda.Principal, c); err != nil {
			t.Errorf("Wait = %v, want nil: it has come to something", err)
		}
		fresh := link("https://broker.example/2", 10*time.Minute)
		p.set(fresh)
		other := gmailOfAda
		other.Principal.Subject = "bob"
		for _, ask := range []struct {
			who  string
			req  auth.Request
			want error
		}{{"another user", other, fresh}, {"the user", gmailOfAda, denied}, {"the user again", gmailOfAda, fresh}} {
			if _, err := w.Token(t.Context(), ask.req); !errors.Is(err, ask.want) {
				t.Errorf("%s is answered %v, want %v", ask.who, err, ask.want)
			}
		}
	})
}

func TestAForgottenFailureIsNotSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &tenant{}
		c := link("https://broker.example/1", 10*time.Minute)
		w := watching(t, p, c)
		p.set(&auth.Failure{Kind: auth.Denied})
		time.Sleep(20 * time.Minute)
		p.set(nil)
		if _, err := w.Token(t.Context(), gmailOfAda); err != nil {
			t.Errorf("Token = %v, want a token", err)
		}
	})
}

func TestAWatchGoesOnWhileTheProviderIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &tenant{}
		c := link("https://broker.example/1", 10*time.Minute)
		w := watching(t, p, c)
		p.set(&auth.Failure{Kind: auth.Unavailable})
		time.AfterFunc(time.Minute, func() { p.set(errors.New("unexpected")) })
		time.AfterFunc(2*time.Minute, func() { p.set(nil) })
		started := time.Now()
		if err := w.Wait(t.Context(), gmailOfAda.Principal, c); err != nil || time.Since(started) < 2*time.Minute {
			t.Errorf("Wait = %v after %v, want nil after two minutes", err, time.Since(started))
		}
	})
}

func TestAWatchFollowsTheNextStepButNoReplacement(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &tenant{}
		first := link("https://broker.example/1", 10*time.Minute)
		w := watching(t, p, first)
		second := link("https://broker.example/2", 10*time.Minute)
		second.Step = 2
		p.set(second)
		if err := w.Wait(t.Context(), gmailOfAda.Principal, first); err != nil {
			t.Errorf("the first link: Wait = %v, want nil", err)
		}
		lost := link("https://broker.example/3", 10*time.Minute)
		lost.Previous = auth.Lost
		time.AfterFunc(time.Minute, func() { p.set(lost) })
		if err := w.Wait(t.Context(), gmailOfAda.Principal, second); !errors.Is(err, auth.ErrUnfinished) {
			t.Errorf("the second link, which was lost: Wait = %v, want ErrUnfinished", err)
		}
		asked := p.count()
		time.Sleep(time.Hour)
		if p.count() != asked {
			t.Error("the link in place of a lost one is watched, though nobody has seen it")
		}
	})
}

func TestThereIsOneWatchForAPrincipalAndScope(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &tenant{}
		c := link("https://broker.example/1", 10*time.Minute)
		w := watching(t, p, c)
		for range 100 {
			if _, err := w.Token(t.Context(), gmailOfAda); !errors.Is(err, c) {
				t.Fatal(err)
			}
		}
		before := p.count()
		time.Sleep(10*time.Second + time.Millisecond)
		if got := p.count() - before; got != 10 {
			t.Errorf("the provider was asked %d times in ten seconds, want 10", got)
		}
	})
}

func TestWatchesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &tenant{answer: link("https://broker.example/1", 10*time.Minute)}
		w := auth.NewWatcher(auth.WatcherConfig{Provider: p, Limit: 2})
		defer w.Close()
		for _, who := range []string{"ada", "bob", "eve"} {
			if _, err := w.Token(t.Context(), auth.Request{Principal: auth.Principal{Subject: who}}); err == nil {
				t.Fatal("no challenge")
			}
		}
		before := p.count()
		time.Sleep(10*time.Second + time.Millisecond)
		if got := p.count() - before; got != 20 {
			t.Errorf("the provider was asked %d times in ten seconds, want 20 for two watches", got)
		}
	})
}

func TestAWaitEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &tenant{}
		c := link("https://broker.example/1", 10*time.Minute)
		w := watching(t, p, c)
		ctx, cancel := context.WithTimeout(t.Context(), 45*time.Second)
		defer cancel()
		if err := w.Wait(ctx, gmailOfAda.Principal, c); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("with its context: Wait = %v", err)
		}
		if err := w.Wait(t.Context(), auth.Principal{Subject: "bob"}, c); !errors.Is(err, auth.ErrUnfinished) {
			t.Errorf("for another user: Wait = %v, want ErrUnfinished at once", err)
		}
		go func() {
			time.Sleep(time.Second)
			w.Close()
		}()
		if err := w.Wait(t.Context(), gmailOfAda.Principal, c); !errors.Is(err, auth.ErrUnfinished) {
			t.Errorf("with the watcher: Wait = %v, want ErrUnfinished", err)
		}
		// After Close it still answers, and watches nothing.
		before := p.count()
		if _, err := w.Token(t.Context(), gmailOfAda); !errors.Is(err, c) {
			t.Errorf("Token = %v, want the challenge", err)
		}
		time.Sleep(time.Minute)
		if got := p.count() - before; got != 1 {
			t.Errorf("the provider was asked %d times after Close, want 1", got)
		}
	})
}

// hearing is a tenant that knows when to ask again.
type hearing struct {
	tenant
	news chan struct{} // gets a value when there is something to ask for
	says error         // what Wait answers at once; nil: it waits for news
}

func (p *hearing) Wait(ctx context.Context, _ *auth.Challenge) error {
	if p.says != nil {
		return p.says
	}
	select {
	case <-p.news:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// listening returns a watcher over p whose first request was answered with c.
func listening(t *testing.T, p *hearing, c *auth.Challenge) *auth.Watcher {
	t.Helper()
	p.news = make(chan struct{})
	w := auth.NewWatcher(auth.WatcherConfig{Provider: p})
	t.Cleanup(w.Close)
	p.set(c)
	if _, err := w.Token(t.Context(), gmailOfAda); !errors.Is(err, c) {
		t.Fatalf("Token = %v, want the challenge", err)
	}
	return w
}

func TestAProviderThatHearsIsAskedWhenItSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &hearing{}
		c := link("https://broker.example/1", 10*time.Minute)
		w := listening(t, p, c)
		started := time.Now()
		second := link("https://broker.example/1", 10*time.Minute) // the second step of the same link
		second.Step = 2
		time.AfterFunc(90*time.Second, func() { p.set(second); p.news <- struct{}{} })
		time.AfterFunc(90*time.Second+time.Millisecond, func() { p.set(nil); p.news <- struct{}{} })
		if err := w.Wait(t.Context(), gmailOfAda.Principal, c); err != nil || time.Since(started) != 90*time.Second+time.Millisecond {
			t.Errorf("Wait = %v after %v, want nil as soon as the second step is done", err, time.Since(started))
		}
		if asked := p.count(); asked != 3 {
			t.Errorf("the provider was asked %d times, want 3", asked)
		}
	})
}

func TestAProviderThatHearsOfNothingNewIsNotAskedWithoutEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &hearing{}
		c := link("https://broker.example/1", 10*time.Minute)
		w := listening(t, p, c)
		close(p.news) // it always says that there is news
		time.Sleep(10*time.Second + time.Millisecond)
		if asked := p.count(); asked > 12 {
			t.Errorf("the provider was asked %d times in ten seconds, want at most once a second", asked)
		}
		w.Close()
	})
}

func TestAProviderThatCannotHearIsAskedEverySecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &hearing{says: auth.ErrNoWait}
		c := link("https://broker.example/1", 10*time.Minute)
		w := listening(t, p, c)
		time.AfterFunc(10*time.Second-time.Millisecond, func() { p.set(nil) })
		if err := w.Wait(t.Context(), gmailOfAda.Principal, c); err != nil {
			t.Errorf("Wait = %v, want nil", err)
		}
		if asked := p.count(); asked != 11 {
			t.Errorf("the provider was asked %d times in ten seconds, want once and then every second", asked)
		}
	})
}

func TestAWatchEndsWhenNothingMoreWillBeHeard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &hearing{says: auth.ErrUnfinished}
		c := link("https://broker.example/1", 10*time.Minute)
		w := listening(t, p, c)
		if err := w.Wait(t.Context(), gmailOfAda.Principal, c); !errors.Is(err, auth.ErrUnfinished) {
			t.Errorf("Wait = %v, want ErrUnfinished", err)
		}
		if asked := p.count(); asked != 1 {
			t.Errorf("the provider was asked %d times, want not again: that would open a link", asked)
		}
		p = &hearing{}
		w = listening(t, p, c)
		if err := w.Wait(t.Context(), gmailOfAda.Principal, c); !errors.Is(err, auth.ErrUnfinished) || p.count() != 1 {
			t.Errorf("when the link ran out: Wait = %v, asked %d times", err, p.count())
		}
	})
}

func TestALinkThatWasHandedOutIsWatchedInPlaceOfTheOneBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &hearing{}
		w := listening(t, p, link("https://broker.example/1", 10*time.Minute))
		fresh := link("https://broker.example/2", 10*time.Minute)
		fresh.Previous = auth.Abandoned
		p.set(fresh)
		if _, err := w.Token(t.Context(), gmailOfAda); !errors.Is(err, fresh) {
			t.Fatal(err)
		}
		p.news <- struct{}{}
		time.AfterFunc(time.Minute, func() { p.set(nil); p.news <- struct{}{} })
		time.Sleep(time.Second)
		if err := w.Wait(t.Context(), gmailOfAda.Principal, fresh); err != nil {
			t.Errorf("Wait = %v, want nil", err)
		}
	})
}
