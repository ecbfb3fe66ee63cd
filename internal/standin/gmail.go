package standin

import (
	"context"
	"crypto/cipher"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// gmailState is every mailbox, and what each user is using of the service.
type gmailState struct {
	world *World
	seal  cipher.AEAD // closes attachment ids and page tokens; a key per world

	mu    sync.Mutex
	boxes map[string]*inbox
	usage map[string]*usage
}

func newGmailState(w *World) *gmailState {
	g := &gmailState{world: w, seal: newSeal(), boxes: map[string]*inbox{}, usage: map[string]*usage{}}
	g.boxes[DefaultUser] = seededInbox(w.cfg.Now())
	return g
}

// Gmail returns the handler of the Gmail API: /gmail/v1/users/me/...,
// /upload/gmail/v1/..., /batch and /batch/gmail/v1.
func (w *World) Gmail() http.Handler {
	return w.serve("gmail", http.HandlerFunc(w.gmail.serveHTTP))
}

// endpoint is one method of the API.
type endpoint struct {
	method, pattern string
	// rpc is the method's name in the error details.
	rpc string
	// units is what one call costs.
	units  int
	scopes []string
	// params are the query parameters beyond those that every method takes.
	params []string
	// upload says that the method is also served under /upload.
	upload bool
	run    func(*gmailState, *call) (any, error)
}

// call is one request on its way through: a whole HTTP request or a part of a
// batch.
type call struct {
	*http.Request
	*endpoint
	user     string
	vars     map[string]string
	query    url.Values
	scopes   []string // what the token is good for
	isUpload bool
	now      time.Time
}

func (c *call) allows(scopes ...string) bool {
	return slices.ContainsFunc(scopes, func(s string) bool { return slices.Contains(c.scopes, s) })
}

// nothing is the answer of a method that has none: 204.
type nothing struct{}

func (g *gmailState) serveHTTP(rw http.ResponseWriter, r *http.Request) {
	if isBatch(r.URL.Path) {
		g.serveBatch(rw, r)
		return
	}
	c, err := g.prepare(r)
	if err != nil {
		writeFault(rw, r, err)
		return
	}
	release, err := g.admit(c)
	if err != nil {
		writeFault(rw, r, err)
		return
	}
	defer release()
	answer, err := g.perform(c)
	if err != nil {
		writeFault(rw, r, err)
		return
	}
	writeAnswer(rw, r, answer)
}

// perform runs an admitted call and renders its answer.
func (g *gmailState) perform(c *call) ([]byte, error) {
	if !pause(c.Request, g.world.cfg.PerGet) {
		return nil, refusal{BackendError()}
	}
	v, err := c.run(g, c)
	if err != nil {
		return nil, err
	}
	return render(v, c.query)
}

// prepare finds the method and checks everything that does not need the
// mailbox: who is asking, for what, and whether the parameters exist.
func (g *gmailState) prepare(r *http.Request) (*call, error) {
	path, isUpload := r.URL.Path, false
	if rest, ok := strings.CutPrefix(path, "/upload/"); ok {
		path, isUpload = "/"+rest, true
	}
	e, vars := route(r.Method, path)
	if e == nil || isUpload && !e.upload {
		return nil, refuse(http.StatusNotFound, "NOT_FOUND", "notFound", "Method not found.")
	}
	c := &call{Request: r, endpoint: e, vars: vars, query: r.URL.Query(), isUpload: isUpload, now: g.world.cfg.Now()}
	if err := g.authenticate(c); err != nil {
		return nil, err
	}
	return c, c.checkParams()
}

func (g *gmailState) authenticate(c *call) error {
	header := c.Header.Get("Authorization")
	if header == "" {
		return missingCredentials()
	}
	scheme, token, _ := strings.Cut(header, " ")
	granted, ok := g.world.lookup(strings.TrimSpace(token))
	if !strings.EqualFold(scheme, "Bearer") || !ok {
		return refusal{InvalidCredentials()}
	}
	if g.world.gmailOff() {
		return refusal{APIDisabled(demoProject)}
	}
	c.user, c.scopes = granted.user, granted.scopes
	if !c.allows(c.endpoint.scopes...) {
		return refusal{insufficientScope(c.rpc, c.endpoint.scopes)}
	}
	if id := c.vars["userId"]; id != "me" && !strings.EqualFold(id, c.user) {
		return refuse(http.StatusForbidden, "PERMISSION_DENIED", "forbidden", "Delegation denied for "+c.user)
	}
	return nil
}

// globalParams are taken by every method.
var globalParams = []string{
	"alt", "fields", "prettyPrint", "key", "quotaUser", "callback", "uploadType", "upload_protocol", "$.xgafv",
}

func (c *call) checkParams() error {
	for name := range c.query {
		if !slices.Contains(globalParams, name) && !slices.Contains(c.params, name) {
			return refuse(http.StatusBadRequest, "INVALID_ARGUMENT", "badRequest",
				"Invalid JSON payload received. Unknown name \""+name+
					"\": Cannot bind query parameter. Field '"+name+"' could not be found in request message.")
		}
	}
	if alt := c.query.Get("alt"); alt != "" && alt != "json" {
		return badParameter("alt", "Invalid value for alt: "+alt)
	}
	return nil
}

// route finds the method that serves a path. Of the alternatives the one with
// literal segments comes first in the table.
func route(method, path string) (*endpoint, map[string]string) {
	segments := strings.Split(strings.TrimPrefix(path, "/gmail/v1/"), "/")
	if !strings.HasPrefix(path, "/gmail/v1/") {
		return nil, nil
	}
	for i := range endpoints {
		e := &endpoints[i]
		if e.method != method {
			continue
		}
		if vars, ok := matchPath(e.pattern, segments); ok {
			return e, vars
		}
	}
	return nil, nil
}

func matchPath(pattern string, segments []string) (map[string]string, bool) {
	want := strings.Split(pattern, "/")
	if len(want) != len(segments) {
		return nil, false
	}
	vars := map[string]string{}
	for i, w := range want {
		name, isVar := strings.CutPrefix(w, ":")
		switch {
		case isVar && segments[i] != "":
			vars[name] = segments[i]
		case w != segments[i]:
			return nil, false
		}
	}
	return vars, true
}

// box returns a user's mailbox; the caller holds g.mu. Everyone has one: mail
// to an address that nobody asked about yet waits there.
func (g *gmailState) box(user string) *inbox {
	user = strings.ToLower(user)
	b := g.boxes[user]
	if b == nil {
		b = newInbox(user)
		g.boxes[user] = b
	}
	return b
}

// inside runs f on the caller's mailbox under the lock. f must not render or
// wait: rows are never changed in place, so they can be used after it.
func (g *gmailState) inside(c *call, f func(*inbox) error) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return f(g.box(c.user))
}

// asRefusal returns the answer that an error stands for.
func asRefusal(err error) refusal {
	if r, ok := errors.AsType[refusal](err); ok {
		return r
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return refusal{BackendError()}
	}
	return badRequest("%s", err.Error())
}
