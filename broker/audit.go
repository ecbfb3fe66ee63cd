package broker

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"

	"github.com/rs/zerolog"
)

// audit writes the log. Its lines name a session by a tag: the same session
// has the same tag while the process lives, and nobody can get from a tag to
// an id or a code.
type audit struct {
	log zerolog.Logger
	key []byte
	// metrics counts what the lines say.
	metrics *metrics
}

func newAudit(log zerolog.Logger, m *metrics) audit {
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	return audit{log, key, m}
}

func (a audit) tag(id string) string {
	mac := hmac.New(sha256.New, a.key)
	mac.Write([]byte(id))
	return hex.EncodeToString(mac.Sum(nil)[:4])
}

// moved writes the line of one transition.
func (a audit) moved(s Session, from State) {
	a.metrics.moved(s, from)
	line := a.log.Info().Str("session", a.tag(s.ID)).Str("kind", string(s.Kind)).
		Str("from", string(from)).Str("to", string(s.State))
	if s.KeyName != "" {
		line = line.Str("key", s.KeyName)
	}
	if s.Failure != "" {
		line = line.Str("failure", s.Failure)
	}
	line.Msg("session moved")
}

// fault writes the line of something that went wrong outside: cause is a word,
// never text from outside.
func (a audit) fault(s Session, cause string) {
	a.log.Warn().Str("session", a.tag(s.ID)).Str("kind", string(s.Kind)).Str("cause", cause).Msg("session fault")
}
