package linkauth

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"time"

	"linkmail/auth"
	"linkmail/broker/wire"
	"linkmail/internal/secret"
)

const (
	// keyBits is the size of a session's key. The session lives for minutes.
	keyBits = 2048
	// resultLife is how long a result is repeated for an equal request.
	resultLife = time.Hour
	// linger is how long the record of a session outlives it.
	linger = time.Hour
)

// trip is one request to a person, as far as it is the same for every kind.
type trip struct {
	key     string      // of its record
	session wire.Create // what to open at the broker, without the key
	scope   string      // for the challenge
	check   func(plain []byte) error
	hint    string // for a broker that refuses to open it
	// lead is where the session is kept that a Redirect may follow, and leads
	// says that this trip is one to be followed.
	lead  string
	leads bool
}

// advance takes a trip as far as it goes now: to the record with its result,
// or to the challenge, or to a failure.
func (c *Connector) advance(ctx context.Context, t trip) (record, error) {
	// Opening a session and fetching its result both happen once, whoever asks.
	unlock, err := c.store.Lock(ctx, t.key+"/lock")
	if err != nil {
		return record{}, auth.CacheFailure(ctx, "lock", err)
	}
	defer unlock()

	r, ok, err := c.load(ctx, t.key)
	if err != nil {
		return record{}, err
	}
	if !ok {
		return record{}, c.open(ctx, t, 0)
	}
	if r.Result != nil {
		return r, nil
	}
	before := r
	ending, err := c.poll(ctx, t, &r)
	if _, waits := errors.AsType[*auth.Challenge](err); !waits {
		c.settle(before)
	}
	switch {
	case err != nil:
		return record{}, err
	case ending != 0:
		return record{}, c.open(ctx, t, ending)
	default:
		return r, nil
	}
}

// open opens a session, stores it in place of the one before and returns its
// challenge. A trip that follows another one goes on under that one's link, if
// the broker lets it.
func (c *Connector) open(ctx context.Context, t trip, previous auth.Ending) error {
	if t.leads {
		t.session.Steps = 2
	} else if before, ok := c.followable(ctx, t); ok {
		r, answer, err := c.create(ctx, t, before)
		if err != nil {
			return err
		}
		if answer.ok() {
			// Followed once: a further try gets a link of its own, because this
			// one works in one browser only, and that may be the trouble.
			r.Previous = previous
			if err := c.begin(ctx, t, r); err != nil {
				return err
			}
			if err := c.drop(ctx, t.lead); err != nil {
				return err
			}
			return c.challenge(t, &r)
		}
		if answer.status != http.StatusUnprocessableEntity && answer.status != http.StatusBadRequest {
			return c.broker.refusal(answer, t.hint)
		}
	}
	r, answer, err := c.create(ctx, t, lead{})
	if err != nil {
		return err
	}
	if !answer.ok() {
		return c.broker.refusal(answer, t.hint)
	}
	r.Previous = previous
	if err := c.begin(ctx, t, r); err != nil {
		return err
	}
	return c.challenge(t, &r)
}

// begin stores a session that has been opened.
func (c *Connector) begin(ctx context.Context, t trip, r record) error {
	return c.save(ctx, t.key, r, r.Expires.Sub(r.Since)+linger)
}

// create asks the broker for a session, with a fresh key or as the follower of
// another one with that one's key. The reply tells whether it was granted.
func (c *Connector) create(ctx context.Context, t trip, before lead) (record, reply, error) {
	der := before.Key
	if der == nil {
		key, err := rsa.GenerateKey(rand.Reader, keyBits)
		if err != nil {
			return record{}, reply{}, fmt.Errorf("linkauth: make a key: %w", err)
		}
		if der, err = x509.MarshalPKCS8PrivateKey(key); err != nil {
			return record{}, reply{}, fmt.Errorf("linkauth: encode a key: %w", err)
		}
	}
	key, err := privateKey(der)
	if err != nil {
		return record{}, reply{}, err
	}
	if t.session.PublicKey, err = wire.EncodePublicKey(&key.PublicKey); err != nil {
		return record{}, reply{}, fmt.Errorf("linkauth: encode a key: %w", err)
	}
	name, err := wire.Fingerprint(&key.PublicKey)
	if err != nil {
		return record{}, reply{}, fmt.Errorf("linkauth: name a key: %w", err)
	}
	t.session.Follows = before.ID
	since := c.now()
	answer, err := c.broker.ask(ctx, http.MethodPost, "/v1/sessions", secret.Text{}, t.session)
	if err != nil {
		if ctx.Err() != nil {
			return record{}, reply{}, ctx.Err()
		}
		return record{}, reply{}, c.broker.unreachable(err)
	}
	if !answer.ok() {
		return record{}, answer, nil
	}
	session, err := readOpened(answer.body, answer.header.Get("Date"))
	if err != nil {
		return record{}, reply{}, c.broker.refusal(answer, t.hint)
	}
	return record{
		ID: session.id, PollToken: session.pollToken, Key: der,
		URL: withFingerprint(session.url, name), Code: session.code,
		Interval: session.interval, Since: since, Expires: since.Add(session.life),
		Leads: t.leads && session.steps > 1,
	}, answer, nil
}
