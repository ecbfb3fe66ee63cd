package broker

import (
	"context"
	"time"
)

var _ Outbox = (*Memory)(nil)

// Owing implements [Outbox].
func (m *Memory) Owing(_ context.Context, now time.Time, limit int) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var ids []string
	for id, s := range m.byID {
		if len(ids) == limit {
			break
		}
		if s.live(now) && !s.Due.IsZero() && !s.Due.After(now) {
			ids = append(ids, id)
		}
	}
	return ids, nil
}
