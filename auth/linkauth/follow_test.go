package linkauth_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"linkmail/broker/wire"
	"linkmail/cache"
	"linkmail/internal/testclock"
)

// fingerprint names a key as it was sent to the broker.
func fingerprint(t *testing.T, publicKey string) string {
	t.Helper()
	key, err := wire.ParsePublicKey(publicKey)
	if err != nil {
		t.Fatal(err)
	}
	name, err := wire.Fingerprint(key)
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// chaining is the answer of a broker that lets the session "id-1" be followed.
func chaining(n int) reply {
	out := opened(n)
	extra := `"steps":2,`
	if n > 1 {
		extra += `"follows":"id-1",`
		out.body = strings.ReplaceAll(out.body, fmt.Sprintf("CODE-%d", n), "CODE-1")
	}
	out.body = "{" + extra + out.body[1:]
	return out
}

func TestARedirectFollowsTheLoginBeforeIt(t *testing.T) {
	b, store, clk := newScripted(t), cache.NewMemory(nil), testclock.New()
	b.opens(chaining)
	c := connector(t, b.URL, store, clk)
	req := login("one")
	req.Continues = true
	_, err := c.Login(t.Context(), req)
	first := link(t, err)
	b.says(b.sealed(t, `{"refresh_token":"`+refreshCanary+`"}`))
	if _, err := c.Login(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	c = connector(t, b.URL, store, clk) // another process
	_, err = c.Redirect(t.Context(), redirect())
	second := link(t, err)
	if second.URL != first.URL || second.Code != first.Code {
		t.Errorf("the second link is %s with %s, want %s with %s", second.URL, second.Code, first.URL, first.Code)
	}
	if b.created[0].Steps != 2 || b.created[1].Follows != "id-1" || b.created[1].PublicKey != b.created[0].PublicKey {
		t.Errorf("the sessions were opened with %+v and %+v", b.created[0], b.created[1])
	}
	b.says(b.sealed(t, `{"connect_code":"cc-1"}`))
	if got, err := c.Redirect(t.Context(), redirect()); err != nil || got.Get("connect_code") != "cc-1" {
		t.Errorf("Redirect = %v, %v", got, err)
	}
	// A link is followed once.
	b.opens(opened)
	again := redirect()
	again.Attempt = "another"
	_, err = c.Redirect(t.Context(), again)
	if third := link(t, err); third.URL == first.URL || b.created[2].Follows != "" || b.created[2].PublicKey == b.created[0].PublicKey {
		t.Errorf("the next redirect follows again: %s", third.URL)
	}
}

func TestARedirectWithNothingToFollowHasALinkOfItsOwn(t *testing.T) {
	leading := func(n int) reply {
		if n == 1 {
			return chaining(n)
		}
		return opened(n)
	}
	refusing := func(n int) reply {
		if n == 2 {
			return reply{status: 422, body: `{"title":"Invalid Request","status":422,"detail":"follows: no"}`}
		}
		return leading(n)
	}
	tests := []struct {
		name      string
		broker    func(n int) reply
		announced bool
		pause     time.Duration
	}{
		{"at a broker that knows of no steps", opened, true, 0},
		{"after a login that is complete in itself", leading, false, 0},
		{"after the login's session has ended", leading, true, 11 * time.Minute},
		{"at a broker that refuses to follow", refusing, true, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b, store, clk := newScripted(t), cache.NewMemory(nil), testclock.New()
			b.opens(tt.broker)
			c := connector(t, b.URL, store, clk)
			req := login("one")
			req.Continues = tt.announced
			_, err := c.Login(t.Context(), req)
			first := link(t, err)
			b.says(b.sealed(t, `{"refresh_token":"`+refreshCanary+`"}`))
			if _, err := c.Login(t.Context(), req); err != nil {
				t.Fatal(err)
			}
			clk.Advance(tt.pause)
			_, err = c.Redirect(t.Context(), redirect())
			second := link(t, err)
			last := b.created[len(b.created)-1]
			if second.URL == first.URL || last.Follows != "" || last.PublicKey == b.created[0].PublicKey {
				t.Errorf("the second link is %s, opened with follows %q", second.URL, last.Follows)
			}
		})
	}
}

// TestARefusalThatIsNotAboutFollowingIsSaid: trying again without following
// would not help there.
func TestARefusalThatIsNotAboutFollowingIsSaid(t *testing.T) {
	for status, code := range map[int]string{409: "broker_state_taken", 429: "broker_unavailable", 503: "broker_unavailable"} {
		b, store, clk := newScripted(t), cache.NewMemory(nil), testclock.New()
		b.opens(chaining)
		c := connector(t, b.URL, store, clk)
		req := login("one")
		req.Continues = true
		_, err := c.Login(t.Context(), req)
		link(t, err)
		b.says(b.sealed(t, `{"refresh_token":"`+refreshCanary+`"}`))
		if _, err := c.Login(t.Context(), req); err != nil {
			t.Fatal(err)
		}
		b.opens(func(int) reply { return reply{status: status, body: `{}`} })
		_, err = c.Redirect(t.Context(), redirect())
		if got := failure(t, err); got.Code != code || len(b.created) != 2 {
			t.Errorf("HTTP %d: failure %s after %d creations, want %s after 2", status, got.Code, len(b.created), code)
		}
	}
}
