package server

import (
	"context"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	mcpserver "github.com/mark3labs/mcp-go/server"

	"linkmail/auth"
)

// readmit looks at a call that says that it was interrupted before. What is
// wrong with that ends it before anything has happened.
func (s *Server) readmit(ctx context.Context, v *visit) *problem {
	if v.req.Params.RequestState == "" || !mcpserver.IsModernRequest(ctx) {
		return nil
	}
	one, ok := s.redeem(ctx, *v)
	if !ok {
		return &problem{
			Code:    "state_refused",
			Message: "the requestState was not accepted: it is used, expired or of another call, and nothing was done",
			Hint:    "Call the tool again without it.",
		}
	}
	if one.Question != "" {
		v.heard(one, s.cfg.Now())
		return nil
	}
	v.back = one.Challenge
	answer := mcpserver.ElicitationResponse(v.req.Params.InputResponses, signIn)
	switch {
	case answer == nil:
		// No answer: whether the user has signed in will be seen.
	case answer.Action == mcp.ElicitationResponseActionAccept:
		v.patient = true
	case s.cfg.Now().Sub(time.UnixMilli(one.Issued)) >= instant:
		return &problem{
			Code:    "declined",
			Message: "the user declined to sign in, so nothing was done",
			Hint:    "Ask the user before you try again.",
		}
	}
	return nil
}

// redeem opens the ticket of a call and uses it up.
func (s *Server) redeem(ctx context.Context, v visit) (ticket, bool) {
	if s.elicitations == nil {
		return ticket{}, false
	}
	key, err := s.elicitations.key(ctx)
	if err != nil {
		v.log.Warn().Str("type", typesOf(err)).Msg("tickets cannot be read")
		return ticket{}, false
	}
	t, err := openTicket(key, v.req.Params.RequestState)
	if err != nil || t.User != v.subject || t.Tool != v.req.Params.Name || t.Args != v.args ||
		!s.cfg.Now().Before(time.Unix(t.Expires, 0)) {
		return ticket{}, false
	}
	_, ok, err := s.elicitations.answer(ctx, t.Challenge, func(e elicited) bool { return e.Nonce == t.Nonce })
	if err != nil {
		v.log.Warn().Str("type", typesOf(err)).Msg("tickets cannot be used up")
		return ticket{}, false
	}
	return t, ok
}

// recognize finds out whether a call of the older protocol, which carries
// nothing of the kind, is the repetition of one that was interrupted: for the
// link id of c, or for the step before it.
func (s *Server) recognize(ctx context.Context, v *visit, c *auth.Challenge, id string) error {
	name, err := s.elicitations.callID(ctx, *v)
	if err != nil {
		return err
	}
	one, ok, err := s.elicitations.answer(ctx, name, func(e elicited) bool {
		return e.Link == id || c.Step > 1 && c.Previous == 0
	})
	if ok && err == nil {
		v.back, v.patient = one.Link, s.cfg.Now().Sub(one.Issued) >= instant
	}
	return err
}
