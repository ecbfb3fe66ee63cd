package linkauth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"linkmail/auth"
	"linkmail/cache"
)

// record is a session that is open, or the result that it came to. The store
// seals it.
type record struct {
	ID        string      `json:"id,omitempty"`
	PollToken string      `json:"poll_token,omitempty"`
	Key       []byte      `json:"key,omitempty"` // PKCS #8, fresh for this session
	URL       string      `json:"url,omitempty"`
	Code      string      `json:"code,omitempty"`
	Previous  auth.Ending `json:"previous,omitempty"`
	// Interval is the time between two polls, Next when the next one may be.
	Interval time.Duration `json:"interval,omitempty"`
	Next     time.Time     `json:"next,omitzero"`
	// Expires is on this machine's clock, counted from Since.
	Since   time.Time `json:"since,omitzero"`
	Expires time.Time `json:"expires,omitzero"`
	// Hollow says that the broker has announced a result once without sending it.
	Hollow bool `json:"hollow,omitempty"`
	// Opened is when the broker first said that somebody had opened the link.
	Opened time.Time `json:"opened,omitzero"`
	// Leads says that the broker lets another session follow this one.
	Leads bool `json:"leads,omitempty"`

	// Result is the plaintext, Since then when it came. It takes the place of
	// all the rest, the private key above all.
	Result json.RawMessage `json:"result,omitempty"`
}

func (r record) challenge(scope string) error {
	c := &auth.Challenge{URL: r.URL, Code: r.Code, Scope: scope, Expires: r.Expires, Previous: r.Previous}
	if !r.Opened.IsZero() {
		c.Renews = r.Opened.Add(patience)
	}
	return c
}

// load reads the record under key and reports whether there was one. What
// cannot be decoded was written by another version and counts as absent.
func (c *Connector) load(ctx context.Context, key string) (record, bool, error) {
	data, err := c.store.Get(ctx, key)
	if errors.Is(err, cache.ErrNotFound) {
		return record{}, false, nil
	}
	if err != nil {
		return record{}, false, auth.CacheFailure(ctx, "read", err)
	}
	var r record
	ok := json.Unmarshal(data, &r) == nil && (r.Result != nil || r.ID != "" && r.Key != nil)
	return r, ok, nil
}

func (c *Connector) save(ctx context.Context, key string, r record, ttl time.Duration) error {
	data, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("linkauth: encode a record: %w", err)
	}
	if err := c.store.Put(ctx, key, data, ttl); err != nil {
		return auth.CacheFailure(ctx, "write", err)
	}
	return nil
}

func (c *Connector) drop(ctx context.Context, key string) error {
	if err := c.store.Delete(ctx, key); err != nil {
		return auth.CacheFailure(ctx, "clear", err)
	}
	return nil
}
