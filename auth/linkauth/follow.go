package linkauth

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"linkmail/auth"
	"linkmail/cache"
)

// lead is a finished session that another one may follow. The person has its
// link, and perhaps its tab still open.
//
// The follower uses the same key, because the link names the key: its
// fingerprint is in the fragment. So the key of a login lives on until it is
// followed or the login's session ends, sealed like every record.
type lead struct {
	ID      string    `json:"id"`
	Key     []byte    `json:"key"` // PKCS #8
	Expires time.Time `json:"expires"`
}

// leadKey names the record of the session that a trip of who may follow.
func (c *Connector) leadKey(who auth.Principal) string { return c.key("lead", who) }

// keepLead stores the finished session r of t for the trip that follows.
func (c *Connector) keepLead(ctx context.Context, t trip, r record) error {
	life := r.Expires.Sub(c.now())
	if life <= 0 {
		return nil
	}
	data, err := json.Marshal(lead{ID: r.ID, Key: r.Key, Expires: r.Expires})
	if err != nil {
		return err
	}
	if err := c.store.Put(ctx, t.lead, data, life); err != nil {
		return auth.CacheFailure(ctx, "write", err)
	}
	return nil
}

// followable returns the session that t may follow. One that cannot be read is
// as good as none: then the person gets a second link.
func (c *Connector) followable(ctx context.Context, t trip) (lead, bool) {
	data, err := c.store.Get(ctx, t.lead)
	if errors.Is(err, cache.ErrNotFound) || err != nil {
		return lead{}, false
	}
	var l lead
	if json.Unmarshal(data, &l) != nil || l.ID == "" || !c.now().Before(l.Expires) {
		return lead{}, false
	}
	if _, err := privateKey(l.Key); err != nil {
		return lead{}, false
	}
	return l, true
}

// privateKey reads the key of a session.
func privateKey(der []byte) (*rsa.PrivateKey, error) {
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, invalid("the session's key cannot be read", err)
	}
	key, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return nil, invalid("the session's key is of another kind", nil)
	}
	return key, nil
}

// withFingerprint puts the name of the key into the fragment of a link. No
// server, log or preview sees a fragment; the broker's page compares it with
// the key that it was given, and the page of a broker that knows nothing of it
// ignores it.
func withFingerprint(link, name string) string {
	mark := "#"
	if strings.Contains(link, "#") {
		mark = "&"
	}
	return link + mark + "fp=" + name
}
