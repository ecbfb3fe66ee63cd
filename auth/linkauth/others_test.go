package linkauth_test

import (
	"testing"
	"time"

	"linkmail/auth"
	"linkmail/auth/linkauth"
	"linkmail/cache"
	"linkmail/internal/testclock"
)

// TestProblem06AResultIsOnlyForWhoeverAsked has the result of one person in
// the store when another one asks for the very same.
func TestProblem06AResultIsOnlyForWhoeverAsked(t *testing.T) {
	for name, one := range map[string]struct {
		result string
		call   func(*linkauth.Connector, auth.Principal) error
	}{
		"a login": {tokens, func(c *linkauth.Connector, who auth.Principal) error {
			req := login("one")
			req.Principal = who
			_, err := c.Login(t.Context(), req)
			return err
		}},
		"a consent": {`{"connect_code":"cc-1"}`, func(c *linkauth.Connector, who auth.Principal) error {
			req := redirect()
			req.Principal = who
			_, err := c.Redirect(t.Context(), req)
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			b, store, clk := newScripted(t), cache.NewMemory(nil), testclock.New()
			b.says(ok(`{"status":"pending"}`))
			c := connector(t, b.URL, store, clk)
			me := auth.Principal{Subject: "local"}
			mine := link(t, one.call(c, me))
			somebody := link(t, one.call(c, auth.Principal{Subject: "somebody"}))
			if somebody.Code == mine.Code {
				t.Error("two people share one link")
			}
			b.says(readyFor(t, b.created[0].PublicKey, one.result))
			clk.Advance(time.Minute)
			if err := one.call(c, me); err != nil {
				t.Fatal(err)
			}
			b.says(ok(`{"status":"pending"}`))
			if again := link(t, one.call(c, auth.Principal{Subject: "somebody"})); again.Code != somebody.Code {
				t.Errorf("somebody else is shown %s, want their own %s again", again.Code, somebody.Code)
			}
			link(t, one.call(c, auth.Principal{Subject: "nobody"}))
		})
	}
}

// TestProblem06NobodyFollowsTheLoginOfAnother is about the tab that a person
// still has open: what it is sent to next has to be theirs.
func TestProblem06NobodyFollowsTheLoginOfAnother(t *testing.T) {
	b, store, clk := newScripted(t), cache.NewMemory(nil), testclock.New()
	b.opens(chaining)
	c := connector(t, b.URL, store, clk)
	req := login("one")
	req.Continues = true
	_, err := c.Login(t.Context(), req)
	mine := link(t, err)
	b.says(b.sealed(t, `{"refresh_token":"`+refreshCanary+`"}`))
	if _, err := c.Login(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	b.opens(opened)
	other := redirect()
	other.Principal.Subject = "somebody"
	_, err = c.Redirect(t.Context(), other)
	if theirs := link(t, err); theirs.URL == mine.URL || b.created[1].Follows != "" || b.created[1].PublicKey == b.created[0].PublicKey {
		t.Errorf("the consent of somebody else goes into the tab of the first: %s, following %q", theirs.URL, b.created[1].Follows)
	}
}
