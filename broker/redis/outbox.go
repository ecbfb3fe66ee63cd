package redis

import (
	"context"
	"strconv"
	"time"

	"linkmail/broker"
)

var _ broker.Outbox = (*Store)(nil)

// Owing implements [broker.Outbox]. What is due is decided by the clock of
// Redis, which all brokers share, and not by now.
func (s *Store) Owing(ctx context.Context, _ time.Time, limit int) ([]string, error) {
	var parts []string
	err := s.fuse.try(func() (err error) {
		parts, err = owingScript.Run(ctx, s.read, []string{s.due()}, s.prefix+kindSession, limit).StringSlice()
		return err
	})
	if err != nil {
		return nil, fault("owing", err)
	}
	var ids []string
	for ; len(parts) >= 2; parts = parts[2:] {
		if len(parts[0]) != len(broker.Index{}) {
			return nil, errAnswer
		}
		session, err := s.sealer.Open(broker.Index([]byte(parts[0])), []byte(parts[1]))
		if err != nil {
			return nil, err
		}
		ids = append(ids, session.ID)
	}
	return ids, nil
}

// dueIn is in how many milliseconds the session's callback is due, for a
// script; empty if none is owed.
func (s *Store) dueIn(session broker.Session) string {
	if session.Due.IsZero() {
		return ""
	}
	return strconv.FormatInt(max(0, session.Due.Sub(s.now()).Milliseconds()), 10)
}
