package linkauth

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"linkmail/auth"
	"linkmail/broker/wire"
	"linkmail/cache"
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

	// Result is the plaintext, Since then when it came. It takes the place of
	// all the rest, the private key above all.
	Result json.RawMessage `json:"result,omitempty"`
}

func (r record) challenge(scope string) error {
	return &auth.Challenge{URL: r.URL, Code: r.Code, Scope: scope, Expires: r.Expires, Previous: r.Previous}
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

// poll asks how the session stands, if it is time to. It returns nil and zero
// when r now holds the result, the ending of a session that is over without
// one, or the challenge or failure to answer with.
func (c *Connector) poll(ctx context.Context, t trip, r *record) (auth.Ending, error) {
	now := c.now()
	// A clock that was set back must not stop the polling.
	if wait := r.Next.Sub(now); wait > 0 && wait <= maxInterval {
		return 0, r.challenge(t.scope)
	}
	// The next poll is put off before this one is made. If the store takes no
	// writes, that fails here and not after the broker has handed out the
	// result for the only time.
	if err := c.putOff(ctx, t, r, r.Interval); err != nil {
		return 0, err
	}
	answer, err := c.broker.ask(ctx, http.MethodGet, "/v1/sessions/"+url.PathEscape(r.ID), secret.New(r.PollToken), nil)
	switch {
	case err != nil && ctx.Err() != nil:
		return 0, ctx.Err()
	case err != nil:
		return 0, c.undecided(r, t, c.broker.unreachable(err))
	case answer.status == http.StatusTooManyRequests && strings.HasSuffix(answer.problem.Type, "slow_down"),
		answer.status == http.StatusTooManyRequests && answer.problem.Error == "slow_down":
		r.Interval = seconds(max(answer.problem.Interval, int(r.Interval/time.Second))).interval()
		return 0, c.waiting(ctx, t, r)
	case answer.passing():
		if wait := min(answer.retryAfter(), maxInterval); wait > r.Interval {
			if err := c.putOff(ctx, t, r, wait); err != nil {
				return 0, err
			}
		}
		return 0, c.undecided(r, t, c.broker.refusal(answer, t.hint))
	case answer.keyRefused():
		return 0, c.broker.refusal(answer, t.hint)
	case answer.status == 401, answer.status == 403, answer.status == 404, answer.status == 410:
		return auth.Expired, nil
	case !answer.ok():
		return 0, c.broker.refusal(answer, t.hint)
	}
	state, err := readPolled(answer.body)
	if err != nil {
		// Not a broker's words, for example those of a captive portal.
		return 0, c.undecided(r, t, c.broker.refusal(answer, t.hint))
	}
	switch state.status {
	case wire.Ready:
		return c.receive(ctx, t, r, state)
	case wire.Consumed:
		return auth.Lost, nil
	case wire.Expired:
		return auth.Expired, nil
	case wire.Failed:
		if err := c.drop(ctx, t.key); err != nil {
			return 0, err
		}
		return 0, auth.CallbackFailure(url.Values{"error": {first(state.reason, "access_denied")}})
	default:
		r.Interval = state.interval
		return 0, c.waiting(ctx, t, r)
	}
}

// receive decrypts a result and stores it. Whatever is wrong with it, the
// broker will not send it again, so the session is over.
func (c *Connector) receive(ctx context.Context, t trip, r *record, state polled) (auth.Ending, error) {
	if state.ciphertext == "" {
		// A broker that tells two processes at once may leave one empty-handed.
		if r.Hollow {
			return auth.Lost, nil
		}
		r.Hollow = true
		return 0, c.waiting(ctx, t, r)
	}
	plain, err := decrypt(r.Key, state)
	if err == nil {
		err = t.check(plain)
	}
	if err != nil {
		if err := c.drop(ctx, t.key); err != nil {
			return 0, err
		}
		return 0, err
	}
	*r = record{Result: plain, Since: c.now()}
	return 0, c.save(ctx, t.key, *r, resultLife)
}

// decrypt opens the envelope with the session's own key, so that a result of
// another session, put in its place, does not open.
func decrypt(der []byte, state polled) ([]byte, error) {
	if state.algorithm != "" && state.algorithm != wire.Algorithm {
		return nil, invalid("its encryption is not the agreed one", nil)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, invalid("the session's key cannot be read", err)
	}
	key, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return nil, invalid("the session's key is of another kind", nil)
	}
	plain, err := wire.Open(key, state.ciphertext)
	if err != nil {
		return nil, invalid("it was not encrypted for this session", err)
	}
	if !json.Valid(plain) {
		return nil, invalid("it is not JSON", nil)
	}
	return plain, nil
}

// waiting stores r for a session that goes on and returns its challenge.
func (c *Connector) waiting(ctx context.Context, t trip, r *record) error {
	if err := c.putOff(ctx, t, r, r.Interval); err != nil {
		return err
	}
	return r.challenge(t.scope)
}

// undecided is the answer when the broker did not say how the session stands:
// the same link, for the person may be about to finish, until the link has run
// out for sure. Then it is failure; the session stays, its result may be there.
func (c *Connector) undecided(r *record, t trip, failure error) error {
	if c.now().Before(r.Expires) {
		return r.challenge(t.scope)
	}
	return failure
}

// putOff stores r with its next poll no sooner than in d.
func (c *Connector) putOff(ctx context.Context, t trip, r *record, d time.Duration) error {
	now := c.now()
	r.Next = now.Add(d)
	return c.save(ctx, t.key, *r, max(r.Expires.Sub(now), 0)+linger)
}

// load reads the record under key and reports whether there was one. What
// cannot be decoded was written by another version and counts as absent.
func (c *Connector) load(ctx context.Context, key string) (record, bool, error) {
	data, err := c.store.Get(ctx, key)
	if errors.Is(err, cache.ErrNotFound) {
		return record{}, false, nil
	}
	if err != nil {
		return record{}, false, cacheFailure(ctx, "read", err)
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
		return cacheFailure(ctx, "write", err)
	}
	return nil
}

func (c *Connector) drop(ctx context.Context, key string) error {
	if err := c.store.Delete(ctx, key); err != nil {
		return cacheFailure(ctx, "clear", err)
	}
	return nil
}

// cacheFailure reports that the store did not work.
func cacheFailure(ctx context.Context, verb string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return &auth.Failure{
		Kind: auth.Unavailable, Code: "cache_failed",
		Message: "the sign-in cannot be kept: linkmail could not " + verb + " its cache",
		Hint:    "check that LINKMAIL_CACHE_DIR is writable and not full, and that no other linkmail process is stuck",
		Err:     err,
	}
}
