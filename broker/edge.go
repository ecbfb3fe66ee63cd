package broker

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path"
	"runtime/debug"
	"strings"
	"time"
)

// handler is an HTTP handler that returns its error instead of writing it.
type handler func(w http.ResponseWriter, r *http.Request) error

// routes puts the broker together.
func (b *Broker) routes() http.Handler {
	mux := http.NewServeMux()
	api := func(pattern string, h handler) { mux.Handle(pattern, b.serve(h, writeProblem)) }
	// A person sees the errors of these two in the browser's window.
	visited := func(pattern string, h handler) { mux.Handle(pattern, b.serve(h, nil)) }

	api("POST /v1/sessions", b.create)
	api("GET /v1/sessions/{id}", b.poll)
	api("GET /v1/sessions/{id}/events", b.events)
	api("POST /v1/sessions/{id}/webhook", b.webhook)
	api("POST /v1/proxy", b.forward)

	api("POST /v1/connect/resolve", b.resolve)
	api("GET /v1/connect/{code}", b.connect)
	api("GET /v1/connect/{code}/status", b.outcome)
	api("POST /v1/connect/{code}/confirm", b.confirm)
	api("POST /v1/connect/{code}/complete", b.complete)
	visited("GET /v1/oauth/authorize/{code}", b.authorize)
	visited("POST /v1/oauth/authorize/{code}", b.authorize)
	api("POST /v1/oauth/refresh", b.refresh)
	api("POST /v1/oauth/vault", b.vault)
	api("POST /v1/oauth/revoke", b.end)
	visited("GET /v1/oauth/callback", b.callback)
	visited("GET /v1/oauth/callback/{provider}", b.callback)

	api("GET /connect", b.page)
	api("GET /connect/{code}", b.page)
	api("GET /static/{file}", b.static)
	for _, probe := range []string{"GET /healthz", "GET /health"} {
		api(probe, b.healthy)
	}
	api("GET /readyz", b.readiness)
	api("GET /metrics", b.scrape)
	api("GET /openapi.json", b.description)
	return b.edge(mux)
}

// edge is everything that happens before a route is chosen.
func (b *Broker) edge(mux *http.ServeMux) http.Handler {
	// Requests from a browser that change something come from our own page.
	// Programs send neither Origin nor Sec-Fetch-Site and pass.
	sameOrigin := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w := &statusWriter{ResponseWriter: rw}
		began := b.now()
		pattern := ""
		defer func() { b.finish(w, r, pattern, began, recover()) }()
		b.secure(w.Header())
		r = b.withClient(r)

		if p := b.turnAway(r, sameOrigin); p != nil {
			writeProblem(w, p)
			return
		}
		if _, pattern = mux.Handler(r); pattern == "" {
			notRouted(w, r, mux)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// turnAway refuses what no route would answer.
func (b *Broker) turnAway(r *http.Request, sameOrigin *http.CrossOriginProtection) *problem {
	if b.cfg.Dev && !peerAddr(r).IsLoopback() {
		return newProblem(http.StatusForbidden, "Forbidden", "In development mode the broker answers its own machine only.")
	}
	// The router would answer a path such as //v1/sessions with a redirect to
	// a URL made from the Host header, and clients that follow it repeat
	// their keys there.
	if clean := path.Clean(r.URL.Path); clean != r.URL.Path {
		return newProblem(http.StatusNotFound, "Not Found", "")
	}
	if !b.hosts[strings.ToLower(r.Host)] && !isProbe(r.URL.Path) {
		return newProblem(http.StatusMisdirectedRequest, "Misdirected Request", "The broker does not go by this host name.")
	}
	if sameOrigin.Check(r) != nil {
		return newProblem(http.StatusForbidden, "Cross-Site Request", "This request came from another site.")
	}
	// The router answers HEAD with the GET route, but a poll or a callback
	// without an answer would still use up what it answers.
	if r.Method == http.MethodHead && strings.HasPrefix(r.URL.Path, "/v1/") {
		return notAllowed("GET")
	}
	return nil
}

// isProbe: orchestrators probe by address, not by name.
func isProbe(p string) bool {
	return p == "/healthz" || p == "/readyz" || p == "/health" || p == "/metrics"
}

func notAllowed(allow string) *problem {
	return newProblem(http.StatusMethodNotAllowed, "Method Not Allowed", "").with("Allow", allow)
}

// notRouted answers in our own words what the router answers in plain text.
func notRouted(w http.ResponseWriter, r *http.Request, mux *http.ServeMux) {
	plain, _ := mux.Handler(r)
	answer := &headOnly{header: make(http.Header)}
	plain.ServeHTTP(answer, r)
	if answer.status == http.StatusMethodNotAllowed {
		writeProblem(w, notAllowed(answer.header.Get("Allow")))
		return
	}
	writeProblem(w, newProblem(http.StatusNotFound, "Not Found", ""))
}

type headOnly struct {
	header http.Header
	status int
}

func (h *headOnly) Header() http.Header         { return h.header }
func (h *headOnly) WriteHeader(status int)      { h.status = status }
func (h *headOnly) Write(p []byte) (int, error) { return len(p), nil }

// serve turns the error of h into an answer, with render or, where that is
// nil, as the client prefers.
func (b *Broker) serve(h handler, render func(http.ResponseWriter, *problem)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := h(w, r)
		if err == nil {
			return
		}
		if errors.Is(err, context.Canceled) {
			return // the client has gone
		}
		p := asProblem(err)
		if fault, ok := errors.AsType[*StoreError](err); ok {
			b.cfg.Log.Error().Str("route", r.Pattern).Str("store", fault.Store).Str("op", fault.Op).Str("cause", fault.Cause).Msg("store failed")
		}
		if p.Status == http.StatusInternalServerError {
			// Errors of stores and of the standard library end here. They are
			// logged by type: their text may hold what a client sent.
			b.cfg.Log.Error().Str("route", r.Pattern).Str("type", fmt.Sprintf("%T", err)).Msg("request failed")
		}
		switch {
		case render != nil:
			render(w, p)
		case prefersHTML(r):
			b.writeNotice(w, r, p)
		default:
			writeProblem(w, p)
		}
	})
}

// secure sets the headers that every answer has.
func (b *Broker) secure(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	if b.base.Scheme == "https" {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}

// finish answers after a panic and writes the request's line. The line has the
// route, not the path: the path holds a code.
func (b *Broker) finish(w *statusWriter, r *http.Request, pattern string, began time.Time, panicked any) {
	if panicked != nil {
		if err, ok := panicked.(error); ok && errors.Is(err, http.ErrAbortHandler) {
			panic(panicked)
		}
		// The value of a panic may hold anything; its type and the stack do not.
		b.cfg.Log.Error().Str("route", pattern).Str("type", fmt.Sprintf("%T", panicked)).
			Bytes("stack", debug.Stack()).Msg("handler panicked")
		if w.status == 0 {
			writeProblem(w, asProblem(errPanicked))
		}
	}
	b.metrics.request(pattern, w.status, b.now().Sub(began))
	b.cfg.Log.Debug().Str("method", r.Method).Str("route", pattern).Int("status", w.status).
		Dur("took", b.now().Sub(began)).Msg("request")
}

var errPanicked = errors.New("broker: handler panicked")

// statusWriter remembers the status.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (b *Broker) healthy(w http.ResponseWriter, _ *http.Request) error {
	return writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
}

func (b *Broker) readiness(w http.ResponseWriter, r *http.Request) error {
	_, err := b.store.Count(r.Context())
	if store, ok := b.store.(Prober); ok && err == nil {
		err = store.Probe(r.Context())
	}
	if err != nil {
		return unavailable("The session store does not answer, or takes no changes.")
	}
	return b.healthy(w, r)
}
