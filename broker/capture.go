package broker

import (
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"linkmail/broker/wire"
)

// maxCaptured bounds what one callback parameter may hold, in bytes.
const maxCaptured = 8 << 10

// capture completes a passthrough session with the parameters it asked for,
// and with nothing else.
func (b *Broker) capture(r *http.Request, s Session, state, cookie string, q url.Values) error {
	captured := make(map[string]string)
	for _, name := range s.Wanted {
		values, ok := q[name]
		if !ok {
			continue
		}
		if len(values) != 1 || len(values[0]) > maxCaptured {
			return newProblem(http.StatusBadRequest, "Invalid Callback", "A parameter is repeated or too long.")
		}
		captured[name] = values[0]
	}
	if q.Has("error") && !s.wants("error") {
		return b.refused(r, s, state, cookie, q.Get("error"))
	}
	if len(captured) == 0 {
		return newProblem(http.StatusBadRequest, "Invalid Callback", "The request lacks what the assistant waits for.")
	}
	plaintext, err := json.Marshal(captured)
	if err != nil {
		return err
	}
	defer clear(plaintext)
	envelope, err := sealTo(s, plaintext)
	if err != nil {
		return err
	}
	_, err = b.update(r.Context(), s.ID, func(s *Session, _ time.Time) error {
		if err := s.returned(state, cookie); err != nil {
			return err
		}
		if q.Has("error") {
			// The agent gets the refusal as it asked to; the page must not
			// tell the person that all is well.
			s.Failure = failureCode(q.Get("error"))
		}
		return s.ready(envelope)
	})
	return err
}

// sealTo encrypts plaintext, which the caller clears, to the session's key.
func sealTo(s Session, plaintext []byte) (string, error) {
	pub, err := wire.ParsePublicKey(s.PublicKey)
	if err != nil {
		return "", errTokenSeal
	}
	envelope, err := wire.Seal(pub, plaintext)
	if err != nil {
		return "", errTokenSeal
	}
	return envelope, nil
}
