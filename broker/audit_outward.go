package broker

import (
	"errors"
	"strings"

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

// notKept writes the line of a sign-in whose tokens could not be stored.
func (a audit) notKept(s Session, cause error) {
	word := "session is not there any more"
	switch fault, ok := errors.AsType[*StoreError](cause); {
	case ok:
		word = fault.Store + ": " + fault.Cause
	case errors.Is(cause, errNotAwaited), errors.Is(cause, errNotOpen):
		word = "session has moved on"
	case errors.Is(cause, errTokenSeal):
		word = errTokenSeal.Error()
	case !errors.Is(cause, ErrNoSession):
		word = "store failed"
	}
	a.log.Warn().Str("session", a.tag(s.ID)).Str("kind", string(s.Kind)).Str("cause", word).Msg("tokens could not be stored")
}

// revoked writes the line of tokens that were given back, or were to be.
func (a audit) revoked(s Session, outcome error) {
	word := "revoked"
	if outcome != nil {
		word = strings.ReplaceAll(outcome.Error(), "\n", ", ") // fixed words
	}
	a.metrics.add(metricTrades, 1, "revoke", s.Provider, map[bool]string{true: "granted", false: "refused"}[outcome == nil])
	a.log.WithLevel(outward(outcome)).Str("session", a.tag(s.ID)).Str("provider", s.Provider).Str("outcome", word).Msg("tokens given back")
}
