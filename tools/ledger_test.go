package tools_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// slow is a shelf that takes its time to write. In a synctest bubble that time
// ends when everybody else has gone as far as they get without it.
type slow struct{ *shelf }

func (s slow) Put(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	time.Sleep(time.Millisecond)
	return s.shelf.Put(ctx, key, value, ttl)
}

// TestOfTwoCallsThatBothFoundNothingOneSends has two calls with one mail look
// whether it went out before, before either has noted that it is on its way.
func TestOfTwoCallsThatBothFoundNothingOneSends(t *testing.T) {
	for _, policy := range []string{"direct", "confirm"} {
		t.Run(policy, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDesk()
				cfg := d.cfg(t, policy)
				args := []string{mailTo("a@example.com"), mailTo("a@example.com")}
				if policy == "confirm" { // the user agrees to the same mail twice
					for i := range args {
						args[i] = fmt.Sprintf(post, token(t, must(t, cfg, "send_email", fmt.Sprintf(post, ""))))
					}
				}
				cfg.Confirmations = slow{d.shelf}
				outcomes := make([]any, len(args))
				var group sync.WaitGroup
				for i := range args {
					group.Go(func() {
						a, err := run(t, cfg, "send_email", args[i])
						if err != nil {
							t.Error(err)
						}
						outcomes[i] = a.data()["outcome"]
					})
				}
				group.Wait()
				if len(d.box.sent) != 1 || !slices.Contains(outcomes, any("sent")) || !slices.Contains(outcomes, any("duplicate")) {
					t.Errorf("%d mails were sent, with the outcomes %v; want one sent and one duplicate", len(d.box.sent), outcomes)
				}
			})
		})
	}
}
