package server

import (
	"context"
	"errors"
	"time"

	"linkmail/auth"
)

const (
	// signIn names the one thing that a call asks its client for.
	signIn = "sign_in"
	// instant is how fast no user answers. A no that comes sooner is a client's
	// own, and a repetition that comes sooner had no user in between.
	instant = 1500 * time.Millisecond
	// linger is how long an elicitation is remembered after its link has run out.
	linger = 15 * time.Minute
)

// visit is what is known of a call beyond its arguments.
type visit struct {
	call
	subject string
	args    string // digest
	asking  asking
	// back is the link for which the call was interrupted, if it was; patient
	// says that its user may be about to finish.
	back    string
	patient bool
	// said is the answer to a question for which the call was interrupted.
	said *said
}

// converse answers a call of an MCP client. A challenge is put before the user
// in the way that the client has declared, once; when the client then repeats
// the call, it waits for the sign-in to be finished.
//
// Each time the tool starts afresh, so nothing has happened before a user was
// asked that happens again afterwards.
func (s *Server) converse(ctx context.Context, c call) reply {
	if err := s.turns.take(ctx); err != nil {
		return s.noTurn(err, c)
	}
	running := true
	defer func() {
		if running {
			s.turns.give()
		}
	}()
	v := visit{call: c, subject: subjectOf(ctx), args: digestOf(c.req), asking: inWords}
	if s.elicitations != nil {
		v.asking = askingOf(ctx)
	}
	if problem := s.readmit(ctx, &v); problem != nil {
		return reply{problem: problem, kind: problem.Code}
	}
	ctx = context.WithValue(ctx, askerKey{}, &asker{server: s, visit: &v, rest: func(ctx context.Context, f func()) error {
		s.turns.give()
		running = false
		f()
		err := s.turns.take(ctx)
		running = err == nil
		return err
	}})
	r := s.perform(ctx, c)
	if r.question != nil {
		return s.pose(ctx, v, r)
	}
	if r.challenge == nil || v.asking == inWords {
		return r
	}
	id, err := s.elicitations.id(ctx, v.subject, r.challenge.URL)
	if err == nil && v.back == "" && v.asking == asError {
		err = s.recognize(ctx, &v, r.challenge, id)
	}
	if err != nil {
		return s.unkept(err, c, r)
	}
	if v.back == id && v.patient {
		s.turns.give()
		running = false
		s.await(ctx, c, r.challenge)
		if err := s.turns.take(ctx); err != nil {
			return s.noTurn(err, c)
		}
		running = true
		if r = s.perform(ctx, c); r.question != nil {
			return s.pose(ctx, v, r)
		}
		if r.challenge == nil {
			return r
		}
		r.result = challenge(r.challenge, true)
		if id, err = s.elicitations.id(ctx, v.subject, r.challenge.URL); err != nil {
			return s.unkept(err, c, r)
		}
	}
	return s.put(ctx, v, r, id)
}

// await gives the user time to finish with c: Config.Wait at most, and no
// longer than the server serves.
func (s *Server) await(ctx context.Context, one call, c *auth.Challenge) {
	if s.cfg.Watcher == nil || s.cfg.Wait < 0 {
		return
	}
	s.tell(ctx, one, 0, 0, "waiting for the user to finish the sign-in")
	who, _ := auth.PrincipalFrom(ctx)
	ctx, cancel := forUser(ctx, s.cfg.Wait)
	defer cancel()
	// However it ends, the tool finds out what is true then.
	_ = s.cfg.Watcher.Wait(ctx, who, c)
}

// unkept answers in words because nothing can be kept of an elicitation.
func (s *Server) unkept(err error, c call, r reply) reply {
	c.log.Warn().Str("type", typesOf(err)).Msg("the state of a sign-in cannot be kept: the link is told in words")
	return r
}

func (s *Server) noTurn(err error, c call) reply {
	if errors.Is(err, errBusy) {
		return reply{kind: "busy", problem: &problem{
			Code: "busy", Message: "too many calls are waiting already",
			Hint: "Wait for the answers to the calls that are running.", RetryAfter: 5,
		}}
	}
	return explain(err, c.id, c.log)
}
