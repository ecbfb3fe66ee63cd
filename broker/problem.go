package broker

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"linkmail/broker/wire"
)

// problem is an answer that is an error: what the client reads, headers
// included. It is the only thing that turns an error into words for outsiders;
// the cause goes to the log.
type problem struct {
	wire.Problem
	header map[string]string
}

func (p *problem) Error() string { return "broker: " + p.String() }

func newProblem(status int, title, detail string) *problem {
	return &problem{Problem: wire.Problem{Type: "about:blank", Title: title, Status: status, Detail: detail}}
}

func (p *problem) with(name, value string) *problem {
	if p.header == nil {
		p.header = make(map[string]string)
	}
	p.header[name] = value
	return p
}

// Problems that several routes answer with. Each call makes a new one, because
// headers may be added.

// noSession is the one answer for a session or code that is unknown, expired,
// in use or used up: telling these apart would tell a guesser which codes exist.
func noSession() *problem {
	return newProblem(http.StatusNotFound, "Session Not Found",
		"There is no open session here. It may have ended; ask your assistant for a new link.")
}

func tooMany(wait time.Duration, detail string) *problem {
	return newProblem(http.StatusTooManyRequests, "Too Many Requests", detail).with("Retry-After", seconds(wait))
}

func conflict(title, detail string) *problem {
	return newProblem(http.StatusConflict, title, detail)
}

func unavailable(detail string) *problem {
	return newProblem(http.StatusServiceUnavailable, "Service Unavailable", detail).with("Retry-After", "5")
}

// invalid is a 422 that names the members at fault, and never their values.
func invalid(faults ...wire.FieldError) *problem {
	p := newProblem(http.StatusUnprocessableEntity, "Invalid Request", "")
	p.Errors = faults
	if len(faults) > 0 {
		at := faults[0].Loc[len(faults[0].Loc)-1]
		p.Detail = at + ": " + faults[0].Msg
	}
	return p
}

// fault is one entry of [invalid].
func fault(member, msg string) wire.FieldError {
	return wire.FieldError{Loc: []string{"body", member}, Msg: msg}
}

// seconds writes a duration as a header wants it, rounded up, at least one.
func seconds(d time.Duration) string {
	return strconv.Itoa(max(1, int((d+time.Second-1)/time.Second)))
}

// asProblem finds the answer for an error. Only a *problem carries its own;
// anything else is the broker's fault or the store's.
func asProblem(err error) *problem {
	var p *problem
	switch {
	case errors.As(err, &p):
		return p
	case errors.Is(err, ErrNoSession):
		return noSession()
	case errors.Is(err, ErrFull):
		return unavailable("There are too many open sessions. Try again in a moment.")
	case errors.Is(err, ErrUnavailable):
		return unavailable("The session store does not answer. Try again in a moment.")
	}
	return newProblem(http.StatusInternalServerError, "Internal Server Error", "The broker could not do this. It has been logged.")
}

// writeProblem answers with p.
func writeProblem(w http.ResponseWriter, p *problem) {
	body, err := json.Marshal(p.Problem)
	if err != nil { // text and numbers: cannot happen
		body = []byte(`{"type":"about:blank","title":"Internal Server Error","status":500}`)
	}
	for name, value := range p.header {
		w.Header().Set(name, value)
	}
	w.Header().Set("Content-Type", wire.TypeProblem)
	w.WriteHeader(p.Status)
	_, _ = w.Write(body) // the client is gone, or it is not
}

// writeJSON answers with v.
func writeJSON(w http.ResponseWriter, status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", wire.TypeJSON)
	w.WriteHeader(status)
	_, _ = w.Write(body)
	return nil
}
