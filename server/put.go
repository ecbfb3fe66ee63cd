package server

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	mcpserver "github.com/mark3labs/mcp-go/server"

	"linkmail/auth"
)

// put asks the user to open the link of r. If it was put before the user
// already, or cannot be, r is the answer as it is.
func (s *Server) put(ctx context.Context, v visit, r reply, id string) reply {
	params, fit := dialog(r.challenge)
	if !fit {
		return r
	}
	now := s.cfg.Now()
	ends := now.Add(ticketLife)
	if e := r.challenge.Expires; !e.IsZero() && e.Before(ends) {
		ends = e
	}
	t := ticket{
		User: v.subject, Tool: v.req.Params.Name, Args: v.args, Challenge: id, Nonce: rand.Text(),
		Issued: now.UnixMilli(), Expires: ends.Unix(),
	}
	// Clients of the older protocol repeat a call once. The second link of one
	// call is better told in words than lost as an error.
	words := v.asking == asError && v.back != ""
	first, err := s.elicitations.first(ctx, id, elicited{
		Tool: t.Tool, Args: t.Args, Nonce: t.Nonce, Issued: now, Answered: words,
		Until: latest(now, r.challenge.Expires).Add(linger),
	})
	if err != nil {
		return s.unkept(err, v.call, r)
	}
	if !first || words {
		return r
	}
	if v.asking == asError {
		params.ElicitationID = id
		s.announce(ctx, r.challenge, id)
		return reply{kind: "elicited", elicit: mcp.URLElicitationRequiredError{Elicitations: []mcp.ElicitationParams{params}}}
	}
	key, err := s.elicitations.key(ctx)
	if err != nil {
		return s.unkept(err, v.call, r)
	}
	sealed, err := t.seal(key)
	if err != nil {
		return s.unkept(err, v.call, r)
	}
	return reply{kind: "elicited", result: mcpserver.NewInputRequestBuilder(sealed).Elicit(signIn, params).ToolResult()}
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// announce tells the session that got the elicitation when the user is done.
func (s *Server) announce(ctx context.Context, c *auth.Challenge, id string) {
	session := mcpserver.ClientSessionFromContext(ctx)
	if s.cfg.Watcher == nil || session == nil {
		return
	}
	who, _ := auth.PrincipalFrom(ctx)
	ctx = context.WithoutCancel(ctx)
	// It ends with the watch of c, which ends with the server at the latest.
	s.announcing.Go(func() {
		if s.cfg.Watcher.Wait(ctx, who, c) == nil {
			// A client that is gone, or does not read, will see by itself.
			_ = s.mcp.SendElicitationComplete(ctx, session, id)
		}
	})
}
