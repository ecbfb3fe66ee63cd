package sqlite

import (
	"context"
	"time"

	"linkmail/broker"
)

var _ broker.Outbox = (*Store)(nil)

// Owing implements [broker.Outbox].
func (s *Store) Owing(ctx context.Context, now time.Time, limit int) ([]string, error) {
	ids, err := s.owing(ctx, now.UnixMilli(), limit)
	return ids, fault("owing", err)
}

func (s *Store) owing(ctx context.Context, now int64, limit int) ([]string, error) {
	rows, err := s.read.QueryContext(ctx, "SELECT id, sealed FROM sessions WHERE due <= ? AND expires > ? ORDER BY due LIMIT ?", now, now, limit)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // Err below says it
	var ids []string
	for rows.Next() {
		var id, sealed []byte
		if err := rows.Scan(&id, &sealed); err != nil {
			return nil, err
		}
		if len(id) != len(broker.Index{}) {
			return nil, errDamaged
		}
		// The column has the HMAC of the session's ID, not the ID.
		session, err := s.sealer.Open(broker.Index(id), sealed)
		if err != nil {
			return nil, err
		}
		ids = append(ids, session.ID)
	}
	return ids, rows.Err()
}
