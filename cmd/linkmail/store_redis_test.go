package main

import (
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
)

func TestTwoMachinesShareASignInOverRedis(t *testing.T) {
	m := miniredis.RunT(t)
	env := []string{"LINKMAIL_AUTH=token", "LINKMAIL_GMAIL_TOKEN=t", "LINKMAIL_STORE=redis://" + m.Addr(), "LINKMAIL_KEY=" + sealKey}
	for machine := range 2 {
		s := source{p: process{env: env}, list: settingsFor(false)}
		c, err := s.client("warn")
		if err != nil {
			t.Fatal(err)
		}
		store, err := c.store(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { closeStore(store) })
		if machine == 0 {
			if err := store.Put(t.Context(), "login", []byte("canary"), time.Hour); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if got, err := store.Get(t.Context(), "login"); err != nil || string(got) != "canary" {
			t.Errorf("the second machine found %q, %v", got, err)
		}
		if strings.Contains(m.Dump(), "canary") {
			t.Error("the login is in Redis in the clear")
		}
	}
}
