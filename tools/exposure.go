package tools

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"sync"
	"time"
)

// exposure remembers which addresses stood in mail that was shown to the
// model. A mail can talk a model into writing to whoever sent it: a recipient
// that the user never wrote to, and that was read in a mail, is therefore one
// that a person has to agree to, whatever the policy allows.
//
// It is kept in the store, so that it holds from one process of "linkmail
// call" to the next, and as digests, so that the store holds no addresses. It
// reaches as far as an address can be read: one that a mail spells out in a
// riddle is not found.
type exposure struct {
	store Confirmations // nil: for this process alone
	now   func() time.Time

	mu   sync.Mutex
	seen map[string]time.Time // digest -> until when
	// blind: something could not be remembered, so every stranger is one that
	// may have been read of.
	blind bool
}

const (
	exposureTTL = 24 * time.Hour
	// maxExposure bounds how many addresses are remembered. Beyond it every
	// stranger counts as read of.
	maxExposure = 4096
	exposureKey = "exposure"
)

func newExposure(cfg Config) *exposure {
	return &exposure{store: cfg.Confirmations, now: cfg.now, seen: map[string]time.Time{}}
}

func exposureDigest(address string) string {
	sum := sha256.Sum256([]byte("linkmail exposure\x00" + canonical(address)))
	return base64.RawStdEncoding.EncodeToString(sum[:12])
}

// note remembers the addresses in texts that are about to be shown.
func (e *exposure) note(ctx context.Context, texts []string) {
	e.mu.Lock()
	until := e.now().Add(exposureTTL)
	fresh := false
	for _, text := range texts {
		for _, a := range addressesIn(text) {
			d := exposureDigest(a)
			// Renewing what is half as old at most keeps the store quiet.
			if e.seen[d].Sub(e.now()) < exposureTTL/2 {
				e.seen[d], fresh = until, true
			}
		}
	}
	if len(e.seen) > maxExposure {
		e.blind = true
	}
	e.mu.Unlock()
	if !fresh || e.store == nil {
		return
	}
	if err := e.save(ctx); err != nil {
		e.mu.Lock()
		e.blind = true
		e.mu.Unlock()
	}
}

// save merges what this process knows into the store, and the other way round.
func (e *exposure) save(ctx context.Context) error {
	unlock, err := e.store.Lock(ctx, exposureKey+"/lock")
	if err != nil {
		return err
	}
	defer unlock()
	e.load(ctx)
	e.mu.Lock()
	now := e.now()
	kept := make(map[string]int64, len(e.seen))
	for d, until := range e.seen {
		if now.Before(until) {
			kept[d] = until.Unix()
		}
	}
	e.mu.Unlock()
	raw, err := json.Marshal(kept)
	if err != nil {
		return err
	}
	return e.store.Put(ctx, exposureKey, raw, exposureTTL)
}

// load adds what the store knows.
func (e *exposure) load(ctx context.Context) {
	if e.store == nil {
		return
	}
	raw, err := e.store.Get(ctx, exposureKey)
	if err != nil {
		return // there is none, or none that anybody could read
	}
	var kept map[string]int64
	e.mu.Lock()
	defer e.mu.Unlock()
	if json.Unmarshal(raw, &kept) != nil || len(kept) > maxExposure {
		e.blind = true
		return
	}
	for d, until := range kept {
		if t := time.Unix(until, 0); e.seen[d].Before(t) {
			e.seen[d] = t
		}
	}
}

// readOf returns those of recipients that stood in a mail that was shown.
func (e *exposure) readOf(ctx context.Context, recipients []string) []string {
	e.load(ctx)
	e.mu.Lock()
	defer e.mu.Unlock()
	var found []string
	for _, r := range recipients {
		if e.blind || e.now().Before(e.seen[exposureDigest(r)]) {
			found = append(found, r)
		}
	}
	return found
}

// hasRead reports whether any address was read of.
func (e *exposure) hasRead(ctx context.Context) bool {
	e.load(ctx)
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, until := range e.seen {
		if e.now().Before(until) {
			return true
		}
	}
	return e.blind
}

// acquainted is what the gate needs to know of a recipient.
type acquainted interface {
	// Knows reports whether the address is the account's own, or one that it
	// has written to before.
	Knows(ctx context.Context, address string) (bool, error)
}

// maxAsked bounds how many recipients of a mail are looked up.
const maxAsked = 10

// strangers returns the recipients that appear nowhere but in mail that was
// shown. Whom the policy names one by one is none.
func (e *exposure) strangers(ctx context.Context, box acquainted, policy SendPolicy, recipients []string) ([]string, error) {
	var list []string
	for i, r := range e.readOf(ctx, recipients) {
		if policy.names(r) {
			continue
		}
		if i < maxAsked {
			known, err := box.Knows(ctx, r)
			if err != nil {
				return nil, err
			}
			if known {
				continue
			}
		}
		list = append(list, r)
	}
	return list, nil
}
