package auth0_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"linkmail/auth/auth0"
	"linkmail/internal/standin"
)

func TestProblem06AccountsDoNotMix(t *testing.T) {
	r := newRig(t)
	for _, user := range []string{standin.DefaultUser, standin.SecondUser} {
		r.world.Connect(user, "google-oauth2", "openid", gmailModify)
	}
	mine := r.world.AddRefreshToken(standin.DefaultUser)
	yours := r.world.AddRefreshToken(standin.SecondUser)
	first, err := r.provider(tokenMode(mine)).Token(t.Context(), gmail)
	if err != nil {
		t.Fatal(describe(err))
	}
	second, err := r.provider(tokenMode(yours)).Token(t.Context(), gmail)
	if err != nil {
		t.Fatal(describe(err))
	}
	if first.AccessToken == second.AccessToken {
		t.Error("another configured refresh token got the first one's account")
	}
	// Somebody who logs in has an account of their own, too.
	_, err = r.ask(gmail)
	local := challenge(t, err)
	other := gmail
	other.Principal.Subject = "local/../local"
	_, err = r.ask(other)
	if link := challenge(t, err); link.URL == local.URL {
		t.Error("two people share one login")
	}
	_, err = r.provider(func(cfg *auth0.Config) { cfg.Domain = strings.Replace(r.tenant, "127.0.0.1", "localhost", 1) }).Token(t.Context(), gmail)
	if link := challenge(t, err); link.URL == local.URL {
		t.Error("two tenants share one login")
	}
}

// TestProblem06NobodyIsAnsweredWithTheTokenOfAnother asks in the name of others
// after one person has connected, when there is a token that could be given away.
func TestProblem06NobodyIsAnsweredWithTheTokenOfAnother(t *testing.T) {
	r := newRig(t)
	mine := r.connect()
	for _, subject := range []string{"somebody", "Local", "local/", "local/../local"} {
		other := gmail
		other.Principal.Subject = subject
		got, err := r.ask(other)
		if err == nil {
			t.Fatalf("%q was given a token; it is that of another: %t", subject, got.AccessToken == mine.AccessToken)
		}
		if link := challenge(t, err); link.Step != 1 {
			t.Errorf("%q is shown step %d, want a sign-in of their own", subject, link.Step)
		}
	}
	if again, err := r.ask(gmail); err != nil || again.AccessToken != mine.AccessToken {
		t.Errorf("whoever connected lost the token: %s", describe(err))
	}
}

// TestProblem06CallersShareAnExchangeOnlyWithTheirOwnAccount holds the exchange
// of one account while another one needs its own.
func TestProblem06CallersShareAnExchangeOnlyWithTheirOwnAccount(t *testing.T) {
	r := newRig(t)
	alex, sam := gmail, gmail
	alex.Principal.Subject, sam.Principal.Subject = "alex", "sam"
	r.connectFor(alex, standin.Choice{User: standin.DefaultUser})
	r.person = standin.NewPerson() // with a browser of their own
	r.connectFor(sam, standin.Choice{User: standin.SecondUser})
	r.clock.Advance(2 * time.Hour)
	arrived, release := make(chan struct{}), make(chan struct{})
	var asked atomic.Int64
	r.world.SetFault(func(*http.Request) *standin.Fault {
		if asked.Add(1) == 1 {
			close(arrived)
			<-release
		}
		return nil
	})
	p := r.provider(nil)
	var first *oauth2.Token
	var firstErr error
	var group sync.WaitGroup
	group.Go(func() { first, firstErr = p.Token(t.Context(), alex) })
	<-arrived
	// The limit ends the wait of a caller that was made to share.
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	second, err := p.Token(ctx, sam)
	close(release)
	group.Wait()
	if err != nil || firstErr != nil {
		t.Fatalf("got %s and %s, want two tokens", describe(firstErr), describe(err))
	}
	if first.AccessToken == second.AccessToken {
		t.Error("two accounts were given one token")
	}
}
