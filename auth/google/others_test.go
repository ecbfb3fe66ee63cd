package google_test

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"linkmail/internal/standin"
)

// TestProblem06NobodyIsAnsweredWithTheSignInOfAnother is about the user's own
// client, whose tokens come from here and not from a vault.
func TestProblem06NobodyIsAnsweredWithTheSignInOfAnother(t *testing.T) {
	r := newRig(t)
	p := r.provider(nil)
	mine := r.signIn(p, gmail, standin.Choice{User: standin.DefaultUser})
	for _, subject := range []string{"somebody", "Local", "local/", "local/../local"} {
		other := gmail
		other.Principal.Subject = subject
		got, err := p.Token(t.Context(), other)
		if err == nil {
			t.Fatalf("%q was given a token; it is that of another: %t", subject, got.AccessToken == mine.AccessToken)
		}
		challenge(t, err)
		if status, err := p.Status(t.Context(), other.Principal); err != nil || status.SignedIn {
			t.Errorf("%q counts as signed in: %+v, %v", subject, status, err)
		}
	}
}

// TestProblem06CallersShareARenewalOnlyWithTheirOwnAccount holds the renewal of
// one account while another one needs its own.
func TestProblem06CallersShareARenewalOnlyWithTheirOwnAccount(t *testing.T) {
	r := newRig(t)
	p := r.provider(nil)
	alex, sam := gmail, gmail
	alex.Principal.Subject, sam.Principal.Subject = "alex", "sam"
	r.signIn(p, alex, standin.Choice{User: standin.DefaultUser})
	r.signIn(p, sam, standin.Choice{User: standin.SecondUser})
	r.clock.Advance(2 * time.Hour)
	endpoint, arrived, release := r.world.GoogleOAuth(), make(chan struct{}), make(chan struct{})
	var asked atomic.Int64
	r.says(func(rw http.ResponseWriter, req *http.Request) {
		if asked.Add(1) == 1 {
			close(arrived)
			<-release
		}
		endpoint.ServeHTTP(rw, req)
	})
	var first *oauth2.Token
	var firstErr error
	var wg sync.WaitGroup
	wg.Go(func() { first, firstErr = p.Token(t.Context(), alex) })
	<-arrived
	// The limit ends the wait of a caller that was made to share.
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	second, err := p.Token(ctx, sam)
	close(release)
	wg.Wait()
	if err != nil || firstErr != nil {
		t.Fatalf("got %s and %s, want two tokens", describe(firstErr), describe(err))
	}
	if first.AccessToken == second.AccessToken {
		t.Error("two accounts were given one token")
	}
}
