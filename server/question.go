package server

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	mcpserver "github.com/mark3labs/mcp-go/server"
)

const (
	// question names the one thing that a tool may ask a user.
	question = "question"
	// yes is the field of the form that says yes.
	yes = "yes"
	// thinking is how long a user may take to answer.
	thinking = 5 * time.Minute
)

// A Question is put to the user, who says yes or no.
type Question struct {
	// Text is all that the user sees to decide on, in plain text.
	Text string
	// Yes is what it means to say yes, in a few words.
	Yes string
}

func (q Question) digest() string {
	sum := sha256.Sum256([]byte(q.Yes + "\x00" + q.Text))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// form is how a client shows q: an accepted form is not enough, the box has to
// be ticked.
func (q Question) form() mcp.ElicitationParams {
	return mcp.ElicitationParams{
		Mode: mcp.ElicitationModeForm, Message: q.Text,
		RequestedSchema: map[string]any{
			"type":       "object",
			"properties": map[string]any{yes: map[string]any{"type": "boolean", "title": q.Yes}},
			"required":   []string{yes},
		},
	}
}

// unanswered is the error of a call that waits, at the client, for an answer.
// The client repeats the call with it.
type unanswered struct{ question Question }

func (*unanswered) Error() string { return "server: the user has to answer a question first" }

// asker puts the questions of one call to its user.
type asker struct {
	server *Server
	visit  *visit
	// rest runs f without keeping the turn of the call.
	rest func(ctx context.Context, f func()) error
}

type askerKey struct{}

// Ask puts q to the user of the call that ctx belongs to, if its client has
// declared that it can show forms. asked is false if it cannot, if nobody was
// there to answer, or if there is no such call; yes says what the answer was.
// An error has to be returned by the tool as it is: the client shows the
// question then and repeats the call, which finds the answer here.
//
// Whoever gets a yes may rely on it once, for the same q.
func Ask(ctx context.Context, q Question) (yes, asked bool, err error) {
	a, ok := ctx.Value(askerKey{}).(*asker)
	if !ok {
		return false, false, nil
	}
	forms, modern := formsOf(ctx)
	switch {
	case !forms:
		return false, false, nil
	case !modern:
		return a.now(ctx, q)
	case a.server.elicitations == nil:
		return false, false, nil
	case a.visit.said == nil:
		return false, false, &unanswered{q}
	case a.visit.said.question != q.digest():
		return false, false, nil // another mail than the one that was shown
	}
	said := a.visit.said
	a.visit.said = nil
	yes, asked = said.verdict()
	return yes, asked, nil
}

// formsOf reports whether the client can show forms, and whether it speaks the
// protocol in which a question is an answer of the call. An empty elicitation
// capability means forms only.
func formsOf(ctx context.Context) (forms, modern bool) {
	caps, modern := capabilitiesOf(ctx)
	e := caps.Elicitation
	return e != nil && (e.Form != nil || e.URL == nil), modern
}

// now asks while the call waits.
func (a *asker) now(ctx context.Context, q Question) (yes, asked bool, err error) {
	limited, cancel := forUser(ctx, thinking)
	defer cancel()
	issued := a.server.cfg.Now()
	var result *mcp.ElicitationResult
	var failure error
	err = a.rest(ctx, func() {
		result, failure = a.server.mcp.RequestElicitation(limited, mcp.ElicitationRequest{Params: q.form()})
	})
	if err != nil {
		return false, false, err
	}
	if failure != nil || result == nil {
		// Not asked, or nobody answered: which of them makes no difference.
		return false, false, ctx.Err()
	}
	one := said{response: result.ElicitationResponse, took: a.server.cfg.Now().Sub(issued)}
	yes, asked = one.verdict()
	return yes, asked, nil
}

// said is what came back for a question.
type said struct {
	question string // its digest
	response mcp.ElicitationResponse
	took     time.Duration
}

// verdict tells a yes from a no, and a no from the answer of a program: some
// clients declare forms and have nobody to show them to. A box that was ticked
// is believed at any speed. Whoever ticks it acts for the user, and would pass
// on a token as well.
func (s said) verdict() (agreed, asked bool) {
	content, _ := s.response.Content.(map[string]any)
	agreed = s.response.Action == mcp.ElicitationResponseActionAccept && content[yes] == true
	return agreed, agreed || s.took >= instant
}

// pose answers a call with the question that it waits for.
func (s *Server) pose(ctx context.Context, v visit, r reply) reply {
	now := s.cfg.Now()
	one := elicited{Link: "question/" + rand.Text(), Nonce: rand.Text(), Issued: now, Until: now.Add(ticketLife)}
	if err := s.elicitations.keep(ctx, one.Link, one); err != nil {
		return explain(err, v.id, v.log)
	}
	key, err := s.elicitations.key(ctx)
	if err != nil {
		return explain(err, v.id, v.log)
	}
	sealed, err := ticket{
		User: v.subject, Tool: v.req.Params.Name, Args: v.args, Challenge: one.Link, Nonce: one.Nonce, Question: r.question.digest(),
		Issued: now.UnixMilli(), Expires: one.Until.Unix(),
	}.seal(key)
	if err != nil {
		return explain(err, v.id, v.log)
	}
	return reply{kind: "asked", result: mcpserver.NewInputRequestBuilder(sealed).Elicit(question, r.question.form()).ToolResult()}
}

// questionIn returns the question that a tool's error waits for.
func questionIn(err error) *Question {
	if u, ok := errors.AsType[*unanswered](err); ok {
		return &u.question
	}
	return nil
}

// heard is the answer that a repeated call brings to the question of t.
func (v *visit) heard(t ticket, now time.Time) {
	answer := mcpserver.ElicitationResponse(v.req.Params.InputResponses, question)
	if answer == nil {
		// Nobody was asked. The tool is told so, and does not ask again.
		answer = &mcp.ElicitationResult{}
		now = time.UnixMilli(t.Issued)
	}
	v.said = &said{question: t.Question, response: answer.ElicitationResponse, took: now.Sub(time.UnixMilli(t.Issued))}
}
