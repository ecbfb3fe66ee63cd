package main

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/oauth2"

	"linkmail/auth"
	"linkmail/internal/secret"
	"linkmail/internal/standin"
	"linkmail/mailbox"
)

const profileRequest = "gmail GET /gmail/v1/users/me/profile"

// watchedUser is a user whose services tell of each request.
func watchedUser(t *testing.T) (u *user, came <-chan string) {
	t.Helper()
	tr, requests := &traffic{}, make(chan string, 1000)
	d := demoFor(t, func(service string, next http.Handler) http.Handler {
		next = tr.wrap(service, next)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			requests <- service + " " + r.Method + " " + r.URL.Path
			next.ServeHTTP(w, r)
		})
	})
	return &user{t: t, d: d, tr: tr, env: d.environ(), person: standin.NewPerson(), opened: map[string]bool{}}, requests
}

// emptied returns what has come so far.
func emptied(came <-chan string) (all []string) {
	for {
		select {
		case r := <-came:
			all = append(all, r)
		default:
			return all
		}
	}
}

func TestTheConnectionIsWarmBeforeTheFirstCall(t *testing.T) {
	u, came := watchedUser(t)
	u.untilMail()
	emptied(came)
	c := converse(t, u.env) // no tool is called
	if got := <-came; got != profileRequest {
		t.Errorf("the first request is %q, want %q", got, profileRequest)
	}
	c.end()
	if more := emptied(came); len(more) != 0 {
		t.Errorf("then came %v, want nothing without a call", more)
	}
}

func TestNothingIsWarmedWithoutASignIn(t *testing.T) {
	u, came := watchedUser(t)
	c := converse(t, u.env)
	if m := c.ask("tools/list", map[string]any{}); m.Error != nil {
		t.Errorf("tools/list: %+v", m.Error)
	}
	c.end()
	if got := emptied(came); len(got) != 0 {
		t.Errorf("came %v, want nothing", got)
	}
	if !strings.Contains(c.log.String(), "not open yet") {
		t.Errorf("it was not looked whether there is a token:\n%s", c.log.String())
	}
}

func TestARefusedTokenIsNotRenewedAheadOfACall(t *testing.T) {
	u, came := watchedUser(t)
	u.untilMail()
	u.d.world.RevokeTokens(standin.DefaultUser)
	emptied(came)
	c := converse(t, u.env)
	if got := <-came; got != profileRequest {
		t.Errorf("the first request is %q, want %q", got, profileRequest)
	}
	c.end()
	if more := emptied(came); len(more) != 0 {
		t.Errorf("then came %v, want nothing without a call", more)
	}
}

// TestASlowGmailDelaysNeitherTheListNorTheEnd has a Gmail that does not answer.
func TestASlowGmailDelaysNeitherTheListNorTheEnd(t *testing.T) {
	came := make(chan string, 100)
	gmail := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		came <- r.URL.Path
		<-r.Context().Done()
	}))
	defer gmail.Close()
	c := converse(t, []string{
		"LINKMAIL_AUTH=token", "LINKMAIL_GMAIL_TOKEN=x", "LINKMAIL_GMAIL_ENDPOINT=" + gmail.URL, "LINKMAIL_CACHE_DIR=" + t.TempDir(),
	})
	<-came // it is being asked
	if m := c.ask("tools/list", map[string]any{}); m.Error != nil {
		t.Errorf("tools/list: %+v", m.Error)
	}
	c.end()
}

// keptToken keeps a token until a time.
type keptToken struct {
	auth.Keeper
	until time.Time
	err   error
	asked int
}

func (k *keptToken) Status(context.Context, auth.Principal) (auth.Status, error) {
	return auth.Status{SignedIn: true, Services: []auth.Service{{Scope: "drive", Until: time.Now().Add(time.Hour)}, {Scope: "gmail", Until: k.until}}}, k.err
}

func (k *keptToken) Token(context.Context, auth.Request) (*oauth2.Token, error) {
	k.asked++
	return &oauth2.Token{AccessToken: "t"}, nil
}

func TestOnlyATokenAtHandIsUsedAheadOfACall(t *testing.T) {
	gmail, now := auth.Request{Principal: localUser, Scope: "gmail"}, time.Now()
	rejected := gmail
	rejected.Rejected = secret.New("t")
	for name, test := range map[string]struct {
		until      time.Time
		err        error
		asksNobody bool
		req        auth.Request
		want       bool
	}{
		"a token that lasts":                             {now.Add(time.Hour), nil, false, gmail, true},
		"a token that was refused":                       {now.Add(time.Hour), nil, false, rejected, false},
		"a token that is about to end":                   {now.Add(time.Minute), nil, false, gmail, false},
		"a sign-in without a token":                      {time.Time{}, nil, false, gmail, false},
		"a store that cannot be read":                    {now.Add(time.Hour), errors.New("broken"), false, gmail, false},
		"a configured sign-in that leads to no person":   {time.Time{}, nil, true, gmail, true},
		"a configured sign-in whose token was refused":   {time.Time{}, nil, true, rejected, false},
		"a token for another service, and none for this": {time.Time{}, nil, false, auth.Request{Principal: localUser, Scope: "slack"}, false},
	} {
		kept, watched := &keptToken{until: test.until, err: test.err}, &keptToken{}
		u := &unattended{Provider: watched, kept: kept, asksNobody: test.asksNobody}
		_, err := u.Token(context.WithValue(t.Context(), unattendedKey{}, true), test.req)
		if (err == nil) != test.want || (kept.asked == 1) != test.want || watched.asked != 0 {
			t.Errorf("%s: got %v after %d questions, want a token %t", name, err, kept.asked, test.want)
		}
		if _, err := u.Token(t.Context(), test.req); err != nil || watched.asked != 1 {
			t.Errorf("%s: a call that somebody made got %v", name, err)
		}
	}
}

// TestManyClientsWarmOnce has several clients come at once, as a bridge that
// connects anew for every request does.
func TestManyClientsWarmOnce(t *testing.T) {
	world := standin.NewWorld(standin.Config{})
	gmail := httptest.NewServer(world.Gmail())
	defer gmail.Close()
	provider := auth.Static(secret.New(world.IssueToken(standin.DefaultUser, []string{gmailScope}, time.Hour)), "X")
	box, err := mailbox.New(mailbox.Config{Endpoint: gmail.URL, HTTP: func(scope string) http.RoundTripper {
		return &auth.Transport{Provider: provider, Scope: scope, Hosts: []string{gmail.Listener.Addr().String()}}
	}})
	if err != nil {
		t.Fatal(err)
	}
	w := &warmer{box: box, log: zerolog.Nop()}
	for range 10 {
		w.start(auth.WithPrincipal(t.Context(), localUser))
	}
	w.running.Wait()
	w.start(auth.WithPrincipal(t.Context(), localUser))
	w.close()
	w.start(auth.WithPrincipal(t.Context(), localUser))
	if n := len(world.Seen()); n != 1 {
		t.Errorf("%d requests, want one", n)
	}
}
