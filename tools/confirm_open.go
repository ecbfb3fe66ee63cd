package tools

import (
	"context"
	"encoding/json"
	"time"
)

// openKey is where the open confirmations are listed, because a store cannot
// be asked for what it holds.
const openKey = "confirm-open"

// opened is a confirmation that was asked for: where it is, and the Unix time
// of its end.
type opened struct {
	Key  string `json:"k"`
	Ends int64  `json:"e"`
}

// noteOpen lists a confirmation that is about to be kept. One that was redeemed
// stays listed until its time is over, which does no harm.
func noteOpen(ctx context.Context, store Confirmations, key string, ends, now time.Time) error {
	unlock, err := store.Lock(ctx, openKey)
	if err != nil {
		return err
	}
	defer unlock()
	list := []opened{{key, ends.Unix()}}
	for _, o := range listOpen(ctx, store) {
		if now.Unix() < o.Ends {
			list = append(list, o)
		}
	}
	raw, err := json.Marshal(list)
	if err != nil {
		return err
	}
	return store.Put(ctx, openKey, raw, confirmationTTL)
}

// listOpen reads the list; one that cannot be read is empty.
func listOpen(ctx context.Context, store Confirmations) []opened {
	var list []opened
	if raw, err := store.Get(ctx, openKey); err != nil || json.Unmarshal(raw, &list) != nil {
		return nil
	}
	return list
}

// EndConfirmations ends every open confirmation that store holds and returns
// how many there were. A mail that was waiting for one needs a new one.
func EndConfirmations(ctx context.Context, store Confirmations) (int, error) {
	unlock, err := store.Lock(ctx, openKey)
	if err != nil {
		return 0, notKept(ctx, err)
	}
	defer unlock()
	ended := 0
	for _, o := range listOpen(ctx, store) {
		if _, err := store.Get(ctx, o.Key); err == nil {
			ended++
		}
		if err := store.Delete(ctx, o.Key); err != nil {
			return ended, notKept(ctx, err)
		}
	}
	// What was sent and what was read of go with the sign-in as well.
	for _, key := range []string{openKey, ledgerKey, exposureKey} {
		if err := store.Delete(ctx, key); err != nil {
			return ended, notKept(ctx, err)
		}
	}
	return ended, nil
}
