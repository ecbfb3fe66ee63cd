package linkauth

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"linkmail/auth"
	"linkmail/broker/wire"
	"linkmail/internal/secret"
)

// poll asks how the session stands, if it is time to. It returns nil and zero
// when r now holds the result, the ending of a session that is over without
// one, or the challenge or failure to answer with.
func (c *Connector) poll(ctx context.Context, t trip, r *record) (auth.Ending, error) {
	now := c.now()
	if c.told(r) { // a stream would say if there were anything to fetch
		if r.abandoned(now) {
			return auth.Abandoned, nil
		}
		return 0, c.challenge(t, r)
	}
	invited := c.invited(r)
	// A clock that was set back must not stop the polling.
	if wait := r.Next.Sub(now); wait > 0 && wait <= maxInterval && !invited {
		return 0, c.challenge(t, r)
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
	case wire.Confirmed:
		if r.Opened.IsZero() {
			r.Opened = now
		}
		if r.abandoned(now) {
			return auth.Abandoned, nil
		}
	}
	r.Interval = state.interval
	return 0, c.waiting(ctx, t, r)
}

// patience is how long a link that was opened may take to be finished. It works
// in one browser only then, so whoever closed that page needs another link; but
// a person may be looking for a second factor.
const patience = 4 * time.Minute

func (r *record) abandoned(now time.Time) bool {
	return !r.Opened.IsZero() && now.Sub(r.Opened) >= patience
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
	before := *r
	*r = record{Result: plain, Since: c.now()}
	if err := c.save(ctx, t.key, *r, resultLife); err != nil || !before.Leads {
		return 0, err
	}
	return 0, c.keepLead(ctx, t, before)
}

// decrypt opens the envelope with the session's own key, so that a result of
// another session, put in its place, does not open.
func decrypt(der []byte, state polled) ([]byte, error) {
	if state.algorithm != "" && state.algorithm != wire.Algorithm {
		return nil, invalid("its encryption is not the agreed one", nil)
	}
	key, err := privateKey(der)
	if err != nil {
		return nil, err
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
	return c.challenge(t, r)
}

// undecided is the answer when the broker did not say how the session stands:
// the same link, for the person may be about to finish, until the link has run
// out for sure. Then it is failure; the session stays, its result may be there.
func (c *Connector) undecided(r *record, t trip, failure error) error {
	if c.now().Before(r.Expires) {
		return c.challenge(t, r)
	}
	return failure
}

// putOff stores r with its next poll no sooner than in d.
func (c *Connector) putOff(ctx context.Context, t trip, r *record, d time.Duration) error {
	now := c.now()
	r.Next = now.Add(d)
	return c.save(ctx, t.key, *r, max(r.Expires.Sub(now), 0)+linger)
}
