package google_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"linkmail/auth"
	"linkmail/auth/authtest"
	"linkmail/auth/google"
	"linkmail/auth/loopback"
	"linkmail/cache"
	"linkmail/internal/secret"
	"linkmail/internal/standin"
	"linkmail/internal/testclock"
)

const (
	gmailModify = "https://www.googleapis.com/auth/gmail.modify"
	calendar    = "https://www.googleapis.com/auth/calendar"
)

var gmail = auth.Request{Principal: auth.Principal{Subject: "local"}, Scope: "gmail"}

// rig is Google, a cache and a clock.
type rig struct {
	t     *testing.T
	world *standin.World
	url   string
	store cache.Store
	clock *testclock.Clock

	mu sync.Mutex
	// answer, unless nil, takes the place of the token endpoint.
	answer http.HandlerFunc
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, clock: testclock.At(time.Now())}
	r.world = standin.NewWorld(standin.Config{Now: r.clock.Now})
	next := r.world.GoogleOAuth()
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
		r.mu.Lock()
		answer := r.answer
		r.mu.Unlock()
		if answer != nil && req.URL.Path == "/token" {
			answer(rw, req)
			return
		}
		next.ServeHTTP(rw, req)
	}))
	t.Cleanup(srv.Close)
	r.url, r.store = srv.URL, cache.NewMemory(r.clock.Now)
	return r
}

func (r *rig) says(h http.HandlerFunc) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = h
}

func says(status int, body string) http.HandlerFunc {
	return func(rw http.ResponseWriter, _ *http.Request) {
		rw.WriteHeader(status)
		_, _ = rw.Write([]byte(body))
	}
}

// provider is that of a new process.
func (r *rig) provider(change func(*google.Config)) *google.Provider {
	r.t.Helper()
	connector, err := loopback.New(loopback.Config{
		Store: r.store, Now: r.clock.Now,
		Providers: map[string]loopback.Provider{"google": {
			Name: "Google", AuthURL: r.url + "/o/oauth2/v2/auth", TokenURL: r.url + "/token",
			ClientID: standin.DemoGoogleClientID, ClientSecret: secret.New(standin.DemoGoogleClientSecret),
		}},
	})
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(connector.Close)
	cfg := google.Config{
		ClientID: standin.DemoGoogleClientID, ClientSecret: secret.New(standin.DemoGoogleClientSecret),
		Connector: connector, TokenURL: r.url + "/token", RevokeURL: r.url + "/revoke", Store: r.store, Now: r.clock.Now,
	}
	if change != nil {
		change(&cfg)
	}
	p, err := google.New(cfg)
	if err != nil {
		r.t.Fatal(err)
	}
	return p
}

// What the answers to a call are.
var (
	challenge = authtest.Challenge
	failure   = authtest.Failure
	describe  = authtest.Describe
)

// visit lets the person follow a link.
func (r *rig) visit(c auth.Challenge, choice standin.Choice) {
	r.t.Helper()
	u, err := url.Parse(c.URL)
	if err != nil {
		r.t.Fatal(err)
	}
	if visit, err := standin.NewPerson().Browse(r.t.Context(), c.URL, u.Query().Get("redirect_uri"), choice); err != nil {
		r.t.Fatalf("%v\n%s", err, visit.Text)
	}
}

// signIn goes through a login for req.
func (r *rig) signIn(p *google.Provider, req auth.Request, choice standin.Choice) *oauth2.Token {
	r.t.Helper()
	_, err := p.Token(r.t.Context(), req)
	r.visit(challenge(r.t, err), choice)
	token, err := p.Token(r.t.Context(), req)
	if err != nil {
		r.t.Fatal(describe(err))
	}
	return token
}

func scopesOf(t *testing.T, c auth.Challenge) []string {
	t.Helper()
	u, err := url.Parse(c.URL)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(u.Query().Get("scope"))
}

func TestProblem01ASignInLastsAndIsRenewedAMinuteEarly(t *testing.T) {
	r := newRig(t)
	p := r.provider(nil)
	token := r.signIn(p, gmail, standin.Choice{})
	r.clock.Advance(3599*time.Second - 61*time.Second)
	if again, err := r.provider(nil).Token(t.Context(), gmail); err != nil || again.AccessToken != token.AccessToken {
		t.Errorf("61 s before its end the token is another one, %v", err)
	}
	r.clock.Advance(time.Second)
	renewed, err := r.provider(nil).Token(t.Context(), gmail)
	if err != nil || renewed.AccessToken == token.AccessToken {
		t.Errorf("60 s before its end the token was not renewed: %s", describe(err))
	}
	if n := r.world.GoogleTokenRequests(standin.GrantRefreshToken); n != 1 {
		t.Errorf("%d refreshes, want 1", n)
	}
}

func TestARefusedTokenIsRenewedOnce(t *testing.T) {
	r := newRig(t)
	p := r.provider(nil)
	token := r.signIn(p, gmail, standin.Choice{})
	req := gmail
	req.Rejected = secret.New(token.AccessToken)
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if got, err := p.Token(t.Context(), req); err != nil || got.AccessToken == token.AccessToken {
				t.Errorf("got the refused token or %s", describe(err))
			}
		})
	}
	wg.Wait()
	if n := r.world.GoogleTokenRequests(standin.GrantRefreshToken); n != 1 {
		t.Errorf("%d refreshes, want 1", n)
	}
}

// TestJ94OnlyADeadRefreshTokenIsDiscarded covers every end that Google knows,
// and what only looks like one.
func TestJ94OnlyADeadRefreshTokenIsDiscarded(t *testing.T) {
	dead := map[string]func(*rig){
		"seven days of testing": func(r *rig) {
			r.world.Google(func(p *standin.GoogleProject) { p.Testing = true })
			r.clock.Advance(7 * 24 * time.Hour)
		},
		"access removed by the user": func(r *rig) { r.world.RevokeGoogle(standin.DefaultUser) },
		"six months unused":          func(r *rig) { r.clock.Advance(190 * 24 * time.Hour) },
		"a hundred later sign-ins": func(r *rig) { // abuse case J98
			for range 100 {
				r.world.GoogleRefreshToken(standin.DefaultUser, gmailModify)
			}
		},
	}
	for name, end := range dead {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.signIn(r.provider(nil), gmail, standin.Choice{})
			end(r)
			r.clock.Advance(2 * time.Hour)
			_, err := r.provider(nil).Token(t.Context(), gmail)
			link := challenge(t, err)
			order := []string{"7 days", "removed", "6 months", "password"}
			at := -1
			for _, cause := range order {
				i := strings.Index(link.Why, cause)
				if i <= at {
					t.Fatalf("the causes are not named in order: %q", link.Why)
				}
				at = i
			}
			_, err = r.provider(nil).Token(t.Context(), gmail)
			if again := challenge(t, err); again.URL != link.URL || again.Why != link.Why {
				t.Errorf("asked again: %+v, want the same link", again)
			}
			r.visit(link, standin.Choice{})
			if _, err := r.provider(nil).Token(t.Context(), gmail); err != nil {
				t.Errorf("after signing in again: %s", describe(err))
			}
		})
	}
	kept := map[string]struct {
		answer http.HandlerFunc
		code   string
	}{
		"the service is down":         {says(503, ``), "provider_busy"},
		"too many requests":           {says(429, `{"error":"invalid_grant"}`), "provider_busy"},
		"a captive portal":            {says(200, `<html>expired</html>`), "provider_not_reached"},
		"the client's secret changed": {says(401, `{"error":"invalid_client","error_description":"invalid_grant canary"}`), "client_refused"},
		"no secret":                   {says(400, `{"error":"invalid_request","error_description":"client_secret is missing."}`), "client_refused"},
		"another client":              {says(401, `{"error":"unauthorized_client"}`), "client_type"},
		"an unknown refusal":          {says(400, `{"error":"temporarily_unavailable","error_description":"expired"}`), "google_refused"},
	}
	for name, tt := range kept {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.signIn(r.provider(nil), gmail, standin.Choice{})
			r.clock.Advance(2 * time.Hour)
			r.says(tt.answer)
			_, err := r.provider(nil).Token(t.Context(), gmail)
			failure(t, err, tt.code)
			r.says(nil)
			if _, err := r.provider(nil).Token(t.Context(), gmail); err != nil {
				t.Errorf("afterwards: %s; want the sign-in to be kept", describe(err))
			}
		})
	}
}

func TestJ93ANewRefreshTokenReplacesTheOldOneAndANarrowerScopeIsReported(t *testing.T) {
	r := newRig(t)
	r.signIn(r.provider(nil), gmail, standin.Choice{})
	r.clock.Advance(2 * time.Hour)
	r.says(says(200, `{"access_token":"ya29.canary-a","refresh_token":"1//canary-new","expires_in":3599}`))
	if _, err := r.provider(nil).Token(t.Context(), gmail); err != nil {
		t.Fatal(describe(err))
	}
	r.clock.Advance(2 * time.Hour)
	r.says(func(rw http.ResponseWriter, req *http.Request) {
		if got := req.PostFormValue("refresh_token"); got != "1//canary-new" {
			t.Errorf("the refresh used the old token")
		}
		says(200, `{"access_token":"ya29.canary-b","expires_in":3599,"scope":"openid https://www.googleapis.com/auth/gmail.readonly"}`)(rw, req)
	})
	_, err := r.provider(nil).Token(t.Context(), gmail)
	if f := failure(t, err, "scope_not_granted"); !strings.Contains(f.Message, gmailModify) {
		t.Errorf("the missing permission is not named: %s", f.Message)
	}
	status, err := r.provider(nil).Status(t.Context(), gmail.Principal)
	if err != nil || len(status.Services) != 1 || !slices.Contains(status.Services[0].Missing, gmailModify) {
		t.Errorf("status is %+v, %v; want the missing permission", status, err)
	}
}

func TestAnotherServiceAsksForTheUnion(t *testing.T) {
	r := newRig(t)
	p := r.provider(nil)
	r.signIn(p, gmail, standin.Choice{User: standin.SecondUser})
	other := gmail
	other.Scope = "google-calendar"
	_, err := p.Token(t.Context(), other)
	link := challenge(t, err)
	if got := scopesOf(t, link); !slices.Contains(got, gmailModify) || !slices.Contains(got, calendar) || !slices.Contains(got, "openid") {
		t.Errorf("the link asks for %q, want both services", got)
	}
	if !strings.Contains(link.URL, "login_hint="+url.QueryEscape(standin.SecondUser)) {
		t.Error("the link does not propose the account that is signed in")
	}
	// Until the person has acted, the other service goes on.
	if _, err := p.Token(t.Context(), gmail); err != nil {
		t.Errorf("gmail meanwhile: %s", describe(err))
	}
	r.visit(link, standin.Choice{User: standin.SecondUser})
	for _, req := range []auth.Request{other, gmail} {
		if _, err := p.Token(t.Context(), req); err != nil {
			t.Errorf("%s afterwards: %s", req.Scope, describe(err))
		}
	}
}

func TestAnUntickedBoxIsNamedAndAskedForAgain(t *testing.T) {
	r := newRig(t)
	p := r.provider(nil)
	_, err := p.Token(t.Context(), gmail)
	r.visit(challenge(t, err), standin.Choice{Untick: []string{gmailModify}})
	_, err = p.Token(t.Context(), gmail)
	if f := failure(t, err, "scope_not_granted"); !strings.Contains(f.Message, gmailModify) || f.Kind != auth.Denied {
		t.Errorf("failure is %+v", f)
	}
	_, err = p.Token(t.Context(), gmail)
	r.visit(challenge(t, err), standin.Choice{})
	if _, err := p.Token(t.Context(), gmail); err != nil {
		t.Error(describe(err))
	}
}

func TestTheWrongAccountIsDiscardedAndRevoked(t *testing.T) {
	r := newRig(t)
	expecting := func(cfg *google.Config) { cfg.Account = standin.SecondUser }
	p := r.provider(expecting)
	_, err := p.Token(t.Context(), gmail)
	r.visit(challenge(t, err), standin.Choice{User: standin.DefaultUser})
	_, err = p.Token(t.Context(), gmail)
	f := failure(t, err, "wrong_account")
	if !strings.Contains(f.Message, standin.DefaultUser) || !strings.Contains(f.Message, standin.SecondUser) {
		t.Errorf("both are not named: %s", f.Message)
	}
	revoked := false
	for _, seen := range r.world.Seen() {
		revoked = revoked || seen.Path == "/revoke" && seen.Status == 200
	}
	if !revoked {
		t.Error("Google was not told to end it")
	}
	r.signIn(p, gmail, standin.Choice{User: strings.ToLower(standin.SecondUser)})
	// The sign-in of one account does not answer for another.
	_, err = r.provider(nil).Token(t.Context(), gmail)
	challenge(t, err)
}

func TestWithoutAnIDTokenTheServiceIsAsked(t *testing.T) {
	for name, tt := range map[string]struct {
		owner auth.Owner
		code  string
	}{
		"nobody to ask":   {nil, "account_unverified"},
		"it cannot tell":  {func(context.Context, string, *oauth2.Token) (string, error) { return "", errors.New("HTTP 403") }, "account_unverified"},
		"another account": {func(context.Context, string, *oauth2.Token) (string, error) { return standin.SecondUser, nil }, "wrong_account"},
		"the right one":   {func(context.Context, string, *oauth2.Token) (string, error) { return standin.DefaultUser, nil }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			p := r.provider(func(cfg *google.Config) { cfg.Account, cfg.Owner = standin.DefaultUser, tt.owner })
			_, err := p.Token(t.Context(), gmail)
			link := challenge(t, err)
			r.says(says(200, `{"access_token":"ya29.canary","refresh_token":"1//canary","expires_in":3599,"scope":"`+gmailModify+`"}`))
			r.visit(link, standin.Choice{})
			_, err = p.Token(t.Context(), gmail)
			if tt.code == "" {
				if err != nil {
					t.Error(describe(err))
				}
				return
			}
			failure(t, err, tt.code)
		})
	}
}

func TestADenialIsSaidOnce(t *testing.T) {
	r := newRig(t)
	p := r.provider(nil)
	_, err := p.Token(t.Context(), gmail)
	first := challenge(t, err)
	r.visit(first, standin.Choice{CancelConsent: true})
	_, err = p.Token(t.Context(), gmail)
	failure(t, err, "denied")
	_, err = p.Token(t.Context(), gmail)
	if fresh := challenge(t, err); fresh.URL == first.URL {
		t.Error("the next link is not fresh")
	}
}

func TestWithNothingToRenewWithThePersonIsToldWhy(t *testing.T) {
	r := newRig(t)
	bare := func(cfg *google.Config) { cfg.ClientID, cfg.ClientSecret = "", secret.Text{} }
	r.signIn(r.provider(bare), gmail, standin.Choice{})
	r.clock.Advance(time.Hour)
	_, err := r.provider(bare).Token(t.Context(), gmail)
	if link := challenge(t, err); !strings.Contains(link.Why, "GOOGLE_CLIENT_ID") {
		t.Errorf("why is %q", link.Why)
	}
}

func TestWhereNobodyCanRenewThePersonIsAskedAgain(t *testing.T) {
	r := newRig(t)
	unable := func(cfg *google.Config) {
		cfg.ClientID = ""
		cfg.Refresh = func(context.Context, secret.Text) (auth.TokenAnswer, error) {
			return auth.TokenAnswer{}, auth.ErrCannotRenew
		}
	}
	r.signIn(r.provider(unable), gmail, standin.Choice{})
	r.clock.Advance(time.Hour)
	_, err := r.provider(unable).Token(t.Context(), gmail)
	link := challenge(t, err)
	if !strings.Contains(link.Why, "GOOGLE_CLIENT_ID") {
		t.Errorf("why is %q", link.Why)
	}
	r.visit(link, standin.Choice{})
	if _, err := r.provider(unable).Token(t.Context(), gmail); err != nil {
		t.Error(describe(err))
	}
}

func TestARefresherRenewsInPlaceOfTheClient(t *testing.T) {
	r := newRig(t)
	used := 0
	elsewhere := func(cfg *google.Config) {
		cfg.ClientID = ""
		cfg.Refresh = func(_ context.Context, token secret.Text) (auth.TokenAnswer, error) {
			used++
			if !strings.HasPrefix(token.Reveal(), "1//") {
				t.Error("it got no refresh token")
			}
			return auth.TokenAnswer{AccessToken: secret.New("ya29.canary"), Life: time.Hour}, nil
		}
	}
	r.signIn(r.provider(elsewhere), gmail, standin.Choice{})
	r.clock.Advance(time.Hour)
	if token, err := r.provider(elsewhere).Token(t.Context(), gmail); err != nil || token.AccessToken != "ya29.canary" || used != 1 {
		t.Errorf("used %d times, %s", used, describe(err))
	}
}

func TestSignOutEndsItAtGoogleAndHere(t *testing.T) {
	r := newRig(t)
	p := r.provider(nil)
	r.signIn(p, gmail, standin.Choice{})
	out, err := p.SignOut(t.Context(), gmail.Principal)
	if err != nil || len(out.Done) != 2 || len(out.Left) != 0 {
		t.Errorf("signed out: %+v, %v", out, err)
	}
	status, err := p.Status(t.Context(), gmail.Principal)
	if err != nil || status.SignedIn || status.Account != "" || len(status.Services) != 0 {
		t.Errorf("status afterwards: %+v, %v", status, err)
	}
	_, err = p.Token(t.Context(), gmail)
	challenge(t, err)

	// Google cannot be reached: it is forgotten here, and said what is left.
	r = newRig(t)
	p = r.provider(func(cfg *google.Config) { cfg.RevokeURL = "http://127.0.0.1:1/revoke" })
	r.signIn(p, gmail, standin.Choice{})
	out, err = p.SignOut(t.Context(), gmail.Principal)
	if err != nil || len(out.Left) != 1 || !strings.Contains(out.Left[0], "myaccount.google.com") {
		t.Errorf("signed out: %+v, %v", out, err)
	}
}

// TestGoogleGivesARefreshTokenOnlyWhenItIsAskedProperly holds the stand-in to
// what Google does, since these tests believe it.
func TestGoogleGivesARefreshTokenOnlyWhenItIsAskedProperly(t *testing.T) {
	r := newRig(t)
	for i, tt := range []struct {
		name   string
		params map[string]string
		want   bool
	}{
		{"online", map[string]string{}, false},
		{"offline, but consented before", map[string]string{"access_type": "offline"}, false},
		{"offline with a consent", map[string]string{"access_type": "offline", "prompt": "consent"}, true},
	} {
		connector, err := loopback.New(loopback.Config{Store: r.store, Now: r.clock.Now, Providers: map[string]loopback.Provider{"google": {
			Name: "Google", AuthURL: r.url + "/o/oauth2/v2/auth", TokenURL: r.url + "/token",
			ClientID: standin.DemoGoogleClientID, ClientSecret: secret.New(standin.DemoGoogleClientSecret),
		}}})
		if err != nil {
			t.Fatal(err)
		}
		req := auth.LoginRequest{Principal: gmail.Principal, Attempt: fmt.Sprint(i), OAuthProvider: "google", OAuthScopes: []string{"openid", gmailModify}, Params: tt.params}
		_, err = connector.Login(t.Context(), req)
		r.visit(challenge(t, err), standin.Choice{})
		token, err := connector.Login(t.Context(), req)
		if err != nil || (token.RefreshToken != "") != tt.want {
			t.Errorf("%s: a refresh token came: %v, want %v (%v)", tt.name, token.RefreshToken != "", tt.want, err)
		}
		connector.Close()
	}
	// A client of another kind gets no page to consent on.
	for kind, code := range map[string]int{"android": 401, standin.GoogleWeb: 400} {
		r.world.Google(func(p *standin.GoogleProject) { p.Type = kind })
		_, err := r.provider(func(cfg *google.Config) { cfg.OAuthProvider = "google" }).Token(t.Context(), auth.Request{Principal: auth.Principal{Subject: kind}, Scope: "gmail"})
		resp, err := http.Get(challenge(t, err).URL)
		if err != nil || resp.StatusCode != code {
			t.Errorf("%s: the page answers %v, %v; want %d", kind, resp.Status, err, code)
		}
		_ = resp.Body.Close()
	}
}

func TestNewAndUnknownServicesAreRefusedByName(t *testing.T) {
	if _, err := google.New(google.Config{}); err == nil || !strings.Contains(err.Error(), "a store") || !strings.Contains(err.Error(), "a person") {
		t.Errorf("New says %v", err)
	}
	r := newRig(t)
	other := gmail
	other.Scope = "slack"
	_, err := r.provider(nil).Token(t.Context(), other)
	failure(t, err, "scope_unknown")
	_, err = r.provider(nil).Token(t.Context(), auth.Request{Scope: "gmail"})
	failure(t, err, "principal_missing")
}
