package server

import (
	"context"
	"fmt"
)

// following is ctx for a tool whose client asked to be told how far a call has
// got.
func (s *Server) following(ctx context.Context, c call) context.Context {
	if s.cfg.Progress == nil || !c.followed() {
		return ctx
	}
	return s.cfg.Progress(ctx, func(done, total int, what string) {
		s.tell(ctx, c, done, total, fmt.Sprintf("%d of %d %s", done, total, what))
	})
}

// followed reports whether the client gave a token for progress notifications.
func (c call) followed() bool {
	return c.req.Params.Meta != nil && c.req.Params.Meta.ProgressToken != nil
}

// tell sends a progress notification to a client that wants them. total is
// zero where it is not known.
func (s *Server) tell(ctx context.Context, c call, done, total int, message string) {
	if !c.followed() {
		return
	}
	params := map[string]any{
		"progressToken": c.req.Params.Meta.ProgressToken,
		"progress":      done,
		"message":       message,
	}
	if total > 0 {
		params["total"] = total
	}
	// Who does not get it misses nothing.
	_ = s.mcp.SendNotificationToClient(ctx, "notifications/progress", params)
}
