package linkauth_test

import (
	"testing"
	"time"

	"linkmail/cache"
	"linkmail/internal/testclock"
)

func TestAResultThatWasStoredIsNotRepeated(t *testing.T) {
	b, store, clk := newScripted(t), cache.NewMemory(nil), testclock.New()
	c := connector(t, b.URL, store, clk)
	_, err := c.Login(t.Context(), login("one"))
	first := link(t, err)
	b.says(b.sealed(t, tokens))
	clk.Advance(6 * time.Second)
	for range 2 {
		if _, err := c.Login(t.Context(), login("one")); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Finish(t.Context(), login("one")); err != nil {
		t.Fatal(err)
	}
	_, err = c.Login(t.Context(), login("one"))
	if again := link(t, err); again.Code == first.Code && again.URL == first.URL {
		t.Error("the result is gone and its link is given out again")
	}
}
