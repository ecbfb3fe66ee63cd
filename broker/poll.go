package broker

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"linkmail/broker/wire"
)

// slowDownBy is added to the interval of an agent that polls too often (RFC
// 8628 section 3.5). It does not add up: agents driven by a language model
// poll in bursts, and would be starved.
const slowDownBy = 5 * time.Second

// poll is GET /v1/sessions/{id}.
func (b *Broker) poll(w http.ResponseWriter, r *http.Request) error {
	key, token, err := b.asker(r)
	if err != nil {
		return err
	}
	var ciphertext string
	s, err := b.update(r.Context(), r.PathValue("id"), func(s *Session, now time.Time) (err error) {
		ciphertext, err = s.poll(token, key, now, b.interval())
		return err
	})
	if errors.Is(err, ErrNoSession) && b.cfg.ExpiredAsStatus && b.ended.knows(r.PathValue("id"), key, token) {
		return writeJSON(w, http.StatusOK, wire.Poll{Status: wire.Expired})
	}
	switch {
	case errors.Is(err, errOtherKey):
		return noSession()
	case errors.Is(err, errToken):
		return b.wrongPollToken()
	case errors.Is(err, errTooSoon):
		return slowDown(b.interval())
	case err != nil:
		return err
	}
	answer := wire.Poll{Status: s.status(), ExpiresAt: s.Expires.UTC(), Error: s.Failure}
	switch {
	case ciphertext != "":
		// The store already says consumed: this answer is the only delivery.
		algorithm := wire.Algorithm
		answer.Status, answer.Ciphertext, answer.Algorithm = wire.Ready, &ciphertext, &algorithm
	case answer.Status == wire.Pending || answer.Status == wire.Confirmed:
		interval := int(b.interval() / time.Second)
		answer.Interval = &interval
	}
	return writeJSON(w, http.StatusOK, answer)
}

// asker is who asks how a session stands: the name of an API key that admits,
// and a poll token, which nobody has checked yet.
func (b *Broker) asker(r *http.Request) (key, token string, err error) {
	if key, err = b.admit(r, ScopeSessions); err != nil {
		return "", "", err
	}
	token, ok := bearer(r)
	if !ok {
		return "", "", newProblem(http.StatusUnauthorized, "Unauthorized", "Send the poll_token as a bearer token.").
			with("WWW-Authenticate", "Bearer")
	}
	return key, token, nil
}

// bearer returns the bearer token of a request (RFC 6750; the scheme is not
// case-sensitive).
func bearer(r *http.Request) (string, bool) {
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	token = strings.TrimSpace(token)
	return token, ok && token != "" && strings.EqualFold(scheme, "Bearer")
}

func (b *Broker) wrongPollToken() *problem {
	if b.cfg.Profile == Draft {
		return newProblem(http.StatusUnauthorized, "Unauthorized", "Invalid poll_token.").
			with("WWW-Authenticate", `Bearer error="invalid_token"`)
	}
	return newProblem(http.StatusForbidden, "Forbidden", "Invalid poll_token.")
}

func slowDown(interval time.Duration) *problem {
	p := newProblem(http.StatusTooManyRequests, "Slow Down", "Polled too soon. Wait for the interval between polls.")
	p.Type = wire.SlowDown
	p.Interval = int((interval + slowDownBy) / time.Second)
	p.Problem.Error = "slow_down"
	return p.with("Retry-After", seconds(interval+slowDownBy))
}
