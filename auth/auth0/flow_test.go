package auth0_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"linkmail/auth"
	"linkmail/auth/auth0"
	"linkmail/auth/linkauth"
	"linkmail/internal/secret"
	"linkmail/internal/standin"
)

func TestProblem04TheDoubleFlowTakesOneLinkAndOneProcessPerCall(t *testing.T) {
	r := newRig(t)
	_, err := r.ask(gmail)
	first := challenge(t, err)
	if first.Step != 1 || first.Scope != "gmail" || !strings.HasPrefix(first.URL, r.broker+"/connect/") || first.Code == "" {
		t.Fatalf("the first challenge is %+v", first)
	}
	_, err = r.ask(gmail)
	if again := challenge(t, err); again.URL != first.URL || again.Code != first.Code {
		t.Fatalf("asked again before the person acted: %+v, want %+v", again, first)
	}
	r.visit(first, standin.Choice{})
	r.poll()

	_, err = r.ask(gmail)
	second := challenge(t, err)
	if second.Step != 2 || second.URL != first.URL || second.Code != first.Code {
		t.Fatalf("the second challenge is %+v, want the link and the code of the first, %+v", second, first)
	}
	if life := second.Expires.Sub(r.clock.Now()); life != 5*time.Minute {
		t.Errorf("the second link lives %v, want the five minutes of Auth0's ticket", life)
	}
	_, err = r.ask(gmail)
	if again := challenge(t, err); again.URL != second.URL {
		t.Fatalf("asked again before the person acted: %+v, want %+v", again, second)
	}
	r.visit(second, standin.Choice{})
	r.poll()

	token, err := r.ask(gmail)
	if err != nil {
		t.Fatal(describe(err))
	}
	if token.AccessToken == "" || token.Type() != "Bearer" || token.Expiry.Sub(r.clock.Now()) < time.Minute {
		t.Errorf("the token is of type %s and expires %v", token.Type(), token.Expiry)
	}
	exchanges := r.world.TokenRequests(standin.GrantVault)
	again, err := r.ask(gmail)
	if err != nil || again.AccessToken != token.AccessToken {
		t.Errorf("the next process got %v, want the same token", describe(err))
	}
	if got := r.world.TokenRequests(standin.GrantVault); got != exchanges || got != 2 {
		t.Errorf("%d exchanges, then %d; want 2 and none for the cached token", exchanges, got)
	}
	if connects, completes := r.count(connectPath), r.count(completePath); connects != 1 || completes != 1 {
		t.Errorf("%d connects and %d completes, want one of each", connects, completes)
	}
}

func TestAnotherServiceNeedsNoOtherLogin(t *testing.T) {
	r := newRig(t)
	r.connect()
	drive := gmail
	drive.Scope = "google-drive"
	_, err := r.ask(drive)
	link := challenge(t, err)
	if link.Step != 2 || link.Scope != "google-drive" {
		t.Fatalf("challenge is %+v, want one to connect", link)
	}
	r.visit(link, standin.Choice{})
	r.poll()
	if _, err := r.ask(drive); err != nil {
		t.Fatal(describe(err))
	}
	// The new consent kept what the old one had.
	r.clock.Advance(2 * time.Hour)
	if _, err := r.ask(gmail); err != nil {
		t.Errorf("gmail after the consent for drive: %s", describe(err))
	}
}

// TestAKilledProcessIsResumedAtEveryStep kills the first process at each of
// its writes to the cache in turn, with what it had asked of others done and
// its answers lost, and lets further processes take over.
func TestAKilledProcessIsResumedAtEveryStep(t *testing.T) {
	for name, held := range map[string]bool{"with the secret here": false, "with the secret at the broker": true} {
		t.Run(name, func(t *testing.T) { killAtEveryStep(t, held) })
	}
}

func killAtEveryStep(t *testing.T, held bool) {
	t.Helper()
	for n := range 200 {
		r := newRig(t)
		r.held = held
		store := &crashing{Store: r.store(), left: n}
		links, logins, token := 0, 0, (*oauth2.Token)(nil)
		for calls := 0; token == nil; calls++ {
			if calls > 20 {
				t.Fatalf("killed at write %d: no end after %d calls and %d links", n, calls, links)
			}
			var p *auth0.Provider
			if store.dead {
				p = r.provider(nil)
			} else {
				p = r.providerOn(store, nil)
			}
			got, err := p.Token(t.Context(), gmail)
			if link, ok := errors.AsType[*auth.Challenge](err); ok {
				links++
				if link.Step == 1 {
					logins++
				}
				r.visit(*link, standin.Choice{})
				r.poll()
			} else if failure, ok := errors.AsType[*auth.Failure](err); ok {
				if failure.Kind != auth.Unavailable || !errors.Is(err, errCrashed) {
					t.Fatalf("killed at write %d: %s", n, describe(err))
				}
				r.poll()
			} else if err != nil {
				t.Fatalf("killed at write %d: %v", n, err)
			}
			token = got
		}
		if links > 3 || logins > 2 {
			t.Errorf("killed at write %d: the person saw %d links, %d of them logins", n, links, logins)
		}
		if !store.dead {
			if n < 10 {
				t.Fatalf("the flow took only %d writes, which cannot be", n)
			}
			return // the flow ended before that write
		}
	}
	t.Fatal("the flow did not end within 200 writes")
}

// TestALostAnswerCostsAtMostOneCall loses the answer to each kind of request
// after it took effect.
func TestALostAnswerCostsAtMostOneCall(t *testing.T) {
	tests := []struct {
		name, path string
		nth        int // of the requests to path
	}{
		{"the first exchange", "/oauth/token", 2}, // the broker's code exchange is the first
		{"the refresh", "/oauth/token", 3},
		{"the connect request", connectPath, 1},
		{"the completion", completePath, 1},
		{"the last exchange", "/oauth/token", 4},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := newRig(t)
			var mu sync.Mutex
			seen := 0
			r.world.SetFault(func(req *http.Request) *standin.Fault {
				mu.Lock()
				defer mu.Unlock()
				if req.URL.Path == test.path {
					if seen++; seen == test.nth {
						return &standin.Fault{Applied: true, HangUp: true}
					}
				}
				return nil
			})
			links, lost := 0, 0
			for range 6 {
				_, err := r.ask(gmail)
				if err == nil {
					if links != 2 || lost != 1 {
						t.Errorf("%d links and %d failures, want 2 and 1", links, lost)
					}
					return
				}
				if link, ok := errors.AsType[*auth.Challenge](err); ok {
					links++
					r.visit(*link, standin.Choice{})
				} else {
					failure(t, err, "auth0_unreachable")
					lost++
				}
				r.poll()
			}
			t.Error("no token after six calls")
		})
	}
}

func TestManyCallersInTwoProcessesMakeOneLoginAndOneExchange(t *testing.T) {
	r := newRig(t)
	first, second := r.provider(nil), r.provider(nil)
	race := func() (links map[string]int, tokens map[string]int) {
		links, tokens = map[string]int{}, map[string]int{}
		var mu sync.Mutex
		var group sync.WaitGroup
		for i := range 40 {
			p := first
			if i%2 == 1 {
				p = second
			}
			group.Go(func() {
				token, err := p.Token(t.Context(), gmail)
				mu.Lock()
				defer mu.Unlock()
				if link, ok := errors.AsType[*auth.Challenge](err); ok {
					links[link.URL]++
				} else if err == nil {
					tokens[token.AccessToken]++
				} else {
					t.Errorf("got %s", describe(err))
				}
			})
		}
		group.Wait()
		return links, tokens
	}
	for step := range 2 {
		links, _ := race()
		if len(links) != 1 {
			t.Fatalf("step %d: the callers were shown %d links, want one", step+1, len(links))
		}
		for url := range links {
			code, _, _ := strings.Cut(url[strings.LastIndex(url, "/")+1:], "#")
			r.visit(auth.Challenge{URL: url, Code: code}, standin.Choice{})
		}
		r.poll()
	}
	if _, tokens := race(); len(tokens) != 1 {
		t.Errorf("the callers got %d different tokens, want one", len(tokens))
	}
	if got := r.world.TokenRequests(standin.GrantVault); got != 2 {
		t.Errorf("%d exchanges, want 2", got)
	}
	r.clock.Advance(2 * time.Hour)
	if _, tokens := race(); len(tokens) != 1 {
		t.Errorf("after the expiry the callers got %d different tokens, want one", len(tokens))
	}
	if got := r.world.TokenRequests(standin.GrantVault); got != 3 {
		t.Errorf("%d exchanges after the expiry, want one more", got)
	}
}

func TestATokenIsRenewedAMinuteBeforeItExpires(t *testing.T) {
	r := newRig(t)
	token := r.connect()
	left := token.Expiry.Sub(r.clock.Now())
	r.clock.Advance(left - time.Minute - time.Second)
	if again, err := r.ask(gmail); err != nil || again.AccessToken != token.AccessToken {
		t.Fatalf("61 seconds before its expiry: got another token, or %s", describe(err))
	}
	before := r.world.TokenRequests(standin.GrantVault)
	r.clock.Advance(time.Second)
	if _, err := r.ask(gmail); err != nil {
		t.Fatal(describe(err))
	}
	if got := r.world.TokenRequests(standin.GrantVault); got != before+1 {
		t.Errorf("60 seconds before its expiry: %d exchanges, want one", got-before)
	}
}

func TestARefusedTokenIsExchangedOnce(t *testing.T) {
	r := newRig(t)
	token := r.connect()
	r.world.RevokeGrant(standin.DefaultUser, "google-oauth2")
	r.world.Connect(standin.DefaultUser, "google-oauth2", "openid", gmailModify)
	p := r.provider(nil)
	before := r.world.TokenRequests(standin.GrantVault)
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			got, err := p.Token(t.Context(), rejecting(token))
			if err != nil || got.AccessToken == token.AccessToken {
				t.Errorf("got the refused token again, or %s", describe(err))
			}
		})
	}
	group.Wait()
	if got := r.world.TokenRequests(standin.GrantVault) - before; got != 1 {
		t.Errorf("twenty refusals of one token caused %d exchanges, want 1", got)
	}
}

func TestARevokedGrantLeadsToAFreshConsent(t *testing.T) {
	tests := []struct {
		name   string
		revoke func(*standin.World)
	}{
		{"the vault knows that it is dead", func(w *standin.World) { w.RevokeGrant(standin.DefaultUser, "google-oauth2") }},
		{"the vault still hands out the dead token", func(w *standin.World) { w.RevokeTokens(standin.DefaultUser) }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := newRig(t)
			token := r.connect()
			test.revoke(r.world)
			_, err := r.ask(rejecting(token))
			link := challenge(t, err)
			if link.Step != 2 {
				t.Fatalf("challenge is %+v, want one to connect again", link)
			}
			// The next call knows nothing of the refusal, and must not get the
			// dead token.
			_, err = r.ask(gmail)
			if again := challenge(t, err); again.URL != link.URL {
				t.Fatalf("challenge is %+v, want the same link", again)
			}
			r.visit(link, standin.Choice{})
			r.poll()
			got, err := r.ask(gmail)
			if err != nil || got.AccessToken == token.AccessToken {
				t.Fatalf("after the consent: the dead token, or %s", describe(err))
			}
		})
	}
}

func TestARefusalByThePersonIsSaidOnce(t *testing.T) {
	t.Run("at the login", func(t *testing.T) {
		r := newRig(t)
		_, err := r.ask(gmail)
		link := challenge(t, err)
		r.visit(link, standin.Choice{CancelLogin: true})
		r.poll()
		_, err = r.ask(gmail)
		if got := failure(t, err, "denied"); got.Kind != auth.Denied {
			t.Errorf("kind is %d, want Denied", got.Kind)
		}
		_, err = r.ask(gmail)
		if again := challenge(t, err); again.URL == link.URL || again.Step != 1 {
			t.Errorf("the next call shows %+v, want a fresh link", again)
		}
	})
	t.Run("at the consent", func(t *testing.T) {
		r := newRig(t)
		_, err := r.ask(gmail)
		r.visit(challenge(t, err), standin.Choice{})
		r.poll()
		_, err = r.ask(gmail)
		link := challenge(t, err)
		r.visit(link, standin.Choice{CancelConsent: true})
		r.poll()
		_, err = r.ask(gmail)
		failure(t, err, "denied")
		_, err = r.ask(gmail)
		if again := challenge(t, err); again.URL == link.URL || again.Step != 2 {
			t.Errorf("the next call shows %+v, want a fresh link", again)
		}
	})
	t.Run("by clearing the box", func(t *testing.T) {
		r := newRig(t)
		_, err := r.ask(gmail)
		r.visit(challenge(t, err), standin.Choice{})
		r.poll()
		_, err = r.ask(gmail)
		r.visit(challenge(t, err), standin.Choice{Untick: []string{gmailModify}})
		r.poll()
		_, err = r.ask(gmail)
		if got := failure(t, err, "scope_not_granted"); !strings.Contains(got.Message, gmailModify) {
			t.Errorf("message is %q, want one that names the scope", got.Message)
		}
		_, err = r.ask(gmail)
		r.visit(challenge(t, err), standin.Choice{})
		r.poll()
		if _, err := r.ask(gmail); err != nil {
			t.Errorf("with the box ticked: %s", describe(err))
		}
	})
}

func TestALinkThatRanOutIsReplaced(t *testing.T) {
	r := newRig(t)
	_, err := r.ask(gmail)
	first := challenge(t, err)
	r.clock.Advance(16 * time.Minute)
	_, err = r.ask(gmail)
	second := challenge(t, err)
	if second.URL == first.URL || second.Previous != auth.Expired || second.Step != 1 {
		t.Fatalf("the login link after 16 minutes is %+v, want a fresh one", second)
	}
	r.visit(second, standin.Choice{})
	r.poll()
	for _, wait := range []time.Duration{5*time.Minute + time.Second, 11 * time.Minute} {
		_, err = r.ask(gmail)
		old := challenge(t, err)
		r.clock.Advance(wait)
		_, err = r.ask(gmail)
		fresh := challenge(t, err)
		if fresh.URL == old.URL || fresh.Previous != auth.Expired || fresh.Step != 2 {
			t.Errorf("the consent link after %v is %+v, want a fresh one", wait, fresh)
		}
	}
	_, err = r.ask(gmail)
	r.visit(challenge(t, err), standin.Choice{})
	r.poll()
	if _, err := r.ask(gmail); err != nil {
		t.Error(describe(err))
	}
}

func TestAConsentThatIsFetchedTooLateIsAskedForAgain(t *testing.T) {
	r := newRig(t)
	_, err := r.ask(gmail)
	r.visit(challenge(t, err), standin.Choice{})
	r.poll()
	_, err = r.ask(gmail)
	link := challenge(t, err)
	r.visit(link, standin.Choice{})
	r.clock.Advance(7 * time.Minute) // Auth0 has forgotten it, the broker has not
	_, err = r.ask(gmail)
	if again := challenge(t, err); again.URL == link.URL {
		t.Fatal("the dead link is shown again")
	} else {
		r.visit(again, standin.Choice{})
	}
	r.poll()
	if _, err := r.ask(gmail); err != nil {
		t.Error(describe(err))
	}
}

func TestADeadLoginIsRepeatedAndForgetsTheOldAccount(t *testing.T) {
	r := newRig(t)
	old := r.connect()
	r.world.RevokeRefreshTokens(standin.DefaultUser)
	drive := gmail
	drive.Scope = "google-drive"
	_, err := r.ask(drive)
	link := challenge(t, err)
	if link.Step != 1 {
		t.Fatalf("challenge is %+v, want a login", link)
	}
	// Gmail's token of the old login is still alive, and must not answer for
	// whoever logs in now.
	_, err = r.ask(gmail)
	if again := challenge(t, err); again.URL != link.URL {
		t.Errorf("gmail shows %+v, want the same login", again)
	}
	r.visit(link, standin.Choice{User: standin.SecondUser})
	r.poll()
	_, err = r.ask(gmail)
	r.visit(challenge(t, err), standin.Choice{User: standin.SecondUser})
	r.poll()
	got, err := r.ask(gmail)
	if err != nil || got.AccessToken == old.AccessToken {
		t.Errorf("the new login got the old account's token, or %s", describe(err))
	}
}

func TestAConfiguredRefreshTokenNeedsNoPerson(t *testing.T) {
	r := newRig(t)
	r.world.Connect(standin.DefaultUser, "google-oauth2", "openid", gmailModify)
	p := r.provider(tokenMode(r.world.AddRefreshToken(standin.DefaultUser)))
	token, err := p.Token(t.Context(), gmail)
	if err != nil {
		t.Fatal(describe(err))
	}
	if _, err := p.Token(t.Context(), rejecting(token)); err == nil {
		t.Error("the refused token came again")
	} else if got := failure(t, err, "grant_dead"); got.Kind != auth.Refused || !strings.Contains(got.Message, "AUTH0_REFRESH_TOKEN") {
		t.Errorf("failure is %s, want one that names AUTH0_REFRESH_TOKEN", describe(&got))
	}
}

func TestAConfiguredRefreshTokenThatDoesNotWorkIsNamed(t *testing.T) {
	tests := []struct {
		name    string
		arrange func(w *standin.World, token string)
		want    string
	}{
		{"not connected", func(*standin.World, string) {}, "not_connected"},
		{"revoked at Google", func(w *standin.World, _ string) {
			w.Connect(standin.DefaultUser, "google-oauth2", "openid", gmailModify)
			w.RevokeGrant(standin.DefaultUser, "google-oauth2")
		}, "grant_dead"},
		{"connected for something else", func(w *standin.World, _ string) {
			w.Connect(standin.DefaultUser, "google-oauth2", "openid", "https://www.googleapis.com/auth/calendar")
		}, "scope_not_granted"},
		{"dead", func(w *standin.World, token string) { w.RevokeRefreshToken(token) }, "refresh_token_refused"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := newRig(t)
			token := r.world.AddRefreshToken(standin.DefaultUser)
			test.arrange(r.world, token)
			for range 2 { // the same thing every time
				_, err := r.provider(tokenMode(token)).Token(t.Context(), gmail)
				got := failure(t, err, test.want)
				if got.Kind != auth.Refused || !strings.Contains(got.Message, "AUTH0_REFRESH_TOKEN") {
					t.Errorf("failure is %s, want Refused and the variable's name", describe(&got))
				}
			}
		})
	}
}

func TestAConfiguredRefreshTokenMayStillAskForAConsent(t *testing.T) {
	r := newRig(t)
	configured := secret.New(r.world.AddRefreshToken(standin.DefaultUser))
	with := func(cfg *auth0.Config) { cfg.RefreshToken = configured }
	_, err := r.provider(with).Token(t.Context(), gmail)
	link := challenge(t, err)
	if link.Step != 2 {
		t.Fatalf("challenge is %+v, want one to connect", link)
	}
	r.visit(link, standin.Choice{})
	r.poll()
	if _, err := r.provider(with).Token(t.Context(), gmail); err != nil {
		t.Fatal(describe(err))
	}
	r.world.RevokeRefreshTokens(standin.DefaultUser)
	r.clock.Advance(2 * time.Hour)
	_, err = r.provider(with).Token(t.Context(), gmail)
	failure(t, err, "refresh_token_refused")
}

func TestThroughTheBrokersProxy(t *testing.T) {
	r := newRig(t)
	proxy, err := linkauth.NewProxy(linkauth.Config{BrokerURL: r.broker})
	if err != nil {
		t.Fatal(err)
	}
	through := func(cfg *auth0.Config) { cfg.HTTP = &http.Client{Transport: proxy} }
	for range 2 {
		_, err := r.provider(through).Token(t.Context(), gmail)
		r.visit(challenge(t, err), standin.Choice{})
		r.poll()
	}
	if _, err := r.provider(through).Token(t.Context(), gmail); err != nil {
		t.Fatal(describe(err))
	}
}

func TestAPassOutlivesTheCallerThatStartedIt(t *testing.T) {
	r := newRig(t)
	r.world.Connect(standin.DefaultUser, "google-oauth2", "openid", gmailModify)
	p := r.provider(tokenMode(r.world.AddRefreshToken(standin.DefaultUser)))
	arrived, release := make(chan struct{}), make(chan struct{})
	r.world.SetFault(func(*http.Request) *standin.Fault {
		close(arrived)
		<-release
		return nil
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-arrived; cancel() }()
	if _, err := p.Token(ctx, gmail); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, want context.Canceled", describe(err))
	}
	r.world.SetFault(nil)
	close(release)
	if _, err := p.Token(t.Context(), gmail); err != nil {
		t.Fatal(describe(err))
	}
	if got := r.world.TokenRequests(standin.GrantVault); got != 1 {
		t.Errorf("%d exchanges, want the one of the caller that had gone", got)
	}
}
