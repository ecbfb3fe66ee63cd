package broker_test

import (
	"context"
	"maps"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"linkmail/broker"
	"linkmail/broker/wire"
	"linkmail/internal/secret"
)

// login is the first of two steps, done: an OAuth session that the agent has
// fetched, and the person who did it.
func (r *rig) login(fields map[string]any) (*agent, *person) {
	r.t.Helper()
	request := map[string]any{"oauth_provider": "auth0", "steps": 2}
	maps.Copy(request, fields)
	a, p := r.create(request), r.person()
	p.callback("state", p.depart(a).Query().Get("state"), "code", "c").want(http.StatusSeeOther)
	a.fetch()
	return a, p
}

// follow asks for the second step.
func (r *rig) follow(first *agent, idp *idp, change map[string]any) answer {
	r.t.Helper()
	fields := passthrough(idp, map[string]any{"follows": first.created.SessionID})
	maps.Copy(fields, change)
	return r.tryCreate(fields)
}

func (p *person) status(a *agent) (o wire.Outcome) {
	p.r.t.Helper()
	p.get("/v1/connect/" + a.created.Code + "/status").want(http.StatusOK).into(&o)
	return o
}

func TestASecondStepHasTheFirstOnesLinkAndCode(t *testing.T) {
	idp := newIDP(t)
	r := newRig(t, withIDP(idp))
	first, p := r.login(nil)
	if got := p.status(first); got.Status != wire.Consumed || got.Step != 1 || got.Steps != 2 {
		t.Errorf("before the second step the page is told %+v", got)
	}
	second := &agent{r: r, key: testKey()}
	r.follow(first, idp, nil).want(http.StatusCreated).into(&second.created)
	c := second.created
	if c.URL != first.created.URL || c.Code != first.created.Code || c.UserCode != c.Code ||
		c.VerificationURIComplete != c.URL || c.Follows != first.created.SessionID || c.Steps != 2 {
		t.Errorf("created = %+v, want the link and code of %+v", c, first.created)
	}
	if c.SessionID == first.created.SessionID || c.PollToken == first.created.PollToken {
		t.Error("the second session is the first")
	}
	if got := p.status(first); got.Status != wire.Pending || got.Step != 2 {
		t.Errorf("then the page is told %+v, want step 2 pending", got)
	}
	var shown wire.Connect
	p.get("/v1/connect/" + first.created.Code).want(http.StatusOK).into(&shown)
	if shown.Code != first.created.Code || shown.Step != 2 || shown.Steps != 2 || shown.Destination != strings.TrimPrefix(idp.URL, "http://") {
		t.Errorf("the link now shows %+v", shown)
	}
	second.wantStatus(wire.Pending)
	if got, want := p.depart(second).String(), idp.URL+"/connected-accounts/connect?ticket=tk"; got != want {
		t.Errorf("Location = %q, want %q", got, want)
	}
	back := p.callback("state", customState, "connect_code", "cc-1").want(http.StatusSeeOther).header.Get("Location")
	if want := first.created.URL + "?status=success"; back != want {
		t.Errorf("the browser comes back to %q, want %q", back, want)
	}
	if got := second.fetch(); got != `{"connect_code":"cc-1"}` {
		t.Errorf("credential = %s", got)
	}
	if got := p.status(first); got.Status != wire.Consumed || got.Step != 2 {
		t.Errorf("in the end the page is told %+v", got)
	}
	first.wantStatus(wire.Consumed)
}

func TestASecondStepIsForTheBrowserOfTheFirstOnly(t *testing.T) {
	idp := newIDP(t)
	r := newRig(t, withIDP(idp))
	first, p := r.login(nil)
	second := &agent{r: r, key: testKey()}
	r.follow(first, idp, nil).want(http.StatusCreated).into(&second.created)
	stranger := r.person()
	stranger.confirm(r.create(nil)) // has a cookie, but not this session's
	path := "/v1/connect/" + first.created.Code
	for _, other := range []*person{stranger, r.person()} {
		other.get(path).problem(http.StatusNotFound)
		other.get(path + "/status").problem(http.StatusNotFound)
		other.postJSON(path+"/confirm", nil).problem(http.StatusConflict)
		r.clock.Advance(time.Second)
	}
	token := p.confirm(second)
	stranger.authorize(second, token).problem(http.StatusForbidden)
	second.wantStatus(wire.Confirmed)
	p.authorize(second, token).want(http.StatusSeeOther)
	stranger.callback("state", customState, "connect_code", "cc-ATTACKER").problem(http.StatusBadRequest)
	p.callback("state", customState, "connect_code", "cc-1").want(http.StatusSeeOther)
	if got := second.fetch(); got != `{"connect_code":"cc-1"}` {
		t.Errorf("credential = %s", got)
	}
}

func TestTheSecondStepsOwnCodeOpensNothing(t *testing.T) {
	idp := newIDP(t)
	r := newRig(t, withIDP(idp))
	var codes []string
	r.b.SetNewCode(func(length int) string {
		code := broker.TestNewCode(length)
		codes = append(codes, code)
		return code
	})
	first, p := r.login(nil)
	r.follow(first, idp, nil).want(http.StatusCreated)
	if len(codes) != 2 {
		t.Fatalf("%d codes were drawn, want 2", len(codes))
	}
	for _, browser := range []*person{p, r.person()} {
		browser.get("/v1/connect/" + codes[1]).problem(http.StatusNotFound)
		browser.postJSON("/v1/connect/"+codes[1]+"/confirm", nil).problem(http.StatusNotFound)
		browser.postJSON("/v1/connect/resolve", wire.Resolve{UserCode: codes[1]}).problem(http.StatusNotFound)
	}
}

func TestSessionsThatCannotBeFollowed(t *testing.T) {
	idp := newIDP(t)
	config := func(cfg *broker.Config) {
		withIDP(idp)(cfg)
		cfg.Keys = append(cfg.Keys, broker.APIKey{Name: "agent two", Secret: secret.New("la_key-of-agent-two")})
	}
	tests := []struct {
		name    string
		prepare func(*rig) string // the id to follow
	}{
		{"one that there is not", func(*rig) string { return strings.Repeat("0", 64) }},
		{"nonsense", func(*rig) string { return "../%00" }},
		{"one that nobody has opened", func(r *rig) string { return r.create(nil).created.SessionID }},
		{"one that is at the provider", func(r *rig) string {
			a := r.create(map[string]any{"oauth_provider": "auth0"})
			r.person().depart(a)
			return a.created.SessionID
		}},
		{"one that failed", func(r *rig) string {
			a, p := r.create(map[string]any{"oauth_provider": "auth0"}), r.person()
			p.callback("state", p.depart(a).Query().Get("state"), "error", "access_denied").problem(http.StatusBadRequest)
			return a.created.SessionID
		}},
		{"one that has run out", func(r *rig) string {
			a, _ := r.login(nil)
			r.clock.Advance(time.Hour)
			return a.created.SessionID
		}},
		{"one that is about to run out", func(r *rig) string {
			a, _ := r.login(nil)
			r.clock.Advance(a.created.ExpiresAt.Sub(r.clock.Now()) - time.Minute)
			return a.created.SessionID
		}},
		{"one that follows another", func(r *rig) string {
			a, p := r.login(nil)
			b := &agent{r: r, key: testKey()}
			r.follow(a, idp, nil).want(http.StatusCreated).into(&b.created)
			p.depart(b)
			p.callback("state", customState, "connect_code", "cc-1").want(http.StatusSeeOther)
			return b.created.SessionID
		}},
		{"one whose follower somebody is working on", func(r *rig) string {
			a, p := r.login(nil)
			b := &agent{r: r, key: testKey()}
			r.follow(a, idp, nil).want(http.StatusCreated).into(&b.created)
			p.confirm(b)
			return a.created.SessionID
		}},
	}
	var said []string
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, config)
			id := tt.prepare(r)
			p := r.tryCreate(passthrough(idp, map[string]any{"follows": id, "custom_state": "another-0123456789"})).problem(http.StatusUnprocessableEntity)
			said = append(said, p.Detail)
		})
	}
	t.Run("one of another key", func(t *testing.T) {
		r := newRig(t, config)
		a, _ := r.login(nil)
		body := `{"public_key":"` + publicKey(t) + `","template":"api_key","follows":"` + a.created.SessionID + `"}`
		p := r.send("POST", "/v1/sessions", body, "Content-Type", "application/json", "X-API-Key", "la_key-of-agent-two").problem(http.StatusUnprocessableEntity)
		said = append(said, p.Detail)
	})
	for _, detail := range said {
		if detail != said[0] {
			t.Errorf("the answers tell the cases apart: %q and %q", detail, said[0])
		}
	}
}

func TestAFollowerThatNobodyBeganIsReplaced(t *testing.T) {
	idp := newIDP(t)
	r := newRig(t, withIDP(idp))
	first, p := r.login(nil)
	var lost wire.Created
	r.follow(first, idp, nil).want(http.StatusCreated).into(&lost)
	// The agent was killed before it wrote that down, and comes again with the
	// same state, and then with another.
	r.follow(first, idp, nil).problem(http.StatusConflict)
	second := &agent{r: r, key: testKey()}
	r.follow(first, idp, map[string]any{"custom_state": "another-0123456789"}).want(http.StatusCreated).into(&second.created)
	p.depart(second)
	p.callback("state", customState, "connect_code", "cc-0").problem(http.StatusBadRequest)
	p.callback("state", "another-0123456789", "connect_code", "cc-1").want(http.StatusSeeOther)
	if got := second.fetch(); got != `{"connect_code":"cc-1"}` {
		t.Errorf("credential = %s", got)
	}
}

// between is a store that lets something happen just before one update.
type between struct {
	broker.Store
	do atomic.Pointer[func()]
}

func (b *between) Update(ctx context.Context, id string, change func(*broker.Session) error) (broker.Session, error) {
	if do := b.do.Swap(nil); do != nil {
		(*do)()
	}
	return b.Store.Update(ctx, id, change)
}

func TestOfTwoFollowersAtTheSameTimeOneIsRefused(t *testing.T) {
	idp := newIDP(t)
	store := &between{Store: broker.NewMemory(broker.MemoryConfig{})}
	r := newRig(t, func(cfg *broker.Config) {
		withIDP(idp)(cfg)
		cfg.Store = store
	})
	first, p := r.login(nil)
	faster := &agent{r: r, key: testKey()}
	follow := func() { r.follow(first, idp, nil).want(http.StatusCreated).into(&faster.created) }
	store.do.Store(&follow)
	r.follow(first, idp, map[string]any{"custom_state": "another-0123456789"}).problem(http.StatusUnprocessableEntity)
	p.depart(faster)
	p.callback("state", customState, "connect_code", "cc-1").want(http.StatusSeeOther)
	if got := faster.fetch(); got != `{"connect_code":"cc-1"}` {
		t.Errorf("credential = %s", got)
	}
}

func TestASecondStepEndsWithTheFirst(t *testing.T) {
	idp := newIDP(t)
	r := newRig(t, withIDP(idp))
	first, p := r.login(nil)
	r.clock.Advance(first.created.ExpiresAt.Sub(r.clock.Now()) - 3*time.Minute)
	var second wire.Created
	r.follow(first, idp, nil).want(http.StatusCreated).into(&second)
	if !second.ExpiresAt.Equal(first.created.ExpiresAt) {
		t.Errorf("the second ends %v, want %v: its link ends then", second.ExpiresAt, first.created.ExpiresAt)
	}
	r.clock.Advance(3 * time.Minute)
	p.get("/v1/connect/" + first.created.Code).problem(http.StatusNotFound)
}

// TestWaitingForTheNextStepIsNotGuessing: a page asks every second.
func TestWaitingForTheNextStepIsNotGuessing(t *testing.T) {
	idp := newIDP(t)
	r := newRig(t, withIDP(idp))
	first, p := r.login(nil)
	for range 10 * broker.TestGuessesPerAddress {
		p.status(first)
	}
	p.get("/v1/connect/AAAAA-AAAAA").problem(http.StatusNotFound)
}

func TestStepsThatCannotBeAnnounced(t *testing.T) {
	r := newRig(t, nil)
	for _, steps := range []int{-1, 3, 1 << 40} {
		r.tryCreate(map[string]any{"steps": steps}).problem(http.StatusUnprocessableEntity)
	}
}
