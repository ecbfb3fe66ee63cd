package linkauth

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
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
}

// advance takes a trip as far as it goes now: to the record with its result,
// or to the challenge, or to a failure.
func (c *Connector) advance(ctx context.Context, t trip) (record, error) {
	// Opening a session and fetching its result both happen once, whoever asks.
	unlock, err := c.store.Lock(ctx, t.key+"/lock")
	if err != nil {
		return record{}, cacheFailure(ctx, "lock", err)
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
	ending, err := c.poll(ctx, t, &r)
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
// challenge.
func (c *Connector) open(ctx context.Context, t trip, previous auth.Ending) error {
	key, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		return fmt.Errorf("linkauth: make a key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("linkauth: encode a key: %w", err)
	}
	if t.session.PublicKey, err = wire.EncodePublicKey(&key.PublicKey); err != nil {
		return fmt.Errorf("linkauth: encode a key: %w", err)
	}
	since := c.now()
	answer, err := c.broker.ask(ctx, http.MethodPost, "/v1/sessions", secret.Text{}, t.session)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return c.broker.unreachable(err)
	}
	if !answer.ok() {
		return c.broker.refusal(answer, t.hint)
	}
	session, err := readOpened(answer.body, answer.header.Get("Date"))
	if err != nil {
		return c.broker.refusal(answer, t.hint)
	}
	r := record{
		ID: session.id, PollToken: session.pollToken, Key: der,
		URL: session.url, Code: session.code, Previous: previous,
		Interval: session.interval, Since: since, Expires: since.Add(session.life),
	}
	if err := c.save(ctx, t.key, r, session.life+linger); err != nil {
		return err
	}
	return r.challenge(t.scope)
}
