package broker

import (
	"errors"

	"github.com/rs/zerolog"
)

// outward is the level of a line about something that the broker asked of
// another server.
func outward(outcome error) zerolog.Level {
	if outcome != nil {
		return zerolog.WarnLevel
	}
	return zerolog.InfoLevel
}

// delivered writes the line of one attempt to deliver a callback. The URL
// stays out: it may hold a token.
func (a audit) delivered(s Session, outcome error) {
	word := "delivered"
	switch {
	case outcome != nil && !s.Due.IsZero():
		word = "will be tried again"
	case errors.Is(outcome, errBlocked):
		word = "address is not public"
	case errors.Is(outcome, errReceiverRefused):
		word = "refused"
	case outcome != nil:
		word = "given up"
	}
	a.metrics.add(metricCallbacks, 1, word)
	a.log.WithLevel(outward(outcome)).Str("session", a.tag(s.ID)).Int("attempt", s.Attempts).Str("outcome", word).Msg("callback")
}

// traded writes the line of a refresh or vault request.
func (a audit) traded(what, key, provider string, outcome error) {
	word := "granted"
	if outcome != nil {
		word = outcome.Error() // fixed words and an OAuth error code
	}
	a.metrics.add(metricTrades, 1, what, provider, map[bool]string{true: "granted", false: "refused"}[outcome == nil])
	a.log.WithLevel(outward(outcome)).Str("key", key).Str("kind", what).Str("provider", provider).Str("outcome", word).Msg("tokens asked for")
}
