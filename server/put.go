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
	one := elicited{Link: id, Nonce: rand.Text(), Issued: now, Until: latest(now, r.challenge.Expires).Add(linger)}
	first, err := s.elicitations.first(ctx, id, one)
	if err != nil {
		return s.unkept(err, v.call, r)
	}
	// Clients of the older protocol repeat a call once. The second link of one
	// call is better told in words than lost as an error.
	if !first || v.asking == asError && v.back != "" {
		return r
	}
	if v.asking == asError {
		name, err := s.elicitations.callID(ctx, v)
		if err == nil {
			err = s.elicitations.keep(ctx, name, one)
		}
		if err != nil {
			return s.unkept(err, v.call, r)
		}
		params.ElicitationID = id
		s.announce(ctx, r.challenge, id)
		return reply{kind: "elicited", elicit: mcp.URLElicitationRequiredError{Elicitations: []mcp.ElicitationParams{params}}}
	}
	sealed, err := s.ticketFor(ctx, v, r.challenge, one)
	if err != nil {
		return s.unkept(err, v.call, r)
	}
	return reply{kind: "elicited", result: mcpserver.NewInputRequestBuilder(sealed).Elicit(signIn, params).ToolResult()}
}

// ticketFor returns what the client of the newer protocol repeats the call with.
func (s *Server) ticketFor(ctx context.Context, v visit, c *auth.Challenge, one elicited) (string, error) {
	key, err := s.elicitations.key(ctx)
	if err != nil {
		return "", err
	}
	ends := one.Issued.Add(ticketLife)
	if !c.Expires.IsZero() && c.Expires.Before(ends) {
		ends = c.Expires
	}
	return ticket{
		User: v.subject, Tool: v.req.Params.Name, Args: v.args, Challenge: one.Link, Nonce: one.Nonce,
		Issued: one.Issued.UnixMilli(), Expires: ends.Unix(),
	}.seal(key)
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
