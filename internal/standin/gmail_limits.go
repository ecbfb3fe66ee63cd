package standin

import "time"

// usage is what one user is using of the service. Guarded by gmailState.mu.
type usage struct {
	running int // calls at this moment, the parts of batches included
	minute  time.Time
	units   int // spent in that minute
}

// admit lets a call through the concurrency wall and charges it. The returned
// function ends the call.
func (g *gmailState) admit(c *call) (release func(), err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	u := g.usage[c.user]
	if u == nil {
		u = &usage{}
		g.usage[c.user] = u
	}
	if wall := g.world.cfg.Wall; wall > 0 && u.running >= wall {
		return nil, refusal{TooManyConcurrent()}
	}
	if limit := g.world.cfg.QuotaPerMinute; limit > 0 {
		if minute := c.now.Truncate(time.Minute); !minute.Equal(u.minute) {
			u.minute, u.units = minute, 0
		}
		if u.units+c.units > limit {
			return nil, refusal{RateLimited(u.minute.Add(time.Minute))}
		}
		u.units += c.units
	}
	u.running++
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		u.running--
	}, nil
}
